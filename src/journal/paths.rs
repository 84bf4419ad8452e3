//! The files that stand beside an archive.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{EnvError, Result};

/// Links followed before a loop is assumed.
const MAX_LINKS: usize = 40;

/// The paths of an archive and of what stands beside it, after symbolic links were followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Companions {
    archive: PathBuf,
}

impl Companions {
    /// The companions of the archive at `path`, which need not exist.
    ///
    /// # Errors
    /// [`EnvError::Io`] when symbolic links lead in a circle or cannot be read.
    pub(crate) fn of(path: &Path) -> Result<Companions> {
        let mut target = path.to_owned();
        for _ in 0..MAX_LINKS {
            match fs::symlink_metadata(&target) {
                Ok(metadata) if metadata.is_symlink() => {
                    let link = fs::read_link(&target).map_err(|e| EnvError::io("open", path, e))?;
                    target = directory_of(&target).join(link);
                }
                _ => return Ok(Companions { archive: target }),
            }
        }
        let text = io::Error::other("too many symbolic links");
        Err(EnvError::io("open", path, text))
    }

    /// The archive itself: no symbolic link.
    pub(crate) fn archive(&self) -> &Path {
        &self.archive
    }

    /// The directory of all of them.
    pub(crate) fn directory(&self) -> &Path {
        directory_of(&self.archive)
    }

    /// The active segment.
    pub(crate) fn journal(&self) -> PathBuf {
        self.with("-journal")
    }

    /// A new active segment before it gets its name.
    pub(super) fn new_journal(&self) -> PathBuf {
        self.with("-journal.new")
    }

    /// A retired segment, by the sequence of its first frame.
    pub(crate) fn retired(&self, first: u64) -> PathBuf {
        self.with(&format!("-journal.{first}"))
    }

    /// The archive that history begins with, where it is kept.
    pub(crate) fn base(&self) -> PathBuf {
        self.with("-base")
    }

    /// The writer's lock.
    pub(crate) fn lock(&self) -> PathBuf {
        self.with("-lock")
    }

    /// Where what is no part of the journal is set aside: the n-th such file, from 1.
    pub(super) fn rejected(&self, n: u32) -> PathBuf {
        match n {
            0 | 1 => self.with("-journal.rejected"),
            n => self.with(&format!("-journal.rejected.{n}")),
        }
    }

    /// Whether a segment may stand beside the archive. A session leaves its lock file; without it a
    /// look at the directory tells.
    ///
    /// # Errors
    /// [`EnvError::Io`] when the directory cannot be read.
    pub(crate) fn may_have_journal(&self) -> Result<bool> {
        if self.lock().exists() || self.journal().exists() {
            return Ok(true);
        }
        match self.list_retired() {
            Ok(retired) => Ok(!retired.is_empty()),
            // Files in a directory that may not be listed can be read all the same.
            Err(EnvError::Io { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The retired segments there are, with the sequences of their first frames, lowest first.
    ///
    /// # Errors
    /// [`EnvError::Io`] when the directory cannot be read.
    pub(crate) fn list_retired(&self) -> Result<Vec<(u64, PathBuf)>> {
        let failed = |e| EnvError::io("list", self.directory(), e);
        let prefix = OsString::from(self.journal().file_name().unwrap_or_default());
        let prefix = [prefix.as_encoded_bytes(), b"."].concat();
        let mut found = Vec::new();
        let entries = match fs::read_dir(self.directory()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
            other => other.map_err(failed)?,
        };
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            let first = name
                .as_encoded_bytes()
                .strip_prefix(&prefix[..])
                .and_then(number);
            found.extend(first.map(|first| (first, self.retired(first))));
        }
        found.sort();
        Ok(found)
    }

    /// The paths of all segments there may be: the active one, and the retired ones there are.
    ///
    /// # Errors
    /// [`EnvError::Io`] when the directory cannot be read.
    pub(crate) fn segments(&self) -> Result<Vec<PathBuf>> {
        let retired = self.list_retired()?.into_iter().map(|(_, path)| path);
        Ok(retired.chain([self.journal()]).collect())
    }

    /// The place in the order of segments of a file with a name of one: the sequence of its first
    /// frame, and the greatest there is for the active one.
    pub(super) fn place_of(&self, path: &Path) -> u64 {
        let name = |path: &Path| path.file_name().unwrap_or_default().to_owned();
        let (journal, name) = (name(&self.journal()), name(path));
        let rest = name.as_encoded_bytes();
        let rest = rest.strip_prefix(journal.as_encoded_bytes());
        let first = rest.and_then(|rest| number(rest.strip_prefix(b".")?));
        first.unwrap_or(u64::MAX)
    }

    fn with(&self, suffix: &str) -> PathBuf {
        let mut name = self.archive.clone().into_os_string();
        name.push(suffix);
        name.into()
    }
}

/// Whether two paths lead to one file that there is, over links and `..` too.
pub(crate) fn is_same_file(a: &Path, b: &Path) -> bool {
    let real = |path| fs::canonicalize(path).ok();
    real(a).is_some_and(|a| real(b) == Some(a))
}

/// The number of a frame as this room writes it: decimal, no sign, no leading zeros.
fn number(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: u64 = text.parse().ok()?;
    (number > 0 && number.to_string() == text).then_some(number)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
