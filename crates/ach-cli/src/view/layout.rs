//! Where what lies in the file.

use std::collections::{BTreeMap, BTreeSet};

use achronyme_env::{Archive, Codec, Kind, SectionKind};
use serde_json::{Value as Json, json};

use super::query::Query;
use super::refusal::{Refusal, Result, is_cancelled};
use super::snapshot::Snapshot;
use crate::overview::segment;

/// Sections in the answer.
const MOST_SECTIONS: usize = 1000;

/// Cells of the map.
const MOST_CELLS: u64 = 4096;

/// Extents of the list of the largest.
const LARGEST: usize = 100;

/// Variables that are looked through for arrays below structured values.
const MOST_OPENED: usize = 2000;

/// Extents that are kept with the names of their variables.
const MOST_OWNED: usize = 1 << 20;

/// Variables named for one place in the file.
const MOST_NAMED: usize = 20;

/// Which variables the extents of the file belong to, by offset.
#[derive(Debug)]
pub(super) struct Owners {
    extents: Vec<Owned>,
    /// Whether some variables were not looked through.
    is_partial: bool,
}

/// An extent and a variable that names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Owned {
    offset: u64,
    stored: u64,
    raw: u64,
    is_cold: bool,
    /// The variable's place in the order of names.
    place: usize,
}

impl Owners {
    fn of(archive: &Archive) -> Result<Owners> {
        let mut owners = Owners {
            extents: Vec::new(),
            is_partial: false,
        };
        let mut opened = 0;
        for (place, binding) in archive.bindings().enumerate() {
            if binding.is_in_journal() {
                continue;
            }
            if binding.dtype().is_none() && binding.shape().is_none() {
                let has_parts = !matches!(
                    binding.kind(),
                    Ok(Kind::Null | Kind::Boolean | Kind::Integer | Kind::Number | Kind::Complex)
                );
                opened += usize::from(has_parts);
                if opened > MOST_OPENED {
                    owners.is_partial = true;
                    continue;
                }
            }
            let extents = match binding.extents() {
                Ok(extents) => extents,
                // Nobody waits for it any more: who asks next does.
                Err(error) if is_cancelled(&error) => return Err(error.into()),
                Err(_) => {
                    owners.is_partial = true;
                    continue;
                }
            };
            owners.extents.extend(extents.iter().map(|extent| Owned {
                offset: extent.offset,
                stored: extent.stored_len,
                raw: extent.raw_len,
                is_cold: extent.codec != Some(Codec::Raw),
                place,
            }));
            if owners.extents.len() > MOST_OWNED {
                owners.is_partial = true;
                break;
            }
        }
        owners.extents.sort();
        Ok(owners)
    }

    /// Those that have a byte in `from..to`.
    fn within(&self, from: u64, to: u64) -> impl Iterator<Item = &Owned> {
        // Extents do not overlap, but variables share them: equal ones stand together.
        let first = self
            .extents
            .partition_point(|extent| extent.offset + extent.stored <= from);
        self.extents[first..]
            .iter()
            .take_while(move |extent| extent.offset < to)
    }
}

fn owners(snapshot: &Snapshot) -> Result<&Owners> {
    if let Some(known) = snapshot.owners.get() {
        return Ok(known);
    }
    let owners = Owners::of(&snapshot.archive)?;
    Ok(snapshot.owners.get_or_init(|| owners))
}

fn code(kind: SectionKind) -> char {
    match kind {
        SectionKind::Header => 'h',
        SectionKind::Table => 't',
        SectionKind::Nodes => 'n',
        SectionKind::Hot => 'a',
        SectionKind::Cold => 'c',
        SectionKind::Sums => 's',
        SectionKind::Trailer => 'r',
        _ => '?',
    }
}

