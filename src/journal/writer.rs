//! The writer: committing, going back, and when commits are on the disk. `append` puts the frames
//! together.

use std::io;
use std::time::Instant;

use super::append::Pending;
use super::begin::Begin;
use super::chain::Chain;
use super::durability::{Durability, SyncTicket, Waiting};
use super::file::{JournalFile, remove, rename_new, sync_directory};
use super::frame::FLAG_COMMIT;
use super::lock::WriterLock;
use super::paths::Companions;
use super::recover::{SetAside, set_aside};
use super::rotate::{activate, prepare};
use super::scan::Position;
use super::segment::{Found, Segment};
use crate::error::{EnvError, Result};

/// Zeros written behind the last frame, so that a small commit changes neither the length nor the
/// blocks of the file: `fdatasync` then takes about two thirds of the time.
const RESERVED: u64 = 256 << 10;
const LEAST_RESERVED: u64 = 4 << 10;
/// Commits up to this length are small.
const SMALL_COMMIT: u64 = 64 << 10;

/// The one that appends to a session's journal.
///
/// After an error of `append`, `append_streamed` or `commit` the frames since the last commit are
/// dropped, as [`Writer::rollback`] does, and the writer goes on. After a failed sync it refuses
/// everything. Dropped, it leaves its files as [`Writer::close`] does, without syncing.
#[derive(Debug)]
pub(crate) struct Writer {
    lock: WriterLock,
    companions: Companions,
    durability: Durability,
    /// The active segment, open for writing.
    pub(super) segment: Segment,
    committed: Position,
    pub(super) pending: Pending,
    /// Up to where the file is known to hold bytes: frames, then zeros.
    pub(super) file_len: u64,
    reserves: bool,
    /// Sequence of the last frame known to be on the disk.
    pub(super) synced: u64,
    waiting: Waiting,
    /// Retired segments that are not known to be on the disk, with their last sequences.
    unsynced: Vec<(Segment, u64)>,
    names_synced: bool,
    /// Why nothing more is appended.
    closed: Option<String>,
}

impl Writer {
    /// Takes up a chain that was opened while `lock` was held: sets aside what does not count, then
    /// appends to the active segment, or to a new one. A chain without a session begins one under
    /// `new_session_id`, which is random.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::ForkedChild`].
    pub(crate) fn open(
        lock: WriterLock,
        chain: &Chain,
        new_session_id: [u8; 16],
        durability: Durability,
        timestamp: u64,
    ) -> Result<(Writer, Vec<SetAside>)> {
        lock.check_process()?;
        let aside = set_aside(chain)?;
        let companions = chain.companions().clone();
        let path = companions.journal();
        let sequence = chain.sequence();
        let last = chain.last_segment();
        // An active segment that ends before what is folded is no place for what follows.
        let active = match &last {
            Some((segment, end)) if segment.is_at(&path)? => {
                let base = segment.begin().base_sequence;
                if end.sequence < sequence && end.sequence > base {
                    let retired = companions.retired(base + 1);
                    rename_new(&path, &retired).map_err(|e| EnvError::io("retire", &*path, e))?;
                }
                (end.sequence == sequence).then_some(*end)
            }
            _ => None,
        };
        let (segment, committed) = match (active, Segment::find_for(&path, true)?) {
            (Some(end), Found::Segment(segment)) => (segment, end),
            _ => {
                let before = last.as_ref().map(|(_, end)| *end);
                let before = before.filter(|end| end.sequence == sequence);
                let begins = chain.session_id().is_none();
                let begin = Begin {
                    session_id: chain.session_id().unwrap_or(new_session_id),
                    root_digest: match begins {
                        true => chain.base().root_digest.unwrap_or_default(),
                        false => [0; 32],
                    },
                    base_sequence: sequence,
                    timestamp: timestamp.max(before.map_or(0, |end| end.timestamp)),
                    link: before.map_or(0, |end| end.link),
                    synced: chain.synced(),
                };
                let made = prepare(&companions, begin);
                let made = made.and_then(|new| activate(&companions).map(|()| new));
                let new = made.map_err(|e| EnvError::io("make", &*path, e))?;
                let start = new.start();
                (new, start)
            }
        };
        let ends = chain.segments().iter().skip(1);
        let ends = ends.map(|next| next.begin().base_sequence);
        let ends = ends.chain(last.map(|(_, end)| end.sequence));
        let mut unsynced: Vec<_> = chain.segments().iter().cloned().zip(ends).collect();
        unsynced.retain(|(older, end)| {
            *end > chain.synced() && older.begin().base_sequence < segment.begin().base_sequence
        });
        let mut pending = Pending::default();
        pending.start_after(committed);
        let writer = Writer {
            lock,
            companions,
            durability,
            committed,
            pending,
            file_len: committed.offset,
            segment,
            reserves: durability != Durability::Os,
            synced: chain.synced(),
            waiting: Waiting::default(),
            unsynced,
            names_synced: false,
            closed: None,
        };
        Ok((writer, aside))
    }

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

