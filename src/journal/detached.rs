//! Frames that stand behind damage. They are no part of their session any more, since what they
//! continue is not known, but each holds together by itself.

use std::ops::Range;
use std::path::Path;

use super::begin::{BEGIN_LEN, Begin, short_id};
use super::file::JournalFile;
use super::frame::{FrameKind, MESSAGE_HEADER_LEN, MessageHeader, key_area};
use super::index::Frame;
use super::run::Entry;
use super::scan::key_of;
use super::segment::Segment;
use crate::error::{EnvError, Result};

const ALIGN: u64 = MESSAGE_HEADER_LEN as u64;
/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// A frame whose header and key hold.
#[derive(Clone, Debug)]
pub(crate) struct DetachedFrame {
    /// Its number in the session.
    pub(crate) sequence: u64,
    /// Whether its payload holds too.
    pub(crate) is_whole: bool,
    key: Vec<u8>,
    entry: Entry,
    segment: Segment,
}

impl DetachedFrame {
    /// As a frame of a chain.
    pub(crate) fn frame(&self) -> Frame<'_> {
        Frame {
            sequence: self.sequence,
            key: &self.key,
            entry: self.entry,
            segment: &self.segment,
        }
    }
}

/// What stands in a part of a file.
#[derive(Debug, Default)]
pub(crate) struct Detached {
    pub(crate) frames: Vec<DetachedFrame>,
    /// Bytes that belong to no frame and are not zero, in pieces, rising.
    pub(crate) unread: Vec<Range<u64>>,
    /// The first 8 bytes of the session's id, as the frames say.
    pub(crate) session: Option<u64>,
}

/// The first 8 bytes of a session's id, as frames carry them; `None` for an id that is not known.
pub(crate) fn session_of(session_id: &[u8; 16]) -> Option<u64> {
    (*session_id != [0; 16]).then(|| short_id(session_id))
}

/// Looks for frames of `session` from `offset` on, at each multiple of 64; without a session those of
/// the first one that is found.
///
/// # Errors
/// [`EnvError::Io`], [`EnvError::NotAFile`].
pub(crate) fn find_detached(path: &Path, offset: u64, session: Option<u64>) -> Result<Detached> {
    let mut found = Detached {
        session,
        ..Detached::default()
    };
    let Some(file) = JournalFile::open(path, false)? else {
        return Ok(found);
    };
    let segment = Segment::new(path.into(), file, Begin::default(), &[0; BEGIN_LEN]);
    let len = segment.len()?;
    let mut window = Window {
        segment: &segment,
        start: 0,
        bytes: Vec::new(),
    };
    let mut at = offset.next_multiple_of(ALIGN);
    while at < len {
        let file = segment.journal_file();
        match file.next_data(at).map_err(|e| segment.failed(e))? {
            Some(data) => at = at.max(data / ALIGN * ALIGN),
            None => break,
        }
        let bytes = window.at(at, len)?;
        let places = bytes.chunks(MESSAGE_HEADER_LEN);
        let zeros = places.take_while(|place| place.iter().all(|byte| *byte == 0));
        let zeros = zeros.count() as u64 * ALIGN;
        if zeros > 0 {
            at += zeros;
            continue;
        }
        match frame_at(&mut window, at, len, &mut found.session)? {
            Some((frame, end)) => {
                found.frames.extend(frame);
                at = end;
            }
            None => {
                let end = (at + ALIGN).min(len);
                match found.unread.last_mut() {
                    Some(last) if last.end == at => last.end = end,
                    _ => found.unread.push(at..end),
                }
                at = end;
            }
        }
    }
    Ok(found)
}

/// The frame that begins at `at` and where it ends; no frame for one that begins a segment.
fn frame_at(
    window: &mut Window<'_>,
    at: u64,
    len: u64,
    session: &mut Option<u64>,
) -> Result<Option<(Option<DetachedFrame>, u64)>> {
    let Some(head) = window.at(at, len)?.first_chunk() else {
        return Ok(None);
    };
    let Ok(header) = MessageHeader::from_bytes(head) else {
        return Ok(None);
    };
    let end = header.frame_len().and_then(|frame| at.checked_add(frame));
    let Some(end) = end.filter(|end| *end <= len) else {
        return Ok(None);
    };
    if session.is_some_and(|session| session != header.session) {
        return Ok(None);
    }
    let area = key_area(header.key_len.into()).next_multiple_of(ALIGN) as usize;
    let mut bytes = vec![0; area];
    window.segment.read_at(at + ALIGN, &mut bytes)?;
    let Ok((key, sum)) = key_of(&header, &bytes) else {
        return Ok(None);
    };
    if crc32fast::hash(key) != sum {
        return Ok(None);
    }
    *session = Some(header.session);
    let mut frame = DetachedFrame {
        sequence: header.sequence,
        is_whole: false,
        key: key.to_vec(),
        entry: Entry {
            offset: at,
            payload_len: header.payload_len,
            type_id: header.type_id,
            kind: header.kind.into(),
            ends_commit: header.ends_commit(),
        },
        segment: window.segment.clone(),
    };
    match frame.frame().payload().check(header.payload_crc) {
        Ok(()) => frame.is_whole = true,
        Err(EnvError::Damaged { .. }) => {}
        Err(error) => return Err(error),
    }
    let frame = (header.kind != FrameKind::Begin).then_some(frame);
    Ok(Some((frame, end)))
}

/// Bytes of a file, some at a time.
struct Window<'s> {
    segment: &'s Segment,
    start: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// The bytes at hand from `at` on: 64 at least, but at the end of the file.
    fn at(&mut self, at: u64, len: u64) -> Result<&[u8]> {
        let end = self.start + self.bytes.len() as u64;
        if at < self.start || end.min(len) < (at + ALIGN).min(len) {
            let wanted = (len - at).min(PIECE as u64) as usize;
            self.bytes.resize(wanted, 0);
            self.segment.read_at(at, &mut self.bytes)?;
            self.start = at;
        }
        Ok(self
            .bytes
            .get((at - self.start) as usize..)
            .unwrap_or_default())
    }
}
