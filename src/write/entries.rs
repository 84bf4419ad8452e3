//! The entries of the table while bindings are gathered.

use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::format::records::{EntryRecord, Slot};
use crate::limits::MAX_NAME_HEAP_BYTES;

/// Entries in the order they were added, and their names one after the other.
#[derive(Debug, Default)]
pub(super) struct PlannedEntries {
    entries: Vec<PlannedEntry>,
    names: String,
}

#[derive(Clone, Copy, Debug)]
struct PlannedEntry {
    name_start: usize,
    name_len: u16,
    flags: u8,
    attributes: u32,
    slot: Slot,
}

impl PlannedEntries {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds an entry. The name was checked: it has at most 4096 bytes.
    pub(super) fn push(&mut self, name: &str, flags: u8, attributes: u32, slot: Slot) {
        let name_start = self.names.len();
        self.names.push_str(name);
        self.entries.push(PlannedEntry {
            name_start,
            name_len: name.len() as u16,
            flags,
            attributes,
            slot,
        });
    }

    /// The names, in the order they were added.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries
            .iter()
            .map(|entry| &self.names[entry.name_start..][..usize::from(entry.name_len)])
    }

    /// The entries sorted by name, and the name heap in that order.
    pub(super) fn sorted(&self) -> Result<(Vec<EntryRecord>, Vec<u8>)> {
        let name = |entry: &PlannedEntry| {
            &self.names.as_bytes()[entry.name_start..][..usize::from(entry.name_len)]
        };
        if self.names.len() as u64 > MAX_NAME_HEAP_BYTES || self.len() as u64 >= NONE.into() {
            return Err(EnvError::InvalidValue {
                what: format!("{} bindings", self.len()),
                reason: "their names need more than 4 GiB, or they are too many".to_owned(),
            });
        }
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        if !self.entries.is_sorted_by(|a, b| name(a) < name(b)) {
            order.sort_by(|a, b| {
                name(&self.entries[*a as usize]).cmp(name(&self.entries[*b as usize]))
            });
        }
        let mut names = Vec::with_capacity(self.names.len());
        let mut records: Vec<EntryRecord> = Vec::with_capacity(order.len());
        let mut previous: Option<&[u8]> = None;
        for ordinal in order {
            let entry = &self.entries[ordinal as usize];
            let bytes = name(entry);
            if previous == Some(bytes) {
                let name = String::from_utf8_lossy(bytes).into_owned();
                return Err(EnvError::DuplicateName { name });
            }
            previous = Some(bytes);
            let (kind, payload) = entry.slot.to_record();
            records.push(EntryRecord {
                name_offset: names.len() as u32,
                name_len: entry.name_len,
                kind,
                flags: entry.flags,
                ordinal,
                attributes: entry.attributes,
                payload,
            });
            names.extend_from_slice(bytes);
        }
        Ok((records, names))
    }
}
