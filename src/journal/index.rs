//! The frames of a chain, 32 bytes and a key each.

use super::frame::{FLAG_COMMIT, FrameKind};
use super::segment::{Place, Segment};

/// Where a frame stands, and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Offset of the frame in its segment.
    pub(crate) offset: u64,
    /// Length of its payload in bytes.
    pub(crate) payload_len: u64,
    key_at: u64,
    pub(crate) key_len: u16,
    pub(crate) type_id: u16,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
}

/// Committed frames in their order, without gaps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    /// Sequence of the first entry.
    first: u64,
    entries: Vec<Entry>,
    keys: Vec<u8>,
    /// Each with the sequence of its first frame.
    segments: Vec<(u64, Segment)>,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) sequence: u64,
    pub(crate) key: &'a [u8],
    pub(crate) entry: &'a Entry,
    pub(crate) segment: &'a Segment,
}

impl Frames {
    /// Sequence of the first frame; one above the last one when there are none.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.first
    }

    /// Sequence of the last frame; one below the first one when there are none.
    pub(crate) fn last_sequence(&self) -> u64 {
        todo!()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The frame with that sequence.
    pub(crate) fn get(&self, sequence: u64) -> Option<Frame<'_>> {
        todo!()
    }

    /// The frames with that sequence and higher ones, in order; from both ends.
    pub(crate) fn from(
        &self,
        sequence: u64,
    ) -> impl DoubleEndedIterator<Item = Frame<'_>> + ExactSizeIterator {
        std::iter::empty()
    }

    /// The sequence of the last commit at or before a time in nanoseconds since 1970, by reading a
    /// few headers.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn commit_at(&self, timestamp: u64) -> crate::Result<Option<u64>> {
        todo!()
    }
}

impl<'a> Frame<'a> {
    pub(crate) fn kind(&self) -> FrameKind {
        self.entry.kind.into()
    }

    /// Whether it ends a commit.
    pub(crate) fn ends_commit(&self) -> bool {
        self.entry.flags & FLAG_COMMIT != 0
    }

    /// Where its payload stands.
    pub(crate) fn payload(&self) -> Place<'a> {
        todo!()
    }

    /// Its time in nanoseconds since 1970; read from the file.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn timestamp(&self) -> crate::Result<u64> {
        todo!()
    }

    /// Compares the payload with its sum, in pieces.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`], [`crate::EnvError::Io`].
    pub(crate) fn verify(&self) -> crate::Result<()> {
        todo!()
    }
}
