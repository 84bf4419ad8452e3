//! Going back and forth in the history. Nothing is cut off: a frame says which earlier state counts
//! again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use super::history::begins_by;
use super::log::{nanoseconds, now};
use super::session::Session;
use crate::environment::Environment;
use crate::error::{EnvError, Result};
use crate::journal::{FrameKind, NewFrame};
use crate::read::cells::refill;
use crate::read::replay::state::{Reason, read_restore, restore_payload, state_at};

/// A moment of a session's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The last mark of that name ([`Session::mark`]).
    Mark(String),
    /// The last commit that ends at or before this sequence.
    Sequence(u64),
    /// The last commit at or before this time.
    Time(SystemTime),
}

/// What going to another state changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Travelled {
    /// Sequence of the state that counts again.
    pub to: u64,
    /// Sequence of the commit that says so.
    pub sequence: u64,
    /// Names whose variables are not what they were before, sorted; those that are gone included.
    pub changed: Vec<Arc<str>>,
}

impl Session {
    /// Goes back by one commit: the state before it counts again. What is pending is committed
    /// first, and is then what is undone. Commits that only set a mark are passed over; going to a
    /// moment ([`Session::restore_at`]) is undone as other commits are.
    ///
    /// # Errors
    /// [`EnvError::HistoryEnds`] when there is nothing to undo; as [`Session::commit`].
    pub fn undo(&mut self) -> Result<Travelled> {
        self.commit_only()?;
        self.refresh_chain()?;
        let at = self.undo_target(self.sequence())?;
        self.go_to(at, Reason::Undo)
    }

    /// Takes the last undo back. What was undone comes back one commit at a time, until something
    /// else is committed.
    ///
    /// # Errors
    /// [`EnvError::HistoryEnds`] when nothing was undone since the last commit.
    pub fn redo(&mut self) -> Result<Travelled> {
        self.commit_only()?;
        self.refresh_chain()?;
        let frames = self.chain.frames();
        let (mut at, mut redone) = (self.sequence(), 0);
        while at > self.base_sequence {
            let Some(frame) = frames.get(at) else { break };
            if frame.kind() != FrameKind::Restore {
                break;
            }
            match (read_restore(&frame)?.1, redone) {
                (Reason::Redo, _) => redone += 1,
                (Reason::Undo, 0) => return self.go_to(at - 1, Reason::Redo),
                (Reason::Undo, _) => redone -= 1,
                (Reason::At, _) => break,
            }
            at -= 1;
        }
        Err(self.history_ends("nothing was undone since the last commit"))
    }

    /// Goes to the state of a moment. What is pending is committed first, so that it can be gone
    /// back to.
    ///
    /// # Errors
    /// [`EnvError::HistoryEnds`] when the moment lies before the last checkpoint and its history was
    /// not kept ([`SessionOptions::keep_history`](crate::SessionOptions::keep_history));
    /// [`EnvError::NoSuchMark`]; as [`Session::commit`].
    pub fn restore_at(&mut self, moment: &Moment) -> Result<Travelled> {
        self.commit_only()?;
        self.refresh_chain()?;
        let target = self.find_moment(moment)?;
        match target {
            Some(target) if target >= self.base_sequence => self.go_to(target, Reason::At),
            _ => self.restore_from_history(moment),
        }
    }

    /// Brings an environment to the state of the session where [`Session::undo`],
    /// [`Session::redo`] or [`Session::restore_at`] changed it. Nothing of that is recorded again.
    ///
    /// # Errors
    /// What reading answers; the environment is then as it was.
    pub fn update(&self, environment: &mut Environment, travelled: &Travelled) -> Result<()> {
        let mut load = self.loading();
        let mut loaded = Vec::new();
        for name in &travelled.changed {
            let variable = match self.archive.binding(name) {
                Some(binding) => Some(self.load(&mut load, &binding)?),
                None => None,
            };
            loaded.push((Arc::clone(name), variable));
        }
        environment.replace_unrecorded(loaded);
        Ok(())
    }

    /// The sequence that the moment names, when it is in the journal at hand.
    fn find_moment(&self, moment: &Moment) -> Result<Option<u64>> {
        let frames = self.chain.frames();
        match moment {
            Moment::Mark(name) => {
                let mut marks = frames.from(self.base_sequence.saturating_add(1)).rev();
                let mark = marks.find(|f| f.kind() == FrameKind::Mark && f.key == name.as_bytes());
                match mark {
                    // A mark is the last frame of its commit.
                    Some(mark) => Ok(Some(mark.sequence)),
                    None if self.options.keep_history => Ok(None),
                    None => Err(self.no_such_mark(name)),
                }
            }
            Moment::Sequence(sequence) => {
                if *sequence > self.sequence() {
                    let text = format!("the last commit has sequence {}", self.sequence());
                    return Err(self.history_ends(&text));
                }
                let mut at = *sequence;
                while at > self.base_sequence {
                    match frames.get(at) {
                        Some(frame) if !frame.ends_commit() => at -= 1,
                        _ => break,
                    }
                }
                Ok(Some(at).filter(|at| *at >= self.base_sequence))
            }
            Moment::Time(time) => {
                let (time, base) = (nanoseconds(*time), self.base_sequence);
                let first = begins_by(&self.chain, base, time).then_some(base);
                let found = frames.commit_at(time)?.or(first);
                Ok(found.filter(|found| *found >= base))
            }
        }
    }

