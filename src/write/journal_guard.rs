//! A save over the archive of a session: commits that are only in its journal are not lost without
//! being asked for.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{EnvError, Result};
use crate::format::TRAILER_LEN;
use crate::format::header::{AchHeader, HEADER_LEN};
use crate::format::records::Preamble;
use crate::format::table::PREAMBLE_LEN;
use crate::journal::{Base, Chain, Companions, WriterLock};

/// What stands beside an archive that is replaced. No session is opened for writing while it lives.
#[derive(Debug)]
pub(super) struct JournalGuard {
    _lock: WriterLock,
    /// Files that belong to the archive and go with it.
    journal: Vec<PathBuf>,
}

impl JournalGuard {
    /// Looks for the journal of the archive at `path`; `None` when no session ever was there.
    ///
    /// # Errors
    /// [`EnvError::UnfoldedJournal`] when it holds commits that the archive does not, unless
    /// `discard` is set; [`EnvError::SessionLocked`] when a session writes it.
    pub(super) fn new(path: &Path, discard: bool) -> Result<Option<JournalGuard>> {
        let companions = Companions::of(path)?;
        if !companions.lock().exists() && !companions.journal().exists() {
            return Ok(None);
        }
        let lock = WriterLock::take(&companions)?;
        let mut guard = JournalGuard {
            _lock: lock,
            journal: Vec::new(),
        };
        let Some(base) = base_of(companions.archive()) else {
            // What is replaced is no archive: a journal beside it is not its own.
            return Ok(Some(guard));
        };
        let chain = match Chain::open(&companions, &base) {
            Ok(chain) => chain,
            // Another archive's, which stays for whoever knows to which it belongs.
            Err(EnvError::ForeignJournal { .. } | EnvError::JournalGap { .. }) => {
                return Ok(Some(guard));
            }
            Err(error) => return Err(error),
        };
        let unfolded = chain.sequence().saturating_sub(base.folded_sequence);
        if unfolded > 0 && !discard {
            return Err(EnvError::UnfoldedJournal {
                path: path.into(),
                journal: companions.journal().as_path().into(),
                frames: unfolded,
            });
        }
        let segments = chain.segments().iter().map(|s| s.path().to_owned());
        guard.journal.extend(segments);
        guard
            .journal
            .extend(chain.folded_segments().iter().cloned());
        guard.journal.push(companions.base());
        Ok(Some(guard))
    }

    /// Removes the journal of the archive that was replaced. Left by an error it does no harm: it
    /// does not belong to the new archive, and is not replayed.
    pub(super) fn remove_journal(self) {
        for path in &self.journal {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// What a journal beside the archive at `path` belongs to; `None` when there is no archive of this
/// format.
fn base_of(path: &Path) -> Option<Base> {
    let file = File::open(path).ok()?;
    let len = file.metadata().ok()?.len();
    let mut header = [0; HEADER_LEN];
    read_at(&file, 0, &mut header)?;
    let header = AchHeader::from_bytes(&header).ok()?;
    let mut preamble = [0; PREAMBLE_LEN];
    read_at(&file, header.table_offset, &mut preamble)?;
    let preamble: Preamble = bytemuck::pod_read_unaligned(&preamble);
    let mut root_digest = [0; 32];
    read_at(&file, len.checked_sub(TRAILER_LEN)?, &mut root_digest)?;
    Some(Base {
        session_id: preamble.session_id,
        root_digest: Some(root_digest),
        folded_sequence: preamble.folded_sequence,
    })
}

fn read_at(mut file: &File, offset: u64, out: &mut [u8]) -> Option<()> {
    use std::io::{Read, Seek, SeekFrom};
    file.seek(SeekFrom::Start(offset)).ok()?;
    file.read_exact(out).ok()
}
