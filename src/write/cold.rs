//! Cold extents: one zstd frame per block, shuffled first where a sample says it pays, packed on
//! all cores, written in order.

use std::io;

use super::cancel::Cancel;
use super::emit::{Emission, threads, write_at};
use super::scratch::Scratch;
use crate::error::{EnvError, Result};
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::COLD_BLOCK_BYTES;
use crate::pool::BufferPool;
use crate::shuffle::shuffle;
use crate::tree::extent_source::PlannedExtent;

const BLOCK: usize = COLD_BLOCK_BYTES as usize;
/// Pieces of 1 MiB packed together on all cores before they are written.
const BATCH_PIECES: usize = 8;
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
    let pieces = extent.raw_len.div_ceil(PIECE_BYTES as u64);
    let (mut blocks, mut digests) = (Vec::new(), Vec::new());
    let mut stored = 0u64;
    let mut piece = 0;
    while piece < pieces {
        let batch = (pieces - piece).min(BATCH_PIECES as u64);
        for packed in packing.batch(piece, batch)? {
            write_at(
                emission.file,
                record.offset + stored,
                packed.frames.as_bytes(),
            )
            .map_err(failed)?;
            stored += packed.frames.as_bytes().len() as u64;
            blocks.extend(packed.blocks);
            digests.push(packed.digest);
        }
        let end = ((piece + batch) * PIECE_BYTES as u64).min(extent.raw_len);
        emission.report(end - piece * PIECE_BYTES as u64);
        piece += batch;
    }
    record.stored_len = stored;
    record.digest = combine(emission.digest, &digests);
    Ok(blocks)
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

impl Packing<'_> {
    /// Packs `count` pieces from `first` on, on all cores.
    fn batch(&self, first: u64, count: u64) -> Result<Vec<Packed>> {
        let threads = threads().min(count as usize);
        let run = count.div_ceil(threads as u64);
        let pack_run = |start: u64| -> Result<Vec<Packed>> {
            let mut packer = Packer::new(self.level, self.pool)?;
            let end = (start + run).min(first + count);
            (start..end)
                .map(|piece| packer.pack_piece(self, piece))
                .collect()
        };
        let pack_run = &pack_run;
        std::thread::scope(|scope| {
            let starts = (first..first + count).step_by(run as usize).skip(1);
            let others: Vec<_> = starts
                .map(|start| scope.spawn(move || pack_run(start)))
                .collect();
            let mut packed = pack_run(first);
            for other in others {
                let other = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                packed = packed.and_then(|mut packed| {
                    packed.extend(other?);
                    Ok(packed)
                });
            }
            packed
        })
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
        let len = (extent.raw_len - start).min(PIECE_BYTES as u64) as usize;
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
    let pieces = extent.raw_len.div_ceil(PIECE_BYTES as u64);
    let mut len = 0;
    for first in (0..pieces).step_by(BATCH_PIECES) {
        let batch = (pieces - first).min(BATCH_PIECES as u64);
        let packed = packing.batch(first, batch)?;
        len += packed
            .iter()
            .map(|packed| packed.frames.as_bytes().len() as u64)
            .sum::<u64>();
    }
    Ok(len)
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
