//! What was changed since the last commit.

use std::collections::HashMap;
use std::sync::Arc;

use crate::environment::{Change, Variable};

/// Changes in the order they were made; of several values of a variable the last.
#[derive(Debug, Default)]
pub(super) struct Pending {
    changes: Vec<Change>,
    latest: HashMap<Arc<str>, Latest>,
    cleared: bool,
    /// Whether there is a rename among the changes.
    renames: bool,
    /// The name of the mark that ends the commit.
    pub(super) mark: Option<Arc<str>>,
}

/// What is said of a name.
#[derive(Clone, Debug)]
enum Latest {
    /// A change, by its number.
    Set(usize),
    Removed,
    /// It is the committed variable of this name.
    From(Arc<str>),
}

/// What a name stands for.
#[derive(Debug)]
pub(super) enum Named<'p> {
    Set(&'p Variable),
    Removed,
    /// The committed variable of this name.
    Committed(&'p str),
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.mark.is_none()
    }

    /// What `name` stands for.
    pub(super) fn get<'p>(&'p self, name: &'p str) -> Named<'p> {
        match self.latest.get(name) {
            Some(Latest::Set(number)) => match self.changes.get(*number) {
                Some(Change::Set(_, variable)) => Named::Set(variable),
                _ => Named::Removed,
            },
            Some(Latest::Removed) => Named::Removed,
            Some(Latest::From(old)) => Named::Committed(old),
            None if self.cleared => Named::Removed,
            None => Named::Committed(name),
        }
    }

    pub(super) fn push(&mut self, change: Change) {
        match &change {
            Change::Set(name, _) => {
                // The place of the first counts, the value of the last.
                if let Some(Latest::Set(number)) = self.latest.get(name)
                    && let Some(earlier) = self.changes.get_mut(*number)
                    && matches!(earlier, Change::Set(known, _) if known == name)
                {
                    *earlier = change;
                    return;
                }
                let number = self.changes.len();
                self.latest.insert(Arc::clone(name), Latest::Set(number));
            }
            Change::Remove(name) => {
                // What was set and not committed need not be written, and may be what cannot be.
                if let Some(Latest::Set(number)) = self.latest.get(name)
                    && let Some(earlier) = self.changes.get_mut(*number)
                    && matches!(earlier, Change::Set(known, _) if known == name)
                {
                    self.latest.insert(Arc::clone(name), Latest::Removed);
                    if !self.renames {
                        *earlier = change;
                        return;
                    }
                    // A rename may stand between them, and needs something to rename.
                    *earlier = Change::Set(Arc::clone(name), Box::default());
                }
                self.latest.insert(Arc::clone(name), Latest::Removed);
            }
            Change::Rename(old, new) => {
                self.renames = true;
                let said = match self.latest.get(old) {
                    Some(said) => said.clone(),
                    None => Latest::From(Arc::clone(old)),
                };
                self.latest.insert(Arc::clone(old), Latest::Removed);
                self.latest.insert(Arc::clone(new), said);
            }
            Change::Clear => {
                self.changes.clear();
                self.latest.clear();
                self.cleared = true;
                self.renames = false;
            }
        }
        self.changes.push(change);
    }

    /// The changes in order.
    pub(super) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter()
    }

    /// The names as they will be, in order, from the committed ones.
    pub(super) fn names(&self, committed: impl Iterator<Item = Arc<str>>) -> Vec<Arc<str>> {
        let mut names: indexmap::IndexMap<Arc<str>, ()> =
            committed.map(|name| (name, ())).collect();
        for change in self.changes() {
            match change {
                Change::Set(name, _) => {
                    names.entry(Arc::clone(name)).or_default();
                }
                Change::Remove(name) => {
                    names.shift_remove(name);
                }
                Change::Rename(old, new) => {
                    if old != new {
                        names.shift_remove(new);
                    }
                    if let Some(place) = names.get_index_of(old) {
                        names.shift_remove_index(place);
                        names.shift_insert(place, Arc::clone(new), ());
                    }
                }
                Change::Clear => names.clear(),
            }
        }
        names.into_keys().collect()
    }

    pub(super) fn clear(&mut self) {
        *self = Pending::default();
    }
}
