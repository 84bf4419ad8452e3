//! Lists of block sums that are damaged, made anew from array data that is intact.

use super::source::ByteSource;
use crate::format::extent::{Codec, ExtentRecord};

/// Lists that are damaged or cut off, made anew with where they stand: the sum over a list says
/// whether it is what it was. `there` is how long the file is.
pub(super) fn sum_lists(
    source: &dyn ByteSource,
    there: u64,
    extents: &[ExtentRecord],
    notes: &mut Vec<String>,
) -> Vec<(u64, Vec<u8>)> {
    let mut lists = Vec::new();
    for (number, extent) in extents.iter().enumerate() {
        let len = extent.sums_len();
        let in_file = |start: u64, len: u64| {
            let end = start.checked_add(len);
            end.is_some_and(|end| end <= there)
        };
        // What the file does not hold is no list of its data.
        if len == 0 || len > there {
            continue;
        }
        let mut list = vec![0; len as usize];
        let is_right = in_file(extent.sums_offset, len)
            && source.read_at(extent.sums_offset, &mut list).is_ok()
            && crc32fast::hash(&list) == extent.sum;
        if is_right || !in_file(extent.offset, extent.stored_len) {
            continue;
        }
        let made = match extent.codec() {
            Some(Codec::Raw) => sums_of_raw(source, extent),
            Some(Codec::Zstd) => sums_of_frames(source, extent),
            None => None,
        };
        if let Some(list) = made.filter(|list| crc32fast::hash(list) == extent.sum) {
            notes.push(format!(
                "the block sums of extent {number} are damaged and were made anew: its data is intact"
            ));
            lists.push((extent.sums_offset, list));
        }
    }
    lists
}

/// The sum of each block.
fn sums_of_raw(source: &dyn ByteSource, extent: &ExtentRecord) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    let mut block = vec![0; extent.block_len().min(extent.stored_len) as usize];
    let mut at = 0;
    while at < extent.stored_len {
        let now = (extent.stored_len - at).min(block.len() as u64) as usize;
        let block = &mut block[..now];
        source.read_at(extent.offset + at, block).ok()?;
        list.extend_from_slice(&crc32fast::hash(block).to_le_bytes());
        at += now as u64;
    }
    Some(list)
}

/// Length and sum of each zstd frame: where one ends stands in the frame.
#[cfg(feature = "zstd")]
fn sums_of_frames(source: &dyn ByteSource, extent: &ExtentRecord) -> Option<Vec<u8>> {
    let mut list = Vec::new();
    let most = super::cold::most_stored(extent.block_len().min(extent.raw_len));
    let mut bytes = vec![0; most.min(extent.stored_len) as usize];
    let mut at = 0;
    while at < extent.stored_len {
        let now = (extent.stored_len - at).min(bytes.len() as u64) as usize;
        let bytes = &mut bytes[..now];
        source.read_at(extent.offset + at, bytes).ok()?;
        let len = zstd::zstd_safe::find_frame_compressed_size(bytes).ok()?;
        let frame = bytes.get(..len).filter(|frame| !frame.is_empty())?;
        list.extend_from_slice(&u32::try_from(len).ok()?.to_le_bytes());
        list.extend_from_slice(&crc32fast::hash(frame).to_le_bytes());
        at += len as u64;
    }
    Some(list)
}

#[cfg(not(feature = "zstd"))]
fn sums_of_frames(_: &dyn ByteSource, _: &ExtentRecord) -> Option<Vec<u8>> {
    None
}
