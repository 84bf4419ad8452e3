//! What was done in a session, for the Python layer.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use achronyme_env::{Commit, EventKind};
use pyo3::prelude::*;

use crate::decode::{Decoder, Hand};
use crate::error::raise;
use crate::interrupt;

/// What was done: its word, the name it is about, the new name of a rename or the kind of a value,
/// and the sequence it leads to.
pub(crate) type Change = (&'static str, Option<String>, Option<String>, Option<u64>);

/// A commit: sequence, nanoseconds since 1970, what it did, bytes of values, whether it counts.
pub(crate) type Entry = (u64, u64, Vec<Change>, u64, bool);

pub(crate) fn entries(commits: Vec<Commit>) -> Vec<Entry> {
    let entries = commits.into_iter().map(|commit| {
        let changes = commit.changes.iter().map(change).collect();
        (
            commit.sequence,
            nanoseconds(commit.time),
            changes,
            commit.bytes,
            commit.counts,
        )
    });
    entries.collect()
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

fn change(kind: &EventKind) -> Change {
    match kind {
        EventKind::Set { name, kind } => {
            let kind = kind.map(|kind| kind.name().to_owned());
            ("set", Some(name.to_string()), kind, None)
        }
        EventKind::SetCell { cell } => ("set cell", None, None, Some(*cell)),
        EventKind::Remove { name } => ("remove", Some(name.to_string()), None, None),
        EventKind::Rename { old, new } => {
            ("rename", Some(old.to_string()), Some(new.to_string()), None)
        }
        EventKind::Clear => ("clear", None, None, None),
        EventKind::Mark { name } => ("mark", Some(name.to_string()), None, None),
        EventKind::Undo { to } => ("undo", None, None, Some(*to)),
        EventKind::Redo { to } => ("redo", None, None, Some(*to)),
        EventKind::RestoreAt { to } => ("restore", None, None, Some(*to)),
        EventKind::Message { key } => {
            let key = String::from_utf8_lossy(key).into_owned();
            ("message", Some(key), None, None)
        }
        _ => ("other", None, None, None),
    }
}

/// One thing that was done.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Event(pub(crate) achronyme_env::Event);

#[pymethods]
impl Event {
    #[getter]
    fn sequence(&self) -> u64 {
        self.0.sequence
    }

    /// Nanoseconds since 1970.
    #[getter]
    fn time(&self) -> u64 {
        nanoseconds(self.0.time)
    }

    #[getter]
    fn change(&self) -> Change {
        change(&self.0.kind)
    }

    #[getter]
    fn ends_commit(&self) -> bool {
        self.0.ends_commit
    }

    /// The value that was set, its arrays read-only; `None` when none was.
    fn value<'py>(&self, context: Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let py = context.py();
        let value = interrupt::read(py, 0, || self.0.value())?;
        let hand = Hand::View { mapped: false };
        value
            .map(|value| Decoder::new(context, hand).value(&value))
            .transpose()
    }
}

type Found = Box<dyn Iterator<Item = achronyme_env::Result<achronyme_env::Event>> + Send>;

/// Events one after the other.
#[pyclass(frozen, module = "achronyme_env._native")]
pub(crate) struct Events(pub(crate) Mutex<Found>);

#[pymethods]
impl Events {
    fn __iter__(slf: Bound<'_, Self>) -> Bound<'_, Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Event>> {
        let next = py.detach(|| {
            let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            events.next()
        });
        let event = next.transpose().map_err(|e| raise(py, e))?;
        Ok(event.map(Event))
    }
}
