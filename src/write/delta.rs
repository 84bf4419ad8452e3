//! What deltas need of a writer: removals, and files marked as what they are.

use super::archive::ArchiveWriter;
use super::options::SaveOptions;
use crate::error::Result;
use crate::format::NONE;
use crate::format::header::{FLAG_DELTA, FLAG_SEALED};
use crate::format::records::{FLAG_TOMBSTONE, Slot};
use crate::name::check_name;

impl ArchiveWriter<'_> {
    /// Says that a name is removed. Only for a delta.
    ///
    /// # Errors
    /// [`crate::EnvError::NameTooLong`].
    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        check_name(name)?;
        self.entries.push(name, FLAG_TOMBSTONE, NONE, Slot::Null);
        Ok(())
    }
}

impl SaveOptions {
    /// Makes the file a delta, which readers of archives refuse.
    pub(crate) fn delta(mut self) -> SaveOptions {
        self.is_delta = true;
        self
    }

    /// The flags of the header.
    pub(super) fn header_flags(&self) -> u32 {
        let sealed = if self.seal { FLAG_SEALED } else { 0 };
        let delta = if self.is_delta { FLAG_DELTA } else { 0 };
        sealed | delta
    }
}
