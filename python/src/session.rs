//! A session open for writing, as the Python layer sees it.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use achronyme_env::{
    Durability, EnvError, Finding, Moment, Record, SessionOptions, Travelled, Value, Variable,
    read_cancellable,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::archive::{Archive, file_at};
use crate::decode::{Decoder, Hand};
use crate::encode::{Arrays, Encoder};
use crate::error::raise;
use crate::history::{Entry, Events, entries};
use crate::interrupt::{Counts, watched};
use crate::memory::{self, Loan};
use crate::reader::check_of;
use crate::save::{Row, attributes_of, rows};

type Result<T> = achronyme_env::Result<T>;

/// Where going back or forth led: the sequence that counts again, that of the commit that says so,
/// and the names that changed.
type Went = (u64, u64, Vec<String>);

/// An archive and its journal, open for writing.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Session {
    session: Mutex<Option<achronyme_env::Session>>,
    path: PathBuf,
    mapped: bool,
}

/// What is to be done, with values on their own.
enum Change {
    Set(String, Value, Option<Record>),
    SetAt(String, Value),
    Attributes(String, Record),
    Remove(String),
    Rename(String, String),
    Clear,
}

#[pymethods]
impl Session {
    /// `durability` is "commit", "group" (with seconds and commits) or "os".
    #[new]
    #[pyo3(signature = (path, mapped, check, create, durability, keep_history, fold_below, checkpoint_at))]
    #[expect(clippy::too_many_arguments, reason = "the Python layer names them")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        mapped: bool,
        check: bool,
        create: bool,
        durability: (String, f64, u32),
        keep_history: bool,
        fold_below: u64,
        checkpoint_at: Option<f64>,
    ) -> PyResult<Session> {
        let (kind, every, commits) = durability;
        let durability = match kind.as_str() {
            "commit" => Durability::Commit,
            "os" => Durability::Os,
            _ => Durability::Group {
                every: Duration::try_from_secs_f64(every).unwrap_or(Duration::MAX),
                commits,
            },
        };
        let options = SessionOptions::new()
            .create(create)
            .durability(durability)
            .keep_history(keep_history)
            .fold_below(fold_below)
            .checkpoint_at(checkpoint_at)
            .check(check_of(check));
        let session = py.detach(|| match mapped {
            true => memory::write_mapped(&options, &path),
            false => options.open(&path),
        });
        let session = session.map_err(|e| raise(py, e))?;
        Ok(Session {
            session: Mutex::new(Some(session)),
            path,
            mapped,
        })
    }

    /// The committed state; it stays as it is when the session goes on.
    fn archive(&self, py: Python<'_>) -> PyResult<Archive> {
        self.quick(py, |session| {
            let archive = session.archive().clone();
            // Under the lock of this session nobody replaces it.
            let file = self.mapped.then(|| file_at(&self.path)).flatten();
            let length = |file: &std::fs::File| file.metadata().map(|found| found.len());
            let file = file.filter(|file| length(file).is_ok_and(|n| n == archive.file_len()));
            let file = file.map(Arc::new);
            Ok(Archive::of(archive, file, self.mapped))
        })
    }

    #[getter]
    fn sequence(&self, py: Python<'_>) -> PyResult<u64> {
        self.quick(py, |session| Ok(session.sequence()))
    }

    #[getter]
    fn journal_len(&self, py: Python<'_>) -> PyResult<u64> {
        self.quick(py, |session| Ok(session.journal_len()))
    }

    /// Files into which opening moved what could not be read.
    fn set_aside(&self, py: Python<'_>) -> PyResult<Vec<PathBuf>> {
        self.quick(py, |session| Ok(session.set_aside().to_vec()))
    }

    /// Why the last checkpoint failed that a commit made by itself.
    fn checkpoint_error(&self, py: Python<'_>) -> PyResult<Option<String>> {
        self.quick(py, |session| {
            Ok(session.checkpoint_error().map(ToString::to_string))
        })
    }

    // With what is pending.

    fn names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        self.quick(py, |session| {
            let names = session.names();
            Ok(names.iter().map(ToString::to_string).collect())
        })
    }

    fn contains(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        self.quick(py, |session| Ok(session.contains(name)))
    }

    fn get<'py>(&self, name: &str, context: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.quick(context.py(), |session| session.get(name))?;
        Decoder::new(context, self.view()).value(&value)
    }

    fn at<'py>(&self, path: &str, context: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.quick(context.py(), |session| session.at(path))?;
        Decoder::new(context, self.view()).value(&value)
    }

    /// The value of a variable, its arrays copies.
    fn load<'py>(&self, name: &str, context: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let value = self.quick(context.py(), |session| session.get(name))?;
        let (file, check) = (None, true);
        Decoder::new(context, Hand::Writable { file, check }).value(&value)
    }

    fn attributes<'py>(
        &self,
        name: &str,
        context: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let variable = self.quick(context.py(), |session| session.variable(name))?;
        Decoder::new(context, self.view()).value(&variable.attributes.into())
    }

    /// Makes changes, each a tuple that begins with a word: all of them or none. With `commit` they
    /// are one commit, and arrays are read where they are; else they wait for one, as copies.
    /// `describe` is that of `save`. Of a variable that cannot be kept at all, the finding has no
    /// path, and nothing is changed unless `skip`. Returns the sequence and the findings.
    #[pyo3(signature = (changes, describe, commit, strict, skip))]
    fn change<'py>(
        &self,
        py: Python<'py>,
        changes: Vec<Bound<'py, PyTuple>>,
        describe: Bound<'py, PyAny>,
        commit: bool,
        strict: bool,
        skip: bool,
    ) -> PyResult<(u64, Vec<Row>)> {
        let loan = Loan::default();
        let arrays = match commit {
            true => Arrays::Lent,
            false => Arrays::Copied,
        };
        let mut encoder = Encoder::new(&loan, describe).owning(arrays);
        let mut findings = Vec::new();
        let mut taken = Vec::with_capacity(changes.len());
        for change in changes {
            let taking = change_of(&mut encoder, &change, &mut findings)?;
            let found = encoder.findings.drain(..);
            let found: Vec<Finding> = found.collect();
            let whole = |f: &Finding| f.path.is_empty() && f.outcome.name() == "lost";
            let lost = found.iter().any(whole);
            let refused = strict && !(found.is_empty() && findings.is_empty());
            if (lost && !skip) || refused {
                let path = self.path.as_path().into();
                findings.extend(found);
                let action = "commit to";
                return Err(raise(
                    py,
                    EnvError::Lossy {
                        action,
                        path,
                        findings,
                    },
                ));
            }
            findings.extend(found);
            if !lost {
                taken.push(taking);
            }
        }
        let sequence = self.long(py, move |session| {
            let done = apply(session, taken).and_then(|()| match commit {
                true => session.commit(),
                false => Ok(session.sequence()),
            });
            if commit && let Err(error) = &done {
                // It may be committed, and only what followed have failed.
                if !matches!(error, EnvError::CommitNotDurable { .. }) {
                    session.rollback()?;
                }
            }
            done
        })?;
        Ok((sequence, rows(findings)))
    }

    fn commit(&self, py: Python<'_>) -> PyResult<u64> {
        self.long(py, |session| session.commit())
    }

    fn rollback(&self, py: Python<'_>) -> PyResult<()> {
        self.quick(py, |session| session.rollback())
    }

    fn mark(&self, py: Python<'_>, name: &str) -> PyResult<u64> {
        self.long(py, |session| session.mark(name))
    }

    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        self.quick(py, |session| session.sync())
    }

    fn undo(&self, py: Python<'_>) -> PyResult<Went> {
        self.long(py, |session| session.undo().map(went))
    }

    fn redo(&self, py: Python<'_>) -> PyResult<Went> {
        self.long(py, |session| session.redo().map(went))
    }

    /// `what` is "mark", "sequence" or "time" (nanoseconds since 1970).
    fn restore_at(&self, py: Python<'_>, what: &str, to: &Bound<'_, PyAny>) -> PyResult<Went> {
        let moment = match what {
            "mark" => Moment::Mark(to.extract()?),
            "sequence" => Moment::Sequence(to.extract()?),
            _ => {
                let since = Duration::from_nanos(to.extract()?);
                let time = UNIX_EPOCH.checked_add(since);
                Moment::Time(time.ok_or_else(|| PyValueError::new_err("no such time"))?)
            }
        };
        self.long(py, move |session| session.restore_at(&moment).map(went))
    }

    fn log(&self, py: Python<'_>) -> PyResult<Vec<Entry>> {
        let commits = self.quick(py, |session| session.log())?;
        Ok(entries(commits))
    }

    fn replay(&self, py: Python<'_>) -> PyResult<Events> {
        let events = self.quick(py, |session| session.replay())?;
        Ok(Events(Mutex::new(Box::new(events))))
    }

    /// Folds the journal into a new archive, while other threads may go on committing. Its length
    /// and number of variables; `None` when there was nothing to fold, or it is being folded.
    /// `progress(done, total)` is called some times a second.
    #[pyo3(signature = (progress))]
    fn checkpoint<'py>(
        &self,
        py: Python<'py>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<(u64, usize)>> {
        let (flag, counts) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let counted: Arc<Counts> = Arc::clone(&counts);
        let progress = progress.map(|told| (&*counts, told));
        let done = watched(py, &flag, progress, || {
            read_cancellable(&flag, || self.fold(counted))
        })?;
        done.map_err(|e| raise(py, e))
    }

    /// Commits and ends. The journal that is left, and its length. Of a session that is closed
    /// already, nothing.
    fn close(&self, py: Python<'_>) -> PyResult<Option<(Option<PathBuf>, u64)>> {
        let flag = Arc::new(AtomicBool::new(false));
        let closed = watched(py, &flag, None, || {
            let Some(session) = self.lock().take() else {
                return Ok(None);
            };
            let closed = read_cancellable(&flag, || session.close())?;
            Ok(Some((closed.journal, closed.journal_len)))
        });
        closed?.map_err(|e| raise(py, e))
    }
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, Option<achronyme_env::Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> Hand<'static> {
        Hand::View {
            mapped: self.mapped,
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut achronyme_env::Session) -> Result<T>) -> Result<T> {
        match &mut *self.lock() {
            Some(session) => work(session),
            None => Err(EnvError::JournalClosed {
                path: self.path.as_path().into(),
                reason: "the session was closed".to_owned(),
            }),
        }
    }

    fn fold(&self, counts: Arc<Counts>) -> Result<Option<(u64, usize)>> {
        let Some(checkpoint) = self.with(achronyme_env::Session::begin_checkpoint)? else {
            return Ok(None);
        };
        match checkpoint.run_with(move |done, total| counts.tell(done, total)) {
            Ok(done) => {
                let done = self.with(|session| session.finish_checkpoint(done))?;
                Ok(Some((done.report.file_len, done.report.bindings)))
            }
            Err(error) => {
                self.with(|session| {
                    session.abandon_checkpoint();
                    Ok(())
                })?;
                Err(error)
            }
        }
    }

    /// What takes no time worth speaking of.
    fn quick<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut achronyme_env::Session) -> Result<T> + Send,
    ) -> PyResult<T> {
        py.detach(|| self.with(work)).map_err(|e| raise(py, e))
    }

    /// What may write much: Ctrl-C gives it up.
    fn long<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut achronyme_env::Session) -> Result<T> + Send,
    ) -> PyResult<T> {
        let flag = Arc::new(AtomicBool::new(false));
        let done = watched(py, &flag, None, || {
            read_cancellable(&flag, || self.with(work))
        })?;
        done.map_err(|e| raise(py, e))
    }
}

