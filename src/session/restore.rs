//! Restoring an environment: everything that can fail first, then the change, which cannot.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::environment::{Environment, Variable};
use super::functions::FunctionRegistry;
use super::restore_options::{RestoreMode, RestoreOptions};
use crate::error::{EnvError, Origin, Result};
use crate::finding::{Finding, Outcome};
use crate::format::header::{FORMAT_VERSION_MAJOR, FORMAT_VERSION_MINOR};
use crate::read::{Archive, Binding, Check};
use crate::selection::Selection;
use crate::value::walk::{Trail, Walk};
use crate::value::{Function, Record, Value};

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

/// Restores a file as an environment of its own. Array data is read when it is first looked at.
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
    let archive = options.open_options().open(path)?;
    restore_archive(environment, &archive, options)
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

    /// Makes the functions in a loaded value callable where the host can; the others stay data.
    pub(super) fn resolve_functions(&self, value: &Value) -> Result<()> {
        if self.functions.is_none() {
            return Ok(());
        }
        let loaded = [(Arc::from(""), Variable::new(value.clone()))];
        let options = RestoreOptions::new();
        find_losses(
            &loaded,
            &options,
            self.functions.as_deref(),
            &mut Vec::new(),
        )
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
    let all = archive.bindings_as_saved();
    let taken: Vec<Binding<'_>> = all
        .iter()
        .copied()
        .filter(|binding| selection.takes(binding.name()))
        .collect();
    report.omitted = all.len() - taken.len();
    let loaded = archive.load_with_attributes(&taken)?;
    let variables = taken
        .iter()
        .zip(loaded)
        .map(|(binding, (value, attributes))| {
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
    })
}

fn check_writer(report: &mut RestoreReport, options: &RestoreOptions) -> Result<()> {
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

/// Puts arrivals into an environment. Whatever can fail fails before the first change.
pub(super) fn settle(
    environment: &mut Environment,
    arrivals: Arrivals,
    options: &RestoreOptions,
) -> Result<RestoreReport> {
    let Arrivals {
        mut variables,
        mut report,
    } = arrivals;
    let findings = &mut report.findings;
    match &options.namespace {
        Some(name) => refuse_taken(environment, name, options.overwrite)?,
        None => leave_present(environment, &mut variables, options, findings),
    }
    report.bindings = variables.len();
    let functions = options.functions.as_deref();
    let functions = functions.or(environment.functions.as_deref());
    find_losses(&variables, options, functions, findings)?;
    if options.strict && report.findings.iter().any(|f| f.outcome.is_loss()) {
        return Err(EnvError::Lossy {
            action: "restore",
            path: report.path,
            findings: report.findings,
        });
    }
    if let Some(name) = &options.namespace {
        let record = in_one_record(variables, &mut report.findings);
        variables = vec![(Arc::from(name.as_str()), record)];
    }
    if options.mode == RestoreMode::Replace {
        environment.clear();
    }
    for (name, variable) in variables {
        environment.variables.insert(name, variable);
    }
    Ok(report)
}

/// Refuses to put a record in the place of a variable, unless it may be overwritten.
fn refuse_taken(environment: &Environment, name: &str, overwrite: bool) -> Result<()> {
    let name = name.to_owned();
    match environment.variable(&name) {
        Some(taken) if taken.constant => Err(EnvError::Constant { name }),
        Some(_) if !overwrite => Err(EnvError::NameTaken { name }),
        _ => Ok(()),
    }
}

/// Drops the arrivals whose place is taken by a variable that stays, and reports them.
fn leave_present(
    environment: &Environment,
    variables: &mut Vec<(Arc<str>, Variable)>,
    options: &RestoreOptions,
    findings: &mut Vec<Finding>,
) {
    let overwrite = options.overwrite || options.mode == RestoreMode::Replace;
    variables.retain(|(name, arriving)| {
        let Some(present) = environment.variable(name) else {
            return true;
        };
        let reason = match (present.constant, overwrite) {
            (true, _) if is_same_scalar(present, arriving) => return false,
            (true, _) => "it is a constant of this environment",
            (false, true) => return true,
            (false, false) => "the environment has a variable of this name; `overwrite` is off",
        };
        let kind = arriving.value.kind().name();
        findings.push(Finding::new(&**name, kind, Outcome::Kept, reason));
        false
    });
}

/// Resolves functions, and reports those that cannot be, and placeholders of what could not be
/// saved.
fn find_losses(
    variables: &[(Arc<str>, Variable)],
    options: &RestoreOptions,
    functions: Option<&FunctionRegistry>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let in_record = options.namespace.is_some();
    // The record is a level more: what would be too deep in it could never be saved again.
    let mut walk = Walk::below(usize::from(in_record));
    for (name, variable) in variables {
        let mut visit = |value: &Value, trail: &Trail<'_>| {
            let (kind, outcome, reason) = match value {
                Value::Extension(extension) => match extension.as_unsupported() {
                    Some((kind, reason)) => (kind, Outcome::Lost, reason.to_owned()),
                    None => return Ok(()),
                },
                Value::Function(callable) => match functions {
                    Some(registry) => match registry.resolve(callable) {
                        Ok(()) => return Ok(()),
                        Err(reason) => ("function", Outcome::Unresolved, reason),
                    },
                    None if callable.is_resolved() => return Ok(()),
                    None => ("function", Outcome::Unresolved, NO_REGISTRY.to_owned()),
                },
                _ => return Ok(()),
            };
            let finding = Finding::new(&**name, kind, outcome, reason);
            findings.push(finding.at(trail.path()));
            Ok(())
        };
        let mut look = || {
            walk.value(&variable.value, "", &mut visit)?;
            if !in_record && !variable.attributes.is_empty() {
                let attributes = Value::Record(variable.attributes.clone());
                walk.value(&attributes, "<attributes>", &mut visit)?;
            }
            walk.shared(&mut |_, _| (), &mut visit)
        };
        look().map_err(|e| e.of_variable(name))?;
    }
    Ok(())
}

