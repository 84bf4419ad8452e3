//! The records of extents, nodes and shapes, which archives and value images share, and their check:
//! everything lies in its area, rising and disjoint, and names only what is there.

use std::cmp::Ordering;

use super::extent::ExtentRecord;
use super::records::{Area, NodeRecord, Preamble, Slot, TensorSlot};
use super::{MAX_PADDING, NONE};
use crate::fault::{Fault, Part, Problem};
use crate::limits::{MAX_NODE_BYTES, MAX_RANK};
use crate::value::{byte_len, checked_byte_len};

/// The records that archives and value images share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a> {
    pub(crate) extents: &'a [ExtentRecord],
    pub(crate) nodes: &'a [NodeRecord],
    pub(crate) shapes: &'a [u64],
    /// How many nodes, the last ones, are contents of cells and scopes.
    pub(crate) shared_count: u32,
    /// Whether an extent may be named by its digest alone: in frames of a journal.
    pub(crate) may_stand_elsewhere: bool,
}

impl<'a> Records<'a> {
    /// Extents, nodes and sum lists lie in their areas, rising and disjoint.
    pub(crate) fn check(&self, p: &Preamble) -> Result<(), Fault> {
        self.check_areas(p.nodes_area, p.extents_area, p.sums_area)
    }

    pub(crate) fn check_areas(&self, nodes: Area, extents: Area, sums: Area) -> Result<(), Fault> {
        let outside = |start, length| Problem::OutOfBounds { start, length };
        if !nodes.offset.is_multiple_of(8) || !sums.offset.is_multiple_of(8) {
            let problem = Problem::Field {
                field: "area offset (not aligned)",
                found: nodes.offset,
            };
            return Err(Fault::new(Part::Padding, nodes.offset, problem));
        }
        self.check_nodes(nodes)?;
        let (mut end, mut sums_end) = (extents.offset, sums.offset);
        for (number, extent) in self.extents.iter().enumerate() {
            let fault = |problem| Fault::new(Part::Extent(number as u32), extent.offset, problem);
            if self.may_stand_elsewhere && extent.is_elsewhere() {
                extent.check_elsewhere().map_err(fault)?;
                continue;
            }
            extent.check().map_err(fault)?;
            match extent.offset.cmp(&end) {
                Ordering::Less => return Err(fault(Problem::Overlap)),
                _ if extent.offset - end > MAX_PADDING => {
                    return Err(fault(outside(end, extent.offset - end)));
                }
                _ => {}
            }
            let range_end = extent.offset.checked_add(extent.stored_len);
            end = range_end.ok_or_else(|| fault(outside(extent.offset, extent.stored_len)))?;
            let list = extent.sums_len();
            if list > 0 {
                if extent.sums_offset != sums_end {
                    return Err(fault(outside(extent.sums_offset, list)));
                }
                // Bounded by the area at the end, so a huge list cannot wrap around unseen.
                sums_end = sums_end.saturating_add(list).saturating_add(list % 8);
            }
        }
        if extents.end() != Some(end) {
            return Err(Fault::new(
                Part::Padding,
                end,
                outside(extents.offset, extents.len),
            ));
        }
        if sums.end() != Some(sums_end) {
            return Err(Fault::new(
                Part::Padding,
                sums_end,
                outside(sums.offset, sums.len),
            ));
        }
        Ok(())
    }

    /// Nodes follow each other and fill their area.
    fn check_nodes(&self, nodes: Area) -> Result<(), Fault> {
        let outside = |start, length| Problem::OutOfBounds { start, length };
        let mut end = nodes.offset;
        for (number, node) in self.nodes.iter().enumerate() {
            let fault = |problem| Fault::new(Part::Node(number as u32), node.offset, problem);
            if node.offset != end {
                return Err(fault(outside(node.offset, node.len.into())));
            }
            node.check().map_err(fault)?;
            end = end.saturating_add(node.len.into());
        }
        if nodes.end() != Some(end) {
            return Err(Fault::new(
                Part::Padding,
                end,
                outside(nodes.offset, nodes.len),
            ));
        }
        Ok(())
    }

