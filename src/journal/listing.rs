//! What stands beside an archive at one moment.

use std::path::{Path, PathBuf};

use super::file::LastUsed;
use super::paths::Companions;
use super::segment::{Found, Segment};
use crate::error::Result;
use crate::fault::{Fault, Part, Problem};

/// The segments beside an archive at one moment.
pub(super) struct Listing {
    /// Sound ones that may hold frames above the folded sequence, in order.
    pub(super) segments: Vec<Segment>,
    /// The active one among them, or none.
    active: Option<Segment>,
    /// Retired ones that hold none.
    pub(super) folded: Vec<PathBuf>,
    /// Files that are no segments, in order.
    pub(super) broken: Vec<(PathBuf, Option<Fault>)>,
}

impl Listing {
    /// With all segments open: they may be removed while they are read.
    pub(super) fn read(companions: &Companions, folded: u64) -> Result<Listing> {
        Listing::read_with(companions, folded, Segment::find)
    }

    /// With the active segment open, and one of the retired ones at a time: they are kept, and there
    /// may be more of them than a process may have open.
    pub(super) fn read_kept(companions: &Companions, folded: u64) -> Result<Listing> {
        let last_used = LastUsed::default();
        Listing::read_with(companions, folded, |path| {
            Segment::find_resting(path, &last_used)
        })
    }

    /// The active segment first: if it is retired after that, it no longer stands at its path.
    fn read_with(
        companions: &Companions,
        folded: u64,
        find_retired: impl Fn(&Path) -> Result<Found>,
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
        let retired = companions.list_retired()?;
        let mut ends = retired
            .iter()
            .skip(1)
            .map(|(first, _)| first.saturating_sub(1));
        let active_base = listing.active.as_ref().map(|s| s.begin().base_sequence);
        for (first, path) in &retired {
            // Where the next one begins tells where this one ends.
            let end = ends.next().or(active_base);
            if end.is_some_and(|end| end <= folded) {
                listing.folded.push(path.clone());
                continue;
            }
            match find_retired(path)? {
                Found::Nothing => {}
                Found::Broken(fault) => listing.broken.push((path.clone(), Some(fault))),
                Found::Segment(segment) => {
                    if segment.begin().base_sequence.checked_add(1) == Some(*first) {
                        listing.segments.push(segment);
                    } else {
                        let text = "its name tells of another first frame".into();
                        let fault = Fault::new(Part::Frame, 0, Problem::Structure(text));
                        listing.broken.push((path.clone(), Some(fault)));
                    }
                }
            }
        }
        listing.segments.extend(listing.active.clone());
        listing.broken.extend(active_fault);
        Ok(listing)
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
