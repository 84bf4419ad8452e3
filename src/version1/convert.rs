//! From version 1 to the present format.

use std::path::Path;

use super::file::Version1;
use crate::error::{EnvError, Result};
use crate::finding::Finding;
use crate::read::archive::Archive;
use crate::read::open::OpenOptions;
use crate::write::{ArchiveWriter, SaveOptions, SaveReport};

/// What an upgrade did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpgradeReport {
    /// What was written.
    pub saved: SaveReport,
    /// What could not be carried over, and what did not agree in the old file.
    pub findings: Vec<Finding>,
}

/// Converts the version 1 file `old` to an archive `new`.
///
/// Description, tags and custom metadata come from the old file; those of `options` win or are
/// added. Who made the old file, when, and where is kept as custom metadata under
/// `version1.created_by`, `version1.created_at` and `version1.platform`. The creation time is that
/// of the old file unless `options` give one. `new` may be `old` when overwriting is allowed.
///
/// ```no_run
/// use achronyme_env::{SaveOptions, upgrade};
///
/// let report = upgrade("old.ach", "new.ach", &SaveOptions::new())?;
/// for finding in &report.findings {
///     eprintln!("{finding}");
/// }
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
///
/// # Errors
/// As [`Version1::open`] and [`ArchiveWriter`]; nothing is written then, and a file that was to be
/// replaced is as it was.
pub fn upgrade(
    old: impl AsRef<Path>,
    new: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<UpgradeReport> {
    let old = Version1::open(old)?;
    Ok(UpgradeReport {
        saved: old.save(new, options)?,
        findings: old.body.findings,
    })
}

impl Version1 {
    /// Writes the bindings as an archive, as [`upgrade`] does.
    ///
    /// # Errors
    /// As [`ArchiveWriter`].
    pub fn save(&self, path: impl AsRef<Path>, options: &SaveOptions) -> Result<SaveReport> {
        let metadata = self.metadata();
        let own = [
            ("version1.created_by", &metadata.created_by),
            ("version1.created_at", &metadata.created_at),
            ("version1.platform", &metadata.platform),
        ];
        let custom = metadata
            .custom
            .iter()
            .map(|(key, value)| (key.as_str(), value));
        let options = options.over(
            metadata.description.as_deref(),
            &metadata.tags,
            custom.chain(own),
            metadata.created,
        );
        let mut writer = ArchiveWriter::create(path, &options)?;
        for (name, value) in self.bindings() {
            writer.add(name, value)?;
        }
        writer.finish()
    }

    /// The same bindings as an archive, so that everything that works on one works on them.
    ///
    /// # Errors
    /// [`EnvError::Io`] and [`EnvError::DiskFull`] when there is no room for it in the directory of
    /// temporary files; [`EnvError::NameTooLong`] and [`EnvError::InvalidValue`] for what an archive
    /// cannot hold.
    pub fn to_archive(&self) -> Result<Archive> {
        let failed = |error| EnvError::io("make a copy of", self.origin().clone(), error);
        let directory = tempfile::tempdir().map_err(failed)?;
        let path = directory.path().join("version1.ach");
        self.save(&path, &SaveOptions::new().durable(false))?;
        // Open, the file lives on without its name.
        OpenOptions::new().open_as(&path, self.origin().clone())
    }
}
