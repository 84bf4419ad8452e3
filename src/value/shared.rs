//! Content that several owners share and may replace; dropped without recursion, since cells may
//! form chains of any length.

use std::cell::RefCell;
use std::sync::{PoisonError, RwLock};

use super::Value;

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

thread_local! {
    /// Contents that wait to be dropped, while one is being dropped on this thread.
    static WAITING: RefCell<Option<Vec<Value>>> = const { RefCell::new(None) };
}

impl<T: Into<Value> + Default> Drop for Shared<T> {
    fn drop(&mut self) {
        let content = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        let content: Value = std::mem::take(content).into();
        let Some(first) = enqueue(content) else {
            return;
        };
        drop(first);
        while let Some(next) = dequeue() {
            drop(next);
        }
    }
}

/// Leaves `content` to the drop that is under way on this thread; gives it back when none is.
fn enqueue(content: Value) -> Option<Value> {
    let mut content = Some(content);
    // When the thread itself is ending there is no queue any more: dropped in place.
    let _ = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        match &mut *waiting {
            Some(queue) => queue.extend(content.take()),
            None => *waiting = Some(Vec::new()),
        }
    });
    content
}

fn dequeue() -> Option<Value> {
    let next = WAITING.try_with(|waiting| {
        let mut waiting = waiting.borrow_mut();
        let next = waiting.as_mut().and_then(Vec::pop);
        if next.is_none() {
            *waiting = None;
        }
        next
    });
    next.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::super::Cell;

    #[test]
    fn a_long_chain_of_cells_is_dropped_without_recursion() {
        let mut chain = Cell::default();
        for _ in 0..1_000_000 {
            let next = Cell::default();
            next.set(super::Value::vector([super::Value::from(chain)]));
            chain = next;
        }
        drop(chain);
    }
}
