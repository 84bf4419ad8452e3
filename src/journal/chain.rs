//! The segments of a session, one after the other, and how far they are true.
//!
//! Damage inside a file cuts the chain there. Files that do not fit together are refused: whoever
//! put them beside each other must say which one is meant.

use std::path::{Path, PathBuf};

use super::begin::Begin;
use super::index::Frames;
use super::paths::Companions;
use super::scan::{Findings, Position, walk};
use super::segment::{Found, Segment};
use crate::error::{EnvError, Result};
use crate::fault::{Fault, Part, Problem};

/// How often the directory is read anew when a writer rotates meanwhile.
const ATTEMPTS: usize = 50;

/// What a journal must belong to: the archive beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// The session the archive names; zero when it names none.
    pub(crate) session_id: [u8; 16],
    /// Its root digest; `None` when there is no archive.
    pub(crate) root_digest: Option<[u8; 32]>,
    /// Sequence of the last frame folded into it.
    pub(crate) folded_sequence: u64,
}

/// Bytes in a journal that are not part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The segment.
    pub(crate) path: PathBuf,
    /// Offset from which on its bytes do not count.
    pub(crate) offset: u64,
    /// How many there are to the end of the file.
    pub(crate) len: u64,
    /// Why they do not count; `None` when they are a commit that was not finished, or stand behind
    /// damage in the segment before.
    pub(crate) fault: Option<Fault>,
}

/// The committed frames of a session, as far as they are true. Reading only.
#[derive(Debug)]
pub(crate) struct Chain {
    companions: Companions,
    base: Base,
    session_id: Option<[u8; 16]>,
    findings: Findings,
    /// After the last committed frame, in the last segment.
    end: Option<Position>,
    /// Why the walk of the last segment ended.
    fault: Option<Fault>,
    /// Files beside the archive that do not count, whole, in their order.
    strays: Vec<(PathBuf, Option<Fault>)>,
    folded: Vec<PathBuf>,
}

impl Chain {
    /// Reads the journal beside an archive. Where there is none, or none that holds anything, the
    /// chain is empty.
    ///
    /// # Errors
    /// [`EnvError::ForeignJournal`]: it belongs to another archive or session.
    /// [`EnvError::JournalGap`]: frames are missing between the archive and the journal.
    /// Both are also what a reader sees whose archive was replaced by a checkpoint meanwhile: see
    /// whether the archive's path still leads to the same file, and if not, open both again.
    /// [`EnvError::Io`], [`EnvError::NotAFile`], [`EnvError::Unsupported`].
    pub(crate) fn open(companions: &Companions, base: &Base) -> Result<Chain> {
        let mut listing = Listing::read(companions, base.folded_sequence)?;
        for _ in 1..ATTEMPTS {
            if listing.still_holds(companions)? {
                break;
            }
            listing = Listing::read(companions, base.folded_sequence)?;
        }
        let first = match listing.segments.first() {
            Some(segment) => segment.begin().base_sequence,
            None => base.folded_sequence,
        };
        let named = base.session_id != [0; 16];
        let mut chain = Chain {
            companions: companions.clone(),
            base: *base,
            session_id: named.then_some(base.session_id),
            findings: Findings {
                frames: Frames::new(first.saturating_add(1)),
                doubts: Vec::new(),
                synced: 0,
            },
            end: None,
            fault: None,
            strays: listing.broken,
            folded: listing.folded,
        };
        let mut segments = listing.segments.into_iter();
        for segment in segments.by_ref() {
            if !chain.append(segment)? {
                break;
            }
        }
        let behind = segments.map(|segment| (segment.path().to_owned(), None));
        chain.strays.splice(0..0, behind);
        chain.settle()?;
        Ok(chain)
    }

    /// Reads what was committed since, over rotations too. Returns the sequence of the last frame
    /// known before: the new ones are `frames().from(that + 1)`.
    ///
    /// # Errors
    /// As [`Chain::open`]; after a [`EnvError::JournalGap`] open archive and chain again.
    pub(crate) fn refresh(&mut self) -> Result<u64> {
        let known = self.sequence();
        loop {
            let Some((last, end)) = self.last_segment() else {
                *self = Chain::open(&self.companions, &self.base)?;
                return Ok(known);
            };
            // Asked first: a segment that was retired by then gets no more frames.
            let is_active = last.is_at(&self.companions.journal())?;
            let (_, fault) = walk(&last, end, &mut self.findings)?;
            self.fault = fault;
            self.settle()?;
            if is_active || self.fault.is_some() {
                return Ok(known);
            }
            match self.successor()? {
                Some(next) if self.append(next.clone())? => self.settle()?,
                _ => return Ok(known),
            }
        }
    }

