//! Slots that are filled once, when they are first needed: one per node, or per extent.

use std::sync::OnceLock;

type Chunk<T> = Box<[OnceLock<T>]>;

/// `len` places for a `T` each, allocated in chunks when one of a chunk is first filled: an archive
/// of a million nodes opens without a million places.
pub(crate) struct LazySlots<T, const CHUNK: usize = 256> {
    chunks: Box<[OnceLock<Chunk<T>>]>,
}

impl<T, const CHUNK: usize> LazySlots<T, CHUNK> {
    pub(crate) fn new(len: usize) -> Self {
        LazySlots {
            chunks: (0..len.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The value at `index`, when it is there.
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.chunks
            .get(index / CHUNK)?
            .get()?
            .get(index % CHUNK)?
            .get()
    }

    /// The value at `index`; `value` is dropped when another thread was first. `None` beyond the
    /// end.
    pub(crate) fn set(&self, index: usize, value: T) -> Option<&T> {
        let chunk = self.chunks.get(index / CHUNK)?;
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        Some(chunk.get(index % CHUNK)?.get_or_init(|| value))
    }
}

impl<T, const CHUNK: usize> std::fmt::Debug for LazySlots<T, CHUNK> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LazySlots({} chunks)", self.chunks.len())
    }
}
