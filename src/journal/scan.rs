//! Walking the frames of one segment: no call of the system and no allocation for a frame.

use super::begin::short_id;
use super::frame::{FrameKind, KEY_OFFSET, MESSAGE_HEADER_LEN, MessageHeader, crc_of, key_area};
use super::index::Frames;
use super::note::{NOTE_MAGIC, note};
use super::segment::Segment;
use crate::error::Result;
use crate::fault::{Fault, Part, Problem};

/// Payloads up to this length are summed while their frame is at hand.
pub(super) const AT_HAND: u64 = 64 << 10;
/// Bytes of the file in memory at a time: little at first, since most walks find little.
const FIRST_WINDOW: usize = 4 << 10;
const WINDOW: usize = 1 << 20;

/// A place between two frames, and what the next frame must continue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    /// Where the next frame begins in the segment.
    pub(super) offset: u64,
    /// Sequence of the last frame.
    pub(super) sequence: u64,
    /// Sum of the last frame's header.
    pub(super) link: u32,
    /// Time of the last frame.
    pub(super) timestamp: u64,
}

/// A frame whose payload may not be what was written: counts only if it was known to be on the disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) sequence: u64,
    /// Its payload was summed and is wrong; else it is long and was not looked at.
    pub(super) wrong: bool,
}

/// What walks gather.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) frames: Frames,
    pub(super) doubts: Vec<Doubt>,
    /// The greatest sequence that a header says was on the disk.
    pub(super) synced: u64,
}

/// Takes all frames of `segment` that continue `from` and hold together, committed or not, as far as
/// headers, keys and the payloads at hand tell. Says where it ended, and why unless zeros or the
/// end of the file stand there.
pub(super) fn walk(
    segment: &Segment,
    from: Position,
    findings: &mut Findings,
) -> Result<(Position, Option<Fault>)> {
    let session = short_id(&segment.begin().session_id);
    let mut window = Window::new(segment);
    let mut at = from;
    loop {
        let Some(bytes) = window.at(at.offset, MESSAGE_HEADER_LEN)? else {
            let rest = segment.len()?.saturating_sub(at.offset);
            let zero = rest == 0 || segment.is_zero_from(at.offset)?;
            return Ok((at, (!zero).then(|| cut_short(at.offset, rest))));
        };
        if bytes[..4] == [0; 4] {
            return Ok((at, None));
        }
        if bytes[..4] == NOTE_MAGIC && bytes == note(segment, &at) {
            findings.synced = findings.synced.max(at.sequence);
            return Ok((at, None));
        }
        let bytes: &[u8; MESSAGE_HEADER_LEN] = bytes.try_into().unwrap_or(&[0; 64]);
        let checked = MessageHeader::from_bytes(bytes).and_then(|header| {
            continues(&header, &at, session)?;
            Ok((header, header.payload_offset(), header.frame_len()))
        });
        let (header, body, len) = match checked {
            Ok((header, body, Some(len))) => (header, body, len),
            Ok((_, _, None)) => return Ok((at, Some(cut_short(at.offset, 0)))),
            Err(fault) => {
                let offset = at.offset.saturating_add(fault.offset);
                return Ok((at, Some(Fault { offset, ..fault })));
            }
        };
        let link = crc_of(bytes);
        let end = at.offset.checked_add(len);
        let at_hand = header.payload_len <= AT_HAND;
        // A long payload is not brought in: whether the file holds it is asked instead.
        let taken = if at_hand { len } else { body };
        let frame = match (window.at(at.offset, taken as usize)?, end) {
            (Some(frame), Some(end)) if at_hand || end <= segment.len()? => frame,
            _ => {
                let rest = segment.len()?.saturating_sub(at.offset);
                return Ok((at, Some(cut_short(at.offset, rest))));
            }
        };
        let (head, payload) = frame.split_at(body as usize);
        let key = match key_of(&header, head) {
            Ok(key) => key,
            Err(problem) => {
                let fault = Fault::new(Part::Frame, at.offset + KEY_OFFSET, problem);
                return Ok((at, Some(fault)));
            }
        };
        if !at_hand || !payload_holds(&header, payload) {
            findings.doubts.push(Doubt {
                sequence: header.sequence,
                wrong: at_hand,
            });
        }
        findings.frames.push(&header, at.offset, key);
        findings.synced = findings.synced.max(header.synced);
        at = Position {
            offset: at.offset + len,
            sequence: header.sequence,
            link,
            timestamp: header.timestamp.max(at.timestamp),
        };
    }
}

