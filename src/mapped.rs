//! The second unsafe room: files mapped for writing. `read/map.rs` maps what is only read.
//!
//! What a map gives is `&mut [u8]` of a range that was checked against the file, whose space was
//! reserved before.
#![allow(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

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

/// A second map of the bytes of a reserved tensor, for a host whose arrays hold on to memory and may
/// live longer than the writer. Given by
/// [`ReservedTensor::memory`](crate::ReservedTensor::memory).
///
/// What is written through it is written to the unpublished file. When the archive is finished, or
/// fails to be, and the memory is still held, it is set free first: at the same address stands from
/// then on a private map of the same bytes, so that whoever holds it may go on reading and writing,
/// and the file does not change. Where the system has no room for private changes (a limit on data,
/// or no overcommitment), it becomes a map of a copy in an unnamed file beside the archive.
pub struct ReservedMemory {
    map: MmapMut,
    file: Arc<File>,
    /// Where the map begins in the file.
    start: u64,
    /// Bytes of the map in front of the tensor.
    before: usize,
}

/// Where maps begin: a multiple of every system's page.
const MAP_ALIGNMENT: u64 = 64 << 10;

impl ReservedMemory {
    /// Maps bytes `offset..offset + len` of the file that `range` is a map of.
    pub(crate) fn beside(
        range: &MappedRange,
        file: &Arc<File>,
        offset: u64,
    ) -> io::Result<ReservedMemory> {
        let start = offset - offset % MAP_ALIGNMENT;
        let before = (offset - start) as usize;
        let len = range.0.len().checked_add(before);
        let mut options = MmapOptions::new();
        options
            .offset(start)
            .len(len.ok_or(io::ErrorKind::InvalidInput)?);
        // SAFETY: `range` is a map of the same file up to the same place, made under the promise of
        // `MappedRange::of_temporary`; nobody makes the file shorter than that. This map is given
        // out as a pointer only.
        let map = unsafe { options.map_mut(&**file)? };
        Ok(ReservedMemory {
            map,
            file: Arc::clone(file),
            start,
            before,
        })
    }

    /// The first byte of the tensor. It is readable and writable for [`ReservedMemory::len`] bytes
    /// while `self` lives, and stays at this address.
    ///
    /// Whoever writes there sees to it that nobody reads or writes the same bytes meanwhile, neither
    /// here nor through slices of the [`ReservedTensor`](crate::ReservedTensor).
    pub fn as_ptr(&self) -> *mut u8 {
        self.map.as_ptr().wrapping_add(self.before).cast_mut()
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.map.len() - self.before
    }

    /// Whether there are none, which is never so.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// From here on nothing that is written to this memory reaches the file. A copy, when one is
    /// needed, is made in `directory`.
    #[cfg(unix)]
    pub(crate) fn set_free(&self, directory: &Path) -> io::Result<()> {
        use rustix::mm::MapFlags;
        let private = MapFlags::PRIVATE;
        // Not every system has the flag; those without it do not count what is only promised.
        #[cfg(any(target_os = "linux", target_vendor = "apple"))]
        let private = private | MapFlags::NORESERVE;
        if self.room_for_changes() && self.replace(private, &self.file, self.start).is_ok() {
            return Ok(());
        }
        use std::io::{Read, Seek, SeekFrom};
        let mut copy = tempfile::tempfile_in(directory)?;
        let len = self.map.len() as u64;
        allocate(&copy, 0, len)?;
        // The place is shared with the writer's handle, which names one whenever it reads or writes.
        let mut ours = self.file.try_clone()?;
        ours.seek(SeekFrom::Start(self.start))?;
        copy.rewind()?;
        if io::copy(&mut ours.take(len), &mut copy)? < len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.replace(MapFlags::SHARED, &copy, 0)
    }

    /// Whether the system would give this process as much private memory, and leave it as much again.
    /// What takes the place of another map is not held against a limit, and all that is asked for
    /// after it is: the process would come to a stop.
    #[cfg(unix)]
    fn room_for_changes(&self) -> bool {
        let mut options = MmapOptions::new();
        options
            .len(self.map.len().saturating_mul(2))
            .no_reserve_swap();
        options.map_anon().is_ok()
    }

    /// As above; there is no call that puts a map in the place of another.
    #[cfg(not(unix))]
    pub(crate) fn set_free(&self, _: &Path) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "its memory is still in use, which this system cannot set free",
        ))
    }

    /// Puts a map of bytes from `start` on of `file` in the place of this one.
    #[cfg(unix)]
    fn replace(&self, flags: rustix::mm::MapFlags, file: &File, start: u64) -> io::Result<()> {
        use rustix::mm::{MapFlags, ProtFlags, mmap};
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let (place, len) = (self.map.as_ptr().cast_mut().cast(), self.map.len());
        // SAFETY: the addresses are those of `self.map`, whole, so no other memory is replaced; it
        // begins at a page, since `start` of the file does. `self.map` goes on to own them, and
        // unmaps them when it is dropped. No reference to the bytes exists, only pointers, for which
        // the memory stays readable and writable. The call replaces in one step: another thread
        // finds the old map or the new one. The bytes of the file are there, to the end of the map.
        unsafe { mmap(place, len, protection, flags | MapFlags::FIXED, file, start)? };
        Ok(())
    }
}

impl fmt::Debug for ReservedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReservedMemory({} bytes)", self.len())
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
