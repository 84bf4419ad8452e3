//! Finding a field of a record by its name, and checking that its index leads to its fields.

use super::view::View;
use crate::error::Result;
use crate::tree::schema::{ArchivedIndexEntry, ArchivedTree};

impl<'a> View<'a> {
    /// The value of field `name`, or `None` when a record has no such field.
    ///
    /// # Errors
    /// [`crate::EnvError::WrongKind`]; what reading answers.
    pub fn find_field(&self, name: &str) -> Result<Option<View<'a>>> {
        let Some((tree, own)) = self.tree() else {
            return Err(self.wrong_kind("record"));
        };
        match tree {
            ArchivedTree::Record(fields) => {
                let field = fields.iter().find(|field| field.name.as_str() == name);
                field
                    .map(|field| self.resolved(&field.value, own))
                    .transpose()
            }
            ArchivedTree::IndexedRecord(record) => {
                let hash = crc32fast::hash(name.as_bytes());
                let start = record
                    .index
                    .partition_point(|entry| entry.hash.to_native() < hash);
                for entry in record.index.get(start..).unwrap_or_default() {
                    if entry.hash.to_native() != hash {
                        break;
                    }
                    let field = record.fields.get(entry.ordinal.to_native() as usize);
                    let field = field.ok_or_else(|| self.bad_index(own))?;
                    if field.name.as_str() == name {
                        return self.resolved(&field.value, own).map(Some);
                    }
                }
                Ok(None)
            }
            ArchivedTree::RecordParts(record) if record.index.is_empty() => {
                for field in self.fields()? {
                    let (found, view) = field?;
                    if found == name {
                        return Ok(Some(view));
                    }
                }
                Ok(None)
            }
            ArchivedTree::RecordParts(record) => {
                let hash = crc32fast::hash(name.as_bytes());
                // The run of equal hashes may begin in the part before the first that starts so.
                let after = record
                    .index
                    .partition_point(|part| part.first.to_native() < hash);
                for part in record
                    .index
                    .get(after.saturating_sub(1)..)
                    .unwrap_or_default()
                {
                    if part.first.to_native() > hash {
                        break;
                    }
                    let node = part.node.to_native();
                    let view = self.root_of(node, own)?;
                    let Some((ArchivedTree::Index(entries), node)) = view.tree() else {
                        return Err(self.bad_index(node));
                    };
                    let start = entries.partition_point(|entry| entry.hash.to_native() < hash);
                    for entry in entries.get(start..).unwrap_or_default() {
                        if entry.hash.to_native() != hash {
                            break;
                        }
                        let ordinal = entry.ordinal.to_native();
                        let (found, value) = self.indexed(ordinal, node)?;
                        if found == Some(name) {
                            return Ok(Some(value));
                        }
                    }
                }
                Ok(None)
            }
            _ => Err(self.wrong_kind("record")),
        }
    }

    /// The field that an index in `node` names: one beyond the end is damage.
    fn indexed(&self, ordinal: u32, node: u32) -> Result<(Option<&'a str>, View<'a>)> {
        if u64::from(ordinal) >= self.len()? {
            return Err(self.bad_index(node));
        }
        self.at_index(ordinal.into())
    }

    /// Every field of a record stands in its index once, under the hash of its name.
    pub(super) fn check_index(&self) -> Result<()> {
        let Some((tree, own)) = self.tree() else {
            return Ok(());
        };
        let mut check = IndexCheck {
            view: *self,
            node: own,
            previous: None,
            count: 0,
        };
        match tree {
            ArchivedTree::IndexedRecord(record) => check.entries(&record.index)?,
            ArchivedTree::RecordParts(record) if !record.index.is_empty() => {
                for part in record.index.iter() {
                    let view = self.root_of(part.node.to_native(), own)?;
                    let Some((ArchivedTree::Index(entries), node)) = view.tree() else {
                        return Err(self.bad_index(own));
                    };
                    let first = entries.first().map(|entry| entry.hash);
                    if first != Some(part.first) {
                        return Err(self.bad_index(node));
                    }
                    check.node = node;
                    check.entries(entries)?;
                }
            }
            _ => return Ok(()),
        }
        if check.count != self.len()? {
            return Err(self.bad_index(own));
        }
        Ok(())
    }
}

/// A walk through the entries of an index, in order.
struct IndexCheck<'a> {
    view: View<'a>,
    node: u32,
    previous: Option<(u32, u32)>,
    count: u64,
}

impl IndexCheck<'_> {
    fn entries(&mut self, entries: &[ArchivedIndexEntry]) -> Result<()> {
        for entry in entries {
            let entry = (entry.hash.to_native(), entry.ordinal.to_native());
            // Rising and as many as there are fields: so every field stands there once.
            if self.previous.is_some_and(|previous| previous >= entry) {
                return Err(self.view.bad_index(self.node));
            }
            let (name, _) = self.view.indexed(entry.1, self.node)?;
            if name.map(|name| crc32fast::hash(name.as_bytes())) != Some(entry.0) {
                return Err(self.view.bad_index(self.node));
            }
            self.previous = Some(entry);
            self.count += 1;
        }
        Ok(())
    }
}
