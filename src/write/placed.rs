//! The records of everything that has its place, and the table of contents they make.

use super::areas::aligned;
use crate::format::AREA_ALIGNMENT;
use crate::format::extent::ExtentRecord;
use crate::format::records::{Area, EntryRecord, NodeRecord, PAGE_SIZE, Preamble};
use crate::format::table_head::PREAMBLE_LEN;
use crate::tree::build::PlannedNode;

/// Records and places of everything but the table.
pub(super) struct Placed {
    pub(super) entries: Vec<EntryRecord>,
    pub(super) names: Vec<u8>,
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
        size_of_val(&self.entries[..])
            + size_of_val(&self.extents[..])
            + nodes * size_of::<NodeRecord>()
            + size_of_val(&self.shapes[..])
            + size_of_val(&self.shared_ids[..])
            + self.names.len()
    }

    pub(super) fn table_len(&self, nodes: usize) -> u64 {
        let body = self.body_len(nodes);
        (body_offset(body) + body) as u64
    }

    /// The bytes of the table, and the CRC-32 of its preamble and page sums.
    pub(super) fn table(&self, mut preamble: Preamble) -> (Vec<u8>, u32) {
        let body_len = self.body_len(self.nodes.len());
        let body_offset = body_offset(body_len);
        let mut table = vec![0; body_offset];
        table.reserve(body_len);
        let mut array = |bytes: &[u8]| {
            let offset = table.len() as u64;
            table.extend_from_slice(bytes);
            offset
        };
        preamble.entries_offset = array(bytemuck::cast_slice(&self.entries));
        preamble.extents_offset = array(bytemuck::cast_slice(&self.extents));
        preamble.nodes_offset = array(bytemuck::cast_slice(&self.nodes));
        preamble.shapes_offset = array(bytemuck::cast_slice(&self.shapes));
        array(bytemuck::cast_slice(&self.shared_ids));
        preamble.shared_id_count = self.shared_ids.len() as u32;
        preamble.names_offset = array(&self.names);
        preamble.names_len = self.names.len() as u64;
        preamble.body_offset = body_offset as u64;
        preamble.body_len = body_len as u64;
        let (head, body) = table.split_at_mut(body_offset);
        head[..PREAMBLE_LEN].copy_from_slice(bytemuck::bytes_of(&preamble));
        let sums = head[PREAMBLE_LEN..].as_chunks_mut::<4>().0;
        for (page, sum) in body.chunks(PAGE_SIZE as usize).zip(sums) {
            *sum = crc32fast::hash(page).to_le_bytes();
        }
        let crc = crc32fast::hash(head);
        (table, crc)
    }
}

/// Offset of the table's body: preamble, one sum a page, rounded up to 8.
fn body_offset(body_len: usize) -> usize {
    (PREAMBLE_LEN + body_len.div_ceil(PAGE_SIZE as usize) * 4).next_multiple_of(8)
}
