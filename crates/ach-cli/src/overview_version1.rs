//! What a version 1 file says about itself: for people, or as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use achronyme_env::Version1;
use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::opened::{finding_json, told};
use crate::overview::created;
use crate::term::size::Sizes;
use crate::term::{Paint, Screen, escape};

/// Writes it for people.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn show(
    old: &Version1,
    path: &Path,
    sizes: Sizes,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<()> {
    let metadata = old.metadata();
    let title = screen.paint(Paint::Heading, escape::label(&path.to_string_lossy()));
    writeln!(out, "{title}")?;
    let mut line = |key: &str, text: &str| {
        let key = screen.paint(Paint::Dim, format!("{key:<12}"));
        writeln!(out, "  {key}  {}", escape::escape(text))
    };
    let compressed = match metadata.compressed {
        true => ", compressed",
        false => "",
    };
    let (major, minor) = (metadata.major, metadata.minor);
    line("format", &format!("{major}.{minor}{compressed}"))?;
    line("written by", &metadata.created_by)?;
    line("platform", &metadata.platform)?;
    line("created", &created(metadata.created))?;
    if let Some(description) = &metadata.description {
        line("description", description)?;
    }
    if !metadata.tags.is_empty() {
        line("tags", &metadata.tags.join(", "))?;
    }
    for (index, (key, value)) in metadata.custom.iter().enumerate() {
        let head = if index == 0 { "metadata" } else { "" };
        line(head, &format!("{key} = {value}"))?;
    }
    let kinds: Vec<String> = kinds(old)
        .into_iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let kinds = match kinds.is_empty() {
        true => String::new(),
        false => format!(" ({})", kinds.join(", ")),
    };
    line("variables", &format!("{}{kinds}", old.len()))?;
    line("file", &sizes.text(old.file_len()))?;
    line("body", &format!("{} unpacked", sizes.text(old.body_len())))?;
    for (index, finding) in told(old.findings().iter()).iter().enumerate() {
        line(if index == 0 { "findings" } else { "" }, finding)?;
    }
    Ok(line(
        "to convert",
        &format!("ach upgrade {} -o NEW", path.to_string_lossy()),
    )?)
}

/// The same as it stands in JSON.
pub(crate) fn to_json(old: &Version1, path: &Path) -> Json {
    let metadata = old.metadata();
    json!({
        "path": path.to_string_lossy(),
        "format": format!("{}.{}", metadata.major, metadata.minor),
        "written_by": metadata.created_by,
        "created": metadata.created,
        "created_text": metadata.created_at,
        "platform": metadata.platform,
        "compressed": metadata.compressed,
        "description": metadata.description,
        "tags": metadata.tags,
        "metadata": metadata.custom.iter().map(|(k, v)| [k, v]).collect::<Vec<_>>(),
        "variables": old.len(),
        "kinds": kinds(old),
        "file_length": old.file_len(),
        "body_bytes": old.body_len(),
        "findings": old.findings().iter().map(finding_json).collect::<Vec<_>>(),
    })
}

/// How many variables there are of each kind.
fn kinds(old: &Version1) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for (_, value) in old.bindings() {
        *kinds.entry(value.kind().name()).or_default() += 1;
    }
    kinds
}
