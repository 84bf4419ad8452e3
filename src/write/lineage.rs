//! Where an archive comes from: what a checkpoint and a delta write into its preamble.

use super::options::SaveOptions;

/// The session an archive belongs to and the archive it was made from; zeros where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lineage {
    /// Identity of the session whose journal belongs to the archive.
    pub(crate) session_id: [u8; 16],
    /// Sequence of the last frame of that journal that is in the archive.
    pub(crate) folded_sequence: u64,
    /// Root digest of the archive this one was made from.
    pub(crate) parent_digest: [u8; 32],
}

impl SaveOptions {
    /// Says where the archive comes from. Part of its bytes and of its root digest.
    #[allow(dead_code, reason = "asked for by sessions and deltas")]
    pub(crate) fn lineage(mut self, lineage: Lineage) -> SaveOptions {
        self.lineage = lineage;
        self
    }
}
