//! Appending frames and committing them.

use std::io;
use std::time::Instant;

use super::chain::Chain;
use super::durability::{Durability, SyncTicket};
use super::frame::FrameKind;
use super::lock::WriterLock;
use super::recover::SetAside;
use super::rotate::Rotated;
use super::segment::Segment;
use crate::error::Result;

/// A frame to append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFrame<'a> {
    pub(crate) kind: FrameKind,
    pub(crate) type_id: u16,
    /// At most 4096 bytes.
    pub(crate) key: &'a [u8],
    /// Nanoseconds since 1970; raised to the last one's when it is less.
    pub(crate) timestamp: u64,
}

/// Where a frame was appended. It counts once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) sequence: u64,
    /// Offset of the frame in the writer's segment.
    pub(crate) offset: u64,
    /// Offset of its payload in the writer's segment.
    pub(crate) payload_offset: u64,
}

/// What a streamed payload is written into: exactly as many bytes as were announced.
#[derive(Debug)]
pub(crate) struct Payload<'w> {
    writer: &'w mut Writer,
}

impl io::Write for Payload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        todo!()
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one that appends to a session's journal.
///
/// After an error of `append` or `append_streamed` the frames since the last commit are dropped, as
/// [`Writer::rollback`] does, and the writer goes on. After a failed sync it refuses everything.
/// Dropped, it leaves its files as after `close`, without syncing.
#[derive(Debug)]
pub(crate) struct Writer {
    lock: WriterLock,
    durability: Durability,
}

impl Writer {
    /// Takes up a chain that was opened while `lock` was held: sets aside what does not count, then
    /// appends to the active segment, or to a new one. A chain without a session begins one with
    /// `new_session_id` (random).
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::NoRoomToCommit`].
    pub(crate) fn open(
        lock: WriterLock,
        chain: &Chain,
        new_session_id: [u8; 16],
        durability: Durability,
        timestamp: u64,
    ) -> Result<(Writer, Vec<SetAside>)> {
        todo!()
    }

    /// The session's id.
    pub(crate) fn session_id(&self) -> [u8; 16] {
        todo!()
    }

    /// Sequence of the last committed frame.
    pub(crate) fn sequence(&self) -> u64 {
        todo!()
    }

    /// The active segment, for reading what was committed.
    pub(crate) fn segment(&self) -> &Segment {
        todo!()
    }

    /// Length of the active segment up to the last commit, in bytes.
    pub(crate) fn committed_len(&self) -> u64 {
        todo!()
    }

    /// Appends a frame whose payload is in memory. `payload_crc` spares summing it.
    ///
    /// # Errors
    /// [`crate::EnvError::NoRoomToCommit`], [`crate::EnvError::Io`], [`crate::EnvError::ForkedChild`],
    /// [`crate::EnvError::JournalClosed`], [`crate::EnvError::InvalidValue`] for a key beyond 4096 bytes.
    pub(crate) fn append(
        &mut self,
        frame: &NewFrame<'_>,
        payload: &[u8],
        payload_crc: Option<u32>,
    ) -> Result<Written> {
        todo!()
    }

    /// Appends a frame whose payload of `payload_len` bytes is written by `fill`, in pieces.
    ///
    /// # Errors
    /// As [`Writer::append`], and those of `fill`; writing another number of bytes is one.
    pub(crate) fn append_streamed(
        &mut self,
        frame: &NewFrame<'_>,
        payload_len: u64,
        fill: impl FnOnce(&mut Payload<'_>) -> Result<()>,
    ) -> Result<Written> {
        todo!()
    }

    /// Whether frames were appended since the last commit.
    pub(crate) fn is_pending(&self) -> bool {
        todo!()
    }

    /// Commits the frames appended since the last commit, and syncs as the policy says. Returns the
    /// sequence of the last frame. Nothing is done when there are none.
    ///
    /// # Errors
    /// [`crate::EnvError::NoRoomToCommit`], [`crate::EnvError::Io`]: the frames are dropped, the writer
    /// goes on. [`crate::EnvError::CommitNotDurable`]: they are committed, but may not survive a power
    /// cut; the writer refuses everything from then on.
    pub(crate) fn commit(&mut self, timestamp: u64) -> Result<u64> {
        todo!()
    }

    /// Drops the frames appended since the last commit.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], after which the writer refuses everything.
    pub(crate) fn rollback(&mut self) -> Result<()> {
        todo!()
    }

    /// Waits until all commits are on the disk, whatever the policy. Nothing is done when they are.
    ///
    /// # Errors
    /// [`crate::EnvError::CommitNotDurable`].
    pub(crate) fn sync(&mut self) -> Result<()> {
        todo!()
    }

    /// When [`Writer::sync`] is to be called under [`Durability::Group`], if commits wait.
    pub(crate) fn sync_due(&self) -> Option<Instant> {
        todo!()
    }

    /// A sync of all commits to be run on another thread, if any waits.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub(crate) fn start_sync(&mut self) -> Result<Option<SyncTicket>> {
        todo!()
    }

    /// Takes note of what a [`SyncTicket`] that was run brought.
    ///
    /// # Errors
    /// [`crate::EnvError::CommitNotDurable`].
    pub(crate) fn finish_sync(&mut self, ticket: SyncTicket) -> Result<()> {
        todo!()
    }

    /// Retires the active segment and goes on in a new one. Nothing may be pending.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::CommitNotDurable`].
    pub(crate) fn rotate(&mut self, timestamp: u64) -> Result<Rotated> {
        todo!()
    }

    /// Drops what is pending, syncs unless the policy is [`Durability::Os`], and gives back what was
    /// reserved.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::CommitNotDurable`].
    pub(crate) fn close(self) -> Result<()> {
        todo!()
    }

    /// As [`Writer::close`], and removes the active segment, which must hold no frame above
    /// `folded_sequence`.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub(crate) fn close_and_remove(self, folded_sequence: u64) -> Result<()> {
        todo!()
    }
}
