//! Sums made right, wherever what they cover is there: what a sum refuses, no fuzzer gets past.
//!
//! Nothing here may fail: of an input whose offsets lead nowhere as much is sealed as there is.

use sha2::{Digest, Sha256};

const PREAMBLE: usize = 256;
const PAGE: usize = 4096;
/// The length of a header of a frame, and what everything in a journal is aligned to.
const FRAME: usize = 64;

fn get<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    get(bytes, at).map(|four| u32::from_le_bytes(four) as usize)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<usize> {
    get(bytes, at).and_then(|eight| u64::from_le_bytes(eight).try_into().ok())
}

fn put(bytes: &mut [u8], at: usize, what: &[u8]) {
    let place = at
        .checked_add(what.len())
        .and_then(|end| bytes.get_mut(at..end));
    if let Some(place) = place {
        place.copy_from_slice(what);
    }
}

/// Puts the sum of `len` bytes from `start` on at `at`.
fn sum(bytes: &mut [u8], start: usize, len: usize, at: usize) {
    let covered = start.checked_add(len).and_then(|end| bytes.get(start..end));
    if let Some(covered) = covered {
        let crc = crc32fast::hash(covered);
        put(bytes, at, &crc.to_le_bytes());
    }
}

/// Seals an archive or a delta: nodes, blocks, lists of sums, pages, table, header, root digest.
pub fn archive(bytes: &mut [u8]) {
    let _ = archive_parts(bytes);
    sum(bytes, 0, 60, 60);
    let _ = root_digest(bytes);
}

fn archive_parts(bytes: &mut [u8]) -> Option<()> {
    let (table, table_len) = (u64_at(bytes, 40)?, u64_at(bytes, 48)?);
    let end = table
        .checked_add(table_len)
        .filter(|end| *end <= bytes.len())?;
    let field = |bytes: &[u8], at| u64_at(bytes, table + at);
    let [body, extents, nodes] = [16, 56, 64].map(|at| field(bytes, at).unwrap_or(usize::MAX));
    let extent_count = u32_at(bytes, table + 36)?;
    let node_count = u32_at(bytes, table + 40)?;
    let extents = table.checked_add(extents)?;
    let nodes = table.checked_add(nodes)?;
    let body = table
        .checked_add(body)
        .filter(|body| (table..=end).contains(body))?;
    records(
        bytes,
        extents,
        extent_count.min(end / 72),
        nodes,
        node_count.min(end / 16),
    );
    for (page, start) in (body..end).step_by(PAGE).enumerate() {
        sum(
            bytes,
            start,
            PAGE.min(end - start),
            table + PREAMBLE + page * 4,
        );
    }
    sum(bytes, table, body - table, 56);
    Some(())
}

/// Seals what these records name.
fn records(bytes: &mut [u8], extents: usize, extent_count: usize, nodes: usize, node_count: usize) {
    for n in 0..node_count {
        let _ = node(bytes, nodes.saturating_add(n * 16));
    }
    for n in 0..extent_count {
        let _ = extent(bytes, extents.saturating_add(n * 72));
    }
}

fn node(bytes: &mut [u8], at: usize) -> Option<()> {
    bytes.get(at..at.checked_add(16)?)?;
    let (start, len) = (u64_at(bytes, at)?, u32_at(bytes, at + 8)?);
    sum(bytes, start, len.min(1 << 16), at + 12);
    Some(())
}

fn extent(bytes: &mut [u8], at: usize) -> Option<()> {
    bytes.get(at..at.checked_add(72)?)?;
    let [start, stored, raw, list] = [0, 8, 16, 24].map(|field| u64_at(bytes, at + field));
    let len = bytes.len();
    let (start, stored, raw) = (start?.min(len), stored?.min(len), raw?);
    let list = list.filter(|list| *list <= len)?;
    let [codec, _, log2, _] = get(bytes, at + 36)?;
    // A digest would be one more sum, and is looked at by a full check only.
    put(bytes, at + 39, &[0; 33]);
    if list == 0 {
        sum(bytes, start, stored, at + 32);
        return Some(());
    }
    let block = 1usize.checked_shl(log2.into()).unwrap_or(usize::MAX);
    let blocks = raw.div_ceil(block);
    let (mut from, mut place) = (start, list);
    for _ in 0..blocks {
        if codec == 0 {
            sum(
                bytes,
                from,
                block.min((start + stored).saturating_sub(from)),
                place,
            );
            (from, place) = (from.saturating_add(block), place + 4);
        } else {
            let len = u32_at(bytes, place)?;
            sum(bytes, from, len, place + 4);
            (from, place) = (from.saturating_add(len), place + 8);
        }
        if place > bytes.len() {
            break;
        }
    }
    sum(bytes, list, place - list, at + 32);
    Some(())
}

