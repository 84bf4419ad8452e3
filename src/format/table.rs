//! The table of contents: its one constructor checks sums, bounds, order, overlap, alignment and
//! names, so that whoever holds a [`Table`] may trust every offset in it.
//!
//! Open cost is this file: about a CRC-32 and one pass over 32 bytes and a name per binding.

use std::ops::Range;

use super::header::AchHeader;
use super::parts::Records;
use super::records::{
    EntryRecord, FLAG_CONSTANT, FLAG_MUTABLE, FLAG_TOMBSTONE, PAGE_SIZE, Preamble, Slot, SlotKind,
};
use super::table_head::{TableHead, check_page};
use crate::fault::{Fault, Part, Problem};
use crate::limits::MAX_NAME_BYTES;

/// A checked table over bytes that are owned or mapped. The bytes must be aligned to 8.
#[derive(Debug)]
pub(crate) struct Table<B> {
    bytes: B,
    head: TableHead,
}

impl<B: AsRef<[u8]>> Table<B> {
    /// Checks the table in `bytes` against `header` and the length of the file.
    pub(crate) fn check(bytes: B, header: &AchHeader, file_len: u64) -> Result<Table<B>, Fault> {
        Table::check_as(bytes, header, file_len, false)
    }

    /// As [`Table::check`], of a table that was made of what is left of another: nodes and extents
    /// lie in the file, but need not fill it.
    pub(crate) fn check_mended(
        bytes: B,
        header: &AchHeader,
        file_len: u64,
    ) -> Result<Table<B>, Fault> {
        Table::check_as(bytes, header, file_len, true)
    }

    fn check_as(
        bytes: B,
        header: &AchHeader,
        file_len: u64,
        mended: bool,
    ) -> Result<Table<B>, Fault> {
        let all = bytes.as_ref();
        let head = TableHead::check(all, header, file_len, mended)?;
        let (first, body) = all.split_at(head.preamble.body_offset as usize);
        for (number, page) in body.chunks(PAGE_SIZE as usize).enumerate() {
            check_page(first, header, number, page)?;
        }
        let table = Table { bytes, head };
        let preamble = table.preamble();
        match mended {
            true => table.records().check_mended(preamble, file_len)?,
            false => table.records().check(preamble)?,
        }
        table.check_entries(header, mended)?;
        Ok(table)
    }

    fn check_entries(&self, header: &AchHeader, mended: bool) -> Result<(), Fault> {
        let table_offset = header.table_offset;
        let heap_offset = table_offset + self.head.names.start as u64;
        let heap = std::str::from_utf8(self.names()).map_err(|e| {
            Fault::new(
                Part::Names,
                heap_offset + e.valid_up_to() as u64,
                Problem::NotUtf8,
            )
        })?;
        let records = self.records();
        let mut previous: Option<&str> = None;
        let mut end = 0;
        for (number, entry) in self.entries().iter().enumerate() {
            let fault = |problem| {
                let at = table_offset + self.head.entry_offset(number);
                Fault::new(Part::Entry(number as u32), at, problem)
            };
            let range = entry.name_range();
            let name = heap
                .get(range.clone())
                .filter(|name| range.start == end && name.len() <= MAX_NAME_BYTES);
            let Some(name) = name else {
                let (start, length) = (entry.name_offset.into(), entry.name_len.into());
                return Err(fault(Problem::OutOfBounds { start, length }));
            };
            end = range.end;
            if previous.is_some_and(|previous| previous >= name) {
                return Err(fault(Problem::Unsorted));
            }
            previous = Some(name);
            if let Some(slot) = entry.check(records.nodes.len()).map_err(fault)? {
                records.check_slot(slot).map_err(fault)?;
            }
            if !mended {
                entry.check_removal(header).map_err(fault)?;
            }
        }
        if end != heap.len() {
            let problem = Problem::OutOfBounds {
                start: end as u64,
                length: heap.len() as u64,
            };
            return Err(Fault::new(Part::Names, heap_offset, problem));
        }
        Ok(())
    }

    pub(crate) fn preamble(&self) -> &Preamble {
        &self.head.preamble
    }

    pub(crate) fn entries(&self) -> &[EntryRecord] {
        cast(self.slice(&self.head.entries))
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            extents: cast(self.slice(&self.head.extents)),
            nodes: cast(self.slice(&self.head.nodes)),
            shapes: cast(self.slice(&self.head.shapes)),
            shared_count: self.head.preamble.shared_count,
            may_stand_elsewhere: false,
        }
    }

    /// Ids of the cells and scopes of a session, one for each shared node; empty in other archives.
    pub(crate) fn shared_ids(&self) -> &[u64] {
        cast(self.slice(&self.head.ids))
    }

    /// The bytes of the whole table.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// The name of an entry. Checked UTF-8 when the table was; looked at again because mapped bytes
    /// are only promised, not known, to stay.
    pub(crate) fn name(&self, entry: &EntryRecord) -> &str {
        let name = self.names().get(entry.name_range()).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    /// Bytes of a name, for comparing.
    pub(crate) fn name_bytes(&self, entry: &EntryRecord) -> &[u8] {
        self.names().get(entry.name_range()).unwrap_or_default()
    }

    fn names(&self) -> &[u8] {
        self.slice(&self.head.names)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.as_ref().get(range.clone()).unwrap_or_default()
    }
}

/// Records out of bytes; empty when the bytes are not aligned, which `check` has excluded.
fn cast<T: bytemuck::Pod>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
}

impl EntryRecord {
    /// Checks what the record says without its name: marks, attributes and slot. `None` for a kind of a
    /// later version, which is listed, but not read.
    // A call for each of a hundred thousand entries would be a quarter of opening.
    #[inline(always)]
    pub(crate) fn check(&self, nodes: usize) -> Result<Option<Slot>, Problem> {
        let field = |field, found| Err(Problem::Field { field, found });
        if self.flags & !(FLAG_CONSTANT | FLAG_MUTABLE | FLAG_TOMBSTONE) != 0 {
            return field("flags", self.flags.into());
        }
        let attributes = self.attributes();
        if attributes.is_some_and(|node| node as usize >= nodes) {
            return field("attribute node", self.attributes.into());
        }
        let slot = self.slot();
        if slot.is_none() && SlotKind::from_code(self.kind).is_some() {
            let what = "payload is not what its kind needs".to_owned();
            return Err(Problem::Structure(what));
        }
        Ok(slot)
    }

    /// Refuses a removal in a file that is no delta, or one with more than a name.
    #[inline(always)]
    pub(crate) fn check_removal(&self, header: &AchHeader) -> Result<(), Problem> {
        if self.flags & FLAG_TOMBSTONE == 0 {
            return Ok(());
        }
        let bare = self.slot() == Some(Slot::Null) && self.attributes().is_none();
        if header.is_delta() && bare && self.flags == FLAG_TOMBSTONE {
            return Ok(());
        }
        let what = "a removal where none can be".to_owned();
        Err(Problem::Structure(what))
    }
}