const NO_REGISTRY: &str = "no functions of a host were given to the restore";

/// One record of all variables. Attributes and marks, which a field has not, are reported.
pub(super) fn in_one_record(
    variables: Vec<(Arc<str>, Variable)>,
    findings: &mut Vec<Finding>,
) -> Variable {
    let fields = variables.into_iter().map(|(name, variable)| {
        let left_behind = [
            (!variable.attributes.is_empty(), "its attributes"),
            (variable.mutable, "its mark as mutable"),
            (variable.constant, "its mark as a constant"),
        ];
        let left_behind = left_behind.iter().filter(|(there, _)| *there);
        let left_behind: Vec<&str> = left_behind.map(|(_, what)| *what).collect();
        if !left_behind.is_empty() {
            let left_behind = left_behind.join(" and ");
            let reason = format!("without {left_behind}: a field of a record has none");
            let kind = variable.value.kind().name();
            findings.push(Finding::new(&*name, kind, Outcome::Warning, reason));
        }
        (name, variable.value)
    });
    Variable::new(fields.collect::<Record>())
}

/// Whether both are the same value, of the kinds that are compared without reading a file.
pub(super) fn is_same_scalar(a: &Variable, b: &Variable) -> bool {
    holds_no_arrays(&a.value, 0) && a.value.identical(&b.value).unwrap_or(false)
}

/// Whether there is no array data anywhere in the value; a deep one may have some.
fn holds_no_arrays(value: &Value, depth: usize) -> bool {
    let below = |value: &Value| holds_no_arrays(value, depth + 1);
    match value {
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Number(_) => true,
        Value::Complex(_) | Value::String(_) | Value::Bytes(_) => true,
        Value::Vector(elements) => depth < 8 && elements.iter().all(below),
        Value::Record(record) => depth < 8 && record.iter().all(|(_, value)| below(value)),
        Value::Function(callable) => matches!(&**callable, Function::Builtin { .. }),
        _ => false,
    }
}
