//! The writer: committing, going back, and when commits are on the disk. `append` puts the frames
//! together.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::append::Pending;
use super::durability::{Durability, Waiting};
use super::file::remove;
use super::frame::{FLAG_COMMIT, MESSAGE_HEADER_LEN};
use super::lock::WriterLock;
use super::paths::Companions;
use super::scan::Position;
use super::segment::Segment;
use crate::error::{EnvError, Result};

/// Zeros written behind the last frame, so that a small commit changes neither the length nor the
/// blocks of the file: `fdatasync` then takes about two thirds of the time.
const RESERVED: u64 = 256 << 10;
const LEAST_RESERVED: u64 = 4 << 10;
/// Commits up to this length are small.
const SMALL_COMMIT: u64 = 64 << 10;

/// The one that appends to a session's journal.
///
/// After an error of `append` or `commit` the frames since the last commit are
/// dropped, as [`Writer::rollback`] does, and the writer goes on. After a failed sync it refuses
/// everything. Dropped, it leaves its files as [`Writer::close`] does, without syncing.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) lock: Arc<WriterLock>,
    pub(super) companions: Companions,
    pub(super) durability: Durability,
    /// The active segment, open for writing.
    pub(super) segment: Segment,
    pub(super) committed: Position,
    pub(super) pending: Pending,
    /// Up to where the file is known to hold bytes: frames, then zeros.
    pub(super) file_len: u64,
    pub(super) reserves: bool,
    /// Sequence of the last frame known to be on the disk.
    pub(super) synced: u64,
    pub(super) waiting: Waiting,
    /// Retired segments that are not known to be on the disk, with their last sequences.
    pub(super) unsynced: Vec<(Segment, u64)>,
    pub(super) names_synced: bool,
    /// Whether frames with large payloads are not known to be on the disk.
    pub(super) large_unsynced: bool,
    /// Whether a note stands behind the last frame.
    pub(super) noted: bool,
    /// Why nothing more is appended.
    pub(super) closed: Option<String>,
}

impl Writer {
    /// The session's id.
    pub(crate) fn session_id(&self) -> [u8; 16] {
        self.segment.begin().session_id
    }

    /// Sequence of the last committed frame.
    pub(crate) fn sequence(&self) -> u64 {
        self.committed.sequence
    }

    /// Sequence of the last frame that is known to be on the disk.
    pub(crate) fn synced_sequence(&self) -> u64 {
        self.synced
    }

    /// The active segment, for reading what was committed.
    pub(crate) fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Length of the active segment up to the last commit, in bytes.
    pub(crate) fn committed_len(&self) -> u64 {
        self.committed.offset
    }

    /// The paths of the session.
    pub(crate) fn companions(&self) -> &Companions {
        &self.companions
    }

    /// The lock: given back when the last who holds it goes.
    pub(crate) fn lock(&self) -> Arc<WriterLock> {
        Arc::clone(&self.lock)
    }

    /// Whether frames were appended since the last commit.
    pub(crate) fn is_pending(&self) -> bool {
        self.pending.last.sequence != self.committed.sequence
    }

    /// Commits the frames appended since the last commit, and syncs as the policy says. Returns the
    /// sequence of the last frame. Nothing is done when there are none.
    ///
    /// # Errors
    /// [`EnvError::NoRoomToCommit`], [`EnvError::Io`]: the frames are dropped, the writer goes on.
    /// [`EnvError::CommitNotDurable`]: they are committed, but may not survive a power cut; the writer
    /// refuses everything from then on. [`EnvError::ForkedChild`], [`EnvError::JournalClosed`].
    pub(crate) fn commit(&mut self, timestamp: u64) -> Result<u64> {
        self.check()?;
        if self.is_pending() {
            let written = self
                .seal(FLAG_COMMIT, timestamp)
                .and_then(|()| self.flush());
            self.or_rollback(written)?;
            let len = self.pending.last.offset - self.committed.offset;
            self.committed = self.pending.last;
            self.large_unsynced |= self.pending.large;
            self.pending.start_after(self.committed);
            if self.committed.offset >= self.file_len {
                self.file_len = self.committed.offset;
                if self.reserves && len <= SMALL_COMMIT {
                    self.reserve();
                }
            }
            self.waiting.add(Instant::now());
        }
        if self.waiting.is_due(self.durability, Instant::now()) {
            self.sync()?;
        }
        Ok(self.committed.sequence)
    }

    /// Drops the frames appended since the last commit.
    ///
    /// # Errors
    /// [`EnvError::Io`], after which the writer refuses everything; [`EnvError::ForkedChild`].
    pub(crate) fn rollback(&mut self) -> Result<()> {
        self.check_process()?;
        let reached_file = self.pending.reached_file;
        self.pending.start_after(self.committed);
        if reached_file && self.closed.is_none() {
            self.trim().map_err(|e| {
                self.refuse_from_now_on(format!("an unfinished commit could not be cut off: {e}"));
                EnvError::io("cut", self.segment.path(), e)
            })?;
        }
        Ok(())
    }

