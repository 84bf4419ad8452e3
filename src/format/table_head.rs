//! The beginning of the table of contents: the preamble and the sums of the pages that follow. Once it
//! is checked, it is known what stands where, and what each page must sum to.

use std::cmp::Ordering;
use std::ops::Range;

use super::extent::ExtentRecord;
use super::header::{AchHeader, HEADER_LEN};
use super::records::{Area, EntryRecord, LAYOUT_ID, NodeRecord, PAGE_SIZE, Preamble};
use super::{MAX_PADDING, NONE, TRAILER_LEN, align_up};
use crate::fault::{Fault, Part, Problem};

pub(crate) const PREAMBLE_LEN: usize = size_of::<Preamble>();

/// What stands where in a table, as its preamble says; checked.
#[derive(Clone, Debug)]
pub(crate) struct TableHead {
    pub(super) preamble: Preamble,
    /// The arrays, by their bytes in the table.
    pub(crate) entries: Range<usize>,
    pub(crate) extents: Range<usize>,
    pub(crate) nodes: Range<usize>,
    pub(crate) shapes: Range<usize>,
    pub(super) ids: Range<usize>,
    pub(crate) names: Range<usize>,
}

impl TableHead {
    /// Length of the head of the table that `beginning` begins: preamble, page sums and their padding. It
    /// is no more than the table is long.
    pub(crate) fn len_of(beginning: &[u8], header: &AchHeader) -> Result<usize, Fault> {
        let start = header.table_offset;
        let field = |at: u64, field, found| {
            let problem = Problem::Field { field, found };
            Fault::new(Part::Table, start.saturating_add(at), problem)
        };
        let p: Preamble = beginning
            .get(..PREAMBLE_LEN)
            .map(bytemuck::pod_read_unaligned)
            .ok_or_else(|| field(0, "table length", header.table_len))?;
        if p.page_size != PAGE_SIZE {
            return Err(field(12, "page size", p.page_size.into()));
        }
        let page_count = p.body_len.div_ceil(PAGE_SIZE.into());
        let sums_end = page_count
            .checked_mul(4)
            .and_then(|n| n.checked_add(PREAMBLE_LEN as u64));
        let body_offset = sums_end.and_then(|end| align_up(end, 8));
        let body_end = body_offset.and_then(|offset| offset.checked_add(p.body_len));
        if body_offset != Some(p.body_offset) || body_end != Some(header.table_len) {
            return Err(field(16, "body offset or length", p.body_len));
        }
        usize::try_from(p.body_offset).map_err(|_| field(16, "body offset", p.body_offset))
    }

    /// Checks the head of a table, whole, against `header` and the length of the file. `mended` is one
    /// that was made of what is left of another: the parts of the file then need not fill it.
    pub(crate) fn check(
        head: &[u8],
        header: &AchHeader,
        file_len: u64,
        mended: bool,
    ) -> Result<TableHead, Fault> {
        let start = header.table_offset;
        let fault = |at: u64, problem| Fault::new(Part::Table, start.saturating_add(at), problem);
        let field = |at: u64, field, found| fault(at, Problem::Field { field, found });
        let len = TableHead::len_of(head, header)?;
        let head = head
            .get(..len)
            .ok_or_else(|| field(0, "table length", header.table_len))?;
        let crc = crc32fast::hash(head);
        if crc != header.table_crc {
            let (expected, found) = (header.table_crc, crc);
            return Err(fault(0, Problem::Checksum { expected, found }));
        }
        let (preamble, sums) = head.split_at(PREAMBLE_LEN);
        let preamble: Preamble = bytemuck::pod_read_unaligned(preamble);
        let p = &preamble;
        if p.file_len != file_len {
            let (expected, found) = (p.file_len, file_len);
            let problem = Problem::Length { expected, found };
            let at = p.file_len.min(file_len);
            return Err(Fault::new(Part::FileLength, at, problem));
        }
        let page_count = p.body_len.div_ceil(PAGE_SIZE.into()) as usize;
        let padding = sums.get(page_count * 4..).unwrap_or_default();
        if padding.iter().any(|b| *b != 0) {
            return Err(fault(p.body_offset, Problem::NotZero));
        }
        check_preamble(p, &field)?;

        // The arrays follow each other without gaps: their offsets are known from their counts.
        let mut end = p.body_offset;
        let mut array = |offset: u64, len: u64| {
            let start = end;
            end = start.saturating_add(len);
            (offset == start && end <= header.table_len)
                .then_some(start as usize..end as usize)
                .ok_or_else(|| {
                    let (start, length) = (offset, len);
                    fault(48, Problem::OutOfBounds { start, length })
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
        if names.end as u64 != header.table_len {
            return Err(field(24, "body length", p.body_len));
        }
        if !mended {
            check_areas(p, header, file_len)?;
        }
        Ok(TableHead {
            preamble,
            entries,
            extents,
            nodes,
            shapes,
            ids,
            names,
        })
    }

    pub(crate) fn preamble(&self) -> &Preamble {
        &self.preamble
    }

    /// Where the record of an entry stands in the table.
    pub(crate) fn entry_offset(&self, number: usize) -> u64 {
        (self.entries.start + number * size_of::<EntryRecord>()) as u64
    }
}

/// Compares a page of the body with its sum in `head`, a checked head.
pub(crate) fn check_page(
    head: &[u8],
    header: &AchHeader,
    number: usize,
    page: &[u8],
) -> Result<(), Fault> {
    let at = PREAMBLE_LEN + number * 4;
    let sum = head.get(at..).and_then(|rest| rest.first_chunk());
    let expected = u32::from_le_bytes(*sum.unwrap_or(&[0; 4]));
    let found = crc32fast::hash(page);
    if expected == found {
        return Ok(());
    }
    let at = header.table_offset + head.len() as u64 + number as u64 * u64::from(PAGE_SIZE);
    let problem = Problem::Checksum { expected, found };
    Err(Fault::new(Part::Table, at, problem))
}

/// The parts of the file stand in order, do not overlap, and only padding lies between them.
fn check_areas(p: &Preamble, header: &AchHeader, file_len: u64) -> Result<(), Fault> {
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
        let (start, length) = (area.offset, area.len);
        end = area
            .end()
            .filter(|end| *end <= file_len)
            .ok_or_else(|| Fault::new(part, start, Problem::OutOfBounds { start, length }))?;
    }
    if end != file_len {
        let (expected, found) = (end, file_len);
        let problem = Problem::Length { expected, found };
        return Err(Fault::new(Part::FileLength, end, problem));
    }
    Ok(())
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
