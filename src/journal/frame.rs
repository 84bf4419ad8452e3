//! One frame: a 64-byte header, a key, a payload. Bytes in, checked structs out.

use crate::fault::{Fault, Part, Problem};
use crate::limits::MAX_NAME_BYTES;

/// Length of the header of a frame in bytes; frames, and payloads in them, begin on multiples of it.
pub const MESSAGE_HEADER_LEN: usize = 64;
/// The first four bytes of every frame.
pub(super) const FRAME_MAGIC: [u8; 4] = *b"ACHJ";
/// Flag bit 0: the frame ends a commit.
pub const FLAG_COMMIT: u8 = 1;

const ALIGN: u64 = MESSAGE_HEADER_LEN as u64;
/// The sum of the key stands behind it.
pub(super) const KEY_SUM_LEN: usize = 4;

/// What a frame of a journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FrameKind {
    /// The beginning of a segment.
    Begin,
    /// A variable gets a value: key its name, payload a value image.
    Set,
    /// A cell gets a content: key its number, 8 bytes; payload a value image.
    SetCell,
    /// A variable is removed: key its name.
    Remove,
    /// A variable gets another name: key the old one, payload the new one.
    Rename,
    /// All variables are removed.
    Clear,
    /// A place in the history gets a name: the key.
    Mark,
    /// As [`FrameKind::Set`], where the image names array data that stands elsewhere.
    SetByReference,
    /// Bytes for whoever follows the session.
    Message,
    /// The state becomes that of an earlier sequence: payload 16 bytes.
    Restore,
    /// A kind of a later version.
    Other(u8),
}

impl From<u8> for FrameKind {
    fn from(code: u8) -> FrameKind {
        match code {
            0 => FrameKind::Begin,
            1 => FrameKind::Set,
            2 => FrameKind::SetCell,
            3 => FrameKind::Remove,
            4 => FrameKind::Rename,
            5 => FrameKind::Clear,
            6 => FrameKind::Mark,
            7 => FrameKind::SetByReference,
            8 => FrameKind::Message,
            9 => FrameKind::Restore,
            other => FrameKind::Other(other),
        }
    }
}

impl From<FrameKind> for u8 {
    fn from(kind: FrameKind) -> u8 {
        match kind {
            FrameKind::Begin => 0,
            FrameKind::Set => 1,
            FrameKind::SetCell => 2,
            FrameKind::Remove => 3,
            FrameKind::Rename => 4,
            FrameKind::Clear => 5,
            FrameKind::Mark => 6,
            FrameKind::SetByReference => 7,
            FrameKind::Message => 8,
            FrameKind::Restore => 9,
            FrameKind::Other(code) => code,
        }
    }
}

/// The header of a frame of a journal: 64 bytes, aligned to 64.
///
/// ```
/// use achronyme_env::{FrameKind, MessageHeader};
///
/// let mut header = MessageHeader::new(7, 1, FrameKind::Set);
/// header.key_len = 1;
/// header.payload_len = 64;
/// assert_eq!(MessageHeader::from_bytes(&header.to_bytes()), Ok(header));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct MessageHeader {
    /// The first 8 bytes of the session's id.
    pub session: u64,
    /// Number of the frame in its session; rises by one from frame to frame and never restarts.
    pub sequence: u64,
    /// When it was written, in nanoseconds since 1970-01-01 00:00 UTC; writers write none that is
    /// less than the one before.
    pub timestamp: u64,
    /// Length of the payload in bytes.
    pub payload_len: u64,
    /// Sequence of the last frame that was known to be on the disk when this one was written.
    pub synced: u64,
    /// Length of the key in bytes, at most 4096.
    pub key_len: u32,
    /// CRC-32 of the payload.
    pub payload_crc: u32,
    /// CRC-32 of the header before this one, over segments too; 0 when there is none.
    pub link: u32,
    /// What the value is, for listings.
    pub type_id: u16,
    /// What the frame says.
    pub kind: FrameKind,
    /// [`FLAG_COMMIT`].
    pub flags: u8,
}

impl MessageHeader {
    /// A header of a frame without key and payload; the other fields are zero.
    pub fn new(session: u64, sequence: u64, kind: FrameKind) -> MessageHeader {
        MessageHeader {
            session,
            sequence,
            timestamp: 0,
            payload_len: 0,
            synced: 0,
            key_len: 0,
            payload_crc: 0,
            link: 0,
            type_id: 0,
            kind,
            flags: 0,
        }
    }

