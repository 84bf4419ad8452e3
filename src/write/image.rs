//! Writing a value image into memory.

use std::io::{Cursor, Read};

use crate::error::{EnvError, Result};
use crate::format::align_up;
use crate::format::extent::{Codec, DigestKind, ExtentRecord};
use crate::format::image::ImageHead;
use crate::format::records::NodeRecord;
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::limits::{EXTENT_ALIGNMENT, HOT_BLOCK_BYTES};
use crate::tree::build::{Builder, BuiltNodes};
use crate::tree::extent_source::PlannedExtent;
use crate::value::{NoContents, ValueRef};

/// One value as bytes: what messages and journals carry. [`crate::deserialize_value`] reads it.
/// The same value gives the same bytes.
///
/// # Errors
/// As [`crate::ArchiveWriter::add`], and what reading the value's own bytes answers.
pub fn serialize_value<'a>(value: impl Into<ValueRef<'a>>) -> Result<Vec<u8>> {
    let spool = || Cursor::new(Vec::new());
    let mut builder = Builder::new(spool(), spool());
    let slot = builder.add(&value.into(), false, &mut NoContents)?;
    if let Some(finding) = builder.take_findings("").next() {
        return Err(EnvError::InvalidValue {
            what: match finding.path.as_str() {
                "" => format!("a {}", finding.kind),
                path => format!("{path} (a {})", finding.kind),
            },
            reason: finding.reason,
        });
    }
    let BuiltNodes {
        nodes,
        shared_count,
        spools,
    } = builder.finish_nodes([spool(), spool()])?;

    let head_len = ImageHead::len(builder.extents.len(), nodes.len(), builder.shapes.len());
    let mut end = head_len;
    let mut head = ImageHead {
        slot,
        extents: Vec::with_capacity(builder.extents.len()),
        nodes: Vec::with_capacity(nodes.len()),
        shapes: std::mem::take(&mut builder.shapes),
        shared_count,
    };
    for node in nodes {
        head.nodes.push(NodeRecord {
            offset: end,
            len: node.len,
            crc: node.crc,
        });
        end += u64::from(node.len);
    }
    let mut body = Vec::new();
    for mut spool in spools {
        // Reading from memory into memory does not fail.
        let _ = spool.read_to_end(&mut body);
    }
    let mut lists = Vec::new();
    for extent in &builder.extents {
        let (mut record, list) = summed(extent)?;
        if record.sums_len() > 0 {
            record.sums_offset = end;
            end += list.len().next_multiple_of(8) as u64;
            lists.extend_from_slice(&list);
            lists.resize(lists.len().next_multiple_of(8), 0);
        }
        head.extents.push(record);
    }
    body.append(&mut lists);
    for record in &mut head.extents {
        record.offset = align_up(end, EXTENT_ALIGNMENT).unwrap_or(u64::MAX);
        end = record.offset + record.stored_len;
    }
    let mut image = head.to_bytes(end);
    image.reserve_exact((end - image.len() as u64) as usize);
    image.append(&mut body);
    for (extent, record) in builder.extents.iter().zip(&head.extents) {
        image.resize(record.offset as usize + extent.raw_len as usize, 0);
        extent
            .source
            .read_at(0, &mut image[record.offset as usize..])?;
    }
    Ok(image)
}

/// The record of an extent without its place, and the list of its block sums.
fn summed(extent: &PlannedExtent<'_>) -> Result<(ExtentRecord, Vec<u8>)> {
    let (mut list, mut pieces) = (Vec::new(), Vec::new());
    let mut piece = vec![0; extent.raw_len.min(PIECE_BYTES as u64) as usize];
    let mut at = 0;
    while at < extent.raw_len {
        let now = (extent.raw_len - at).min(PIECE_BYTES as u64) as usize;
        let bytes = &mut piece[..now];
        extent.source.read_at(at, bytes)?;
        for block in bytes.chunks(HOT_BLOCK_BYTES as usize) {
            list.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
        }
        pieces.push(piece_digest(DigestKind::Xxh3, bytes));
        at += now as u64;
    }
    let sum = match list.as_chunks::<4>().0 {
        [only] => u32::from_le_bytes(*only),
        _ => crc32fast::hash(&list),
    };
    let record = ExtentRecord {
        offset: 0,
        stored_len: extent.raw_len,
        raw_len: extent.raw_len,
        sums_offset: 0,
        sum,
        codec: Codec::Raw as u8,
        shuffle: 0,
        block_log2: HOT_BLOCK_BYTES.trailing_zeros() as u8,
        digest_kind: DigestKind::Xxh3 as u8,
        digest: combine(DigestKind::Xxh3, &pieces),
    };
    Ok((record, list))
}
