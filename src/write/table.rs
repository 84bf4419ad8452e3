//! The table to the file: its arrays are never put together in memory, but summed, digested and
//! written in pieces, on all cores.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::cores::{on_cores, threads};
use super::emit::write_at;
use crate::format::header::HEADER_LEN;
use crate::format::sums::{PIECE_BYTES, root_of_pieces, root_piece};

/// The bytes of a table.
pub(super) struct PlacedTable<'p> {
    /// Preamble and page sums.
    pub(super) head: Vec<u8>,
    /// The arrays behind them, in their order.
    pub(super) body: [&'p [u8]; 6],
}

/// The bytes `range` of arrays that follow each other.
pub(super) fn slices<'p>(
    arrays: &[&'p [u8]],
    range: Range<usize>,
) -> impl Iterator<Item = &'p [u8]> {
    let mut end = 0;
    let parts = arrays.iter().map(move |array| {
        let start = end;
        end += array.len();
        let (from, to) = (range.start.max(start), range.end.min(end));
        let part = from.checked_sub(start).zip(to.checked_sub(start));
        part.and_then(|(from, to)| array.get(from..to))
            .unwrap_or_default()
    });
    parts.filter(|part| !part.is_empty())
}

/// Pieces below this many are written on one thread.
const PARALLEL_FROM: usize = 4;

impl PlacedTable<'_> {
    pub(super) fn len(&self) -> usize {
        self.head.len() + self.body.iter().map(|array| array.len()).sum::<usize>()
    }

    /// The CRC-32 of preamble and page sums.
    pub(super) fn crc(&self) -> u32 {
        crc32fast::hash(&self.head)
    }

    /// Writes header and table; returns the root digest.
    pub(super) fn write(
        &self,
        file: &File,
        header: &[u8; HEADER_LEN],
        table_offset: u64,
    ) -> io::Result<[u8; 32]> {
        let [a, b, c, d, e, f] = self.body;
        let stream = [&header[..], &self.head, a, b, c, d, e, f];
        let len = HEADER_LEN + self.len();
        let mut digests: Vec<Mutex<[u8; 32]>> = Vec::new();
        digests.resize_with(len.div_ceil(PIECE_BYTES), Mutex::default);
        let next = AtomicUsize::new(0);
        let work = || -> io::Result<()> {
            let mut joined = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                let Some(digest) = digests.get(number) else {
                    return Ok(());
                };
                let start = number * PIECE_BYTES;
                let range = start..len.min(start + PIECE_BYTES);
                let mut parts = slices(&stream, range);
                let (first, second) = (parts.next().unwrap_or_default(), parts.next());
                let bytes = match second {
                    None => first,
                    Some(second) => {
                        joined.clear();
                        joined.extend_from_slice(first);
                        joined.extend_from_slice(second);
                        parts.for_each(|part| joined.extend_from_slice(part));
                        &joined
                    }
                };
                *digest.lock().unwrap_or_else(PoisonError::into_inner) = root_piece(bytes);
                write_piece(file, start, bytes, table_offset)?;
            }
        };
        let threads = match digests.len() {
            PARALLEL_FROM.. => threads(),
            _ => 1,
        };
        on_cores(threads, work)?;
        let digests = digests
            .into_iter()
            .map(|digest| digest.into_inner().unwrap_or_else(PoisonError::into_inner));
        Ok(root_of_pieces(digests))
    }
}

/// Writes bytes that begin at `start` of header and table, which need not stand together.
fn write_piece(file: &File, start: usize, bytes: &[u8], table_offset: u64) -> io::Result<()> {
    let table_start = table_offset + start as u64;
    match start {
        0 if table_offset != HEADER_LEN as u64 => {
            let (header, table) = bytes.split_at(HEADER_LEN.min(bytes.len()));
            write_at(file, 0, header)?;
            write_at(file, table_offset, table)
        }
        // The header precedes the table in what is digested.
        _ => write_at(file, table_start - HEADER_LEN as u64, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_the_bytes_of_the_arrays_put_together() {
        let arrays: [&[u8]; 5] = [b"abc", b"", b"defgh", b"i", b""];
        let whole = arrays.concat();
        for start in 0..=whole.len() {
            for end in start..=whole.len() {
                let found: Vec<&[u8]> = slices(&arrays, start..end).collect();
                assert_eq!(found.concat(), &whole[start..end], "{start}..{end}");
            }
        }
    }
}
