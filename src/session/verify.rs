//! Reading all of a journal: the sum of every frame, and every value in one.

use std::path::PathBuf;
use std::sync::Arc;

use super::log::{context_of, kind_of};
use super::reader::SessionReader;
use crate::error::{EnvError, Origin, Result};
use crate::fault::Fault;
use crate::journal::{Frame, FrameKind};
use crate::read::frames::FrameImage;

/// What [`SessionReader::verify_journal`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalReport {
    /// Frames that were looked at: those that the archive does not hold.
    pub frames: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// Every fault, in the order of the frames.
    pub faults: Vec<JournalFault>,
}

/// A fault in a committed frame of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalFault {
    /// The segment.
    pub path: PathBuf,
    /// Sequence of the frame.
    pub sequence: u64,
    /// The variable that it sets.
    pub variable: Option<String>,
    /// What is wrong, and where in the segment.
    pub fault: Fault,
}

impl SessionReader {
    /// Reads and checks every frame that is not in the archive: its sum, and the value in it as a
    /// whole. `progress` is told how many bytes of payloads were looked at, and of how many. What
    /// follows the last commit is not looked at: see [`SessionReader::damage`].
    ///
    /// # Errors
    /// Only what keeps it from reading. What is wrong with the journal is in the report.
    pub fn verify_journal(&self, mut progress: impl FnMut(u64, u64)) -> Result<JournalReport> {
        let from = self.archive().folded_sequence().saturating_add(1);
        let frames = || self.chain.frames().from(from);
        let total = frames().map(|frame| frame.entry.payload_len).sum();
        let mut report = JournalReport::default();
        for frame in frames() {
            match self.verify_frame(&frame) {
                Ok(()) => {}
                // A kind, dtype or codec of a later version: not judged.
                Err(error) if is_unsupported(&error) => {}
                Err(error) => match error.damaged_file() {
                    // A cell or an array that stands elsewhere: the fault is found there.
                    Some((file, _)) if *file != Origin::from(frame.segment.path()) => {}
                    Some((_, fault)) => report.faults.push(JournalFault {
                        path: frame.segment.path().to_owned(),
                        sequence: frame.sequence,
                        variable: sets(&frame),
                        fault: fault.clone(),
                    }),
                    None => return Err(error),
                },
            }
            report.frames += 1;
            report.bytes += frame.entry.payload_len;
            progress(report.bytes, total);
        }
        Ok(report)
    }

    fn verify_frame(&self, frame: &Frame<'_>) -> Result<()> {
        frame.verify()?;
        let overlay = self.archive().overlay();
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
