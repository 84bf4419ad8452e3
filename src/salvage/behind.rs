//! What stands in a journal behind damage: whole frames of commits that were finished, as far as they
//! tell what variables are.

use std::path::Path;
use std::sync::Arc;

use super::reason_of;
use crate::error::Result;
use crate::finding::{Finding, Outcome};
use crate::journal::{
    Chain, Damage, DetachedFrame, Frame, FrameKind, Frames, find_detached, session_of,
};
use crate::read::frames::ImageContext;
use crate::read::overlay::Overlay;
use crate::read::replay::state::{Said, note_image, read_restore, state_at};

/// The frames behind the damage of a journal, and what is not there.
#[derive(Debug, Default)]
pub(super) struct Behind {
    /// Whole frames of commits that were finished, with rising sequences.
    frames: Vec<DetachedFrame>,
    pub(super) lost: Vec<Finding>,
    pub(super) notes: Vec<String>,
}

impl Behind {
    /// Looks for frames behind what is damaged of `chain`. `after` is the sequence of the last frame
    /// before them, when that is known; it is returned as it turned out.
    ///
    /// # Errors
    /// What reading the files answers.
    pub(super) fn of(
        chain: &Chain,
        session_id: &[u8; 16],
        after: Option<u64>,
    ) -> Result<(Behind, u64)> {
        let damage = chain.damage()?;
        let mut behind = Behind::default();
        let mut session = session_of(session_id);
        let mut found = Vec::new();
        if damage.iter().any(|damage| damage.fault.is_some()) {
            for damage in &damage {
                let detached = find_detached(&damage.path, damage.offset, session)?;
                session = detached.session;
                found.push(detached);
            }
        }
        let mut last = after;
        let mut frames: Vec<DetachedFrame> = Vec::new();
        let mut unread = Vec::new();
        for detached in found {
            unread.push(detached.unread.last().map_or(0, |range| range.end));
            for frame in detached.frames {
                if last.is_none_or(|last| frame.sequence > last) {
                    last = Some(frame.sequence);
                    frames.push(frame);
                }
            }
        }
        let first = frames.first().map_or(0, |frame| frame.sequence);
        let after = after.unwrap_or(first.saturating_sub(1));
        let committed = frames.iter().rposition(|frame| frame.frame().ends_commit());
        let unfinished = frames.split_off(committed.map_or(0, |last| last + 1));
        for (damage, unread) in damage
            .iter()
            .zip(unread.into_iter().chain(std::iter::repeat(0)))
        {
            behind.tell(damage, &frames, unread);
        }
        behind.missing(&frames, after);
        if let (Some(first), Some(last)) = (unfinished.first(), unfinished.last()) {
            let range = numbers(first.sequence, last.sequence);
            let text =
                format!("{range} of the journal do not count: their commit was not finished");
            behind.notes.push(text);
        }
        frames.retain(|frame| frame.is_whole);
        behind.frames = frames;
        Ok((behind, after))
    }

    /// Whether no frame counts.
    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Says what is damaged; `unread` is where the last bytes end that are no frame.
    fn tell(&mut self, damage: &Damage, frames: &[DetachedFrame], unread: u64) {
        let (len, offset) = (damage.len, damage.offset);
        let text = format!(
            "{}: {len} bytes from byte {offset} on",
            damage.path.display()
        );
        let here = |path: &Path| path == damage.path;
        let mut frames = frames.iter().map(DetachedFrame::frame).rev();
        let last = frames.find(|frame| here(frame.segment.path()));
        match (&damage.fault, last) {
            (Some(fault), None) => {
                let reason = format!("{text} cannot be read: {fault}");
                self.lost
                    .push(Finding::new("", "journal", Outcome::Lost, reason));
            }
            (Some(fault), Some(last)) if unread > last.entry.offset => {
                let reason = format!("{text} cannot be read to their end: {fault}");
                self.lost
                    .push(Finding::new("", "journal", Outcome::Lost, reason));
            }
            (Some(fault), Some(_)) => self.notes.push(format!(
                "{text} are damaged, and what is whole of them is read: {fault}"
            )),
            (None, None) => self.notes.push(format!(
                "{text} do not count: a commit that was not finished, or that follows damage"
            )),
            (None, Some(_)) => {}
        }
    }

