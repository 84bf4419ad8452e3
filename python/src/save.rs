//! Saving: values are converted under the interpreter's lock, then written without it while this
//! thread looks for Ctrl-C and reports progress.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use achronyme_env::{
    ArchiveWriter, BindingOptions, EnvError, Finding, Outcome, Record, SaveOptions, SaveReport,
    ValueRef, deserialize_value, serialize_value,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::encode::{Encoder, Paths, type_name};
use crate::error::raise;
use crate::interrupt::{Counts, watched};
use crate::memory::Loan;

/// A finding: name, path, type, outcome, why.
pub(crate) type Row = (String, String, String, &'static str, String);

struct Binding<'l> {
    name: String,
    value: ValueRef<'l>,
    options: BindingOptions,
}

/// Saves `bindings`, pairs of a name and a value. `describe` tells of objects that are not known
/// here; `progress(done, total)` is called some times a second. Returns file length, number of
/// bindings, and findings.
#[pyfunction]
#[pyo3(signature = (path, bindings, attributes, options, describe, progress))]
pub(crate) fn save<'py>(
    py: Python<'py>,
    path: PathBuf,
    bindings: &Bound<'py, PyList>,
    attributes: &Bound<'py, PyDict>,
    options: &Bound<'py, PyDict>,
    describe: Bound<'py, PyAny>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(u64, usize, Vec<Row>)> {
    let strict = options
        .get_item("strict")?
        .is_some_and(|strict| strict.is_truthy().unwrap_or(true));
    let loan = Loan::default();
    let mut encoder = Encoder::new(&loan, describe);
    let mut lent = Vec::with_capacity(bindings.len());
    let mut findings = Vec::new();
    for pair in bindings.iter() {
        let pair = pair.cast_into::<PyTuple>()?;
        let name: String = pair.get_item(0)?.extract()?;
        let value = encoder.binding(&name, &pair.get_item(1)?)?;
        let mut options = BindingOptions::new();
        if let Some(given) = attributes.get_item(&name)? {
            let given = given.cast_into::<PyDict>()?;
            let record = attributes_of(&mut encoder, &name, &given, &mut findings)?;
            options = options.attributes(record);
        }
        lent.push(Binding {
            name,
            value,
            options,
        });
    }
    findings.append(&mut encoder.findings);
    let options = options_of(options)?;
    if strict && !findings.is_empty() {
        // The library looks for what it was told itself; this was found on the way to it.
        return Err(raise(
            py,
            EnvError::Lossy {
                action: "save",
                path: path.as_path().into(),
                findings,
            },
        ));
    }
    let paths = std::mem::take(&mut encoder.paths);
    let report = write(py, path, lent, options, progress).map_err(|error| match error {
        Failure::Raised(error) => error,
        Failure::Library(mut error) => {
            if let EnvError::Lossy { findings, .. } = &mut error {
                retell(findings, &paths);
            }
            raise(py, error)
        }
    });
    let mut report = report?;
    retell(&mut report.findings, &paths);
    findings.extend(report.findings);
    Ok((report.file_len, report.bindings, rows(findings)))
}

/// Findings for the Python layer.
pub(crate) fn rows(findings: Vec<Finding>) -> Vec<Row> {
    let rows = findings.into_iter().map(|finding| {
        let outcome = finding.outcome.name();
        (
            finding.name,
            finding.path,
            finding.kind,
            outcome,
            finding.reason,
        )
    });
    rows.collect()
}

