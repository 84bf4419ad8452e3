//! A regular file that is read piece by piece, at any place, and noticed when it changes meanwhile.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use achronyme_env::EnvError;

use super::error::{ImportError, Result, Site};

/// A file to read from.
///
/// A named file is opened for each piece, so that packing thousands of files needs one descriptor,
/// and every piece is followed by a look at the file's identity: a file that was changed or replaced
/// since it was first looked at is an error, never a mixture. An anonymous file stays open.
#[derive(Debug)]
pub(crate) struct SourceFile {
    path: PathBuf,
    len: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Anonymous(File),
    Memory(Vec<u8>),
    Named(Identity),
}

/// What tells that a file is still the one it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    len: u64,
    modified: Option<SystemTime>,
    inode: (u64, u64),
}

impl SourceFile {
    /// The regular file at `path`.
    ///
    /// # Errors
    /// [`ImportError::NotAFile`] for anything but a regular file, without opening it;
    /// [`ImportError::Io`] when there is none or it may not be read.
    pub(crate) fn open(path: &Path) -> Result<SourceFile> {
        let site = Site::whole(path);
        // Looked at before it is opened: opening a FIFO would wait for a writer.
        let metadata = std::fs::metadata(path).map_err(|e| site.io("open", e))?;
        if !metadata.is_file() {
            return Err(ImportError::NotAFile {
                path: path.to_path_buf(),
                found: what_it_is(&metadata),
            });
        }
        let file = File::open(path).map_err(|e| site.io("open", e))?;
        let opened = file.metadata().map_err(|e| site.io("read", e))?;
        Ok(SourceFile {
            path: path.to_path_buf(),
            len: opened.len(),
            kind: Kind::Named(Identity::of(&opened)),
        })
    }

    /// An unnamed file that only this process sees, on behalf of the file at `path`.
    pub(crate) fn anonymous(file: File, path: &Path) -> SourceFile {
        SourceFile {
            path: path.to_path_buf(),
            len: u64::MAX,
            kind: Kind::Anonymous(file),
        }
    }

    /// Bytes in memory that are read as a file, on behalf of the file at `path`.
    pub(crate) fn in_memory(bytes: Vec<u8>, path: &Path) -> SourceFile {
        SourceFile {
            path: path.to_path_buf(),
            len: bytes.len() as u64,
            kind: Kind::Memory(bytes),
        }
    }

    /// The path it was opened by.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The length it had when it was opened.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// A handle of its own, for a reader that goes through a named file from its beginning.
    ///
    /// # Errors
    /// As [`SourceFile::read_exact_at`].
    pub(crate) fn handle(&self) -> Result<File, EnvError> {
        let file = File::open(&self.path).map_err(|e| self.io(e))?;
        self.check(&file)?;
        Ok(file)
    }

    /// Fills `out` with the bytes from `start` on.
    ///
    /// # Errors
    /// [`EnvError::ChangedInPlace`] when the file is no longer what it was; [`EnvError::Io`].
    pub(crate) fn read_exact_at(&self, start: u64, out: &mut [u8]) -> Result<(), EnvError> {
        match &self.kind {
            Kind::Anonymous(file) => read_exact_at(file, start, out).map_err(|e| self.io(e)),
            Kind::Memory(bytes) => {
                let held = usize::try_from(start).ok().and_then(|at| bytes.get(at..));
                match held.and_then(|held| held.get(..out.len())) {
                    Some(held) => out.copy_from_slice(held),
                    None => return Err(self.io(io::ErrorKind::UnexpectedEof.into())),
                }
                Ok(())
            }
            Kind::Named(_) => {
                let file = File::open(&self.path).map_err(|e| self.io(e))?;
                let read = read_exact_at(&file, start, out);
                // Looked at afterwards, so that a change before and during the reading is seen;
                // and first of all, because a file cut short meanwhile is a changed file.
                self.check(&file)?;
                read.map_err(|e| self.io(e))
            }
        }
    }

