//! History before the last checkpoint, where it is kept: the archive it begins with, and all
//! segments since.

use std::sync::Arc;

use super::log::nanoseconds;
use super::session::Session;
use super::travel::{Moment, Travelled};
use crate::environment::{Change, Variable};
use crate::error::{EnvError, Result};
use crate::fault::{Fault, Part, Problem};
use crate::journal::{Chain, Companions, FrameKind};
use crate::name::escape_for_terminal;
use crate::read::Archive;
use crate::read::cells::{CellHandles, SessionLoad};
use crate::read::replay::open::{Road, base_of};
use crate::read::replay::state::{effective, state_at};

/// The archive that history begins with, and the frames since.
pub(super) struct History {
    pub(super) archive: Archive,
    pub(super) chain: Chain,
    companions: Companions,
}

/// The history that is kept beside an archive, whether all of it can be read or not; `None` when it
/// reaches only to the last checkpoint.
///
/// # Errors
/// As opening a session.
pub(super) fn kept_history(companions: &Companions, road: &Road) -> Result<Option<History>> {
    let base = companions.base();
    if !base.exists() {
        return Ok(None);
    }
    let archive = road.open(&base)?;
    let chain = Chain::open_kept(companions, &base_of(&archive)?)?;
    Ok(Some(History {
        archive,
        chain,
        companions: companions.clone(),
    }))
}

/// Whether a time at which no frame was there yet is one of the state that the frames above `base`
/// follow: it is that from the moment on at which their first segment was begun.
pub(super) fn begins_by(chain: &Chain, base: u64, nanoseconds: u64) -> bool {
    let first = chain.segments().first().map(|first| first.begin());
    first.is_some_and(|begin| begin.base_sequence == base && begin.timestamp <= nanoseconds)
}

impl History {
    /// Sequence of the last frame before the history.
    pub(super) fn base(&self) -> u64 {
        self.archive.folded_sequence()
    }

    /// Refuses a history that can be read only in part: `last` was committed.
    ///
    /// # Errors
    /// [`EnvError::Damaged`], [`EnvError::HistoryEnds`], [`EnvError::Io`].
    pub(super) fn whole(self, last: u64) -> Result<History> {
        match self.cut_below(last)? {
            None => Ok(self),
            Some(error) => Err(error),
        }
    }

    /// Why the frames end below `last`, which was committed; `None` when they do not.
    ///
    /// # Errors
    /// [`EnvError::Io`].
    pub(super) fn cut_below(&self, last: u64) -> Result<Option<EnvError>> {
        let end = self.chain.sequence();
        if end >= last {
            return Ok(None);
        }
        let base = escape_for_terminal(&self.companions.base().to_string_lossy());
        let text = format!(
            "the kept history can be read up to frame {end} of {last}; removing {base} gives it up"
        );
        let damage = self.chain.damage()?.into_iter();
        let mut faults = damage.filter_map(|damage| Some((damage.path, damage.fault?)));
        Ok(Some(match faults.next() {
            Some((path, fault)) => EnvError::Damaged {
                path: path.as_path().into(),
                fault: Fault {
                    problem: Problem::Structure(format!("{}; {text}", fault.problem)),
                    ..fault
                },
            },
            None => EnvError::Damaged {
                path: self.companions.journal().as_path().into(),
                fault: Fault::new(Part::Frame, 0, Problem::Structure(text)),
            },
        }))
    }

    /// The sequence of a moment, where `last` was committed; `None` for a mark that is not there, or
    /// a time before all of it.
    ///
    /// # Errors
    /// As [`History::whole`], when what cannot be read may hold the moment.
    fn find(&self, moment: &Moment, last: u64) -> Result<Option<u64>> {
        let (frames, base, end) = (self.chain.frames(), self.base(), self.chain.sequence());
        // What is found, and whether what stands behind the end could change that.
        let (found, is_open) = match moment {
            Moment::Mark(name) => {
                let mut marks = frames.from(base.saturating_add(1)).rev();
                let mark = marks.find(|f| f.kind() == FrameKind::Mark && f.key == name.as_bytes());
                (mark.map(|mark| mark.sequence), true)
            }
            Moment::Sequence(sequence) => {
                let mut at = *sequence;
                while at > base && frames.get(at).is_some_and(|frame| !frame.ends_commit()) {
                    at -= 1;
                }
                (Some(at), at > end)
            }
            Moment::Time(time) => {
                let time = nanoseconds(*time);
                let found = frames.commit_at(time)?;
                let first = begins_by(&self.chain, base, time).then_some(base);
                (found.or(first), found.or(first) == Some(end))
            }
        };
        match self.cut_below(last)?.filter(|_| is_open) {
            None => Ok(found),
            Some(error) => Err(error),
        }
    }

