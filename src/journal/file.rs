//! Files of a journal, read and written at offsets; and every step that changes a directory. A test
//! can make each of them fail, as a full disk or the end of the process would.

use std::fs::{self, File, Metadata};
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{EnvError, Result};

/// A file of a journal: open, or opened anew when it is looked at.
#[derive(Debug)]
pub(super) struct JournalFile {
    hold: Hold,
}

#[derive(Debug)]
enum Hold {
    Open(File),
    Resting {
        path: PathBuf,
        identity: Identity,
        last_used: LastUsed,
    },
}

/// Of files that rest, the one that was looked at last: it stays open, the others do not.
#[derive(Clone, Debug, Default)]
pub(super) struct LastUsed(Arc<Mutex<Option<Known>>>);

type Known = (Identity, Arc<File>);

/// An open file.
#[derive(Debug)]
pub(crate) enum OpenFile<'a> {
    Held(&'a File),
    LastUsed(Arc<File>),
}

impl Deref for OpenFile<'_> {
    type Target = File;

    fn deref(&self) -> &File {
        match self {
            OpenFile::Held(file) => file,
            OpenFile::LastUsed(file) => file,
        }
    }
}

impl JournalFile {
    /// Opens a regular file; `None` when there is none. Nothing else is opened: a FIFO would wait.
    pub(super) fn open(path: &Path, write: bool) -> Result<Option<JournalFile>> {
        let failed = |e| EnvError::io("open", path, e);
        let opened = fs::metadata(path).and_then(|metadata| {
            if !metadata.is_file() {
                return Ok(None);
            }
            File::options().read(true).write(write).open(path).map(Some)
        });
        let file = match opened {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(failed)?,
        };
        let regular = match file {
            Some(file) if file.metadata().map_err(failed)?.is_file() => Some(file),
            _ => None,
        };
        let file = regular.ok_or(EnvError::NotAFile {
            path: path.into(),
            found: "a directory, a FIFO, a device or a socket",
        })?;
        Ok(Some(JournalFile::held(file)))
    }

    fn held(file: File) -> JournalFile {
        let hold = Hold::Open(file);
        JournalFile { hold }
    }

    /// Closes the file until it is looked at: for files of which there may be more than a process
    /// may have open. It must keep its path.
    pub(super) fn rest(self, path: &Path, last_used: &LastUsed) -> io::Result<JournalFile> {
        let identity = identity(&self.open_file()?.metadata()?);
        let hold = Hold::Resting {
            path: path.to_owned(),
            identity,
            last_used: last_used.clone(),
        };
        Ok(JournalFile { hold })
    }

    /// The file, for reading.
    pub(super) fn open_file(&self) -> io::Result<OpenFile<'_>> {
        let (path, expected, last_used) = match &self.hold {
            Hold::Open(file) => return Ok(OpenFile::Held(file)),
            Hold::Resting {
                path,
                identity,
                last_used,
            } => (path, identity, &last_used.0),
        };
        let mut last_used = last_used.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((identity, file)) = &*last_used
            && identity == expected
        {
            return Ok(OpenFile::LastUsed(Arc::clone(file)));
        }
        // What stands there may be a FIFO by now, which would wait.
        if identity(&fs::metadata(path)?) != *expected {
            return Err(replaced());
        }
        let file = Arc::new(File::open(path)?);
        if identity(&file.metadata()?) != *expected {
            return Err(replaced());
        }
        *last_used = Some((*expected, Arc::clone(&file)));
        Ok(OpenFile::LastUsed(file))
    }

    /// Makes a new file, or empties the one there is.
    pub(super) fn create(path: &Path) -> io::Result<JournalFile> {
        step()?;
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true);
        file.open(path).map(JournalFile::held)
    }

    /// Makes a file that must be new.
    pub(super) fn create_new(path: &Path) -> io::Result<JournalFile> {
        step()?;
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(path)?;
        Ok(JournalFile::held(file))
    }

    pub(super) fn len(&self) -> io::Result<u64> {
        Ok(self.open_file()?.metadata()?.len())
    }

    /// Whether `path` leads to this file now.
    pub(super) fn is_at(&self, path: &Path) -> io::Result<bool> {
        match fs::metadata(path) {
            Ok(there) => match &self.hold {
                Hold::Open(file) => Ok(identity(&there) == identity(&file.metadata()?)),
                Hold::Resting { identity: own, .. } => Ok(identity(&there) == *own),
            },
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(e) => Err(e),
        }
    }

    /// Fills `out` from `offset` on as far as the file goes, and says how far that is.
    pub(super) fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let file = self.open_file()?;
        let mut filled = 0;
        while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match read_once(&file, rest, offset.saturating_add(filled as u64)) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(filled)
    }

    /// Where bytes stand next that may be other than zero, from `offset` on; `None` when there are
    /// none to the end of the file. Of a hole, which may be longer than any disk, nothing is read.
    pub(super) fn next_data(&self, offset: u64) -> io::Result<Option<u64>> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{SeekFrom, seek};
            use rustix::io::Errno;
            // Moves the place of the open file, which nothing else here asks for.
            match seek(&*self.open_file()?, SeekFrom::Data(offset)) {
                Ok(data) => Ok(Some(data)),
                Err(Errno::NXIO) => Ok(None),
                // A file system that does not know.
                Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Some(offset)),
                Err(e) => Err(e.into()),
            }
        }
        #[cfg(not(target_os = "linux"))]
        Ok(Some(offset))
    }

    pub(super) fn read_exact_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        match self.read_at(offset, out)? == out.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    pub(super) fn write_all_at(&self, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.open_file()?;
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = room_for(rest.len())?;
            match write_once(&file, &rest[..room], offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => {
                    rest = &rest[n..];
                    offset += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    pub(super) fn set_len(&self, len: u64) -> io::Result<()> {
        step()?;
        freed(self.len()?.saturating_sub(len));
        self.open_file()?.set_len(len)
    }

    /// Waits until content and length are on the disk.
    pub(super) fn sync_data(&self) -> io::Result<()> {
        sync_step()?;
        self.open_file()?.sync_data()
    }

    /// Bytes the file system has for this user, where it can be asked.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        crate::allocate::free_bytes(&*self.open_file().ok()?)
    }
}

/// Renames `from`; nothing that stands at `to` is replaced.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Not every file system knows it; the lock keeps other writers away.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {}
            other => return Ok(other?),
        }
    }
    match fs::symlink_metadata(to) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => fs::rename(from, to),
        Err(e) => Err(e),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// Gives the file at `from` the name `to` as well, unless something has it.
