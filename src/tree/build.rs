//! Values to nodes and extents: the planning half of a save. Values are borrowed; only nodes, which
//! are small, are made here. Where array data stands is decided later, by whoever writes it.

use std::collections::HashMap;
use std::io::{self, Read, Seek, Write};
use std::sync::Arc;

use super::duplicates::Duplicates;
use super::extent_source::{ExtentSource, PlannedExtent};
use super::node_bytes::{Mark, NodeBytes, Part, Root, tag};
use super::schema::{IndexEntry, IndexPartTree, PartTree};
use super::shared::{Shared, SharedIds, SharedKey};
use super::slot::scalar;
use crate::error::{EnvError, Result};
use crate::finding::Finding;
use crate::format::NONE;
use crate::format::image::CONTENT_ELSEWHERE;
use crate::format::records::{Slot, TensorSlot};
use crate::limits::MAX_NODE_BYTES;
use crate::marks::Marks;
use crate::stack::with_room;
use crate::value::{
    DType, NoContents, Order, SharedContents, Tensor, TensorData, TensorRef, Value, ValueRef,
};

/// Length and CRC-32 of a node; nodes follow each other in the order of their numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedNode {
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

/// Gathers nodes, extents and shapes while values are added.
///
/// `S` takes the bytes of the nodes, one spool for the ordinary ones and one for the shared ones,
/// which come last.
pub(crate) struct Builder<'a, S> {
    spool: S,
    shared_spool: S,
    nodes: Vec<PlannedNode>,
    shared_nodes: Vec<PlannedNode>,
    pub(crate) extents: Vec<PlannedExtent<'a>>,
    pub(crate) shapes: Vec<u64>,
    pub(super) duplicates: Duplicates,
    shared: Vec<Shared>,
    shared_by_key: HashMap<SharedKey, u32>,
    pub(super) marks: Marks,
    cold: bool,
    /// Whether what is cold in an archive stays so, as it stands there.
    pub(crate) keep_coding: bool,
    /// Bytes of nodes and extents that the value being added needs, shared ones counted again.
    binding_bytes: u64,
    /// Contents of cells and scopes, by address, that are saved instead of what is in them now.
    pub(crate) frozen: Option<Arc<HashMap<usize, Value>>>,
    /// In a session: names cells and scopes.
    pub(crate) ids: Option<Box<dyn SharedIds + 'a>>,
    shared_ids: Vec<u64>,
    pub(super) bytes: NodeBytes,
}

/// The nodes of a save, and their bytes.
#[derive(Debug)]
pub(crate) struct BuiltNodes<S> {
    pub(crate) nodes: Vec<PlannedNode>,
    pub(crate) shared_count: u32,
    /// In a session: the ids of the shared nodes; with [`CONTENT_ELSEWHERE`] where the node is empty.
    pub(crate) shared_ids: Option<Vec<u64>>,
    pub(crate) spools: [S; 2],
}

impl<'a, S: Read + Write + Seek> Builder<'a, S> {
    pub(crate) fn new(spool: S, shared_spool: S) -> Self {
        Builder {
            spool,
            shared_spool,
            nodes: Vec::new(),
            shared_nodes: Vec::new(),
            extents: Vec::new(),
            shapes: Vec::new(),
            duplicates: Duplicates::default(),
            shared: Vec::new(),
            shared_by_key: HashMap::new(),
            marks: Marks::default(),
            cold: false,
            keep_coding: false,
            binding_bytes: 0,
            frozen: None,
            ids: None,
            shared_ids: Vec::new(),
            bytes: NodeBytes::recycled(),
        }
    }

    /// Adds a value: scalars and tensors stand in the slot itself, anything else in a node. What
    /// could not be saved of it is told by [`Builder::take_findings`].
    pub(crate) fn add(
        &mut self,
        value: &ValueRef<'a>,
        cold: bool,
        contents: &mut dyn SharedContents<'a>,
    ) -> Result<Slot> {
        self.cold = cold;
        self.binding_bytes = 0;
        self.marks.begin();
        self.bytes.clear();
        if let Some(slot) = scalar(value) {
            return Ok(slot);
        }
        let slot = match value {
            ValueRef::Tensor(tensor) => {
                let extent = self.borrowed_tensor(tensor)?;
                self.tensor_slot(tensor.dtype, tensor.order, &tensor.shape, extent)?
            }
            ValueRef::Value(value) => self.add_value(value)?,
            ValueRef::Owned(value) => self.add_value(value)?,
            structured => with_room(|| {
                let node = self.bytes.mark();
                let (tree, _) = self.tree_of_ref(structured, 0)?;
                self.emit(node, tree).map(Slot::Node)
            })?,
        };
        self.marks.settle(None);
        self.write_shared(contents)?;
        Ok(slot)
    }

