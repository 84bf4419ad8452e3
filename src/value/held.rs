//! Bytes that somebody goes on looking at, held apart from the archive they came from; and what was
//! found of them, kept beside them so that it is found once.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::storage::Buffer;

/// Bytes that stay where they are and as they are while they are held.
pub trait HeldBytes: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

impl HeldBytes for Buffer {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

/// All bytes of a storage, checked against their sums, and what was found of them.
pub struct Held<'s> {
    /// The bytes. They must not hold what `found` lives in: that would be a circle.
    pub bytes: Arc<dyn HeldBytes>,
    /// What was found of them.
    pub found: &'s Found,
}

impl fmt::Debug for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} bytes)", self.bytes.bytes().len())
    }
}

/// What was found of some bytes, by what it was looked for with.
#[derive(Default)]
pub struct Found(Mutex<Vec<Finding>>);

type Finding = (Box<[u64]>, Arc<dyn Any + Send + Sync>);

/// More than this is not kept: a program that looks each time with a registry made anew must not
/// fill the memory.
const MOST_FOUND: usize = 8;

impl Found {
    /// What was found with `key`.
    pub(crate) fn get<T: Any + Send + Sync>(&self, key: &[u64]) -> Option<Arc<T>> {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, found) = found.iter().find(|(known, _)| **known == *key)?;
        Arc::clone(found).downcast().ok()
    }

    /// Keeps what was found with `key`, unless another was quicker.
    pub(crate) fn keep<T: Any + Send + Sync>(&self, key: &[u64], what: &Arc<T>) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.iter().any(|(known, _)| **known == *key) {
            return;
        }
        let oldest = (found.len() >= MOST_FOUND).then(|| found.remove(0));
        let what: Arc<dyn Any + Send + Sync> = Arc::<T>::clone(what);
        found.push((key.into(), what));
        // What goes is dropped after the lock is released: it may hold anything.
        drop(found);
        drop(oldest);
    }
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Found({})", found.len())
    }
}
