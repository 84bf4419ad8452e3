//! A session open for reading, as the Python layer sees it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use achronyme_env::{Check, SessionOptions, SessionReader};
use pyo3::prelude::*;

use crate::archive::{Archive, file_at, is_file_at};
use crate::error::raise;
use crate::history::{Entry, Event, entries};
use crate::memory;

/// An archive and its journal, open for reading.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Reader {
    open: Mutex<Open>,
    path: PathBuf,
    mapped: bool,
}

struct Open {
    reader: SessionReader,
    /// The archive for private maps; only where it was mapped.
    file: Option<Arc<File>>,
}

#[pymethods]
impl Reader {
    #[new]
    #[pyo3(signature = (path, mapped, check, lazy_table))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        mapped: bool,
        check: bool,
        lazy_table: bool,
    ) -> PyResult<Reader> {
        let options = SessionOptions::new().lazy_table(lazy_table);
        let options = options.check(check_of(check));
        let opened = py.detach(|| {
            let file = private_file(&path, mapped);
            let reader = match mapped {
                true => memory::read_mapped(&options, &path)?,
                false => options.read(&path)?,
            };
            let file = file.filter(|file| is_file_at(file, &path));
            Ok(Open { reader, file })
        });
        Ok(Reader {
            open: Mutex::new(opened.map_err(|e| raise(py, e))?),
            path,
            mapped,
        })
    }

    /// The state; it stays as it is when the reader goes on.
    fn archive(&self, py: Python<'_>) -> Archive {
        py.detach(|| {
            let open = self.lock();
            Archive::of(
                open.reader.archive().clone(),
                open.file.clone(),
                self.mapped,
            )
        })
    }

    /// Goes to the last committed state; whether there is a newer one.
    fn refresh(&self, py: Python<'_>) -> PyResult<bool> {
        let moved = py.detach(|| self.go(SessionReader::refresh));
        moved.map_err(|e| raise(py, e))
    }

    /// Waits for a newer state, and goes to it; false when none came.
    fn wait(&self, py: Python<'_>, seconds: f64) -> PyResult<bool> {
        let timeout = Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let moved = py.detach(|| self.go(|reader| reader.wait(timeout)));
        moved.map_err(|e| raise(py, e))
    }

    #[getter]
    fn sequence(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().reader.sequence())
    }

    /// Number of frames of the journal that the archive does not hold.
    #[getter]
    fn unfolded(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.lock().reader.unfolded())
    }

    /// What of the journal does not count, in words.
    fn damage(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let damage = py.detach(|| self.lock().reader.damage());
        let damage = damage.map_err(|e| raise(py, e))?;
        Ok(damage.iter().map(ToString::to_string).collect())
    }

    fn log(&self, py: Python<'_>) -> PyResult<Vec<Entry>> {
        let commits = py.detach(|| self.lock().reader.log());
        Ok(entries(commits.map_err(|e| raise(py, e))?))
    }

    /// What was done after `sequence`, as far as the journal reaches back.
    fn events(&self, py: Python<'_>, sequence: u64) -> PyResult<Vec<Event>> {
        let events = py.detach(|| {
            let open = self.lock();
            let events = open.reader.events(sequence).map(|event| event.map(Event));
            events.collect::<achronyme_env::Result<Vec<_>>>()
        });
        events.map_err(|e| raise(py, e))
    }
}

impl Reader {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn go(
        &self,
        step: impl FnOnce(&mut SessionReader) -> achronyme_env::Result<bool>,
    ) -> achronyme_env::Result<bool> {
        let mut open = self.lock();
        let file = private_file(&self.path, self.mapped);
        let moved = step(&mut open.reader)?;
        if moved {
            // It was there before and is there now, so it is what the reader looked at.
            open.file = file.filter(|file| is_file_at(file, &self.path));
        }
        Ok(moved)
    }
}

/// The file for private maps.
pub(crate) fn private_file(path: &Path, mapped: bool) -> Option<Arc<File>> {
    mapped.then(|| file_at(path).map(Arc::new)).flatten()
}

pub(crate) fn check_of(check: bool) -> Check {
    match check {
        true => Check::Auto,
        false => Check::Never,
    }
}
