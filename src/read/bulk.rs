//! Many bindings at once: what they share is shared, and their nodes, which stand together, are
//! read together.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::archive::Archive;
use super::binding::Binding;
use super::store::{Store, StoreRef};
use crate::error::{EnvError, Result};
use crate::format::records::{EntryRecord, NodeRecord, Slot};
use crate::tree::node::Node;
use crate::tree::restore::{TreeSource, restore_many};
use crate::value::{Record, Tensor, Value};

/// Bytes of nodes read in one go while they are asked for one after the other.
const WINDOW_BYTES: u64 = 512 << 10;
/// Bytes read with the first node, and with one that stands elsewhere: few bindings need no more,
/// and an order that goes back and forth must not cost a long read each time.
const FIRST_WINDOW_BYTES: u64 = 16 << 10;

impl Archive {
    /// The values of several bindings. What is one cell or scope under two names is one.
    pub(crate) fn load_bindings(&self, bindings: &[Binding<'_>]) -> Result<Vec<Value>> {
        let slots = bindings.iter().map(|b| Ok((b.slot()?, b.name())));
        values(self.store(), &slots.collect::<Result<Vec<_>>>()?)
    }

    /// Values and attributes of several bindings, as [`Archive::load_bindings`].
    pub(crate) fn load_with_attributes(
        &self,
        bindings: &[Binding<'_>],
    ) -> Result<Vec<(Value, Record)>> {
        let mut slots = Vec::with_capacity(bindings.len());
        for binding in bindings {
            slots.push((binding.slot()?, binding.name()));
        }
        for binding in bindings {
            if let Some(node) = binding.entry().and_then(EntryRecord::attributes) {
                slots.push((Slot::Node(node), binding.name()));
            }
        }
        let mut values = values(self.store(), &slots)?;
        let mut attributes = values.split_off(bindings.len()).into_iter();
        let with_attributes = values.into_iter().zip(bindings).map(|(value, binding)| {
            if !binding.has_attributes() {
                return Ok((value, Record::new()));
            }
            match attributes.next() {
                Some(Value::Record(record)) => Ok((value, record)),
                // Says what is wrong with them, and where.
                _ => Ok((value, binding.attributes()?)),
            }
        });
        with_attributes.collect()
    }
}

/// The values of several slots; errors and tensors name the variable beside each.
fn values(store: &Arc<Store>, slots: &[(Slot, &str)]) -> Result<Vec<Value>> {
    let structured: Vec<(u32, &str)> = slots
        .iter()
        .filter_map(|(slot, name)| match slot {
            Slot::Node(node) => Some((*node, *name)),
            _ => None,
        })
        .collect();
    let nodes: Vec<u32> = structured.iter().map(|(node, _)| *node).collect();
    let source = BulkSource {
        store,
        variable: Cell::new(None),
        window: RefCell::default(),
    };
    let begin = |place: usize| {
        let variable = structured.get(place).map(|(_, name)| *name);
        source.variable.set(variable);
    };
    let restored = restore_many(&source, &nodes, &begin);
    let restored = restored.map_err(|error| match source.variable.get() {
        Some(name) => error.of_variable(name),
        None => error,
    })?;
    let mut restored = restored.into_iter();
    let value = |(slot, name): &(Slot, &str)| match slot {
        Slot::Node(_) => Ok(restored.next().unwrap_or_default()),
        slot => store
            .value(*slot, Some(name))
            .map_err(|error| error.of_variable(name)),
    };
    slots.iter().map(value).collect()
}

/// A store whose nodes are asked for in about the order in which they stand.
struct BulkSource<'s> {
    store: &'s Arc<Store>,
    /// Whose value is being made.
    variable: Cell<Option<&'s str>>,
    window: RefCell<Window>,
}

/// Bytes of the file read ahead.
#[derive(Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl BulkSource<'_> {
    /// Copies the bytes of a node, reading those that follow it too.
    fn fill(&self, record: &NodeRecord, out: &mut [u8]) -> Result<()> {
        let mut window = self.window.borrow_mut();
        if let Some(bytes) = window.get(record) {
            out.copy_from_slice(bytes);
            return Ok(());
        }
        self.store.refuse_change()?;
        let size = match window.is_followed_by(record) {
            true => WINDOW_BYTES,
            false => FIRST_WINDOW_BYTES,
        };
        let nodes = self.store.records().nodes;
        let end = nodes
            .last()
            .map_or(0, |node| node.offset + u64::from(node.len));
        let len = size
            .max(u64::from(record.len))
            .min(end.saturating_sub(record.offset));
        window.offset = record.offset;
        window.bytes.resize(len as usize, 0);
        self.store.read(record.offset, &mut window.bytes)?;
        match window.get(record) {
            Some(bytes) => out.copy_from_slice(bytes),
            None => self.store.read(record.offset, out)?,
        }
        Ok(())
    }
}

impl Window {
    /// Whether a node that is not whole in the window begins in it, or right behind it.
    fn is_followed_by(&self, record: &NodeRecord) -> bool {
        let end = self.offset + self.bytes.len() as u64;
        !self.bytes.is_empty() && (self.offset..=end).contains(&record.offset)
    }

    fn get(&self, record: &NodeRecord) -> Option<&[u8]> {
        let start = usize::try_from(record.offset.checked_sub(self.offset)?).ok()?;
        self.bytes
            .get(start..start.checked_add(record.len as usize)?)
    }
}

impl TreeSource for BulkSource<'_> {
    fn node(&self, number: u32) -> Result<Arc<Node>> {
        if let Some(node) = self.store.nodes.get(number as usize) {
            return Ok(Arc::clone(node));
        }
        let record = self.store.records().nodes.get(number as usize);
        let record = record.ok_or_else(|| self.store.no_node(number))?;
        let sum = self.store.check != super::check::Check::Never;
        let node = self
            .store
            .node_of(number, record, sum, |bytes| self.fill(record, bytes))?;
        Ok(Arc::new(node))
    }

    fn shared_node(&self, shared: u32) -> Result<u32> {
        StoreRef::new(self.store, None).shared_node(shared)
    }

    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor> {
        StoreRef::new(self.store, self.variable.get()).tensor(dtype, order, shape, extent)
    }

    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>> {
        StoreRef::new(self.store, self.variable.get()).extent_bytes(extent)
    }

    fn damaged(&self, node: u32, what: &str) -> EnvError {
        self.store.damaged_node(node, what.to_owned())
    }
}