    /// Drops what is pending, syncs unless the policy is [`Durability::Os`], and gives back what was
    /// reserved, and the lock.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::CommitNotDurable`], [`EnvError::ForkedChild`],
    /// [`EnvError::JournalClosed`].
    pub(crate) fn close(mut self) -> Result<()> {
        self.finish()
    }

    /// As [`Writer::close`], and removes the active segment if it holds no frame above
    /// `folded_sequence`.
    ///
    /// # Errors
    /// As [`Writer::close`].
    pub(crate) fn close_and_remove(mut self, folded_sequence: u64) -> Result<()> {
        self.finish()?;
        if self.committed.sequence > folded_sequence {
            return Ok(());
        }
        self.refuse_from_now_on("the session was closed".into());
        let path = self.segment.path();
        remove(path).map_err(|e| EnvError::io("remove", path, e))
    }

    fn finish(&mut self) -> Result<()> {
        self.check()?;
        self.rollback()?;
        if self.file_len > self.committed.offset {
            let trimmed = self.trim();
            trimmed.map_err(|e| EnvError::io("cut", self.segment.path(), e))?;
        }
        match self.durability {
            Durability::Os => Ok(()),
            _ => self.sync(),
        }
    }

    /// Refuses a forked child, and everything after an error that forbids going on.
    pub(super) fn check(&self) -> Result<()> {
        self.check_process()?;
        self.check_open()
    }

    /// Refuses everything after an error that forbids going on. Asking for the process takes a call
    /// of the system, which is left to what touches the files.
    pub(super) fn check_open(&self) -> Result<()> {
        match &self.closed {
            None => Ok(()),
            Some(reason) => Err(EnvError::JournalClosed {
                path: self.segment.path().into(),
                reason: reason.clone(),
            }),
        }
    }

    pub(super) fn check_process(&self) -> Result<()> {
        self.lock.check_process()
    }

    /// Refuses everything after this, for that reason.
    pub(crate) fn refuse_from_now_on(&mut self, reason: String) {
        self.closed.get_or_insert(reason);
    }

    pub(super) fn committed_position(&self) -> Position {
        self.committed
    }

    /// Appends to `next` from now on, which follows the segment that was retired.
    pub(super) fn go_on_in(&mut self, next: Segment) {
        let old = std::mem::replace(&mut self.segment, next);
        if self.synced < self.committed.sequence {
            self.unsynced.push((old, self.committed.sequence));
        }
        self.names_synced = false;
        self.committed = self.segment.start();
        self.pending.start_after(self.committed);
        self.file_len = self.committed.offset;
        self.large_unsynced = false;
        self.noted = false;
    }

    /// Cuts the file after the last commit and its note.
    pub(super) fn trim(&mut self) -> io::Result<()> {
        let note = if self.noted {
            MESSAGE_HEADER_LEN as u64
        } else {
            0
        };
        let end = self.committed.offset + note;
        self.segment.journal_file().set_len(end)?;
        self.file_len = end;
        Ok(())
    }

    /// Drops what is pending after an error in writing it.
    pub(super) fn or_rollback<T>(&mut self, result: io::Result<T>) -> Result<T> {
        result.map_err(|e| {
            let needed = self.pending.last.offset - self.committed.offset;
            let failed = self.write_failed(e, needed);
            self.rollback().err().unwrap_or(failed)
        })
    }

    /// The error for a failed write of `needed` bytes.
    pub(super) fn write_failed(&self, error: io::Error, needed: u64) -> EnvError {
        let path = self.segment.path();
        match is_full(&error) {
            true => EnvError::NoRoomToCommit {
                path: path.into(),
                needed,
                free: self.segment.journal_file().free_bytes().unwrap_or(0),
            },
            false => EnvError::io("write", path, error),
        }
    }

    /// Writes zeros ahead. Where there is no room for them, it does without.
    fn reserve(&mut self) {
        let file = self.segment.journal_file();
        let end = self.committed.offset;
        // As much as there is already, so that a session of one commit writes little.
        let len = end.next_multiple_of(LEAST_RESERVED).min(RESERVED);
        match file.write_all_at(end, &vec![0; len as usize]) {
            Ok(()) => self.file_len = end + len,
            Err(_) => {
                self.reserves = false;
                // What there is of them is zero, and does no harm.
                let _ = file.set_len(end);
            }
        }
    }
}

/// Whether there is no room on the disk.
pub(super) fn is_full(error: &io::Error) -> bool {
    let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    full.contains(&error.kind())
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A forked child has no business with the files; after a failed sync they stay as they are.
        if self.check().is_ok() && self.rollback().is_ok() && self.file_len > self.committed.offset
        {
            let _ = self.trim();
        }
    }
}
