//! Bytes at an offset: a file read with `pread`, a map, or memory. Every road gives the same
//! answers; only a map and memory can lend bytes without copying them.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::error::{EnvError, Result};
use crate::value::Buffer;

/// Where an archive's bytes are.
pub(crate) trait ByteSource: Send + Sync + std::fmt::Debug {
    /// Number of bytes when the archive was opened.
    fn len(&self) -> u64;

    /// Fills `out` with the bytes from `offset` on.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()>;

    /// As [`ByteSource::read_at`]: without touching a map, for which each page touched the first time
    /// is an interruption that costs more than reading it.
    fn read_apart(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.read_at(offset, out)
    }

    /// Whether [`ByteSource::read_apart`] spares a map.
    fn spares_a_map(&self) -> bool {
        false
    }

    /// The bytes without a copy, where they are mapped or in memory.
    fn lend(&self, offset: u64, len: u64) -> Option<&[u8]>;

    /// Asks the system to read bytes ahead; whether it took that up.
    fn will_need(&self, _offset: u64, _len: u64) -> bool {
        false
    }

    /// Says that bytes which are lent are touched next, and not those around them. Where they are
    /// mapped and not in memory, the system is asked for them alone: it would read megabytes around
    /// the first of them.
    fn will_touch(&self, _offset: u64, _len: u64) {}

    /// What about the file is no longer as it was at open, if anything.
    fn change(&self) -> Option<&'static str> {
        None
    }
}

/// Length and time of a file when it was opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp {
    pub(crate) len: u64,
    modified: Option<std::time::SystemTime>,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            len: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }

    /// What differs in `file` now.
    pub(crate) fn change(&self, file: &File) -> Option<&'static str> {
        let Ok(metadata) = file.metadata() else {
            return Some("it cannot be asked any more");
        };
        let now = Stamp::of(&metadata);
        if now.len != self.len {
            return Some("its length differs");
        }
        (now.modified != self.modified).then_some("its modification time differs")
    }
}

/// Opens a regular file for reading, without waiting on anything that is not one.
pub(crate) fn open_file(path: &Path) -> Result<(File, Stamp)> {
    let failed = |action, source| EnvError::io(action, path, source);
    // Asked before opening: opening a FIFO would wait for a writer.
    refuse_other_kinds(
        path,
        &std::fs::metadata(path).map_err(|e| failed("open", e))?,
    )?;
    let file = File::open(path).map_err(|e| failed("open", e))?;
    let metadata = file.metadata().map_err(|e| failed("open", e))?;
    refuse_other_kinds(path, &metadata)?;
    let stamp = Stamp::of(&metadata);
    Ok((file, stamp))
}

fn refuse_other_kinds(path: &Path, metadata: &Metadata) -> Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(());
    }
    Err(EnvError::NotAFile {
        path: path.into(),
        found: describe(kind),
    })
}

#[cfg(unix)]
fn describe(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_dir() {
        "a directory"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn describe(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else {
        "a device"
    }
}

/// Fills `out` with the bytes of `file` from `offset` on.
#[cfg(unix)]
pub(crate) fn read_exact_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, offset)
}

/// Fills `out` with the bytes of `file` from `offset` on.
#[cfg(windows)]
pub(crate) fn read_exact_at(file: &File, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !out.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, out, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => {
                out = &mut out[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// A file that is read when asked.
#[derive(Debug)]
pub(crate) struct FileSource {
    pub(crate) file: File,
    pub(crate) stamp: Stamp,
}

impl ByteSource for FileSource {
    fn len(&self) -> u64 {
        self.stamp.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        read_exact_at(&self.file, out, offset)
    }

    fn lend(&self, _: u64, _: u64) -> Option<&[u8]> {
        None
    }

    #[cfg(target_os = "linux")]
    fn will_need(&self, offset: u64, len: u64) -> bool {
        use rustix::fs::{Advice, fadvise};
        let len = std::num::NonZeroU64::new(len);
        len.is_some() && fadvise(&self.file, offset, len, Advice::WillNeed).is_ok()
    }

    fn change(&self) -> Option<&'static str> {
        self.stamp.change(&self.file)
    }
}

/// Bytes in memory that is nobody else's.
#[derive(Debug)]
pub(crate) struct MemorySource(pub(crate) Buffer);

impl ByteSource for MemorySource {
    fn len(&self) -> u64 {
        self.0.as_bytes().len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        copy_from(self.0.as_bytes(), offset, out)
    }

    fn lend(&self, offset: u64, len: u64) -> Option<&[u8]> {
        range_of(self.0.as_bytes(), offset, len)
    }
}

/// Bytes in memory that others hold too.
#[derive(Debug)]
pub(crate) struct SharedSource<M>(pub(crate) Arc<M>);

impl<M: AsRef<[u8]> + Send + Sync + std::fmt::Debug> ByteSource for SharedSource<M> {
    fn len(&self) -> u64 {
        (*self.0).as_ref().len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        copy_from((*self.0).as_ref(), offset, out)
    }

    fn lend(&self, offset: u64, len: u64) -> Option<&[u8]> {
        range_of((*self.0).as_ref(), offset, len)
    }
}

/// Bytes `offset..offset + len` of `bytes`, when they are there.
pub(crate) fn range_of(bytes: &[u8], offset: u64, len: u64) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(len)?).ok()?;
    bytes.get(start..end)
}

/// Fills `out` from `bytes`.
pub(crate) fn copy_from(bytes: &[u8], offset: u64, out: &mut [u8]) -> io::Result<()> {
    let range = range_of(bytes, offset, out.len() as u64).ok_or(io::ErrorKind::UnexpectedEof)?;
    out.copy_from_slice(range);
    Ok(())
}
