//! One binding of an archive: what the table says of it, and its value.

use std::fmt;
use std::sync::Arc;

use super::store::{Store, TableBytes};
use super::view::View;
use crate::error::Result;
use crate::format::NONE;
use crate::format::extent::{Codec, DigestKind};
use crate::format::records::{
    EntryRecord, FLAG_CONSTANT, FLAG_MUTABLE, FLAG_TOMBSTONE, Slot, TensorSlot,
};
use crate::format::table::Table;
use crate::value::{DType, Kind, Order, Record, Value};

/// A name, its value, and its attributes. Borrowed from an archive; looking at it reads nothing
/// unless said otherwise.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    store: &'a Arc<Store>,
    table: &'a Table<TableBytes>,
    index: usize,
}

/// Where array data of a binding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExtentInfo {
    /// Number of the extent.
    pub number: u32,
    /// Offset of its first byte from the beginning of the file.
    pub offset: u64,
    /// Bytes in the file.
    pub stored_len: u64,
    /// Bytes of the array.
    pub raw_len: u64,
    /// How it is coded; `None` for a codec this reader does not know.
    pub codec: Option<Codec>,
    /// Width in bytes of the elements whose bytes are shuffled; 0 for none.
    pub shuffle: u8,
    /// What its content digest is; `None` for a kind this reader does not know.
    pub digest_kind: Option<DigestKind>,
    /// The content digest.
    pub digest: [u8; 32],
}

impl<'a> Binding<'a> {
    pub(super) fn new(store: &'a Arc<Store>, table: &'a Table<TableBytes>, index: usize) -> Self {
        Binding {
            store,
            table,
            index,
        }
    }

