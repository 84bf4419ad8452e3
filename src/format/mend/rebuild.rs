//! A table that says of what is intact what the damaged one said.

use std::collections::HashSet;

use super::outline::Outline;
use super::{Loss, PAGE};
use crate::format::NONE;
use crate::format::extent::ExtentRecord;
use crate::format::records::{EntryRecord, NodeRecord, Preamble, Slot};
use crate::format::table_head::PREAMBLE_LEN;
use crate::limits::{MAX_NAME_BYTES, MAX_NODE_BYTES};

/// A table and what it could not take over.
pub(super) struct Rebuilt {
    pub(super) table: Vec<u8>,
    pub(super) lost: Vec<Loss>,
    pub(super) renamed: Vec<String>,
}

/// A table of what is intact.
pub(super) fn rebuild(table: &[u8], p: &Preamble, outline: &Outline) -> Rebuilt {
    let extents = (0..p.extent_count as usize)
        .map(|n| outline.record(table, &outline.extents, n))
        .map(|record| record.unwrap_or_else(ExtentRecord::lost));
    let extents = sound(extents, p.file_len);
    let nodes = nodes(table, outline);
    let shapes = (0..p.shape_count as usize)
        .map(|n| outline.record(table, &outline.shapes, n))
        .collect::<Vec<Option<u64>>>();
    let mut lost = Vec::new();
    let mut unnamed = 0;
    let mut kept: Vec<(Option<String>, EntryRecord)> = Vec::new();
    for number in 0..p.entry_count as usize {
        let Some(entry) = outline.record::<EntryRecord>(table, &outline.entries, number) else {
            unnamed += 1;
            continue;
        };
        let name = name_of(table, outline, &entry);
        match reason_lost(&entry, &extents, &shapes) {
            None => kept.push((name, entry)),
            Some(reason) => lost.push(Loss {
                name,
                part: "",
                reason: reason.to_owned(),
            }),
        }
    }
    lost.extend((0..unnamed).map(|_| Loss {
        name: None,
        part: "",
        reason: "its record in the table of contents is damaged, and its name with it".to_owned(),
    }));
    let (entries, names, renamed) = named(kept, &mut lost);
    let mut preamble = *p;
    preamble.entry_count = entries.len() as u32;
    preamble.shared_id_count = p.shared_id_count;
    let mut body: Vec<u8> = Vec::new();
    body.extend_from_slice(bytemuck::cast_slice(&entries));
    body.extend_from_slice(bytemuck::cast_slice(&extents));
    body.extend_from_slice(bytemuck::cast_slice(&nodes));
    for dimension in &shapes {
        body.extend_from_slice(&dimension.unwrap_or_default().to_le_bytes());
    }
    for n in 0..p.shared_id_count as usize {
        let id = outline.record(table, &outline.ids, n);
        // One that no cell has.
        body.extend_from_slice(&id.unwrap_or(u64::MAX - n as u64).to_le_bytes());
    }
    body.extend_from_slice(names.as_bytes());
    let offset = PREAMBLE_LEN + body.len().div_ceil(PAGE) * 4;
    preamble.body_offset = offset.next_multiple_of(8) as u64;
    preamble.body_len = body.len() as u64;
    let mut at = preamble.body_offset;
    let mut next = |len: usize| {
        let start = at;
        at += len as u64;
        start
    };
    preamble.entries_offset = next(size_of_val(&entries[..]));
    preamble.extents_offset = next(size_of_val(&extents[..]));
    preamble.nodes_offset = next(size_of_val(&nodes[..]));
    preamble.shapes_offset = next(shapes.len() * 8);
    next(p.shared_id_count as usize * 8);
    preamble.names_offset = next(names.len());
    preamble.names_len = names.len() as u64;
    let mut table = bytemuck::bytes_of(&preamble).to_vec();
    for page in body.chunks(PAGE) {
        table.extend_from_slice(&crc32fast::hash(page).to_le_bytes());
    }
    table.resize(preamble.body_offset as usize, 0);
    table.extend_from_slice(&body);
    Rebuilt {
        table,
        lost,
        renamed,
    }
}

