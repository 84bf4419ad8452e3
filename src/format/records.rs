//! The fixed-width records of the table, as they stand in the file: little-endian, no padding.

use bytemuck::{Pod, Zeroable};

use super::NONE;
use crate::value::{Complex128, DType, Order, Value};

/// First part of the table: 256 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Preamble {
    /// Exact length of the file in bytes.
    pub(crate) file_len: u64,
    /// Which archived layout the nodes have: [`LAYOUT_ID`].
    pub(crate) layout_id: u32,
    /// Bytes of table body that one page sum covers: 4096.
    pub(crate) page_size: u32,
    /// Offset of the body from the beginning of the table.
    pub(crate) body_offset: u64,
    /// Length of the body in bytes.
    pub(crate) body_len: u64,
    /// Number of entries, extents, nodes and dimensions.
    pub(crate) entry_count: u32,
    pub(crate) extent_count: u32,
    pub(crate) node_count: u32,
    pub(crate) shape_count: u32,
    /// Offsets of the arrays from the beginning of the table, in this order without gaps.
    pub(crate) entries_offset: u64,
    pub(crate) extents_offset: u64,
    pub(crate) nodes_offset: u64,
    pub(crate) shapes_offset: u64,
    pub(crate) names_offset: u64,
    pub(crate) names_len: u64,
    /// Node of the metadata record, or `NONE`.
    pub(crate) metadata_node: u32,
    /// How many nodes, the last ones, are contents of cells and scopes.
    pub(crate) shared_count: u32,
    /// Identity of the session whose journal belongs to this archive; zero when there is none.
    pub(crate) session_id: [u8; 16],
    /// Sequence number of the last journal frame folded into this archive.
    pub(crate) folded_sequence: u64,
    /// Root digest of the archive this one was made from; zero when there is none.
    pub(crate) parent_digest: [u8; 32],
    /// The areas of the file: offset from its beginning, and length.
    pub(crate) nodes_area: Area,
    pub(crate) extents_area: Area,
    pub(crate) sums_area: Area,
    /// In an archive of a session: how many ids of cells and scopes follow the dimensions, one for
    /// each shared node. Otherwise 0.
    pub(crate) shared_id_count: u32,
    pub(crate) zero: u32,
    pub(crate) reserved: [u64; 5],
}

/// A range of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Area {
    pub(crate) offset: u64,
    pub(crate) len: u64,
}

impl Area {
    pub(crate) fn end(self) -> Option<u64> {
        self.offset.checked_add(self.len)
    }
}

/// Layout of the archived nodes: rkyv 0.8, little-endian, aligned, 64-bit relative pointers.
pub(crate) const LAYOUT_ID: u32 = 1;
pub(crate) const PAGE_SIZE: u32 = 4096;

/// A binding: 32 bytes.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct EntryRecord {
    /// Place of the name in the name heap.
    pub(crate) name_offset: u32,
    pub(crate) name_len: u16,
    /// [`SlotKind`].
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    /// Place in the order of saving.
    pub(crate) ordinal: u32,
    /// Node of the attribute record, or `NONE`.
    pub(crate) attributes: u32,
    pub(crate) payload: [u64; 2],
}

pub(crate) const FLAG_CONSTANT: u8 = 1;
pub(crate) const FLAG_MUTABLE: u8 = 2;
pub(crate) const FLAG_TOMBSTONE: u8 = 4;

/// What a slot (an entry, or the root of a value image) holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum SlotKind {
    Null = 0,
    Boolean = 1,
    Integer = 2,
    Number = 3,
    Complex = 4,
    Tensor = 5,
    Node = 6,
}

impl SlotKind {
    pub(crate) fn from_code(code: u8) -> Option<SlotKind> {
        use SlotKind::*;
        const BY_CODE: [SlotKind; 7] = [Null, Boolean, Integer, Number, Complex, Tensor, Node];
        BY_CODE.get(usize::from(code)).copied()
    }
}

/// The content of a slot, decoded but not yet checked against the other records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(u64),
    Complex(u64, u64),
    Tensor(TensorSlot),
    Node(u32),
}

/// A tensor in a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TensorSlot {
    /// Code of the dtype; may be one this reader does not know.
    pub(crate) dtype: u8,
    pub(crate) order: Order,
    pub(crate) rank: u8,
    /// Index of its first dimension in the list of dimensions.
    pub(crate) shape: u32,
    /// Its extent, or `NONE` when it has no bytes.
    pub(crate) extent: u32,
}

impl TensorSlot {
    pub(crate) fn dtype(&self) -> Option<DType> {
        DType::from_code(self.dtype)
    }
}

