//! Bytes that stand in an archive as an extent: how they are coded there, and their stored blocks.
//! By it a save copies what a reader has not unpacked, and neither knows the other.

use std::fmt;
use std::ops::Range;

use crate::error::Result;

/// The whole of an extent of an archive. Codes are those of section 6 of `docs/format.md`, and
/// known ones.
pub struct StoredExtent<'s> {
    /// How the bytes are coded.
    pub codec: u8,
    /// Width in bytes of the elements whose bytes are shuffled; 0 for none.
    pub shuffle: u8,
    /// Base-2 logarithm of the bytes in a block.
    pub block_log2: u8,
    /// What the digest is.
    pub digest_kind: u8,
    /// Digest of the bytes.
    pub digest: [u8; 32],
    /// Number of bytes.
    pub raw_len: u64,
    /// Number of bytes in the file.
    pub stored_len: u64,
    /// The bytes in the file.
    pub blocks: &'s dyn StoredBlocks,
}

/// The blocks of an extent as they stand in the file. Errors name the file and the variable.
pub trait StoredBlocks: Send + Sync {
    /// The list of block sums, itself checked, as it stands in a file; of an extent of one block
    /// its sum.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`] and what reading answers.
    fn sums(&self) -> Result<Vec<u8>>;

    /// The first of `blocks`: as many as have 1 MiB of stored bytes together, and at least one. Each
    /// is checked against its sum, whatever the archive was opened with. Lent where they are in
    /// memory, else read into `buffer`.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`] and what reading answers.
    fn read<'b>(&'b self, blocks: Range<u64>, buffer: &'b mut Vec<u8>) -> Result<StoredRun<'b>>;
}

/// Stored blocks that follow each other.
#[derive(Clone, Copy, Debug)]
pub struct StoredRun<'b> {
    /// Number of the block after them.
    pub end: u64,
    /// First byte, counted from the beginning of the extent's stored bytes.
    pub start: u64,
    /// The stored bytes.
    pub bytes: &'b [u8],
}

impl StoredExtent<'_> {
    /// Whether the bytes stand there as they are.
    pub(crate) fn is_raw(&self) -> bool {
        self.codec == 0
    }

    /// The digest and its kind; `None` when it has none, or one of a kind that is not known here.
    pub(crate) fn digest(&self) -> Option<(u8, [u8; 32])> {
        matches!(self.digest_kind, 1 | 2).then_some((self.digest_kind, self.digest))
    }
}

impl fmt::Debug for StoredExtent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredExtent")
            .field("codec", &self.codec)
            .field("raw_len", &self.raw_len)
            .field("stored_len", &self.stored_len)
            .finish_non_exhaustive()
    }
}
