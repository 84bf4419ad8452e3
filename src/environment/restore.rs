//! Restoring an environment from a file or an open archive, and what is told of it.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::known::load_known;
use super::restore_options::RestoreOptions;
use super::settle::settle;
use super::variables::{Environment, Variable};
use super::version1::{self, either};
use crate::error::{EnvError, Origin, Result};
use crate::finding::{Finding, Outcome};
use crate::format::header::{FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR};
use crate::read::{Archive, Binding, Check};
use crate::selection::Selection;

/// An environment that was restored, and what is to be said of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The environment.
    pub environment: Environment,
    /// What was restored, and what was not.
    pub report: RestoreReport,
}

/// What a restore did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RestoreReport {
    /// The file, or memory. Of several archives that were merged, what follows is of the one that
    /// was made last.
    pub path: Origin,
    /// Major and minor version of its format.
    pub format: (u16, u16),
    /// The version that wrote it.
    pub created_by: String,
    /// When it was made, in seconds since 1970-01-01 00:00 UTC.
    pub created_at: u64,
    /// Number of bindings that were restored.
    pub bindings: usize,
    /// Number of bindings that `include_only` and `exclude` left out.
    pub omitted: usize,
    /// What was not restored as it was saved, and what is worth knowing.
    pub findings: Vec<Finding>,
}

/// One line, and one more for each finding.
impl fmt::Display for RestoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "restored {} bindings from {}", self.bindings, self.path)?;
        if self.omitted > 0 {
            write!(f, "; {} left out", self.omitted)?;
        }
        for finding in &self.findings {
            write!(f, "\n  {finding}")?;
        }
        Ok(())
    }
}

/// Restores a file as an environment of its own. Array data is read when it is first looked at; a
/// version 1 file is read as a whole.
///
/// # Errors
/// As [`Archive::open`]; [`EnvError::Lossy`] under `strict`, [`EnvError::WriterDiffers`] under
/// `strict_version`, [`EnvError::InvalidValue`] for options that cannot be.
pub fn restore_environment(
    path: impl AsRef<Path>,
    options: impl Borrow<RestoreOptions>,
) -> Result<Restored> {
    let mut environment = Environment::new();
    let report = restore_into(&mut environment, path, options)?;
    Ok(Restored {
        environment,
        report,
    })
}

/// Restores a file into an environment: all of what is asked for, or nothing.
///
/// # Errors
/// As [`restore_environment`], and [`EnvError::NameTaken`]; the environment is then as it was.
pub fn restore_into(
    environment: &mut Environment,
    path: impl AsRef<Path>,
    options: impl Borrow<RestoreOptions>,
) -> Result<RestoreReport> {
    let options = options.borrow();
    options.check()?;
    let present = || {
        let archive = options.open_options().open(path.as_ref())?;
        arrivals(&archive, options)
    };
    let arrivals = either(present(), || version1::arrivals(path.as_ref(), options))?;
    settle(environment, arrivals, options)
}

/// Restores an open archive, on whichever road it was opened: on a map, tensors are views of it.
///
/// ```
/// use achronyme_env::{restore_from, save, Archive, RestoreOptions, SaveOptions, Tensor, Value};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
/// # let weights = Value::from(Tensor::from_vec(vec![1.0; 4], [4])?);
/// # save(&path, [("weights", &weights)], &SaveOptions::new())?;
///
/// let archive = Archive::open(&path)?;
/// let restored = restore_from(&archive, RestoreOptions::new().include_only(["w*"]))?;
/// assert_eq!(restored.environment.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`restore_environment`].
pub fn restore_from(archive: &Archive, options: impl Borrow<RestoreOptions>) -> Result<Restored> {
    let mut environment = Environment::new();
    let report = environment.restore_from(archive, options)?;
    Ok(Restored {
        environment,
        report,
    })
}

impl Environment {
    /// Restores an open archive into this environment: all of what is asked for, or nothing.
    ///
    /// # Errors
    /// As [`restore_into`]; the environment is then as it was.
    pub fn restore_from(
        &mut self,
        archive: &Archive,
        options: impl Borrow<RestoreOptions>,
    ) -> Result<RestoreReport> {
        let options = options.borrow();
        verify_if_asked(archive, options)?;
        restore_archive(self, archive, options)
    }
}

/// Checks the whole of an archive that was opened without it.
pub(super) fn verify_if_asked(archive: &Archive, options: &RestoreOptions) -> Result<()> {
    if options.verify_checksum != Check::AtOpen {
        return Ok(());
    }
    match archive.verify()?.faults.into_iter().next() {
        Some(fault) => Err(fault.into_error(archive.origin())),
        None => Ok(()),
    }
}

/// What an archive brings, before anything is changed.
pub(super) struct Arrivals {
    /// In the order of saving.
    pub(super) variables: Vec<(Arc<str>, Variable)>,
    pub(super) report: RestoreReport,
    /// Whether the report has a finding for every placeholder already.
    pub(super) placeholders_told: bool,
}

fn restore_archive(
    environment: &mut Environment,
    archive: &Archive,
    options: &RestoreOptions,
) -> Result<RestoreReport> {
    let arrivals = arrivals(archive, options)?;
    settle(environment, arrivals, options)
}

/// What an archive brings under these options.
pub(super) fn arrivals(archive: &Archive, options: &RestoreOptions) -> Result<Arrivals> {
    let mut selection = options.check()?;
    let mut arrivals = taken(archive, options, &mut selection)?;
    let unmet = selection.unmet(archive.names());
    arrivals.report.findings.extend(unmet);
    Ok(arrivals)
}

/// What a selection takes of an archive. What it names and is not there is not reported.
pub(super) fn taken(
    archive: &Archive,
    options: &RestoreOptions,
    selection: &mut Selection,
) -> Result<Arrivals> {
    let mut report = RestoreReport {
        path: archive.origin().clone(),
        format: (archive.header().major, archive.header().minor),
        created_by: archive.header().writer.clone(),
        created_at: archive.header().created,
        bindings: 0,
        omitted: 0,
        findings: Vec::new(),
    };
    check_writer(&mut report, options)?;
    archive.check_table()?;
    let all = archive.bindings_as_saved();
    let taken: Vec<Binding<'_>> = all
        .iter()
        .copied()
        .filter(|binding| selection.takes(binding.name()))
        .collect();
    report.omitted = all.len() - taken.len();
    let loaded = load_known(archive, taken, &mut report.findings)?;
    let variables = loaded.into_iter().map(|(binding, (value, attributes))| {
        let variable = Variable {
            value,
            attributes,
            mutable: binding.is_mutable(),
            constant: binding.is_constant(),
        };
        (Arc::from(binding.name()), variable)
    });
    Ok(Arrivals {
        variables: variables.collect(),
        report,
        placeholders_told: false,
    })
}

pub(super) fn check_writer(report: &mut RestoreReport, options: &RestoreOptions) -> Result<()> {
    let ours = env!("CARGO_PKG_VERSION");
    let format = (FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR);
    if report.created_by == ours && report.format == format {
        return Ok(());
    }
    let (major, minor) = report.format;
    let found = format!(
        "format {major}.{minor}, written by version {}",
        report.created_by
    );
    let expected = format!("format {}.{}, version {ours}", format.0, format.1);
    if options.strict_version {
        return Err(EnvError::WriterDiffers {
            path: report.path.clone(),
            found,
            expected,
        });
    }
    let reason = format!("the file is {found}; this is {expected}");
    report
        .findings
        .push(Finding::new("", "", Outcome::Warning, reason));
    Ok(())
}
