//! The table of contents: its one constructor checks sums, bounds, order, overlap, alignment and
//! names, so that whoever holds a [`Table`] may trust every offset in it.
//!
//! Open cost is this file: about a CRC-32 and one pass over 32 bytes and a name per binding.

use std::cmp::Ordering;
use std::ops::Range;

use super::extent::ExtentRecord;
use super::header::{AchHeader, HEADER_LEN};
use super::parts::Records;
use super::records::{
    Area, EntryRecord, FLAG_CONSTANT, FLAG_MUTABLE, FLAG_TOMBSTONE, LAYOUT_ID, NodeRecord,
    PAGE_SIZE, Preamble, SlotKind,
};
use super::{MAX_PADDING, NONE, TRAILER_LEN, align_up};
use crate::fault::{Fault, Part, Problem};
use crate::limits::MAX_NAME_BYTES;

pub(crate) const PREAMBLE_LEN: usize = size_of::<Preamble>();

/// A checked table over bytes that are owned or mapped. The bytes must be aligned to 8.
#[derive(Debug)]
pub(crate) struct Table<B> {
    bytes: B,
    preamble: Preamble,
    entries: Range<usize>,
    extents: Range<usize>,
    nodes: Range<usize>,
    shapes: Range<usize>,
    ids: Range<usize>,
    names: Range<usize>,
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
        let start = header.table_offset;
        let fault = |at: u64, problem| Fault::new(Part::Table, start.saturating_add(at), problem);
        let field = |at: u64, field, found| fault(at, Problem::Field { field, found });

        let all = bytes.as_ref();
        let preamble: Preamble = all
            .get(..PREAMBLE_LEN)
            .map(bytemuck::pod_read_unaligned)
            .ok_or_else(|| field(0, "table length", header.table_len))?;
        let p = &preamble;
        if p.page_size != PAGE_SIZE {
            return Err(field(12, "page size", p.page_size.into()));
        }
        let page_count = p.body_len.div_ceil(PAGE_SIZE.into());
        let sums_end = page_count
            .checked_mul(4)
            .and_then(|n| n.checked_add(PREAMBLE_LEN as u64));
        let body_offset = sums_end.and_then(|end| align_up(end, 8));
        let body_end = body_offset.and_then(|offset| offset.checked_add(p.body_len));
        if body_offset != Some(p.body_offset) || body_end != Some(all.len() as u64) {
            return Err(field(16, "body offset or length", p.body_len));
        }
        let (head, body) = all.split_at(p.body_offset as usize);
        let crc = crc32fast::hash(head);
        if crc != header.table_crc {
            return Err(fault(
                0,
                Problem::Checksum {
                    expected: header.table_crc,
                    found: crc,
                },
            ));
        }
        if p.file_len != file_len {
            let problem = Problem::Length {
                expected: p.file_len,
                found: file_len,
            };
            return Err(Fault::new(
                Part::FileLength,
                p.file_len.min(file_len),
                problem,
            ));
        }
        let (sums, padding) = head[PREAMBLE_LEN..].split_at(page_count as usize * 4);
        if padding.iter().any(|b| *b != 0) {
            return Err(fault(p.body_offset, Problem::NotZero));
        }
        for (page, sum) in body
            .chunks(PAGE_SIZE as usize)
            .zip(sums.as_chunks::<4>().0)
            .enumerate()
        {
            let ((page, bytes), sum) = ((page as u64, sum.0), sum.1);
            let (expected, found) = (u32::from_le_bytes(*sum), crc32fast::hash(bytes));
            if expected != found {
                let at = p.body_offset + page * u64::from(PAGE_SIZE);
                return Err(fault(at, Problem::Checksum { expected, found }));
            }
        }
        check_preamble(p, &field)?;