/// Whether the frame is the next one after `last`, of the same session.
fn continues(header: &MessageHeader, last: &Position, session: u64) -> Result<(), Fault> {
    let field = |offset, field, found| {
        let problem = Problem::Field { field, found };
        Err(Fault::new(Part::Frame, offset, problem))
    };
    if header.session != session {
        return field(8, "session", header.session);
    }
    if last.sequence.checked_add(1) != Some(header.sequence) {
        return field(16, "sequence", header.sequence);
    }
    if header.link != last.link {
        return field(52, "link to the frame before", header.link.into());
    }
    if header.kind == FrameKind::Begin {
        return field(32, "kind", 0);
    }
    if header.synced > last.sequence {
        return field(56, "last sequence on the disk", header.synced);
    }
    Ok(())
}

/// The key, once its sum and the padding behind it hold.
fn key_of<'a>(header: &MessageHeader, head: &'a [u8]) -> Result<&'a [u8], Problem> {
    let area = &head[KEY_OFFSET as usize..];
    let (key, rest) = area.split_at(header.key_len as usize);
    let (sum, padding) = rest.split_at(key_area(key.len() as u64) as usize - key.len());
    if let Ok(sum) = sum.try_into() {
        let (expected, found) = (u32::from_le_bytes(sum), crc32fast::hash(key));
        if expected != found {
            return Err(Problem::Checksum { expected, found });
        }
    }
    match is_zero(padding) {
        true => Ok(key),
        false => Err(Problem::NotZero),
    }
}

fn payload_holds(header: &MessageHeader, padded: &[u8]) -> bool {
    let (payload, padding) = padded.split_at(header.payload_len as usize);
    crc32fast::hash(payload) == header.payload_crc && is_zero(padding)
}

/// Whether fewer than 64 bytes are zero.
fn is_zero(padding: &[u8]) -> bool {
    padding.iter().fold(0, |all, byte| all | byte) == 0
}

fn cut_short(offset: u64, found: u64) -> Fault {
    let text = format!("the file ends within it, after {found} bytes");
    Fault::new(Part::Frame, offset, Problem::Structure(text))
}

/// A part of the file in memory.
struct Window<'a> {
    segment: &'a Segment,
    bytes: Vec<u8>,
    /// Bytes of it that are filled.
    filled: usize,
    offset: u64,
}

impl<'a> Window<'a> {
    fn new(segment: &'a Segment) -> Window<'a> {
        Window {
            segment,
            bytes: Vec::new(),
            filled: 0,
            offset: 0,
        }
    }

    /// `len` bytes at `offset`, at most a few KiB more than [`AT_HAND`]; `None` when the file ends
    /// before. What was read once is not read again.
    fn at(&mut self, offset: u64, len: usize) -> Result<Option<&[u8]>> {
        if self.range(offset, len).is_none() {
            let larger = (self.bytes.len() * 8).clamp(FIRST_WINDOW, WINDOW);
            if self.bytes.len() < larger.max(len) {
                self.bytes = vec![0; larger.max(len)];
            }
            let file = self.segment.journal_file();
            self.filled = file
                .read_at(offset, &mut self.bytes)
                .map_err(|e| self.segment.failed(e))?;
            self.offset = offset;
        }
        Ok(self.range(offset, len).map(|range| &self.bytes[range]))
    }

    fn range(&self, offset: u64, len: usize) -> Option<std::ops::Range<usize>> {
        let start = usize::try_from(offset.checked_sub(self.offset)?).ok()?;
        let end = start.checked_add(len)?;
        (end <= self.filled).then_some(start..end)
    }
}
