//! The state at a sequence: the archive, and over it the frames that count.

use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::journal::{Frame, FrameKind, Frames};
use crate::limits::MAX_NAME_BYTES;
use crate::read::frames::{ELSEWHERE_FROM, FrameImage, ImageContext};
use crate::read::overlay::Overlay;

/// Bits of a frame's type id above the kind of its value.
pub(crate) const TYPE_HAS_CELLS: u16 = 1 << 8;
pub(crate) const TYPE_CONSTANT: u16 = 1 << 9;
pub(crate) const TYPE_MUTABLE: u16 = 1 << 10;

/// Length of the payload of a restore frame in bytes.
const RESTORE_LEN: usize = 16;

/// Why a state became that of an earlier sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    Undo = 1,
    Redo = 2,
    At = 3,
}

/// Target and reason of a restore frame.
pub(crate) fn restore_payload(target: u64, reason: Reason) -> [u8; RESTORE_LEN] {
    let mut payload = [0; RESTORE_LEN];
    payload[..8].copy_from_slice(&target.to_le_bytes());
    payload[8] = reason as u8;
    payload
}

/// Target and reason of a restore frame.
///
/// # Errors
/// [`EnvError::Damaged`] for another payload, or a target that does not lie before the frame.
pub(crate) fn read_restore(frame: &Frame<'_>) -> Result<(u64, Reason)> {
    let payload = short_payload(frame, RESTORE_LEN)?;
    let broken = |text: &str| damaged(frame, text);
    let (target, rest) = payload
        .split_first_chunk::<8>()
        .ok_or_else(|| broken("a restore frame names no target"))?;
    let target = u64::from_le_bytes(*target);
    let reason = match rest {
        [1, 0, 0, 0, 0, 0, 0, 0] => Reason::Undo,
        [2, 0, 0, 0, 0, 0, 0, 0] => Reason::Redo,
        [3, 0, 0, 0, 0, 0, 0, 0] => Reason::At,
        _ => return Err(broken("a restore frame of another form")),
    };
    match target < frame.sequence {
        true => Ok((target, reason)),
        false => Err(broken("a restore frame that does not lead back")),
    }
}

/// The new name that a rename frame tells.
///
/// # Errors
/// [`EnvError::Damaged`] for one that is longer than names are; what reading answers.
pub(crate) fn read_rename(frame: &Frame<'_>) -> Result<Vec<u8>> {
    short_payload(frame, MAX_NAME_BYTES)
}

/// The payload of a frame of a kind whose payloads are short. A file without blocks may say that it
/// has any length.
fn short_payload(frame: &Frame<'_>, most: usize) -> Result<Vec<u8>> {
    let payload = frame.payload();
    match payload.len <= most as u64 {
        true => payload.read(),
        false => {
            let len = payload.len;
            let text = format!("a payload of {len} bytes, where at most {most} can be");
            Err(damaged(frame, &text))
        }
    }
}

pub(crate) fn damaged(frame: &Frame<'_>, text: &str) -> EnvError {
    let problem = Problem::Structure(text.to_owned());
    EnvError::Damaged {
        path: frame.segment.path().into(),
        fault: Fault::new(Part::Frame, frame.entry.offset, problem),
    }
}

/// The frames above `base` that make the state at `sequence`, in runs that follow each other: those on
/// the way back from it, where a restore frame jumps to its target.
///
/// # Errors
/// What reading restore frames answers; [`EnvError::Damaged`] for one whose target is no commit.
pub(crate) fn effective(
    frames: &Frames,
    base: u64,
    sequence: u64,
) -> Result<Vec<RangeInclusive<u64>>> {
    if sequence > base && !frames.may_lead_back(sequence) {
        return Ok(vec![base + 1..=sequence]);
    }
    let mut runs = Vec::new();
    let mut last = sequence;
    while last > base {
        // Less than `last`: nothing overflows.
        let before = frames.between(base + 1..=last).rev();
        let mut before = before.skip_while(|frame| frame.kind() != FrameKind::Restore);
        let Some(restore) = before.next() else {
            runs.push(base + 1..=last);
            break;
        };
        if restore.sequence < last {
            runs.push(restore.sequence + 1..=last);
        }
        let (target, _) = read_restore(&restore)?;
        if target < base {
            return Err(damaged(&restore, "it leads back beyond the archive"));
        }
        // What the archive holds ends with a commit.
        let ends_commit = |frame: Frame<'_>| frame.ends_commit();
        if target > base && !frames.get(target).is_some_and(ends_commit) {
            return Err(damaged(&restore, "it leads into the middle of a commit"));
        }
        last = target;
    }
    runs.reverse();
    Ok(runs)
}

