//! What archives and value images share once their head is checked: records, nodes and extents over
//! a source of bytes, each checked when it is first touched.

use std::sync::Arc;

use super::cancel;
use super::check::Check;
use super::extents::{ExtentState, ExtentStorage};
use super::frames::{local_offset, source_of};
use super::nodes::LazySlots;
use super::source::ByteSource;
pub(crate) use super::tables::{TableBytes, Tables};
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::NONE;
use crate::format::extent::ExtentRecord;
use crate::format::parts::{Records, no_extent};
use crate::format::records::{NodeRecord, Slot, TensorSlot};
use crate::limits::Limits;
use crate::pool::BufferPool;
use crate::tree::node::Node;
use crate::tree::restore::{TreeSource, restore};
use crate::value::{Complex128, DType, Order, Storage, Tensor, Value, byte_len};

/// Bytes of a long string read in one go.
const PIECE_BYTES: usize = 4 << 20;

/// Records, nodes and extents over a source of bytes.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) source: Arc<dyn ByteSource>,
    pub(crate) tables: Tables,
    pub(crate) origin: Origin,
    pub(crate) check: Check,
    pub(crate) limits: Limits,
    /// Where memory for array data comes from.
    pub(super) pool: Option<BufferPool>,
    pub(super) nodes: LazySlots<Arc<Node>>,
    pub(super) extents: LazySlots<ExtentState>,
    /// The file of each of its sources, and where its offsets count from there; none where they
    /// count from the beginning of `origin`. For messages.
    places: Vec<(Origin, u64)>,
}

impl Store {
    pub(crate) fn new(
        source: Arc<dyn ByteSource>,
        tables: Tables,
        origin: Origin,
        check: Check,
        limits: Limits,
    ) -> Store {
        let (nodes, extents) = tables.counts();
        let nodes = LazySlots::new(nodes);
        let extents = LazySlots::new(extents);
        Store {
            source,
            tables,
            origin,
            check,
            limits,
            pool: None,
            nodes,
            extents,
            places: Vec::new(),
        }
    }

    /// With a pool for array data.
    pub(super) fn with_pool(mut self, pool: Option<BufferPool>) -> Store {
        self.pool = pool;
        self
    }

    /// The store of an image, whose bytes and those it names stand in these places.
    pub(super) fn in_places(mut self, places: Vec<(Origin, u64)>) -> Store {
        self.places = places;
        self
    }

    /// The file in which the byte at an offset stands, and its place there.
    fn place_of(&self, offset: u64) -> (Origin, u64) {
        match self.places.get(source_of(offset)) {
            Some((file, first)) => (file.clone(), first.saturating_add(local_offset(offset))),
            None => (self.origin.clone(), offset),
        }
    }

