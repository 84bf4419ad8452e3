//! Cold extents: one zstd frame per block, shuffled first where a sample says it pays, packed and
//! written on all cores.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};

use super::cancel::Cancel;
use super::cores::{on_cores, threads};
use super::emit::{Emission, write_at};
use super::scratch::Scratch;
use crate::error::{EnvError, Result};
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::COLD_BLOCK_BYTES;
use crate::pool::BufferPool;
use crate::shuffle::shuffle;
use crate::tree::extent_source::PlannedExtent;

const BLOCK: usize = COLD_BLOCK_BYTES as usize;
/// Pieces of 1 MiB that may be packed before one that is still being packed, for each thread.
const PIECES_AHEAD: u64 = 2;
/// Blocks tried plain and shuffled.
const SAMPLED_BLOCKS: u64 = 3;

/// One packed piece: its frames, and the digest of what it holds.
struct Packed {
    frames: Scratch,
    /// Stored length and CRC-32 of each frame.
    blocks: Vec<(u32, u32)>,
    digest: [u8; 32],
}

/// Packs an extent and writes it at `record.offset`; fills in its lengths and digest. Returns
/// stored length and CRC-32 of each block.
pub(super) fn write_cold(
    emission: &Emission<'_>,
    extent: &PlannedExtent<'_>,
    record: &mut ExtentRecord,
    level: i32,
    failed: &(dyn Fn(io::Error) -> EnvError + Sync),
) -> Result<Vec<(u32, u32)>> {
    let width = shuffle_width(extent, level)?;
    record.shuffle = width as u8;
    let packing = Packing {
        extent,
        digest: emission.digest,
        width,
        level,
        cancel: &emission.cancel,
        pool: emission.pool,
    };
    let packed = packing.all(&|offset, piece, frames| {
        write_at(emission.file, record.offset + offset, frames).map_err(failed)?;
        emission.report(packing.piece_len(piece));
        Ok(())
    })?;
    record.stored_len = packed.stored_len;
    record.digest = combine(emission.digest, &packed.digests);
    Ok(packed.blocks)
}

/// How the pieces of an extent are packed.
struct Packing<'p> {
    extent: &'p PlannedExtent<'p>,
    digest: DigestKind,
    width: usize,
    level: i32,
    cancel: &'p Cancel,
    pool: Option<&'p BufferPool>,
}

/// What is known of an extent while its pieces are packed on all cores: those that are done wait
/// until those before them are, and then have their places.
#[derive(Default)]
struct Ordered {
    waiting: BTreeMap<u64, Packed>,
    /// The first piece that has no place yet.
    next: u64,
    stored_len: u64,
    blocks: Vec<(u32, u32)>,
    digests: Vec<[u8; 32]>,
    stopped: bool,
}

/// The parts of an extent that stand in records once it is packed.
struct PackedExtent {
    stored_len: u64,
    /// Stored length and CRC-32 of each block.
    blocks: Vec<(u32, u32)>,
    digests: Vec<[u8; 32]>,
}

/// Takes frames: their place among those of the extent, and the piece they are of.
type PutFrames<'p> = dyn Fn(u64, u64, &[u8]) -> Result<()> + Sync + 'p;

impl Packing<'_> {
    fn piece_len(&self, piece: u64) -> u64 {
        let start = piece * PIECE_BYTES as u64;
        (self.extent.raw_len - start).min(PIECE_BYTES as u64)
    }

    /// Packs all pieces on all cores; `put` is called by any of them, in any order.
    fn all(&self, put: &PutFrames<'_>) -> Result<PackedExtent> {
        let pieces = self.extent.raw_len.div_ceil(PIECE_BYTES as u64);
        let threads = (threads() as u64).min(pieces);
        let taken = AtomicU64::new(0);
        let ordered = Mutex::new(Ordered::default());
        let moved = Condvar::new();
        let lock = || ordered.lock().unwrap_or_else(PoisonError::into_inner);
        let work = || -> Result<()> {
            let mut packer = Packer::new(self.level, self.pool)?;
            loop {
                let piece = taken.fetch_add(1, Relaxed);
                if piece >= pieces {
                    return Ok(());
                }
                let ahead = |state: &mut Ordered| {
                    piece >= state.next + PIECES_AHEAD * threads && !state.stopped
                };
                let state = moved.wait_while(lock(), ahead);
                if state.unwrap_or_else(PoisonError::into_inner).stopped {
                    return Ok(());
                }
                let packed = packer.pack_piece(self, piece)?;
                // A name of its own: in the head of the loop the lock would be held while it writes.
                let placed = lock().place(piece, packed);
                moved.notify_all();
                for (offset, piece, frames) in placed {
                    put(offset, piece, frames.as_bytes())?;
                }
            }
        };
        let work = || {
            // Whoever ends without having come to the end, by a panic too, lets nobody wait for it.
            let ending = Ending(&ordered, &moved);
            let result = work();
            if result.is_ok() {
                std::mem::forget(ending);
            }
            result
        };
        on_cores(threads as usize, work)?;
        let done = ordered.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(PackedExtent {
            stored_len: done.stored_len,
            blocks: done.blocks,
            digests: done.digests,
        })
    }
}