    /// Writes `bytes` at `start` of an anonymous file.
    pub(crate) fn write_all_at(&self, start: u64, bytes: &[u8]) -> io::Result<()> {
        match &self.kind {
            Kind::Anonymous(file) => write_all_at(file, start, bytes),
            Kind::Memory(_) | Kind::Named(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether `file`, opened by the path now, is still the file that was first looked at.
    ///
    /// # Errors
    /// [`EnvError::ChangedInPlace`] when it is not.
    pub(crate) fn check(&self, file: &File) -> Result<(), EnvError> {
        let Kind::Named(then) = &self.kind else {
            return Ok(());
        };
        let now = Identity::of(&file.metadata().map_err(|e| self.io(e))?);
        let what = if now.len != then.len {
            "its length"
        } else if now.modified != then.modified {
            "its modification time"
        } else if now.inode != then.inode {
            "its inode"
        } else {
            return Ok(());
        };
        Err(EnvError::ChangedInPlace {
            path: self.path.as_path().into(),
            what,
        })
    }

    fn io(&self, source: io::Error) -> EnvError {
        EnvError::Io {
            action: "read",
            path: self.path.as_path().into(),
            source,
        }
    }
}

impl Identity {
    fn of(metadata: &Metadata) -> Identity {
        Identity {
            len: metadata.len(),
            modified: metadata.modified().ok(),
            inode: inode(metadata),
        }
    }
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// What a path names that is no regular file.
fn what_it_is(metadata: &Metadata) -> &'static str {
    if metadata.is_dir() {
        return "a directory";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a FIFO";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    "a special file"
}

#[cfg(unix)]
fn read_exact_at(file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, out, start)
}

#[cfg(unix)]
fn write_all_at(file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, start)
}

#[cfg(not(unix))]
use seeking::{read_exact_at, write_all_at};

/// Reading and writing at a place where the system has no call for it: one at a time, by seeking.
#[cfg(any(test, not(unix)))]
mod seeking {
    use std::fs::File;
    use std::io::{self, Read, Seek, SeekFrom, Write};
    use std::sync::{Mutex, PoisonError};

    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    pub(super) fn read_exact_at(mut file: &File, start: u64, out: &mut [u8]) -> io::Result<()> {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(out)
    }

    pub(super) fn write_all_at(mut file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_is_an_error_and_never_a_mixture() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.bin");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = SourceFile::open(&path).unwrap();
        let mut out = [0; 4];
        source.read_exact_at(3, &mut out).unwrap();
        assert_eq!(&out, b"3456");
        std::fs::write(&path, b"01234").unwrap();
        let text = source.read_exact_at(3, &mut out).unwrap_err().to_string();
        assert!(
            text.contains("was changed in place") && text.contains("its length"),
            "{text}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_is_noticed_by_its_inode_or_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.bin");
        std::fs::write(&path, b"0123456789").unwrap();
        let source = SourceFile::open(&path).unwrap();
        std::fs::write(dir.path().join("b.bin"), b"abcdefghij").unwrap();
        std::fs::rename(dir.path().join("b.bin"), &path).unwrap();
        assert!(source.read_exact_at(0, &mut [0; 4]).is_err());
        assert!(source.handle().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_a_file_is_named_and_never_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let text = SourceFile::open(dir.path()).unwrap_err().to_string();
        assert!(
            text.contains("is a directory, not a regular file"),
            "{text}"
        );
        let text = SourceFile::open(Path::new("/dev/null"))
            .unwrap_err()
            .to_string();
        assert!(text.contains("is a device"), "{text}");
        let socket = dir.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let text = SourceFile::open(&socket).unwrap_err().to_string();
        assert!(text.contains("is a socket"), "{text}");
        let fifo = dir.path().join("fifo");
        if let Ok(status) = std::process::Command::new("mkfifo").arg(&fifo).status() {
            assert!(status.success());
            let text = SourceFile::open(&fifo).unwrap_err().to_string();
            assert!(text.contains("is a FIFO"), "{text}");
        }
        let text = SourceFile::open(&dir.path().join("none"))
            .unwrap_err()
            .to_string();
        assert!(text.starts_with("cannot open "), "{text}");
    }

    #[test]
    fn seeking_does_what_reading_at_a_place_does() {
        let file = tempfile::tempfile().unwrap();
        seeking::write_all_at(&file, 5, b"abc").unwrap();
        let mut out = [0; 2];
        seeking::read_exact_at(&file, 6, &mut out).unwrap();
        assert_eq!(&out, b"bc");
        assert!(seeking::read_exact_at(&file, 7, &mut out).is_err());
    }
}
