//! Opening a damaged archive: what is intact of its table of contents, over the bytes that are
//! there. Everything below the table is then checked as that of any other archive.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::archive::Archive;
use super::check::Check;
use super::mended_sums::sum_lists;
use super::source::{ByteSource, FileSource, open_file};
use super::store::{Store, TableBytes, Tables};
use crate::error::{EnvError, Origin, Result};
use crate::format::TRAILER_LEN;
use crate::format::header::{AchHeader, HeaderError};
use crate::format::mend::{Beyond, Damaged, Loss, mend};
use crate::format::table::Table;
use crate::limits::Limits;
use crate::value::Buffer;

/// A damaged archive, as far as it can be read.
#[derive(Debug)]
pub(crate) struct MendedArchive {
    pub(crate) archive: Archive,
    /// What is lost with the bytes that told of it.
    pub(crate) lost: Vec<Loss>,
    /// Names that were given to bindings whose own are lost.
    pub(crate) renamed: Vec<String>,
    /// What was found and what was done about it.
    pub(crate) notes: Vec<String>,
}

/// A file, with other bytes in some places.
#[derive(Debug)]
struct Patched {
    file: FileSource,
    /// The length the file should have.
    len: u64,
    /// Bytes that stand in place of those of the file, rising and disjoint.
    patches: Vec<(u64, Vec<u8>)>,
}

impl ByteSource for Patched {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = offset.saturating_add(out.len() as u64);
        let there = self.file.len().saturating_sub(offset).min(out.len() as u64);
        let (inside, beyond) = out.split_at_mut(there as usize);
        if !inside.is_empty() {
            self.file.read_at(offset, inside)?;
        }
        beyond.fill(0);
        let first = self
            .patches
            .partition_point(|(start, bytes)| start + bytes.len() as u64 <= offset);
        for (start, bytes) in &self.patches[first..] {
            if *start >= wanted {
                break;
            }
            let from = offset.max(*start);
            let to = wanted.min(start + bytes.len() as u64);
            let patch = &bytes[(from - start) as usize..(to - start) as usize];
            out[(from - offset) as usize..(to - offset) as usize].copy_from_slice(patch);
        }
        Ok(())
    }

    fn lend(&self, _: u64, _: u64) -> Option<&[u8]> {
        None
    }

    fn change(&self) -> Option<&'static str> {
        self.file.change()
    }
}

/// Opens the archive at `path`, whatever of it is damaged.
///
/// # Errors
/// What reading answers; [`EnvError::Damaged`] when nothing tells any more what stands where,
/// [`EnvError::NotAnArchive`] when nothing tells that it is one, [`EnvError::Version1`],
/// [`EnvError::IsDelta`], [`EnvError::Unsupported`].
pub(crate) fn open_mended(path: &Path, limits: Limits) -> Result<MendedArchive> {
    let (file, stamp) = open_file(path)?;
    let origin = Origin::from(path);
    let file = FileSource { file, stamp };
    let damaged = Damaged {
        len: file.len(),
        read: &|offset, out| file.read_at(offset, out),
    };
    let mended = mend(&damaged, limits.max_table_bytes)
        .map_err(|beyond| refused(beyond, &origin, limits))?;
    if mended.header.is_delta() {
        return Err(EnvError::IsDelta { path: origin });
    }
    let header = mended.header;
    let mut buffer = Buffer::zeroed(mended.table.len() as u64)?;
    buffer.as_bytes_mut().copy_from_slice(&mended.table);
    let table = Table::check_mended(TableBytes::Owned(buffer), &header, mended.file_len);
    let table = table.map_err(|fault| EnvError::Damaged {
        path: origin.clone(),
        fault,
    })?;
    let mut notes = mended.notes;
    let mut patched = Patched {
        file,
        len: mended.file_len,
        patches: Vec::new(),
    };
    let lists = sum_lists(
        &patched,
        patched.file.len(),
        table.records().extents,
        &mut notes,
    );
    patched.patches.extend(lists);
    if let Some(digest) = mended.root_digest {
        let at = mended.file_len.saturating_sub(TRAILER_LEN);
        patched.patches.push((at, digest.to_vec()));
    }
    patched.patches.sort_by_key(|(start, _)| *start);
    Ok(MendedArchive {
        archive: archive_of(patched, table, header, origin, limits),
        lost: mended.lost,
        renamed: mended.renamed,
        notes,
    })
}

fn archive_of(
    source: Patched,
    table: Table<TableBytes>,
    header: AchHeader,
    origin: Origin,
    limits: Limits,
) -> Archive {
    let tables = Tables::Archive(Box::new(table));
    let store = Store::new(Arc::new(source), tables, origin, Check::Always, limits);
    Archive::new(header, Arc::new(store))
}

fn refused(beyond: Beyond, origin: &Origin, limits: Limits) -> EnvError {
    let path = origin.clone();
    match beyond {
        Beyond::Fault(fault) | Beyond::Header(HeaderError::Fault(fault)) => {
            EnvError::Damaged { path, fault }
        }
        Beyond::TooLarge(found) => EnvError::TooLarge {
            path,
            what: "the table of contents".to_owned(),
            found,
            cap: limits.max_table_bytes,
        },
        Beyond::Header(HeaderError::Magic(_)) => EnvError::NotAnArchive {
            path,
            found: "it does not begin with \"ACH\"".to_owned(),
        },
        Beyond::Header(HeaderError::Version { major: 1, minor }) => EnvError::Version1 {
            path,
            major: 1,
            minor,
        },
        Beyond::Header(HeaderError::Version { major, minor }) => EnvError::Unsupported {
            path,
            what: format!("format version {major}.{minor}"),
        },
        Beyond::Header(HeaderError::Features(bits)) => EnvError::Unsupported {
            path,
            what: format!("required features {bits:#06x}"),
        },
    }
}