/// The attributes of a binding. What cannot be saved is left out and reported.
pub(crate) fn attributes_of<'py>(
    encoder: &mut Encoder<'_, 'py>,
    name: &str,
    given: &Bound<'py, PyDict>,
    findings: &mut Vec<Finding>,
) -> PyResult<Record> {
    let mut record = Record::new();
    for item in given.items() {
        let (key, object): (String, Bound<'py, PyAny>) = item.extract()?;
        let before = encoder.findings.len();
        let value = encoder.binding(name, &object)?;
        let found: Vec<Finding> = encoder.findings.drain(before..).collect();
        // Through bytes, since attributes are owned; they are small.
        let value = serialize_value(value).and_then(|image| deserialize_value(&image));
        match value {
            Ok(value) => {
                findings.extend(found.into_iter().map(|part| {
                    let path = format!("<attributes>.{key}{}", part.path);
                    part.at(path)
                }));
                record.insert(key, value);
            }
            Err(error) => {
                let kind = type_name(&object);
                let finding = Finding::new(name, kind, Outcome::Lost, error.to_string());
                findings.push(finding.at(format!("<attributes>.{key}")));
            }
        }
    }
    Ok(record)
}

/// The options of the Python layer as those of the library.
pub(crate) fn options_of(given: &Bound<'_, PyDict>) -> PyResult<SaveOptions> {
    let get = |name: &str| -> PyResult<Option<Bound<'_, PyAny>>> {
        Ok(given.get_item(name)?.filter(|value| !value.is_none()))
    };
    let mut options = SaveOptions::new().warn_large_values(None);
    if let Some(description) = get("description")? {
        options = options.description(description.extract::<String>()?);
    }
    for tag in texts(get("tags")?)? {
        options = options.tag(tag);
    }
    if let Some(custom) = get("custom")? {
        for (key, value) in custom.cast_into::<PyDict>()? {
            options = options.custom(key.extract::<String>()?, value.extract::<String>()?);
        }
    }
    for pattern in texts(get("cold")?)? {
        options = options.cold(pattern);
    }
    if let Some(share) = get("auto_cold")? {
        options = options.auto_cold(share.extract()?);
    }
    if let Some(level) = get("level")? {
        options = options.compression_level(level.extract()?);
    }
    let flag = |name: &str, default: bool| -> PyResult<bool> {
        get(name)?.map_or(Ok(default), |value| value.is_truthy())
    };
    Ok(options
        .compress(flag("compress", false)?)
        .allow_overwrite(flag("overwrite", false)?)
        .discard_journal(flag("discard_journal", false)?)
        .strict(flag("strict", false)?)
        .seal(flag("seal", false)?)
        .durable(flag("durable", true)?))
}

fn texts(given: Option<Bound<'_, PyAny>>) -> PyResult<Vec<String>> {
    given.map_or(Ok(Vec::new()), |given| given.extract())
}

/// Paths as Python knows them.
fn retell(findings: &mut [Finding], paths: &Paths) {
    for finding in findings {
        let key = (finding.name.clone(), finding.path.clone());
        if let Some(path) = paths.get(&key) {
            finding.path.clone_from(path);
        }
    }
}

/// Why nothing was saved.
enum Failure {
    Raised(PyErr),
    Library(EnvError),
}

/// Writes on a thread of its own, so that this one can answer to Ctrl-C.
fn write(
    py: Python<'_>,
    path: PathBuf,
    bindings: Vec<Binding<'_>>,
    options: SaveOptions,
    progress: Option<Bound<'_, PyAny>>,
) -> Result<SaveReport, Failure> {
    let cancel = Arc::new(AtomicBool::new(false));
    let counts = Arc::new(Counts::default());
    let counted = Arc::clone(&counts);
    let options = options
        .cancel(Arc::clone(&cancel))
        .on_progress(move |done, total| counted.tell(done, total));
    let progress = progress.map(|told| (&*counts, told));
    let work = {
        let cancel = Arc::clone(&cancel);
        move || -> Result<SaveReport, EnvError> {
            let mut writer = ArchiveWriter::create(&path, &options)?;
            for Binding {
                name,
                value,
                options,
            } in bindings
            {
                if cancel.load(Relaxed) {
                    let path = path.as_path().into();
                    return Err(EnvError::Cancelled { path });
                }
                writer.add_with(&name, value, &options)?;
            }
            writer.finish()
        }
    };
    match watched(py, &cancel, progress, work) {
        Err(error) => Err(Failure::Raised(error)),
        Ok(report) => report.map_err(Failure::Library),
    }
}
