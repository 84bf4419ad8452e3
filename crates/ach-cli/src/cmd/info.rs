//! `ach info`: what archives say about themselves, and where what lies in them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Archive, Metadata, Section, SectionKind};
use serde_json::{Value as Json, json};

use super::{Document, Status};
use crate::error::{Result, report};
use crate::listing::hex;
use crate::term::layout::{self, Segment};
use crate::term::size::Sizes;
use crate::term::{Paint, Screen, date, escape};

/// Show what archives say about themselves, and a picture of what lies where in the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    /// Sizes as plain numbers of bytes
    #[arg(long)]
    bytes: bool,
}

/// What is known of an archive.
struct Info {
    archive: Archive,
    metadata: Metadata,
    /// How many variables there are of each kind.
    kinds: BTreeMap<&'static str, usize>,
    root: [u8; 32],
}

/// Shows.
///
/// # Errors
/// When the output cannot be written; an archive that cannot be read is told, and the others shown.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let sizes = if args.bytes {
        Sizes::Exact
    } else {
        Sizes::Short
    };
    let mut status = Status::Fine;
    let mut files = Vec::new();
    for (index, path) in args.files.iter().enumerate() {
        match Info::of(path) {
            Ok(info) if args.json => files.push(info.to_json(path)),
            Ok(info) => {
                if index > 0 {
                    writeln!(out)?;
                }
                info.show(path, sizes, screen, out)?;
            }
            Err(failure) => {
                report(&failure);
                status = Status::Failed;
                files.push(json!({ "path": path.to_string_lossy(), "error": failure.to_string() }));
            }
        }
    }
    if args.json {
        Document::new(files).write(out)?;
    }
    Ok(status)
}

impl Info {
    fn of(path: &Path) -> Result<Info> {
        let archive = Archive::open(path)?;
        let mut kinds = BTreeMap::new();
        for binding in archive.bindings() {
            let kind = binding.kind().map_or("unreadable", |kind| kind.name());
            *kinds.entry(kind).or_default() += 1;
        }
        Ok(Info {
            metadata: archive.metadata()?,
            root: archive.root_digest()?,
            archive,
            kinds,
        })
    }

    fn show(&self, path: &Path, sizes: Sizes, screen: &Screen, out: &mut dyn Write) -> Result<()> {
        let header = self.archive.header();
        let title = screen.paint(Paint::Heading, escape::label(&path.to_string_lossy()));
        writeln!(out, "{title}")?;
        let mut line = |key: &str, text: &str| {
            let key = screen.paint(Paint::Dim, format!("{key:<12}"));
            writeln!(out, "  {key}  {}", escape::escape(text))
        };
        let sealed = if header.is_sealed() { ", sealed" } else { "" };
        line(
            "format",
            &format!("{}.{}{sealed}", header.major, header.minor),
        )?;
        line(
            "written by",
            &format!("achronyme-env {}", self.metadata.created_by),
        )?;
        line("created", &created(self.metadata.created_at))?;
        if let Some(description) = &self.metadata.description {
            line("description", description)?;
        }
        if !self.metadata.tags.is_empty() {
            line("tags", &self.metadata.tags.join(", "))?;
        }
        for (index, (key, value)) in self.metadata.custom.iter().enumerate() {
            let head = if index == 0 { "metadata" } else { "" };
            line(head, &format!("{key} = {value}"))?;
        }
        let kinds = self
            .kinds
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        let kinds: Vec<String> = kinds.collect();
        line(
            "variables",
            &format!("{} ({})", self.archive.len(), kinds.join(", ")),
        )?;
        line("file", &sizes.text(self.archive.file_len()))?;
        let (hot, cold) = self.archive.stored_bytes();
        let raw = sizes.text(self.archive.raw_bytes());
        let (hot, cold) = (sizes.text(hot), sizes.text(cold));
        line(
            "arrays",
            &format!("{raw} in memory; stored hot {hot}, cold {cold}"),
        )?;
        line("root digest", &hex(&self.root))?;
        writeln!(out)?;
        let sections = self.archive.sections();
        let segments: Vec<Segment> = sections.iter().map(segment).collect();
        Ok(layout::draw(
            &segments,
            self.archive.file_len(),
            sizes,
            screen,
            out,
        )?)
    }

    fn to_json(&self, path: &Path) -> Json {
        let header = self.archive.header();
        let (hot, cold) = self.archive.stored_bytes();
        let sections = self.archive.sections();
        let sections = sections.iter().map(|section| {
            let Segment {
                label,
                offset,
                length,
            } = segment(section);
            json!({ "section": label, "offset": offset, "length": length })
        });
        json!({
            "path": path.to_string_lossy(),
            "format": format!("{}.{}", header.major, header.minor),
            "written_by": self.metadata.created_by,
            "created": self.metadata.created_at,
            "sealed": header.is_sealed(),
            "description": self.metadata.description,
            "tags": self.metadata.tags,
            "metadata": self.metadata.custom.iter().map(|(k, v)| [k, v]).collect::<Vec<_>>(),
            "variables": self.archive.len(),
            "kinds": self.kinds,
            "file_length": self.archive.file_len(),
            "array_bytes": self.archive.raw_bytes(),
            "hot_bytes": hot,
            "cold_bytes": cold,
            "root_digest": hex(&self.root),
            "sections": sections.collect::<Vec<_>>(),
        })
    }
}

fn segment(section: &Section) -> Segment {
    let label = match section.kind {
        SectionKind::Header => "header",
        SectionKind::Table => "table of contents",
        SectionKind::Nodes => "structured values",
        SectionKind::Hot => "arrays, hot",
        SectionKind::Cold => "arrays, cold",
        SectionKind::Sums => "block sums",
        SectionKind::Trailer => "root digest",
        _ => "unknown",
    };
    Segment {
        label: label.to_owned(),
        offset: section.offset,
        length: section.len,
    }
}

/// A moment as ISO 8601.
fn created(seconds: u64) -> String {
    let iso = i64::try_from(seconds)
        .ok()
        .and_then(|s| date::iso(s, 1, "s"));
    match iso {
        Some(iso) => format!("{} UTC", iso.replace('T', " ")),
        None => format!("{seconds} seconds after 1970"),
    }
}
