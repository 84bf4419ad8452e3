//! A file that is there whole or not at all: written beside its place, then put there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Failure, Result};

/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 18;

/// Whether two paths lead to one file that there is, over links and `..` too.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(a).is_some_and(|a| real(b) == Some(a))
}

/// A file on its way. Dropped before [`OutputFile::commit`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
    force: bool,
    /// Removes the file unless it is put in its place.
    place: NamedTempFile,
    /// The same file, written: its errors do not name the temporary path.
    file: BufWriter<File>,
}

impl OutputFile {
    /// Begins the file that will be `path`; an existing one is only replaced with `force`.
    ///
    /// # Errors
    /// [`Failure::Exists`], [`Failure::Write`], and a refusal for anything but a file.
    pub(crate) fn create(path: &Path, force: bool) -> Result<OutputFile> {
        check(path, force)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".ach-").suffix(".tmp");
        // Applied through the umask, as for any new file.
        #[cfg(unix)]
        builder
            .permissions(<fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666));
        let failed = |source| failed("write", path, source);
        let place = match builder.tempfile_in(directory) {
            Ok(place) => place,
            // The error names the temporary file; the user's own path is told beside it.
            Err(error) => return Err(failed(error.kind().into())),
        };
        let file = place.as_file().try_clone().map_err(failed)?;
        Ok(OutputFile {
            path: path.to_path_buf(),
            force,
            place,
            file: BufWriter::with_capacity(BUFFER, file),
        })
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Failure::Exists`] when another program was faster; [`Failure::Write`].
    pub(crate) fn commit(self) -> Result<()> {
        let path = self.path;
        self.file
            .into_inner()
            .map_err(|error| failed("write", &path, error.into_error()))?;
        let put = match self.force {
            true => self.place.persist(&path),
            false => self.place.persist_noclobber(&path),
        };
        match put {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Failure::Exists(path))
            }
            Err(error) => Err(failed("write", &path, error.error)),
        }
    }

    /// `result` with the name of this file in place of "the output".
    pub(crate) fn named<T>(path: &Path, result: Result<T>) -> Result<T> {
        use crate::export::ExportError;
        result.map_err(|failure| match failure {
            Failure::Output(source) | Failure::Export(ExportError::Output(source)) => {
                failed("write", path, source)
            }
            other => other,
        })
    }
}

/// Refuses a path that may not be written.
///
/// # Errors
/// [`Failure::Exists`], and a refusal for anything but a file.
pub(crate) fn check(path: &Path, force: bool) -> Result<()> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Failure::refused(format!(
            "{} is a directory; name a file in it",
            crate::error::shown(path)
        ))),
        Ok(found) if !found.is_file() => Err(Failure::refused(format!(
            "{} is not a regular file and cannot be replaced; choose another name",
            crate::error::shown(path)
        ))),
        Ok(_) if !force => Err(Failure::Exists(path.to_path_buf())),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> Failure {
    Failure::Write {
        action,
        path: path.to_path_buf(),
        source,
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