pub(super) fn keep(from: &Path, to: &Path) -> io::Result<()> {
    step()?;
    match fs::hard_link(from, to) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        // Not every file system has links, and each says so in its own way.
        Err(_) => {}
    }
    let mut copy = to.as_os_str().to_owned();
    copy.push(".new");
    fs::copy(from, &copy)?;
    File::open(&copy)?.sync_all()?;
    rename_new(copy.as_ref(), to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    step()?;
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Waits until the names in a directory are on the disk, where the system has a call for it.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    sync_step()?;
    #[cfg(unix)]
    File::open(directory)?.sync_all()?;
    let _ = directory;
    Ok(())
}

/// What tells a file from others.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);
#[cfg(not(unix))]
pub(super) type Identity = Option<std::time::SystemTime>;

#[cfg(unix)]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
pub(super) fn identity(metadata: &Metadata) -> Identity {
    metadata.created().ok()
}

fn replaced() -> io::Error {
    io::Error::other("another file stands in its place")
}

#[cfg(unix)]
fn read_once(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, offset)
}

#[cfg(windows)]
fn read_once(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, offset)
}

#[cfg(unix)]
fn write_once(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::write_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_once(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
}

#[cfg(not(test))]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(not(test))]
fn sync_step() -> io::Result<()> {
    Ok(())
}

#[cfg(not(test))]
fn room_for(len: usize) -> io::Result<usize> {
    Ok(len)
}

#[cfg(not(test))]
fn freed(_: u64) {}

#[cfg(test)]
use faults::{freed, room_for, step, sync_step};

/// What the steps of this thread meet.
#[cfg(test)]
pub(super) mod faults {
    use std::cell::RefCell;
    use std::io;

    #[derive(Clone, Copy, Debug, Default)]
    pub(crate) struct Faults {
        /// Bytes that still fit the disk.
        pub(crate) room: Option<usize>,
        /// Syncs fail.
        pub(crate) bad_disk: bool,
        /// Steps until the process ends: from then on nothing happens any more.
        pub(crate) steps_left: Option<usize>,
    }

    thread_local! {
        static FAULTS: RefCell<Faults> = RefCell::default();
    }

    pub(crate) fn set(faults: Faults) {
        FAULTS.set(faults);
    }

    pub(super) fn step() -> io::Result<()> {
        FAULTS.with_borrow_mut(|faults| match &mut faults.steps_left {
            Some(0) => Err(io::Error::other("the process has ended")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        })
    }

    pub(super) fn sync_step() -> io::Result<()> {
        step()?;
        match FAULTS.with_borrow(|faults| faults.bad_disk) {
            true => Err(io::Error::other("the disk is bad")),
            false => Ok(()),
        }
    }

    /// A file was made shorter.
    pub(super) fn freed(bytes: u64) {
        FAULTS.with_borrow_mut(|faults| {
            faults.room = faults.room.map(|room| room + bytes as usize);
        });
    }

    /// How much of `len` bytes is written. A process may end in the middle of a write.
    pub(super) fn room_for(len: usize) -> io::Result<usize> {
        let ends = FAULTS.with_borrow(|faults| faults.steps_left == Some(1)) && len > 1;
        step()?;
        FAULTS.with_borrow_mut(|faults| match &mut faults.room {
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
            Some(room) => {
                let fits = len.min(*room);
                *room -= fits;
                Ok(fits)
            }
            None if ends => Ok(len / 2),
            None => Ok(len),
        })
    }
}
