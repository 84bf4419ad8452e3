//! Reading a session beside its writer: a committed state, and the ones that follow.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::history::kept_history;
use super::log::{Commit, Event, commits, context_of, event};
use super::options::SessionOptions;
use crate::error::{EnvError, Result};
use crate::journal::{Chain, Companions, FrameKind};
use crate::read::Archive;
use crate::read::replay::open::{Road, Stamp, open_both};
use crate::read::replay::state::{Said, effective, note_image, state_at};

/// How often a reader that waits looks for commits.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A session open for reading: the archive with what its journal says over it, as of one commit.
/// Takes no lock and writes nothing; the writer goes on meanwhile.
///
/// ```
/// use achronyme_env::{SessionOptions, SessionReader};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let mut session = SessionOptions::new().create(true).open(&path)?;
/// let mut reader = SessionReader::open(&path)?;
/// session.set("step", 1)?;
/// session.commit()?;
/// assert!(!reader.archive().contains("step"));
/// assert!(reader.refresh()?);
/// assert_eq!(reader.archive().get("step")?.as_i64(), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SessionReader {
    path: PathBuf,
    pub(super) companions: Companions,
    pub(super) road: Road,
    pub(super) chain: Chain,
    pub(super) archive: Archive,
    /// The archive file that is open.
    stamp: Stamp,
    sequence: u64,
}

impl SessionReader {
    /// Opens a session for reading, with the default options. An archive without a journal is a
    /// session too.
    ///
    /// # Errors
    /// As [`SessionOptions::read`].
    pub fn open(path: impl AsRef<Path>) -> Result<SessionReader> {
        SessionOptions::new().read(path)
    }

    pub(super) fn begin(path: &Path, road: Road) -> Result<SessionReader> {
        let companions = Companions::of(path)?;
        let (stamp, archive, chain) = look(&road, path, &companions)?;
        let state = state_of(&road, &archive, &chain)?;
        Ok(SessionReader {
            path: path.to_owned(),
            companions,
            road,
            sequence: chain.sequence(),
            chain,
            archive: state,
            stamp,
        })
    }

    /// The path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state: everything that can be asked of an archive. Clones of it stay as they are when the
    /// reader goes on.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Sequence of the last commit that the state holds; 0 before the first.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Number of frames of the journal that are not in the archive.
    pub fn unfolded(&self) -> u64 {
        self.sequence.saturating_sub(self.archive.folded_sequence())
    }

    /// Goes to the last committed state. Whether there is a newer one. States never go back.
    ///
    /// # Errors
    /// As [`SessionOptions::read`]; the reader then keeps the state it has.
    pub fn refresh(&mut self) -> Result<bool> {
        let before = self.sequence;
        if Stamp::of(self.companions.archive()) != self.stamp {
            return self.reopen();
        }
        match self.chain.refresh() {
            Ok(_) => {}
            // A checkpoint folded what this reader stands on.
            Err(EnvError::JournalGap { .. } | EnvError::ForeignJournal { .. }) => {
                return self.reopen();
            }
            Err(error) => return Err(error),
        }
        if self.chain.sequence() <= before {
            return Ok(false);
        }
        let frames = self.chain.frames();
        let plain = frames
            .from(before.saturating_add(1))
            .all(|frame| frame.kind() != FrameKind::Restore);
        if !plain {
            self.rebuild()?;
            return Ok(true);
        }
        let Some(context) = context_of(self.archive.overlay()).cloned() else {
            // Nothing was said yet over a table that is checked as it is used.
            self.rebuild()?;
            return Ok(true);
        };
        for frame in frames.from(before.saturating_add(1)) {
            note_image(&frame, &context);
        }
        // All is read before anything is added: after an error the state is what it was.
        let mut news = Vec::new();
        for frame in frames.from(before.saturating_add(1)) {
            let said = Said::read(&frame, &context)?;
            said.prepare()?;
            news.push(said);
        }
        if let Some(overlay) = self.archive.overlay_mut() {
            news.into_iter().try_for_each(|said| said.add(overlay))?;
        }
        self.sequence = self.chain.sequence();
        Ok(true)
    }

    /// Waits for a newer state and goes to it; `false` when none came within `timeout`.
    ///
    /// # Errors
    /// As [`SessionReader::refresh`].
    pub fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let start = Instant::now();
        loop {
            if self.refresh()? {
                return Ok(true);
            }
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(left.min(LOOK_EVERY));
        }
    }

    /// The commits in the journal, oldest first. Those that a checkpoint folded are there only where
    /// history is kept ([`SessionOptions::keep_history`]).
    ///
    /// # Errors
    /// [`EnvError::Damaged`] when kept history cannot be read to its end; what reading answers.
    pub fn log(&self) -> Result<Vec<Commit>> {
        let history = kept_history(&self.companions, &self.road)?;
        let history = history.map(|history| history.whole(self.sequence));
        let history = history.transpose()?;
        let (frames, base) = match &history {
            Some(history) => (history.chain.frames(), history.base()),
            None => (self.chain.frames(), self.archive.folded_sequence()),
        };
        let counting = effective(frames, base, frames.last_sequence().max(base))?;
        commits(frames, base, &counting)
    }

    /// What was done after `sequence`, event by event, as far as the journal reaches back: with 0
    /// everything in it, with [`SessionReader::sequence`] of before a refresh what came since.
    pub fn events(&self, sequence: u64) -> impl Iterator<Item = Result<Event>> + '_ {
        let from = sequence.max(self.archive.folded_sequence());
        let from = from.saturating_add(1);
        let context = context_of(self.archive.overlay());
        self.chain
            .frames()
            .from(from)
            .map(move |frame| event(&frame, &self.archive, context))
    }

    /// Opens archive and journal again: the archive was replaced.
    fn reopen(&mut self) -> Result<bool> {
        let before = self.sequence;
        let (stamp, archive, chain) = look(&self.road, &self.path, &self.companions)?;
        let same_session = chain.session_id() == self.chain.session_id();
        if same_session && chain.sequence() < before {
            // Looked at while a checkpoint was between two steps: the next look sees all of it.
            return Ok(false);
        }
        // Nothing is taken up before all of it is read.
        self.archive = state_of(&self.road, &archive, &chain)?;
        self.sequence = chain.sequence();
        self.chain = chain;
        self.stamp = stamp;
        Ok(self.sequence != before)
    }

    /// Makes the state anew from the frames at hand.
    fn rebuild(&mut self) -> Result<()> {
        self.archive = state_of(&self.road, &self.archive, &self.chain)?;
        self.sequence = self.chain.sequence();
        Ok(())
    }
}

/// Archive and journal of one moment. The stamp is taken first: an archive that is replaced
/// meanwhile is noticed at the next look.
fn look(road: &Road, path: &Path, companions: &Companions) -> Result<(Stamp, Archive, Chain)> {
    let stamp = Stamp::of(companions.archive());
    let (archive, chain) = open_both(road, path, companions)?;
    Ok((stamp, archive, chain))
}

/// The archive with what its journal says over it.
fn state_of(road: &Road, archive: &Archive, chain: &Chain) -> Result<Archive> {
    if archive.is_lazy() && chain.frames().is_empty() {
        return Ok(archive.clone());
    }
    let context = road.context(archive, chain.frames());
    let base = archive.folded_sequence();
    let overlay = state_at(chain.frames(), base, chain.sequence(), context)?;
    Ok(archive.overlaid(overlay))
}

impl fmt::Debug for SessionReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SessionReader({}, sequence {})",
            self.path.display(),
            self.sequence
        )
    }
}