    /// The sequence before the last commit that counts at `sequence`.
    fn undo_target(&self, sequence: u64) -> Result<u64> {
        let frames = self.chain.frames();
        let mut at = sequence;
        while at > self.base_sequence {
            let Some(frame) = frames.get(at) else { break };
            if frame.kind() == FrameKind::Restore {
                at = match read_restore(&frame)? {
                    // Going to a moment is a change like others.
                    (_, Reason::At) => return Ok(at - 1),
                    (target, _) => target,
                };
                continue;
            }
            // The commit that ends here: back to the end of the one before.
            let mut only_mark = frame.kind() == FrameKind::Mark;
            let mut before = at - 1;
            while before > self.base_sequence {
                match frames.get(before) {
                    Some(frame) if !frame.ends_commit() => {
                        only_mark &= frame.kind() == FrameKind::Mark;
                        before -= 1;
                    }
                    _ => break,
                }
            }
            if !only_mark {
                return Ok(before);
            }
            at = before;
        }
        let text = match self.sequence() {
            0 => "nothing was committed yet",
            _ => "it reaches to the last checkpoint",
        };
        Err(self.history_ends(text))
    }

    /// Says that the state of `target` counts again.
    fn go_to(&mut self, target: u64, reason: Reason) -> Result<Travelled> {
        let context = self.context();
        let frames = self.chain.frames();
        let before = self.archive.clone();
        let overlay = state_at(frames, self.archive.folded_sequence(), target, context)?;
        let frame = NewFrame {
            kind: FrameKind::Restore,
            type_id: 0,
            key: b"",
            timestamp: now(),
        };
        let payload = restore_payload(target, reason);
        self.writer.append(&frame, &payload, None)?;
        let committed = self.writer.commit(now());
        match &committed {
            Ok(_) | Err(EnvError::CommitNotDurable { .. }) => {}
            Err(_) => return committed.map(|_| Travelled::default()),
        }
        self.archive = before.overlaid(overlay);
        self.count_dead();
        self.refill_cells()?;
        Ok(Travelled {
            to: target,
            sequence: committed?,
            changed: changed_names(&before, &self.archive),
        })
    }

    /// Cells in memory hold again what they hold in the state; those that are not in it are
    /// forgotten: when one is met again, it is a new one.
    fn refill_cells(&mut self) -> Result<()> {
        let Some(overlay) = self.archive.overlay() else {
            return Ok(());
        };
        let mut known = Vec::new();
        for (id, _) in self.handles.all() {
            match overlay.has_cell(id) {
                true => known.push(id),
                false => self.handles.forget(id),
            }
        }
        refill(overlay, &known, &self.handles)
    }

    pub(super) fn history_ends(&self, text: &str) -> EnvError {
        EnvError::HistoryEnds {
            path: self.origin(),
            reason: text.to_owned(),
        }
    }

    pub(super) fn no_such_mark(&self, name: &str) -> EnvError {
        let frames = self.chain.frames();
        let marks = frames.from(self.base_sequence.saturating_add(1));
        let marks = marks.filter(|frame| frame.kind() == FrameKind::Mark);
        let marks: Vec<String> = marks
            .map(|mark| String::from_utf8_lossy(mark.key).into_owned())
            .collect();
        EnvError::NoSuchMark {
            path: self.origin(),
            name: name.to_owned(),
            nearest: crate::name::nearest(name, marks.iter().map(String::as_str)),
        }
    }
}

/// Names that stand for something else in the two states, sorted.
fn changed_names(before: &crate::read::Archive, after: &crate::read::Archive) -> Vec<Arc<str>> {
    let (Some(old), Some(new)) = (before.overlay(), after.overlay()) else {
        return Vec::new();
    };
    let mut names: BTreeSet<&str> = old.said_names().chain(new.said_names()).collect();
    if old.hides_base() != new.hides_base() {
        for archive in [before, after] {
            names.extend(archive.names());
        }
    }
    names.retain(|name| !old.is_same(new, name));
    names.into_iter().map(Arc::from).collect()
}
