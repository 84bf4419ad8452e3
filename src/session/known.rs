//! Array data that stands in the session already, so that it need not be written again.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use crate::error::Result;
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::read::frames::{ELSEWHERE_FROM, ImageContext};
use crate::tree::extent_source::{ExtentSource, PlannedExtent};
use crate::value::Storage;
use crate::write::image::KnownDigest;

/// Array data in memory that was written: what it was, and under which digest.
#[derive(Debug)]
pub(super) struct KnownStorage {
    pub(super) storage: Weak<dyn Storage>,
    digest: KnownDigest,
}

/// What tells array data from other array data: its storage, and the part of it.
pub(super) type StorageKey = (usize, u64, u64, u64);
/// What is known of an extent that was written.
pub(super) type Remembered = (Option<StorageKey>, Option<KnownStorage>, ExtentRecord);

fn storage_key(storage: &Arc<dyn Storage>, start: u64, raw_len: u64) -> StorageKey {
    let (address, part) = storage.identity();
    (address, part, start, raw_len)
}

/// The digest under which array data was written before, when it is known without reading it.
pub(super) fn known_digest(
    extent: &PlannedExtent<'_>,
    storages: &HashMap<StorageKey, KnownStorage>,
) -> Option<KnownDigest> {
    if let Some((kind, digest)) = extent
        .source
        .stored(extent.raw_len)
        .and_then(|s| s.digest())
    {
        let kind = match kind {
            2 => DigestKind::Sha256,
            _ => DigestKind::Xxh3,
        };
        return Some((kind, digest));
    }
    let ExtentSource::Stored { storage, start } = &extent.source else {
        return None;
    };
    let known = storages.get(&storage_key(storage, *start, extent.raw_len))?;
    let same = known.storage.upgrade()?;
    // Held by nobody but through the weak one, its memory could not have been changed.
    Arc::ptr_eq(&same, storage).then_some(known.digest)
}

/// Whether array data is the session's own: what stands there is where it comes from.
pub(super) fn is_own(extent: &PlannedExtent<'_>, context: &ImageContext) -> bool {
    match &extent.source {
        ExtentSource::Stored { storage, .. } => context.is_own(&**storage),
        _ => false,
    }
}

/// What is to be remembered of an extent that was written.
pub(super) fn remember((extent, record): (&PlannedExtent<'_>, ExtentRecord)) -> Option<Remembered> {
    if extent.raw_len < ELSEWHERE_FROM {
        return None;
    }
    let digest = (record.digest_kind()?, record.digest);
    Some(match &extent.source {
        ExtentSource::Stored { storage, start } if !storage.is_volatile() => {
            let known = KnownStorage {
                storage: Arc::downgrade(storage),
                digest,
            };
            let key = storage_key(storage, *start, extent.raw_len);
            (Some(key), Some(known), record)
        }
        _ => (None, None, record),
    })
}

/// The digest that array data has now, read piece by piece.
///
/// # Errors
/// What reading answers.
pub(super) fn extent_digest(extent: &PlannedExtent<'_>, kind: DigestKind) -> Result<[u8; 32]> {
    let mut pieces = Vec::new();
    let mut piece = vec![0; extent.raw_len.min(PIECE_BYTES as u64) as usize];
    let mut at = 0;
    while at < extent.raw_len {
        let now = (extent.raw_len - at).min(PIECE_BYTES as u64) as usize;
        // A copy: the digest is of these bytes, whoever writes the others meanwhile.
        extent.source.read_at(at, &mut piece[..now])?;
        pieces.push(piece_digest(kind, &piece[..now]));
        at += now as u64;
    }
    Ok(combine(kind, &pieces))
}
