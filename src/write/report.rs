//! What a save tells.

use std::fmt;

use crate::error::Origin;
use crate::finding::Finding;

/// What a save did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SaveReport {
    /// The file, or memory.
    pub path: Origin,
    /// Its length in bytes.
    pub file_len: u64,
    /// Number of bindings.
    pub bindings: usize,
    /// Number of bindings that `include_only` and `exclude` left out.
    pub omitted: usize,
    /// Bytes of array data before compression; shared data counts once.
    pub raw_bytes: u64,
    /// Bytes of array data in the file.
    pub stored_bytes: u64,
    /// The root digest.
    pub root_digest: [u8; 32],
    /// What was not saved as it was, and what is worth knowing.
    pub findings: Vec<Finding>,
}

/// One line, and one more for each finding.
impl fmt::Display for SaveReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "saved {} bindings to {}, {} bytes",
            self.bindings, self.path, self.file_len
        )?;
        if self.omitted > 0 {
            write!(f, "; {} left out", self.omitted)?;
        }
        for finding in &self.findings {
            write!(f, "\n  {finding}")?;
        }
        Ok(())
    }
}
