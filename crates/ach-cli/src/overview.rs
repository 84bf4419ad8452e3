//! What an archive says about itself, and where its parts lie: for people, or as JSON.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use achronyme_env::{Archive, Metadata, Section, SectionKind};
use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::journal::{Beside, commits};
use crate::listing::hex;
use crate::term::layout::{self, Segment};
use crate::term::size::Sizes;
use crate::term::{Paint, Screen, date, escape};

/// What is known of an archive.
#[derive(Debug)]
pub(crate) struct Overview {
    archive: Archive,
    journal: Beside,
    metadata: Metadata,
    /// How many variables there are of each kind.
    kinds: BTreeMap<&'static str, usize>,
    root: [u8; 32],
}

impl Overview {
    /// Looks at everything of an archive but its arrays.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn of(archive: Archive, journal: Beside) -> Result<Overview> {
        let mut kinds = BTreeMap::new();
        for binding in archive.bindings() {
            let kind = binding.kind().map_or("unreadable", |kind| kind.name());
            *kinds.entry(kind).or_default() += 1;
        }
        Ok(Overview {
            metadata: archive.metadata()?,
            root: archive.root_digest()?,
            archive,
            journal,
            kinds,
        })
    }

    /// Writes it for people, with the picture of the file.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub(crate) fn show(
        &self,
        path: &Path,
        sizes: Sizes,
        screen: &Screen,
        out: &mut dyn Write,
    ) -> Result<()> {
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
        for (key, text) in session(&self.journal, path, sizes) {
            line(key, &text)?;
        }
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

    /// The same as it stands in JSON.
    pub(crate) fn to_json(&self, path: &Path) -> Json {
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
            "journal": self.journal.to_json(),
            "sections": sections.collect::<Vec<_>>(),
        })
    }
}

/// What is known of the session that an archive belongs to.
fn session(journal: &Beside, path: &Path, sizes: Sizes) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let Some(info) = &journal.info else {
        return lines;
    };
    if let Some(id) = info.session_id {
        let id = hex(&id[..8]);
        lines.push(("session", format!("{id}, at commit {}", info.sequence)));
    }
    if let Some(name) = info.path.as_deref().and_then(Path::file_name) {
        let (name, len) = (name.to_string_lossy(), sizes.text(info.len));
        let unfolded = match info.commits {
            0 => "nothing to fold".to_owned(),
            count => {
                let path = path.to_string_lossy();
                format!(
                    "{} not folded; `ach checkpoint {path}` folds",
                    commits(count)
                )
            }
        };
        lines.push(("journal", format!("{name}, {len}, {unfolded}")));
    }
    if let Some(writer) = &journal.writer {
        lines.push(("written in", writer.clone()));
    }
    lines
}

/// A part of the file, as the picture names it.
pub(crate) fn segment(section: &Section) -> Segment {
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
pub(crate) fn created(seconds: u64) -> String {
    let iso = i64::try_from(seconds)
        .ok()
        .and_then(|s| date::iso(s, 1, "s"));
    match iso {
        Some(iso) => format!("{} UTC", iso.replace('T', " ")),
        None => format!("{seconds} seconds after 1970"),
    }
}