impl Ordered {
    /// Notes a piece that is packed; returns those that have a place now, with it.
    fn place(&mut self, piece: u64, packed: Packed) -> Vec<(u64, u64, Scratch)> {
        self.waiting.insert(piece, packed);
        let mut placed = Vec::new();
        while let Some(packed) = self.waiting.remove(&self.next) {
            let offset = self.stored_len;
            self.stored_len += packed.frames.as_bytes().len() as u64;
            self.blocks.extend(packed.blocks);
            self.digests.push(packed.digest);
            placed.push((offset, self.next, packed.frames));
            self.next += 1;
        }
        placed
    }
}

/// Stops the threads of a packing that has failed.
struct Ending<'o>(&'o Mutex<Ordered>, &'o Condvar);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let state = self.0.lock();
        state.unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.1.notify_all();
    }
}

/// The compressor and its buffers, used again for each block.
struct Packer {
    compressor: zstd::bulk::Compressor<'static>,
    raw: Scratch,
    shuffled: Scratch,
    frame: Scratch,
}

impl Packer {
    fn new(level: i32, pool: Option<&BufferPool>) -> Result<Packer> {
        let compressor = zstd::bulk::Compressor::new(level).map_err(zstd_failed)?;
        Ok(Packer {
            compressor,
            raw: Scratch::new(pool, PIECE_BYTES),
            shuffled: Scratch::new(pool, BLOCK),
            frame: Scratch::new(pool, zstd::zstd_safe::compress_bound(BLOCK)),
        })
    }

    fn pack_piece(&mut self, packing: &Packing<'_>, piece: u64) -> Result<Packed> {
        let extent = packing.extent;
        let start = piece * PIECE_BYTES as u64;
        let len = packing.piece_len(piece) as usize;
        let mut raw = std::mem::take(&mut self.raw);
        raw.resize(len);
        extent.source.read_at(start, raw.as_bytes_mut())?;
        let mut packed = Packed {
            frames: Scratch::new(packing.pool, len),
            blocks: Vec::new(),
            digest: piece_digest(packing.digest, raw.as_bytes()),
        };
        for block in raw.as_bytes().chunks(BLOCK) {
            // A block at the highest level takes a tenth of a second.
            packing.cancel.check()?;
            let frame = self.pack(block, packing.width)?;
            let sum = crc32fast::hash(frame);
            packed.blocks.push((frame.len() as u32, sum));
            packed.frames.extend(frame);
        }
        self.raw = raw;
        Ok(packed)
    }

    /// The frame of a block, until the next one is packed.
    fn pack(&mut self, block: &[u8], width: usize) -> Result<&[u8]> {
        let bytes = match width {
            0 | 1 => block,
            width => {
                self.shuffled.resize(block.len());
                shuffle(block, width, self.shuffled.as_bytes_mut());
                self.shuffled.as_bytes()
            }
        };
        self.frame
            .resize(zstd::zstd_safe::compress_bound(block.len()));
        let room = self.frame.as_bytes_mut();
        let len = self.compressor.compress_to_buffer(bytes, room);
        let len = len.map_err(zstd_failed)?;
        Ok(&self.frame.as_bytes()[..len])
    }
}

/// Bytes the extent will have when it is packed: packs it, and keeps nothing.
pub(super) fn packed_len(extent: &PlannedExtent<'_>, level: i32, cancel: &Cancel) -> Result<u64> {
    let packing = Packing {
        extent,
        digest: DigestKind::Xxh3,
        width: shuffle_width(extent, level)?,
        level,
        cancel,
        pool: None,
    };
    Ok(packing.all(&|_, _, _| Ok(()))?.stored_len)
}