fn root_digest(bytes: &mut [u8]) -> Option<()> {
    let (table, table_len) = (u64_at(bytes, 40)?, u64_at(bytes, 48)?);
    let table = bytes.get(table..table.checked_add(table_len)?)?;
    let head = [bytes.get(..64)?, table].concat();
    let mut root = Sha256::new();
    head.chunks(1 << 20)
        .for_each(|piece| root.update(Sha256::digest(piece)));
    let at = bytes.len().checked_sub(32)?;
    put(bytes, at, &root.finalize());
    Some(())
}

/// Seals a value image.
pub fn image(bytes: &mut [u8]) {
    let _ = image_parts(bytes);
    sum(bytes, 0, 60, 60);
}

fn image_parts(bytes: &mut [u8]) -> Option<()> {
    let [extents, nodes, shapes, shared] = [16, 20, 24, 28].map(|at| u32_at(bytes, at));
    let (extents, nodes) = (extents?.min(bytes.len()), nodes?.min(bytes.len()));
    let ids = if bytes.get(49)? & 1 == 1 { shared? } else { 0 };
    let nodes_at = 64 + extents * 72;
    records(
        bytes,
        64,
        extents.min(bytes.len() / 72),
        nodes_at,
        nodes.min(bytes.len() / 16),
    );
    let numbers = shapes?.saturating_add(ids).min(bytes.len());
    let len = extents * 72 + nodes * 16 + numbers * 8;
    sum(bytes, 64, len, 56);
    Some(())
}

/// Whether an extent of an image declares more than `most` bytes that are not in it.
pub fn image_declares_more_than(bytes: &[u8], most: u64) -> bool {
    let count = u32_at(bytes, 16).unwrap_or(0).min(bytes.len() / 72);
    (0..count).any(|n| {
        let raw = u64_at(bytes, 64 + n * 72 + 16).unwrap_or(0) as u64;
        let codec = bytes.get(64 + n * 72 + 36);
        raw > most && codec.is_some_and(|codec| *codec != 0)
    })
}

/// Seals frames one after the other, as a journal and a stream of messages have them: keys, payloads,
/// the links between frames, headers. `session` is put into each header, and into the begin frame.
/// Images in payloads are sealed too.
pub fn frames(bytes: &mut [u8], session: Option<&[u8; 16]>) {
    let (mut at, mut link) = (0, [0; 4]);
    while let Some(next) = frame(bytes, at, session, &mut link) {
        if next <= at {
            break;
        }
        at = next;
    }
}

fn frame(
    bytes: &mut [u8],
    at: usize,
    session: Option<&[u8; 16]>,
    link: &mut [u8; 4],
) -> Option<usize> {
    bytes.get(at..at.checked_add(FRAME)?)?;
    let (key, payload) = (u32_at(bytes, at + 36)?, u64_at(bytes, at + 40)?);
    let key_at = at + FRAME;
    let payload_at = match key {
        0 => key_at,
        _ => key_at.checked_add((key + 4).next_multiple_of(FRAME))?,
    };
    if key != 0 {
        sum(bytes, key_at, key, key_at + key);
    }
    let kind = *bytes.get(at + 32)?;
    let end = payload_at.checked_add(payload)?;
    if let Some(session) = session {
        put(bytes, at + 8, &session[..8]);
        if kind == 0 {
            put(bytes, payload_at, session);
        }
    }
    if let Some(content) = bytes.get_mut(payload_at..end)
        && content.starts_with(b"ACHV")
    {
        image(content);
    }
    sum(bytes, payload_at, payload, at + 48);
    // The first frame of a segment says itself what it links to.
    if kind != 0 {
        put(bytes, at + 52, link);
    }
    sum(bytes, at + 8, FRAME - 8, at + 4);
    *link = get(bytes, at + 4)?;
    end.checked_next_multiple_of(FRAME)
}

/// Seals a version 1 file: the digest behind its body.
pub fn version1(bytes: &mut [u8]) {
    if let Some(at) = bytes.len().checked_sub(32).filter(|at| *at >= 64) {
        let digest = Sha256::digest(&bytes[64..at]);
        put(bytes, at, &digest);
    }
}
