//! Array data that is in the new file already.

use std::fs::File;
use std::sync::Arc;

use crate::error::{EnvError, Origin, Result};
use crate::value::Storage;

/// An extent that was written: its bytes are read from the file where another that may be the same
/// is compared with it.
#[derive(Debug)]
pub(super) struct WrittenExtent {
    pub(super) file: Arc<File>,
    pub(super) path: Origin,
    pub(super) offset: u64,
    pub(super) raw_len: u64,
    /// Whether its bytes cannot be read here, or are not yet what they will be.
    pub(super) closed: bool,
}

impl Storage for WrittenExtent {
    fn byte_len(&self) -> u64 {
        self.raw_len
    }

    fn range(&self, _: u64, _: u64) -> Result<&[u8]> {
        Err(EnvError::InvalidValue {
            what: "array data that is being written".to_owned(),
            reason: "it is not in memory".to_owned(),
        })
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let read = read_exact_at(&self.file, out, self.offset + start);
        read.map_err(|e| EnvError::io("read", self.path.clone(), e))
    }

    fn is_volatile(&self) -> bool {
        self.closed
    }
}

#[cfg(unix)]
fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                out = &mut out[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
