//! Where the parts of an archive lie in its file.

use super::archive::Archive;
use crate::format::TRAILER_LEN;
use crate::format::extent::{Codec, ExtentRecord};
use crate::format::header::HEADER_LEN;

/// A part of the file, or a run of parts of one sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Section {
    /// What lies there.
    pub kind: SectionKind,
    /// Its first byte, from the beginning of the file.
    pub offset: u64,
    /// Its bytes, with the padding inside a run.
    pub len: u64,
}

/// What lies in a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SectionKind {
    /// The 64-byte header.
    Header,
    /// The table of contents.
    Table,
    /// Structured values and attributes.
    Nodes,
    /// Array data as it is in memory.
    Hot,
    /// Array data that is compressed.
    Cold,
    /// The sums of the blocks of array data.
    Sums,
    /// The root digest.
    Trailer,
}

impl Archive {
    /// The sections of the file, in its order. Extents of one sort that follow each other are one
    /// section; what is empty is left out.
    pub fn sections(&self) -> Vec<Section> {
        let (header, preamble) = (self.header(), self.preamble());
        let part = |kind, offset, len| Section { kind, offset, len };
        let mut sections = vec![
            part(SectionKind::Header, 0, HEADER_LEN as u64),
            part(SectionKind::Table, header.table_offset, header.table_len),
            part(
                SectionKind::Nodes,
                preamble.nodes_area.offset,
                preamble.nodes_area.len,
            ),
            part(
                SectionKind::Sums,
                preamble.sums_area.offset,
                preamble.sums_area.len,
            ),
            part(
                SectionKind::Trailer,
                self.file_len() - TRAILER_LEN,
                TRAILER_LEN,
            ),
        ];
        let mut extents: Vec<Section> = self
            .extent_records()
            .iter()
            .map(|extent| {
                let kind = match extent.codec() {
                    Some(Codec::Raw) => SectionKind::Hot,
                    _ => SectionKind::Cold,
                };
                part(kind, extent.offset, extent.stored_len)
            })
            .collect();
        extents.sort_by_key(|extent| extent.offset);
        extents.dedup_by(|next, run| {
            let together = next.kind == run.kind;
            if together {
                run.len = next.offset + next.len - run.offset;
            }
            together
        });
        sections.extend(extents);
        sections.retain(|section| section.len > 0);
        sections.sort_by_key(|section| section.offset);
        sections
    }

    fn extent_records(&self) -> &[ExtentRecord] {
        self.store()
            .records()
            .map_or(&[], |records| records.extents)
    }

    /// Bytes of array data in the file: hot, and cold. Shared data counts once.
    pub fn stored_bytes(&self) -> (u64, u64) {
        let extents = self.extent_records().iter();
        extents.fold((0, 0), |(hot, cold), extent| match extent.codec() {
            Some(Codec::Raw) => (hot + extent.stored_len, cold),
            _ => (hot, cold + extent.stored_len),
        })
    }

    /// Bytes of array data in memory, all of it together; shared data counts once.
    pub fn raw_bytes(&self) -> u64 {
        let extents = self.extent_records().iter();
        extents.fold(0, |sum, extent| sum.saturating_add(extent.raw_len))
    }
}
