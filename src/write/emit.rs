//! Array data to the file: summed and written piece by piece on all cores, straight from the
//! caller's memory where it stands still, through a bounded buffer where it does not; or copied from
//! another archive.

use std::fs::File;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::cancel::Cancel;
use super::copy::{CopyBuffers, Copying};
use super::cores::{on_cores, threads};
use super::options::Progress;
use super::scratch::Scratch;
use crate::error::{EnvError, Result};
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::HOT_BLOCK_BYTES;
use crate::pool::BufferPool;
use crate::tree::extent_source::PlannedExtent;
use crate::value::StoredExtent;

/// A run of the file that one thread writes: a piece of a large extent, or several small extents.
#[derive(Debug)]
enum Job {
    Piece { extent: usize, start: u64, len: u64 },
    Small { extents: std::ops::Range<usize> },
}

/// Bytes of array data in one job.
const JOB_BYTES: u64 = 4 << 20;
/// Extents below this many bytes are gathered before they are written.
const SMALL_BYTES: u64 = 256 << 10;

/// What writing an extent gave.
#[derive(Clone, Debug, Default)]
struct Written {
    /// CRC-32 of each block; nothing of an extent that is copied.
    sums: Vec<u32>,
    /// Digest of each piece; nothing of an extent that is copied with the digest it has.
    pieces: Vec<[u8; 32]>,
}

/// Buffers of one thread.
struct Buffers {
    bytes: Scratch,
    copy: CopyBuffers,
}

/// What all threads of one save look at.
pub(super) struct Emission<'e> {
    pub(super) file: &'e File,
    pub(super) digest: DigestKind,
    /// Whether extents that are copied keep the digests they have of that kind.
    pub(super) carries_digests: bool,
    pub(super) progress: Option<&'e Progress>,
    pub(super) total: u64,
    pub(super) done: AtomicU64,
    /// Whether the bytes must be on the disk in the end: then it is started early.
    pub(super) durable: bool,
    pub(super) cancel: Cancel,
    /// Where the memory comes from that it works in.
    pub(super) pool: Option<&'e BufferPool>,
}

/// Says that writing has ended, also when it ends in a panic.
struct Ending<'f>(&'f AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Bytes written between two starts of write-back.
const WRITE_BACK_BYTES: u64 = 64 << 20;

impl Emission<'_> {
    /// Sends what is written to the disk while more is written, so that the last sync finds little
    /// left. An error counts: the system tells it once.
    fn write_back(&self, finished: &AtomicBool) -> io::Result<()> {
        let mut sent = self.done.load(Relaxed);
        while !finished.load(Relaxed) {
            if self.done.load(Relaxed) - sent < WRITE_BACK_BYTES {
                std::thread::park_timeout(std::time::Duration::from_millis(5));
                continue;
            }
            sent = self.done.load(Relaxed);
            self.file.sync_data()?;
        }
        Ok(())
    }

    pub(super) fn carries_digest(&self, stored: &StoredExtent<'_>) -> bool {
        self.carries_digests && carries_digest(self.digest, stored)
    }

    /// The extent to copy, when it stands in another archive as it is to stand here.
    fn copying<'c>(&'c self, extent: &'c PlannedExtent<'_>) -> Option<Copying<'c>> {
        let stored = extent.copied()?;
        Some(Copying {
            emission: self,
            extent,
            stored,
        })
    }

    pub(super) fn report(&self, bytes: u64) {
        let done = self.done.fetch_add(bytes, Relaxed) + bytes;
        if let Some(progress) = self.progress {
            progress(done, self.total);
        }
    }
}

/// Whether an extent that is copied keeps the digest it has.
pub(super) fn carries_digest(asked: DigestKind, stored: &StoredExtent<'_>) -> bool {
    stored.digest_kind == asked as u8
}

