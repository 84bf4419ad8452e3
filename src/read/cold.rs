//! Reading extents block by block: raw ones from a file, cold ones through zstd. Sums cover stored
//! bytes and are checked before anything is unpacked.

use super::cancel;
use super::check::Check;
use super::store::Store;
use crate::error::Result;
use crate::fault::{Part, Problem};
use crate::format::extent::{BlockSum, Codec, ExtentRecord};

/// Blocks of a cold extent below this many are unpacked on one thread.
const PARALLEL_FROM: usize = 4;
/// Raw bytes read with one call.
const READ_BYTES: u64 = 4 << 20;

/// The most bytes that a frame may have for so many bytes of data.
pub(super) fn most_stored(raw_len: u64) -> u64 {
    raw_len.saturating_add(raw_len / 128).saturating_add(1024)
}

/// Fills `out` with all raw bytes of an extent.
pub(super) fn fill(store: &Store, number: u32, out: &mut [u8]) -> Result<()> {
    let record = *store.extent(number)?;
    if record.codec() == Some(Codec::Raw) {
        let mut at = 0;
        for piece in out.chunks_mut(READ_BYTES as usize) {
            read_raw(store, number, &record, at, piece)?;
            at += piece.len() as u64;
        }
        return Ok(());
    }
    let block_len = record.block_len() as usize;
    let blocks = out.len().div_ceil(block_len);
    let threads = match std::thread::available_parallelism() {
        Ok(cores) if blocks >= PARALLEL_FROM => cores.get().min(blocks),
        _ => 1,
    };
    // Blocks are dealt out in runs, one run a thread; the first error counts.
    let run = blocks.div_ceil(threads);
    let flag = cancel::current();
    std::thread::scope(|scope| {
        let mut runs = out.chunks_mut(run * block_len).enumerate();
        let first = runs.next();
        let others: Vec<_> = runs
            .map(|(n, part)| {
                let flag = flag.clone();
                scope.spawn(move || {
                    cancel::within(flag, || {
                        unpack_run(store, number, &record, (n * run) as u64, part)
                    })
                })
            })
            .collect();
        let mut result = match first {
            Some((_, part)) => unpack_run(store, number, &record, 0, part),
            None => Ok(()),
        };
        for other in others {
            let other = other
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(other);
        }
        result
    })
}

/// Fills `out` with raw bytes from `start` on: only the blocks they stand in are read.
pub(super) fn read_range(store: &Store, number: u32, start: u64, out: &mut [u8]) -> Result<()> {
    let record = *store.extent(number)?;
    let block_len = record.block_len();
    let coded = record.codec() != Some(Codec::Raw);
    if !store.has_blocks(number)? {
        // Of a raw extent the list comes from the disk while the first block is read.
        store
            .source
            .will_need(record.sums_offset, record.sums_len());
    }
    let mut unpacker = Unpacker::default();
    let mut scratch = Vec::new();
    let (mut at, mut out) = (start, out);
    while !out.is_empty() {
        let in_block = at % block_len;
        if in_block == 0 && !coded && out.len() as u64 >= block_len.min(record.raw_len - at) {
            // Whole blocks go straight to their place, many at a time.
            let whole = (out.len() as u64).min(READ_BYTES).min(record.raw_len - at);
            let whole = if at + whole == record.raw_len {
                whole
            } else {
                whole - whole % block_len
            };
            let (now, later) = out.split_at_mut(whole as usize);
            read_raw(store, number, &record, at, now)?;
            (at, out) = (at + whole, later);
            continue;
        }
        let block = at / block_len;
        let raw_len = block_len.min(record.raw_len - block * block_len) as usize;
        scratch.resize(raw_len, 0);
        if coded {
            cancel::check(&store.origin)?;
            if let Some(sum) = store.blocks(number)?.sums.get(block) {
                store.source.will_touch(record.offset + sum.start, sum.len);
            }
            unpacker.unpack(store, number, &record, block, &mut scratch)?;
        } else {
            read_raw(store, number, &record, block * block_len, &mut scratch)?;
        }
        let from = scratch.get(in_block as usize..).unwrap_or_default();
        let now = from.len().min(out.len());
        let (here, later) = out.split_at_mut(now);
        here.copy_from_slice(from.get(..now).unwrap_or_default());
        (at, out) = (at + now as u64, later);
    }
    Ok(())
}