    /// The state at a sequence.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn state_at(&self, sequence: u64, road: &Road) -> Result<Archive> {
        let frames = self.chain.frames();
        let context = road.context(&self.archive, frames);
        let overlay = state_at(frames, self.base(), sequence, context)?;
        Ok(self.archive.overlaid(overlay))
    }
}

impl Session {
    /// As [`kept_history`], of this session.
    fn history(&self) -> Result<Option<History>> {
        kept_history(&self.companions, &self.road)
    }

    /// Goes to a state before the last checkpoint: its variables are set again.
    pub(super) fn restore_from_history(&mut self, moment: &Moment) -> Result<Travelled> {
        let Some(history) = self.history()? else {
            return Err(self.history_ends("it reaches to the last checkpoint"));
        };
        let target = match (history.find(moment, self.sequence())?, moment) {
            (Some(target), _) if target >= history.base() => target,
            (None, Moment::Mark(name)) => return Err(self.no_such_mark(name)),
            _ => return Err(self.history_ends("it begins after that")),
        };
        let state = history.state_at(target, &self.road)?;
        let before = self.archive.clone();
        // All of it is read before anything is changed.
        for change in replacement(&state)? {
            self.push(change);
        }
        let sequence = self.commit_alone()?;
        let mut changed: Vec<Arc<str>> = before.names().map(Arc::from).collect();
        changed.extend(self.archive.names().map(Arc::from));
        changed.sort();
        changed.dedup();
        Ok(Travelled {
            to: target,
            sequence,
            changed,
        })
    }

    /// Commits what was pushed, and nothing that is recorded meanwhile; without a checkpoint, which
    /// would end what can be undone. After an error nothing of it is pending.
    fn commit_alone(&mut self) -> Result<u64> {
        let recorder = self.recorder.take();
        let committed = self.commit_only();
        self.recorder = recorder;
        if committed.is_err() {
            self.pending.clear();
        }
        committed
    }

    /// The commits of the session, oldest first: since the last checkpoint, or all of them where
    /// history is kept.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] when kept history cannot be read to its end; what reading answers.
    pub fn log(&mut self) -> Result<Vec<super::log::Commit>> {
        self.refresh_chain()?;
        let history = self.whole_history()?;
        let (frames, base) = match &history {
            Some(history) => (history.chain.frames(), history.base()),
            None => (self.chain.frames(), self.archive.folded_sequence()),
        };
        let counting = effective(frames, base, frames.last_sequence().max(base))?;
        super::log::commits(frames, base, &counting)
    }

    /// What was done, event by event, oldest first: since the last checkpoint, or from the beginning
    /// where history is kept. Values are read when they are asked for.
    ///
    /// # Errors
    /// As [`Session::log`].
    pub fn replay(&mut self) -> Result<impl Iterator<Item = Result<super::log::Event>> + use<>> {
        self.refresh_chain()?;
        let (state, frames, base) = match self.whole_history()? {
            Some(history) => {
                let state = history.state_at(history.chain.sequence(), &self.road)?;
                (state, history.chain.frames().clone(), history.base())
            }
            None => {
                let base = self.archive.folded_sequence();
                (self.archive.clone(), self.chain.frames().clone(), base)
            }
        };
        let last = frames.last_sequence();
        let events = (base.saturating_add(1)..=last).filter_map(move |sequence| {
            let frame = frames.get(sequence)?;
            let context = super::log::context_of(state.overlay());
            Some(super::log::event(&frame, &state, context))
        });
        Ok(events)
    }

    /// The kept history, if there is one.
    fn whole_history(&self) -> Result<Option<History>> {
        let history = self.history()?;
        history
            .map(|history| history.whole(self.sequence()))
            .transpose()
    }
}

/// What makes any state that one.
fn replacement(state: &Archive) -> Result<Vec<Change>> {
    let mut changes = vec![Change::Clear];
    let handles = CellHandles::default();
    let Some(overlay) = state.overlay() else {
        return Ok(changes);
    };
    let mut load = SessionLoad::new(overlay, &handles);
    for binding in state.bindings_as_saved() {
        let (value, attributes) = load.binding(&binding)?;
        let variable = Variable {
            value,
            attributes,
            mutable: binding.is_mutable(),
            constant: binding.is_constant(),
        };
        changes.push(Change::Set(binding.name().into(), Box::new(variable)));
    }
    Ok(changes)
}
