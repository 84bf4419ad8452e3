//! The first frame of a segment: whose it is, and where its session stood.

use super::frame::{FrameKind, MESSAGE_HEADER_LEN, MessageHeader};
use crate::fault::{Fault, Part, Problem};

/// Length of a begin frame in bytes: the first frame of a segment stands here.
pub(crate) const BEGIN_LEN: usize = 2 * MESSAGE_HEADER_LEN;

/// What a begin frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Begin {
    /// Identity of the session, random, kept over checkpoints.
    pub(crate) session_id: [u8; 16],
    /// Root digest of the archive the session began with; zero when that carries the session's id,
    /// or there was none.
    pub(crate) root_digest: [u8; 32],
    /// Sequence of the last frame before the segment.
    pub(crate) base_sequence: u64,
    /// When the segment was made, in nanoseconds since 1970.
    pub(crate) timestamp: u64,
    /// Sum of the header of the last frame before the segment; 0 when there is none.
    pub(crate) link: u32,
    /// Sequence of the last frame that was known to be on the disk.
    pub(crate) synced: u64,
}

/// Why bytes are not the beginning of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoBegin {
    /// They are wrong.
    Fault(Fault),
    /// The segment is of a later version.
    Later,
}

/// The short id of a session, which stands in every frame.
pub(super) fn short_id(session_id: &[u8; 16]) -> u64 {
    session_id
        .iter()
        .take(8)
        .rev()
        .fold(0, |id, byte| id << 8 | u64::from(*byte))
}

impl Begin {
    pub(super) fn to_bytes(self) -> [u8; BEGIN_LEN] {
        let mut bytes = [0; BEGIN_LEN];
        let (head, payload) = bytes.split_at_mut(MESSAGE_HEADER_LEN);
        payload[..16].copy_from_slice(&self.session_id);
        payload[16..48].copy_from_slice(&self.root_digest);
        payload[48..56].copy_from_slice(&self.base_sequence.to_le_bytes());
        let mut header = MessageHeader::new(
            short_id(&self.session_id),
            self.base_sequence,
            FrameKind::Begin,
        );
        header.timestamp = self.timestamp;
        header.payload_len = payload.len() as u64;
        header.payload_crc = crc32fast::hash(payload);
        header.link = self.link;
        header.synced = self.synced;
        head.copy_from_slice(&header.to_bytes());
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BEGIN_LEN]) -> Result<Begin, NoBegin> {
        let fault = |offset, problem| NoBegin::Fault(Fault::new(Part::Frame, offset, problem));
        let (head, payload) = bytes.split_at(MESSAGE_HEADER_LEN);
        let head = head.try_into().unwrap_or(&[0; MESSAGE_HEADER_LEN]);
        let header = MessageHeader::from_bytes(head).map_err(NoBegin::Fault)?;
        if header.kind != FrameKind::Begin {
            let (field, found) = ("kind of the first frame", u8::from(header.kind).into());
            return Err(fault(32, Problem::Field { field, found }));
        }
        if (header.key_len, header.payload_len) != (0, payload.len() as u64) {
            let (field, found) = ("length of the begin frame", header.payload_len);
            return Err(fault(40, Problem::Field { field, found }));
        }
        if header.synced > header.sequence {
            let (field, found) = ("last sequence on the disk", header.synced);
            return Err(fault(56, Problem::Field { field, found }));
        }
        let (expected, found) = (header.payload_crc, crc32fast::hash(payload));
        if expected != found {
            return Err(fault(64, Problem::Checksum { expected, found }));
        }
        let mut begin = Begin {
            session_id: [0; 16],
            root_digest: [0; 32],
            base_sequence: header.sequence,
            timestamp: header.timestamp,
            link: header.link,
            synced: header.synced,
        };
        begin.session_id.copy_from_slice(&payload[..16]);
        begin.root_digest.copy_from_slice(&payload[16..48]);
        if payload[48..56] != header.sequence.to_le_bytes()
            || short_id(&begin.session_id) != header.session
        {
            let text = "header and payload of the begin frame disagree";
            return Err(fault(64, Problem::Structure(text.into())));
        }
        match payload[56..] == [0; 8] && header.flags == 0 {
            true => Ok(begin),
            false => Err(NoBegin::Later),
        }
    }
}