    /// What is left of a damaged table: nodes and extents lie in the file, of `file_len` bytes.
    pub(crate) fn check_mended(&self, p: &Preamble, file_len: u64) -> Result<(), Fault> {
        let outside = |start, length| Problem::OutOfBounds { start, length };
        self.check_nodes(p.nodes_area)?;
        let nodes = p.nodes_area;
        if nodes.end().is_none_or(|end| end > file_len) {
            let problem = outside(nodes.offset, nodes.len);
            return Err(Fault::new(Part::Padding, nodes.offset, problem));
        }
        for (number, extent) in self.extents.iter().enumerate() {
            let fault = |problem| Fault::new(Part::Extent(number as u32), extent.offset, problem);
            if extent.is_lost() {
                continue;
            }
            extent.check().map_err(fault)?;
            let ranges = [
                (extent.offset, extent.stored_len),
                (extent.sums_offset, extent.sums_len()),
            ];
            for (start, len) in ranges {
                if start.checked_add(len).is_none_or(|end| end > file_len) {
                    return Err(fault(outside(start, len)));
                }
            }
        }
        Ok(())
    }

    /// A slot names shapes, extents and nodes that exist, and a tensor's size is its extent's.
    pub(crate) fn check_slot(&self, slot: Slot) -> Result<(), Problem> {
        match slot {
            Slot::Node(node) if node as usize >= self.nodes.len() => Err(Problem::Field {
                field: "node number",
                found: node.into(),
            }),
            Slot::Tensor(tensor) => {
                let shape = self.shape(&tensor).ok_or(Problem::Field {
                    field: "shape of a tensor",
                    found: tensor.shape.into(),
                })?;
                self.check_tensor(tensor.dtype, shape, tensor.extent)
            }
            _ => Ok(()),
        }
    }

    /// The dimensions of a tensor in a slot.
    pub(crate) fn shape(&self, tensor: &TensorSlot) -> Option<&'a [u64]> {
        let start = tensor.shape as usize;
        if usize::from(tensor.rank) > MAX_RANK {
            return None;
        }
        self.shapes.get(start..start + usize::from(tensor.rank))
    }

    /// The bytes a tensor needs are those its extent has.
    pub(crate) fn check_tensor(
        &self,
        dtype: u8,
        shape: &[u64],
        extent: u32,
    ) -> Result<(), Problem> {
        let raw_len = match extent {
            NONE => 0,
            number => {
                self.extents
                    .get(number as usize)
                    .ok_or_else(|| no_extent(number))?
                    .raw_len
            }
        };
        check_tensor(dtype, shape, raw_len)
    }
}

impl NodeRecord {
    /// Checks what can be checked of the record alone.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let (start, length) = (self.offset, self.len.into());
        if self.len == 0 || !self.len.is_multiple_of(8) {
            return Err(Problem::OutOfBounds { start, length });
        }
        if self.len as usize > MAX_NODE_BYTES {
            let (field, found) = ("node length", length);
            return Err(Problem::Field { field, found });
        }
        Ok(())
    }
}

/// What is wrong where an extent is named that is not there.
pub(crate) fn no_extent(number: u32) -> Problem {
    let (field, found) = ("extent number", number.into());
    Problem::Field { field, found }
}

/// The bytes a tensor needs are the `raw_len` that its extent has.
pub(crate) fn check_tensor(dtype: u8, shape: &[u64], raw_len: u64) -> Result<(), Problem> {
    // A dtype of a later version has an unknown width: listed, but not read.
    let Some(dtype) = crate::value::DType::from_code(dtype) else {
        return Ok(());
    };
    if shape.len() <= MAX_RANK && checked_byte_len(dtype, shape) == Some(raw_len) {
        return Ok(());
    }
    Err(match byte_len(dtype, shape) {
        Ok(needed) => Problem::Length {
            expected: needed,
            found: raw_len,
        },
        Err(e) => Problem::Structure(e.to_string()),
    })
}