/// Records that say something of the file: what lies outside of it, or over one before, is lost.
fn sound(records: impl Iterator<Item = ExtentRecord>, file_len: u64) -> Vec<ExtentRecord> {
    let (mut data_end, mut sums_end) = (0, 0);
    let within = |start: u64, len: u64, from: u64| {
        let end = start.checked_add(len).filter(|end| *end <= file_len)?;
        (len == 0 || start >= from).then_some(end.max(from))
    };
    let mut take = |record: ExtentRecord| {
        if record.is_lost() || record.check().is_err() {
            return None;
        }
        let data = within(record.offset, record.stored_len, data_end)?;
        let sums = within(record.sums_offset, record.sums_len(), sums_end)?;
        (data_end, sums_end) = (data, sums);
        Some(record)
    };
    records
        .map(|record| take(record).unwrap_or_else(ExtentRecord::lost))
        .collect()
}

/// Nodes follow each other: those whose records are lost fill what is between the others, with sums
/// that their bytes do not have.
fn nodes(table: &[u8], outline: &Outline) -> Vec<NodeRecord> {
    let p = &outline.preamble;
    let found: Vec<Option<NodeRecord>> = (0..p.node_count as usize)
        .map(|n| outline.record(table, &outline.nodes, n))
        .collect();
    let mut nodes: Vec<NodeRecord> = Vec::with_capacity(found.len());
    let mut at = 0;
    while at < found.len() {
        if let Some(node) = found[at] {
            nodes.push(node);
            at += 1;
            continue;
        }
        let end = found[at..].iter().position(Option::is_some);
        let end = end.map_or(found.len(), |run| at + run);
        let start = nodes.last().map_or(Some(p.nodes_area.offset), |node| {
            node.offset.checked_add(node.len.into())
        });
        let start = start.unwrap_or(u64::MAX);
        let stop = match found.get(end).copied().flatten() {
            Some(next) => next.offset,
            None => p.nodes_area.end().unwrap_or(start),
        };
        let (mut offset, mut left) = (start, stop.saturating_sub(start));
        for rest in (0..(end - at) as u64).rev() {
            // Each of those that follow needs 8 bytes at least.
            let most = left.saturating_sub(rest * 8).min(MAX_NODE_BYTES as u64);
            nodes.push(NodeRecord {
                offset,
                len: most as u32,
                crc: 0,
            });
            offset = offset.saturating_add(most);
            left -= most.min(left);
        }
        at = end;
    }
    nodes
}

fn name_of(table: &[u8], outline: &Outline, entry: &EntryRecord) -> Option<String> {
    let range = entry.name_range();
    let start = outline.names.start.checked_add(range.start)?;
    let range = start..start.checked_add(range.len())?;
    let there = range.end <= table.len() && range.len() <= MAX_NAME_BYTES;
    if !there || !outline.has(range.clone()) {
        return None;
    }
    String::from_utf8(table[range].to_vec()).ok()
}

/// Why the value of an entry cannot be read, when what it names in the table is lost.
fn reason_lost(
    entry: &EntryRecord,
    extents: &[ExtentRecord],
    shapes: &[Option<u64>],
) -> Option<&'static str> {
    let Some(Slot::Tensor(tensor)) = entry.slot() else {
        return None;
    };
    let start = tensor.shape as usize;
    let shape = shapes.get(start..start.saturating_add(tensor.rank.into()));
    if shape.is_none_or(|shape| shape.contains(&None)) {
        return Some("its shape in the table of contents is damaged");
    }
    let extent = extents.get(tensor.extent as usize);
    (tensor.extent != NONE && extent.is_none_or(ExtentRecord::is_lost))
        .then_some("the place of its array data in the table of contents is damaged")
}

/// The entries in the order of their names, with names for those that have lost theirs.
fn named(
    kept: Vec<(Option<String>, EntryRecord)>,
    lost: &mut Vec<Loss>,
) -> (Vec<EntryRecord>, String, Vec<String>) {
    let mut taken: HashSet<String> = kept.iter().filter_map(|(name, _)| name.clone()).collect();
    let mut renamed = Vec::new();
    let mut all: Vec<(String, EntryRecord)> = Vec::with_capacity(kept.len());
    for (name, entry) in kept {
        let name = name.unwrap_or_else(|| {
            let mut name = format!("unnamed-{}", entry.ordinal);
            while !taken.insert(name.clone()) {
                name.push('_');
            }
            renamed.push(name.clone());
            name
        });
        all.push((name, entry));
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            lost.push(Loss {
                name: Some(later.0.clone()),
                part: "",
                reason: "another record of the table of contents has the same name".to_owned(),
            });
        }
        same
    });
    let mut names = String::new();
    let mut entries = Vec::with_capacity(all.len());
    for (name, mut entry) in all {
        entry.name_offset = names.len() as u32;
        entry.name_len = name.len() as u16;
        names.push_str(&name);
        entries.push(entry);
    }
    (entries, names, renamed)
}
