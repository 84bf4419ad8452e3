//! A file that is written variable by variable, and arrays that are computed in it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use achronyme_env::{ArchiveWriter, BindingOptions, DType, EnvError, Finding, Record, SaveOptions};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::encode::{Arrays, Encoder};
use crate::error::raise;
use crate::interrupt::{Counts, watched};
use crate::memory::{self, Loan};
use crate::save::{Row, attributes_of, options_of, rows};

/// An archive that is being written. Until `finish` nobody sees it.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Writer {
    writer: Mutex<Option<ArchiveWriter<'static>>>,
    path: PathBuf,
    strict: bool,
    /// Gives up what is being written.
    cancel: Arc<AtomicBool>,
    counts: Arc<Counts>,
    /// The process that began it: a forked one must not remove its file.
    process: u32,
}

#[pymethods]
impl Writer {
    /// Begins a file; `options` are those of `save`.
    #[new]
    fn new(py: Python<'_>, path: PathBuf, options: &Bound<'_, PyDict>) -> PyResult<Writer> {
        let strict = options.get_item("strict")?;
        let strict = strict.is_some_and(|strict| strict.is_truthy().unwrap_or(true));
        let cancel: Arc<AtomicBool> = Arc::default();
        let counts = Arc::new(Counts::default());
        let (counted, given_up) = (Arc::clone(&counts), Arc::clone(&cancel));
        let options: SaveOptions = options_of(options)?
            .streaming(true)
            .cancel(Arc::clone(&cancel))
            .on_progress(move |done, total| counted.tell_before_the_end(done, total, &given_up));
        let begun = py.detach(|| ArchiveWriter::create(&path, &options));
        Ok(Writer {
            writer: Mutex::new(Some(begun.map_err(|e| raise(py, e))?)),
            path,
            strict,
            cancel,
            counts,
            process: std::process::id(),
        })
    }

    /// Adds a variable: what it holds is read before this returns. `describe` is that of `save`. Of
    /// a value that cannot be kept at all the finding has no path, and it is left out.
    #[pyo3(signature = (name, value, attributes, describe))]
    fn add<'py>(
        &self,
        name: String,
        value: &Bound<'py, PyAny>,
        attributes: Option<&Bound<'py, PyDict>>,
        describe: Bound<'py, PyAny>,
    ) -> PyResult<Vec<Row>> {
        let py = describe.py();
        let loan = Loan::default();
        let mut encoder = Encoder::new(&loan, describe).owning(Arrays::Streamed);
        let mut findings = Vec::new();
        let value = encoder.owned_binding(&name, value)?;
        let options = match attributes {
            Some(given) => {
                let record = attributes_of(&mut encoder, &name, given, &mut findings)?;
                BindingOptions::new().attributes(record)
            }
            None => BindingOptions::new(),
        };
        findings.append(&mut encoder.findings);
        self.refuse_losses(py, &findings)?;
        let whole = |f: &Finding| f.path.is_empty() && f.outcome.name() == "lost";
        if !findings.iter().any(whole) {
            let added = watched(py, &self.cancel, None, || {
                self.with(|writer| writer.add_with(&name, value, &options))
            });
            self.ended(py, added)?;
        }
        Ok(rows(findings))
    }

    /// Adds an array that is computed in place: zeros at first. And what of its attributes was not
    /// kept.
    #[pyo3(signature = (name, dtype, shape, attributes, describe))]
    fn create<'py>(
        &self,
        name: String,
        dtype: &str,
        shape: Vec<u64>,
        attributes: Option<&Bound<'py, PyDict>>,
        describe: Bound<'py, PyAny>,
    ) -> PyResult<(Bound<'py, PyAny>, Vec<Row>)> {
        let py = describe.py();
        let dtype = DType::from_name(dtype)
            .ok_or_else(|| PyValueError::new_err(format!("no dtype {dtype}")))?;
        let loan = Loan::default();
        let mut encoder = Encoder::new(&loan, describe).owning(Arrays::Copied);
        let mut findings = Vec::new();
        let record = match attributes {
            Some(given) => attributes_of(&mut encoder, &name, given, &mut findings)?,
            None => Record::new(),
        };
        findings.append(&mut encoder.findings);
        self.refuse_losses(py, &findings)?;
        let options = BindingOptions::new().attributes(record);
        let reserved = watched(py, &self.cancel, None, || {
            self.with(|writer| {
                writer.reserve_tensor_with(&name, dtype, &shape, &options)?;
                Ok(())
            })
        });
        self.ended(py, reserved)?;
        let mut writer = self.lock();
        let reserved = writer.as_mut().and_then(|writer| writer.reserved(&name));
        let reserved = reserved.ok_or_else(|| raise(py, self.closed()))?;
        Ok((memory::reserved(py, reserved)?, rows(findings)))
    }

    /// Publishes the file. Its length, number of variables, and findings. `progress(done, total)` is
    /// called some times a second.
    #[pyo3(signature = (progress))]
    fn finish<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<(u64, usize, Vec<Row>)> {
        self.refuse_forked(py)?;
        let writer = self.lock().take();
        let writer = writer.ok_or_else(|| raise(py, self.closed()))?;
        let progress = progress.map(|told| (&*self.counts, told));
        let report = watched(py, &self.cancel, progress, || writer.finish())?;
        let report = report.map_err(|e| raise(py, e))?;
        Ok((report.file_len, report.bindings, rows(report.findings)))
    }

    /// Gives it up: nothing is left of it.
    fn discard(&self, py: Python<'_>) {
        py.detach(|| self.give_up());
    }
}

impl Writer {
    fn lock(&self) -> MutexGuard<'_, Option<ArchiveWriter<'static>>> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut ArchiveWriter<'static>) -> achronyme_env::Result<T>,
    ) -> achronyme_env::Result<T> {
        if std::process::id() != self.process {
            return Err(self.forked());
        }
        match &mut *self.lock() {
            Some(writer) => work(writer),
            None => Err(self.closed()),
        }
    }

    /// After Ctrl-C nobody knows how much of a value was written: the file is given up.
    fn ended<T>(&self, py: Python<'_>, done: PyResult<achronyme_env::Result<T>>) -> PyResult<T> {
        let done = done.inspect_err(|_| py.detach(|| self.give_up()))?;
        done.map_err(|e| raise(py, e))
    }

    fn give_up(&self) {
        let writer = self.lock().take();
        if std::process::id() != self.process {
            // The file is that of the process that began it.
            std::mem::forget(writer);
        }
    }

    fn refuse_losses(&self, py: Python<'_>, findings: &[Finding]) -> PyResult<()> {
        if self.strict && findings.iter().any(|found| found.outcome.is_loss()) {
            return Err(raise(
                py,
                EnvError::Lossy {
                    action: "add to",
                    path: self.path.as_path().into(),
                    findings: findings.to_vec(),
                },
            ));
        }
        Ok(())
    }

    fn refuse_forked(&self, py: Python<'_>) -> PyResult<()> {
        match std::process::id() == self.process {
            true => Ok(()),
            false => Err(raise(py, self.forked())),
        }
    }

    fn forked(&self) -> EnvError {
        EnvError::InvalidValue {
            what: format!("a writer of {}", self.path.display()),
            reason: "a forked process cannot write the file of the process it was forked from"
                .to_owned(),
        }
    }

    fn closed(&self) -> EnvError {
        EnvError::InvalidValue {
            what: format!("a writer of {}", self.path.display()),
            reason: "it was published or given up already".to_owned(),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.give_up();
    }
}
