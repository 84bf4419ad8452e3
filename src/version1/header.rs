//! The 64 bytes at the beginning of a version 1 file. No sum covers them, so what they say is
//! taken as it stands where a wrong value does no harm.

use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::header::{HEADER_LEN, MAGIC};

const FLAG_ZSTD: u32 = 1;

/// What the header says.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) major: u16,
    pub(super) minor: u16,
    /// Seconds since 1970.
    pub(super) created: u64,
    /// Version of the program that wrote the file.
    pub(super) writer: String,
    /// Whether the body is a zstd stream: flag bit 0 alone decides, as it did in version 1.
    pub(super) is_compressed: bool,
    /// Whether the compression field says the same.
    pub(super) agrees: bool,
}

impl Header {
    /// Reads the header of a file of `len` bytes from its first bytes.
    pub(super) fn read(head: &[u8], len: u64, origin: &Origin) -> Result<Header> {
        let damaged = |offset, problem| EnvError::Damaged {
            path: origin.clone(),
            fault: Fault::new(Part::Header, offset, problem),
        };
        let not_an_archive = |found: String| EnvError::NotAnArchive {
            path: origin.clone(),
            found,
        };
        let beginning = head.get(..MAGIC.len()).unwrap_or(head);
        if head.is_empty() {
            return Err(not_an_archive("it is empty".to_owned()));
        }
        if !MAGIC.starts_with(beginning) {
            let found = "it does not begin with \"ACH\\0\"".to_owned();
            return Err(not_an_archive(found));
        }
        let Some(bytes) = head.first_chunk::<HEADER_LEN>() else {
            let (expected, found) = (HEADER_LEN as u64, len);
            return Err(damaged(len, Problem::Length { expected, found }));
        };
        let compression = bytes[36];
        let major = u16::from_le_bytes([bytes[4], bytes[5]]);
        let minor = u16::from_le_bytes([bytes[6], bytes[7]]);
        if major > 1 {
            let hint = match major {
                2 => " (open it as an archive of format 2)",
                _ => "",
            };
            return Err(EnvError::Unsupported {
                path: origin.clone(),
                what: format!("format version {major}.{minor}{hint}"),
            });
        }
        if compression > 1 {
            let (field, found) = ("compression", compression.into());
            return Err(damaged(36, Problem::Field { field, found }));
        }
        let flags = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        let is_compressed = flags & FLAG_ZSTD != 0;
        let created = bytes[12..].first_chunk().copied().unwrap_or_default();
        let writer = bytes[20..36].split(|byte| *byte == 0).next();
        Ok(Header {
            major,
            minor,
            created: u64::from_le_bytes(created),
            writer: String::from_utf8_lossy(writer.unwrap_or_default()).into_owned(),
            is_compressed,
            agrees: is_compressed == (compression == 1),
        })
    }
}
