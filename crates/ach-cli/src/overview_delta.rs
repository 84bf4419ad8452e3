//! What a delta is for and what it holds: for people, or as JSON.

use std::io::Write;
use std::path::Path;

use achronyme_env::{Delta, Metadata};
use serde_json::{Value as Json, json};

use crate::error::Result;
use crate::listing::hex;
use crate::overview::{created, segment};
use crate::term::layout::{self, Segment};
use crate::term::size::Sizes;
use crate::term::{Paint, Screen, escape};

/// What is known of a delta.
#[derive(Debug)]
pub(crate) struct DeltaOverview {
    delta: Delta,
    metadata: Metadata,
    root: [u8; 32],
}

impl DeltaOverview {
    /// Looks at everything of a delta but its arrays.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn of(delta: Delta) -> Result<DeltaOverview> {
        Ok(DeltaOverview {
            metadata: delta.metadata()?,
            root: delta.root_digest()?,
            delta,
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
        let header = self.delta.header();
        let title = screen.paint(Paint::Heading, escape::label(&path.to_string_lossy()));
        writeln!(out, "{title}")?;
        let mut line = |key: &str, text: &str| {
            let key = screen.paint(Paint::Dim, format!("{key:<12}"));
            writeln!(out, "  {key}  {}", escape::escape(text))
        };
        let sealed = if header.is_sealed() { ", sealed" } else { "" };
        let format = format!("{}.{}{sealed}", header.major, header.minor);
        line("format", &format!("{format}, a delta"))?;
        let writer = &self.metadata.created_by;
        line("written by", &format!("achronyme-env {writer}"))?;
        line("created", &created(header.created))?;
        line(
            "for",
            &format!("the archive {}", hex(&self.delta.parent_digest())),
        )?;
        line(
            "made of",
            &format!("the archive {}", hex(&self.delta.result_digest())),
        )?;
        line(
            "",
            &format!("created {}", created(self.metadata.created_at)),
        )?;
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
        let (sent, removed) = (self.delta.sent().len(), self.delta.removed().len());
        let result = self.delta.result_len();
        let sent = format!("{sent} sent, {removed} removed; {result} in the result");
        line("variables", &sent)?;
        line("file", &sizes.text(self.delta.file_len()))?;
        let (hot, cold) = self.delta.stored_bytes();
        let raw = sizes.text(self.delta.raw_bytes());
        let (hot, cold) = (sizes.text(hot), sizes.text(cold));
        let arrays = format!("{raw} in memory; stored hot {hot}, cold {cold}");
        line("arrays", &arrays)?;
        line("root digest", &hex(&self.root))?;
        writeln!(out)?;
        let segments: Vec<Segment> = self.delta.sections().iter().map(segment).collect();
        let len = self.delta.file_len();
        Ok(layout::draw(&segments, len, sizes, screen, out)?)
    }

    /// The same as it stands in JSON.
    pub(crate) fn to_json(&self, path: &Path) -> Json {
        let header = self.delta.header();
        let (hot, cold) = self.delta.stored_bytes();
        let sections = self.delta.sections();
        let sections = sections.iter().map(|section| {
            let segment = segment(section);
            let (offset, length) = (segment.offset, segment.length);
            json!({ "section": segment.label, "offset": offset, "length": length })
        });
        json!({
            "path": path.to_string_lossy(),
            "format": format!("{}.{}", header.major, header.minor),
            "delta": true,
            "written_by": self.metadata.created_by,
            "created": header.created,
            "sealed": header.is_sealed(),
            "parent_digest": hex(&self.delta.parent_digest()),
            "result_digest": hex(&self.delta.result_digest()),
            "result_created": self.metadata.created_at,
            "result_variables": self.delta.result_len(),
            "description": self.metadata.description,
            "tags": self.metadata.tags,
            "metadata": self.metadata.custom.iter().map(|(k, v)| [k, v]).collect::<Vec<_>>(),
            "variables": self.delta.sent().len(),
            "removed": self.delta.removed().len(),
            "file_length": self.delta.file_len(),
            "array_bytes": self.delta.raw_bytes(),
            "hot_bytes": hot,
            "cold_bytes": cold,
            "root_digest": hex(&self.root),
            "sections": sections.collect::<Vec<_>>(),
        })
    }
}
