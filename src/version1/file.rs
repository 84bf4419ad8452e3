//! A version 1 file as a whole.

use std::fmt;
use std::io::Cursor;
use std::path::Path;

use super::body::Body;
use super::metadata::Version1Metadata;
use super::source;
use crate::error::{EnvError, Origin, Result};
use crate::finding::Finding;
use crate::limits::Limits;
use crate::read::source::open_file;
use crate::value::Value;

/// Everything a version 1 file holds, checked and decoded.
///
/// A version 1 file has no table of contents, so it is always read as a whole; no more of it is in
/// memory at a time than a buffer and the values.
///
/// ```no_run
/// use achronyme_env::Version1;
///
/// let old = Version1::open("results.ach")?;
/// for finding in old.findings() {
///     eprintln!("{finding}");
/// }
/// let archive = old.to_archive()?; // as if it had been saved in the present format
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub struct Version1 {
    origin: Origin,
    file_len: u64,
    pub(super) body: Body,
}

impl Version1 {
    /// Reads a file.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::NotAFile`], [`EnvError::NotAnArchive`];
    /// [`EnvError::Unsupported`] for a newer format;
    /// [`EnvError::Damaged`] when the sum or the structure does not hold;
    /// [`EnvError::NestingTooDeep`] beyond 128 levels; [`EnvError::TooLarge`] beyond the default
    /// [`Limits`]. What is about one variable names it.
    pub fn open(path: impl AsRef<Path>) -> Result<Version1> {
        Version1::open_with(path, &Limits::default())
    }

    /// Reads a file, within `limits`.
    ///
    /// # Errors
    /// As [`Version1::open`].
    pub fn open_with(path: impl AsRef<Path>, limits: &Limits) -> Result<Version1> {
        let path = path.as_ref();
        let (file, stamp) = open_file(path)?;
        let origin = Origin::from(path);
        let body = source::read(&file, stamp.len, &origin, limits);
        // The file was read twice, so what was decoded must be what was summed.
        if let Some(what) = stamp.change(&file) {
            return Err(EnvError::ChangedInPlace { path: origin, what });
        }
        Ok(Version1 {
            body: body?,
            file_len: stamp.len,
            origin,
        })
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// As [`Version1::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Version1> {
        Version1::from_bytes_with(bytes, &Limits::default())
    }

    /// Reads the bytes of a file, within `limits`.
    ///
    /// # Errors
    /// As [`Version1::open`].
    pub fn from_bytes_with(bytes: impl AsRef<[u8]>, limits: &Limits) -> Result<Version1> {
        let bytes = bytes.as_ref();
        let file_len = bytes.len() as u64;
        let body = source::read(Cursor::new(bytes), file_len, &Origin::Memory, limits)?;
        Ok(Version1 {
            origin: Origin::Memory,
            file_len,
            body,
        })
    }

    /// Where it was read from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What the file says about itself.
    pub fn metadata(&self) -> &Version1Metadata {
        &self.body.metadata
    }

    /// Names and values, sorted by name.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.body
            .bindings
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let bindings = &self.body.bindings;
        let at = bindings.binary_search_by(|(known, _)| known.as_str().cmp(name));
        bindings.get(at.ok()?).map(|(_, value)| value)
    }

    /// Names and values, sorted by name.
    pub fn into_bindings(self) -> Vec<(String, Value)> {
        self.body.bindings
    }

    /// Number of bindings.
    pub fn len(&self) -> usize {
        self.body.bindings.len()
    }

    /// Whether there are no bindings.
    pub fn is_empty(&self) -> bool {
        self.body.bindings.is_empty()
    }

    /// What version 1 had not stored although it stored a name or a part for it, and what in the
    /// file does not agree.
    pub fn findings(&self) -> &[Finding] {
        &self.body.findings
    }

    /// Length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// Length of the body in bytes, decompressed.
    pub fn body_len(&self) -> u64 {
        self.body.len
    }
}

impl fmt::Debug for Version1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version1({}, {} bindings)", self.origin, self.len())
    }
}
