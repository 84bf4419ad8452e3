//! Changes of an environment, told to the session it is attached to.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::variables::Variable;
use crate::value::Value;

/// What happened to a variable.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Set(Arc<str>, Box<Variable>),
    Remove(Arc<str>),
    /// The old name and the new one.
    Rename(Arc<str>, Arc<str>),
    Clear,
}

/// Changes that wait for a session to take them. Noting one never fails and never waits for a disk.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    waiting: Mutex<Waiting>,
    noted: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    changes: Vec<Change>,
    /// Where the variables stand that were set since the last change of another sort: a value that
    /// is replaced before it was taken need not be kept.
    set: HashMap<Arc<str>, usize>,
    bytes: u64,
    since: Option<Instant>,
    /// Whether somebody wants to be told at once.
    asked: bool,
}

/// When changes are to be taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) changes: usize,
    pub(crate) bytes: u64,
    pub(crate) age: std::time::Duration,
}

impl Recorder {
    pub(crate) fn note(&self, change: Change) {
        let mut waiting = self.lock();
        waiting.since.get_or_insert_with(Instant::now);
        match &change {
            Change::Set(name, variable) => {
                waiting.bytes = waiting.bytes.saturating_add(bytes_of(&variable.value));
                if let Some(place) = waiting.set.get(name).copied()
                    && let Some(earlier) = waiting.changes.get_mut(place)
                {
                    let earlier = std::mem::replace(earlier, change);
                    if let Change::Set(_, earlier) = &earlier {
                        let bytes = bytes_of(&earlier.value);
                        waiting.bytes = waiting.bytes.saturating_sub(bytes);
                    }
                    self.noted.notify_all();
                    return;
                }
                let place = waiting.changes.len();
                waiting.set.insert(Arc::clone(name), place);
            }
            _ => waiting.set.clear(),
        }
        waiting.changes.push(change);
        self.noted.notify_all();
    }

    pub(crate) fn take(&self) -> Vec<Change> {
        let mut waiting = self.lock();
        let asked = waiting.asked;
        let taken = std::mem::take(&mut *waiting);
        waiting.asked = asked;
        taken.changes
    }

    /// Number of changes that wait, and about how many bytes of array data and text they hold.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        let waiting = self.lock();
        (waiting.changes.len(), waiting.bytes)
    }

    /// Waits until changes are due, somebody asks, or `deadline` has come.
    pub(crate) fn wait(&self, due: Due, deadline: Option<Instant>) {
        let mut waiting = self.lock();
        loop {
            let now = Instant::now();
            let full = waiting.changes.len() >= due.changes || waiting.bytes >= due.bytes;
            // An age beyond the clock never comes.
            let old = waiting.since.and_then(|since| since.checked_add(due.age));
            if std::mem::take(&mut waiting.asked) || full || old.is_some_and(|at| at <= now) {
                return;
            }
            let until = match (old, deadline) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if deadline.is_some_and(|at| at <= now) {
                return;
            }
            waiting = match until {
                None => {
                    let waited = self.noted.wait(waiting);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
                Some(at) => {
                    let waited = self.noted.wait_timeout(waiting, at - now);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Ends a [`Recorder::wait`] at once, or the next one.
    pub(crate) fn ask(&self) {
        self.lock().asked = true;
        self.noted.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bytes of a tensor or text; what is inside other values is not counted.
fn bytes_of(value: &Value) -> u64 {
    match value {
        Value::Tensor(tensor) => tensor.byte_len(),
        Value::String(text) => text.len() as u64,
        Value::Bytes(bytes) => bytes.len() as u64,
        _ => 16,
    }
}
