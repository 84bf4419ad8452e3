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
/// As [`Version1::open`] and [`ArchiveWriter`]; [`EnvError::Lossy`] under `strict`; nothing is written then, and a file that was to be
/// replaced is as it was.
pub fn upgrade(
    old: impl AsRef<Path>,
    new: impl AsRef<Path>,
    options: &SaveOptions,
) -> Result<UpgradeReport> {
    let old = Version1::open(old)?;
    let lossy = old
        .findings()
        .iter()
        .any(|finding| finding.outcome.is_loss());
    if lossy && options.is_strict() {
        return Err(EnvError::Lossy {
            action: "upgrade",
            path: old.origin().clone(),
            findings: old.body.findings,
        });
    }
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
        let options = self.options_over(options);
        let mut writer = ArchiveWriter::create(path, &options)?;
        self.add_to(&mut writer)?;
        writer.finish()
    }

    /// The same bindings as an archive, so that everything that works on one works on them.
    ///
    /// # Errors
    /// [`EnvError::Io`] when there is no memory for it; [`EnvError::NameTooLong`] and
    /// [`EnvError::InvalidValue`] for what an archive cannot hold.
    pub fn to_archive(&self) -> Result<Archive> {
        let options = self.options_over(&SaveOptions::new().warn_large_values(None));
        let mut writer = ArchiveWriter::in_memory(&options)?;
        self.add_to(&mut writer)?;
        let (file, _) = writer.finish_in_memory()?;
        OpenOptions::new().open_private(file, self.origin().clone())
    }

    fn add_to<'v>(&'v self, writer: &mut ArchiveWriter<'v>) -> Result<()> {
        for (name, value) in self.bindings() {
            writer.add(name, value)?;
        }
        Ok(())
    }

    /// These options, over what the file says about itself.
    fn options_over(&self, options: &SaveOptions) -> SaveOptions {
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
        options.over(
            metadata.description.as_deref(),
            &metadata.tags,
            custom.chain(own),
            metadata.created,
        )
    }
}
