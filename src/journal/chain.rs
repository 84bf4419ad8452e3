//! The segments of a session, one after the other, and how far they are true.

use std::path::PathBuf;

use super::index::Frames;
use super::paths::Companions;
use super::segment::Segment;
use crate::error::Result;
use crate::fault::Fault;

/// What a journal must belong to: the archive beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// The session the archive names; zero when it names none.
    pub(crate) session_id: [u8; 16],
    /// Its root digest; `None` when there is no archive.
    pub(crate) root_digest: Option<[u8; 32]>,
    /// Sequence of the last frame folded into it.
    pub(crate) folded_sequence: u64,
}

/// Bytes in a journal that are not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The segment.
    pub(crate) path: PathBuf,
    /// Offset from which on its bytes do not count.
    pub(crate) offset: u64,
    /// How many there are to the end of the file.
    pub(crate) len: u64,
    /// Why they do not count; `None` when they are a commit that was not finished.
    pub(crate) fault: Option<Fault>,
}

/// The committed frames of a session, as far as they are true. Reading only.
#[derive(Debug)]
pub(crate) struct Chain {
    companions: Companions,
    base: Base,
    frames: Frames,
}

impl Chain {
    /// Reads the journal beside an archive. Where there is none, or none that holds anything, the
    /// chain is empty and has no session.
    ///
    /// # Errors
    /// [`crate::EnvError::ForeignJournal`]: it belongs to another archive or session.
    /// [`crate::EnvError::JournalGap`]: frames are missing between the archive and the journal.
    /// Both are also what a reader sees whose archive was replaced by a checkpoint meanwhile: see
    /// whether the archive's path still leads to the same file, and if not, open both again.
    /// [`crate::EnvError::Io`], [`crate::EnvError::NotAFile`], [`crate::EnvError::Unsupported`].
    pub(crate) fn open(companions: &Companions, base: &Base) -> Result<Chain> {
        todo!()
    }

    /// Reads what was committed since, over rotations too. Returns the sequence of the last frame
    /// known before: the new ones are `frames().from(that + 1)`.
    ///
    /// # Errors
    /// As [`Chain::open`]; after a [`crate::EnvError::JournalGap`] open archive and chain again.
    pub(crate) fn refresh(&mut self) -> Result<u64> {
        todo!()
    }

    /// The session's id; `None` when there is no journal and the archive names none.
    pub(crate) fn session_id(&self) -> Option<[u8; 16]> {
        todo!()
    }

    /// Sequence of the last committed frame; what is folded when there are none.
    pub(crate) fn sequence(&self) -> u64 {
        todo!()
    }

    /// All committed frames of the segments that hold frames above the folded sequence. The first
    /// ones may be folded already: use `frames().from(folded_sequence + 1)`.
    pub(crate) fn frames(&self) -> &Frames {
        &self.frames
    }

    /// The segments of the chain in their order; the last may be the active one.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Segment> {
        std::iter::empty()
    }

    /// Retired segments whose frames are all folded.
    pub(crate) fn folded_segments(&self) -> &[PathBuf] {
        todo!()
    }

    /// What is in the files and does not count, in order. Reads what follows the last commit up to
    /// the first byte that is not zero.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub(crate) fn damage(&self) -> Result<Vec<Damage>> {
        todo!()
    }
}
