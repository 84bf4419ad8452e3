//! Extents of another archive, copied as they stand there: blocks are checked against the sums they
//! have, sums and digest are carried over, and nothing is unpacked but to make a digest of a kind
//! that the extent does not have.

use std::io;

use super::emit::{Emission, write_at};
use crate::error::{EnvError, Result};
use crate::format::sums::{PIECE_BYTES, piece_digest};
use crate::tree::extent_source::PlannedExtent;
use crate::value::StoredExtent;

/// Buffers of one thread, used again for each piece.
#[derive(Default)]
pub(super) struct CopyBuffers {
    stored: Vec<u8>,
    raw: Vec<u8>,
}

/// One extent to copy.
pub(super) struct Copying<'c> {
    pub(super) emission: &'c Emission<'c>,
    pub(super) extent: &'c PlannedExtent<'c>,
    pub(super) stored: StoredExtent<'c>,
}

impl Copying<'_> {
    /// Whether the digest the extent has is the one that is asked for.
    pub(super) fn carries_digest(&self) -> bool {
        self.emission.carries_digest(&self.stored)
    }

    /// Copies the stored blocks of raw bytes `start..start + len`, where the extent stands at
    /// `place`. Returns the digests of its pieces, unless the extent has the one that is asked for.
    pub(super) fn piece(
        &self,
        start: u64,
        len: u64,
        place: u64,
        buffers: &mut CopyBuffers,
        failed: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<Vec<[u8; 32]>> {
        let mut digests = Vec::new();
        let mut at = start;
        while at < start + len {
            self.emission.cancel.check()?;
            let now = (start + len - at).min(PIECE_BYTES as u64);
            let (offset, bytes) = self.stored_bytes(at, now, &mut buffers.stored)?;
            write_at(self.emission.file, place + offset, bytes).map_err(failed)?;
            if !self.carries_digest() {
                digests.push(self.digest(at, now, bytes, &mut buffers.raw)?);
            }
            self.emission.report(now);
            at += now;
        }
        Ok(digests)
    }

    /// Appends the stored bytes of a small extent to `out`. Returns its digest, unless it has the
    /// one that is asked for.
    pub(super) fn small(
        &self,
        out: &mut Vec<u8>,
        buffers: &mut CopyBuffers,
    ) -> Result<Option<[u8; 32]>> {
        let len = self.stored.raw_len;
        let (_, bytes) = self.stored_bytes(0, len, &mut buffers.stored)?;
        out.extend_from_slice(bytes);
        match self.carries_digest() {
            true => Ok(None),
            false => self.digest(0, len, bytes, &mut buffers.raw).map(Some),
        }
    }

    fn stored_bytes<'b>(
        &'b self,
        at: u64,
        len: u64,
        buffer: &'b mut Vec<u8>,
    ) -> Result<(u64, &'b [u8])> {
        // Pieces are whole blocks, but for the end: both are powers of two.
        let first = at >> self.stored.block_log2;
        let end = (at + len).div_ceil(1 << self.stored.block_log2);
        self.stored.blocks.read(first..end, buffer)
    }

    /// The digest of a piece whose stored bytes are `stored`.
    fn digest(&self, at: u64, len: u64, stored: &[u8], raw: &mut Vec<u8>) -> Result<[u8; 32]> {
        if self.stored.is_raw() {
            return Ok(piece_digest(self.emission.digest, stored));
        }
        raw.resize(len as usize, 0);
        self.extent.source.read_at(at, raw)?;
        Ok(piece_digest(self.emission.digest, raw))
    }
}
