//! The unsafe room: mapping a file, or a sealed memory file, into memory.
//!
//! What a map gives is `&[u8]`, and everything above treats it as bytes from a stranger: offsets
//! were checked against the length, every access is bounds-checked, nodes are copied out before
//! they are checked. What remains is the contract stated at [`Map::new`].
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;
#[cfg(unix)]
use std::sync::atomic::Ordering::Relaxed;

use memmap2::{Mmap, MmapOptions};

use super::source::{ByteSource, Stamp, copy_from, range_of, read_exact_at};

/// A file mapped for reading.
#[derive(Debug)]
pub(crate) struct Map {
    bytes: Mmap,
    /// Kept to read what is copied, and to compare length and time at first touches; a sealed file
    /// is in memory and cannot change.
    file: Option<(File, Stamp)>,
    /// Where what was touched last ends.
    touched: AtomicU64,
}

/// What begins so near to what was touched before is left to the system, which reads ahead.
const NEAR_BYTES: u64 = 128 << 10;
/// A file that is shorter is not worth a call.
const ASKED_FROM_BYTES: u64 = 1 << 20;

impl Map {
    fn over(bytes: Mmap, file: Option<(File, Stamp)>) -> Map {
        let touched = AtomicU64::new(u64::MAX);
        Map {
            bytes,
            file,
            touched,
        }
    }

    /// Maps `file`.
    ///
    /// # Safety
    /// While the map lives, nobody may write to the file in place or shorten it, in this process
    /// or another. (Replacing it by renaming another file over it is harmless.)
    pub(crate) unsafe fn new(file: File, stamp: Stamp) -> io::Result<Map> {
        // SAFETY: the caller promises what `Mmap::map` asks for: the file is not modified and not
        // truncated while the map lives.
        let bytes = unsafe { Mmap::map(&file)? };
        Ok(Map::over(bytes, Some((file, stamp))))
    }

    /// Maps a memory file whose seals forbid writing, shrinking, growing, and further seals.
    ///
    /// # Errors
    /// `InvalidInput` when a seal is missing; what the system answers.
    #[cfg(target_os = "linux")]
    pub(crate) fn sealed(fd: std::os::fd::OwnedFd) -> io::Result<Map> {
        use rustix::fs::SealFlags;
        let needed = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        let seals = rustix::fs::fcntl_get_seals(&fd)?;
        if !seals.contains(needed) {
            let text = "the memory file is not sealed against writing, shrinking and growing";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let file = File::from(fd);
        // SAFETY: the kernel refuses every write and every change of length of a file with these
        // seals, by any process, and F_SEAL_SEAL keeps the seals; so the bytes cannot change.
        let bytes = unsafe { Mmap::map(&file)? };
        Ok(Map::over(bytes, None))
    }
}

/// The promise that archives and committed frames of a session stay as they are, given once.
#[derive(Clone, Debug)]
pub(crate) struct Mapping(());

impl Mapping {
    /// # Safety
    /// While a map made with this lives, nobody may write to the mapped archive or frames in place,
    /// or shorten their file before their end. (A writer of this crate only appends behind frames.)
    pub(crate) unsafe fn promised() -> Mapping {
        Mapping(())
    }

    /// Maps an archive of the session.
    pub(crate) fn whole(&self, file: File, stamp: Stamp) -> io::Result<Map> {
        // SAFETY: whoever made `self` promised for the archives of the session what `Map::new`
        // asks for.
        unsafe { Map::new(file, stamp) }
    }

    /// Maps committed bytes of a journal.
    pub(crate) fn range(&self, file: &File, offset: u64, len: u64) -> io::Result<Map> {
        let end = offset.checked_add(len);
        let size = usize::try_from(len).ok();
        let (Some(end), Some(size)) = (end, size) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        if file.metadata()?.len() < end {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut options = MmapOptions::new();
        options.offset(offset).len(size);
        // SAFETY: the range lies in the file, and whoever made `self` promised that these bytes
        // are not changed and not cut off while the map lives.
        let bytes = unsafe { options.map(file)? };
        Ok(Map::over(bytes, None))
    }
}

impl ByteSource for Map {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Reads from the file, where there is one: a page that is not in memory and is touched in the map
    /// brings megabytes around it (8 MiB where the disk is told to read so far ahead).
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match &self.file {
            Some((file, _)) => read_exact_at(file, out, offset),
            None => copy_from(&self.bytes, offset, out),
        }
    }

    fn read_apart(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match &self.file {
            Some((file, _)) => read_exact_at(file, out, offset),
            None => self.read_at(offset, out),
        }
    }

    fn spares_a_map(&self) -> bool {
        self.file.is_some()
    }

    fn lend(&self, offset: u64, len: u64) -> Option<&[u8]> {
        range_of(&self.bytes, offset, len)
    }

    #[cfg(unix)]
    fn will_need(&self, offset: u64, len: u64) -> bool {
        let Some(range) = range_of(&self.bytes, offset, len) else {
            return false;
        };
        let advice = memmap2::Advice::WillNeed;
        let taken = self
            .bytes
            .advise_range(advice, offset as usize, range.len());
        taken.is_ok()
    }

    #[cfg(unix)]
    fn will_touch(&self, offset: u64, len: u64) {
        let before = self.touched.swap(offset.saturating_add(len), Relaxed);
        if offset.abs_diff(before) > NEAR_BYTES && self.len() >= ASKED_FROM_BYTES {
            self.will_need(offset, len);
        }
    }

    fn change(&self) -> Option<&'static str> {
        self.file
            .as_ref()
            .and_then(|(file, stamp)| stamp.change(file))
    }
}
