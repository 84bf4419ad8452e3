//! The records of everything that has its place, and the table of contents they make.

use super::areas::aligned;
use super::entries::PlannedEntries;
use super::table::{PlacedTable, slices};
use crate::format::AREA_ALIGNMENT;
use crate::format::extent::ExtentRecord;
use crate::format::records::{Area, NodeRecord, PAGE_SIZE, Preamble};
use crate::format::table_head::PREAMBLE_LEN;
use crate::tree::build::PlannedNode;

/// Records and places of everything but the table.
pub(super) struct Placed {
    pub(super) entries: PlannedEntries,
    pub(super) extents: Vec<ExtentRecord>,
    pub(super) nodes: Vec<NodeRecord>,
    pub(super) shapes: Vec<u64>,
    /// Ids of the cells and scopes of a session.
    pub(super) shared_ids: Vec<u64>,
}

/// Where everything but the table stands in a file that is written but for it.
pub(super) struct WrittenParts {
    pub(super) file_len: u64,
    pub(super) table_offset: u64,
    pub(super) metadata_node: u32,
    pub(super) shared_count: u32,
    pub(super) nodes_area: Area,
    pub(super) extents_area: Area,
    pub(super) sums_area: Area,
}

impl Placed {
    /// Gives the nodes their places, one after the other, behind what ends at `end`.
    pub(super) fn place_nodes(&mut self, nodes: &[PlannedNode], end: u64) -> Area {
        let offset = aligned(end, AREA_ALIGNMENT);
        let mut node_end = offset;
        for node in nodes {
            self.nodes.push(NodeRecord {
                offset: node_end,
                len: node.len,
                crc: node.crc,
            });
            node_end += u64::from(node.len);
        }
        Area {
            offset,
            len: node_end - offset,
        }
    }

    fn body_len(&self, nodes: usize) -> usize {
        let (entries, names) = self.entries.as_bytes();
        entries.len()
            + size_of_val(&self.extents[..])
            + nodes * size_of::<NodeRecord>()
            + size_of_val(&self.shapes[..])
            + size_of_val(&self.shared_ids[..])
            + names.len()
    }

    pub(super) fn table_len(&self, nodes: usize) -> u64 {
        let body = self.body_len(nodes);
        (body_offset(body) + body) as u64
    }

    /// The table: preamble and page sums are made here, everything else stays where it is.
    pub(super) fn table(&self, mut preamble: Preamble) -> PlacedTable<'_> {
        let body_len = self.body_len(self.nodes.len());
        let body_offset = body_offset(body_len);
        let (entries, names) = self.entries.as_bytes();
        let body = [
            entries,
            bytemuck::cast_slice(&self.extents),
            bytemuck::cast_slice(&self.nodes),
            bytemuck::cast_slice(&self.shapes),
            bytemuck::cast_slice(&self.shared_ids),
            names,
        ];
        let mut end = body_offset as u64;
        let starts = body.map(|array| {
            let start = end;
            end += array.len() as u64;
            start
        });
        [
            preamble.entries_offset,
            preamble.extents_offset,
            preamble.nodes_offset,
            preamble.shapes_offset,
            _,
            preamble.names_offset,
        ] = starts;
        preamble.shared_id_count = self.shared_ids.len() as u32;
        preamble.names_len = names.len() as u64;
        preamble.body_offset = body_offset as u64;
        preamble.body_len = body_len as u64;
        let mut head = vec![0; body_offset];
        head[..PREAMBLE_LEN].copy_from_slice(bytemuck::bytes_of(&preamble));
        let sums = head[PREAMBLE_LEN..].as_chunks_mut::<4>().0;
        for (page, sum) in (0..).step_by(PAGE_SIZE as usize).zip(sums) {
            let len = (PAGE_SIZE as usize).min(body_len.saturating_sub(page));
            let mut hasher = crc32fast::Hasher::new();
            slices(&body, page..page + len).for_each(|bytes| hasher.update(bytes));
            // Behind the last sum stand zeros, up to where the body begins.
            if len > 0 {
                *sum = hasher.finalize().to_le_bytes();
            }
        }
        PlacedTable { head, body }
    }
}

/// Offset of the table's body: preamble, one sum a page, rounded up to 8.
fn body_offset(body_len: usize) -> usize {
    (PREAMBLE_LEN + body_len.div_ceil(PAGE_SIZE as usize) * 4).next_multiple_of(8)
}
