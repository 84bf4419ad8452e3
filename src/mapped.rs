//! The second unsafe room: files mapped for writing. `read/map.rs` maps what is only read.
//!
//! What a map gives is `&mut [u8]` of a range that was checked against the file, whose space was
//! reserved before.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::{MmapMut, MmapOptions};
use tempfile::NamedTempFile;

use crate::allocate::{allocate, free_bytes};
use crate::error::{EnvError, Origin, Result};

/// A range of an archive that is being written, mapped for writing.
pub(crate) struct MappedRange(MmapMut);

impl MappedRange {
    /// Maps bytes `offset..offset + len` of a temporary file, which are there. Whoever holds the file
    /// drops the map before it gives the file another name or makes it shorter.
    pub(crate) fn of_temporary(
        temp: &NamedTempFile,
        offset: u64,
        len: u64,
    ) -> io::Result<MappedRange> {
        let file = temp.as_file();
        let end = offset.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
        if file.metadata()?.len() < end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let size = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut options = MmapOptions::new();
        options.offset(offset).len(size);
        // SAFETY: the range lies in the file. The file was made by this process, as a new one under a
        // random name that no caller is told, and is removed or renamed by its only holder, which
        // neither writes to a range it has mapped nor makes the file shorter while the map lives.
        let map = unsafe { options.map_mut(file)? };
        Ok(MappedRange(map))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl fmt::Debug for MappedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedRange({} bytes)", self.0.len())
    }
}

/// A file of plain bytes, mapped for writing: scratch space that may be larger than memory.
///
/// It knows nothing of archives; a tensor that is to become one is made with
/// [`ArchiveWriter::reserve_tensor`](crate::ArchiveWriter::reserve_tensor), which needs no `unsafe`.
///
/// ```
/// use achronyme_env::MmapFile;
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("scratch.bin");
///
/// // SAFETY: nobody else knows the file.
/// let mut file = unsafe { MmapFile::create(&path, 1 << 20)? };
/// file.range_mut(4096, 4)?.copy_from_slice(b"here");
/// file.flush()?;
/// assert_eq!(&file.as_slice()[4096..4100], b"here");
/// assert!(file.range_mut(1 << 20, 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Two ranges for writing at once are cut from one with the means of slices; asking for them one
/// after the other does not compile, since they might overlap:
///
/// ```compile_fail
/// # fn overlap(file: &mut achronyme_env::MmapFile) -> achronyme_env::Result<()> {
/// let first = file.range_mut(0, 10)?;
/// let second = file.range_mut(5, 10)?;
/// first.swap_with_slice(second);
/// # Ok(())
/// # }
/// ```
pub struct MmapFile {
    map: MmapMut,
    path: Origin,
}

