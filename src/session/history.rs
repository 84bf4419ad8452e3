//! History before the last checkpoint, where it is kept: the archive it begins with, and all
//! segments since.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::session::Session;
use super::travel::{Moment, Travelled};
use crate::environment::{Change, Variable};
use crate::error::Result;
use crate::journal::{Chain, Companions, FrameKind};
use crate::read::Archive;
use crate::read::cells::{CellHandles, SessionLoad};
use crate::read::replay::open::{Road, base_of};
use crate::read::replay::state::{effective, state_at};

/// The archive that history begins with, and the frames since.
pub(super) struct History {
    pub(super) archive: Archive,
    pub(super) chain: Chain,
}

/// The history that is kept beside an archive; `None` when it reaches only to the last checkpoint.
///
/// # Errors
/// As opening a session.
pub(super) fn kept_history(companions: &Companions, road: &Road) -> Result<Option<History>> {
    let base = companions.base();
    if !base.exists() {
        return Ok(None);
    }
    let archive = road.open(&base)?;
    let chain = Chain::open(companions, &base_of(&archive)?)?;
    Ok(Some(History { archive, chain }))
}

impl Session {
    /// As [`kept_history`], of this session.
    pub(super) fn history(&self) -> Result<Option<History>> {
        kept_history(&self.companions, &self.road)
    }

    /// Goes to a state before the last checkpoint: its variables are set again.
    pub(super) fn restore_from_history(&mut self, moment: &Moment) -> Result<Travelled> {
        let Some(History { archive, chain }) = self.history()? else {
            return Err(self.history_ends("it reaches to the last checkpoint"));
        };
        let base = archive.folded_sequence();
        let frames = chain.frames();
        let target = match moment {
            Moment::Mark(name) => {
                let mut marks = frames.from(base.saturating_add(1)).rev();
                let mark = marks.find(|f| f.kind() == FrameKind::Mark && f.key == name.as_bytes());
                mark.map(|mark| mark.sequence)
                    .ok_or_else(|| self.no_such_mark(name))?
            }
            Moment::Sequence(sequence) => {
                let mut at = *sequence;
                while at > base && frames.get(at).is_some_and(|frame| !frame.ends_commit()) {
                    at -= 1;
                }
                at
            }
            Moment::Time(time) => {
                let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
                let nanoseconds = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
                frames.commit_at(nanoseconds)?.unwrap_or(base)
            }
        };
        if target < base {
            return Err(self.history_ends("it begins after that"));
        }
        let context = self.road.context(&archive, frames);
        let old = archive.overlaid(state_at(frames, base, target, context)?);
        let before = self.archive.clone();
        self.push(Change::Clear);
        let handles = CellHandles::default();
        if let Some(overlay) = old.overlay() {
            let mut load = SessionLoad::new(overlay, &handles);
            for binding in old.bindings_as_saved() {
                let (value, attributes) = load.binding(&binding)?;
                let variable = Variable {
                    value,
                    attributes,
                    mutable: binding.is_mutable(),
                    constant: binding.is_constant(),
                };
                self.push(Change::Set(binding.name().into(), Box::new(variable)));
            }
        }
        let sequence = self.commit()?;
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

    /// The commits of the session, oldest first: since the last checkpoint, or all of them where
    /// history is kept.
    ///
    /// # Errors
    /// What reading answers.
    pub fn log(&mut self) -> Result<Vec<super::log::Commit>> {
        self.refresh_chain()?;
        let history = self.history()?;
        let (frames, base) = match &history {
            Some(history) => (history.chain.frames(), history.archive.folded_sequence()),
            None => (self.chain.frames(), self.archive.folded_sequence()),
        };
        let counting = effective(frames, base, frames.last_sequence().max(base))?;
        super::log::commits(frames, base, &counting)
    }

    /// What was done, event by event, oldest first: since the last checkpoint, or from the beginning
    /// where history is kept. Values are read when they are asked for.
    ///
    /// # Errors
    /// What reading answers.
    pub fn replay(&mut self) -> Result<impl Iterator<Item = Result<super::log::Event>> + use<>> {
        self.refresh_chain()?;
        let history = self.history()?;
        let (state, frames, base) = match history {
            Some(History { archive, chain }) => {
                let base = archive.folded_sequence();
                let context = self.road.context(&archive, chain.frames());
                let last = chain.sequence();
                let overlay = state_at(chain.frames(), base, last, context)?;
                (archive.overlaid(overlay), chain.frames().clone(), base)
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
}
