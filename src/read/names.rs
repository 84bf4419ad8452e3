//! Names of an archive: found by halving, listed by prefix, range, pattern and level.

use std::ops::{Bound, Range, RangeBounds};

use super::archive::Archive;
use super::binding::Binding;
use super::overlay::Found;
use crate::error::Result;
use crate::pattern::Patterns;

/// One step below a prefix: a binding, a group of bindings, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The name up to the next separator, the prefix included, the separator not.
    pub name: String,
    /// Whether a binding has exactly this name.
    pub is_binding: bool,
    /// Number of bindings below it.
    pub below: usize,
}

/// Names looked at when the nearest one is searched.
const NEAREST_AMONG: usize = 100_000;
/// So many bindings in a row are looked at one by one in a table that is checked as it is used.
const WHOLE_FROM: usize = 1024;

impl Archive {
    /// Number of bindings.
    pub fn len(&self) -> usize {
        match self.overlay() {
            Some(overlay) => overlay.len(),
            None => self.preamble().entry_count as usize,
        }
    }

    /// Whether there are no bindings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a binding has exactly this name.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok_and(|found| found.is_some())
    }

    /// All names, sorted by their bytes.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        self.look_at(0..self.len());
        (0..self.len()).map(|place| self.nth(place).name())
    }

    /// All bindings, sorted by name.
    pub fn bindings(&self) -> impl ExactSizeIterator<Item = Binding<'_>> + DoubleEndedIterator {
        self.look_at(0..self.len());
        (0..self.len()).map(|index| self.nth(index))
    }

    /// All bindings, in the order they were saved.
    pub fn bindings_as_saved(&self) -> Vec<Binding<'_>> {
        let mut bindings: Vec<_> = self.bindings().collect();
        bindings.sort_by_key(Binding::place_in_order);
        bindings
    }

    /// The bindings whose names begin with `prefix`, sorted.
    pub fn with_prefix<'a>(
        &'a self,
        prefix: &str,
    ) -> impl ExactSizeIterator<Item = Binding<'a>> + use<'a> {
        let start = self.lower_bound(prefix.as_bytes());
        let end = start + self.count_prefix_from(start, prefix.as_bytes());
        self.look_at(start..end);
        (start..end).map(|index| self.nth(index))
    }

    /// Number of bindings whose names begin with `prefix`, without visiting them.
    pub fn count_prefix(&self, prefix: &str) -> usize {
        self.count_prefix_from(self.lower_bound(prefix.as_bytes()), prefix.as_bytes())
    }

    /// The bindings whose names lie in `range`, by their bytes, sorted.
    pub fn in_range<'a, 'n, R: RangeBounds<&'n str>>(
        &'a self,
        range: R,
    ) -> impl ExactSizeIterator<Item = Binding<'a>> + use<'a, 'n, R> {
        let start = match range.start_bound() {
            Bound::Included(name) => self.lower_bound(name.as_bytes()),
            Bound::Excluded(name) => self.upper_bound(name.as_bytes()),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(name) => self.upper_bound(name.as_bytes()),
            Bound::Excluded(name) => self.lower_bound(name.as_bytes()),
            Bound::Unbounded => self.len(),
        };
        let end = end.max(start);
        self.look_at(start..end);
        (start..end).map(|index| self.nth(index))
    }

    /// The bindings that a pattern names, sorted: `*`, `?`, `[a-z]`, `{a,b}`; `*` also crosses `.`
    /// and `/`. A binding of exactly that name beats the pattern.
    ///
    /// # Errors
    /// [`crate::EnvError::Syntax`] when the pattern is none.
    pub fn matching(&self, pattern: &str) -> Result<Vec<Binding<'_>>> {
        if let Some(found) = self.find(pattern)? {
            return Ok(vec![self.found(found)]);
        }
        let patterns = Patterns::new([pattern])?;
        let literal = patterns.literal_prefix().as_bytes();
        let start = self.partition_point(|name| name < literal)?;
        let end = self.partition_point(|name| name < literal || name.starts_with(literal))?;
        self.look_at(start..end);
        let mut bindings = Vec::new();
        for place in start..end {
            let binding = self.nth(place);
            if patterns.matches(binding.told_name()?) {
                bindings.push(binding);
            }
        }
        Ok(bindings)
    }

    /// What lies one step below `prefix`, for names cut at `separator`: as a directory is listed.
    /// A prefix that is not empty should end with the separator.
    pub fn children(&self, prefix: &str, separator: char) -> Vec<Child> {
        let mut children: Vec<Child> = Vec::new();
        // A binding of a group's own name sorts before the group, perhaps not just before.
        let mut places = std::collections::HashMap::new();
        let mut index = self.lower_bound(prefix.as_bytes());
        let end = index + self.count_prefix_from(index, prefix.as_bytes());
        self.look_at(index..end);
        while index < end {
            let name = self.nth(index).name();
            let rest = name.get(prefix.len()..).unwrap_or_default();
            let Some(at) = rest.find(separator) else {
                places.insert(name, children.len());
                children.push(Child {
                    name: name.to_owned(),
                    is_binding: true,
                    below: 0,
                });
                index += 1;
                continue;
            };
            let child = name.get(..prefix.len() + at).unwrap_or(name);
            let group = format!("{child}{separator}");
            let below = self.count_prefix_from(index, group.as_bytes());
            match places.get(child).and_then(|place| children.get_mut(*place)) {
                Some(known) => known.below = below,
                None => {
                    children.push(Child {
                        name: child.to_owned(),
                        is_binding: false,
                        below,
                    });
                }
            }
            index += below.max(1);
        }
        children
    }

    /// The nearest name to one that is not there.
    pub(super) fn nearest(&self, name: &str) -> Option<String> {
        crate::name::nearest(name, self.names().take(NEAREST_AMONG))
    }

    /// Where the binding of `name` stands.
    pub(super) fn find(&self, name: &str) -> Result<Option<Found<'_>>> {
        match self.overlay() {
            Some(overlay) => Ok(overlay.find(name)),
            None => Ok(self.store().tables.find(name)?.map(Found::Base)),
        }
    }

    /// Checks the whole table when so many bindings are about to be looked at that going through it page
    /// by page would cost more. What is wrong comes up again where it is used.
    fn look_at(&self, places: Range<usize>) {
        if places.len() > WHOLE_FROM && places.len() > self.len() / 16 {
            let _ = self.check_table();
        }
    }

    pub(super) fn found<'a>(&'a self, found: Found<'a>) -> Binding<'a> {
        let (index, moved) = match found {
            Found::Base(index) => (index, None),
            Found::Moved(index, moved) => (index, Some(moved)),
            Found::Frame(binding) => return Binding::in_frame(binding, self.overlay()),
        };
        Binding::in_table(self.store(), index, moved, self.overlay())
    }

    /// The place of `name` in the order of names.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let place = self.lower_bound(name.as_bytes());
        (place < self.len() && self.nth(place).name() == name).then_some(place)
    }

    /// The binding at a place in the order of names.
    pub(crate) fn nth(&self, place: usize) -> Binding<'_> {
        let found = match self.overlay() {
            Some(overlay) => overlay.at(place),
            None => None,
        };
        self.found(found.unwrap_or(Found::Base(place)))
    }

    /// How many names fulfil `before`, which holds for the first ones only.
    fn partition_point(&self, before: impl FnMut(&[u8]) -> bool) -> Result<usize> {
        match self.overlay() {
            Some(overlay) => Ok(overlay.partition_point(before)),
            None => self.store().tables.partition_point(before),
        }
    }

    // Where the table is damaged, what is asked for without a `Result` lies behind the last name.

    fn lower_bound(&self, key: &[u8]) -> usize {
        let point = self.partition_point(|name| name < key);
        point.unwrap_or(self.len())
    }

    fn upper_bound(&self, key: &[u8]) -> usize {
        let point = self.partition_point(|name| name <= key);
        point.unwrap_or(self.len())
    }

    /// How many names from place `start` on, which is their lower bound, begin with `prefix`.
    fn count_prefix_from(&self, start: usize, prefix: &[u8]) -> usize {
        let end = self.partition_point(|name| name < prefix || name.starts_with(prefix));
        end.map_or(0, |end| end.saturating_sub(start))
    }
}