    /// What could not be saved of the value added last, which is `name`.
    pub(crate) fn take_findings(&mut self, name: &str) -> impl Iterator<Item = Finding> {
        self.marks.take_findings(name)
    }

    fn add_value(&mut self, value: &Value) -> Result<Slot> {
        Ok(match value {
            Value::Tensor(tensor) => {
                let extent = self.tensor(tensor)?;
                self.tensor_slot(tensor.dtype(), tensor.order(), tensor.shape(), extent)?
            }
            structured => with_room(|| {
                let node = self.bytes.mark();
                let (tree, _) = self.tree(structured, 0)?;
                self.emit(node, tree).map(Slot::Node)
            })?,
        })
    }

    /// Bytes of nodes and extents of the value that was added last.
    pub(crate) fn binding_bytes(&self) -> u64 {
        self.binding_bytes
    }

    /// Writes the contents of cells and scopes that were met, and of those met in them. A queue and
    /// no recursion: cells may form chains of any length.
    fn write_shared(&mut self, contents: &mut dyn SharedContents<'a>) -> Result<()> {
        if self.shared.len() == self.shared_nodes.len() {
            return Ok(());
        }
        with_room(|| {
            while let Some(shared) = self.shared.get(self.shared_nodes.len()).cloned() {
                self.write_content(&shared, contents)?;
            }
            Ok(())
        })
    }

    /// Writes the content of one cell or scope.
    fn write_content(
        &mut self,
        shared: &Shared,
        contents: &mut dyn SharedContents<'a>,
    ) -> Result<()> {
        self.bytes.clear();
        let mark = self.bytes.mark();
        if !self.name_shared(shared)? {
            let node = write_node(&mut self.bytes, mark, Root::NULL, &mut self.shared_spool)?;
            self.shared_nodes.push(node);
            return Ok(());
        }
        let (tree, _) = match shared {
            Shared::Cell(cell) => {
                let frozen = self.frozen_content(cell.address());
                let content = frozen.unwrap_or_else(|| cell.get());
                self.tree(&content, 0)?
            }
            Shared::Scope(scope) => {
                let frozen = self.frozen_content(scope.address());
                let content = frozen.unwrap_or_else(|| Value::Record(scope.bindings()));
                self.tree(&content, 0)?
            }
            Shared::HostCell(id) | Shared::HostScope(id) => {
                let number = self.shared_nodes.len() as u32;
                let lent = self.lent_content(contents.contents(*id)?, shared.is_scope())?;
                self.lent_tree(&lent, number)?
            }
        };
        let node = write_node(&mut self.bytes, mark, tree, &mut self.shared_spool)?;
        self.binding_bytes += u64::from(node.len);
        self.shared_nodes.push(node);
        Ok(())
    }

    fn frozen_content(&self, address: usize) -> Option<Value> {
        self.frozen.as_ref()?.get(&address).cloned()
    }

    /// Notes the id of a cell or scope; whether its content is to be written.
    fn name_shared(&mut self, shared: &Shared) -> Result<bool> {
        let Some(ids) = &mut self.ids else {
            return Ok(true);
        };
        let handle = shared.handle().ok_or_else(|| EnvError::InvalidValue {
            what: "a cell of the host's own".to_owned(),
            reason: "a session takes values of this library".to_owned(),
        })?;
        let (id, content) = ids.id(&handle);
        let elsewhere = if content { 0 } else { CONTENT_ELSEWHERE };
        self.shared_ids.push(id | elsewhere);
        Ok(content)
    }

    pub(super) fn tensor_slot(
        &mut self,
        dtype: DType,
        order: Order,
        shape: &[u64],
        extent: u32,
    ) -> Result<Slot> {
        let first = count("dimensions", self.shapes.len())?;
        self.shapes.extend_from_slice(shape);
        let rank = shape.len() as u8;
        Ok(Slot::Tensor(TensorSlot {
            dtype: dtype.code(),
            order,
            rank,
            shape: first,
            extent,
        }))
    }

