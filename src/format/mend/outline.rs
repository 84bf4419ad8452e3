//! What stands where in a damaged table, and which pages of it are intact.

use std::collections::HashSet;
use std::ops::Range;

use super::{Beyond, PAGE, Said};
use crate::fault::{Fault, Part, Problem};
use crate::format::correct::wrong_byte;
use crate::format::extent::ExtentRecord;
use crate::format::header::{AchHeader, HEADER_LEN};
use crate::format::records::{Area, EntryRecord, NodeRecord, PAGE_SIZE, Preamble};
use crate::format::sums::root_digest;
use crate::format::table_head::{PREAMBLE_LEN, check_preamble};
use crate::format::{NONE, TRAILER_LEN, align_up};

/// A table of which is known what stands where in it.
pub(super) struct Outline {
    pub(super) preamble: Preamble,
    /// Whether the sum over preamble and page sums is right.
    pub(super) is_trusted: bool,
    /// The pages of the body whose sums are not.
    pub(super) lost: HashSet<usize>,
    pub(super) entries: Range<usize>,
    pub(super) extents: Range<usize>,
    pub(super) nodes: Range<usize>,
    pub(super) shapes: Range<usize>,
    pub(super) ids: Range<usize>,
    pub(super) names: Range<usize>,
}

impl Outline {
    /// Corrects what can be corrected, and finds out what is where.
    pub(super) fn of(
        table: &mut Vec<u8>,
        header: &[u8; HEADER_LEN],
        known: Option<&AchHeader>,
        ends: &[[u8; 32]],
        offset: u64,
        said: &mut Said,
    ) -> Result<Outline, Beyond> {
        let fault = |problem| Beyond::Fault(Fault::new(Part::Table, offset, problem));
        let body = body_of(table.len()).ok_or_else(|| {
            let found = table.len() as u64;
            fault(Problem::Field {
                field: "table length",
                found,
            })
        })?;
        let original = table.clone();
        let mut corrected: Vec<String> = Vec::new();
        let expected = known.map(|header| header.table_crc);
        let mut is_trusted = expected == Some(crc32fast::hash(&table[..body]));
        if let (false, Some(sum)) = (is_trusted, expected)
            && let Some((place, byte)) = wrong_byte(&table[..body], sum)
        {
            table[place] = byte;
            is_trusted = true;
            corrected.push(format!("byte {}", offset + place as u64));
        }
        let mut lost = HashSet::new();
        for page in 0..(table.len() - body).div_ceil(PAGE) {
            let range = body + page * PAGE..(body + (page + 1) * PAGE).min(table.len());
            let at = PREAMBLE_LEN + page * 4;
            let sum = u32::from_le_bytes([table[at], table[at + 1], table[at + 2], table[at + 3]]);
            if crc32fast::hash(&table[range.clone()]) == sum {
                continue;
            }
            match wrong_byte(&table[range.clone()], sum) {
                Some((place, byte)) => {
                    table[range.start + place] = byte;
                    corrected.push(format!("byte {}", offset + (range.start + place) as u64));
                }
                None => {
                    lost.insert(page);
                }
            }
        }
        if !corrected.is_empty() {
            if known.is_some() && ends.contains(&root_digest(header, table)) {
                said.notes.push(format!(
                    "the table of contents: {} was wrong and is corrected",
                    corrected.join(", ")
                ));
            } else {
                // Nothing confirms it.
                *table = original;
                return Outline::of_uncorrected(table, expected, body, offset, said);
            }
        }
        Outline::checked(table, is_trusted, lost, body, offset, said)
    }

    fn of_uncorrected(
        table: &[u8],
        expected: Option<u32>,
        body: usize,
        offset: u64,
        said: &mut Said,
    ) -> Result<Outline, Beyond> {
        let is_trusted = expected == Some(crc32fast::hash(&table[..body]));
        let sums = table[PREAMBLE_LEN..].as_chunks::<4>().0;
        let pages = table[body..].chunks(PAGE).zip(sums).enumerate();
        let lost = pages
            .filter(|(_, (page, sum))| crc32fast::hash(page) != u32::from_le_bytes(**sum))
            .map(|(number, _)| number)
            .collect();
        Outline::checked(table, is_trusted, lost, body, offset, said)
    }