impl Slot {
    /// Kind and payload as they stand in a record.
    pub(crate) fn to_record(self) -> (u8, [u64; 2]) {
        match self {
            Slot::Null => (SlotKind::Null as u8, [0, 0]),
            Slot::Boolean(b) => (SlotKind::Boolean as u8, [b.into(), 0]),
            Slot::Integer(i) => (SlotKind::Integer as u8, [i.cast_unsigned(), 0]),
            Slot::Number(bits) => (SlotKind::Number as u8, [bits, 0]),
            Slot::Complex(re, im) => (SlotKind::Complex as u8, [re, im]),
            Slot::Tensor(t) => {
                let low = u64::from(t.dtype)
                    | u64::from(t.order.code()) << 8
                    | u64::from(t.rank) << 16
                    | u64::from(t.shape) << 32;
                (SlotKind::Tensor as u8, [low, t.extent.into()])
            }
            Slot::Node(node) => (SlotKind::Node as u8, [node.into(), 0]),
        }
    }

    /// The value of a slot that holds it whole; null for a tensor or a node.
    pub(crate) fn to_scalar(self) -> Value {
        let number = f64::from_bits;
        match self {
            Slot::Boolean(boolean) => boolean.into(),
            Slot::Integer(integer) => integer.into(),
            Slot::Number(bits) => number(bits).into(),
            Slot::Complex(re, im) => Complex128::new(number(re), number(im)).into(),
            Slot::Null | Slot::Tensor(_) | Slot::Node(_) => Value::Null,
        }
    }

    /// Decodes kind and payload; `None` when the kind is unknown or a payload byte is not what it
    /// must be.
    pub(crate) fn from_record(kind: u8, payload: [u64; 2]) -> Option<Slot> {
        let [low, high] = payload;
        match (SlotKind::from_code(kind)?, low, high) {
            (SlotKind::Null, 0, 0) => Some(Slot::Null),
            (SlotKind::Boolean, 0 | 1, 0) => Some(Slot::Boolean(low == 1)),
            (SlotKind::Integer, _, 0) => Some(Slot::Integer(low.cast_signed())),
            (SlotKind::Number, _, 0) => Some(Slot::Number(low)),
            (SlotKind::Complex, _, _) => Some(Slot::Complex(low, high)),
            (SlotKind::Tensor, _, _) => {
                let [dtype, order, rank, zero, ..] = low.to_le_bytes();
                if zero != 0 {
                    return None;
                }
                Some(Slot::Tensor(TensorSlot {
                    dtype,
                    order: Order::from_code(order)?,
                    rank,
                    shape: u32::try_from(low >> 32).ok()?,
                    extent: u32::try_from(high).ok()?,
                }))
            }
            (SlotKind::Node, _, 0) => Some(Slot::Node(u32::try_from(low).ok()?)),
            _ => None,
        }
    }
}

/// A node: 16 bytes. Offset from the beginning of the file (or of the value image).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct NodeRecord {
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) crc: u32,
}

impl EntryRecord {
    pub(crate) fn slot(&self) -> Option<Slot> {
        Slot::from_record(self.kind, self.payload)
    }

    pub(crate) fn attributes(&self) -> Option<u32> {
        (self.attributes != NONE).then_some(self.attributes)
    }

    pub(crate) fn name_range(&self) -> std::ops::Range<usize> {
        let start = self.name_offset as usize;
        start..start + usize::from(self.name_len)
    }
}

const _: () = {
    assert!(size_of::<Preamble>() == 256);
    assert!(size_of::<EntryRecord>() == 32);
    assert!(size_of::<NodeRecord>() == 16);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_lead_back() {
        let tensor = TensorSlot {
            dtype: 13,
            order: Order::Fortran,
            rank: 3,
            shape: 77,
            extent: 5,
        };
        for slot in [
            Slot::Null,
            Slot::Boolean(true),
            Slot::Integer(-1),
            Slot::Number(f64::NAN.to_bits() | 1),
            Slot::Complex(1, u64::MAX),
            Slot::Tensor(tensor),
            Slot::Node(9),
        ] {
            let (kind, payload) = slot.to_record();
            assert_eq!(Slot::from_record(kind, payload), Some(slot));
        }
    }

    #[test]
    fn a_payload_that_should_be_zero_is_refused() {
        assert_eq!(Slot::from_record(SlotKind::Null as u8, [1, 0]), None);
        assert_eq!(Slot::from_record(SlotKind::Boolean as u8, [2, 0]), None);
        assert_eq!(Slot::from_record(SlotKind::Number as u8, [0, 1]), None);
        assert_eq!(Slot::from_record(7, [0, 0]), None);
    }
}