    /// Hands over nodes and spools.
    pub(crate) fn finish_nodes(&mut self, empty: [S; 2]) -> Result<BuiltNodes<S>> {
        // Left by a value that could not be added: the nodes that name them are in the spool.
        self.write_shared(&mut NoContents)?;
        let shared_count = count("cells", self.shared_nodes.len())?;
        let mut nodes = std::mem::take(&mut self.nodes);
        nodes.append(&mut self.shared_nodes);
        count("nodes", nodes.len())?;
        let [spool, shared_spool] = empty;
        let spool = std::mem::replace(&mut self.spool, spool);
        let shared_spool = std::mem::replace(&mut self.shared_spool, shared_spool);
        let mut spools = [spool, shared_spool];
        spools
            .iter_mut()
            .try_for_each(Seek::rewind)
            .map_err(spool_failed)?;
        let shared_ids = std::mem::take(&mut self.shared_ids);
        Ok(BuiltNodes {
            nodes,
            shared_count,
            shared_ids: self.ids.is_some().then_some(shared_ids),
            spools,
        })
    }

    // What `compound` builds with.

    /// Makes a node of what was written since `mark`, with the root `tree`; returns its number.
    pub(super) fn emit(&mut self, mark: Mark, tree: Root) -> Result<u32> {
        let number = count("nodes", self.nodes.len())?;
        let node = write_node(&mut self.bytes, mark, tree, &mut self.spool)?;
        self.binding_bytes += u64::from(node.len);
        self.nodes.push(node);
        Ok(number)
    }

    /// The shared number of a cell or scope, and whether it is new.
    pub(super) fn share(&mut self, shared: Shared) -> Result<(u32, bool)> {
        let key = shared.key();
        if let Some(number) = self.shared_by_key.get(&key) {
            if self.shared[*number as usize].is_scope() != shared.is_scope() {
                return Err(EnvError::InvalidValue {
                    what: format!("{key:?}"),
                    reason: "it is named as a cell and as a scope".to_owned(),
                });
            }
            return Ok((*number, false));
        }
        let number = count("cells", self.shared.len())?;
        self.shared_by_key.insert(key, number);
        self.shared.push(shared);
        Ok((number, true))
    }

    pub(super) fn tensor(&mut self, tensor: &Tensor) -> Result<u32> {
        let (storage, start, len) = tensor.storage();
        let source = ExtentSource::Stored {
            storage: Arc::clone(storage),
            start,
        };
        self.extent(source, len, tensor.dtype().component_size())
    }

    pub(super) fn borrowed_tensor(&mut self, tensor: &TensorRef<'a>) -> Result<u32> {
        let source = match &tensor.data {
            TensorData::Bytes { bytes, volatile } => ExtentSource::Borrowed {
                bytes,
                volatile: *volatile,
            },
            TensorData::Source(source) => ExtentSource::Made(Arc::clone(source)),
        };
        self.extent(source, tensor.byte_len(), tensor.dtype.component_size())
    }

    /// The extent of array data: one that the same memory already has, or one of the same content,
    /// or a new one.
    pub(super) fn extent(
        &mut self,
        source: ExtentSource<'a>,
        raw_len: u64,
        width: usize,
    ) -> Result<u32> {
        if raw_len == 0 {
            return Ok(NONE);
        }
        self.binding_bytes = self.binding_bytes.saturating_add(raw_len);
        let is_coded = || {
            source
                .stored(raw_len)
                .is_some_and(|stored| !stored.is_raw())
        };
        let cold = self.cold || (self.keep_coding && is_coded());
        let identity = source.identity(raw_len, cold);
        if let Some(known) = self.duplicates.of_identity(identity) {
            return Ok(known);
        }
        let number = count("extents", self.extents.len())?;
        let class = (raw_len, cold);
        let key = self.duplicates.key(&source, class, &self.extents)?;
        for candidate in self.duplicates.alike(class, key) {
            let candidate_source = &self.extents[*candidate as usize].source;
            if candidate_source.same(&source, raw_len)? {
                return Ok(*candidate);
            }
        }
        self.duplicates.note(number, identity, class, key);
        self.extents.push(PlannedExtent {
            source,
            raw_len,
            width,
            cold,
            keep_coding: self.keep_coding,
        });
        Ok(number)
    }