    /// Says what frames are missing between those that were found, and which are damaged.
    fn missing(&mut self, frames: &[DetachedFrame], after: u64) {
        let mut next = after.saturating_add(1);
        for detached in frames {
            if detached.sequence > next {
                let range = numbers(next, detached.sequence - 1);
                let reason = format!("{range} cannot be read: what was said there is not known");
                self.lost
                    .push(Finding::new("", "journal", Outcome::Lost, reason));
            }
            next = detached.sequence.saturating_add(1);
            if !detached.is_whole {
                self.lost.extend(damaged(&detached.frame()));
            }
        }
    }

    /// The state of `frames` above `base` up to `after`, with what stands behind.
    ///
    /// # Errors
    /// What reading the frames before the damage answers.
    pub(super) fn laid_over(
        &self,
        frames: &Frames,
        base: u64,
        after: u64,
        context: Arc<ImageContext>,
        lost: &mut Vec<Finding>,
    ) -> Result<Overlay> {
        for detached in &self.frames {
            note_image(&detached.frame(), &context);
        }
        let (start, runs) = self.effective(frames, base, after, lost);
        let mut overlay = state_at(frames, base, start, Arc::clone(&context))?;
        for detached in runs.into_iter().rev().flatten() {
            let frame = detached.frame();
            let said = Said::read(&frame, &context);
            let added = said.and_then(|said| {
                said.prepare()?;
                said.add(&mut overlay)
            });
            if let Err(error) = added {
                let name = String::from_utf8_lossy(frame.key);
                lost.push(Finding::new(name, "", Outcome::Lost, reason_of(&error)));
            }
        }
        Ok(overlay)
    }

    /// The frames that make the last state, in runs, the last one first, and the sequence of the state
    /// before them: a restore frame jumps to its target.
    fn effective(
        &self,
        frames: &Frames,
        base: u64,
        after: u64,
        lost: &mut Vec<Finding>,
    ) -> (u64, Vec<&[DetachedFrame]>) {
        let mut rest = &self.frames[..];
        let mut runs = Vec::new();
        loop {
            let leads_back = |d: &DetachedFrame| d.frame().kind() == FrameKind::Restore;
            let Some(at) = rest.iter().rposition(leads_back) else {
                runs.push(rest);
                return (after, runs);
            };
            let (before, behind) = rest.split_at(at);
            runs.push(&behind[1..]);
            let sequence = behind[0].sequence;
            let mut say = |text: String| {
                lost.push(Finding::new("", "journal", Outcome::Lost, text));
            };
            let target = match read_restore(&behind[0].frame()) {
                Ok((target, _)) => target,
                Err(error) => {
                    say(format!("frame {sequence}: {}", reason_of(&error)));
                    rest = before;
                    continue;
                }
            };
            if target <= after {
                let is_commit = frames.get(target).is_some_and(|f| f.ends_commit());
                return match target == base || target == after || (target > base && is_commit) {
                    true => (target, runs),
                    false => {
                        say(format!(
                            "frame {sequence} leads back to the state after frame {target}, which is lost"
                        ));
                        (after, runs)
                    }
                };
            }
            rest = &before[..before.partition_point(|d| d.sequence <= target)];
            if rest.last().is_none_or(|last| last.sequence != target) {
                say(format!(
                    "frame {sequence} leads back to the state after frame {target}, which is lost: \
                     what stands before it is taken"
                ));
            }
        }
    }
}

/// What is lost with a frame of which only the header and the key are there.
fn damaged(frame: &Frame<'_>) -> Option<Finding> {
    let sequence = frame.sequence;
    let name = String::from_utf8_lossy(frame.key);
    let lost = |name: &str, kind: &str, reason| Finding::new(name, kind, Outcome::Lost, reason);
    match frame.kind() {
        FrameKind::Set | FrameKind::SetByReference => {
            let reason = format!(
                "the value that frame {sequence} of the journal gives it is damaged: it is as it was before"
            );
            Some(lost(&name, "", reason))
        }
        FrameKind::Rename => {
            let reason = format!("its new name, in frame {sequence} of the journal, is damaged");
            Some(lost(&name, "", reason))
        }
        FrameKind::SetCell => {
            let reason = format!("the content that frame {sequence} gives a cell is damaged");
            Some(lost("", "journal", reason))
        }
        FrameKind::Restore => {
            let reason =
                format!("frame {sequence}, which leads back to an earlier state, is damaged");
            Some(lost("", "journal", reason))
        }
        _ => None,
    }
}

fn numbers(first: u64, last: u64) -> String {
    match first == last {
        true => format!("frame {first}"),
        false => format!("frames {first} to {last}"),
    }
}