/// Reads whole blocks of a raw extent from the file and sums them.
fn read_raw(
    store: &Store,
    number: u32,
    record: &ExtentRecord,
    start: u64,
    out: &mut [u8],
) -> Result<()> {
    cancel::check(&store.origin)?;
    store.read(record.offset + start, out)?;
    if store.check == Check::Never {
        return Ok(());
    }
    let blocks = store.blocks(number)?;
    let first = start / record.block_len();
    for (n, bytes) in out.chunks(record.block_len() as usize).enumerate() {
        let block = first + n as u64;
        let Some(sum) = blocks.sums.get(block) else {
            continue;
        };
        let offset = record.offset + sum.start;
        store.compare(number, block, offset, sum.crc, crc32fast::hash(bytes))?;
    }
    Ok(())
}

fn unpack_run(
    store: &Store,
    number: u32,
    record: &ExtentRecord,
    first: u64,
    out: &mut [u8],
) -> Result<()> {
    let mut unpacker = Unpacker::default();
    for (n, raw) in out.chunks_mut(record.block_len() as usize).enumerate() {
        cancel::check(&store.origin)?;
        unpacker.unpack(store, number, record, first + n as u64, raw)?;
    }
    Ok(())
}

/// Buffers and the decoder, used again for each block.
#[derive(Default)]
struct Unpacker {
    stored: Vec<u8>,
    shuffled: Vec<u8>,
    #[cfg(feature = "zstd")]
    decoder: Option<zstd::bulk::Decompressor<'static>>,
}

impl Unpacker {
    /// Unpacks one cold block into `raw`, which has exactly its length.
    fn unpack(
        &mut self,
        store: &Store,
        number: u32,
        record: &ExtentRecord,
        block: u64,
        raw: &mut [u8],
    ) -> Result<()> {
        let Some(sum) = store.blocks(number)?.sums.get(block) else {
            return Ok(());
        };
        let place = record.offset + sum.start;
        let fault = |what: String| {
            store.fault(
                Part::Block {
                    extent: number,
                    block,
                },
                place,
                Problem::Structure(what),
            )
        };
        self.check_stored_len(sum, raw.len()).map_err(fault)?;
        let Unpacker {
            stored, shuffled, ..
        } = self;
        let bytes = match store.source.lend(place, sum.len) {
            Some(bytes) => bytes,
            None => {
                stored.resize(sum.len as usize, 0);
                store.read(place, stored)?;
                stored
            }
        };
        if store.check != Check::Never {
            store.compare(number, block, place, sum.crc, crc32fast::hash(bytes))?;
        }
        #[cfg(feature = "zstd")]
        {
            let decoder = match &mut self.decoder {
                Some(decoder) => decoder,
                none => {
                    none.insert(zstd::bulk::Decompressor::new().map_err(|e| fault(e.to_string()))?)
                }
            };
            let target = match record.shuffle {
                0 => &mut *raw,
                _ => {
                    shuffled.resize(raw.len(), 0);
                    &mut shuffled[..]
                }
            };
            let expected = target.len();
            crate::zstd_frame::check_one(bytes).map_err(fault)?;
            let found = decoder
                .decompress_to_buffer(bytes, target)
                .map_err(|e| fault(format!("not a zstd frame of {expected} bytes: {e}")))?;
            if found != expected {
                return Err(fault(format!(
                    "unpacks to {found} bytes, {expected} are recorded"
                )));
            }
            if record.shuffle != 0 {
                crate::shuffle::unshuffle(shuffled, record.shuffle.into(), raw);
            }
            Ok(())
        }
        #[cfg(not(feature = "zstd"))]
        {
            let _ = (bytes, shuffled, raw);
            Err(fault(
                "this build was made without the feature `zstd`".to_owned(),
            ))
        }
    }

    /// A frame is never much longer than what it holds: a larger one is refused before it is read.
    fn check_stored_len(&self, sum: BlockSum, raw_len: usize) -> std::result::Result<(), String> {
        if sum.len <= most_stored(raw_len as u64) {
            return Ok(());
        }
        Err(format!(
            "a frame of {} bytes for {raw_len} bytes of data",
            sum.len
        ))
    }
}
