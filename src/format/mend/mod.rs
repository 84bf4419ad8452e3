//! What is left of a damaged header and table of contents: a header and a table that say the same
//! of all that is intact and nothing of the rest. Every record that is taken over stands in a page
//! whose sum is right, or was made right and is confirmed by the root digest.

mod outline;
mod rebuild;

use super::TRAILER_LEN;
use super::correct::wrong_byte;
use super::header::{AchHeader, HEADER_LEN, HeaderError};
use super::records::{PAGE_SIZE, Preamble};
use super::sums::root_digest;
use super::table_head::PREAMBLE_LEN;
use crate::fault::{Fault, Part, Problem};
use outline::Outline;
use rebuild::rebuild;

const PAGE: usize = PAGE_SIZE as usize;

/// Why damaged bytes cannot be mended.
#[derive(Debug)]
pub(crate) enum Beyond {
    /// They are of a version or have features that are not known, and are intact.
    Header(HeaderError),
    /// The table says that it has so many bytes.
    TooLarge(u64),
    /// Nothing says any more where what stands.
    Fault(Fault),
}

/// Something that is lost with the bytes that told of it.
#[derive(Debug)]
pub(crate) struct Loss {
    /// The name of the binding that is lost; `None` when that is lost too, or it is something else.
    pub(crate) name: Option<String>,
    /// What is lost; empty for a binding.
    pub(crate) part: &'static str,
    pub(crate) reason: String,
}

/// What is told of mending.
#[derive(Debug, Default)]
struct Said {
    lost: Vec<Loss>,
    notes: Vec<String>,
}

impl Said {
    fn lose(&mut self, part: &'static str, reason: &str) {
        self.lost.push(Loss {
            name: None,
            part,
            reason: reason.to_owned(),
        });
    }
}

/// A header and a table in place of damaged ones.
#[derive(Debug)]
pub(crate) struct Mended {
    pub(crate) header: AchHeader,
    pub(crate) table: Vec<u8>,
    /// Length that the file had.
    pub(crate) file_len: u64,
    /// The root digest it had, when that is known.
    pub(crate) root_digest: Option<[u8; 32]>,
    pub(crate) lost: Vec<Loss>,
    /// Names that were given to bindings whose own are lost.
    pub(crate) renamed: Vec<String>,
    /// What was found, and what was done about it.
    pub(crate) notes: Vec<String>,
}

/// The bytes of a damaged file.
pub(crate) struct Damaged<'d> {
    pub(crate) len: u64,
    /// Fills a buffer from an offset; both lie in the file.
    pub(crate) read: &'d dyn Fn(u64, &mut [u8]) -> std::io::Result<()>,
}

impl Damaged<'_> {
    fn bytes(&self, offset: u64, len: u64) -> Result<Vec<u8>, Beyond> {
        let end = offset.checked_add(len).filter(|end| *end <= self.len);
        let Some(end) = end else {
            let expected = offset.saturating_add(len);
            let found = self.len;
            let problem = Problem::Length { expected, found };
            return Err(Beyond::Fault(Fault::new(
                Part::FileLength,
                self.len,
                problem,
            )));
        };
        let mut bytes = vec![0; (end - offset) as usize];
        (self.read)(offset, &mut bytes).map_err(|error| {
            let problem = Problem::Structure(error.to_string());
            Beyond::Fault(Fault::new(Part::Table, offset, problem))
        })?;
        Ok(bytes)
    }
}

