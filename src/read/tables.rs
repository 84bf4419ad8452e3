//! Where records stand: in the table of an archive, checked whole or as it is used, or in the head of a
//! value image.

use std::sync::Arc;

use super::lazy_table::LazyTable;
use super::source::{ByteSource, range_of};
use crate::error::{EnvError, Origin, Result};
use crate::format::header::AchHeader;
use crate::format::image::ImageHead;
use crate::format::parts::Records;
use crate::format::records::{EntryRecord, Preamble, Slot};
use crate::format::table::Table;
use crate::limits::Limits;
use crate::value::Buffer;

/// Tables up to this many bytes are copied out of a map; larger ones stay in it.
const COPIED_TABLE_BYTES: u64 = 1 << 20;

/// The bytes of a table: a copy, or a range of the map.
#[derive(Debug)]
pub(crate) enum TableBytes {
    Owned(Buffer),
    Lent {
        source: Arc<dyn ByteSource>,
        offset: u64,
        len: u64,
    },
}

impl TableBytes {
    /// The bytes of the table that `header` tells of, and that lies in the file. `first` are those of
    /// the file that were read already, from its beginning on.
    pub(super) fn read(
        source: &Arc<dyn ByteSource>,
        header: &AchHeader,
        first: &[u8],
        origin: &Origin,
        limits: &Limits,
    ) -> Result<TableBytes> {
        let (offset, len) = (header.table_offset, header.table_len);
        if len > COPIED_TABLE_BYTES && source.lend(offset, len).is_some() {
            let source = Arc::clone(source);
            return Ok(TableBytes::Lent {
                source,
                offset,
                len,
            });
        }
        check_cap(header, origin, limits)?;
        let mut buffer = Buffer::zeroed(len)?;
        match range_of(first, offset, len) {
            Some(table) => buffer.as_bytes_mut().copy_from_slice(table),
            None => {
                let read = source.read_at(offset, buffer.as_bytes_mut());
                read.map_err(|e| EnvError::io("read", origin.clone(), e))?;
            }
        }
        Ok(TableBytes::Owned(buffer))
    }
}

/// Refuses a table that would take more memory than the caller allows.
pub(super) fn check_cap(header: &AchHeader, origin: &Origin, limits: &Limits) -> Result<()> {
    let (found, cap) = (header.table_len, limits.max_table_bytes);
    if found <= cap {
        return Ok(());
    }
    Err(EnvError::TooLarge {
        path: origin.clone(),
        what: "the table of contents".to_owned(),
        found,
        cap,
    })
}

impl AsRef<[u8]> for TableBytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            TableBytes::Owned(buffer) => buffer.as_bytes(),
            TableBytes::Lent {
                source,
                offset,
                len,
            } => source.lend(*offset, *len).unwrap_or_default(),
        }
    }
}

/// Where the records stand.
#[derive(Debug)]
pub(crate) enum Tables {
    Archive(Box<Table<TableBytes>>),
    /// Checked as it is used.
    Lazy(Box<LazyTable>),
    Image(ImageHead),
}

impl Tables {
    /// The table of an archive as a whole, if it was checked.
    pub(super) fn if_checked(&self) -> Option<&Table<TableBytes>> {
        match self {
            Tables::Archive(table) => Some(table),
            Tables::Lazy(table) => table.if_whole(),
            Tables::Image(_) => None,
        }
    }

    /// All records of an archive or an image, checked as a whole: now, if they were not before.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] where the table is only checked now; what reading it answers.
    pub(super) fn records(&self) -> Result<Records<'_>> {
        match self {
            Tables::Archive(table) => Ok(table.records()),
            Tables::Lazy(table) => Ok(table.whole()?.records()),
            Tables::Image(head) => Ok(head.records()),
        }
    }

    /// The preamble; an image has none.
    pub(super) fn preamble(&self) -> Option<&Preamble> {
        match self {
            Tables::Archive(table) => Some(table.preamble()),
            Tables::Lazy(table) => Some(table.preamble()),
            Tables::Image(_) => None,
        }
    }

    /// How many nodes and extents there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        match (self, self.preamble()) {
            (_, Some(p)) => (p.node_count as usize, p.extent_count as usize),
            (Tables::Image(head), _) => {
                let records = head.records();
                (records.nodes.len(), records.extents.len())
            }
            (_, None) => (0, 0),
        }
    }

    /// The node of shared number `shared`: the content of a cell or a scope.
    pub(super) fn shared_node(&self, shared: u32) -> Option<u32> {
        let (nodes, _) = self.counts();
        let count = match self {
            Tables::Image(head) => head.records().shared_count,
            _ => self.preamble()?.shared_count,
        };
        let first = (nodes as u32).checked_sub(count)?;
        (shared < count).then(|| first + shared)
    }

    /// The entry of an archive at a place in the order of names; `None` beyond the last.
    pub(super) fn entry(&self, number: usize) -> Result<Option<&EntryRecord>> {
        match (self.if_checked(), self) {
            (Some(table), _) => Ok(table.entries().get(number)),
            (None, Tables::Lazy(table)) => table.entry(number).map(Some),
            (None, _) => Ok(None),
        }
    }

    /// What stands in the slot of an entry; `None` for a kind of a later version.
    pub(super) fn slot(&self, number: usize) -> Result<Option<Slot>> {
        match (self.if_checked(), self) {
            (Some(table), _) => Ok(table.entries().get(number).and_then(EntryRecord::slot)),
            (None, Tables::Lazy(table)) => table.slot(number),
            (None, _) => Ok(None),
        }
    }

    /// The name of an entry.
    pub(super) fn name(&self, number: usize) -> Result<&str> {
        match (self.if_checked(), self) {
            (Some(table), _) => {
                let entry = table.entries().get(number);
                Ok(entry.map_or("", |entry| table.name(entry)))
            }
            (None, Tables::Lazy(table)) => table.name(number),
            (None, _) => Ok(""),
        }
    }

    /// The number of the entry with that name.
    pub(super) fn find(&self, name: &str) -> Result<Option<usize>> {
        match (self.if_checked(), self) {
            (Some(table), _) => Ok(super::overlay::find(table, name)),
            (None, Tables::Lazy(table)) => table.find(name),
            (None, _) => Ok(None),
        }
    }

    /// How many names fulfil `before`, which holds for the first ones only.
    pub(super) fn partition_point(&self, mut before: impl FnMut(&[u8]) -> bool) -> Result<usize> {
        match (self.if_checked(), self) {
            (Some(table), _) => {
                let entries = table.entries();
                Ok(entries.partition_point(|entry| before(table.name_bytes(entry))))
            }
            (None, Tables::Lazy(table)) => table.partition_point(before),
            (None, _) => Ok(0),
        }
    }
}
