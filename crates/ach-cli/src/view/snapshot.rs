//! The file as it was when it was opened, and whether it is still that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use achronyme_env::{Archive, SessionReader};
use serde_json::{Value as Json, json};

use super::layout::Owners;
use crate::error::Result;
use crate::journal::{Beside, Reading};
use crate::opened::Opened;

/// The file as it was when it was opened. What is shown of it stays the same however the file
/// changes: an archive is replaced as a whole, and the old one stays readable.
pub(super) struct Snapshot {
    /// The path, as it was given.
    pub(super) path: PathBuf,
    /// What it holds.
    pub(super) archive: Archive,
    /// What stands beside it.
    pub(super) journal: Beside,
    /// The session, for its log; none where no journal was read.
    pub(super) session: Option<SessionReader>,
    /// Whether offsets in the archive are offsets in the file: not when that is of version 1.
    pub(super) is_placed: bool,
    /// What lies where in the file, when it was asked for.
    pub(super) owners: OnceLock<Owners>,
    /// How often the file was opened before.
    epoch: u64,
    stamps: [Option<Stamp>; 2],
}

/// What tells one file from another, or from itself after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    len: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(&metadata);
        #[cfg(not(unix))]
        let number = 0;
        Some(Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            number,
        })
    }

    /// Those of an archive and of the journal beside it.
    fn of_both(path: &Path, reading: Reading) -> [Option<Stamp>; 2] {
        let mut journal = path.as_os_str().to_owned();
        journal.push("-journal");
        let journal = (!reading.archive_only).then(|| Stamp::of(Path::new(&journal)));
        [Stamp::of(path), journal.flatten()]
    }
}

impl Snapshot {
    fn open(path: &Path, reading: Reading, epoch: u64) -> Result<Snapshot> {
        // Before the file is opened: a change in between is found later, and not missed.
        let stamps = Stamp::of_both(path, reading);
        let session = match reading.archive_only {
            true => None,
            false => SessionReader::open(path).ok(),
        };
        let mut is_placed = true;
        let (archive, journal) = match &session {
            Some(session) => (session.archive().clone(), Beside::of(session)?),
            None => {
                let opened = Opened::open(path, reading)?;
                is_placed = matches!(opened, Opened::Present(..));
                let journal = opened.journal().cloned().unwrap_or_default();
                (opened.into_archive(|_| epoch == 0)?, journal)
            }
        };
        Ok(Snapshot {
            path: path.to_owned(),
            archive,
            journal,
            session,
            is_placed,
            owners: OnceLock::new(),
            epoch,
            stamps,
        })
    }
}

/// The snapshot that is shown, and how a newer one is had.
pub(super) struct Shelf {
    reading: Reading,
    current: Mutex<Arc<Snapshot>>,
}

impl Shelf {
    /// Opens a file.
    ///
    /// # Errors
    /// As [`Opened::open`].
    pub(super) fn open(path: &Path, reading: Reading) -> Result<Shelf> {
        let snapshot = Snapshot::open(path, reading, 0)?;
        snapshot.journal.tell(path, reading.quiet);
        Ok(Shelf {
            reading,
            current: Mutex::new(Arc::new(snapshot)),
        })
    }

    /// The snapshot that is shown.
    pub(super) fn current(&self) -> Arc<Snapshot> {
        let current = self.current.lock();
        Arc::clone(&current.unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the file is still what is shown.
    pub(super) fn state(&self) -> Json {
        let snapshot = self.current();
        let now = Stamp::of_both(&snapshot.path, self.reading);
        let state = match &now[0] {
            None => "gone",
            Some(_) if now != snapshot.stamps => "changed",
            Some(_) => "same",
        };
        json!({ "epoch": snapshot.epoch, "file": state })
    }

    /// Opens the file anew. When it cannot be, what was shown stays.
    ///
    /// # Errors
    /// As [`Opened::open`].
    pub(super) fn reload(&self) -> Result<Json> {
        let before = self.current();
        let newer = Snapshot::open(&before.path, self.reading, before.epoch + 1)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(newer);
        drop(current);
        Ok(self.state())
    }
}