    /// The session's id; `None` when there is no journal and the archive names none.
    pub(crate) fn session_id(&self) -> Option<[u8; 16]> {
        self.session_id
    }

    /// Sequence of the last committed frame; what is folded when there are none above it.
    pub(crate) fn sequence(&self) -> u64 {
        let last = self.end.map_or(0, |end| end.sequence);
        last.max(self.base.folded_sequence)
    }

    /// All committed frames of the segments that hold frames above the folded sequence. The first
    /// ones may be folded already: use `frames().from(folded_sequence + 1)`.
    pub(crate) fn frames(&self) -> &Frames {
        &self.findings.frames
    }

    /// The segments of the chain in their order; the last may be the active one.
    pub(crate) fn segments(&self) -> &[Segment] {
        self.findings.frames.segments()
    }

    /// Retired segments whose frames are all folded.
    pub(crate) fn folded_segments(&self) -> &[PathBuf] {
        &self.folded
    }

    /// What is in the files and does not count, in order. Reads what follows the last commit up to
    /// the first byte that is not zero.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub(crate) fn damage(&self) -> Result<Vec<Damage>> {
        let mut found = Vec::new();
        if let Some((last, end)) = self.last_segment()
            && !last.is_zero_from(end.offset)?
        {
            found.push(Damage {
                path: last.path().to_owned(),
                offset: end.offset,
                len: last.len()?.saturating_sub(end.offset),
                fault: self.fault.clone(),
            });
        }
        for (path, fault) in &self.strays {
            let len = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
            found.push(Damage {
                path: path.clone(),
                offset: 0,
                len,
                fault: fault.clone(),
            });
        }
        Ok(found)
    }

    pub(super) fn companions(&self) -> &Companions {
        &self.companions
    }

    pub(crate) fn base(&self) -> &Base {
        &self.base
    }

    /// The greatest sequence that is known to be on the disk.
    pub(super) fn synced(&self) -> u64 {
        self.findings.synced
    }

    /// The last segment, and where its last commit ends.
    pub(super) fn last_segment(&self) -> Option<(Segment, Position)> {
        Some((self.segments().last()?.clone(), self.end?))
    }

    /// Walks a segment if it continues the chain; says so. It does not where the segment before is
    /// damaged.
    fn append(&mut self, segment: Segment) -> Result<bool> {
        match self.last_segment() {
            None => self.check_owner(&segment)?,
            Some((last, end)) => {
                let begin = segment.begin();
                // A link of zero says that the writer did not know the frame before.
                if begin.base_sequence != end.sequence || ![0, end.link].contains(&begin.link) {
                    // The end is settled only after all walks: ask whether it would have been.
                    if self.fault.is_some() || !last.is_zero_from(end.offset)? {
                        return Ok(false);
                    }
                    return Err(self.unfit(&last, &segment, end.sequence));
                }
                self.check_session(&segment)?;
            }
        }
        let start = segment.start();
        self.findings.synced = self.findings.synced.max(segment.begin().synced);
        self.findings.frames.push_segment(segment.clone());
        let (_, fault) = walk(&segment, start, &mut self.findings)?;
        self.fault = fault;
        self.end = Some(self.commit_end(u64::MAX)?);
        Ok(true)
    }

    /// Cuts what was walked to the last commit whose payloads hold.
    fn settle(&mut self) -> Result<()> {
        if self.segments().is_empty() {
            return Ok(());
        }
        let Findings {
            frames,
            doubts,
            synced,
        } = &mut self.findings;
        let committed = frames.last_commit_below(u64::MAX).map_or(0, |f| f.sequence);
        let mut below = u64::MAX;
        for doubt in std::mem::take(doubts) {
            if doubt.sequence <= *synced || doubt.sequence > committed {
                continue;
            }
            let Some(frame) = frames.get(doubt.sequence) else {
                continue;
            };
            match frame.verify() {
                Ok(()) => {}
                Err(EnvError::Damaged { fault, .. }) => {
                    self.fault = Some(fault);
                    below = doubt.sequence;
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        let last = frames.last_commit_below(below);
        let start = frames.first_sequence().saturating_sub(1);
        let behind = frames.cut_after(last.map_or(start, |frame| frame.sequence));
        let behind = behind.iter().map(|s| (s.path().to_owned(), None));
        self.strays.splice(0..0, behind);
        self.end = Some(self.commit_end(below)?);
        Ok(())
    }

    /// The position after the last commit below `below` in the last segment that it leaves.
    fn commit_end(&self, below: u64) -> Result<Position> {
        let frames = &self.findings.frames;
        let start = self.segments().last().map(Segment::start);
        let start = start.unwrap_or_default();
        let last = frames.last_commit_below(below);
        let Some(frame) = last.filter(|frame| frame.sequence > start.sequence) else {
            return Ok(start);
        };
        let (header, link) = frame.segment.header_and_sum(frame.entry.offset)?;
        Ok(Position {
            offset: frame.entry.offset + header.frame_len().unwrap_or_default(),
            sequence: frame.sequence,
            link,
            timestamp: header.timestamp.max(start.timestamp),
        })
    }

    /// The segment after the last one, which was retired.
    fn successor(&self) -> Result<Option<Segment>> {
        let Some((last, end)) = self.last_segment() else {
            return Ok(None);
        };
        let mut found = None;
        // Twice: the active segment may be retired between the two questions.
        for _ in 0..2 {
            let next = self.companions.retired(end.sequence.saturating_add(1));
            for path in [next, self.companions.journal()] {
                if let Found::Segment(segment) = Segment::find(&path)? {
                    let begin = segment.begin();
                    if begin.base_sequence == end.sequence
                        && begin.session_id == last.begin().session_id
                    {
                        return Ok(Some(segment));
                    }
                    found = Some(segment);
                }
            }
        }
        match found {
            Some(segment) => {
                self.check_session(&segment)?;
                Err(self.unfit(&last, &segment, end.sequence))
            }
            None => Ok(None),
        }
    }

    /// Whether the first segment belongs to the archive and continues it.
    fn check_owner(&mut self, segment: &Segment) -> Result<()> {
        let begin = segment.begin();
        if self.session_id.is_some() {
            self.check_session(segment)?;
        } else if begin.root_digest != self.base.root_digest.unwrap_or_default() {
            let reason = match (self.base.root_digest, begin.root_digest == [0; 32]) {
                (None, _) => "the archive it began with is not there",
                (_, true) => "its session began without an archive, or with one that names it",
                _ => "its session began with another archive",
            };
            return Err(self.foreign(segment.path(), reason.into()));
        }
        let folded = self.base.folded_sequence;
        if begin.base_sequence > folded {
            return Err(self.gap(segment, folded));
        }
        self.session_id = Some(begin.session_id);
        Ok(())
    }

    fn check_session(&self, segment: &Segment) -> Result<()> {
        let Begin { session_id, .. } = segment.begin();
        let expected = self.session_id.unwrap_or_default();
        if *session_id == expected {
            return Ok(());
        }
        let reason = format!(
            "it is of session {:032x}, where {:032x} is expected",
            u128::from_be_bytes(*session_id),
            u128::from_be_bytes(expected)
        );
        Err(self.foreign(segment.path(), reason))
    }

    /// Two segments that are sound and do not follow each other.
    fn unfit(&self, last: &Segment, next: &Segment, sequence: u64) -> EnvError {
        if next.begin().base_sequence > sequence {
            return self.gap(next, sequence);
        }
        let reason = format!(
            "it continues from frame {}, and not what {} holds up to frame {sequence}",
            next.begin().base_sequence,
            crate::name::escape_for_terminal(&last.path().to_string_lossy())
        );
        self.foreign(next.path(), reason)
    }

    fn gap(&self, segment: &Segment, last: u64) -> EnvError {
        EnvError::JournalGap {
            path: segment.path().into(),
            archive: self.companions.archive().into(),
            last,
            found: segment.begin().base_sequence.saturating_add(1),
        }
    }

    fn foreign(&self, path: &Path, reason: String) -> EnvError {
        EnvError::ForeignJournal {
            path: path.into(),
            archive: self.companions.archive().into(),
            reason,
        }
    }
}

/// The segments beside an archive at one moment.
struct Listing {
    /// Sound ones that may hold frames above the folded sequence, in order.
    segments: Vec<Segment>,
    /// The active one among them, or none.
    active: Option<Segment>,
    folded: Vec<PathBuf>,
    broken: Vec<(PathBuf, Option<Fault>)>,
}

impl Listing {
    /// The active segment first: if it is retired after that, it no longer stands at its path.
    fn read(companions: &Companions, folded: u64) -> Result<Listing> {
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
            match Segment::find(path)? {
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
    fn still_holds(&self, companions: &Companions) -> Result<bool> {
        match &self.active {
            Some(active) => active.is_at(&companions.journal()),
            None => Ok(!matches!(
                Segment::find(&companions.journal())?,
                Found::Segment(_)
            )),
        }
    }
}
