//! What a writer does before its first append: what does not count goes aside, byte for byte.

use std::path::PathBuf;

/// Bytes that were set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetAside {
    /// The segment they stood in.
    pub(crate) from: PathBuf,
    /// The file they are in now.
    pub(crate) to: PathBuf,
    /// How many there are.
    pub(crate) len: u64,
}
