//! What the file says about itself.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::refusal::Result;
use super::snapshot::Snapshot;
use crate::listing::hex;
use crate::overview::created;

/// Variables whose kinds are counted: those of structured values stand in their nodes.
const MOST_COUNTED: usize = 20_000;

/// Bytes of metadata in the answer.
const MOST_METADATA: usize = 1 << 20;

/// What the file says about itself.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn overview(snapshot: &Snapshot) -> Result<Json> {
    let archive = &snapshot.archive;
    let (header, metadata) = (archive.header(), archive.metadata()?);
    let (hot, cold) = archive.stored_bytes();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    if archive.len() <= MOST_COUNTED {
        for binding in archive.bindings() {
            let kind = binding.kind().map_or("damaged", |kind| kind.name());
            *kinds.entry(kind).or_default() += 1;
        }
    }
    let mut bytes = 0;
    let custom = metadata.custom.iter().take_while(|(key, value)| {
        bytes += key.len() + value.len();
        bytes <= MOST_METADATA
    });
    let custom: Vec<Json> = custom.map(|(key, value)| json!([key, value])).collect();
    let left_out = metadata.custom.len() - custom.len();
    let file_name = snapshot
        .path
        .file_name()
        .unwrap_or(snapshot.path.as_os_str());
    Ok(json!({
        "file": file_name.to_string_lossy(),
        "path": snapshot.path.to_string_lossy(),
        "format": format!("{}.{}", header.major, header.minor),
        "is_placed": snapshot.is_placed,
        "sealed": header.is_sealed(),
        "written_by": metadata.created_by,
        "created": created(metadata.created_at),
        "description": metadata.description,
        "tags": metadata.tags,
        "metadata": custom,
        "metadata_left_out": left_out,
        "variables": archive.len(),
        "kinds": kinds,
        "file_bytes": archive.file_len(),
        "array_bytes": archive.raw_bytes(),
        "hot_bytes": hot,
        "cold_bytes": cold,
        "root_digest": hex(&archive.root_digest()?),
        "journal": snapshot.journal.to_json(),
    }))
}
