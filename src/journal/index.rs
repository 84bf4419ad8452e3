//! The frames of a chain, over its segments.

use std::ops::{Range, RangeInclusive};

use super::frame::{FrameKind, MessageHeader};
pub(crate) use super::run::Entry;
use super::run::Run;
use super::segment::{Place, Segment};
use crate::error::Result;

/// Frames in their order, without gaps.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    /// Sequence of the first entry.
    first: u64,
    /// Each with the number of frames before it.
    runs: Vec<(usize, Run)>,
    segments: Vec<Segment>,
}

/// One frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) sequence: u64,
    pub(crate) key: &'a [u8],
    pub(crate) entry: Entry,
    pub(crate) segment: &'a Segment,
}

impl Frames {
    /// None yet; the first will have the sequence `first`.
    pub(super) fn new(first: u64) -> Frames {
        Frames {
            first,
            runs: Vec::new(),
            segments: Vec::new(),
        }
    }

    /// Sequence of the first frame; one above the last one when there are none.
    pub(crate) fn first_sequence(&self) -> u64 {
        self.first
    }

    /// Sequence of the last frame; one below the first one when there are none.
    pub(crate) fn last_sequence(&self) -> u64 {
        (self.first.saturating_sub(1)).saturating_add(self.len() as u64)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        let last = self.runs.last();
        last.map_or(0, |(before, run)| before + run.len())
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame with that sequence.
    pub(crate) fn get(&self, sequence: u64) -> Option<Frame<'_>> {
        let place = usize::try_from(sequence.checked_sub(self.first)?).ok()?;
        (place < self.len()).then(|| self.at(place))
    }

    /// The frames with that sequence and higher ones, in order; from both ends.
    pub(crate) fn from(
        &self,
        sequence: u64,
    ) -> impl DoubleEndedIterator<Item = Frame<'_>> + ExactSizeIterator {
        self.between(sequence..=u64::MAX)
    }

    /// The frames with those sequences, as far as there are any, in order; from both ends.
    pub(crate) fn between(
        &self,
        sequences: RangeInclusive<u64>,
    ) -> impl DoubleEndedIterator<Item = Frame<'_>> + ExactSizeIterator {
        let place = |sequence: u64| {
            let skipped = usize::try_from(sequence.saturating_sub(self.first));
            skipped.unwrap_or(usize::MAX).min(self.len())
        };
        let end = place(sequences.end().saturating_add(1));
        let first = place(*sequences.start()).min(end);
        Between {
            frames: self,
            places: first..end,
            runs: (self.run_of(first), self.run_of(end)),
        }
    }

    /// Those from `sequence` on whose payload has `len` bytes or more.
    pub(crate) fn large(&self, sequence: u64, len: u64) -> impl Iterator<Item = Frame<'_>> {
        let first = usize::try_from(sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let runs = self.runs.iter().enumerate();
        let runs = runs.filter(move |(_, (_, run))| run.largest_payload() >= len);
        let frames = runs.flat_map(move |(number, (before, run))| {
            let places = *before.max(&first)..(before + run.len()).max(first);
            places.filter_map(move |place| self.in_run(place, number))
        });
        frames.filter(move |frame| frame.entry.payload_len >= len)
    }

    /// Whether one of the frames up to `sequence` may lead back to another.
    pub(crate) fn may_lead_back(&self, sequence: u64) -> bool {
        let until = sequence.saturating_add(1).saturating_sub(self.first);
        let mut runs = self.runs.iter();
        runs.any(|(before, run)| (*before as u64) < until && run.has_restores())
    }

    /// The sequence of the last commit at or before a time in nanoseconds since 1970, by reading a
    /// few headers; `None` when the first frame is later.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn commit_at(&self, timestamp: u64) -> Result<Option<u64>> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.at(middle).timestamp()? <= timestamp {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        let commit = (0..low).rev().map(|n| self.at(n)).find(Frame::ends_commit);
        Ok(commit.map(|frame| frame.sequence))
    }

    /// The segments that hold them, in order; the last ones may hold none.
    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Adds a segment for the frames that follow.
    pub(super) fn push_segment(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    /// The run for a frame at `offset` that is to be added.
    pub(super) fn run_for(&mut self, offset: u64) -> &mut Run {
        if self.runs.last().is_none_or(|(_, run)| !run.takes(offset)) {
            self.runs.push((self.len(), Run::new(offset)));
        }
        match self.runs.last_mut() {
            Some((_, run)) => run,
            None => unreachable!("there is one now"),
        }
    }

    /// Adds the frames that follow, without their segments.
    pub(super) fn append(&mut self, following: Frames) {
        let known = self.len();
        let runs = following.runs.into_iter();
        self.runs
            .extend(runs.map(|(before, run)| (known + before, run)));
    }

    /// Drops the frames above `sequence`, and the segments that begin above it, which it returns.
    pub(super) fn cut_after(&mut self, sequence: u64) -> Vec<Segment> {
        let kept = (sequence.saturating_add(1)).saturating_sub(self.first);
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        while self.runs.last().is_some_and(|(before, _)| *before >= kept) {
            self.runs.pop();
        }
        if let Some((before, run)) = self.runs.last_mut() {
            run.truncate(kept - *before);
        }
        let begins_below = |s: &Segment| s.begin().base_sequence <= sequence;
        let kept = self.segments.partition_point(begins_below);
        self.segments.split_off(kept)
    }

    /// The last frame that ends a commit and stands below `sequence`.
    pub(super) fn last_commit_below(&self, sequence: u64) -> Option<Frame<'_>> {
        let below = usize::try_from(sequence.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let below = below.min(self.len());
        (0..below)
            .rev()
            .map(|n| self.at(n))
            .find(Frame::ends_commit)
    }

    /// The frame at a place that there is.
    fn at(&self, place: usize) -> Frame<'_> {
        match self.in_run(place, self.run_of(place)) {
            Some(frame) => frame,
            None => unreachable!("there are as many frames as are counted"),
        }
    }

    /// The number of the run that holds a place.
    fn run_of(&self, place: usize) -> usize {
        let begins_there = |(before, _): &(usize, Run)| *before <= place;
        self.runs.partition_point(begins_there).saturating_sub(1)
    }

    /// The frame at a place, if that run holds it.
    fn in_run(&self, place: usize, run: usize) -> Option<Frame<'_>> {
        let (before, run) = self.runs.get(run)?;
        let (entry, key) = run.get(place.checked_sub(*before)?)?;
        let sequence = self.first + place as u64;
        let begins_below = |s: &Segment| s.begin().base_sequence < sequence;
        let segment = match &self.segments[..] {
            [_] => 0,
            several => several.partition_point(begins_below) - 1,
        };
        Some(Frame {
            sequence,
            key,
            entry,
            segment: &self.segments[segment],
        })
    }
}

