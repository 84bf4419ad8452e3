//! When a commit is on the disk.

use std::time::{Duration, Instant};

/// When a commit is on the disk: survives a power cut. Every commit survives the end of the process,
/// however it ends.
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
/// [`super::Writer::finish_sync`].
#[derive(Debug)]
pub(crate) struct SyncTicket {
    file: std::fs::File,
    sequence: u64,
    result: Option<std::io::Result<()>>,
}

impl SyncTicket {
    /// Waits until the frames are on the disk.
    pub(crate) fn run(&mut self) {
        todo!()
    }
}

/// What waits to be synced.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) commits: u32,
    pub(super) since: Option<Instant>,
}
