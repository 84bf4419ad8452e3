//! Segments come and go: a new one is made, the old one gets its number, folded ones are removed.

use std::io;
use std::path::PathBuf;

use super::begin::{BEGIN_LEN, Begin};
use super::file::{JournalFile, remove, rename_new, rename_over};
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

/// Makes the prepared segment the active one. What stands at that path must hold nothing that counts.
pub(super) fn activate(companions: &Companions) -> io::Result<()> {
    rename_over(&companions.new_journal(), &companions.journal())
}

impl Writer {
    /// Retires the active segment and goes on in a new one. Nothing may be pending.
    ///
    /// # Errors
    /// [`EnvError::NoRoomToCommit`], [`EnvError::Io`]; [`EnvError::InvalidValue`] when frames are
    /// pending; [`EnvError::JournalClosed`], [`EnvError::ForkedChild`].
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
        let retired = self.companions().retired(base + 1);
        let failed = |e| EnvError::io("retire", self.segment().path(), e);
        rename_new(self.segment().path(), &retired).map_err(failed)?;
        if let Err(e) = activate(self.companions()).map_err(failed) {
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
        let retired = self.companions().list_retired()?;
        let mut ends: Vec<u64> = retired.iter().map(|(first, _)| first - 1).skip(1).collect();
        ends.push(self.segment().begin().base_sequence);
        let mut removed = Vec::new();
        for ((_, path), end) in retired.into_iter().zip(ends) {
            if end > folded_sequence {
                continue;
            }
            if let Found::Segment(segment) = Segment::find(&path)?
                && segment.begin().session_id == self.session_id()
            {
                remove(&path).map_err(|e| EnvError::io("remove", path.as_path(), e))?;
                removed.push(path);
            }
        }
        Ok(removed)
    }
}