/// At most how many bytes the extent will have when it is packed.
pub(super) fn packed_bound(extent: &PlannedExtent<'_>) -> u64 {
    let bound = zstd::zstd_safe::compress_bound(BLOCK) as u64;
    extent
        .raw_len
        .div_ceil(COLD_BLOCK_BYTES)
        .saturating_mul(bound)
}

/// Whether packing saves at least `share` of the bytes of a sample, plain or shuffled.
pub(super) fn is_worth(extent: &PlannedExtent<'_>, level: i32, share: f64) -> Result<bool> {
    let sample = sample(extent, level)?;
    let packed = sample.plain.min(sample.shuffled);
    Ok(packed as f64 <= (1.0 - share) * sample.raw as f64)
}

/// Width of the elements whose bytes are shuffled; 0 where that does not make a sample smaller.
fn shuffle_width(extent: &PlannedExtent<'_>, level: i32) -> Result<usize> {
    if !can_shuffle(extent) {
        return Ok(0);
    }
    let sample = sample(extent, level)?;
    Ok(match sample.shuffled < sample.plain {
        true => extent.width,
        false => 0,
    })
}

fn can_shuffle(extent: &PlannedExtent<'_>) -> bool {
    matches!(extent.width, 2 | 4 | 8 | 16)
}

/// Bytes of a few blocks, and of their frames.
struct Sample {
    raw: usize,
    plain: usize,
    shuffled: usize,
}

/// Packs a few blocks of the extent. Depends on nothing but the bytes and the level, so that the
/// same input gives the same file.
fn sample(extent: &PlannedExtent<'_>, level: i32) -> Result<Sample> {
    let blocks = extent.raw_len.div_ceil(COLD_BLOCK_BYTES);
    let step = (blocks / SAMPLED_BLOCKS).max(1);
    let mut packer = Packer::new(level.min(3), None)?;
    let mut sample = Sample {
        raw: 0,
        plain: 0,
        shuffled: 0,
    };
    let mut block = Vec::new();
    for number in (0..blocks)
        .step_by(step as usize)
        .take(SAMPLED_BLOCKS as usize)
    {
        let start = number * COLD_BLOCK_BYTES;
        block.resize((extent.raw_len - start).min(COLD_BLOCK_BYTES) as usize, 0);
        extent.source.read_at(start, &mut block)?;
        let width = if can_shuffle(extent) { extent.width } else { 0 };
        sample.raw += block.len();
        sample.plain += packer.pack(&block, 0)?.len();
        sample.shuffled += packer.pack(&block, width)?.len();
    }
    Ok(sample)
}

fn zstd_failed(source: io::Error) -> EnvError {
    EnvError::InvalidValue {
        what: "array data".to_owned(),
        reason: format!("zstd: {source}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;
    use crate::error::Origin;
    use crate::tree::extent_source::ExtentSource;

    /// While one thread writes what it packed, another may pack and write: the first write ends
    /// only when the second has begun.
    #[test]
    fn what_one_thread_writes_keeps_no_other_from_packing() {
        if threads() < 2 {
            return;
        }
        let bytes = vec![7; 8 * PIECE_BYTES];
        let extent = PlannedExtent {
            source: ExtentSource::Borrowed {
                bytes: &bytes,
                volatile: false,
            },
            raw_len: bytes.len() as u64,
            width: 1,
            cold: true,
            keep_coding: false,
        };
        let cancel = Cancel::new(None, Origin::Memory);
        let packing = Packing {
            extent: &extent,
            digest: DigestKind::Xxh3,
            width: 0,
            level: 1,
            cancel: &cancel,
            pool: None,
        };
        let calls = AtomicUsize::new(0);
        let (begun, second) = mpsc::channel();
        let (begun, second) = (Mutex::new(begun), Mutex::new(second));
        let packed = packing.all(&|_, _, _| {
            match calls.fetch_add(1, Relaxed) {
                0 => {
                    let second = second.lock().unwrap();
                    second.recv_timeout(Duration::from_secs(60)).unwrap();
                }
                1 => begun.lock().unwrap().send(()).unwrap(),
                _ => {}
            }
            Ok(())
        });
        assert_eq!(packed.unwrap().digests.len(), 8);
        assert_eq!(calls.into_inner(), 8);
    }
}