    /// All records, checked as a whole.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] where the table is only checked now; what reading it answers.
    pub(crate) fn records(&self) -> Result<Records<'_>> {
        self.tables.records()
    }

    /// Where the nodes stand, which follow each other: first byte and end.
    pub(super) fn nodes_range(&self) -> (u64, u64) {
        if let Some(preamble) = self.tables.preamble() {
            let area = preamble.nodes_area;
            return (area.offset, area.end().unwrap_or(area.offset));
        }
        let nodes = self.records().map_or(&[][..], |records| records.nodes);
        let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else {
            return (0, 0);
        };
        (first.offset, last.offset + u64::from(last.len))
    }

    /// Bytes of all nodes.
    pub(super) fn node_bytes(&self) -> u64 {
        let (start, end) = self.nodes_range();
        end - start
    }

    /// The value of a slot. `variable` is named by the errors of its tensors when they are read.
    pub(crate) fn value(self: &Arc<Self>, slot: Slot, variable: Option<&str>) -> Result<Value> {
        Ok(match slot {
            Slot::Null => Value::Null,
            Slot::Boolean(boolean) => Value::Boolean(boolean),
            Slot::Integer(integer) => Value::Integer(integer),
            Slot::Number(bits) => Value::Number(f64::from_bits(bits)),
            Slot::Complex(re, im) => {
                Value::Complex(Complex128::new(f64::from_bits(re), f64::from_bits(im)))
            }
            Slot::Tensor(tensor) => {
                let shape = self.shape(&tensor)?;
                let order = tensor.order.code();
                let storages = StoreRef::new(self, variable);
                Value::Tensor(storages.tensor(tensor.dtype, order, shape, tensor.extent)?)
            }
            Slot::Node(node) => restore(&StoreRef::new(self, variable), node)?,
        })
    }

    /// The node of that number, kept from now on.
    pub(crate) fn kept_node(&self, number: u32) -> Result<&Node> {
        if let Some(node) = self.nodes.get(number as usize) {
            return Ok(node);
        }
        let node = Arc::new(self.read_node(number)?);
        let kept = self.nodes.set(number as usize, node);
        kept.map(|node| &**node).ok_or_else(|| self.no_node(number))
    }

    /// The node of that number: a kept one, or one that goes when it is no longer used.
    pub(super) fn passing_node(&self, number: u32) -> Result<Arc<Node>> {
        match self.nodes.get(number as usize) {
            Some(node) => Ok(Arc::clone(node)),
            None => Ok(Arc::new(self.read_node(number)?)),
        }
    }

    /// Reads and checks a node, its sum as the caller of `open` chose.
    fn read_node(&self, number: u32) -> Result<Node> {
        self.checked_node(number, self.check != Check::Never)
    }

    /// Reads and checks a node; its sum only when asked to.
    pub(super) fn checked_node(&self, number: u32, sum: bool) -> Result<Node> {
        cancel::check(&self.origin)?;
        let record = self.node_record(number)?;
        self.refuse_change()?;
        self.node_of(number, record, sum, |bytes| self.read(record.offset, bytes))
    }

    /// A node whose bytes `fill` gives, checked; its sum only when asked to.
    pub(super) fn node_of(
        &self,
        number: u32,
        record: &NodeRecord,
        sum: bool,
        fill: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Node> {
        // The length is bounded by the table's check: at most 64 KiB.
        let mut words = vec![0u64; (record.len / 8) as usize].into_boxed_slice();
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut words);
        fill(bytes)?;
        if sum {
            let found = crc32fast::hash(bytes);
            if found != record.crc {
                let problem = Problem::Checksum {
                    expected: record.crc,
                    found,
                };
                return Err(self.fault(Part::Node(number), record.offset, problem));
            }
        }
        Node::check(words).map_err(|text| self.damaged_node(number, text))
    }

    /// A tensor over an extent, once codes, shape and length agree.
    pub(super) fn tensor_over(
        self: &Arc<Self>,
        dtype: u8,
        order: u8,
        shape: &[u64],
        extent: u32,
        variable: Option<&str>,
    ) -> Result<Tensor> {
        let dtype = DType::from_code(dtype)
            .ok_or_else(|| self.unsupported(format!("dtype code {dtype}")))?;
        let bad_order = || {
            let (field, found) = ("order", order.into());
            self.fault(Part::Extent(extent), 0, Problem::Field { field, found })
        };
        let order = Order::from_code(order).ok_or_else(bad_order)?;
        let (part, offset, found) = match extent {
            NONE => (Part::Shapes, 0, 0),
            number => {
                let record = self.extent(number)?;
                (Part::Extent(number), record.offset, record.raw_len)
            }
        };
        let fault = |problem| self.fault(part, offset, problem);
        let expected =
            byte_len(dtype, shape).map_err(|e| fault(Problem::Structure(e.to_string())))?;
        if expected != found {
            return Err(fault(Problem::Length { expected, found }));
        }
        if extent == NONE {
            return Tensor::from_bytes(dtype, shape, order, &[]);
        }
        self.check_known(self.extent(extent)?)?;
        let storage = ExtentStorage::new(Arc::clone(self), extent, variable);
        Tensor::from_storage(dtype, shape, order, Arc::new(storage))
    }

    /// The record of an extent.
    pub(crate) fn extent(&self, number: u32) -> Result<&ExtentRecord> {
        let records = match &self.tables {
            Tables::Lazy(table) if table.if_whole().is_none() => {
                return match self.extents.get(number as usize) {
                    Some(_) => table.known_extent(number),
                    None => table.extent(number),
                };
            }
            tables => tables.records()?,
        };
        let extent = records.extents.get(number as usize);
        extent.ok_or_else(|| self.fault(Part::Extent(number), 0, no_extent(number)))
    }

    /// The record of a node.
    pub(super) fn node_record(&self, number: u32) -> Result<&NodeRecord> {
        let records = match &self.tables {
            Tables::Lazy(table) if table.if_whole().is_none() => return table.node(number),
            tables => tables.records()?,
        };
        let node = records.nodes.get(number as usize);
        node.ok_or_else(|| self.no_node(number))
    }

    /// The dimensions of a tensor in a slot.
    pub(super) fn shape(&self, tensor: &TensorSlot) -> Result<&[u64]> {
        let shape = match &self.tables {
            Tables::Lazy(table) if table.if_whole().is_none() => table.shape(tensor)?,
            tables => tables.records()?.shape(tensor),
        };
        Ok(shape.unwrap_or_default())
    }

    /// The node of shared number `shared`: the content of a cell or a scope.
    pub(crate) fn shared_node(&self, shared: u32) -> Option<u32> {
        self.tables.shared_node(shared)
    }

    /// Refuses an extent whose codec this build cannot read.
    pub(super) fn check_known(&self, record: &ExtentRecord) -> Result<()> {
        match record.codec() {
            Some(crate::format::extent::Codec::Zstd) if !cfg!(feature = "zstd") => Err(self
                .unsupported("zstd (this build was made without the feature `zstd`)".to_owned())),
            Some(_) => Ok(()),
            None => Err(self.unsupported(format!("codec {}", record.codec))),
        }
    }

    /// Reads bytes of the file.
    pub(super) fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out).map_err(|e| {
            let (path, _) = self.place_of(offset);
            if e.kind() == std::io::ErrorKind::UnexpectedEof {
                let what = "its length differs";
                return EnvError::ChangedInPlace { path, what };
            }
            EnvError::io("read", path, e)
        })
    }

    /// Refuses a file that was written in place since it was opened: a net, and no proof.
    pub(super) fn refuse_change(&self) -> Result<()> {
        match self.source.change() {
            Some(what) => Err(EnvError::ChangedInPlace {
                path: self.origin.clone(),
                what,
            }),
            None => Ok(()),
        }
    }

    pub(super) fn fault(&self, part: Part, offset: u64, problem: Problem) -> EnvError {
        let (path, offset) = self.place_of(offset);
        let fault = Fault::new(part, offset, problem);
        EnvError::Damaged { path, fault }
    }

    pub(crate) fn damaged_node(&self, number: u32, text: String) -> EnvError {
        let offset = self.node_record(number).map_or(0, |node| node.offset);
        self.fault(Part::Node(number), offset, Problem::Structure(text))
    }

    pub(super) fn no_node(&self, number: u32) -> EnvError {
        let problem = Problem::Field {
            field: "node number",
            found: number.into(),
        };
        self.fault(Part::Node(number), 0, problem)
    }

    pub(super) fn unsupported(&self, what: String) -> EnvError {
        EnvError::Unsupported {
            path: self.origin.clone(),
            what,
        }
    }
}

