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

    /// Gives `put` the stored bytes of `blocks`, in order, in windows that end where the place in
    /// the extent's stored bytes and `phase` add up to a multiple of 1 MiB, and at the
    /// end. Each block is checked against its sum, whatever the archive was opened with, before
    /// the window that holds its last byte is given: after an error what was given is worth
    /// nothing. Bytes are lent where they are in memory, else read into `buffer`.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`], what reading answers, and what `put` answers.
    fn read(
        &self,
        blocks: Range<u64>,
        phase: u64,
        buffer: &mut Vec<u8>,
        put: &mut dyn FnMut(Window<'_>) -> Result<()>,
    ) -> Result<()>;
}

/// Stored bytes that are read in one go.
pub(crate) const WINDOW_BYTES: u64 = 1 << 20;

/// A run of stored bytes.
#[derive(Clone, Copy, Debug)]
pub struct Window<'b> {
    /// First byte, counted from the beginning of the extent's stored bytes.
    pub start: u64,
    /// The bytes.
    pub bytes: &'b [u8],
    /// Number of the first block that does not end here or before.
    pub blocks_end: u64,
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
