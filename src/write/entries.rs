//! The entries of the table: gathered in the order they are added, sorted when all are there.

use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::format::records::{EntryRecord, Slot};
use crate::limits::MAX_NAME_HEAP_BYTES;

/// Records of bindings, and their names one after the other: what the table will hold, so that a
/// million bindings that come in the order of their names are held once.
#[derive(Debug, Default)]
pub(super) struct PlannedEntries {
    records: Vec<EntryRecord>,
    names: String,
}

impl PlannedEntries {
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }

    /// Adds an entry. The name was checked: it has at most 4096 bytes.
    pub(super) fn push(&mut self, name: &str, flags: u8, attributes: u32, slot: Slot) {
        let (kind, payload) = slot.to_record();
        self.records.push(EntryRecord {
            // Too many names are refused in the end.
            name_offset: u32::try_from(self.names.len()).unwrap_or(u32::MAX),
            name_len: name.len() as u16,
            kind,
            flags,
            ordinal: self.records.len() as u32,
            attributes,
            payload,
        });
        self.names.push_str(name);
    }

    fn name(&self, record: &EntryRecord) -> &str {
        name_in(&self.names, record)
    }

    /// The names, in the order of the entries.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.records.iter().map(|record| self.name(record))
    }

    /// The entries sorted by name, and the names in that order.
    pub(super) fn sorted(self) -> Result<PlannedEntries> {
        if self.names.len() as u64 > MAX_NAME_HEAP_BYTES || self.len() as u64 >= NONE.into() {
            return Err(EnvError::InvalidValue {
                what: format!("{} bindings", self.len()),
                reason: "their names need more than 4 GiB, or they are too many".to_owned(),
            });
        }
        if self.names().is_sorted_by(|a, b| a < b) {
            return Ok(self);
        }
        let PlannedEntries { mut records, names } = self;
        records.sort_unstable_by(|a, b| name_in(&names, a).cmp(name_in(&names, b)));
        let mut sorted = String::with_capacity(names.len());
        let mut previous: Option<&str> = None;
        for record in &mut records {
            let name = name_in(&names, record);
            if previous == Some(name) {
                let name = name.to_owned();
                return Err(EnvError::DuplicateName { name });
            }
            previous = Some(name);
            record.name_offset = sorted.len() as u32;
            sorted.push_str(name);
        }
        Ok(PlannedEntries {
            records,
            names: sorted,
        })
    }

    /// The bytes of the records, and those of the names.
    pub(super) fn as_bytes(&self) -> (&[u8], &[u8]) {
        (bytemuck::cast_slice(&self.records), self.names.as_bytes())
    }
}

fn name_in<'n>(names: &'n str, record: &EntryRecord) -> &'n str {
    let start = record.name_offset as usize;
    let end = start + usize::from(record.name_len);
    names.get(start..end).unwrap_or_default()
}
