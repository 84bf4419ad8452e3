//! A part of a segment in memory, and the sums of what is in it.

use super::begin::short_id;
use super::frame::{MESSAGE_HEADER_LEN, MessageHeader};
use super::scan::is_zero;
use super::segment::Segment;
use crate::error::Result;

/// Bytes of the file in memory at a time: little at first, since most walks find little.
const FIRST_WINDOW: usize = 4 << 10;
/// Small enough to stay in a processor's cache.
const WINDOW: usize = 512 << 10;

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

    /// What is held from `offset` on.
    pub(super) fn held(&self, offset: u64) -> Option<&[u8]> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        self.bytes.get(start..self.filled)
    }

    /// The header at `offset`, and it with all that is held behind it.
    pub(super) fn header(&self, offset: u64) -> Option<(&[u8; MESSAGE_HEADER_LEN], &[u8])> {
        let held = self.held(offset)?;
        Some((held.first_chunk()?, held))
    }

    pub(super) fn sum(&self, bytes: &[u8]) -> u32 {
        let mut sum = self.nothing.clone();
        sum.update(bytes);
        sum.finalize()
    }

    /// The frames from `offset` up to `end`, whose headers hold.
    pub(super) fn frames(&self, mut offset: u64, end: u64) -> impl Iterator<Item = InWindow<'_>> {
        std::iter::from_fn(move || {
            let (header, held) = self.header(offset).filter(|_| offset < end)?;
            let header = MessageHeader::fields(header);
            let frame_len = header.frame_len()?;
            let area = usize::try_from(frame_len).ok();
            let area = area.and_then(|len| held.get(header.payload_offset() as usize..len));
            let payload = area.and_then(|area| area.split_at_checked(header.payload_len as usize));
            offset = offset.checked_add(frame_len)?;
            Some(InWindow {
                sequence: header.sequence,
                payload_len: header.payload_len,
                payload: payload
                    .filter(|(_, padding)| is_zero(padding))
                    .map(|(payload, _)| (payload, header.payload_crc)),
            })
        })
    }
}

/// A frame, of which at least the header is in the window.
pub(super) struct InWindow<'a> {
    pub(super) sequence: u64,
    pub(super) payload_len: u64,
    /// The payload and its sum, if it is here and there are zeros behind it.
    pub(super) payload: Option<(&'a [u8], u32)>,
}
