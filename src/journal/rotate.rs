//! Segments come and go: a new one is made, the old one gets its number, folded ones are removed.

use std::io;
use std::path::PathBuf;

use super::begin::{BEGIN_LEN, Begin};
use super::file::{JournalFile, keep, remove, rename_new, sync_directory};
use super::paths::Companions;
use super::segment::{Found, Segment};
use super::writer::Writer;
use crate::error::{EnvError, Result};

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// Where the old segment is now; `None` when it held no frames and goes on.
    pub(crate) retired: Option<PathBuf>,
    /// Sequence of the last frame before the new segment: what a checkpoint may fold.
    pub(crate) sequence: u64,
}

/// Makes a segment with nothing but its begin frame, which is not active yet.
pub(super) fn prepare(companions: &Companions, begin: Begin) -> io::Result<Segment> {
    let bytes = begin.to_bytes();
    let file = JournalFile::create(&companions.new_journal())?;
    file.write_all_at(0, &bytes)?;
    Ok(Segment::new(companions.journal(), file, begin, &bytes))
}

/// Makes the prepared segment the active one. Nothing may stand at its path.
pub(super) fn activate(companions: &Companions) -> io::Result<()> {
    rename_new(&companions.new_journal(), &companions.journal())
}

impl Companions {
    /// Keeps the archive under the name of the one that history begins with, unless there is one
    /// already. That is on the disk before the archive is replaced.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub(crate) fn keep_base(&self) -> Result<()> {
        let base = self.base();
        keep(self.archive(), &base)
            .and_then(|()| sync_directory(self.directory()))
            .map_err(|e| EnvError::io("keep", base.as_path(), e))
    }
}

impl Writer {
    /// Retires the active segment and goes on in a new one. Nothing may be pending. All commits are
    /// on the disk afterwards, whatever the policy: of two segments the second must never be there
    /// without all of the first.
    ///
    /// # Errors
    /// [`EnvError::NoRoomToCommit`], [`EnvError::Io`]; [`EnvError::InvalidValue`] when frames are
    /// pending; [`EnvError::CommitNotDurable`], [`EnvError::JournalClosed`],
    /// [`EnvError::ForkedChild`].
    pub(crate) fn rotate(&mut self, timestamp: u64) -> Result<Rotated> {
        self.check()?;
        if self.is_pending() {
            return Err(EnvError::InvalidValue {
                what: "the journal cannot be rotated".into(),
                reason: "frames are appended and not committed".into(),
            });
        }
        let end = self.committed_position();
        let base = self.segment().begin().base_sequence;
        if end.sequence == base {
            return Ok(Rotated {
                retired: None,
                sequence: base,
            });
        }
        self.sync()?;
        self.noted = false;
        self.trim().map_err(|e| self.write_failed(e, 0))?;
        let begin = Begin {
            session_id: self.session_id(),
            root_digest: [0; 32],
            base_sequence: end.sequence,
            timestamp: timestamp.max(end.timestamp),
            link: end.link,
            synced: self.synced_sequence(),
        };
        let next = prepare(self.companions(), begin);
        let next = next.map_err(|e| self.write_failed(e, BEGIN_LEN as u64))?;
        let retired = self.companions().retired(base.saturating_add(1));
        let failed = |e| EnvError::io("retire", self.segment().path(), e);
        rename_new(self.segment().path(), &retired).map_err(failed)?;
        // The old one has its new name for sure before another takes the one it had.
        let renamed = sync_directory(self.companions().directory());
        let renamed = renamed.and_then(|()| activate(self.companions()));
        if let Err(e) = renamed.map_err(failed) {
            // There is no active segment now: the next writer makes one.
            self.refuse_from_now_on(format!("it was retired, and no new one was made: {e}"));
            return Err(e);
        }
        self.go_on_in(next);
        Ok(Rotated {
            retired: Some(retired),
            sequence: end.sequence,
        })
    }

    /// Removes retired segments whose frames are all at or below `folded_sequence`, lowest first.
    /// To be called once the archive that holds those frames is durable. Returns what was removed.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::ForkedChild`].
    pub(crate) fn remove_folded(&self, folded_sequence: u64) -> Result<Vec<PathBuf>> {
        self.check_process()?;
        let mut own = Vec::new();
        for (first, path) in self.companions().list_retired()? {
            // A file is no segment by its name alone, and says nothing of where another ends.
            if let Found::Segment(segment) = Segment::find_retired(first, &path)?
                && segment.begin().session_id == self.session_id()
            {
                own.push((first, path));
            }
        }
        let mut ends: Vec<u64> = own.iter().map(|(first, _)| first - 1).skip(1).collect();
        ends.push(self.segment().begin().base_sequence);
        let mut removed = Vec::new();
        for ((_, path), end) in own.into_iter().zip(ends) {
            if end <= folded_sequence {
                remove(&path).map_err(|e| EnvError::io("remove", path.as_path(), e))?;
                removed.push(path);
            }
        }
        Ok(removed)
    }
}
