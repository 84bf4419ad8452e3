//! An arena: what is put in stays where it is until all of it goes.

use std::cell::{Cell, OnceCell};
use std::fmt;

/// Keeps values at fixed places and lends them for as long as it lives, while more are added: for
/// handles (`Rc<RefCell<..>>`) and guards (`Ref<'_, ..>`) that must outlive a writer.
///
/// ```
/// use std::{cell::{Ref, RefCell}, rc::Rc};
/// use achronyme_env::host::Keep;
///
/// let cell = Rc::new(RefCell::new(vec![1.0, 2.0]));
/// let handles = Keep::new();
/// let guards: Keep<Ref<'_, Vec<f64>>> = Keep::new(); // after the handles: dropped before them
///
/// let handle: &Rc<RefCell<Vec<f64>>> = handles.keep(Rc::clone(&cell));
/// let elements: &[f64] = guards.keep(handle.borrow()); // a slice inside a cell, without a copy
/// assert_eq!(elements, [1.0, 2.0]);
/// ```
pub struct Keep<T> {
    /// Each chunk has twice the places of the one before.
    chunks: [OnceCell<Box<[OnceCell<T>]>>; CHUNKS],
    len: Cell<usize>,
}

const FIRST_CHUNK: usize = 16;
const CHUNKS: usize = (usize::BITS - FIRST_CHUNK.trailing_zeros()) as usize;

impl<T> Keep<T> {
    /// An arena with nothing in it.
    pub fn new() -> Keep<T> {
        Keep {
            chunks: [const { OnceCell::new() }; CHUNKS],
            len: Cell::new(0),
        }
    }

    /// Keeps `value` and lends it.
    pub fn keep(&self, value: T) -> &T {
        let index = self.len.get();
        self.len.set(index + 1);
        // Chunk n begins at (2^n - 1) * FIRST_CHUNK.
        let chunk = (index / FIRST_CHUNK + 1).ilog2() as usize;
        let places = FIRST_CHUNK << chunk;
        let start = places - FIRST_CHUNK;
        let chunk = self.chunks[chunk].get_or_init(|| {
            let empty = std::iter::repeat_with(OnceCell::new);
            empty.take(places).collect()
        });
        chunk[index - start].get_or_init(|| value)
    }

    /// Number of values kept.
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Default for Keep<T> {
    fn default() -> Self {
        Keep::new()
    }
}

impl<T> fmt::Debug for Keep<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keep({} values)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_where_it_is() {
        let keep = Keep::new();
        let lent: Vec<&usize> = (0..10_000).map(|n| keep.keep(n)).collect();
        assert_eq!(keep.len(), 10_000);
        assert!(lent.iter().enumerate().all(|(n, lent)| n == **lent));
    }
}
