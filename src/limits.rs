//! Every cap of the format and of the reader in one table, each with its reason.
//!
//! The constants are properties of the format: a file beyond them is refused. [`Limits`] holds the
//! caps on memory that a caller may raise for honest files larger than the defaults.

/// Levels of nesting a value may have: vectors, records, edges, functions, errors and extensions
/// count one each. The content of a cell or scope starts anew, since cells may form chains.
///
/// Deep enough for real data, shallow enough for a thread with a stack of 512 KiB. (A debug build,
/// which needs more, takes it from elsewhere.)
pub const MAX_NESTING: usize = 128;

/// Longest binding name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 4096;

/// Most dimensions a tensor may have (the rank NumPy 2 allows).
pub const MAX_RANK: usize = 64;

/// Largest node, in bytes: what one first touch of a structured value costs at most.
pub const MAX_NODE_BYTES: usize = 64 * 1024;

/// Strings and byte strings of at least this many bytes are extents: they fit no node.
pub const LONG_BYTES: usize = MAX_NODE_BYTES - 64;

/// Longest name of a record's field, in bytes of UTF-8: several fit a node.
pub const MAX_FIELD_NAME_BYTES: usize = 4096;

/// Bytes summed by one CRC-32 of a hot extent.
pub const HOT_BLOCK_BYTES: u64 = 64 * 1024;

/// Raw bytes in one zstd frame of a cold extent.
pub const COLD_BLOCK_BYTES: u64 = 256 * 1024;

/// Alignment of every extent, in bytes: a cache line and the widest vector load.
pub const EXTENT_ALIGNMENT: u64 = 64;

/// Alignment of extents of at least [`PAGE_ALIGNED_FROM`] bytes: a page, for `madvise` per variable.
pub const PAGE_ALIGNMENT: u64 = 4096;

/// Extents of arrays from this many bytes up start on a page. Padding of hot ones stays below 6 %.
pub const PAGE_ALIGNED_FROM: u64 = 64 * 1024;

/// Largest name heap of an archive, in bytes (its offsets are 32-bit).
pub const MAX_NAME_HEAP_BYTES: u64 = u32::MAX as u64;

/// A borrow of a whole tensor up to this many bytes is checked the first time; above it is handed
/// out at once and marked unchecked, under the default policy.
pub const CHECK_ON_BORROW_BYTES: u64 = 64 * 1024 * 1024;

/// Caps on what a reader allocates on behalf of a file. Raise them for honest files beyond them.
///
/// There is no cap on the *ratio* of compression: an honest tensor of zeros compresses 32,751
/// times. What bounds a bomb is the absolute size it declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most raw bytes one cold extent may decompress to (default 64 GiB).
    pub max_extent_raw_bytes: u64,
    /// Most bytes of table of contents that are read into memory (default 4 GiB).
    pub max_table_bytes: u64,
    /// Most bytes that the body of a version 1 file may decompress to, and most bytes of memory
    /// that its values may take (default 8 GiB: version 1 itself needed three times that to read
    /// such a file). Values of a body that is not compressed may always take four times its length.
    pub max_version1_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_extent_raw_bytes: 64 << 30,
            max_table_bytes: 4 << 30,
            max_version1_bytes: 8 << 30,
        }
    }
}