/// A store as the source of trees; holds the `Arc` that tensors keep.
pub(super) struct StoreRef<'s> {
    store: &'s Arc<Store>,
    /// Named by the errors of tensors when they are read.
    variable: Option<&'s str>,
}

impl<'s> StoreRef<'s> {
    pub(super) fn new(store: &'s Arc<Store>, variable: Option<&'s str>) -> Self {
        StoreRef { store, variable }
    }
}

impl TreeSource for StoreRef<'_> {
    fn node(&self, number: u32) -> Result<Arc<Node>> {
        self.store.passing_node(number)
    }

    fn shared_node(&self, shared: u32) -> Result<u32> {
        let number = self.store.shared_node(shared);
        number.ok_or_else(|| self.store.no_node(shared))
    }

    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor> {
        self.store
            .tensor_over(dtype, order, shape, extent, self.variable)
    }

    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>> {
        let len = self.store.check_cap(extent)?.raw_len;
        let mut bytes = Vec::new();
        let size = usize::try_from(len).unwrap_or(usize::MAX);
        bytes
            .try_reserve_exact(size)
            .map_err(|_| EnvError::TooLarge {
                path: self.store.origin.clone(),
                what: format!("extent {extent}"),
                found: len,
                cap: usize::MAX as u64,
            })?;
        // Memory is touched as the bytes turn out to be there.
        let storage = ExtentStorage::new(Arc::clone(self.store), extent, self.variable);
        while bytes.len() < size {
            let at = bytes.len();
            bytes.resize(size.min(at + PIECE_BYTES), 0);
            storage.read_at(at as u64, bytes.get_mut(at..).unwrap_or_default())?;
        }
        Ok(bytes)
    }

    fn damaged(&self, node: u32, what: &str) -> EnvError {
        self.store.damaged_node(node, what.to_owned())
    }
}
