//! The archived form of structured values: what a node holds.
//!
//! A node is the rkyv archive of one [`Tree`]. Array data and long strings stand outside, in
//! extents, named by number. Other nodes are named by number too, and only lower ones. The contents
//! of cells and scopes are the last nodes, and are named by their number among those: so a cell may
//! hold itself, and nothing else can.
//!
//! No hash tables, no shared pointers, no trait objects, no zero-sized types: each has let crafted
//! archives pass validation (RUSTSEC-2026-0233, -0234, -0235).

// The types of this file say how nodes look to rkyv, which checks them when they are read; `node_bytes`
// writes them, and its tests compare that with what rkyv writes.
#![allow(dead_code)]

use rkyv::rancor::Source;
use rkyv::ser::{Allocator, Writer};
use rkyv::string::ArchivedString;
use rkyv::validation::ArchiveContext;
use rkyv::vec::ArchivedVec;
use rkyv::{Archive, Serialize};

/// A structured value, or a piece of one.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
#[rkyv(attr(allow(missing_docs, missing_debug_implementations)))]
#[repr(u8)]
pub(crate) enum Tree {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Complex(f64, f64),
    String(String),
    Bytes(Vec<u8>),
    /// A string in an extent.
    LongString(u32),
    /// Bytes in an extent.
    LongBytes(u32),
    Vector(#[rkyv(omit_bounds)] Vec<Tree>),
    /// A vector cut into several nodes, in order.
    VectorParts(Vec<PartTree>),
    /// A record of up to 15 fields, or a piece of a larger one.
    Record(#[rkyv(omit_bounds)] Vec<FieldTree>),
    IndexedRecord(#[rkyv(omit_bounds)] Box<IndexedRecordTree>),
    RecordParts(Box<RecordPartsTree>),
    /// A piece of a large record's index.
    Index(Vec<IndexEntry>),
    /// The value is the root of another, lower node.
    Node(u32),
    Tensor(Box<TensorTree>),
    StringArray(Box<StringArrayTree>),
    Edge(#[rkyv(omit_bounds)] Box<EdgeTree>),
    Builtin(String),
    Function(#[rkyv(omit_bounds)] Box<FunctionTree>),
    /// The content is the root of a shared node; the number counts those.
    Cell(u32),
    Error(#[rkyv(omit_bounds)] Box<ErrorTree>),
    Extension(#[rkyv(omit_bounds)] Box<ExtensionTree>),
    Typed(#[rkyv(omit_bounds)] Box<TypedTree>),
}

/// A field of a record.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct FieldTree {
    pub(crate) name: String,
    #[rkyv(omit_bounds)]
    pub(crate) value: Tree,
}

/// Fields with an index by name.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct IndexedRecordTree {
    #[rkyv(omit_bounds)]
    pub(crate) fields: Vec<FieldTree>,
    pub(crate) index: Vec<IndexEntry>,
}

/// One name in an index: its CRC-32 and the place of its field. Sorted by both.
#[derive(Archive, Serialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct IndexEntry {
    pub(crate) hash: u32,
    pub(crate) ordinal: u32,
}

/// A record cut into several nodes.
#[derive(Archive, Serialize, Debug)]
pub(crate) struct RecordPartsTree {
    /// Nodes with the fields, in order.
    pub(crate) parts: Vec<PartTree>,
    /// Nodes with the index, rising; empty when there is none.
    pub(crate) index: Vec<IndexPartTree>,
}

/// A run of elements or fields in another node.
#[derive(Archive, Serialize, Clone, Copy, Debug)]
pub(crate) struct PartTree {
    /// Number of elements up to the end of this run.
    pub(crate) end: u64,
    pub(crate) node: u64,
}

/// A run of index entries in another node.
#[derive(Archive, Serialize, Clone, Copy, Debug)]
pub(crate) struct IndexPartTree {
    /// Hash of its first entry.
    pub(crate) first: u32,
    pub(crate) node: u32,
}

/// A tensor: its extent is `NONE` when it has no bytes.
#[derive(Archive, Serialize, Debug)]
pub(crate) struct TensorTree {
    pub(crate) shape: Vec<u64>,
    pub(crate) extent: u32,
    pub(crate) dtype: u8,
    pub(crate) order: u8,
    pub(crate) zero: u16,
}

/// A string array: offsets and bytes are extents, `NONE` when there are no bytes.
#[derive(Archive, Serialize, Debug)]
pub(crate) struct StringArrayTree {
    pub(crate) shape: Vec<u64>,
    pub(crate) offsets: u32,
    pub(crate) bytes: u32,
    /// Length of all strings in bytes.
    pub(crate) byte_len: u64,
}

/// An edge of a graph.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct EdgeTree {
    #[rkyv(omit_bounds)]
    pub(crate) from: Tree,
    #[rkyv(omit_bounds)]
    pub(crate) to: Tree,
    #[rkyv(omit_bounds)]
    pub(crate) properties: Tree,
    pub(crate) directed: u64,
}

/// A user's function.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct FunctionTree {
    /// A string, or null.
    #[rkyv(omit_bounds)]
    pub(crate) name: Tree,
    /// A vector of strings.
    #[rkyv(omit_bounds)]
    pub(crate) parameters: Tree,
    /// A record.
    #[rkyv(omit_bounds)]
    pub(crate) details: Tree,
    /// A string.
    #[rkyv(omit_bounds)]
    pub(crate) source: Tree,
    /// The shared node of its scope, a record, or `NONE`.
    pub(crate) scope: u64,
}

/// An error as a value.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct ErrorTree {
    /// A string.
    #[rkyv(omit_bounds)]
    pub(crate) message: Tree,
    /// A string, or null.
    #[rkyv(omit_bounds)]
    pub(crate) kind: Tree,
    /// Any value; whether it counts stands in `has_source`.
    #[rkyv(omit_bounds)]
    pub(crate) source: Tree,
    pub(crate) has_source: u64,
}

/// A value of a kind this library does not know.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct ExtensionTree {
    /// A string.
    #[rkyv(omit_bounds)]
    pub(crate) type_name: Tree,
    #[rkyv(omit_bounds)]
    pub(crate) parameters: Tree,
    #[rkyv(omit_bounds)]
    pub(crate) storage: Tree,
}

/// A program's own archived type: its bytes are an extent, `NONE` when there are none.
#[derive(Archive, Serialize, Debug)]
#[rkyv(serialize_bounds(__S: Writer + Allocator, __S::Error: Source))]
#[rkyv(bytecheck(bounds(__C: ArchiveContext, __C::Error: Source)))]
pub(crate) struct TypedTree {
    /// A string.
    #[rkyv(omit_bounds)]
    pub(crate) type_name: Tree,
    pub(crate) fingerprint: u64,
    pub(crate) byte_len: u64,
    pub(crate) version: u32,
    pub(crate) alignment: u32,
    pub(crate) extent: u32,
    pub(crate) zero: u32,
}

/// What the reader sees.
pub(crate) type Archived = ArchivedTree;

// Another crate that turns on other rkyv features must not change our files in silence.
const _: () = {
    assert!(size_of::<ArchivedString>() == 16 && align_of::<ArchivedString>() == 8);
    assert!(size_of::<ArchivedVec<u8>>() == 16 && align_of::<ArchivedVec<u8>>() == 8);
    assert!(size_of::<Archived>() == 24 && align_of::<Archived>() == 8);
    assert!(size_of::<ArchivedFieldTree>() == 40);
    assert!(size_of::<ArchivedIndexedRecordTree>() == 32);
    assert!(size_of::<ArchivedRecordPartsTree>() == 32);
    assert!(size_of::<ArchivedPartTree>() == 16);
    assert!(size_of::<ArchivedIndexEntry>() == 8);
    assert!(size_of::<ArchivedIndexPartTree>() == 8);
    assert!(size_of::<ArchivedTensorTree>() == 24);
    assert!(size_of::<ArchivedStringArrayTree>() == 32);
    assert!(size_of::<ArchivedEdgeTree>() == 80);
    assert!(size_of::<ArchivedFunctionTree>() == 104);
    assert!(size_of::<ArchivedErrorTree>() == 80);
    assert!(size_of::<ArchivedExtensionTree>() == 72);
    assert!(size_of::<ArchivedTypedTree>() == 56);
};
