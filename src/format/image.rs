//! The head of a value image: one value on its own, with the records and areas of an archive and
//! offsets that count from the beginning of the image.
//!
//! ```text
//! 0     head, 64 bytes    magic, length, counts, the value's slot, CRC-32 of tables and of itself
//! 64    extents | nodes | shapes (records as in the table of contents) | ids of cells
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

/// Flag: ids of its cells and scopes follow the shapes, and extents may stand elsewhere.
const FLAG_OF_SESSION: u8 = 1;

/// Set in the id of a cell whose content is not in the image.
pub(crate) const CONTENT_ELSEWHERE: u64 = 1 << 63;

/// The head of an image and its records.
#[derive(Debug)]
pub(crate) struct ImageHead {
    pub(crate) slot: Slot,
    /// Node of the attribute record of the binding.
    pub(crate) attributes: Option<u32>,
    pub(crate) extents: Vec<ExtentRecord>,
    pub(crate) nodes: Vec<NodeRecord>,
    pub(crate) shapes: Vec<u64>,
    /// How many nodes, the last ones, are contents of cells and scopes.
    pub(crate) shared_count: u32,
    /// In a session: the id of each cell and scope.
    pub(crate) shared_ids: Option<Vec<u64>>,
}

/// How many records of each sort an image has.
#[derive(Clone, Copy)]
struct Counts {
    extents: usize,
    nodes: usize,
    shapes: usize,
    ids: usize,
}

impl Counts {
    /// Length of head and records in bytes: where the nodes start.
    fn tables_end(self) -> u64 {
        IMAGE_HEAD_LEN as u64
            + self.extents as u64 * size_of::<ExtentRecord>() as u64
            + self.nodes as u64 * size_of::<NodeRecord>() as u64
            + (self.shapes as u64 + self.ids as u64) * 8
    }
}

impl ImageHead {
    /// Length of head and records in bytes: where the nodes start.
    pub(crate) fn len(extents: usize, nodes: usize, shapes: usize, ids: usize) -> u64 {
        let counts = Counts {
            extents,
            nodes,
            shapes,
            ids,
        };
        counts.tables_end()
    }

