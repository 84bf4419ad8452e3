//! Walking the frames of one segment: no call of the system and no allocation for a frame.

use super::frame::{FrameKind, KEY_OFFSET, MESSAGE_HEADER_LEN, MessageHeader, crc_of, key_area};
use super::index::Frames;
use super::note::{NOTE_MAGIC, note};
use super::segment::Segment;
use super::window::Window;
use crate::error::Result;
use crate::fault::{Fault, Part, Problem};

/// Payloads up to this length are summed while their frame is at hand.
pub(super) const AT_HAND: u64 = 64 << 10;
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

/// What walks gather.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) frames: Frames,
    /// Frames whose payload may not be what was written, since it is not or is long and was not looked
    /// at: they count only if they were known to be on the disk.
    pub(super) doubts: Vec<u64>,
    /// The greatest sequence that a header says was on the disk.
    pub(super) synced: u64,
}

impl Findings {
    /// Nothing yet; the first frame will have the sequence `first`.
    pub(super) fn new(first: u64) -> Findings {
        Findings {
            frames: Frames::new(first),
            doubts: Vec::new(),
            synced: 0,
        }
    }

    /// Adds what was gathered of the frames that follow.
    pub(super) fn append(&mut self, following: Findings) {
        self.frames.append(following.frames);
        self.doubts.extend(following.doubts);
        self.synced = self.synced.max(following.synced);
    }
}

/// Takes the frames of `segment` that continue `from`, begin before `bound` and hold together,
/// committed or not, as far as headers, keys and the payloads at hand tell. Says where it ended, and
/// why unless zeros, the end of the file or the bound stand there.
///
/// Sums of headers are compared many at a time, before what they say is acted upon; when one does not
/// hold, those frames are walked again, one by one.
pub(super) fn walk_until(
    segment: &Segment,
    from: Position,
    bound: u64,
    findings: &mut Findings,
) -> Result<(Position, Option<Fault>)> {
    let mut walk = Walk {
        window: Window::new(segment),
        at: from,
        held: from,
        synced: findings.synced,
        one_by_one: false,
    };
    loop {
        let done = match walk.at.offset >= bound {
            true => Step::End(None),
            false => walk.step(findings)?,
        };
        match done {
            Step::Frame(next) => walk.at = next,
            _ if !walk.settle(findings) => {}
            Step::Missing(len) => walk.window.load(walk.at.offset, len)?,
            // What stands here may be a header that does not hold.
            Step::End(Some(_)) if !walk.one_by_one => walk.one_by_one = true,
            Step::End(fault) => return Ok((walk.at, fault)),
        }
    }
}

struct Walk<'a> {
    window: Window<'a>,
    at: Position,
    /// Up to here the sums of all headers were compared.
    held: Position,
    /// The greatest sequence that those say was on the disk.
    synced: u64,
    /// Whether the sum of each header is compared at once.
    one_by_one: bool,
}

enum Step {
    /// A frame, which ends here.
    Frame(Position),
    /// So many bytes from here on are needed.
    Missing(usize),
    /// No frame, and what stands there instead of zeros.
    End(Option<Fault>),
}