impl MmapFile {
    /// Makes a new file of `len` zero bytes and maps it. Space is reserved first, so that a full disk
    /// is an error of this call and no signal later; after an error there is no file.
    ///
    /// # Safety
    /// While the map lives, nobody else may write to the file in place or shorten it, in this process
    /// or another: its bytes are lent as `&[u8]` and `&mut [u8]`. Removing or renaming it is
    /// harmless. (This is the promise of [`Archive::open_mmap`](crate::Archive::open_mmap).)
    ///
    /// # Errors
    /// [`EnvError::AlreadyExists`]; [`EnvError::DiskFull`] and [`EnvError::Io`].
    pub unsafe fn create(path: impl AsRef<Path>, len: u64) -> Result<MmapFile> {
        let path = path.as_ref();
        let mut options = File::options();
        let made = options.read(true).write(true).create_new(true).open(path);
        let file = made.map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => EnvError::AlreadyExists { path: path.into() },
            _ => EnvError::io("make", path, e),
        })?;
        // SAFETY: the caller promises for the file what `map` asks for.
        let mapped = reserve(&file, path, len).and_then(|()| unsafe { map(&file, path) });
        mapped.inspect_err(|_| {
            // The error that counts is the one above.
            let _ = std::fs::remove_file(path);
        })
    }

    /// Maps a whole file for reading and writing. Its length stays as it is.
    ///
    /// An archive is not to be opened so: what is written in place does not match its sums.
    ///
    /// # Safety
    /// As [`MmapFile::create`].
    ///
    /// # Errors
    /// [`EnvError::NotAFile`] and [`EnvError::Io`].
    pub unsafe fn open(path: impl AsRef<Path>) -> Result<MmapFile> {
        let path = path.as_ref();
        let failed = |e| EnvError::io("open", path, e);
        // Asked before opening: opening a FIFO would wait for a reader.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(EnvError::NotAFile {
                path: path.into(),
                found: "no regular file",
            });
        }
        let opened = File::options().read(true).write(true).open(path);
        // SAFETY: the caller promises for the file what `map` asks for.
        unsafe { map(&opened.map_err(failed)?, path) }
    }

    /// Its length in bytes.
    pub fn len(&self) -> u64 {
        self.map.len() as u64
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.map
    }

    /// All bytes, for writing. They are in the file at once, for every process; see
    /// [`MmapFile::flush`] for the disk.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.map
    }

    /// Bytes `offset..offset + len`.
    ///
    /// # Errors
    /// [`EnvError::SliceOutOfRange`] when they do not lie in the file.
    pub fn range(&self, offset: u64, len: u64) -> Result<&[u8]> {
        let range = byte_range(offset, len).and_then(|range| self.map.get(range));
        range.ok_or_else(|| self.out_of_range(offset, len))
    }

    /// Bytes `offset..offset + len`, for writing.
    ///
    /// # Errors
    /// As [`MmapFile::range`].
    pub fn range_mut(&mut self, offset: u64, len: u64) -> Result<&mut [u8]> {
        let size = self.map.len();
        match byte_range(offset, len).filter(|range| range.end <= size) {
            Some(range) => Ok(&mut self.map[range]),
            None => Err(self.out_of_range(offset, len)),
        }
    }

    /// Waits until everything that was written is on the disk.
    ///
    /// # Errors
    /// [`EnvError::Io`]: then it may not be, and asking again would not tell.
    pub fn flush(&self) -> Result<()> {
        let flushed = self.map.flush();
        flushed.map_err(|e| EnvError::io("write", self.path.clone(), e))
    }

    fn out_of_range(&self, offset: u64, len: u64) -> EnvError {
        EnvError::SliceOutOfRange {
            slice: format!("bytes {offset}.. of {len}"),
            shape: format!("({},)", self.len()),
            reason: format!("{} has {} bytes", self.path, self.len()),
        }
    }
}

/// # Safety
/// As [`MmapFile::create`], for `file`.
unsafe fn map(file: &File, path: &Path) -> Result<MmapFile> {
    // SAFETY: the caller promises what `MmapMut::map_mut` asks for: nobody else writes to the file
    // or shortens it while the map lives.
    let map = unsafe { MmapMut::map_mut(file) };
    Ok(MmapFile {
        map: map.map_err(|e| EnvError::io("map", path, e))?,
        path: path.into(),
    })
}

fn reserve(file: &File, path: &Path, len: u64) -> Result<()> {
    let full = |free| EnvError::DiskFull {
        path: path.into(),
        needed: len,
        free,
    };
    let free = free_bytes(file);
    // A reservation that cannot be met keeps some file systems busy for minutes before it fails.
    if let Some(free) = free.filter(|free| *free < len) {
        return Err(full(free));
    }
    allocate(file, 0, len).map_err(|e| match (e.kind(), free) {
        (io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded, Some(free)) => full(free),
        _ => EnvError::io("reserve space for", path, e),
    })
}

fn byte_range(offset: u64, len: u64) -> Option<std::ops::Range<usize>> {
    let start = usize::try_from(offset).ok()?;
    let end = usize::try_from(offset.checked_add(len)?).ok()?;
    Some(start..end)
}

impl fmt::Debug for MmapFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MmapFile({}, {} bytes)", self.path, self.len())
    }
}