/// Mends header and table; a table of more than `most` bytes is not read.
pub(crate) fn mend(file: &Damaged<'_>, most: u64) -> Result<Mended, Beyond> {
    let mut said = Said::default();
    let mut head: [u8; HEADER_LEN] = [0; HEADER_LEN];
    head.copy_from_slice(&file.bytes(0, HEADER_LEN as u64)?);
    let known = mended_header(&mut head, &mut said)?;
    let offset = known.as_ref().map_or(HEADER_LEN as u64, |h| h.table_offset);
    let len = match &known {
        Some(header) => header.table_len,
        None => {
            let preamble = file.bytes(offset, PREAMBLE_LEN as u64)?;
            let p: Preamble = bytemuck::pod_read_unaligned(&preamble);
            p.body_offset.saturating_add(p.body_len)
        }
    };
    if len > most && offset.checked_add(len).is_some_and(|end| end <= file.len) {
        return Err(Beyond::TooLarge(len));
    }
    let mut table = file.bytes(offset, len.max(PREAMBLE_LEN as u64))?;
    let ends = trailers(file, Preamble::of(&table).file_len);
    let outline = Outline::of(&mut table, &head, known.as_ref(), &ends, offset, &mut said)?;
    let p = outline.agreed_preamble(&table, file.len);
    if p.file_len > file.len {
        let problem = Problem::Length {
            expected: p.file_len,
            found: file.len,
        };
        said.notes.push(format!("the file: {problem}"));
    }
    let whole = known.is_some() && outline.is_trusted && outline.lost.is_empty();
    let trailer = trailers(file, p.file_len).pop();
    let root_digest = match whole {
        true => Some(root_digest(&head, &table)),
        false => trailer,
    };
    if whole && trailer != root_digest && p.file_len <= file.len {
        said.notes
            .push("the root digest at the end does not match and is made anew".to_owned());
    }
    let mut header = known.unwrap_or_else(unknown_header);
    header.table_offset = offset;
    let mut rebuilt = rebuild(&table, &p, &outline);
    rebuilt.lost.append(&mut said.lost);
    let mut mended = Mended {
        header,
        table: rebuilt.table,
        file_len: p.file_len,
        root_digest,
        lost: rebuilt.lost,
        renamed: rebuilt.renamed,
        notes: said.notes,
    };
    mended.header.table_len = mended.table.len() as u64;
    let body = Preamble::of(&mended.table).body_offset as usize;
    mended.header.table_crc = crc32fast::hash(&mended.table[..body]);
    Ok(mended)
}

impl Preamble {
    fn of(table: &[u8]) -> Preamble {
        bytemuck::pod_read_unaligned(&table[..PREAMBLE_LEN])
    }
}

/// The header, with one wrong byte of it corrected; `None` when more is wrong.
fn mended_header(
    bytes: &mut [u8; HEADER_LEN],
    said: &mut Said,
) -> Result<Option<AchHeader>, Beyond> {
    let recorded = u32::from_le_bytes([bytes[60], bytes[61], bytes[62], bytes[63]]);
    let found = crc32fast::hash(&bytes[..60]);
    if recorded == found {
        return AchHeader::from_bytes(bytes)
            .map(Some)
            .map_err(Beyond::Header);
    }
    let mut corrected = *bytes;
    let place = match wrong_byte(&bytes[..60], recorded) {
        Some((place, byte)) => {
            corrected[place] = byte;
            place
        }
        None => {
            corrected[60..].copy_from_slice(&found.to_le_bytes());
            60
        }
    };
    let one_byte = corrected
        .iter()
        .zip(&*bytes)
        .filter(|(a, b)| a != b)
        .count()
        == 1;
    match AchHeader::from_bytes(&corrected) {
        Ok(header) if one_byte => {
            said.notes.push(format!(
                "byte {place} of the header was wrong and is corrected"
            ));
            *bytes = corrected;
            Ok(Some(header))
        }
        _ => {
            said.lose(
                "header",
                "it is damaged: creation time and writer are not known",
            );
            Ok(None)
        }
    }
}

fn unknown_header() -> AchHeader {
    AchHeader {
        major: super::header::FORMAT_VERSION_MAJOR,
        minor: super::header::FORMAT_VERSION_MINOR,
        flags: 0,
        created: 0,
        writer: String::new(),
        has_cold: false,
        table_offset: 0,
        table_len: 0,
        table_crc: 0,
    }
}

/// What may be the root digest: the end of the file, or where the table says that it ends.
fn trailers(file: &Damaged<'_>, recorded: u64) -> Vec<[u8; 32]> {
    let ends = [file.len, recorded].into_iter();
    let digests = ends.filter_map(|end| {
        let at = end.checked_sub(TRAILER_LEN)?;
        file.bytes(at, TRAILER_LEN).ok()?.try_into().ok()
    });
    digests.collect()
}
