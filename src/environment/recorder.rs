//! Changes of an environment, told to the session it is attached to.

use std::sync::{Arc, Mutex, PoisonError};

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
pub(crate) struct Recorder(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    changes: Vec<Change>,
    bytes: u64,
}

impl Recorder {
    pub(crate) fn note(&self, change: Change) {
        let mut waiting = self.lock();
        if let Change::Set(_, variable) = &change {
            waiting.bytes = waiting.bytes.saturating_add(bytes_of(&variable.value));
        }
        waiting.changes.push(change);
    }

    pub(crate) fn take(&self) -> Vec<Change> {
        std::mem::take(&mut *self.lock()).changes
    }

    /// Number of changes that wait, and about how many bytes of array data they hold.
    pub(crate) fn waiting(&self) -> (usize, u64) {
        let waiting = self.lock();
        (waiting.changes.len(), waiting.bytes)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
