//! A save over the archive of a session: commits that are only in its journal are not lost without
//! being asked for.

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::error::{EnvError, Result};
use crate::format::TRAILER_LEN;
use crate::format::header::{AchHeader, HEADER_LEN};
use crate::format::records::Preamble;
use crate::format::table_head::PREAMBLE_LEN;
use crate::journal::{Base, Chain, Companions, WriterLock};

/// What stands beside an archive that is replaced. No session is opened for writing while it lives.
#[derive(Debug)]
pub(super) struct JournalGuard {
    _lock: WriterLock,
    /// Files that belong to the archive and go with it, in the order in which they may go.
    journal: Vec<PathBuf>,
    /// The session they belong to, and a sequence above all of theirs.
    session: Option<([u8; 16], u64)>,
}

impl JournalGuard {
    /// Looks for the journal of the archive at `path`; `None` when no session ever was there.
    ///
    /// # Errors
    /// [`EnvError::UnfoldedJournal`] when it holds commits that the archive does not, or history is
    /// kept beside it, unless `discard` is set; [`EnvError::SessionLocked`] when a session writes it;
    /// [`EnvError::ChangedInPlace`] when an archive is not the one of root digest `replaces`.
    pub(super) fn new(
        path: &Path,
        discard: bool,
        replaces: Option<[u8; 32]>,
    ) -> Result<Option<JournalGuard>> {
        let companions = Companions::of(path)?;
        let alone = !companions.may_have_journal()? && !companions.base().exists();
        if alone && replaces.is_none() {
            return Ok(None);
        }
        let lock = WriterLock::take_briefly(&companions)?;
        let mut guard = JournalGuard {
            _lock: lock,
            journal: Vec::new(),
            session: None,
        };
        let base = base_of(companions.archive());
        let found = base.as_ref().and_then(|base| base.root_digest);
        if replaces.is_some() && found != replaces {
            return Err(EnvError::ChangedInPlace {
                path: path.into(),
                what: "another archive stands in its place",
            });
        }
        let Some(base) = base else {
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
        let is_lost = |journal: PathBuf| EnvError::UnfoldedJournal {
            path: path.into(),
            journal: journal.as_path().into(),
            frames: unfolded,
        };
        match discard {
            true => {}
            false if unfolded > 0 => return Err(is_lost(companions.journal())),
            false if companions.base().exists() => return Err(is_lost(companions.base())),
            false => {}
        }
        let mut journal = chain.folded_segments().to_vec();
        let segments = chain.segments().iter();
        journal.extend(segments.map(|segment| segment.path().to_owned()));
        if !journal.is_empty() {
            let session = chain.session_id();
            guard.session = session.map(|id| (id, chain.sequence().saturating_add(1)));
        }
        // Without its segments the base would be a history with a gap.
        guard.journal.push(companions.base());
        guard.journal.extend(journal);
        Ok(Some(guard))
    }

    /// The session of the journal, and the sequence that the new archive must have in it: it says
    /// more than all frames. As long as the journal is there it would else belong to another archive,
    /// and the session could not be opened.
    pub(super) fn session(&self) -> Option<([u8; 16], u64)> {
        self.session
    }

    /// Removes the journal of the archive that was replaced. Left by an error it does no harm: its
    /// frames are older than the new archive, and are not replayed.
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