/// Writes the extents, whose places and lengths are known, and fills in their digests. The lists of
/// their sums are returned, one per extent.
pub(super) fn write_placed(
    emission: &Emission<'_>,
    extents: &[PlannedExtent<'_>],
    records: &mut [ExtentRecord],
    failed: &(dyn Fn(io::Error) -> EnvError + Sync),
) -> Result<Vec<Vec<u8>>> {
    let jobs = jobs(emission, extents);
    let results: Vec<Mutex<Written>> = jobs.iter().map(|_| Mutex::default()).collect();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let places: Vec<u64> = records.iter().map(|record| record.offset).collect();
    let work = || -> Result<()> {
        let mut buffers = Buffers {
            bytes: Scratch::new(emission.pool, PIECE_BYTES),
            copy: CopyBuffers::default(),
        };
        loop {
            let number = next.fetch_add(1, Relaxed);
            let (Some(job), Some(result)) = (jobs.get(number), results.get(number)) else {
                return Ok(());
            };
            if stop.load(Relaxed) {
                return Ok(());
            }
            let written = match job {
                Job::Piece { extent, start, len } => write_piece(
                    emission,
                    &extents[*extent],
                    *start,
                    *len,
                    places[*extent],
                    &mut buffers,
                    failed,
                ),
                Job::Small { extents: range } => write_small(
                    emission,
                    extents,
                    &places,
                    range.clone(),
                    &mut buffers,
                    failed,
                ),
            };
            match written {
                Ok(written) => {
                    *result
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner) = written;
                }
                Err(error) => {
                    stop.store(true, Relaxed);
                    return Err(error);
                }
            }
        }
    };
    let threads = threads().min(jobs.len());
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ending = Ending(&finished);
        let flusher = (emission.durable
            && emission.total - emission.done.load(Relaxed) > WRITE_BACK_BYTES)
            .then(|| scope.spawn(|| emission.write_back(&finished)));
        let mut result = on_cores(threads, work);
        drop(ending);
        if let Some(flusher) = flusher {
            flusher.thread().unpark();
            let flushed = flusher
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            result = result.and(flushed.map_err(failed));
        }
        result
    })?;
    gather(emission, extents, &jobs, results, records)
}

fn jobs(emission: &Emission<'_>, extents: &[PlannedExtent<'_>]) -> Vec<Job> {
    let mut jobs = Vec::new();
    let mut small: Option<(std::ops::Range<usize>, u64)> = None;
    for (number, extent) in extents.iter().enumerate() {
        if extent.raw_len >= SMALL_BYTES {
            jobs.extend(small.take().map(|(extents, _)| Job::Small { extents }));
            let copying = emission.copying(extent);
            let bytes = copying.map_or(JOB_BYTES, |copying| copying.job_bytes(JOB_BYTES));
            let starts = (0..extent.raw_len).step_by(bytes as usize);
            jobs.extend(starts.map(|start| Job::Piece {
                extent: number,
                start,
                len: bytes.min(extent.raw_len - start),
            }));
            continue;
        }
        match &mut small {
            Some((range, bytes)) if *bytes + extent.raw_len <= JOB_BYTES / 4 => {
                range.end = number + 1;
                *bytes += extent.raw_len;
            }
            _ => {
                jobs.extend(small.take().map(|(extents, _)| Job::Small { extents }));
                small = Some((number..number + 1, extent.raw_len));
            }
        }
    }
    jobs.extend(small.map(|(extents, _)| Job::Small { extents }));
    jobs
}

/// Writes bytes `start..start + len` of an extent that stands at `place`.
fn write_piece(
    emission: &Emission<'_>,
    extent: &PlannedExtent<'_>,
    start: u64,
    len: u64,
    place: u64,
    buffers: &mut Buffers,
    failed: &(dyn Fn(io::Error) -> EnvError + Sync),
) -> Result<Written> {
    let mut written = Written::default();
    if let Some(copying) = emission.copying(extent) {
        written.pieces = copying.part(start, len, place, &mut buffers.copy, failed)?;
        return Ok(written);
    }
    let buffer = &mut buffers.bytes;
    let resident = extent.source.resident(extent.raw_len);
    let cut = |at: u64| large_pages_end(place, at, extent.raw_len);
    let mut written_to = cut(start);
    let mut at = start;
    while at < start + len {
        emission.cancel.check()?;
        let now = (start + len - at).min(PIECE_BYTES as u64) as usize;
        let bytes = match resident {
            Some(bytes) => &bytes[at as usize..][..now],
            None => {
                buffer.resize(now);
                extent.source.read_at(at, buffer.as_bytes_mut())?;
                buffer.as_bytes()
            }
        };
        written
            .sums
            .extend(bytes.chunks(HOT_BLOCK_BYTES as usize).map(crc32fast::hash));
        written.pieces.push(piece_digest(emission.digest, bytes));
        let (from, bytes) = match resident {
            Some(all) => {
                let from = std::mem::replace(&mut written_to, cut(at + now as u64));
                (from, &all[from as usize..written_to as usize])
            }
            None => (at, bytes),
        };
        write_at(emission.file, place + from, bytes).map_err(failed)?;
        emission.report(now as u64);
        at += now as u64;
    }
    Ok(written)
}

