//! One writer at a time: a lock on a file that is never replaced or removed.

use crate::error::Result;

use super::paths::Companions;

/// The right to write a session's files. Given back when dropped, by the process that took it.
#[derive(Debug)]
pub(crate) struct WriterLock {
    process: u32,
}

impl WriterLock {
    /// Takes the lock beside an archive; makes its file when there is none.
    ///
    /// # Errors
    /// [`crate::EnvError::SessionLocked`] names who has it; [`crate::EnvError::Io`].
    pub(crate) fn take(companions: &Companions) -> Result<WriterLock> {
        todo!()
    }

    /// Who holds the lock beside an archive, in words; `None` when nobody does. For listings: it may
    /// be taken or given back at any time.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub(crate) fn holder(companions: &Companions) -> Result<Option<String>> {
        todo!()
    }

    /// Refuses a process that was forked from the one that took the lock.
    ///
    /// # Errors
    /// [`crate::EnvError::ForkedChild`].
    pub(crate) fn check_process(&self) -> Result<()> {
        todo!()
    }
}