    /// The 64 bytes of the header, with magic and sum.
    pub fn to_bytes(&self) -> [u8; MESSAGE_HEADER_LEN] {
        let mut bytes = [0; MESSAGE_HEADER_LEN];
        bytes[0..4].copy_from_slice(&FRAME_MAGIC);
        bytes[8..16].copy_from_slice(&self.session.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.timestamp.to_le_bytes());
        bytes[32] = self.kind.into();
        bytes[33] = self.flags;
        bytes[34..36].copy_from_slice(&self.type_id.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.key_len.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.link.to_le_bytes());
        bytes[56..64].copy_from_slice(&self.synced.to_le_bytes());
        let crc = crc32fast::hash(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads and checks the 64 bytes of a header: magic, sum, the length of the key, and that the
    /// frame fits 64 bits.
    ///
    /// # Errors
    /// The [`Fault`], whose offset counts from the first byte of the header.
    pub fn from_bytes(bytes: &[u8; MESSAGE_HEADER_LEN]) -> Result<MessageHeader, Fault> {
        MessageHeader::with_sum(bytes, crc32fast::hash(&bytes[8..]))
    }

    /// As [`MessageHeader::from_bytes`]; `found` is the CRC-32 of what stands behind the sum.
    pub(super) fn with_sum(
        bytes: &[u8; MESSAGE_HEADER_LEN],
        found: u32,
    ) -> Result<MessageHeader, Fault> {
        let fault = |offset, problem| Err(Fault::new(Part::Frame, offset, problem));
        if bytes[..4] != FRAME_MAGIC {
            let found = u64::from(u32_at(bytes, 0));
            let field = "magic";
            return fault(0, Problem::Field { field, found });
        }
        let expected = crc_of(bytes);
        if expected != found {
            return fault(4, Problem::Checksum { expected, found });
        }
        let header = MessageHeader::fields(bytes);
        if header.key_len as usize > MAX_NAME_BYTES {
            let (field, found) = ("key length", header.key_len.into());
            return fault(36, Problem::Field { field, found });
        }
        if header.frame_len().is_none() {
            let (field, found) = ("payload length", header.payload_len);
            return fault(40, Problem::Field { field, found });
        }
        Ok(header)
    }

    /// What the bytes of a header say, right or wrong.
    #[inline]
    pub(super) fn fields(bytes: &[u8; MESSAGE_HEADER_LEN]) -> MessageHeader {
        MessageHeader {
            session: u64_at(bytes, 8),
            sequence: u64_at(bytes, 16),
            timestamp: u64_at(bytes, 24),
            kind: bytes[32].into(),
            flags: bytes[33],
            type_id: u16::from_le_bytes([bytes[34], bytes[35]]),
            key_len: u32_at(bytes, 36),
            payload_len: u64_at(bytes, 40),
            payload_crc: payload_crc_of(bytes),
            link: u32_at(bytes, 52),
            synced: u64_at(bytes, 56),
        }
    }

    /// Whether the frame ends a commit.
    pub fn ends_commit(&self) -> bool {
        self.flags & FLAG_COMMIT != 0
    }

    /// Where the payload begins, in bytes from the beginning of the frame.
    pub fn payload_offset(&self) -> u64 {
        payload_offset(self.key_len.into())
    }

    /// Length of the frame with its padding, in bytes; `None` beyond 64 bits.
    pub fn frame_len(&self) -> Option<u64> {
        frame_len(self.key_len.into(), self.payload_len)
    }
}

/// Where the key begins, in bytes from the beginning of the frame.
pub(super) const KEY_OFFSET: u64 = ALIGN;

/// Bytes that a key takes with its sum, before padding. No key takes none.
pub(super) fn key_area(key_len: u64) -> u64 {
    match key_len {
        0 => 0,
        len => len.saturating_add(KEY_SUM_LEN as u64),
    }
}

/// Where the payload begins after a key of at most 4096 bytes.
pub(super) fn payload_offset(key_len: u64) -> u64 {
    KEY_OFFSET + padded(key_area(key_len)).unwrap_or(u64::MAX - ALIGN)
}

/// Length of a frame with its padding; `None` beyond 64 bits.
pub(crate) fn frame_len(key_len: u64, payload_len: u64) -> Option<u64> {
    payload_offset(key_len).checked_add(padded(payload_len)?)
}

/// The next multiple of 64 that is not less.
pub(super) fn padded(len: u64) -> Option<u64> {
    len.checked_next_multiple_of(ALIGN)
}

/// The sum that a header records of itself: what the next frame links to.
pub(crate) fn crc_of(header: &[u8; MESSAGE_HEADER_LEN]) -> u32 {
    u32_at(header, 4)
}

/// The sum of the payload that a header gives.
pub(super) fn payload_crc_of(header: &[u8; MESSAGE_HEADER_LEN]) -> u32 {
    u32_at(header, 48)
}

fn u32_at(bytes: &[u8; MESSAGE_HEADER_LEN], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8; MESSAGE_HEADER_LEN], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> MessageHeader {
        MessageHeader {
            timestamp: 1_700_000_000_000_000_000,
            payload_len: 1 << 40,
            synced: 41,
            key_len: 4096,
            payload_crc: 0xdead_beef,
            link: 0x0123_4567,
            type_id: 0x0811,
            flags: FLAG_COMMIT,
            ..MessageHeader::new(0x1122_3344_5566_7788, 42, FrameKind::SetByReference)
        }
    }

    #[test]
    fn a_header_has_64_bytes_and_is_aligned_to_64() {
        assert_eq!(size_of::<MessageHeader>(), 64);
        assert_eq!(align_of::<MessageHeader>(), 64);
        assert_eq!(sample().to_bytes().len(), MESSAGE_HEADER_LEN);
    }

    #[test]
    fn the_sum_is_the_one_of_zlib() {
        assert_eq!(crc32fast::hash(b"hello"), 0x3610_a686);
        let bytes = sample().to_bytes();
        assert_eq!(bytes[4..8], crc32fast::hash(&bytes[8..]).to_le_bytes());
    }

    #[test]
    fn a_header_leads_back() {
        assert_eq!(
            MessageHeader::from_bytes(&sample().to_bytes()),
            Ok(sample())
        );
        for code in 0..=255 {
            assert_eq!(u8::from(FrameKind::from(code)), code);
        }
    }

    #[test]
    fn the_fields_stand_at_their_places() {
        let bytes = sample().to_bytes();
        assert_eq!(bytes[..4], *b"ACHJ");
        assert_eq!(bytes[8..16], 0x1122_3344_5566_7788_u64.to_le_bytes());
        assert_eq!(bytes[16..24], 42_u64.to_le_bytes());
        assert_eq!(bytes[24..32], 1_700_000_000_000_000_000_u64.to_le_bytes());
        assert_eq!(bytes[32..36], [7, 1, 0x11, 0x08]);
        assert_eq!(bytes[36..40], 4096_u32.to_le_bytes());
        assert_eq!(bytes[40..48], (1_u64 << 40).to_le_bytes());
        assert_eq!(bytes[48..52], 0xdead_beef_u32.to_le_bytes());
        assert_eq!(bytes[52..56], 0x0123_4567_u32.to_le_bytes());
        assert_eq!(bytes[56..64], 41_u64.to_le_bytes());
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for bit in 0..MESSAGE_HEADER_LEN * 8 {
            let mut bytes = sample().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(MessageHeader::from_bytes(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn lengths_that_fit_no_file_are_refused() {
        let long_key = MessageHeader {
            key_len: 4097,
            ..sample()
        };
        assert!(MessageHeader::from_bytes(&long_key.to_bytes()).is_err());
        for payload_len in [u64::MAX, u64::MAX - 63, u64::MAX - 4200] {
            let header = MessageHeader {
                payload_len,
                ..sample()
            };
            assert!(MessageHeader::from_bytes(&header.to_bytes()).is_err());
        }
    }

    #[test]
    fn frames_are_multiples_of_64_and_payloads_are_aligned() {
        assert_eq!(frame_len(0, 0), Some(64));
        assert_eq!(frame_len(0, 1), Some(128));
        assert_eq!((payload_offset(0), payload_offset(60)), (64, 128));
        assert_eq!((payload_offset(61), payload_offset(4096)), (192, 64 + 4160));
        assert_eq!(frame_len(5, 64), Some(192));
    }
}