    /// The name.
    pub fn name(&self) -> &'a str {
        self.entry().map_or("", |entry| self.table.name(entry))
    }

    /// Its place in the order of saving.
    pub fn ordinal(&self) -> u32 {
        self.entry().map_or(0, |entry| entry.ordinal)
    }

    /// Whether it is a constant of the session.
    pub fn is_constant(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.flags & FLAG_CONSTANT != 0)
    }

    /// Whether it was declared mutable.
    pub fn is_mutable(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.flags & FLAG_MUTABLE != 0)
    }

    /// Whether it removes the name: only in a delta.
    pub(crate) fn is_removal(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.flags & FLAG_TOMBSTONE != 0)
    }

    /// Whether it has attributes.
    pub fn has_attributes(&self) -> bool {
        self.entry().is_some_and(|entry| entry.attributes != NONE)
    }

    /// The kind of its value. For a structured value this reads its root node.
    ///
    /// # Errors
    /// [`crate::EnvError::Unsupported`] for a kind of a later version; what reading answers.
    pub fn kind(&self) -> Result<Kind> {
        Ok(match self.slot()? {
            Slot::Null => Kind::Null,
            Slot::Boolean(_) => Kind::Boolean,
            Slot::Integer(_) => Kind::Integer,
            Slot::Number(_) => Kind::Number,
            Slot::Complex(..) => Kind::Complex,
            Slot::Tensor(_) => Kind::Tensor,
            Slot::Node(_) => self.view()?.kind()?,
        })
    }

    /// Refuses a kind, dtype or codec that is not known here, as far as the table tells: nothing is
    /// read.
    pub(crate) fn known_by_the_table(&self) -> Result<()> {
        match self.slot()? {
            Slot::Tensor(_) => self.value().map(drop),
            _ => Ok(()),
        }
    }

    /// The dtype of a tensor that is not part of a structured value.
    pub fn dtype(&self) -> Option<DType> {
        self.tensor_slot()?.dtype()
    }

    /// The shape of a tensor that is not part of a structured value.
    pub fn shape(&self) -> Option<&'a [u64]> {
        self.table.records().shape(&self.tensor_slot()?)
    }

    /// The order of a tensor that is not part of a structured value.
    pub fn order(&self) -> Option<Order> {
        Some(self.tensor_slot()?.order)
    }

    /// Its value.
    ///
    /// # Errors
    /// As [`crate::Archive::get`].
    pub fn value(&self) -> Result<Value> {
        self.slot()
            .and_then(|slot| self.store.value(slot, Some(self.name())))
            .map_err(|e| e.of_variable(self.name()))
    }

    /// A view of its value.
    ///
    /// # Errors
    /// As [`crate::Archive::get`].
    pub fn view(&self) -> Result<View<'a>> {
        let view = self
            .slot()
            .and_then(|slot| View::of_slot(self.store, slot, self.name()));
        view.map_err(|e| e.of_variable(self.name()))
    }

    /// Its attributes; empty when it has none.
    ///
    /// # Errors
    /// What reading answers.
    pub fn attributes(&self) -> Result<Record> {
        let Some(node) = self.entry().and_then(EntryRecord::attributes) else {
            return Ok(Record::new());
        };
        let value = self
            .store
            .value(Slot::Node(node), Some(self.name()))
            .map_err(|e| e.of_variable(self.name()))?;
        match value {
            Value::Record(record) => Ok(record),
            _ => {
                let what = "attributes that are not a record".to_owned();
                Err(self.store.damaged_node(node, what).of_variable(self.name()))
            }
        }
    }

    /// The extents its value names, each once, in the order they are named. For a structured value
    /// this reads its nodes.
    ///
    /// # Errors
    /// What reading answers.
    pub fn extents(&self) -> Result<Vec<ExtentInfo>> {
        let numbers = match self.slot()? {
            Slot::Tensor(TensorSlot { extent: NONE, .. }) => Vec::new(),
            Slot::Tensor(tensor) => vec![tensor.extent],
            Slot::Node(node) => self.parts_below(node)?.extents,
            _ => Vec::new(),
        };
        numbers
            .into_iter()
            .map(|number| self.extent_info(number))
            .collect()
    }

    fn extent_info(&self, number: u32) -> Result<ExtentInfo> {
        let record = self.store.extent(number)?;
        Ok(ExtentInfo {
            number,
            offset: record.offset,
            stored_len: record.stored_len,
            raw_len: record.raw_len,
            codec: record.codec(),
            shuffle: record.shuffle,
            digest_kind: record.digest_kind(),
            digest: record.digest,
        })
    }

    /// Bytes of its value in memory and in the file: its extents and nodes, or the 16 bytes of a
    /// scalar. For a structured value this reads its nodes.
    ///
    /// # Errors
    /// What reading answers.
    pub fn sizes(&self) -> Result<Sizes> {
        match self.slot()? {
            Slot::Node(node) => {
                let parts = self.parts_below(node)?;
                let nodes = parts.node_bytes;
                let mut sizes = Sizes {
                    raw: nodes,
                    stored: nodes,
                    cold: false,
                };
                for number in parts.extents {
                    sizes.add(&self.extent_info(number)?);
                }
                Ok(sizes)
            }
            Slot::Tensor(_) => {
                let mut sizes = Sizes::default();
                self.extents()?.iter().for_each(|extent| sizes.add(extent));
                Ok(sizes)
            }
            Slot::Complex(..) => Ok(Sizes {
                raw: 16,
                stored: 0,
                cold: false,
            }),
            Slot::Integer(_) | Slot::Number(_) => Ok(Sizes {
                raw: 8,
                stored: 0,
                cold: false,
            }),
            Slot::Boolean(_) => Ok(Sizes {
                raw: 1,
                stored: 0,
                cold: false,
            }),
            Slot::Null => Ok(Sizes::default()),
        }
    }

    pub(super) fn is_checked(&self) -> Result<bool> {
        Ok(match self.slot()? {
            Slot::Tensor(TensorSlot { extent: NONE, .. }) => true,
            Slot::Tensor(tensor) => self.store.is_extent_checked(tensor.extent),
            // Nodes are checked whenever they are read; what counts are their extents.
            Slot::Node(node) => {
                let extents = self.parts_below(node)?.extents;
                extents
                    .iter()
                    .all(|number| self.store.is_extent_checked(*number))
            }
            _ => true,
        })
    }

    pub(super) fn verify(&self) -> Result<()> {
        let check_extent = |number: u32| {
            self.store.check_extent(number)?;
            super::verify::check_digest(self.store, number, &mut |_| {})
        };
        let check_node = |node: u32| {
            let parts = super::parts::below(self.store, node)?;
            for number in parts.nodes {
                self.store.checked_node(number, true)?;
            }
            parts.extents.into_iter().try_for_each(check_extent)?;
            self.store
                .value(Slot::Node(node), Some(self.name()))
                .map(drop)
        };
        let check = || -> Result<()> {
            if let Some(node) = self.entry().and_then(EntryRecord::attributes) {
                check_node(node)?;
            }
            match self.slot()? {
                Slot::Tensor(TensorSlot { extent: NONE, .. }) => Ok(()),
                Slot::Tensor(tensor) => check_extent(tensor.extent),
                Slot::Node(node) => check_node(node),
                _ => Ok(()),
            }
        };
        check().map_err(|e| e.of_variable(self.name()))
    }

    /// Kind code and content digest of a tensor's extent, when the file records one known here.
    pub(crate) fn recorded_digest(&self) -> Option<(u8, [u8; 32])> {
        self.store
            .extent(self.tensor_slot()?.extent)
            .ok()?
            .recorded_digest()
    }

    fn parts_below(&self, node: u32) -> Result<super::parts::Parts> {
        super::parts::below(self.store, node).map_err(|e| e.of_variable(self.name()))
    }

    fn tensor_slot(&self) -> Option<TensorSlot> {
        match self.slot() {
            Ok(Slot::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// The slot, as the table has it.
    pub(crate) fn slot(&self) -> Result<Slot> {
        let entry = self.entry();
        entry.and_then(EntryRecord::slot).ok_or_else(|| {
            let kind = entry.map_or(0, |entry| entry.kind);
            self.store
                .unsupported(format!("value kind {kind}"))
                .of_variable(self.name())
        })
    }

    /// Its place in the table.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    pub(super) fn entry(&self) -> Option<&'a EntryRecord> {
        self.table.entries().get(self.index)
    }
}

/// Bytes of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Bytes in memory.
    pub raw: u64,
    /// Bytes in the file, outside the table.
    pub stored: u64,
    /// Whether some of it is compressed.
    pub cold: bool,
}

impl Sizes {
    fn add(&mut self, extent: &ExtentInfo) {
        self.raw = self.raw.saturating_add(extent.raw_len);
        self.stored = self.stored.saturating_add(extent.stored_len);
        self.cold |= extent.codec != Some(Codec::Raw);
    }
}

impl fmt::Debug for Binding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Binding({})", crate::name::quoted(self.name()))
    }
}
