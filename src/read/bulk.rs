//! Many bindings at once: what they share is shared, and their nodes, which stand together, are
//! read together.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::archive::Archive;
use super::binding::{Binding, Root};
use super::cells::CellHandles;
use super::store::{Store, StoreRef};
use crate::error::{EnvError, Result};
use crate::format::records::{NodeRecord, Slot};
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
        let roots = bindings.iter().map(|b| Ok((b.root()?, b.name())));
        self.load_roots(&roots.collect::<Result<Vec<_>>>()?)
    }

    /// Values and attributes of several bindings, loaded together: what is one cell or scope under two
    /// names, or in the attributes of another variable, is one.
    ///
    /// ```
    /// use achronyme_env::{Archive, Record, SaveOptions, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let units = Record::from([("units", "K")]);
    /// save(&path, [("a", 1.5), ("b", 2.5)], &SaveOptions::new().attributes("b", units))?;
    /// let archive = Archive::open(&path)?;
    /// let bindings: Vec<_> = archive.bindings().collect();
    /// let loaded = archive.load_with_attributes(&bindings)?;
    /// assert_eq!(loaded[1].1.get("units").unwrap().as_str(), Some("K"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Archive::get`], about the variable.
    pub fn load_with_attributes(&self, bindings: &[Binding<'_>]) -> Result<Vec<(Value, Record)>> {
        self.load_with_some_attributes(bindings, |_| true)
    }

    /// As [`Archive::load_with_attributes`], with those of the bindings at the places `wanted`; of the
    /// others without.
    pub(crate) fn load_with_some_attributes(
        &self,
        bindings: &[Binding<'_>],
        wanted: impl Fn(usize) -> bool,
    ) -> Result<Vec<(Value, Record)>> {
        let mut roots = Vec::with_capacity(bindings.len());
        for binding in bindings {
            roots.push((binding.root()?, binding.name()));
        }
        for place in 0..bindings.len() {
            let (root, name) = roots[place];
            if let Some(node) = root.attributes.filter(|_| wanted(place)) {
                let slot = Slot::Node(node);
                roots.push((Root { slot, ..root }, name));
            }
        }
        let mut values = self.load_roots(&roots)?;
        let mut attributes = values.split_off(bindings.len()).into_iter();
        let bindings = bindings.iter().enumerate();
        let with_attributes = values
            .into_iter()
            .zip(bindings)
            .map(|(value, (place, binding))| {
                if !binding.has_attributes() || !wanted(place) {
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
impl Archive {
    fn load_roots(&self, roots: &[(Root<'_>, &str)]) -> Result<Vec<Value>> {
        match self.overlay() {
            Some(overlay) => super::cells::load(overlay, roots, &CellHandles::default()),
            None => {
                let slots: Vec<_> = roots
                    .iter()
                    .map(|(root, name)| (root.slot, *name))
                    .collect();
                values(self.store(), &slots)
            }
        }
    }
}

fn values(store: &Arc<Store>, slots: &[(Slot, &str)]) -> Result<Vec<Value>> {
    let structured: Vec<(u32, &str)> = slots
        .iter()
        .filter_map(|(slot, name)| match slot {
            Slot::Node(node) => Some((*node, *name)),
            _ => None,
        })
        .collect();
    let nodes: Vec<u32> = structured.iter().map(|(node, _)| *node).collect();
    let source = BulkSource::new(store);
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
pub(super) struct BulkSource<'s> {
    pub(super) store: Arc<Store>,
    /// Whose value is being made.
    pub(super) variable: Cell<Option<&'s str>>,
    window: RefCell<Window>,
}

/// Bytes of the file read ahead.
#[derive(Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl<'s> BulkSource<'s> {
    pub(super) fn new(store: &Arc<Store>) -> Self {
        BulkSource {
            store: Arc::clone(store),
            variable: Cell::new(None),
            window: RefCell::default(),
        }
    }

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
        let (_, end) = self.store.nodes_range();
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
        let record = self.store.node_record(number)?;
        let sum = self.store.check != super::check::Check::Never;
        let node = self
            .store
            .node_of(number, record, sum, |bytes| self.fill(record, bytes))?;
        Ok(Arc::new(node))
    }

    fn shared_node(&self, shared: u32) -> Result<u32> {
        StoreRef::new(&self.store, None).shared_node(shared)
    }

    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor> {
        StoreRef::new(&self.store, self.variable.get()).tensor(dtype, order, shape, extent)
    }

    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>> {
        StoreRef::new(&self.store, self.variable.get()).extent_bytes(extent)
    }

    fn damaged(&self, node: u32, what: &str) -> EnvError {
        self.store.damaged_node(node, what.to_owned())
    }
}
