//! When a commit is on the disk.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::file::{JournalFile, sync_directory};

/// When a commit is on the disk, where it survives a power cut. Every commit survives the end of the
/// process, however it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// When `commit` returns.
    #[default]
    Commit,
    /// Several together: after `every` since the first that waits, or when `commits` wait.
    Group {
        /// The longest a commit waits.
        every: Duration,
        /// How many wait at most.
        commits: u32,
    },
    /// When the system writes it, within seconds as a rule.
    Os,
}

/// A sync that is to be done away from the writer: `run` it on any thread, then hand it to
/// [`super::Writer::finish_sync`]. It has files of its own, so that each sees the errors of the disk.
#[derive(Debug)]
pub(crate) struct SyncTicket {
    pub(super) files: Vec<JournalFile>,
    pub(super) directory: Option<PathBuf>,
    /// What the active segment begins with.
    pub(super) base_sequence: u64,
    /// Sequence of the last frame that is on the disk afterwards.
    pub(super) sequence: u64,
    pub(super) result: Option<io::Result<()>>,
}

impl SyncTicket {
    /// Waits until the commits are on the disk.
    pub(crate) fn run(&mut self) {
        let mut result = self.files.iter().try_for_each(JournalFile::sync_data);
        if let (Ok(()), Some(directory)) = (&result, &self.directory) {
            result = sync_directory(directory);
        }
        self.result = Some(result);
    }
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