fn went(travelled: Travelled) -> Went {
    let changed = travelled.changed.iter().map(ToString::to_string);
    (travelled.to, travelled.sequence, changed.collect())
}

fn change_of<'py>(
    encoder: &mut Encoder<'_, 'py>,
    change: &Bound<'py, PyTuple>,
    findings: &mut Vec<Finding>,
) -> PyResult<Change> {
    let word: String = change.get_item(0)?.extract()?;
    let text = |index: usize| -> PyResult<String> { change.get_item(index)?.extract() };
    Ok(match word.as_str() {
        "set" => {
            let name = text(1)?;
            let value = encoder.owned_binding(&name, &change.get_item(2)?)?;
            let given = change.get_item(3)?;
            let record = match given.is_none() {
                true => None,
                false => {
                    let given = given.cast_into::<PyDict>()?;
                    Some(attributes_of(encoder, &name, &given, findings)?)
                }
            };
            Change::Set(name, value, record)
        }
        "set at" => {
            let path = text(1)?;
            let value = encoder.owned_binding(&path, &change.get_item(2)?)?;
            Change::SetAt(path, value)
        }
        "attributes" => {
            let name = text(1)?;
            let given = change.get_item(2)?.cast_into::<PyDict>()?;
            let record = attributes_of(encoder, &name, &given, findings)?;
            Change::Attributes(name, record)
        }
        "remove" => Change::Remove(text(1)?),
        "rename" => Change::Rename(text(1)?, text(2)?),
        "clear" => Change::Clear,
        other => return Err(PyValueError::new_err(format!("no change {other:?}"))),
    })
}

