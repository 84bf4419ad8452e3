//! The head of a value image: one value on its own, with the records and areas of an archive and
//! offsets that count from the beginning of the image.
//!
//! ```text
//! 0     head, 64 bytes    magic, length, counts, the value's slot, CRC-32 of tables and of itself
//! 64    extents | nodes | shapes (records as in the table of contents)
//! ...   nodes, block sums, extents (aligned to 64)
//! ```

use super::align_up;
use super::extent::ExtentRecord;
use super::parts::Records;
use super::records::{Area, NodeRecord, Slot};
use crate::fault::{Fault, Part, Problem};

pub(crate) const IMAGE_MAGIC: [u8; 4] = *b"ACHV";
pub(crate) const IMAGE_VERSION: u16 = 1;
pub(crate) const IMAGE_HEAD_LEN: usize = 64;

/// The head of an image and its records.
#[derive(Debug)]
pub(crate) struct ImageHead {
    pub(crate) slot: Slot,
    pub(crate) extents: Vec<ExtentRecord>,
    pub(crate) nodes: Vec<NodeRecord>,
    pub(crate) shapes: Vec<u64>,
    /// How many nodes, the last ones, are contents of cells and scopes.
    pub(crate) shared_count: u32,
}

impl ImageHead {
    /// Length of head and records in bytes: where the nodes start.
    pub(crate) fn len(extents: usize, nodes: usize, shapes: usize) -> u64 {
        IMAGE_HEAD_LEN as u64
            + extents as u64 * size_of::<ExtentRecord>() as u64
            + nodes as u64 * size_of::<NodeRecord>() as u64
            + shapes as u64 * 8
    }

    /// Head and records as bytes, for an image of `total_len` bytes.
    pub(crate) fn to_bytes(&self, total_len: u64) -> Vec<u8> {
        let mut tables: Vec<u8> = bytemuck::cast_slice(&self.extents).to_vec();
        tables.extend_from_slice(bytemuck::cast_slice(&self.nodes));
        tables.extend_from_slice(bytemuck::cast_slice(&self.shapes));
        let (kind, payload) = self.slot.to_record();
        let mut head = [0u8; IMAGE_HEAD_LEN];
        head[0..4].copy_from_slice(&IMAGE_MAGIC);
        head[4..6].copy_from_slice(&IMAGE_VERSION.to_le_bytes());
        head[8..16].copy_from_slice(&total_len.to_le_bytes());
        head[16..20].copy_from_slice(&(self.extents.len() as u32).to_le_bytes());
        head[20..24].copy_from_slice(&(self.nodes.len() as u32).to_le_bytes());
        head[24..28].copy_from_slice(&(self.shapes.len() as u32).to_le_bytes());
        head[28..32].copy_from_slice(&self.shared_count.to_le_bytes());
        head[32..48].copy_from_slice(bytemuck::bytes_of(&payload));
        head[48] = kind;
        head[56..60].copy_from_slice(&crc32fast::hash(&tables).to_le_bytes());
        let crc = crc32fast::hash(&head[..60]);
        head[60..64].copy_from_slice(&crc.to_le_bytes());
        let mut bytes = head.to_vec();
        bytes.append(&mut tables);
        bytes
    }