/// Bytes of a large page.
const LARGE_PAGE: u64 = 2 << 20;

/// Up to where bytes of an extent at `place` are written when it was summed up to `at`: writes that
/// begin and end where large pages do fill the page cache with such, and a map of them is walked
/// with a tenth of the faults.
fn large_pages_end(place: u64, at: u64, raw_len: u64) -> u64 {
    if at == 0 || at == raw_len {
        return at;
    }
    ((place + at) / LARGE_PAGE * LARGE_PAGE).saturating_sub(place)
}

/// Writes several small extents with one call; what lies between them is padding, zero.
fn write_small(
    emission: &Emission<'_>,
    extents: &[PlannedExtent<'_>],
    places: &[u64],
    range: std::ops::Range<usize>,
    buffers: &mut Buffers,
    failed: &(dyn Fn(io::Error) -> EnvError + Sync),
) -> Result<Written> {
    emission.cancel.check()?;
    let mut written = Written::default();
    let first = places[range.start];
    let mut bytes_done = 0;
    let buffer = &mut buffers.bytes;
    buffer.resize(0);
    for number in range {
        let extent = &extents[number];
        let start = (places[number] - first) as usize;
        buffer.resize(start);
        bytes_done += extent.raw_len;
        if let Some(copying) = emission.copying(extent) {
            let digest = copying.small(buffer, &mut buffers.copy)?;
            written.pieces.extend(digest);
            continue;
        }
        buffer.resize(start + extent.raw_len as usize);
        let bytes = &mut buffer.as_bytes_mut()[start..];
        extent.source.read_at(0, bytes)?;
        let bytes = &*bytes;
        written
            .sums
            .extend(bytes.chunks(HOT_BLOCK_BYTES as usize).map(crc32fast::hash));
        written.pieces.push(piece_digest(emission.digest, bytes));
    }
    write_at(emission.file, first, buffer.as_bytes()).map_err(failed)?;
    emission.report(bytes_done);
    Ok(written)
}

/// Puts the results of all jobs together, in order: they were made in the order of the extents.
fn gather(
    emission: &Emission<'_>,
    extents: &[PlannedExtent<'_>],
    jobs: &[Job],
    results: Vec<Mutex<Written>>,
    records: &mut [ExtentRecord],
) -> Result<Vec<Vec<u8>>> {
    let mut all = vec![Written::default(); extents.len()];
    for (job, result) in jobs.iter().zip(results) {
        let result = result
            .into_inner()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        match job {
            Job::Piece { extent, .. } => {
                all[*extent].sums.extend(result.sums);
                all[*extent].pieces.extend(result.pieces);
            }
            Job::Small { extents: range } => {
                let (mut sums, mut pieces) = (result.sums.into_iter(), result.pieces.into_iter());
                for number in range.clone() {
                    let copied = extents[number].copied();
                    let is_carried = copied
                        .as_ref()
                        .is_some_and(|it| emission.carries_digest(it));
                    if copied.is_none() {
                        let blocks = extents[number].raw_len.div_ceil(HOT_BLOCK_BYTES) as usize;
                        all[number].sums.extend(sums.by_ref().take(blocks));
                    }
                    if !is_carried {
                        all[number].pieces.extend(pieces.by_ref().take(1));
                    }
                }
            }
        }
    }
    let written = all.into_iter().zip(extents).zip(records);
    let lists = written.map(|((written, extent), record)| {
        let copied = extent.copied();
        if !copied
            .as_ref()
            .is_some_and(|it| emission.carries_digest(it))
        {
            record.digest = combine(emission.digest, &written.pieces);
        }
        match copied {
            Some(stored) => stored.blocks.sums(),
            None => Ok(bytemuck::cast_slice(&written.sums).to_vec()),
        }
    });
    lists.collect()
}

#[cfg(unix)]
pub(super) fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn write_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