fn apply(session: &mut achronyme_env::Session, changes: Vec<Change>) -> Result<()> {
    for change in changes {
        match change {
            Change::Set(name, value, None) => session.set(&name, value)?,
            Change::Set(name, value, Some(attributes)) => {
                let known = session.contains(&name);
                let known = known.then(|| session.variable(&name)).transpose()?;
                let variable = Variable {
                    value,
                    attributes,
                    ..known.unwrap_or_default()
                };
                session.define(&name, variable)?;
            }
            Change::SetAt(path, value) => session.set_at(&path, value)?,
            Change::Attributes(name, record) => session.set_attributes(&name, record)?,
            Change::Remove(name) => {
                if !session.remove(&name)? {
                    // Says it with the nearest name.
                    session.variable(&name)?;
                }
            }
            Change::Rename(old, new) => session.rename(&old, &new)?,
            Change::Clear => session.clear(),
        }
    }
    Ok(())
}

/// Writes the last committed state of a session to one archive. Its length and number of variables.
#[pyfunction]
pub(crate) fn backup(
    py: Python<'_>,
    source: PathBuf,
    destination: PathBuf,
    overwrite: bool,
) -> PyResult<(u64, usize)> {
    let flag = Arc::new(AtomicBool::new(false));
    let report = watched(py, &flag, None, || {
        read_cancellable(&flag, || {
            achronyme_env::backup(&source, &destination, overwrite)
        })
    })?;
    let report = report.map_err(|e| raise(py, e))?;
    Ok((report.file_len, report.bindings))
}
