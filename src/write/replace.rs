//! Old or new, never other: a temporary file in the same directory, made durable, then renamed.
//! The only file that creates or renames an archive.

use std::fs::{self, File, Permissions};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::allocate::allocate;
use crate::error::{EnvError, Result};
use crate::mapped::MappedRange;

/// A file that will replace `target` once it is complete. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub(super) struct Replacement {
    /// As the caller named it, for messages.
    named: PathBuf,
    target: PathBuf,
    overwrite: bool,
    temp: NamedTempFile,
}

/// A new file in `directory` that is removed when it is dropped, readable by whom the umask says, as
/// any new file. Its errors are the system's, without the file's name, which the caller never gave.
fn temporary(prefix: &str, directory: &Path) -> io::Result<NamedTempFile> {
    let mut answered = None;
    let mut builder = tempfile::Builder::new();
    let made = builder
        .prefix(prefix)
        .suffix(".ach-tmp")
        .make_in(directory, |path| {
            let file = File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .open(path);
            file.inspect_err(|e| answered = e.raw_os_error())
        });
    made.map_err(|e| answered.map_or(e, io::Error::from_raw_os_error))
}

/// Links followed before a loop is assumed.
const MAX_LINKS: usize = 40;

impl Replacement {
    /// Makes the temporary file beside the target. A symbolic link is followed, so that its target
    /// is what is replaced; a new file gets the permissions a new file gets, a replaced one keeps
    /// those of the old.
    pub(super) fn new(path: &Path, overwrite: bool) -> Result<Replacement> {
        let failed = |e| EnvError::io("write", path, e);
        let target = follow_links(path).map_err(failed)?;
        let old = match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(EnvError::NotAFile {
                    path: path.into(),
                    found: "a directory",
                });
            }
            Ok(metadata) if !metadata.is_file() => {
                let found = "a FIFO, a device or a socket";
                return Err(EnvError::NotAFile {
                    path: path.into(),
                    found,
                });
            }
            Ok(_) if !overwrite => return Err(EnvError::AlreadyExists { path: path.into() }),
            Ok(metadata) => Some(metadata.permissions()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed(e)),
        };
        let directory = directory_of(&target);
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let prefix = format!(".{}.", name.chars().take(60).collect::<String>());
        let temp = temporary(&prefix, directory).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                let text = format!("there is no directory {}", directory.display());
                failed(io::Error::new(io::ErrorKind::NotFound, text))
            }
            _ => failed(e),
        })?;
        if let Some(permissions) = old {
            // A file that is read-only is replaced all the same: the directory decides that.
            temp.as_file()
                .set_permissions(writable(permissions))
                .map_err(failed)?;
        }
        Ok(Replacement {
            named: path.to_owned(),
            target,
            overwrite,
            temp,
        })
    }

    pub(super) fn file(&self) -> &File {
        self.temp.as_file()
    }

    /// The path as the caller named it.
    pub(super) fn path(&self) -> &Path {
        &self.named
    }

    /// The directory of the file that is replaced.
    pub(super) fn directory(&self) -> &Path {
        directory_of(&self.target)
    }

    /// Reserves `len` bytes, so that a full disk is an error now; and writing is faster.
    pub(super) fn reserve(&self, len: u64) -> Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{FallocateFlags, fallocate};
            use rustix::io::Errno;
            if len == 0 {
                return Ok(());
            }
            // Asked of the first block, since a reservation that cannot be met keeps the file system
            // busy for minutes before it fails.
            match fallocate(self.file(), FallocateFlags::empty(), 0, 1) {
                Ok(()) => {}
                // Not every file system reserves; writing will then tell.
                Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(()),
                Err(e) => return Err(self.write_failed(e.into(), len)),
            }
            if self.free_bytes().is_some_and(|free| free < len) {
                return Err(self.write_failed(io::ErrorKind::StorageFull.into(), len));
            }
            // In memory a reserved page is zeroed first and written then: half as fast again.
            if self.is_in_memory() {
                return Ok(());
            }
            fallocate(self.file(), FallocateFlags::empty(), 0, len)
                .map_err(|e| self.write_failed(e.into(), len))
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = len;
            Ok(())
        }
    }

    /// Makes bytes `start..end`, which begin behind all that was written, zero and sure to be there:
    /// a map of them meets no full disk.
    pub(super) fn allocate(&self, start: u64, end: u64) -> Result<()> {
        if self.free_bytes().is_some_and(|free| free < end) {
            return Err(self.write_failed(io::ErrorKind::StorageFull.into(), end));
        }
        allocate(self.file(), start, end - start).map_err(|e| self.write_failed(e, end))
    }

    /// Maps bytes that are there for writing. The map is dropped before [`Replacement::commit`].
    pub(super) fn map(&self, start: u64, len: u64) -> Result<MappedRange> {
        let map = MappedRange::of_temporary(&self.temp, start, len);
        map.map_err(|e| EnvError::io("map", self.named.as_path(), e))
    }

    /// Whether the file system keeps its files in memory.
    #[cfg(target_os = "linux")]
    fn is_in_memory(&self) -> bool {
        // From linux/magic.h.
        const TMPFS: u32 = 0x0102_1994;
        const RAMFS: u32 = 0x8584_58F6;
        rustix::fs::fstatfs(self.file())
            .is_ok_and(|stat| [TMPFS, RAMFS].contains(&(stat.f_type as u32)))
    }

    /// The error for a failed write of a file of `needed` bytes.
    pub(super) fn write_failed(&self, error: io::Error, needed: u64) -> EnvError {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        match (full, self.free_bytes()) {
            (true, Some(free)) => EnvError::DiskFull {
                path: self.named.as_path().into(),
                needed,
                free,
            },
            _ => EnvError::io("write", self.named.as_path(), error),
        }
    }

    /// Bytes that the file system still has for this user, the unfinished file counted as free.
    fn free_bytes(&self) -> Option<u64> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let ours = self.file().metadata().ok()?.blocks().saturating_mul(512);
            Some(crate::allocate::free_bytes(self.file())?.saturating_add(ours))
        }
        #[cfg(not(unix))]
        None
    }

    /// Puts the file in its place. Durable: file and directory are on the disk when this returns.
    /// What `before` answers is held from just before until then; its error leaves the old file.
    pub(super) fn commit<G>(
        self,
        durable: bool,
        len: u64,
        before: impl FnOnce() -> Result<G>,
    ) -> Result<()> {
        let Replacement {
            ref named,
            ref target,
            overwrite,
            ..
        } = self;
        if durable {
            // Never tried again after an error: the kernel may have dropped the pages.
            self.file()
                .sync_all()
                .map_err(|e| self.write_failed(e, len))?;
        }
        let (named, target) = (named.clone(), target.clone());
        let _held = before()?;
        let renamed = match overwrite {
            true => self.temp.persist(&target),
            // One step: a file that came meanwhile is not overwritten.
            false => self.temp.persist_noclobber(&target),
        };
        renamed.map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => EnvError::AlreadyExists {
                path: named.as_path().into(),
            },
            _ => EnvError::io("replace", named.as_path(), e.error),
        })?;
        if durable {
            sync_directory(directory_of(&target)).map_err(|source| {
                EnvError::ReplacedNotDurable {
                    path: named.as_path().into(),
                    source,
                }
            })?;
        }
        Ok(())
    }
}

fn directory_of(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn follow_links(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&target) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&target)?;
                target = directory_of(&target).join(link);
            }
            _ => return Ok(target),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(unix)]
fn writable(permissions: Permissions) -> Permissions {
    permissions
}

#[cfg(not(unix))]
fn writable(mut permissions: Permissions) -> Permissions {
    // Elsewhere a read-only file cannot be written even through an open handle's rename.
    permissions.set_readonly(false);
    permissions
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    // There is no such call; the rename itself is as durable as the system makes it.
    Ok(())
}
