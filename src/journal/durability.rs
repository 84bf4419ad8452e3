//! When a commit is on the disk.

use std::io;
use std::time::{Duration, Instant};

use super::file::sync_directory;
use super::writer::Writer;
use crate::error::{EnvError, Result};

/// When a commit is on the disk, where it survives a power cut. Every commit survives the end of the
/// process, however it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// When `commit` returns.
    #[default]
    Commit,
    /// Several together, with the commit that comes `every` after the first that waits, or makes
    /// `commits` of them: that one waits for the disk. When no more commits come, see
    /// [`Session::sync_due`](crate::Session::sync_due).
    Group {
        /// The longest a commit waits while others follow.
        every: Duration,
        /// How many are synced together at most.
        commits: u32,
    },
    /// When the system writes it, within seconds as a rule.
    Os,
}

/// Commits that are not known to be on the disk.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Waiting {
    commits: u32,
    since: Option<Instant>,
}

impl Waiting {
    pub(super) fn add(&mut self, now: Instant) {
        self.commits = self.commits.saturating_add(1);
        self.since.get_or_insert(now);
    }

    pub(super) fn clear(&mut self) {
        *self = Waiting::default();
    }

    /// Whether `durability` asks for a sync now.
    pub(super) fn is_due(&self, durability: Durability, now: Instant) -> bool {
        match durability {
            Durability::Commit => self.commits > 0,
            Durability::Group { commits, .. } => {
                self.commits >= commits.max(1) || self.due(durability).is_some_and(|at| at <= now)
            }
            Durability::Os => false,
        }
    }

    /// When `durability` asks for a sync, if no more commits come.
    pub(super) fn due(&self, durability: Durability) -> Option<Instant> {
        match durability {
            Durability::Commit => self.since,
            Durability::Group { every, .. } => self.since?.checked_add(every),
            Durability::Os => None,
        }
    }
}

impl Writer {
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
        self.record_sync(self.committed.sequence, true, synced)
    }

    /// When [`Writer::sync`] is to be called if no more commits come; `None` when nothing waits, or
    /// the system decides.
    pub(crate) fn sync_due(&self) -> Option<Instant> {
        self.waiting.due(self.durability)
    }

    fn is_synced(&self) -> bool {
        self.synced >= self.committed.sequence && self.unsynced.is_empty()
    }

    fn record_sync(&mut self, sequence: u64, names: bool, result: io::Result<()>) -> Result<()> {
        match result {
            Ok(()) => {
                self.synced = self.synced.max(sequence);
                self.unsynced.retain(|(_, last)| *last > sequence);
                self.names_synced = names;
                if self.synced >= self.committed.sequence {
                    self.waiting.clear();
                    self.leave_note();
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
