//! Array data in memory: of a pool, where there is one and it has room, or its own.

use crate::error::Result;
use crate::pool::{BufferPool, PooledBuffer};
use crate::value::{Buffer, HeldBytes};

/// Shorter arrays are not worth a buffer of a pool.
const POOLED_FROM_BYTES: u64 = 4096;

/// The bytes of an array.
#[derive(Debug)]
pub(super) enum Loaded {
    Own(Buffer),
    Pooled(PooledBuffer),
}

impl Loaded {
    /// Memory of `len` bytes that `fill` writes all of.
    ///
    /// # Errors
    /// What `fill` answers; when the memory cannot be had.
    pub(super) fn filled(
        pool: Option<&BufferPool>,
        len: u64,
        fill: impl FnOnce(&mut [u8]) -> Result<()>,
    ) -> Result<Loaded> {
        let pool = pool.filter(|_| len >= POOLED_FROM_BYTES);
        // What the pool has no room for has memory of its own.
        match pool.and_then(|pool| pool.take(len).ok()) {
            Some(mut buffer) => {
                buffer.overwrite(len as usize, fill)?;
                Ok(Loaded::Pooled(buffer))
            }
            None => {
                let mut buffer = Buffer::zeroed(len)?;
                fill(buffer.as_bytes_mut())?;
                Ok(Loaded::Own(buffer))
            }
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Loaded::Own(buffer) => buffer.as_bytes(),
            Loaded::Pooled(buffer) => buffer.as_bytes(),
        }
    }
}

impl HeldBytes for Loaded {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}