    /// Reads and checks head and records of an image that is exactly `bytes`.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<ImageHead, Fault> {
        let fault = |at: u64, problem| Fault::new(Part::Header, at, problem);
        let field = |at: u64, field, found| fault(at, Problem::Field { field, found });
        let length = bytes.len() as u64;
        let Some((head, rest)) = bytes.split_first_chunk::<IMAGE_HEAD_LEN>() else {
            let expected = IMAGE_HEAD_LEN as u64;
            return Err(fault(
                0,
                Problem::Length {
                    expected,
                    found: length,
                },
            ));
        };
        let u32_at =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
        if head[..4] != IMAGE_MAGIC {
            return Err(field(0, "magic", u32_at(0).into()));
        }
        let (expected, found) = (u32_at(60), crc32fast::hash(&head[..60]));
        if expected != found {
            return Err(fault(60, Problem::Checksum { expected, found }));
        }
        if u32_at(4) != u32::from(IMAGE_VERSION) {
            return Err(field(4, "version of the value image", u32_at(4).into()));
        }
        if u64_at(8) != length {
            return Err(fault(
                8,
                Problem::Length {
                    expected: u64_at(8),
                    found: length,
                },
            ));
        }
        if head[49..56] != [0; 7] {
            return Err(fault(49, Problem::NotZero));
        }
        let [extents, nodes, shapes] = [u32_at(16), u32_at(20), u32_at(24)].map(|n| n as usize);
        let tables_end = ImageHead::len(extents, nodes, shapes);
        let Some(tables) = rest.get(..tables_end as usize - IMAGE_HEAD_LEN) else {
            return Err(fault(
                16,
                Problem::Length {
                    expected: tables_end,
                    found: length,
                },
            ));
        };
        let (expected, found) = (u32_at(56), crc32fast::hash(tables));
        if expected != found {
            return Err(fault(56, Problem::Checksum { expected, found }));
        }
        let (extent_bytes, tables) = tables.split_at(extents * size_of::<ExtentRecord>());
        let (node_bytes, shape_bytes) = tables.split_at(nodes * size_of::<NodeRecord>());
        let slot = Slot::from_record(head[48], [u64_at(32), u64_at(40)])
            .ok_or_else(|| field(48, "kind of the value", head[48].into()))?;
        let head = ImageHead {
            slot,
            extents: bytemuck::pod_collect_to_vec(extent_bytes),
            nodes: bytemuck::pod_collect_to_vec(node_bytes),
            shapes: bytemuck::pod_collect_to_vec(shape_bytes),
            shared_count: u32_at(28),
        };
        if head.shared_count as usize > head.nodes.len() {
            return Err(field(
                28,
                "number of shared nodes",
                head.shared_count.into(),
            ));
        }
        head.check_areas(tables_end, length)?;
        head.check_padding(bytes, tables_end)?;
        let problem = head.records().check_slot(slot);
        problem.map_err(|problem| fault(32, problem))?;
        Ok(head)
    }

    /// Nodes, sums and extents follow the records in this order, each at its alignment.
    fn check_areas(&self, tables_end: u64, length: u64) -> Result<(), Fault> {
        let node_bytes = self.nodes.iter().map(|node| u64::from(node.len)).sum();
        let nodes = Area {
            offset: tables_end,
            len: node_bytes,
        };
        let sums_offset = tables_end + node_bytes;
        let lists = self.extents.iter().map(|extent| {
            let list = extent.sums_len();
            list.saturating_add(list % 8)
        });
        let sums = Area {
            offset: sums_offset,
            len: lists.fold(0, u64::saturating_add),
        };
        let end = sums.end().filter(|end| *end <= length).ok_or_else(|| {
            let problem = Problem::OutOfBounds {
                start: sums.offset,
                length: sums.len,
            };
            Fault::new(Part::Padding, sums.offset, problem)
        })?;
        let start = if self.extents.is_empty() {
            Some(end)
        } else {
            align_up(end, 64)
        };
        let start = start.filter(|start| *start <= length).ok_or_else(|| {
            let problem = Problem::OutOfBounds { start: end, length };
            Fault::new(Part::Padding, end, problem)
        })?;
        let extents = Area {
            offset: start,
            len: length - start,
        };
        self.records().check_areas(nodes, extents, sums)
    }

    /// Every byte that belongs to no part is zero.
    fn check_padding(&self, bytes: &[u8], tables_end: u64) -> Result<(), Fault> {
        let nodes: u64 = self.nodes.iter().map(|node| u64::from(node.len)).sum();
        let lists = self.extents.iter().filter(|extent| extent.sums_len() > 0);
        let lists = lists.map(|extent| (extent.sums_offset, extent.sums_len()));
        let arrays = self.extents.iter().map(|e| (e.offset, e.stored_len));
        let mut end = tables_end + nodes;
        for (offset, len) in lists.chain(arrays) {
            // In order, disjoint and inside: the areas were checked.
            let gap = bytes.get(end as usize..offset as usize).unwrap_or_default();
            if let Some(at) = gap.iter().position(|b| *b != 0) {
                return Err(Fault::new(Part::Padding, end + at as u64, Problem::NotZero));
            }
            end = offset + len;
        }
        Ok(())
    }

    pub(crate) fn records(&self) -> Records<'_> {
        Records {
            extents: &self.extents,
            nodes: &self.nodes,
            shapes: &self.shapes,
            shared_count: self.shared_count,
        }
    }
}
