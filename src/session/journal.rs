//! What stands beside an archive: its journal in figures, what of it does not count, and who writes.

use std::fmt;
use std::path::PathBuf;

use super::reader::SessionReader;
use crate::error::Result;
use crate::fault::Fault;
use crate::journal::WriterLock;
use crate::name::escape_for_terminal;

/// The journal beside an archive, as of the commit that a [`SessionReader`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalInfo {
    /// The session; `None` when the archive never belonged to one.
    pub session_id: Option<[u8; 16]>,
    /// The segment that is written to; `None` when there is no journal.
    pub path: Option<PathBuf>,
    /// Length of the journal up to the last commit, in bytes, with segments that a checkpoint is
    /// folding.
    pub len: u64,
    /// Sequence of the last committed frame.
    pub sequence: u64,
    /// Sequence of the last frame that the archive holds.
    pub folded_sequence: u64,
    /// Number of commits that the archive does not hold.
    pub commits: u64,
}

/// Bytes of a journal that do not count: damage, or a commit that was not finished. The next writer
/// moves them aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalDamage {
    /// The segment.
    pub path: PathBuf,
    /// Offset from which on its bytes do not count.
    pub offset: u64,
    /// How many there are to the end of the file.
    pub len: u64,
    /// Why they do not count; `None` when they are a commit that was not finished, or stand behind
    /// damage.
    pub fault: Option<Fault>,
}

impl fmt::Display for JournalDamage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = escape_for_terminal(&self.path.to_string_lossy());
        let (len, offset) = (self.len, self.offset);
        write!(
            f,
            "{path}: {len} bytes from byte {offset} on do not count: "
        )?;
        match &self.fault {
            Some(fault) => write!(f, "{fault}"),
            None => f.write_str("a commit that was not finished"),
        }
    }
}

impl SessionReader {
    /// The journal in figures.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub fn journal(&self) -> Result<JournalInfo> {
        let folded = self.archive.folded_sequence();
        let frames = self.chain.frames().from(folded.saturating_add(1));
        let segments = self.chain.segments();
        Ok(JournalInfo {
            session_id: self.chain.session_id(),
            path: (!segments.is_empty()).then(|| self.companions.journal()),
            len: self.chain.committed_len()?,
            sequence: self.sequence(),
            folded_sequence: folded,
            commits: frames.filter(|frame| frame.ends_commit()).count() as u64,
        })
    }

    /// Bytes of the journal that do not count, in order.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub fn damage(&self) -> Result<Vec<JournalDamage>> {
        let damage = self.chain.damage()?.into_iter();
        let told = damage.map(|damage| JournalDamage {
            path: damage.path,
            offset: damage.offset,
            len: damage.len,
            fault: damage.fault,
        });
        Ok(told.collect())
    }

    /// Who has the session open for writing, in words: process, program, host and since when. `None`
    /// when nobody has; it may be opened or closed at any time.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub fn writer(&self) -> Result<Option<String>> {
        WriterLock::holder(&self.companions)
    }
}
