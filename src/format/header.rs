//! The 64-byte header. Its first 37 bytes have the fields of version 1 at their places, so that a
//! version 1 reader answers "version mismatch" and nothing worse.

use crate::fault::{Fault, Part, Problem};

/// The first four bytes of every archive, of version 1 and 2 alike.
pub const MAGIC: [u8; 4] = *b"ACH\0";
/// Major version of the format this crate writes and reads.
pub const FORMAT_VERSION_MAJOR: u16 = 2;
/// Minor version of the format this crate writes. Higher ones are read: what they add is optional.
pub const FORMAT_VERSION_MINOR: u16 = 0;
/// Length of the header in bytes.
pub const HEADER_LEN: usize = 64;

/// Flag bit 16: extents carry SHA-256 digests.
pub const FLAG_SEALED: u32 = 1 << 16;
/// Flag bit 1: the file is a delta, which says how another archive is to be changed.
pub(crate) const FLAG_DELTA: u32 = 1 << 1;
/// Flag bits 1 to 15 are features a reader must know.
pub(crate) const REQUIRED_FLAGS: u32 = 0xfffe;
pub(crate) const KNOWN_REQUIRED_FLAGS: u32 = FLAG_DELTA;
const FLAG_VERSION_1_ZSTD: u32 = 1;

const VERSION_TEXT_LEN: usize = 16;

/// The header of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AchHeader {
    /// Major version of the format.
    pub major: u16,
    /// Minor version of the format.
    pub minor: u16,
    /// Bits 1 to 15: required features; bits 16 to 31: optional ones.
    pub flags: u32,
    /// When the archive was made, in seconds since 1970-01-01 00:00 UTC.
    pub created: u64,
    /// Version of the library that wrote it, at most 16 bytes of ASCII.
    pub writer: String,
    /// Whether some extent is compressed with zstd.
    pub has_cold: bool,
    /// Offset of the table of contents from the beginning of the file.
    pub table_offset: u64,
    /// Length of the table of contents in bytes.
    pub table_len: u64,
    /// CRC-32 of the table's preamble and page sums.
    pub table_crc: u32,
}

/// Why 64 bytes are not the header of an archive this crate reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// Other magic bytes.
    Magic([u8; 4]),
    /// A format of another major version: 1, or a newer one.
    Version { major: u16, minor: u16 },
    /// Required features that are not known.
    Features(u32),
    /// The bytes are wrong.
    Fault(Fault),
}

impl AchHeader {
    /// The 64 bytes of the header.
    pub fn to_bytes(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&self.major.to_le_bytes());
        bytes[6..8].copy_from_slice(&self.minor.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_le_bytes());
        bytes[12..20].copy_from_slice(&self.created.to_le_bytes());
        let writer = self.writer.as_bytes();
        let kept = writer.len().min(VERSION_TEXT_LEN);
        bytes[20..20 + kept].copy_from_slice(&writer[..kept]);
        bytes[36] = self.has_cold.into();
        bytes[40..48].copy_from_slice(&self.table_offset.to_le_bytes());
        bytes[48..56].copy_from_slice(&self.table_len.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.table_crc.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..60]);
        bytes[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads and checks the 64 bytes of a header.
    pub(crate) fn from_bytes(bytes: &[u8; HEADER_LEN]) -> Result<AchHeader, HeaderError> {
        let fault =
            |offset: u64, problem| HeaderError::Fault(Fault::new(Part::Header, offset, problem));
        let [m0, m1, m2, m3, ..] = *bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(HeaderError::Magic([m0, m1, m2, m3]));
        }
        let (major, minor) = (u16_at(bytes, 4), u16_at(bytes, 6));
        if major == 1 {
            // Version 1 has no sum over its header: nothing more can be checked.
            return Err(HeaderError::Version { major, minor });
        }
        let (recorded, found) = (u32_at(bytes, 60), crc32fast::hash(&bytes[..60]));
        if recorded != found {
            return Err(fault(
                60,
                Problem::Checksum {
                    expected: recorded,
                    found,
                },
            ));
        }
        if major != FORMAT_VERSION_MAJOR {
            return Err(HeaderError::Version { major, minor });
        }
        let flags = u32_at(bytes, 8);
        if flags & FLAG_VERSION_1_ZSTD != 0 {
            return Err(fault(
                8,
                Problem::Field {
                    field: "flag bit 0",
                    found: 1,
                },
            ));
        }
        let unknown = flags & REQUIRED_FLAGS & !KNOWN_REQUIRED_FLAGS;
        if unknown != 0 {
            return Err(HeaderError::Features(unknown));
        }
        let has_cold = match bytes[36] {
            0 => false,
            1 => true,
            other => {
                let found = other.into();
                return Err(fault(
                    36,
                    Problem::Field {
                        field: "compression",
                        found,
                    },
                ));
            }
        };
        if bytes[37..40] != [0; 3] {
            return Err(fault(37, Problem::NotZero));
        }
        let text = &bytes[20..36];
        let end = text.iter().position(|b| *b == 0).unwrap_or(text.len());
        if !text[..end].is_ascii() || text[end..].iter().any(|b| *b != 0) {
            return Err(fault(
                20,
                Problem::Structure("the writer's version is no text".into()),
            ));
        }
        Ok(AchHeader {
            major,
            minor,
            flags,
            created: u64_at(bytes, 12),
            writer: String::from_utf8_lossy(&text[..end]).into_owned(),
            has_cold,
            table_offset: u64_at(bytes, 40),
            table_len: u64_at(bytes, 48),
            table_crc: u32_at(bytes, 56),
        })
    }

    /// Whether the extents carry SHA-256 digests.
    pub fn is_sealed(&self) -> bool {
        self.flags & FLAG_SEALED != 0
    }

    /// Whether the file is a delta.
    pub(crate) fn is_delta(&self) -> bool {
        self.flags & FLAG_DELTA != 0
    }
}

fn u16_at(bytes: &[u8; HEADER_LEN], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8; HEADER_LEN], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8; HEADER_LEN], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> AchHeader {
        AchHeader {
            major: 2,
            minor: 0,
            flags: FLAG_SEALED,
            created: 1_700_000_000,
            writer: "0.1.0".into(),
            has_cold: true,
            table_offset: 64,
            table_len: 4711,
            table_crc: 0xdead_beef,
        }
    }

    #[test]
    fn a_header_leads_back() {
        assert_eq!(AchHeader::from_bytes(&sample().to_bytes()), Ok(sample()));
    }

    #[test]
    fn the_fields_of_version_1_stand_at_their_places() {
        let bytes = sample().to_bytes();
        assert_eq!(bytes[..8], *b"ACH\0\x02\0\0\0");
        assert_eq!(bytes[12..20], 1_700_000_000u64.to_le_bytes());
        assert_eq!(bytes[20..25], *b"0.1.0");
        assert_eq!(bytes[36], 1);
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        for bit in 0..HEADER_LEN * 8 {
            let mut bytes = sample().to_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(AchHeader::from_bytes(&bytes).is_err(), "bit {bit}");
        }
    }
}
