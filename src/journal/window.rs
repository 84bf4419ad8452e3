//! A part of a segment in memory, and the sums of what is in it.

use super::begin::short_id;
use super::frame::{MESSAGE_HEADER_LEN, crc_of, payload_crc_of, payload_offset};
use super::index::Frame;
use super::scan::is_zero;
use super::segment::Segment;
use crate::error::Result;
use crate::format::crc::Shift;

/// Bytes of the file in memory at a time: little at first, since most walks find little.
const FIRST_WINDOW: usize = 4 << 10;
/// Small enough to stay in a processor's cache.
const WINDOW: usize = 512 << 10;

/// Bytes of a header that its sum is of.
const SUMMED: usize = MESSAGE_HEADER_LEN - 8;
/// What the sum of those before is when a header follows.
static HEADER: Shift = Shift::new(SUMMED as u64);

/// A part of the file in memory.
pub(super) struct Window<'a> {
    segment: &'a Segment,
    session: u64,
    bytes: Vec<u8>,
    /// Bytes of it that are filled.
    filled: usize,
    offset: u64,
    /// Bytes that were asked for when it was filled.
    asked: usize,
    /// A sum of nothing: making one anew asks for what the processor can do.
    nothing: crc32fast::Hasher,
    /// What the sums of headers are of, one after the other: long bytes are summed several times
    /// faster than short ones.
    headers: Vec<u8>,
    /// The sum that `headers` have if each has its own.
    expected: u32,
}

impl<'a> Window<'a> {
    pub(super) fn new(segment: &'a Segment) -> Window<'a> {
        Window {
            segment,
            session: short_id(&segment.begin().session_id),
            bytes: Vec::new(),
            filled: 0,
            offset: 0,
            asked: 0,
            nothing: crc32fast::Hasher::new(),
            headers: Vec::new(),
            expected: 0,
        }
    }

    pub(super) fn segment(&self) -> &'a Segment {
        self.segment
    }

    /// The short form of the session's id.
    pub(super) fn session(&self) -> u64 {
        self.session
    }

    /// Brings in at least `len` bytes from `offset` on, unless the file ends before.
    pub(super) fn load(&mut self, offset: u64, len: usize) -> Result<()> {
        let larger = (self.bytes.len() * 8).clamp(FIRST_WINDOW, WINDOW).max(len);
        if self.bytes.len() < larger {
            self.bytes = vec![0; larger];
        }
        let file = self.segment.journal_file();
        self.filled = file
            .read_at(offset, &mut self.bytes)
            .map_err(|e| self.segment.failed(e))?;
        (self.offset, self.asked) = (offset, len);
        Ok(())
    }

    /// Whether that was asked for: what is not here is not in the file.
    pub(super) fn was_loaded(&self, offset: u64, len: usize) -> bool {
        self.offset == offset && self.asked >= len
    }

    /// The header at `offset`, and it with all that is held behind it.
    pub(super) fn header(&self, offset: u64) -> Option<(&[u8; MESSAGE_HEADER_LEN], &[u8])> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        let held = self.bytes.get(start..self.filled)?;
        Some((held.first_chunk()?, held))
    }

    pub(super) fn sum(&self, bytes: &[u8]) -> u32 {
        let mut sum = self.nothing.clone();
        sum.update(bytes);
        sum.finalize()
    }

    /// Takes note of the header at `offset`, to compare its sum later.
    pub(super) fn gather_header(&mut self, offset: u64) {
        let start = (offset - self.offset) as usize;
        if let Some(header) = self.bytes[start..self.filled].first_chunk() {
            self.headers.extend_from_slice(&header[8..]);
            self.expected = HEADER.join(self.expected, crc_of(header));
        }
    }

    /// Whether the headers have their sums that were gathered since this was last asked.
    pub(super) fn headers_hold(&mut self) -> bool {
        let holds = self.sum(&self.headers) == self.expected;
        self.headers.clear();
        self.expected = 0;
        holds
    }

    /// Whether the payload of a frame that is held has its sum, and zeros behind it.
    pub(super) fn payload_holds(&self, frame: &Frame<'_>) -> bool {
        let Some((header, held)) = self.header(frame.entry.offset) else {
            return false;
        };
        let start = payload_offset(frame.key.len() as u64) as usize;
        let len = frame.entry.payload_len as usize;
        let padded = len.next_multiple_of(MESSAGE_HEADER_LEN);
        let Some((payload, padding)) = held
            .get(start..start + padded)
            .and_then(|padded| padded.split_at_checked(len))
        else {
            return false;
        };
        self.sum(payload) == payload_crc_of(header) && is_zero(padding)
    }
}