    /// Waits until all commits are on the disk, whatever the policy. Nothing is done when they are.
    ///
    /// # Errors
    /// [`EnvError::CommitNotDurable`], after which the writer refuses everything;
    /// [`EnvError::ForkedChild`], [`EnvError::JournalClosed`].
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.check()?;
        if self.is_synced() {
            return Ok(());
        }
        let mut segments = self.unsynced.iter().map(|(segment, _)| segment);
        let mut synced = segments
            .try_for_each(|segment| segment.journal_file().sync_data())
            .and_then(|()| self.segment.journal_file().sync_data());
        if synced.is_ok() && !self.names_synced {
            synced = sync_directory(self.companions.directory());
        }
        self.note_sync(self.committed.sequence, true, synced)
    }

    /// When [`Writer::sync`] is to be called if no more commits come; `None` when nothing waits, or
    /// the system decides.
    pub(crate) fn sync_due(&self) -> Option<Instant> {
        self.waiting.due(self.durability)
    }

    /// A sync of all commits to be run on another thread, if any waits. Commits go on meanwhile.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::ForkedChild`], [`EnvError::JournalClosed`].
    pub(crate) fn start_sync(&mut self) -> Result<Option<SyncTicket>> {
        self.check()?;
        if self.is_synced() {
            return Ok(None);
        }
        let retired = self.unsynced.iter();
        let retired = retired.map(|(s, _)| self.companions.retired(s.begin().base_sequence + 1));
        let mut files = Vec::new();
        for path in retired.chain([self.companions.journal()]) {
            // What was removed meanwhile is folded.
            files.extend(JournalFile::open(&path, false)?);
        }
        self.waiting.clear();
        Ok(Some(SyncTicket {
            files,
            directory: (!self.names_synced).then(|| self.companions.directory().to_owned()),
            base_sequence: self.segment.begin().base_sequence,
            sequence: self.committed.sequence,
            result: None,
        }))
    }

    /// Takes note of what a [`SyncTicket`] brought. One that was not run counts for nothing.
    ///
    /// # Errors
    /// [`EnvError::CommitNotDurable`], after which the writer refuses everything.
    pub(crate) fn finish_sync(&mut self, ticket: SyncTicket) -> Result<()> {
        let SyncTicket {
            base_sequence,
            sequence,
            result,
            ..
        } = ticket;
        let Some(result) = result else {
            self.waiting.add(Instant::now());
            return Ok(());
        };
        // A segment that was made meanwhile has a name that was not synced.
        let names = self.names_synced || base_sequence == self.segment.begin().base_sequence;
        self.note_sync(sequence, names, result)
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

    pub(super) fn refuse_from_now_on(&mut self, reason: String) {
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
    }

    /// Cuts the file after the last commit.
    pub(super) fn trim(&mut self) -> io::Result<()> {
        self.segment.journal_file().set_len(self.committed.offset)?;
        self.file_len = self.committed.offset;
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
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        let path = self.segment.path();
        match full.contains(&error.kind()) {
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

    fn is_synced(&self) -> bool {
        self.synced >= self.committed.sequence && self.unsynced.is_empty()
    }

    fn note_sync(&mut self, sequence: u64, names: bool, result: io::Result<()>) -> Result<()> {
        match result {
            Ok(()) => {
                self.synced = self.synced.max(sequence);
                self.unsynced.retain(|(_, last)| *last > sequence);
                self.names_synced = names;
                if self.synced >= self.committed.sequence {
                    self.waiting.clear();
                }
                Ok(())
            }
            Err(source) => {
                self.refuse_from_now_on(format!("a sync failed: {source}"));
                Err(EnvError::CommitNotDurable {
                    path: self.segment.path().into(),
                    source,
                })
            }
        }
    }
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