    /// Head and records as bytes, for an image of `total_len` bytes.
    pub(crate) fn to_bytes(&self, total_len: u64) -> Vec<u8> {
        let ids = self.shared_ids.as_deref().unwrap_or_default();
        let len = ImageHead::len(
            self.extents.len(),
            self.nodes.len(),
            self.shapes.len(),
            ids.len(),
        );
        let mut bytes = Vec::with_capacity(len as usize);
        bytes.resize(IMAGE_HEAD_LEN, 0);
        bytes.extend_from_slice(bytemuck::cast_slice(&self.extents));
        bytes.extend_from_slice(bytemuck::cast_slice(&self.nodes));
        bytes.extend_from_slice(bytemuck::cast_slice(&self.shapes));
        bytes.extend_from_slice(bytemuck::cast_slice(ids));
        let (head, tables) = bytes.split_at_mut(IMAGE_HEAD_LEN);
        let (kind, payload) = self.slot.to_record();
        head[0..4].copy_from_slice(&IMAGE_MAGIC);
        head[4..6].copy_from_slice(&IMAGE_VERSION.to_le_bytes());
        head[8..16].copy_from_slice(&total_len.to_le_bytes());
        head[16..20].copy_from_slice(&(self.extents.len() as u32).to_le_bytes());
        head[20..24].copy_from_slice(&(self.nodes.len() as u32).to_le_bytes());
        head[24..28].copy_from_slice(&(self.shapes.len() as u32).to_le_bytes());
        head[28..32].copy_from_slice(&self.shared_count.to_le_bytes());
        head[32..48].copy_from_slice(bytemuck::bytes_of(&payload));
        head[48] = kind;
        head[49] = u8::from(self.shared_ids.is_some()) * FLAG_OF_SESSION;
        // Zero for none, so that an image without attributes has zeros here.
        let attributes = self.attributes.map_or(0, |node| node.wrapping_add(1));
        head[52..56].copy_from_slice(&attributes.to_le_bytes());
        head[56..60].copy_from_slice(&crc32fast::hash(tables).to_le_bytes());
        let crc = crc32fast::hash(&head[..60]);
        head[60..64].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads and checks head and records of an image that is exactly `bytes`, and its padding.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<ImageHead, Fault> {
        let head = ImageHead::read(bytes.len() as u64, |len| {
            let head = bytes.get(..len as usize).unwrap_or_default();
            Ok::<_, Fault>(head.to_vec())
        })?;
        head.check_padding(bytes)?;
        Ok(head)
    }

    /// Reads and checks head and records of an image of `length` bytes; `first` gives its first
    /// bytes, as many as asked for. It is asked twice.
    pub(crate) fn read<E: From<Fault>>(
        length: u64,
        first: impl Fn(u64) -> Result<Vec<u8>, E>,
    ) -> Result<ImageHead, E> {
        let bytes = first(length.min(IMAGE_HEAD_LEN as u64))?;
        let Some(head) = bytes.first_chunk::<IMAGE_HEAD_LEN>() else {
            let problem = Problem::Length {
                expected: IMAGE_HEAD_LEN as u64,
                found: length,
            };
            return Err(Fault::new(Part::Header, 0, problem).into());
        };
        let counts = check_head(head, length)?;
        // Bounded by the length, which is that of the file or of memory.
        let tables = first(counts.tables_end())?;
        let tables = tables.get(IMAGE_HEAD_LEN..).unwrap_or_default();
        Ok(ImageHead::from_records(head, counts, tables, length)?)
    }

    fn from_records(
        head: &[u8; IMAGE_HEAD_LEN],
        counts: Counts,
        tables: &[u8],
        length: u64,
    ) -> Result<ImageHead, Fault> {
        let fault = |at: u64, problem| Fault::new(Part::Header, at, problem);
        let field = |at: u64, field, found| fault(at, Problem::Field { field, found });
        let (expected, found) = (u32_at(head, 56), crc32fast::hash(tables));
        if expected != found {
            return Err(fault(56, Problem::Checksum { expected, found }));
        }
        let (extents, tables) = tables.split_at(counts.extents * size_of::<ExtentRecord>());
        let (nodes, tables) = tables.split_at(counts.nodes * size_of::<NodeRecord>());
        let (shapes, ids) = tables.split_at(counts.shapes * 8);
        let slot = Slot::from_record(head[48], [u64_at(head, 32), u64_at(head, 40)])
            .ok_or_else(|| field(48, "kind of the value", head[48].into()))?;
        let of_session = head[49] & FLAG_OF_SESSION != 0;
        let attributes = u32_at(head, 52).checked_sub(1);
        let read = ImageHead {
            slot,
            attributes,
            extents: bytemuck::pod_collect_to_vec(extents),
            nodes: bytemuck::pod_collect_to_vec(nodes),
            shapes: bytemuck::pod_collect_to_vec(shapes),
            shared_count: u32_at(head, 28),
            shared_ids: of_session.then(|| bytemuck::pod_collect_to_vec(ids)),
        };
        if attributes.is_some_and(|node| node as usize >= counts.nodes) {
            return Err(field(52, "attribute node", u32_at(head, 52).into()));
        }
        read.check_areas(counts.tables_end(), length)?;
        let problem = read.records().check_slot(slot);
        problem.map_err(|problem| fault(32, problem))?;
        Ok(read)
    }

    fn tables_end(&self) -> u64 {
        let ids = self.shared_ids.as_ref().map_or(0, Vec::len);
        ImageHead::len(self.extents.len(), self.nodes.len(), self.shapes.len(), ids)
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
        let start = match self.extents.iter().all(ExtentRecord::is_elsewhere) {
            true => Some(end),
            false => align_up(end, 64),
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
    fn check_padding(&self, bytes: &[u8]) -> Result<(), Fault> {
        let nodes: u64 = self.nodes.iter().map(|node| u64::from(node.len)).sum();
        let here = || self.extents.iter().filter(|extent| !extent.is_elsewhere());
        let lists = here().filter(|extent| extent.sums_len() > 0);
        let lists = lists.map(|extent| (extent.sums_offset, extent.sums_len()));
        let arrays = here().map(|extent| (extent.offset, extent.stored_len));
        let mut end = self.tables_end() + nodes;
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
            may_stand_elsewhere: self.shared_ids.is_some(),
        }
    }
}

fn u32_at(head: &[u8; IMAGE_HEAD_LEN], at: usize) -> u32 {
    u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
}

fn u64_at(head: &[u8; IMAGE_HEAD_LEN], at: usize) -> u64 {
    u64::from(u32_at(head, at)) | u64::from(u32_at(head, at + 4)) << 32
}

/// Checks what the head says before anything behind it is read: how many records there are.
fn check_head(head: &[u8; IMAGE_HEAD_LEN], length: u64) -> Result<Counts, Fault> {
    let fault = |at: u64, problem| Fault::new(Part::Header, at, problem);
    let field = |at: u64, field, found| fault(at, Problem::Field { field, found });
    if head[..4] != IMAGE_MAGIC {
        return Err(field(0, "magic", u32_at(head, 0).into()));
    }
    let (expected, found) = (u32_at(head, 60), crc32fast::hash(&head[..60]));
    if expected != found {
        return Err(fault(60, Problem::Checksum { expected, found }));
    }
    if u32_at(head, 4) != u32::from(IMAGE_VERSION) {
        let found = u32_at(head, 4).into();
        return Err(field(4, "version of the value image", found));
    }
    if u64_at(head, 8) != length {
        let problem = Problem::Length {
            expected: u64_at(head, 8),
            found: length,
        };
        return Err(fault(8, problem));
    }
    if head[49] & !FLAG_OF_SESSION != 0 || head[50..52] != [0; 2] {
        return Err(fault(49, Problem::NotZero));
    }
    let [extents, nodes, shapes, shared] = [16, 20, 24, 28].map(|at| u32_at(head, at) as usize);
    if shared > nodes {
        return Err(field(28, "number of shared nodes", shared as u64));
    }
    let ids = match head[49] & FLAG_OF_SESSION {
        0 => 0,
        _ => shared,
    };
    let counts = Counts {
        extents,
        nodes,
        shapes,
        ids,
    };
    if counts.tables_end() > length {
        let problem = Problem::Length {
            expected: counts.tables_end(),
            found: length,
        };
        return Err(fault(16, problem));
    }
    Ok(counts)
}