impl Walk<'_> {
    /// Compares the sums of what was walked since the last time, and sums the payloads at hand that
    /// are not known to be on the disk. When a header does not hold the walk is back at the last
    /// place where all did.
    fn settle(&mut self, findings: &mut Findings) -> bool {
        if !self.window.headers_hold() {
            findings.frames.cut_after(self.held.sequence);
            findings.doubts.retain(|frame| *frame <= self.held.sequence);
            findings.synced = self.synced;
            self.at = self.held;
            self.one_by_one = true;
            return false;
        }
        let first = self.held.sequence.max(findings.synced).saturating_add(1);
        for frame in findings.frames.from(first) {
            if frame.entry.payload_len <= AT_HAND && !self.window.payload_holds(&frame) {
                findings.doubts.push(frame.sequence);
            }
        }
        self.held = self.at;
        self.synced = findings.synced;
        true
    }

    /// Takes the frame at the place.
    fn step(&mut self, findings: &mut Findings) -> Result<Step> {
        let at = &self.at;
        let segment = self.window.segment();
        let Some((bytes, held)) = self.window.header(at.offset) else {
            if !self.window.was_loaded(at.offset, MESSAGE_HEADER_LEN) {
                return Ok(Step::Missing(MESSAGE_HEADER_LEN));
            }
            let rest = segment.len()?.saturating_sub(at.offset);
            let zero = rest == 0 || segment.is_zero_from(at.offset)?;
            return Ok(Step::End((!zero).then(|| cut_short(at.offset, rest))));
        };
        if bytes[..4] == [0; 4] || (bytes[..4] == NOTE_MAGIC && *bytes == note(segment, at)) {
            if bytes[..4] == NOTE_MAGIC {
                findings.synced = findings.synced.max(at.sequence);
            }
            return Ok(Step::End(None));
        }
        let link = crc_of(bytes);
        let found = match self.one_by_one {
            true => self.window.sum(&bytes[8..]),
            false => link,
        };
        let checked = MessageHeader::with_sum(bytes, found);
        let session = self.window.session();
        let header = match checked.and_then(|header| continues(header, at, session)) {
            Ok(header) => header,
            Err(fault) => {
                let offset = at.offset.saturating_add(fault.offset);
                return Ok(Step::End(Some(Fault { offset, ..fault })));
            }
        };
        let body = header.payload_offset();
        let at_hand = header.payload_len <= AT_HAND;
        let len = header.frame_len().unwrap_or(u64::MAX);
        let end = at.offset.saturating_add(len);
        // A large payload is not brought in: whether the file holds it is asked instead.
        let taken = if at_hand { len } else { body } as usize;
        let frame = match held.get(..taken) {
            Some(frame) if at_hand || end <= segment.len()? => frame,
            None if !self.window.was_loaded(at.offset, taken) => return Ok(Step::Missing(taken)),
            _ => {
                let rest = segment.len()?.saturating_sub(at.offset);
                return Ok(Step::End(Some(cut_short(at.offset, rest))));
            }
        };
        let run = findings.frames.run_for(at.offset);
        let key = match key_of(&header, &frame[..body as usize]) {
            Ok((key, expected)) => {
                // The sum of a key that was met before was compared then.
                let known = run.known(key);
                let found = known.map_or_else(|| self.window.sum(key), |known| known.sum);
                match found == expected {
                    true => Ok(known.unwrap_or_else(|| run.add_key(key, found))),
                    false => Err(Problem::Checksum { expected, found }),
                }
            }
            Err(problem) => Err(problem),
        };
        match key {
            Ok(key) => run.push(&header, at.offset, key),
            Err(problem) => {
                let offset = at.offset + KEY_OFFSET;
                return Ok(Step::End(Some(Fault::new(Part::Frame, offset, problem))));
            }
        }
        findings.synced = findings.synced.max(header.synced);
        if !at_hand {
            findings.doubts.push(header.sequence);
        }
        let next = Position {
            offset: end,
            sequence: header.sequence,
            link,
            timestamp: header.timestamp.max(at.timestamp),
        };
        if !self.one_by_one {
            self.window.gather_header(at.offset);
        }
        Ok(Step::Frame(next))
    }
}

/// Whether the frame is the next one after `last`, of the same session.
fn continues(header: MessageHeader, last: &Position, session: u64) -> Result<MessageHeader, Fault> {
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
    Ok(header)
}

/// The key and the sum that it should have, once the padding behind them is zero.
fn key_of<'a>(header: &MessageHeader, head: &'a [u8]) -> Result<(&'a [u8], u32), Problem> {
    let area = &head[KEY_OFFSET as usize..];
    let (key, rest) = area.split_at(header.key_len as usize);
    let (sum, padding) = rest.split_at(key_area(key.len() as u64) as usize - key.len());
    match is_zero(padding) {
        // Without a key there is no sum, which then is 0, as that of nothing is.
        true => Ok((key, sum.try_into().map_or(0, u32::from_le_bytes))),
        false => Err(Problem::NotZero),
    }
}

/// Whether bytes are zero.
pub(super) fn is_zero(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest.iter().map(|byte| u64::from(*byte));
    words.fold(0, |all, word| all | word) | rest.fold(0, |all, byte| all | byte) == 0
}

fn cut_short(offset: u64, found: u64) -> Fault {
    let text = format!("the file ends within it, after {found} bytes");
    Fault::new(Part::Frame, offset, Problem::Structure(text))
}
