//! What stands beside an archive at one moment.

use std::path::PathBuf;

use super::paths::Companions;
use super::segment::{Found, Segment};
use crate::error::Result;
use crate::fault::Fault;

/// The segments beside an archive at one moment.
pub(super) struct Listing {
    /// Sound ones that may hold frames above the folded sequence, in order.
    pub(super) segments: Vec<Segment>,
    /// The active one among them, or none.
    active: Option<Segment>,
    /// Retired ones that hold none.
    pub(super) folded: Vec<PathBuf>,
    /// Files that are no segments.
    pub(super) broken: Vec<(PathBuf, Option<Fault>)>,
}

impl Listing {
    /// The active segment first: if it is retired after that, it no longer stands at its path.
    pub(super) fn read(companions: &Companions, folded: u64) -> Result<Listing> {
        let mut listing = Listing {
            segments: Vec::new(),
            active: None,
            folded: Vec::new(),
            broken: Vec::new(),
        };
        let journal = companions.journal();
        let mut active_fault = None;
        match Segment::find(&journal)? {
            Found::Nothing => {}
            Found::Broken(fault) => active_fault = Some((journal, Some(fault))),
            Found::Segment(segment) => listing.active = Some(segment),
        }
        let mut retired = companions.list_retired()?;
        let active_base = listing.active.as_ref().map(|s| s.begin().base_sequence);
        let mut above = Vec::new();
        if active_base.is_none_or(|base| base > folded) {
            let next = folded.saturating_add(1);
            above = retired.split_off(retired.partition_point(|(first, _)| *first <= next));
            // The last sound one that begins there or before may hold the frame after those that are
            // folded. A file is none by its name alone.
            while listing.segments.is_empty()
                && let Some((first, path)) = retired.pop()
            {
                listing.take(first, path)?;
            }
        }
        // What begins before a sound one ends before it.
        listing.folded = retired.into_iter().map(|(_, path)| path).collect();
        for (first, path) in above {
            listing.take(first, path)?;
        }
        listing.segments.extend(listing.active.clone());
        listing.broken.extend(active_fault);
        Ok(listing)
    }

    /// Opens a retired one.
    fn take(&mut self, first: u64, path: PathBuf) -> Result<()> {
        match Segment::find_retired(first, &path)? {
            Found::Nothing => {}
            Found::Broken(fault) => self.broken.push((path, Some(fault))),
            Found::Segment(segment) => self.segments.push(segment),
        }
        Ok(())
    }

    /// Whether the active segment is still the one that was opened.
    pub(super) fn still_holds(&self, companions: &Companions) -> Result<bool> {
        match &self.active {
            Some(active) => active.is_at(&companions.journal()),
            None => Ok(!matches!(
                Segment::find(&companions.journal())?,
                Found::Segment(_)
            )),
        }
    }
}
