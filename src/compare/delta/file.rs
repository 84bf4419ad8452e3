//! An open delta.

use std::fmt;
use std::path::Path;

use super::record::DeltaRecord;
use crate::error::{Origin, Result};
use crate::format::header::AchHeader;
use crate::read::{Archive, Binding, Metadata, OpenOptions, Section, VerifyReport};

/// An open delta: what must be changed in one archive, its parent, to make another. Checked as an
/// archive is when it is opened.
///
/// ```no_run
/// use achronyme_env::Delta;
///
/// let delta = Delta::open("monday.ach-delta")?;
/// println!("{} sent, {} removed", delta.sent().len(), delta.removed().len());
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct Delta {
    pub(super) file: Archive,
    pub(super) record: DeltaRecord,
}

impl Delta {
    /// Opens a delta.
    ///
    /// # Errors
    /// As [`Archive::open`]; [`crate::EnvError::NotADelta`].
    pub fn open(path: impl AsRef<Path>) -> Result<Delta> {
        Delta::new(OpenOptions::new().delta().open(path)?)
    }

    /// Opens the bytes of a delta.
    ///
    /// # Errors
    /// As [`Delta::open`].
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Result<Delta> {
        Delta::new(OpenOptions::new().delta().from_bytes(bytes)?)
    }

    fn new(file: Archive) -> Result<Delta> {
        let sent = file.bindings().filter(|b| !b.is_removal()).count();
        let record = DeltaRecord::of(&file, sent as u64)?;
        Ok(Delta { file, record })
    }

    /// Where it was opened from.
    pub fn origin(&self) -> &Origin {
        self.file.origin()
    }

    /// Length of the file in bytes.
    pub fn file_len(&self) -> u64 {
        self.file.file_len()
    }

    /// The header of the file.
    pub fn header(&self) -> &AchHeader {
        self.file.header()
    }

    /// The root digest of the archive it is for.
    pub fn parent_digest(&self) -> [u8; 32] {
        self.file.parent_digest()
    }

    /// The root digest of the archive it was made of. What it makes has the same content, and
    /// another root digest.
    pub fn result_digest(&self) -> [u8; 32] {
        self.record.result
    }

    /// The root digest of the delta itself. Reads 32 bytes.
    ///
    /// # Errors
    /// As [`Archive::root_digest`].
    pub fn root_digest(&self) -> Result<[u8; 32]> {
        self.file.root_digest()
    }

    /// What the archive it makes says about itself; `created_by` is what wrote the delta.
    ///
    /// # Errors
    /// As [`Archive::metadata`].
    pub fn metadata(&self) -> Result<Metadata> {
        let mut metadata = self.file.metadata()?;
        metadata.created_at = self.record.created;
        Ok(metadata)
    }

    /// The bindings it adds or replaces, sorted by name.
    pub fn sent(&self) -> Vec<Binding<'_>> {
        let bindings = self.file.bindings();
        bindings.filter(|binding| !binding.is_removal()).collect()
    }

    /// The names it removes, sorted.
    pub fn removed(&self) -> Vec<&str> {
        let removals = self.file.bindings().filter(Binding::is_removal);
        removals.map(|binding| binding.name()).collect()
    }

    /// Number of bindings of the archive it makes.
    pub fn result_len(&self) -> u64 {
        self.record.bindings
    }

    /// The parts of the file, as [`Archive::sections`].
    pub fn sections(&self) -> Vec<Section> {
        self.file.sections()
    }

    /// Bytes of array data before compression.
    pub fn raw_bytes(&self) -> u64 {
        self.file.raw_bytes()
    }

    /// Bytes of array data in the file: raw, and compressed.
    pub fn stored_bytes(&self) -> (u64, u64) {
        self.file.stored_bytes()
    }

    /// Reads and checks everything, as [`Archive::verify`].
    ///
    /// # Errors
    /// As [`Archive::verify`].
    pub fn verify(&self) -> Result<VerifyReport> {
        self.file.verify()
    }

    /// As [`Archive::verify_with`].
    ///
    /// # Errors
    /// As [`Archive::verify`].
    pub fn verify_with(&self, progress: impl FnMut(u64, u64)) -> Result<VerifyReport> {
        self.file.verify_with(progress)
    }
}

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Delta({}, {} entries)", self.origin(), self.file.len())
    }
}