    fn checked(
        table: &[u8],
        is_trusted: bool,
        lost: HashSet<usize>,
        body: usize,
        offset: u64,
        said: &mut Said,
    ) -> Result<Outline, Beyond> {
        let mut p = Preamble::of(table);
        let field = |at: u64, field, found| {
            Fault::new(Part::Table, offset + at, Problem::Field { field, found })
        };
        let pages = (table.len() - body).div_ceil(PAGE);
        if !is_trusted {
            if lost.len() == pages {
                let problem =
                    Problem::Structure("neither its sum nor that of any page is right".to_owned());
                return Err(Beyond::Fault(Fault::new(Part::Table, offset, problem)));
            }
            said.lose(
                "table of contents",
                "its beginning is damaged: cells, functions' scopes, description, tags and metadata, as \
                 far as there were any, and to which session it belongs",
            );
        }
        check_preamble(&p, &field).map_err(Beyond::Fault)?;
        let mut end = body;
        let mut next = |count: u32, size: usize| -> Option<Range<usize>> {
            let start = end;
            end = start.checked_add((count as usize).checked_mul(size)?)?;
            (end <= table.len()).then_some(start..end)
        };
        let mut arrays = || {
            let entries = next(p.entry_count, size_of::<EntryRecord>())?;
            let extents = next(p.extent_count, size_of::<ExtentRecord>())?;
            let nodes = next(p.node_count, size_of::<NodeRecord>())?;
            let shapes = next(p.shape_count, 8)?;
            Some((entries, extents, nodes, shapes, next(p.shared_id_count, 8)?))
        };
        let of_file = p.body_offset == body as u64 && p.body_len == (table.len() - body) as u64;
        let arrays = arrays().filter(|(entries, extents, nodes, shapes, ids)| {
            let starts = [entries, extents, nodes, shapes].map(|range| range.start as u64);
            let said = [
                p.entries_offset,
                p.extents_offset,
                p.nodes_offset,
                p.shapes_offset,
            ];
            let names =
                p.names_offset == ids.end as u64 && p.names_len == (table.len() - ids.end) as u64;
            of_file && starts == said && names
        });
        let Some((entries, extents, nodes, shapes, ids)) = arrays else {
            return Err(Beyond::Fault(field(
                16,
                "body offset or length",
                p.body_len,
            )));
        };
        if !is_trusted {
            // What says which node is which cell may be wrong.
            p.shared_count = 0;
            p.shared_id_count = 0;
            p.metadata_node = NONE;
            p.session_id = [0; 16];
            p.folded_sequence = 0;
        }
        Ok(Outline {
            preamble: p,
            is_trusted,
            lost,
            names: ids.end..table.len(),
            entries,
            extents,
            nodes,
            shapes,
            ids,
        })
    }

    /// The preamble, with what else of the table says where nodes stand and how long the file was in
    /// place of what cannot be trusted. `there` is how long the file is.
    pub(super) fn agreed_preamble(&self, table: &[u8], there: u64) -> Preamble {
        let mut p = self.preamble;
        if self.is_trusted {
            return p;
        }
        p.nodes_area = self.nodes_area(table, there);
        let extents = (0..p.extent_count as usize)
            .filter_map(|n| self.record::<ExtentRecord>(table, &self.extents, n))
            .filter(|extent| !extent.is_lost())
            .flat_map(|extent| {
                let stored = extent.offset.checked_add(extent.stored_len);
                [stored, extent.sums_offset.checked_add(extent.sums_len())]
            });
        let ends = extents.flatten().chain(p.nodes_area.end());
        let ends = ends.filter_map(|end| end.checked_add(TRAILER_LEN));
        p.file_len = ends.max().unwrap_or(0).max(there);
        p
    }

    /// Where the nodes stand: what the preamble says, unless they say otherwise.
    fn nodes_area(&self, table: &[u8], there: u64) -> Area {
        let said = self.preamble.nodes_area;
        let nodes = (0..self.preamble.node_count as usize)
            .filter_map(|n| self.record::<NodeRecord>(table, &self.nodes, n));
        let ranges = nodes.map(|node| (node.offset, node.offset.saturating_add(node.len.into())));
        let seen = ranges.reduce(|all, (start, end)| (all.0.min(start), all.1.max(end)));
        let Some((start, end)) = seen else {
            return said;
        };
        let holds_them =
            said.offset <= start && said.end().is_some_and(|e| (end..=there).contains(&e));
        match holds_them && !self.has(self.nodes.clone()) {
            true => said,
            false => Area {
                offset: start,
                len: end - start,
            },
        }
    }

    /// Whether every byte of a range stands in a page that is not lost.
    pub(super) fn has(&self, range: Range<usize>) -> bool {
        let body = self.entries.start;
        range.is_empty()
            || ((range.start - body) / PAGE..=(range.end - 1 - body) / PAGE)
                .all(|page| !self.lost.contains(&page))
    }

    pub(super) fn record<T: bytemuck::Pod>(
        &self,
        table: &[u8],
        array: &Range<usize>,
        n: usize,
    ) -> Option<T> {
        let start = array.start + n * size_of::<T>();
        let range = start..start + size_of::<T>();
        let there = range.end <= array.end && self.has(range.clone());
        there.then(|| bytemuck::pod_read_unaligned(&table[range]))
    }
}

/// Where the body of a table of this length begins.
fn body_of(len: usize) -> Option<usize> {
    let rest = len.checked_sub(PREAMBLE_LEN)? as u64;
    // Each page of the body has a sum of 4 bytes in front of it.
    let least = rest.saturating_sub(7) / u64::from(PAGE_SIZE + 4);
    (least..=least + 1).find_map(|pages| {
        let body = align_up(PREAMBLE_LEN as u64 + pages * 4, 8)?;
        let body_len = (len as u64).checked_sub(body)?;
        (body_len.div_ceil(PAGE_SIZE.into()) == pages).then_some(body as usize)
    })
}