        // The arrays follow each other without gaps: their offsets are known from their counts.
        let mut end = p.body_offset;
        let mut array = |offset: u64, len: u64| {
            let start = end;
            end = start.saturating_add(len);
            (offset == start && end <= all.len() as u64)
                .then_some(start as usize..end as usize)
                .ok_or_else(|| {
                    fault(
                        48,
                        Problem::OutOfBounds {
                            start: offset,
                            length: len,
                        },
                    )
                })
        };
        let records = |count: u32, size: usize| u64::from(count) * size as u64;
        let entries = array(
            p.entries_offset,
            records(p.entry_count, size_of::<EntryRecord>()),
        )?;
        let extents = array(
            p.extents_offset,
            records(p.extent_count, size_of::<ExtentRecord>()),
        )?;
        let nodes = array(
            p.nodes_offset,
            records(p.node_count, size_of::<NodeRecord>()),
        )?;
        let shapes = array(p.shapes_offset, records(p.shape_count, 8))?;
        let ids = array(shapes.end as u64, records(p.shared_id_count, 8))?;
        let names = array(p.names_offset, p.names_len)?;
        if names.end != all.len() {
            return Err(field(24, "body length", p.body_len));
        }
        let table = Table {
            bytes,
            preamble,
            entries,
            extents,
            nodes,
            shapes,
            ids,
            names,
        };
        match mended {
            true => table.records().check_mended(&table.preamble, file_len)?,
            false => {
                table.check_areas(header, file_len)?;
                table.records().check(&table.preamble)?;
            }
        }
        table.check_entries(start)?;
        Ok(table)
    }

    /// The parts of the file stand in order, do not overlap, and only padding lies between them.
    fn check_areas(&self, header: &AchHeader, file_len: u64) -> Result<(), Fault> {
        let p = &self.preamble;
        let table = Area {
            offset: header.table_offset,
            len: header.table_len,
        };
        let trailer = Area {
            offset: file_len.saturating_sub(TRAILER_LEN),
            len: TRAILER_LEN,
        };
        let mut areas = [
            (Part::Table, table),
            (Part::Padding, p.nodes_area),
            (Part::Padding, p.extents_area),
            (Part::Padding, p.sums_area),
            (Part::Trailer, trailer),
        ];
        areas.sort_by_key(|(_, area)| (area.offset, area.len));
        let mut end = HEADER_LEN as u64;
        for (part, area) in areas {
            let problem = match area.offset.cmp(&end) {
                Ordering::Less => Some(Problem::Overlap),
                _ if area.offset - end > MAX_PADDING => Some(Problem::OutOfBounds {
                    start: end,
                    length: area.offset - end,
                }),
                _ => None,
            };
            if let Some(problem) = problem {
                return Err(Fault::new(part, area.offset, problem));
            }
            let length = area.len;
            end = area.end().filter(|end| *end <= file_len).ok_or_else(|| {
                Fault::new(
                    part,
                    area.offset,
                    Problem::OutOfBounds {
                        start: area.offset,
                        length,
                    },
                )
            })?;
        }
        if end != file_len {
            let problem = Problem::Length {
                expected: end,
                found: file_len,
            };
            return Err(Fault::new(Part::FileLength, end, problem));
        }
        Ok(())
    }

    fn check_entries(&self, table_offset: u64) -> Result<(), Fault> {
        let heap = self.names();
        let heap_offset = table_offset + self.names.start as u64;
        let heap = std::str::from_utf8(heap).map_err(|e| {
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
                let at =
                    table_offset + (self.entries.start + number * size_of::<EntryRecord>()) as u64;
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
            if entry.flags & !(FLAG_CONSTANT | FLAG_MUTABLE | FLAG_TOMBSTONE) != 0 {
                return Err(fault(Problem::Field {
                    field: "flags",
                    found: entry.flags.into(),
                }));
            }
            if entry
                .attributes()
                .is_some_and(|node| node as usize >= records.nodes.len())
            {
                let found = entry.attributes.into();
                return Err(fault(Problem::Field {
                    field: "attribute node",
                    found,
                }));
            }
            match entry.slot() {
                Some(slot) => records.check_slot(slot).map_err(fault)?,
                // A kind of a later version: listed, but not read.
                None if SlotKind::from_code(entry.kind).is_none() => {}
                None => {
                    return Err(fault(Problem::Structure(
                        "payload is not what its kind needs".into(),
                    )));
                }
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
        &self.preamble
    }

    pub(crate) fn entries(&self) -> &[EntryRecord] {
        cast(self.slice(&self.entries))
    }

    /// Where the record of an entry stands in the table.
    pub(crate) fn entry_offset(&self, number: usize) -> u64 {
        (self.entries.start + number * size_of::<EntryRecord>()) as u64
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            extents: cast(self.slice(&self.extents)),
            nodes: cast(self.slice(&self.nodes)),
            shapes: cast(self.slice(&self.shapes)),
            shared_count: self.preamble.shared_count,
            may_stand_elsewhere: false,
        }
    }

    /// Ids of the cells and scopes of a session, one for each shared node; empty in other archives.
    pub(crate) fn shared_ids(&self) -> &[u64] {
        cast(self.slice(&self.ids))
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
        self.slice(&self.names)
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.bytes.as_ref().get(range.clone()).unwrap_or_default()
    }
}

/// Records out of bytes; empty when the bytes are not aligned, which `check` has excluded.
fn cast<T: bytemuck::Pod>(bytes: &[u8]) -> &[T] {
    bytemuck::try_cast_slice(bytes).unwrap_or_default()
}

pub(super) fn check_preamble(
    p: &Preamble,
    field: &dyn Fn(u64, &'static str, u64) -> Fault,
) -> Result<(), Fault> {
    if p.layout_id != LAYOUT_ID {
        return Err(field(8, "layout", p.layout_id.into()));
    }
    if p.shared_count > p.node_count {
        return Err(field(100, "number of shared nodes", p.shared_count.into()));
    }
    if p.shared_id_count != 0 && p.shared_id_count != p.shared_count {
        return Err(field(208, "number of ids", p.shared_id_count.into()));
    }
    if p.zero != 0 || p.reserved != [0; 5] {
        return Err(field(212, "reserved bytes", 1));
    }
    if p.metadata_node != NONE && p.metadata_node >= p.node_count {
        return Err(field(96, "metadata node", p.metadata_node.into()));
    }
    Ok(())
}
