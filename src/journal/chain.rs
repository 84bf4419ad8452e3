//! The segments of a session, one after the other, and how far they are true.
//!
//! Damage inside a file cuts the chain there. Files that do not fit together are refused: whoever
//! put them beside each other must say which one is meant.

use std::path::PathBuf;

use super::file::JournalFile;
use super::index::Frames;
use super::listing::Listing;
use super::paths::Companions;
use super::scan::{Findings, Position};
use super::segment::{Found, Segment};
use super::walk::walk;
use crate::error::{EnvError, Result};
use crate::fault::Fault;

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

impl Base {
    /// What a journal belongs to whose archive is lost, as it says itself; `None` when it does not
    /// begin as one.
    ///
    /// # Errors
    /// As [`Chain::open`].
    pub(crate) fn of_journal(companions: &Companions) -> Result<Option<Base>> {
        let listing = Listing::read(companions, 0)?;
        let first = listing.segments.first().map(Segment::begin);
        Ok(first.map(|begin| Base {
            session_id: begin.session_id,
            root_digest: None,
            folded_sequence: begin.base_sequence,
        }))
    }
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
    pub(super) companions: Companions,
    pub(super) base: Base,
    pub(super) session_id: Option<[u8; 16]>,
    findings: Findings,
    /// After the last committed frame, in the last segment.
    end: Option<Position>,
    /// Why the walk of the last segment ended.
    fault: Option<Fault>,
    /// Files beside the archive that do not count, whole.
    strays: Vec<(PathBuf, Option<Fault>)>,
    folded: Vec<PathBuf>,
    /// An error left it between two states: it is to be opened again.
    is_lost: bool,
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
        Chain::open_with(companions, base, Listing::read)
    }

    /// As [`Chain::open`], of history that is kept: its files are opened when they are looked at.
    ///
    /// # Errors
    /// As [`Chain::open`].
    pub(crate) fn open_kept(companions: &Companions, base: &Base) -> Result<Chain> {
        Chain::open_with(companions, base, Listing::read_kept)
    }

    fn open_with(
        companions: &Companions,
        base: &Base,
        read: fn(&Companions, u64) -> Result<Listing>,
    ) -> Result<Chain> {
        let mut listing = read(companions, base.folded_sequence)?;
        for _ in 1..ATTEMPTS {
            if listing.still_holds(companions)? {
                break;
            }
            listing = read(companions, base.folded_sequence)?;
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
            findings: Findings::new(first.saturating_add(1)),
            end: None,
            fault: None,
            strays: listing.broken,
            folded: listing.folded,
            is_lost: false,
        };
        let mut taken = 0;
        for segment in &listing.segments {
            if !chain.append(segment)? {
                break;
            }
            taken += 1;
        }
        if taken == 0 {
            let next = base.folded_sequence.saturating_add(1);
            chain.findings.frames = Frames::new(next);
        }
        let behind = listing.segments[taken..].iter();
        let behind = behind.map(|segment| (segment.path().to_owned(), None));
        chain.strays.extend(behind);
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
        // Behind a segment whose frames are all folded the next one may be missing.
        let folded = self.base.folded_sequence;
        let last = self.last_segment();
        let goes_on = last.is_some_and(|(_, end)| end.sequence >= folded);
        if self.is_lost || !goes_on {
            *self = Chain::open(&self.companions, &self.base)?;
        } else if let Err(e) = self.follow() {
            self.findings.frames.cut_after(self.sequence());
            self.is_lost = true;
            return Err(e);
        }
        Ok(known)
    }

    /// Walks what the last segment has gained, and the segments after it.
    fn follow(&mut self) -> Result<()> {
        while let Some((last, end)) = self.last_segment() {
            // Asked first: a segment that was retired by then gets no more frames.
            let is_active = last.is_at(&self.companions.journal())?;
            let (_, fault) = walk(&last, end, &mut self.findings)?;
            self.fault = fault;
            self.settle()?;
            if is_active || self.fault.is_some() {
                break;
            }
            match self.successor()? {
                Some(next) if self.append(&next)? => self.settle()?,
                _ => break,
            }
        }
        Ok(())
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
            && !last.is_clean_after(&end)?
        {
            found.push(Damage {
                path: last.path().to_owned(),
                offset: end.offset,
                len: last.len()?.saturating_sub(end.offset),
                fault: self.fault.clone(),
            });
        }
        let mut strays: Vec<_> = self.strays.iter().collect();
        strays.sort_by_key(|(path, _)| self.companions.place_of(path));
        for (path, fault) in strays {
            let file = JournalFile::open(path, false)?;
            let len = file.map_or(Ok(0), |file| file.len());
            let len = len.map_err(|e| EnvError::io("read", path.as_path(), e))?;
            found.push(Damage {
                path: path.clone(),
                offset: 0,
                len,
                fault: fault.clone(),
            });
        }
        Ok(found)
    }

    /// Bytes of the segments, the last one up to its last commit.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub(crate) fn committed_len(&self) -> Result<u64> {
        let retired = self.segments().split_last().map_or(&[][..], |(_, r)| r);
        let mut len = self.end.map_or(0, |end| end.offset);
        for segment in retired {
            len += segment.len()?;
        }
        Ok(len)
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
    /// damaged, or a file at its place is none.
    fn append(&mut self, segment: &Segment) -> Result<bool> {
        match self.last_segment() {
            None => {
                let folded = self.base.folded_sequence;
                if segment.begin().base_sequence > folded && self.is_broken_at(0, folded) {
                    if self.session_id.is_some() {
                        self.check_session(segment)?;
                    }
                    return Ok(false);
                }
                self.check_owner(segment)?;
            }
            Some((last, end)) => {
                let begin = segment.begin();
                // A link of zero says that the writer did not know the frame before.
                if begin.base_sequence != end.sequence || ![0, end.link].contains(&begin.link) {
                    // The end is settled only after all walks: ask whether it would have been.
                    if self.fault.is_some()
                        || !last.is_clean_after(&end)?
                        || self.is_broken_at(end.sequence, end.sequence)
                    {
                        return Ok(false);
                    }
                    return Err(self.unfit(&last, segment, end.sequence));
                }
                self.check_session(segment)?;
            }
        }
        let start = segment.start();
        self.findings.synced = self.findings.synced.max(segment.begin().synced);
        self.findings.frames.push_segment(segment.clone());
        let (_, fault) = walk(segment, start, &mut self.findings)?;
        self.fault = fault;
        self.end = Some(self.commit_end(u64::MAX)?);
        Ok(true)
    }

    /// Whether a file that is no segment has the name of one that begins after a frame from `least`
    /// to `most`.
    fn is_broken_at(&self, least: u64, most: u64) -> bool {
        let after = least.saturating_add(1)..=most.saturating_add(1);
        let mut strays = self.strays.iter();
        strays
            .any(|(path, fault)| fault.is_some() && after.contains(&self.companions.place_of(path)))
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
        doubts.sort_unstable();
        for doubt in std::mem::take(doubts) {
            if doubt <= *synced || doubt > committed {
                continue;
            }
            let Some(frame) = frames.get(doubt) else {
                continue;
            };
            match frame.verify() {
                Ok(()) => {}
                Err(EnvError::Damaged { fault, .. }) => {
                    self.fault = Some(fault);
                    below = doubt;
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        let last = frames.last_commit_below(below);
        let start = frames.first_sequence().saturating_sub(1);
        let behind = frames.cut_after(last.map_or(start, |frame| frame.sequence));
        let behind = behind.iter().map(|s| (s.path().to_owned(), None));
        self.strays.extend(behind);
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
            for path in [&next, &self.companions.journal()] {
                // One that holds no frame has the name of its own successor.
                if last.is_at(path)? {
                    continue;
                }
                match Segment::find(path)? {
                    Found::Segment(segment) => {
                        let begin = segment.begin();
                        if begin.base_sequence == end.sequence
                            && begin.session_id == last.begin().session_id
                        {
                            return Ok(Some(segment));
                        }
                        found = Some(segment);
                    }
                    // Damage, as [`Chain::open`] sees it.
                    Found::Broken(_) if *path == next => return Ok(None),
                    Found::Broken(_) | Found::Nothing => {}
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
}
