//! Sums of array data that is in its place already, on all cores.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::cancel::Cancel;
use super::cores::{on_cores, threads};
use super::options::Progress;
use crate::error::Result;
use crate::format::extent::DigestKind;
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::HOT_BLOCK_BYTES;

/// Array data that is in its place, and is summed on all cores.
pub(super) struct Summing<'s> {
    pub(super) bytes: &'s [u8],
    pub(super) digest: DigestKind,
    pub(super) cancel: Cancel,
    pub(super) progress: Option<&'s Progress>,
    /// Bytes of array data done before this one, and of all.
    pub(super) before: u64,
    pub(super) total: u64,
    pub(super) done: Mutex<u64>,
}

/// CRC-32 of the blocks of a piece, and its digest.
type PieceSums = (Vec<u32>, [u8; 32]);

impl Summing<'_> {
    /// CRC-32 of every block, and the digest.
    pub(super) fn run(&self) -> Result<(Vec<u32>, [u8; 32])> {
        let pieces: Vec<&[u8]> = self.bytes.chunks(PIECE_BYTES).collect();
        let results: Vec<Mutex<PieceSums>> = pieces.iter().map(|_| Mutex::default()).collect();
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || -> Result<()> {
            loop {
                let number = next.fetch_add(1, Relaxed);
                let (Some(piece), Some(result)) = (pieces.get(number), results.get(number)) else {
                    return Ok(());
                };
                if stop.load(Relaxed) {
                    return Ok(());
                }
                if let Err(error) = self.cancel.check() {
                    stop.store(true, Relaxed);
                    return Err(error);
                }
                let blocks = piece.chunks(HOT_BLOCK_BYTES as usize);
                let sums = blocks.map(crc32fast::hash).collect();
                let digest = piece_digest(self.digest, piece);
                *result.lock().unwrap_or_else(PoisonError::into_inner) = (sums, digest);
                self.report(piece.len() as u64);
            }
        };
        on_cores(threads().min(pieces.len()), work)?;
        let (mut sums, mut digests) = (Vec::new(), Vec::with_capacity(pieces.len()));
        for result in results {
            let (of_blocks, digest) = result.into_inner().unwrap_or_else(PoisonError::into_inner);
            sums.extend(of_blocks);
            digests.push(digest);
        }
        Ok((sums, combine(self.digest, &digests)))
    }

    fn report(&self, bytes: u64) {
        let Some(progress) = self.progress else {
            return;
        };
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += bytes;
        progress(self.before + *done, self.total);
    }
}
