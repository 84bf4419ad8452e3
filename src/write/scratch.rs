//! Memory that a save works in: of a pool, where there is one and it has room, or its own.

use std::io::Write;

use crate::pool::{BufferPool, PooledBuffer};

/// Bytes that are written again and again.
#[derive(Debug)]
pub(super) enum Scratch {
    Own(Vec<u8>),
    Pooled(PooledBuffer),
}

impl Default for Scratch {
    fn default() -> Self {
        Scratch::Own(Vec::new())
    }
}

impl Scratch {
    /// Empty, with room for about so many bytes.
    pub(super) fn new(pool: Option<&BufferPool>, room: usize) -> Scratch {
        match pool.and_then(|pool| pool.take(room as u64).ok()) {
            Some(buffer) => Scratch::Pooled(buffer),
            None => Scratch::default(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Scratch::Own(bytes) => bytes,
            Scratch::Pooled(buffer) => buffer.as_bytes(),
        }
    }

    pub(super) fn as_bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Scratch::Own(bytes) => bytes,
            Scratch::Pooled(buffer) => buffer.as_bytes_mut(),
        }
    }

    /// Cuts it off, or adds zeros.
    pub(super) fn resize(&mut self, len: usize) {
        if let Scratch::Pooled(buffer) = self {
            match buffer.resize(len) {
                Ok(()) => return,
                // The pool has no more.
                Err(_) => *self = Scratch::Own(buffer.as_bytes().to_vec()),
            }
        }
        if let Scratch::Own(bytes) = self {
            bytes.resize(len, 0);
        }
    }

    /// Adds bytes at its end.
    pub(super) fn extend(&mut self, more: &[u8]) {
        if let Scratch::Pooled(buffer) = self {
            match buffer.write_all(more) {
                Ok(()) => return,
                Err(_) => *self = Scratch::Own(buffer.as_bytes().to_vec()),
            }
        }
        if let Scratch::Own(bytes) = self {
            bytes.extend_from_slice(more);
        }
    }
}
