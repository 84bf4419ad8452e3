//! One binding of an archive: what the table says of it, and its value.

use std::fmt;
use std::sync::Arc;

use super::frames::local_offset;
use super::overlay::{FrameBinding, Moved, Overlay};
use super::store::Store;
use super::view::View;
use crate::error::Result;
use crate::format::NONE;
use crate::format::extent::{Codec, DigestKind};
use crate::format::records::{
    EntryRecord, FLAG_CONSTANT, FLAG_MUTABLE, FLAG_TOMBSTONE, Slot, TensorSlot,
};
use crate::value::{DType, Kind, Order, Record, Value};

/// A name, its value, and its attributes. Borrowed from an archive; looking at it reads nothing
/// unless said otherwise.
#[derive(Clone, Copy)]
pub struct Binding<'a> {
    place: Place<'a>,
    /// Of a session: where the newest contents of cells stand.
    overlay: Option<&'a Overlay>,
}

/// Where a binding stands.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// In the table of an archive; with another name and place in the order when it was renamed
    /// since.
    Table {
        store: &'a Arc<Store>,
        index: usize,
        moved: Option<&'a Moved>,
    },
    /// In a frame of the journal.
    Frame(&'a FrameBinding),
}

/// Where the value of a binding is.
#[derive(Clone, Copy)]
pub(super) struct Root<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) slot: Slot,
    /// Node of the attribute record.
    pub(super) attributes: Option<u32>,
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
    pub(super) fn in_table(
        store: &'a Arc<Store>,
        index: usize,
        moved: Option<&'a Moved>,
        overlay: Option<&'a Overlay>,
    ) -> Self {
        let place = Place::Table {
            store,
            index,
            moved,
        };
        Binding { place, overlay }
    }

    pub(super) fn in_frame(binding: &'a FrameBinding, overlay: Option<&'a Overlay>) -> Self {
        let place = Place::Frame(binding);
        Binding { place, overlay }
    }

    /// The name.
    pub fn name(&self) -> &'a str {
        match self.place {
            Place::Table {
                moved: Some(moved), ..
            } => &moved.name,
            // One that cannot be read has no name that could be told.
            Place::Table { store, index, .. } => store.tables.name(index).unwrap_or_default(),
            Place::Frame(binding) => &binding.name,
        }
    }

    /// The name, or why it cannot be told.
    pub(super) fn told_name(&self) -> Result<&'a str> {
        match self.place {
            Place::Table {
                store,
                index,
                moved: None,
            } => store.tables.name(index),
            _ => Ok(self.name()),
        }
    }

    /// Its place in the order of saving. In an archive that is read with its journal places may be
    /// left out: those of bindings that were removed.
    pub fn ordinal(&self) -> u32 {
        u32::try_from(self.place_in_order()).unwrap_or(u32::MAX)
    }

    /// Its place in the order of definition.
    pub(crate) fn place_in_order(&self) -> u64 {
        match self.place {
            Place::Table {
                moved: Some(moved), ..
            } => moved.order,
            Place::Table { .. } => self.entry().map_or(0, |entry| entry.ordinal.into()),
            Place::Frame(binding) => binding.order,
        }
    }

    fn flags(&self) -> u8 {
        match self.place {
            Place::Table { .. } => self.entry().map_or(0, |entry| entry.flags),
            Place::Frame(binding) => binding.flags,
        }
    }

    /// Whether it is a constant of the session.
    pub fn is_constant(&self) -> bool {
        self.flags() & FLAG_CONSTANT != 0
    }

    /// Whether it was declared mutable.
    pub fn is_mutable(&self) -> bool {
        self.flags() & FLAG_MUTABLE != 0
    }

    /// Whether it removes the name: only in a delta.
    pub(crate) fn is_removal(&self) -> bool {
        self.entry()
            .is_some_and(|entry| entry.flags & FLAG_TOMBSTONE != 0)
    }

    /// Whether it has attributes.
    pub fn has_attributes(&self) -> bool {
        match self.place {
            Place::Table { .. } => self.entry().is_some_and(|entry| entry.attributes != NONE),
            Place::Frame(binding) if binding.image.is_plain() => false,
            Place::Frame(_) => self.root().is_ok_and(|root| root.attributes.is_some()),
        }
    }

    /// Whether it stands in the journal, and not in the archive.
    pub fn is_in_journal(&self) -> bool {
        matches!(self.place, Place::Frame(_))
    }

    /// Where its value is. In a frame this reads the head of the value image.
    pub(super) fn root(&self) -> Result<Root<'a>> {
        match self.place {
            Place::Table { store, index, .. } => {
                let slot = store.tables.slot(index);
                let slot = slot.map_err(|e| e.of_variable(self.name()))?;
                let entry = self.entry();
                let slot = slot.ok_or_else(|| {
                    let kind = entry.map_or(0, |entry| entry.kind);
                    store
                        .unsupported(format!("value kind {kind}"))
                        .of_variable(self.name())
                })?;
                Ok(Root {
                    store,
                    slot,
                    attributes: entry.and_then(EntryRecord::attributes),
                })
            }
            Place::Frame(binding) => {
                let root = binding.image.root();
                root.map_err(|e| e.of_variable(self.name()))
            }
        }
    }

    /// The kind of its value. For a structured value this reads its root node.
    ///
    /// # Errors
    /// [`crate::EnvError::Unsupported`] for a kind of a later version; what reading answers.
    pub fn kind(&self) -> Result<Kind> {
        Ok(match self.root()?.slot {
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
        match self.root()?.slot {
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
        let root = self.root().ok()?;
        root.store.shape(&self.tensor_slot()?).ok()
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
        self.root()
            .and_then(|root| self.load(root))
            .map_err(|e| e.of_variable(self.name()))
    }

    /// The value that stands there; cells in it hold what they hold in the state.
    pub(super) fn load(&self, root: Root<'a>) -> Result<Value> {
        match self.overlay {
            Some(overlay) => super::cells::load_one(overlay, root, self.name()),
            None => root.store.value(root.slot, Some(self.name())),
        }
    }

    /// A view of its value.
    ///
    /// # Errors
    /// As [`crate::Archive::get`].
    pub fn view(&self) -> Result<View<'a>> {
        let view = self
            .root()
            .and_then(|root| View::of_root(root, self.name(), self.overlay));
        view.map_err(|e| e.of_variable(self.name()))
    }

    /// Its attributes; empty when it has none.
    ///
    /// # Errors
    /// What reading answers.
    pub fn attributes(&self) -> Result<Record> {
        if let Place::Frame(binding) = self.place
            && binding.image.is_plain()
        {
            return Ok(Record::new());
        }
        let root = self.root_of_attributes()?;
        let Some(node) = root.attributes else {
            return Ok(Record::new());
        };
        let slot = Slot::Node(node);
        let value = self.load(Root { slot, ..root });
        let value = value.map_err(|e| e.of_variable(self.name()))?;
        match value {
            Value::Record(record) => Ok(record),
            _ => {
                let what = "attributes that are not a record".to_owned();
                Err(root.store.damaged_node(node, what).of_variable(self.name()))
            }
        }
    }

    /// The extents its value names, each once, in the order they are named. For a structured value
    /// this reads its nodes.
    ///
    /// # Errors
    /// What reading answers.
    pub fn extents(&self) -> Result<Vec<ExtentInfo>> {
        let root = self.root()?;
        let numbers = match root.slot {
            Slot::Tensor(TensorSlot { extent: NONE, .. }) => Vec::new(),
            Slot::Tensor(tensor) => vec![tensor.extent],
            Slot::Node(node) => self.parts_below(root.store, node)?.extents,
            _ => Vec::new(),
        };
        numbers
            .into_iter()
            .map(|number| extent_info(root.store, number))
            .collect()
    }
}

fn extent_info(store: &Arc<Store>, number: u32) -> Result<ExtentInfo> {
    let record = store.extent(number)?;
    Ok(ExtentInfo {
        number,
        offset: local_offset(record.offset),
        stored_len: record.stored_len,
        raw_len: record.raw_len,
        codec: record.codec(),
        shuffle: record.shuffle,
        digest_kind: record.digest_kind(),
        digest: record.digest,
    })
}

impl<'a> Binding<'a> {
    /// Whether it has arrays or long texts, and all of them are compressed. Long texts, unlike arrays, do
    /// not say so themselves once they are loaded. For a structured value this reads its nodes.
    ///
    /// # Errors
    /// What reading answers.
    pub fn is_all_cold(&self) -> Result<bool> {
        let extents = self.extents()?;
        let is_cold = |extent: &ExtentInfo| extent.codec != Some(Codec::Raw);
        Ok(!extents.is_empty() && extents.iter().all(is_cold))
    }

    /// Bytes of its value in memory and in the file: its extents and nodes, or the 16 bytes of a
    /// scalar. For a structured value this reads its nodes.
    ///
    /// # Errors
    /// What reading answers.
    pub fn sizes(&self) -> Result<Sizes> {
        let root = self.root()?;
        match root.slot {
            Slot::Node(node) => {
                let parts = self.parts_below(root.store, node)?;
                let nodes = parts.node_bytes;
                let mut sizes = Sizes {
                    raw: nodes,
                    stored: nodes,
                    cold: false,
                };
                for number in parts.extents {
                    sizes.add(&extent_info(root.store, number)?);
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
        let root = self.root()?;
        Ok(match root.slot {
            Slot::Tensor(TensorSlot { extent: NONE, .. }) => true,
            Slot::Tensor(tensor) => root.store.is_extent_checked(tensor.extent),
            // Nodes are checked whenever they are read; what counts are their extents.
            Slot::Node(node) => {
                let extents = self.parts_below(root.store, node)?.extents;
                extents
                    .iter()
                    .all(|number| root.store.is_extent_checked(*number))
            }
            _ => true,
        })
    }

    /// As [`Binding::root`]; also of a binding whose value is of a kind that is not known here.
    pub(super) fn root_of_attributes(&self) -> Result<Root<'a>> {
        match self.place {
            Place::Table { store, index, .. } => {
                let entry = store.tables.entry(index);
                let entry = entry.map_err(|e| e.of_variable(self.name()))?;
                Ok(Root {
                    store,
                    slot: Slot::Null,
                    attributes: entry.and_then(EntryRecord::attributes),
                })
            }
            Place::Frame(_) => self.root(),
        }
    }

    /// Kind code and content digest of a tensor's extent, when the file records one known here.
    pub(crate) fn recorded_digest(&self) -> Option<(u8, [u8; 32])> {
        let root = self.root().ok()?;
        let extent = root.store.extent(self.tensor_slot()?.extent);
        extent.ok()?.recorded_digest()
    }

    fn parts_below(&self, store: &Store, node: u32) -> Result<super::parts::Parts> {
        super::parts::below(store, node).map_err(|e| e.of_variable(self.name()))
    }

    fn tensor_slot(&self) -> Option<TensorSlot> {
        match self.root().ok()?.slot {
            Slot::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// About how many bytes of the file its value takes; 0 when that cannot be told. For a
    /// structured value of the archive this reads its nodes.
    pub(crate) fn about_stored_bytes(&self) -> u64 {
        match self.place {
            Place::Frame(binding) => binding.image.len_with_named(),
            Place::Table { .. } => self.sizes().map_or(0, |sizes| sizes.stored),
        }
    }

    /// What stands in its slot.
    pub(crate) fn slot(&self) -> Result<Slot> {
        self.root().map(|root| root.slot)
    }

    /// Its place in the table; 0 for one that stands in a frame.
    pub(super) fn index(&self) -> usize {
        match self.place {
            Place::Table { index, .. } => index,
            Place::Frame(_) => 0,
        }
    }

    fn entry(&self) -> Option<&'a EntryRecord> {
        match self.place {
            Place::Table { store, index, .. } => store.tables.entry(index).ok().flatten(),
            Place::Frame(_) => None,
        }
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
