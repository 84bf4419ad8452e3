//! Walking the frames of one segment: no call of the system and no allocation for a frame.

use super::frame::{FrameKind, KEY_OFFSET, MESSAGE_HEADER_LEN, MessageHeader, crc_of, key_area};
use super::index::Frames;
use super::note::{NOTE_MAGIC, note};
use super::run::Entry;
use super::segment::Segment;
use super::sums::Sums;
use super::window::{InWindow, Window};
use crate::error::Result;
use crate::fault::{Fault, Part, Problem};

/// Payloads up to this length are summed while their frame is at hand.
pub(super) const AT_HAND: u64 = 64 << 10;
/// Payloads up to this length are summed together.
const SHORT: usize = 1 << 10;

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
    Walk::new(segment, from).run(bound, findings)
}

pub(super) struct Walk<'a> {
    pub(super) window: Window<'a>,
    /// Of headers, to be compared.
    pub(super) sums: Sums,
    pub(super) at: Position,
    /// Up to here the sums of all headers were compared.
    held: Position,
    /// The greatest sequence that those say was on the disk.
    synced: u64,
    /// Whether the sum of each header is compared at once.
    pub(super) one_by_one: bool,
}

enum Step {
    /// A frame; the walk is behind it.
    Frame,
    /// So many bytes from here on are needed.
    Missing(usize),
    /// No frame, and what stands there instead of zeros.
    End(Option<Fault>),
}

impl<'a> Walk<'a> {
    pub(super) fn new(segment: &'a Segment, from: Position) -> Walk<'a> {
        Walk {
            window: Window::new(segment),
            sums: Sums::default(),
            at: from,
            held: from,
            synced: 0,
            one_by_one: false,
        }
    }

    /// Walks on, up to `bound`; says as [`walk_until`] where it ended and why.
    pub(super) fn run(
        mut self,
        bound: u64,
        findings: &mut Findings,
    ) -> Result<(Position, Option<Fault>)> {
        self.synced = findings.synced;
        loop {
            let done = match self.at.offset >= bound {
                true => Step::End(None),
                false => self.step(findings)?,
            };
            match done {
                Step::Frame if self.one_by_one => {}
                Step::Frame => self.take_plain(bound, findings),
                _ if !self.settle(findings) => {}
                Step::Missing(len) => self.window.load(self.at.offset, len)?,
                // What stands here may be a header that does not hold.
                Step::End(Some(_)) if !self.one_by_one => self.one_by_one = true,
                Step::End(fault) => return Ok((self.at, fault)),
            }
        }
    }

    /// Compares the sums of what was walked since the last time, and sums the payloads at hand that
    /// are not known to be on the disk. When a header does not hold the walk is back at the last
    /// place where all did.
    fn settle(&mut self, findings: &mut Findings) -> bool {
        if !self.sums.hold() {
            findings.frames.cut_after(self.held.sequence);
            findings.doubts.retain(|frame| *frame <= self.held.sequence);
            findings.synced = self.synced;
            self.at = self.held;
            self.one_by_one = true;
            return false;
        }
        let first = self.held.sequence.max(findings.synced).saturating_add(1);
        self.doubt_payloads(first, findings);
        self.held = self.at;
        self.synced = findings.synced;
        true
    }

    /// Compares the sums of payloads at hand, from the frame `first` on.
    fn doubt_payloads(&mut self, first: u64, findings: &mut Findings) {
        let Some(frame) = findings.frames.get(first) else {
            return;
        };
        let (offset, doubts) = (frame.entry.offset, findings.doubts.len());
        let at_hand = |frame: &InWindow<'_>| frame.payload_len <= AT_HAND;
        let frames = || self.window.frames(offset, self.at.offset).filter(at_hand);
        for frame in frames() {
            match frame.payload {
                Some((payload, sum)) if payload.len() <= SHORT => self.sums.add(payload, sum),
                Some((payload, sum)) if self.window.sum(payload) == sum => {}
                _ => findings.doubts.push(frame.sequence),
            }
        }
        if !self.sums.hold() {
            findings.doubts.truncate(doubts);
            let holds = |(payload, sum)| self.window.sum(payload) == sum;
            let doubtful = frames().filter(|frame| !frame.payload.is_some_and(holds));
            findings.doubts.extend(doubtful.map(|frame| frame.sequence));
        }
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
        let key = match key_of(&header, &frame[KEY_OFFSET as usize..body as usize]) {
            Ok((key, expected)) => {
                // The sum of a key that was met before was compared then.
                match run.known(key, expected) {
                    Some(number) => Ok(number),
                    None => match self.window.sum(key) {
                        found if found == expected => Ok(run.add_key(key, found)),
                        found => Err(Problem::Checksum { expected, found }),
                    },
                }
            }
            Err(problem) => Err(problem),
        };
        match key {
            Ok(key) => {
                let entry = Entry {
                    offset: at.offset,
                    payload_len: header.payload_len,
                    type_id: header.type_id,
                    kind: header.kind.into(),
                    ends_commit: header.ends_commit(),
                };
                run.push(&entry, end, key);
            }
            Err(problem) => {
                let offset = at.offset + KEY_OFFSET;
                return Ok(Step::End(Some(Fault::new(Part::Frame, offset, problem))));
            }
        }
        findings.synced = findings.synced.max(header.synced);
        if !at_hand {
            findings.doubts.push(header.sequence);
        }
        if !self.one_by_one {
            self.sums.add(&bytes[8..], link);
        }
        self.at = Position {
            offset: end,
            sequence: header.sequence,
            link,
            timestamp: header.timestamp.max(at.timestamp),
        };
        Ok(Step::Frame)
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
pub(crate) fn key_of<'a>(
    header: &MessageHeader,
    area: &'a [u8],
) -> Result<(&'a [u8], u32), Problem> {
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
