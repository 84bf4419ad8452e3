//! Which files fit together: sessions, archives and segments that belong to each other.

use std::path::Path;

use super::begin::Begin;
use super::chain::Chain;
use super::segment::Segment;
use crate::error::{EnvError, Result};

impl Chain {
    /// Whether the first segment belongs to the archive and continues it.
    pub(super) fn check_owner(&mut self, segment: &Segment) -> Result<()> {
        let begin = segment.begin();
        if self.session_id.is_some() {
            self.check_session(segment)?;
        } else if begin.root_digest != self.base.root_digest.unwrap_or_default() {
            let reason = match (self.base.root_digest, begin.root_digest == [0; 32]) {
                (None, _) => "the archive it began with is not there",
                (_, true) => "its session began without an archive, or with one that names it",
                _ => "its session began with another archive",
            };
            return Err(self.foreign(segment.path(), reason.into()));
        }
        let folded = self.base.folded_sequence;
        if begin.base_sequence > folded {
            return Err(self.gap(segment, folded));
        }
        self.session_id = Some(begin.session_id);
        Ok(())
    }

    pub(super) fn check_session(&self, segment: &Segment) -> Result<()> {
        let Begin { session_id, .. } = segment.begin();
        let expected = self.session_id.unwrap_or_default();
        if *session_id == expected {
            return Ok(());
        }
        let reason = format!(
            "it is of session {:032x}, where {:032x} is expected",
            u128::from_be_bytes(*session_id),
            u128::from_be_bytes(expected)
        );
        Err(self.foreign(segment.path(), reason))
    }

    /// Two segments that are sound and do not follow each other.
    pub(super) fn unfit(&self, last: &Segment, next: &Segment, sequence: u64) -> EnvError {
        if next.begin().base_sequence > sequence {
            return self.gap(next, sequence);
        }
        let reason = format!(
            "it continues from frame {}, and not what {} holds up to frame {sequence}",
            next.begin().base_sequence,
            crate::name::escape_for_terminal(&last.path().to_string_lossy())
        );
        self.foreign(next.path(), reason)
    }

    fn gap(&self, segment: &Segment, last: u64) -> EnvError {
        EnvError::JournalGap {
            path: segment.path().into(),
            archive: self.companions.archive().into(),
            last,
            found: segment.begin().base_sequence.saturating_add(1),
        }
    }

    fn foreign(&self, path: &Path, reason: String) -> EnvError {
        EnvError::ForeignJournal {
            path: path.into(),
            archive: self.companions.archive().into(),
            reason,
        }
    }
}