/// The sections, and a map in cells of equal size: each a letter for what has most of its bytes.
///
/// # Errors
/// [`Refusal`].
pub(super) fn layout(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    if !snapshot.is_placed {
        return Err(Refusal::told(
            "this file is of version 1: it is read as a whole, and nothing in it has a place of its own",
        ));
    }
    let archive = &snapshot.archive;
    let len = archive.file_len();
    let sections = archive.sections();
    let cells = query.count("cells", 1024, MOST_CELLS)?.min(len.max(1));
    let edge = |cell: u64| (u128::from(len) * u128::from(cell) / u128::from(cells)) as u64;
    let mut map = String::new();
    let mut first = 0;
    for cell in 0..cells {
        let (from, to) = (edge(cell), edge(cell + 1));
        while sections
            .get(first)
            .is_some_and(|section| section.offset + section.len <= from)
        {
            first += 1;
        }
        let (mut most, mut letter) = (0, '.');
        for section in sections[first..].iter().take_while(|s| s.offset < to) {
            let shared = (section.offset + section.len).min(to) - section.offset.max(from);
            if shared > most {
                (most, letter) = (shared, code(section.kind));
            }
        }
        map.push(letter);
    }
    let (hot, cold) = archive.stored_bytes();
    let covered: u64 = sections.iter().map(|section| section.len).sum();
    let arrays = sections
        .iter()
        .filter(|s| matches!(s.kind, SectionKind::Hot | SectionKind::Cold));
    let arrays: u64 = arrays.map(|section| section.len).sum();
    let owners = owners(snapshot)?;
    let mut largest: Vec<&Owned> = owners.extents.iter().collect();
    largest.sort_by_key(|extent| std::cmp::Reverse((extent.stored, extent.offset)));
    largest.truncate(LARGEST);
    let listed = sections.iter().take(MOST_SECTIONS).map(|section| {
        let segment = segment(section);
        json!({
            "code": code(section.kind).to_string(),
            "label": segment.label,
            "offset": section.offset,
            "len": section.len,
        })
    });
    Ok(json!({
        "len": len,
        "map": map,
        "sections": listed.collect::<Vec<_>>(),
        "sections_left_out": sections.len().saturating_sub(MOST_SECTIONS),
        "hot": hot,
        "cold": cold,
        "raw": archive.raw_bytes(),
        "padding": (len.saturating_sub(covered)) + arrays.saturating_sub(hot + cold),
        "largest": named(archive, largest.into_iter()),
        "is_partial": owners.is_partial,
    }))
}

/// What stands in bytes `from..to` of the file.
///
/// # Errors
/// [`Refusal`].
pub(super) fn at(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    if !snapshot.is_placed {
        return Err(Refusal::told("nothing in this file has a place of its own"));
    }
    let from = query.number("from", 0)?;
    let to = query.number("to", from.saturating_add(1))?;
    let sections = snapshot.archive.sections();
    let within = sections
        .iter()
        .filter(|section| section.offset < to && section.offset + section.len > from);
    let labels = within
        .take(MOST_NAMED)
        .map(|section| segment(section).label);
    let owners = owners(snapshot)?;
    let count = owners.within(from, to).count();
    let extents = owners.within(from, to).take(MOST_NAMED);
    Ok(json!({
        "from": from,
        "to": to,
        "sections": labels.collect::<Vec<_>>(),
        "extents": named(&snapshot.archive, extents),
        "count": count,
    }))
}

fn named<'o>(archive: &Archive, extents: impl Iterator<Item = &'o Owned>) -> Vec<Json> {
    let extents: Vec<&Owned> = extents.collect();
    // One walk over the names, whatever is asked for.
    let last = extents.iter().map(|extent| extent.place).max();
    let wanted: BTreeSet<usize> = extents.iter().map(|extent| extent.place).collect();
    let names: BTreeMap<usize, &str> = archive
        .names()
        .enumerate()
        .take(last.map_or(0, |last| last + 1))
        .filter(|(place, _)| wanted.contains(place))
        .collect();
    let named = extents.iter().map(|extent| {
        json!({
            "name": names.get(&extent.place),
            "offset": extent.offset,
            "stored": extent.stored,
            "raw": extent.raw,
            "cold": extent.is_cold,
        })
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use achronyme_env::{Record, SaveOptions, Tensor, Value, read_cancellable, save};

    use super::*;
    use crate::journal::Reading;
    use crate::view::snapshot::Shelf;

    #[test]
    fn a_question_that_was_given_up_leaves_nothing_for_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ach");
        let part = Tensor::from_vec(vec![1.5f64; 100], [100]).unwrap();
        let record = Record::from([("part", Value::from(part))]);
        save(
            &path,
            [("record", Value::from(record))],
            &SaveOptions::new(),
        )
        .unwrap();
        let reading = Reading {
            archive_only: false,
            quiet: true,
        };
        let shelf = Shelf::open(&path, reading).unwrap();
        let (snapshot, query) = (shelf.current(), Query::default());
        let raised = Arc::new(AtomicBool::new(true));
        assert!(read_cancellable(&raised, || layout(&snapshot, &query)).is_err());
        let layout = layout(&snapshot, &query).unwrap();
        assert_eq!(layout["is_partial"], false);
        assert_eq!(layout["largest"][0]["name"], "record");
    }
}
