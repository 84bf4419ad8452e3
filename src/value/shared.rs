//! Content that several owners share and may replace.

use std::sync::{PoisonError, RwLock};

use super::Value;
use super::dismantle::dismantle;

/// What a cell or a scope holds.
#[derive(Debug, Default)]
pub(super) struct Shared<T: Into<Value> + Default>(RwLock<T>);

impl<T: Into<Value> + Default + Clone> Shared<T> {
    pub(super) fn new(content: T) -> Self {
        Shared(RwLock::new(content))
    }

    pub(super) fn get(&self) -> T {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn set(&self, content: T) {
        let mut place = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, content);
        // Dropped after the lock is released: the old content may hold the last handle of this one.
        drop(place);
        drop(old);
    }
}

impl<T: Into<Value> + Default> Drop for Shared<T> {
    fn drop(&mut self) {
        let content = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        dismantle(vec![std::mem::take(content).into()]);
    }
}