    /// Writes the parts of a large record and its index: the tree, and how many bytes its lists take.
    pub(super) fn record_parts(
        &mut self,
        parts: Vec<PartTree>,
        mut index: Vec<IndexEntry>,
    ) -> Result<(Root, usize)> {
        index.sort_unstable();
        let mut index_parts = Vec::new();
        for chunk in index.chunks(INDEX_NODE_ENTRIES) {
            let mark = self.bytes.mark();
            let list = self.bytes.index(chunk);
            index_parts.push(IndexPartTree {
                first: chunk[0].hash,
                node: self.emit(mark, Root::list(tag::INDEX, list))?,
            });
        }
        if index_parts.len() > MAX_INDEX_PARTS {
            // Beyond 16.8 million fields: found by looking through the names.
            index_parts.clear();
        }
        let parts = self.fold(parts, true)?;
        let size = size_of_val(&parts[..]) + size_of_val(&index_parts[..]);
        Ok((self.parts_tree(&parts, &index_parts, true), size))
    }

    /// A list of parts, of a record or of a vector.
    pub(super) fn parts_tree(
        &mut self,
        parts: &[PartTree],
        index: &[IndexPartTree],
        of_record: bool,
    ) -> Root {
        let parts = self.bytes.parts(parts);
        if !of_record {
            return Root::list(tag::VECTOR_PARTS, parts);
        }
        let index = self.bytes.index_parts(index);
        let record = self.bytes.object(&[Part::List(parts), Part::List(index)]);
        Root::boxed(tag::RECORD_PARTS, record)
    }

    /// Parts as few as one node holds: runs of them become nodes of parts.
    pub(super) fn fold(
        &mut self,
        mut parts: Vec<PartTree>,
        of_record: bool,
    ) -> Result<Vec<PartTree>> {
        while parts.len() > MAX_PARTS {
            let mut folded = Vec::new();
            let mut before = 0;
            for run in parts.chunks(MAX_PARTS) {
                let local = run.iter().map(|part| PartTree {
                    end: part.end - before,
                    ..*part
                });
                let local: Vec<PartTree> = local.collect();
                before = run[run.len() - 1].end;
                let mark = self.bytes.mark();
                let tree = self.parts_tree(&local, &[], of_record);
                folded.push(PartTree {
                    end: before,
                    node: self.emit(mark, tree)?.into(),
                });
            }
            parts = folded;
        }
        Ok(parts)
    }
}

/// Entries of an index node and parts of a node: what fits 32 KiB.
const INDEX_NODE_ENTRIES: usize = 4096;
const MAX_PARTS: usize = 1024;
const MAX_INDEX_PARTS: usize = 4096;

/// A count as 32 bits: the format numbers nodes, extents and cells with them.
pub(super) fn count(what: &str, n: usize) -> Result<u32> {
    u32::try_from(n)
        .ok()
        .filter(|n| *n != NONE)
        .ok_or_else(|| EnvError::InvalidValue {
            what: format!("{n} {what}"),
            reason: format!("an archive holds at most {} of them", NONE - 1),
        })
}

/// Writes what stands in `bytes` since `mark` to `spool`, as a node with the root `tree`.
fn write_node(
    bytes: &mut NodeBytes,
    mark: Mark,
    tree: Root,
    spool: &mut impl Write,
) -> Result<PlannedNode> {
    let (lead, rest) = bytes.node(mark, tree);
    let len = lead.len() + rest.len();
    if len > MAX_NODE_BYTES {
        return Err(EnvError::InvalidValue {
            what: "a structured value".to_owned(),
            reason: format!("a piece of it needs {len} bytes, {MAX_NODE_BYTES} fit"),
        });
    }
    let written = spool.write_all(lead).and_then(|()| spool.write_all(rest));
    written.map_err(spool_failed)?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(lead);
    crc.update(rest);
    bytes.cut(mark);
    Ok(PlannedNode {
        len: len as u32,
        crc: crc.finalize(),
    })
}

fn spool_failed(source: io::Error) -> EnvError {
    EnvError::io("write", crate::error::Origin::Memory, source)
}