/// Frames in order, from both ends.
struct Between<'a> {
    frames: &'a Frames,
    places: Range<usize>,
    /// Where the next ones are likely to be, at each end.
    runs: (usize, usize),
}

impl<'a> Iterator for Between<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let place = self.places.next()?;
        self.frames.in_run(place, self.runs.0).or_else(|| {
            self.runs.0 = self.frames.run_of(place);
            self.frames.in_run(place, self.runs.0)
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.places.size_hint()
    }
}

impl DoubleEndedIterator for Between<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        let place = self.places.next_back()?;
        self.frames.in_run(place, self.runs.1).or_else(|| {
            self.runs.1 = self.frames.run_of(place);
            self.frames.in_run(place, self.runs.1)
        })
    }
}

impl ExactSizeIterator for Between<'_> {}

impl<'a> Frame<'a> {
    /// What it says.
    pub(crate) fn kind(&self) -> FrameKind {
        self.entry.kind.into()
    }

    /// Whether it ends a commit.
    pub(crate) fn ends_commit(&self) -> bool {
        self.entry.ends_commit
    }

    /// Where its payload stands.
    pub(crate) fn payload(&self) -> Place<'a> {
        let skipped = super::frame::payload_offset(self.key.len() as u64);
        Place {
            segment: self.segment,
            offset: self.entry.offset + skipped,
            len: self.entry.payload_len,
        }
    }

    /// Its header, read from the file.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn header(&self) -> Result<MessageHeader> {
        self.segment.header_at(self.entry.offset)
    }

    /// Its time in nanoseconds since 1970, read from the file.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn timestamp(&self) -> Result<u64> {
        Ok(self.header()?.timestamp)
    }

    /// Compares the payload with its sum, in pieces.
    ///
    /// # Errors
    /// [`crate::EnvError::Damaged`], [`crate::EnvError::Io`].
    pub(crate) fn verify(&self) -> Result<()> {
        self.payload().check(self.header()?.payload_crc)
    }
}
