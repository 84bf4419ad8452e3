//! The bytes of a version 1 file, on disk or in memory. The sum is checked before anything is
//! decoded, in a pass of its own, so that a file is never in memory as a whole.

use std::io::{Read, Seek, SeekFrom};

use sha2::{Digest, Sha256};

use super::body::{self, Body};
use super::decoder::Decoder;
use super::header::Header;
use super::metadata::Version1Metadata;
use super::stream::Stream;
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::finding::{Finding, Outcome};
use crate::format::header::HEADER_LEN;
use crate::limits::Limits;
use crate::stack::with_room;

/// Length of the SHA-256 at the end.
const SUM_LEN: u64 = 32;
/// Bytes summed at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Reads a whole file of `len` bytes: header, sum, body.
pub(super) fn read<R: Read + Seek>(
    mut bytes: R,
    len: u64,
    origin: &Origin,
    limits: &Limits,
) -> Result<Body> {
    let failed = |error| EnvError::io("read", origin.clone(), error);
    let mut head = Vec::with_capacity(HEADER_LEN);
    let mut beginning = bytes.by_ref().take(HEADER_LEN as u64);
    beginning.read_to_end(&mut head).map_err(failed)?;
    let header = Header::read(&head, len, origin)?;
    let body_len = body_len(len, origin)?;
    check_sum(&mut bytes, body_len, origin)?;
    bytes
        .seek(SeekFrom::Start(HEADER_LEN as u64))
        .map_err(failed)?;
    let stream = Stream::new(bytes, header.is_compressed, body_len, origin, limits)?;
    let decoder = Decoder::new(stream, limits, body_len);
    let metadata = Version1Metadata {
        major: header.major,
        minor: header.minor,
        created: header.created,
        writer: header.writer,
        compressed: header.is_compressed,
        ..Version1Metadata::default()
    };
    let mut body = with_room(|| body::read(decoder, metadata))?;
    if !header.agrees {
        let reason = "its header names another compression in one field than in the other; the \
                      flags were followed";
        body.findings
            .push(Finding::new("", "", Outcome::Warning, reason));
    }
    Ok(body)
}

/// Bytes of the body as stored.
fn body_len(len: u64, origin: &Origin) -> Result<u64> {
    let least = HEADER_LEN as u64 + SUM_LEN;
    len.checked_sub(least).ok_or_else(|| EnvError::Damaged {
        path: origin.clone(),
        fault: Fault::new(
            Part::FileLength,
            len,
            Problem::Length {
                expected: least,
                found: len,
            },
        ),
    })
}

/// Compares the sum of the body, which comes next, with the sum behind it.
fn check_sum(bytes: &mut impl Read, body_len: u64, origin: &Origin) -> Result<()> {
    let failed = |error| EnvError::io("read", origin.clone(), error);
    let mut sum = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    let mut left = body_len;
    while left > 0 {
        let count = left.min(PIECE_BYTES as u64) as usize;
        bytes.read_exact(&mut piece[..count]).map_err(failed)?;
        sum.update(&piece[..count]);
        left -= count as u64;
    }
    let mut recorded = [0; SUM_LEN as usize];
    bytes.read_exact(&mut recorded).map_err(failed)?;
    if sum.finalize()[..] == recorded {
        return Ok(());
    }
    Err(EnvError::Damaged {
        path: origin.clone(),
        fault: Fault::new(Part::Version1Body, HEADER_LEN as u64, Problem::Digest),
    })
}
