//! A line behind the last frame of a segment: everything up to it is on the disk. It is no frame, and
//! the next frame overwrites it.
//!
//! A frame tells of those before it; without a note, a large payload that was committed last would be
//! read whole and summed by everyone who opens the journal.

use super::begin::short_id;
use super::frame::{FrameKind, MESSAGE_HEADER_LEN, MessageHeader};
use super::scan::Position;
use super::segment::Segment;
use super::writer::Writer;
use crate::error::Result;

/// The first four bytes.
pub(super) const NOTE_MAGIC: [u8; 4] = *b"ACHN";

/// The note that belongs behind the frame that ends at `at`: nothing else is one there.
pub(super) fn note(segment: &Segment, at: &Position) -> [u8; MESSAGE_HEADER_LEN] {
    let session = short_id(&segment.begin().session_id);
    let header = MessageHeader {
        link: at.link,
        synced: at.sequence,
        ..MessageHeader::new(session, at.sequence, FrameKind::Begin)
    };
    let mut bytes = header.to_bytes();
    bytes[..4].copy_from_slice(&NOTE_MAGIC);
    bytes
}

impl Segment {
    /// Whether nothing but zeros follows the frame that ends at `at`, and its note if it has one.
    pub(super) fn is_clean_after(&self, at: &Position) -> Result<bool> {
        let mut bytes = [0; MESSAGE_HEADER_LEN];
        let read = self.journal_file().read_at(at.offset, &mut bytes);
        let is_note = read.map_err(|e| self.failed(e))? == bytes.len() && bytes == note(self, at);
        let skipped = if is_note { bytes.len() as u64 } else { 0 };
        self.is_zero_from(at.offset.saturating_add(skipped))
    }
}

impl Writer {
    /// Leaves a note where it spares reading a large payload. Where that fails, it is read.
    pub(super) fn leave_note(&mut self) {
        if self.large_unsynced && self.synced >= self.committed.sequence && !self.is_pending() {
            let at = self.committed;
            let bytes = note(&self.segment, &at);
            let file = self.segment.journal_file();
            if file.write_all_at(at.offset, &bytes).is_ok() {
                self.file_len = self.file_len.max(at.offset + bytes.len() as u64);
                self.noted = true;
            }
            self.large_unsynced = false;
        }
    }
}
