//! What stands beside an archive at one moment.

use std::path::{Path, PathBuf};

use super::file::LastUsed;
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
    /// With all segments open: they may be removed while they are read.
    pub(super) fn read(companions: &Companions, folded: u64) -> Result<Listing> {
        Listing::read_with(companions, folded, Segment::find_retired)
    }

    /// With the active segment open, and one of the retired ones at a time: they are kept, and there
    /// may be more of them than a process may have open.
    pub(super) fn read_kept(companions: &Companions, folded: u64) -> Result<Listing> {
        let last_used = LastUsed::default();
        Listing::read_with(companions, folded, |first, path| {
            Segment::find_resting(first, path, &last_used)
        })
    }

    /// The active segment first: if it is retired after that, it no longer stands at its path.
    fn read_with(
        companions: &Companions,
        folded: u64,
        find: impl Fn(u64, &Path) -> Result<Found>,
    ) -> Result<Listing> {
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
                let found = find(first, &path)?;
                listing.take(path, found);
            }
        }
        // What begins before a sound one ends before it.
        listing.folded = retired.into_iter().map(|(_, path)| path).collect();
        for (first, path) in above {
            let found = find(first, &path)?;
            listing.take(path, found);
        }
        listing.segments.extend(listing.active.clone());
        listing.broken.extend(active_fault);
        Ok(listing)
    }

    /// Takes what stands at the path of a retired one.
    fn take(&mut self, path: PathBuf, found: Found) {
        match found {
            Found::Nothing => {}
            Found::Broken(fault) => self.broken.push((path, Some(fault))),
            Found::Segment(segment) => self.segments.push(segment),
        }
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
