//! Reading all of a journal: the sum of every frame, and every value in one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::history::{History, kept_history};
use super::log::{context_of, kind_of};
use super::reader::SessionReader;
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::journal::{Frame, FrameKind};
use crate::read::Archive;
use crate::read::frames::FrameImage;

/// What [`SessionReader::verify_journal`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalReport {
    /// Frames that were looked at: those that the archive does not hold, and where history is kept
    /// all of it.
    pub frames: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Every fault, in the order of the frames.
    pub faults: Vec<JournalFault>,
}

/// A fault in a committed frame of a journal, or in the archive that kept history begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalFault {
    /// The segment, or that archive.
    pub path: PathBuf,
    /// Sequence of the frame; 0 for that archive, and where no frame can be told.
    pub sequence: u64,
    /// The variable that it sets, or the first that is touched.
    pub variable: Option<String>,
    /// What is wrong, and where in the segment.
    pub fault: Fault,
}

impl SessionReader {
    /// Reads and checks every frame that is not in the archive: its sum, and the value in it as a
    /// whole. Where history is kept, it checks that too: the archive it begins with, and all frames
    /// since. `progress` is told how many bytes of payloads were looked at, and of how many. What
    /// follows the last commit is not looked at: see [`SessionReader::damage`].
    ///
    /// # Errors
    /// Only what keeps it from reading. What is wrong with the journal is in the report.
    pub fn verify_journal(&self, mut progress: impl FnMut(u64, u64)) -> Result<JournalReport> {
        let mut report = JournalReport::default();
        let folded = self.archive().folded_sequence();
        let history = match kept_history(&self.companions, &self.road) {
            Ok(history) => history,
            Err(error) => {
                report.note(fault_of(error, None)?);
                None
            }
        };
        let earlier = |history: &History| {
            let frames = history.chain.frames();
            let len = |frame: Frame<'_>| frame.entry.payload_len;
            let earlier = history.base().saturating_add(1)..=folded;
            frames.between(earlier).map(len).sum::<u64>()
        };
        let frames = || self.chain.frames().from(folded.saturating_add(1));
        let total = frames().map(|frame| frame.entry.payload_len).sum::<u64>();
        let total = total.saturating_add(history.as_ref().map_or(0, earlier));
        if let Some(history) = history {
            self.verify_history(&history, &mut report, &mut |done| progress(done, total))?;
        }
        for frame in frames() {
            report.add(&frame, verify_frame(&frame, self.archive()))?;
            progress(report.bytes, total);
        }
        Ok(report)
    }

    /// Checks what is kept of the time before the archive.
    fn verify_history(
        &self,
        history: &History,
        report: &mut JournalReport,
        progress: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let base = history.archive.verify()?;
        let path = self.companions.base();
        let faults = base.faults.into_iter().map(|found| JournalFault {
            path: path.clone(),
            sequence: 0,
            variable: found.variables.into_iter().next(),
            fault: found.fault,
        });
        report.faults.extend(faults);
        let frames = history.chain.frames();
        let end = history.chain.sequence();
        let state = match history.state_at(end, &self.road) {
            Ok(state) => state,
            Err(error) => {
                report.note(fault_of(error, None)?);
                // The sums can be looked at all the same.
                history.archive.clone()
            }
        };
        let folded = self.archive().folded_sequence();
        for frame in frames.between(history.base().saturating_add(1)..=folded) {
            report.add(&frame, verify_frame(&frame, &state))?;
            progress(report.bytes);
        }
        if let Some(error) = history.cut_below(self.sequence())? {
            report.note(JournalFault {
                sequence: end.saturating_add(1),
                ..fault_of(error, None)?
            });
        }
        Ok(())
    }
}

impl JournalReport {
    /// Counts a frame, and notes what was found in it.
    fn add(&mut self, frame: &Frame<'_>, checked: Result<()>) -> Result<()> {
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(frame.entry.payload_len);
        match checked {
            Ok(()) => {}
            // A kind, dtype or codec of a later version: not judged.
            Err(error) if is_unsupported(&error) => {}
            Err(error) => {
                let own = Origin::from(frame.segment.path());
                // A cell or an array that stands elsewhere: the fault is found there.
                if error.damaged_file().is_none_or(|(file, _)| *file == own) {
                    self.faults.push(fault_of(error, Some(frame))?);
                }
            }
        }
        Ok(())
    }

    /// Notes a fault unless it is known.
    fn note(&mut self, found: JournalFault) {
        let is_known =
            |known: &JournalFault| known.path == found.path && known.fault == found.fault;
        if !self.faults.iter().any(is_known) {
            self.faults.push(found);
        }
    }
}

/// What an error says of a file.
///
/// # Errors
/// The error itself, when it is about none.
fn fault_of(error: EnvError, frame: Option<&Frame<'_>>) -> Result<JournalFault> {
    let (path, fault) = match &error {
        EnvError::JournalGap { path, .. } | EnvError::ForeignJournal { path, .. } => {
            let problem = Problem::Structure(error.to_string());
            (path.path(), Fault::new(Part::Frame, 0, problem))
        }
        _ => match error.damaged_file() {
            Some((path, fault)) => (path.path(), fault.clone()),
            None => return Err(error),
        },
    };
    Ok(JournalFault {
        path: path.map(Path::to_owned).unwrap_or_default(),
        sequence: frame.map_or(0, |frame| frame.sequence),
        variable: frame.and_then(sets),
        fault,
    })
}

fn verify_frame(frame: &Frame<'_>, state: &Archive) -> Result<()> {
    frame.verify()?;
    let overlay = state.overlay();
    let (Some(overlay), Some(context)) = (overlay, context_of(overlay)) else {
        return Ok(());
    };
    match frame.kind() {
        FrameKind::Set | FrameKind::SetByReference | FrameKind::SetCell => {
            let image = FrameImage::new(frame.payload().into(), Arc::clone(context));
            image.verify(overlay)
        }
        _ => kind_of(frame).map(drop),
    }
}

/// The variable that a frame sets.
fn sets(frame: &Frame<'_>) -> Option<String> {
    let name = String::from_utf8_lossy(frame.key);
    matches!(frame.kind(), FrameKind::Set | FrameKind::SetByReference).then(|| name.into_owned())
}

fn is_unsupported(error: &EnvError) -> bool {
    match error {
        EnvError::Unsupported { .. } => true,
        EnvError::Variable { source, .. } => is_unsupported(source),
        _ => false,
    }
}