/// The state at `sequence` of the frames above `base`, over the archive that `context` reads.
///
/// # Errors
/// What reading frames answers; [`EnvError::Unsupported`] for a kind of a later version.
pub(crate) fn state_at(
    frames: &Frames,
    base: u64,
    sequence: u64,
    context: Arc<ImageContext>,
) -> Result<Overlay> {
    // What is said over an archive is said over all of it.
    context.base.records()?;
    let mut overlay = Overlay::new(Arc::clone(&context));
    let runs = effective(frames, base, sequence)?;
    for frame in runs.into_iter().flat_map(|run| frames.between(run)) {
        let type_id = frame.entry.type_id;
        let sets = matches!(frame.kind(), FrameKind::Set | FrameKind::SetByReference);
        match sets && type_id & TYPE_HAS_CELLS == 0 {
            true => {
                let name = text(&frame, frame.key)?;
                let (constant, mutable) = marks(type_id);
                overlay.set_at(name, constant, mutable, frame.payload());
            }
            false => Said::read(&frame, &context)?.add(&mut overlay)?,
        }
    }
    Ok(overlay)
}

/// Whether a variable is constant, and whether it is mutable.
fn marks(type_id: u16) -> (bool, bool) {
    (type_id & TYPE_CONSTANT != 0, type_id & TYPE_MUTABLE != 0)
}

fn text<'f>(frame: &Frame<'_>, bytes: &'f [u8]) -> Result<&'f str> {
    std::str::from_utf8(bytes).map_err(|_| damaged(frame, "a name is not UTF-8"))
}

fn carries_image(kind: FrameKind) -> bool {
    matches!(
        kind,
        FrameKind::Set | FrameKind::SetByReference | FrameKind::SetCell
    )
}

/// Tells `context` of the extents that stand in a frame, whether it counts or not.
pub(crate) fn note_image(frame: &Frame<'_>, context: &ImageContext) {
    if frame.entry.payload_len >= ELSEWHERE_FROM && carries_image(frame.kind()) {
        context.add_image(frame.payload().into());
    }
}

/// What a frame says of the state.
#[derive(Debug)]
pub(crate) enum Said {
    /// A binding, by its name, with the frame's type id.
    Set(Arc<str>, u16, Arc<FrameImage>),
    Cells(Arc<FrameImage>),
    Remove(Arc<str>),
    Rename(Arc<str>, Arc<str>),
    Clear,
    Nothing,
}

impl Said {
    /// Reads what a frame says.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] when its parts do not hold together; [`EnvError::Unsupported`] for a
    /// kind of a later version; what reading answers.
    pub(crate) fn read(frame: &Frame<'_>, context: &Arc<ImageContext>) -> Result<Said> {
        let text = |bytes| text(frame, bytes).map(Arc::from);
        let image = || Arc::new(FrameImage::new(frame.payload().into(), Arc::clone(context)));
        Ok(match frame.kind() {
            FrameKind::Set | FrameKind::SetByReference => {
                Said::Set(text(frame.key)?, frame.entry.type_id, image())
            }
            FrameKind::SetCell => Said::Cells(image()),
            FrameKind::Remove => Said::Remove(text(frame.key)?),
            FrameKind::Rename => {
                let new = read_rename(frame)?;
                Said::Rename(text(frame.key)?, text(&new)?)
            }
            FrameKind::Clear => Said::Clear,
            FrameKind::Mark | FrameKind::Message | FrameKind::Begin | FrameKind::Restore => {
                Said::Nothing
            }
            FrameKind::Other(kind) => {
                return Err(EnvError::Unsupported {
                    path: Origin::from(frame.segment.path()),
                    what: format!("frames of kind {kind}"),
                });
            }
        })
    }

    /// The image whose cells and scopes it gives new contents.
    fn with_cells(&self) -> Option<&Arc<FrameImage>> {
        match self {
            Said::Set(_, type_id, image) if type_id & TYPE_HAS_CELLS != 0 => Some(image),
            Said::Cells(image) => Some(image),
            _ => None,
        }
    }

    /// Reads what [`Said::add`] looks at, so that it cannot fail.
    ///
    /// # Errors
    /// What reading the head of an image with cells answers.
    pub(crate) fn prepare(&self) -> Result<()> {
        match self.with_cells() {
            Some(image) => image.shared_ids().map(drop),
            None => Ok(()),
        }
    }

    /// Adds it to a state.
    ///
    /// # Errors
    /// What reading the head of an image with cells answers.
    pub(crate) fn add(self, overlay: &mut Overlay) -> Result<()> {
        if let Some(image) = self.with_cells() {
            overlay.set_cells(image)?;
        }
        match self {
            Said::Set(name, type_id, image) => {
                let (constant, mutable) = marks(type_id);
                overlay.set(name, constant, mutable, image);
            }
            Said::Remove(name) => overlay.remove(&name),
            Said::Rename(old, new) => overlay.rename(&old, new),
            Said::Clear => overlay.clear(),
            Said::Cells(_) | Said::Nothing => {}
        }
        Ok(())
    }
}
