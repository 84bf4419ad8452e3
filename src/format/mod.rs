//! The bytes of an `.ach` 2.0 file: records, offsets, sums. Bytes in, checked structs out; nothing
//! here knows files, and nothing here is trusted before [`table::Table::check`] has passed.
//!
//! ```text
//! 0          header, 64 bytes           who wrote it, when, where the table is; CRC-32 of itself
//! 64         table of contents          preamble | page sums | entries extents nodes shapes names
//! ...        nodes                      small rkyv trees of structured values, packed at 8
//! ...        extents                    raw little-endian arrays, aligned; or zstd frames
//! ...        block sums                 CRC-32 of every block of every extent
//! end - 32   trailer                    SHA-256 over header and table: the root digest
//! ```
//!
//! `docs/format.md` is the specification; this module is one reading of it.

pub(crate) mod correct;
pub(crate) mod crc;
pub(crate) mod extent;
pub(crate) mod header;
pub(crate) mod image;
pub(crate) mod mend;
pub(crate) mod parts;
pub(crate) mod records;
pub(crate) mod sums;
pub(crate) mod table;
pub(crate) mod table_head;

/// "No such number" in every 32-bit reference to an extent or a node.
pub(crate) const NONE: u32 = u32::MAX;

/// Length of the trailer in bytes.
pub(crate) const TRAILER_LEN: u64 = 32;

/// Alignment of the table, of the nodes' area and of the sums' area, in bytes.
pub(crate) const AREA_ALIGNMENT: u64 = 64;

/// Longest run of padding between two parts: what aligning to a page can need.
pub(crate) const MAX_PADDING: u64 = 4095;

/// `offset` rounded up to a multiple of `alignment`, a power of two; `None` beyond 64 bits.
pub(crate) fn align_up(offset: u64, alignment: u64) -> Option<u64> {
    Some(offset.checked_add(alignment - 1)? & !(alignment - 1))
}
