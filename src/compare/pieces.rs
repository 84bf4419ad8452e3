//! Array data of any size, looked at piece by piece on all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::error::Result;
use crate::read::{current_cancel, within_cancel};
use crate::value::Tensor;

/// Bytes of a piece: a multiple of every element, and of the blocks in a file.
pub(super) const PIECE_BYTES: u64 = 1 << 20;

const MOST_THREADS: usize = 8;
/// Pieces from which on other threads help.
const FEW_PIECES: u64 = 4;

/// Runs `work` on the pieces of `len` bytes, each given by its place and length. The results are
/// in no order. Ends with the first error.
pub(super) fn each_piece<T: Send, W>(
    len: u64,
    worker: impl Fn() -> W + Sync,
    work: impl Fn(&mut W, u64, usize) -> Result<T> + Sync,
) -> Result<Vec<(u64, T)>> {
    let pieces = len.div_ceil(PIECE_BYTES);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let run = || -> Result<Vec<(u64, T)>> {
        let mut state = worker();
        let mut results = Vec::new();
        loop {
            let piece = next.fetch_add(1, Relaxed);
            if piece >= pieces || failed.load(Relaxed) {
                return Ok(results);
            }
            let start = piece * PIECE_BYTES;
            let result = work(&mut state, start, (len - start).min(PIECE_BYTES) as usize);
            match result {
                Ok(result) => results.push((piece, result)),
                Err(error) => {
                    failed.store(true, Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let threads = match pieces {
        0..FEW_PIECES => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let threads = threads.min(MOST_THREADS).min(pieces as usize);
    if threads <= 1 {
        return run();
    }
    // Whoever gave this thread a flag to stop by means the work of its helpers too.
    let flag = current_cancel();
    let run = &run;
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads)
            .map(|_| {
                let flag = flag.clone();
                scope.spawn(move || within_cancel(flag, run))
            })
            .collect();
        let mut all = run();
        for helper in helpers {
            let found = helper
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all = all.and_then(|mut all| {
                all.extend(found?);
                Ok(all)
            });
        }
        all
    })
}

/// A part of a tensor's bytes, read into a buffer unless they are in memory.
pub(super) fn part<'p>(
    tensor: &'p Tensor,
    start: u64,
    len: usize,
    buffer: &'p mut Vec<u8>,
) -> Result<&'p [u8]> {
    let (storage, first, _) = tensor.storage();
    let resident = match storage.is_volatile() {
        true => None,
        false => storage.resident(),
    };
    let at = first.saturating_add(start) as usize;
    if let Some(bytes) = resident.and_then(|bytes| bytes.get(at..at.checked_add(len)?)) {
        return Ok(bytes);
    }
    buffer.resize(len, 0);
    tensor.read_at(start, buffer)?;
    Ok(buffer)
}
