//! Where an archive is written: in place of a file, or into memory.

use std::fs::File;
use std::io;

use super::replace::Replacement;
use super::spool::Spool;
use crate::error::{EnvError, Origin, Result};

/// A file that is written from front to back and read by nobody meanwhile.
#[derive(Debug)]
pub(super) enum Destination {
    /// It will replace a file.
    Replacement(Replacement),
    /// It has no name: a memory file where there are such, else a temporary one.
    Memory(File),
}

/// Node bytes held in memory before they go to a temporary file.
const SPOOL_BYTES: usize = 4 << 20;

impl Destination {
    /// A file without a name.
    pub(super) fn memory() -> Result<Destination> {
        let failed = |e| EnvError::io("make a memory file for", Origin::Memory, e);
        Ok(Destination::Memory(memory_file().map_err(failed)?))
    }

    pub(super) fn file(&self) -> &File {
        match self {
            Destination::Replacement(replacement) => replacement.file(),
            Destination::Memory(file) => file,
        }
    }

    /// The file as the caller named it.
    pub(super) fn origin(&self) -> Origin {
        match self {
            Destination::Replacement(replacement) => replacement.path().into(),
            Destination::Memory(_) => Origin::Memory,
        }
    }

    /// A place for the bytes of nodes until their place in the file is known: memory, and a
    /// temporary file (beside the target, where there is one) when they are many.
    pub(super) fn spool(&self) -> Spool {
        Spool::new(match self {
            Destination::Replacement(replacement) => {
                tempfile::spooled_tempfile_in(SPOOL_BYTES, replacement.directory())
            }
            Destination::Memory(_) => tempfile::spooled_tempfile(SPOOL_BYTES),
        })
    }

    /// Reserves `len` bytes where that is a promise.
    pub(super) fn reserve(&self, len: u64) -> Result<()> {
        match self {
            Destination::Replacement(replacement) => replacement.reserve(len),
            Destination::Memory(_) => Ok(()),
        }
    }

    /// The error for a failed write of a file of `needed` bytes.
    pub(super) fn write_failed(&self, error: io::Error, needed: u64) -> EnvError {
        match self {
            Destination::Replacement(replacement) => replacement.write_failed(error, needed),
            Destination::Memory(_) => EnvError::io("write", Origin::Memory, error),
        }
    }

    /// Whether the bytes must be on a disk in the end.
    pub(super) fn on_disk(&self) -> bool {
        matches!(self, Destination::Replacement(_))
    }
}

#[cfg(target_os = "linux")]
fn memory_file() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    Ok(memfd_create("achronyme-env", flags)?.into())
}

#[cfg(not(target_os = "linux"))]
fn memory_file() -> io::Result<File> {
    tempfile::tempfile()
}
