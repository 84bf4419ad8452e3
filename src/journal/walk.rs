//! Walking a long segment on all cores.
//!
//! Where a frame begins is known only from the one before it. So each thread but the first looks for
//! a frame near the beginning of its part, and takes on trust what comes before; its frames count
//! only if the walk before them ends just there, with the sequence and link that the frame has.
//! Otherwise, as when bytes of a payload looked like a frame, they are walked again in order.

use std::num::NonZero;

use super::begin::short_id;
use super::frame::{FrameKind, MESSAGE_HEADER_LEN, MessageHeader};
use super::scan::{Findings, Position, walk_until};
use super::segment::Segment;
use crate::error::Result;
use crate::fault::Fault;

/// Bytes of a segment for which a thread is worth starting.
const PART: u64 = 4 << 20;
/// More threads would wait for memory.
const MOST_PARTS: u64 = 8;
/// How far into its part a thread looks for a frame. Longer payloads are walked in order, which is
/// quick.
const SEARCHED: usize = 256 << 10;

/// Takes all frames of `segment` that continue `from` and hold together, committed or not, as far as
/// headers, keys and the payloads at hand tell. Says where it ended, and why unless zeros or the
/// end of the file stand there.
pub(super) fn walk(
    segment: &Segment,
    from: Position,
    findings: &mut Findings,
) -> Result<(Position, Option<Fault>)> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get) as u64;
    let len = segment.len()?.saturating_sub(from.offset);
    let parts = (len / PART).min(cores).min(MOST_PARTS);
    walk_in_parts(segment, from, len, parts, findings)
}

/// As [`walk`]; `len` bytes in so many parts.
pub(super) fn walk_in_parts(
    segment: &Segment,
    from: Position,
    len: u64,
    parts: u64,
    findings: &mut Findings,
) -> Result<(Position, Option<Fault>)> {
    let bound = |part: u64| {
        let skipped = len / parts * part;
        from.offset + skipped / MESSAGE_HEADER_LEN as u64 * MESSAGE_HEADER_LEN as u64
    };
    if parts < 2 {
        return walk_until(segment, from, u64::MAX, findings);
    }
    let at = std::thread::scope(|scope| {
        let following = (1..parts).map(|part| {
            let (begin, end) = (bound(part), bound(part + 1));
            scope.spawn(move || Ahead::walk(segment, begin, end))
        });
        // All are started before the first is waited for.
        let following: Vec<_> = following.collect();
        let (mut at, _) = walk_until(segment, from, bound(1), findings)?;
        for part in following {
            // What a thread could not read is read again in order, and told of there.
            let Ok(Ok(Some(part))) = part.join() else {
                continue;
            };
            if at.offset < part.start.offset {
                (at, _) = walk_until(segment, at, part.start.offset, findings)?;
            }
            part.join(&mut at, findings);
        }
        Ok(at)
    })?;
    walk_until(segment, at, u64::MAX, findings)
}

/// Frames that were walked before it was known whether they count.
struct Ahead {
    /// What the frame before them must be.
    start: Position,
    end: Position,
    findings: Findings,
}

impl Ahead {
    /// Walks the frames that begin in `begin..end`; `None` when none is found near `begin`.
    fn walk(segment: &Segment, begin: u64, end: u64) -> Result<Option<Ahead>> {
        let Some(start) = first_frame(segment, begin, end)? else {
            return Ok(None);
        };
        let mut findings = Findings::new(start.sequence.saturating_add(1));
        findings.frames.push_segment(segment.clone());
        let (end, _) = walk_until(segment, start, end, &mut findings)?;
        Ok(Some(Ahead {
            start,
            end,
            findings,
        }))
    }

    /// Adds the frames to those before, if they continue them.
    fn join(self, at: &mut Position, findings: &mut Findings) {
        let last = Position {
            timestamp: self.start.timestamp,
            ..*at
        };
        if last == self.start {
            findings.append(self.findings);
            *at = Position {
                timestamp: at.timestamp.max(self.end.timestamp),
                ..self.end
            };
        }
    }
}

/// The position before the first frame that seems to begin in `begin..end`, near `begin`.
fn first_frame(segment: &Segment, begin: u64, end: u64) -> Result<Option<Position>> {
    let session = short_id(&segment.begin().session_id);
    let mut bytes = vec![0; SEARCHED.min(usize::try_from(end - begin).unwrap_or(SEARCHED))];
    let file = segment.journal_file();
    let filled = file
        .read_at(begin, &mut bytes)
        .map_err(|e| segment.failed(e))?;
    let (places, _) = bytes[..filled].as_chunks::<MESSAGE_HEADER_LEN>();
    let mut offset = begin;
    for place in places {
        if let Ok(header) = MessageHeader::from_bytes(place)
            && header.session == session
            && header.kind != FrameKind::Begin
            && let Some(sequence) = header.sequence.checked_sub(1)
        {
            let link = header.link;
            return Ok(Some(Position {
                offset,
                sequence,
                link,
                timestamp: 0,
            }));
        }
        offset += MESSAGE_HEADER_LEN as u64;
    }
    Ok(None)
}
