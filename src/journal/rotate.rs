//! Segments come and go: a new one is made, the old one gets its number, folded ones are removed.

use std::path::PathBuf;

use super::paths::Companions;
use crate::error::Result;

/// What a rotation did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    /// Where the old segment is now; `None` when it held no frames and goes on.
    pub(crate) retired: Option<PathBuf>,
    /// Sequence of the last frame before the new segment: what a checkpoint may fold.
    pub(crate) sequence: u64,
}

/// Removes retired segments whose frames are all at or below `folded_sequence`. To be called once
/// the archive that holds them is durable, and with the lock held.
///
/// # Errors
/// [`crate::EnvError::Io`].
pub(crate) fn unlink_folded(companions: &Companions, folded_sequence: u64) -> Result<()> {
    todo!()
}
