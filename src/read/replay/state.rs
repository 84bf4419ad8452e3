//! The state at a sequence: the archive, and over it the frames that count.

use std::sync::Arc;

use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::journal::{Frame, FrameKind, Frames};
use crate::read::frames::{FrameImage, ImageContext, ImagePlace};
use crate::read::overlay::Overlay;

/// Bits of a frame's type id above the kind of its value.
pub(crate) const TYPE_HAS_CELLS: u16 = 1 << 8;
pub(crate) const TYPE_CONSTANT: u16 = 1 << 9;
pub(crate) const TYPE_MUTABLE: u16 = 1 << 10;

/// Why a state became that of an earlier sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reason {
    Undo = 1,
    Redo = 2,
    At = 3,
}

/// Target and reason of a restore frame.
pub(crate) fn restore_payload(target: u64, reason: Reason) -> [u8; 16] {
    let mut payload = [0; 16];
    payload[..8].copy_from_slice(&target.to_le_bytes());
    payload[8] = reason as u8;
    payload
}

/// Target and reason of a restore frame.
///
/// # Errors
/// [`EnvError::Damaged`] for another payload, or a target that does not lie before the frame.
pub(crate) fn read_restore(frame: &Frame<'_>) -> Result<(u64, Reason)> {
    let payload = frame.payload().read()?;
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

pub(crate) fn damaged(frame: &Frame<'_>, text: &str) -> EnvError {
    let problem = Problem::Structure(text.to_owned());
    EnvError::Damaged {
        path: frame.segment.path().into(),
        fault: Fault::new(Part::Frame, frame.entry.offset, problem),
    }
}

/// The frames above `base` that make the state at `sequence`, in order: those on the way back from
/// it, where a restore frame jumps to its target.
///
/// # Errors
/// What reading restore frames answers.
pub(crate) fn effective(frames: &Frames, base: u64, sequence: u64) -> Result<Vec<u64>> {
    let mut found = Vec::new();
    let mut at = sequence;
    while at > base {
        let Some(frame) = frames.get(at) else { break };
        if frame.kind() == FrameKind::Restore {
            let (target, _) = read_restore(&frame)?;
            if target < base {
                return Err(damaged(&frame, "it leads back beyond the archive"));
            }
            at = target;
            continue;
        }
        found.push(at);
        at -= 1;
    }
    found.reverse();
    Ok(found)
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
    for frame in frames.from(base + 1) {
        note_image(&frame, &context);
    }
    let mut overlay = Overlay::new(context);
    for sequence in effective(frames, base, sequence)? {
        if let Some(frame) = frames.get(sequence) {
            apply(&mut overlay, &frame)?;
        }
    }
    Ok(overlay)
}

/// Where the image of a frame stands.
pub(crate) fn place_of(frame: &Frame<'_>) -> ImagePlace {
    let payload = frame.payload();
    ImagePlace {
        segment: payload.segment.clone(),
        offset: payload.offset,
        len: payload.len,
    }
}

fn carries_image(kind: FrameKind) -> bool {
    matches!(
        kind,
        FrameKind::Set | FrameKind::SetByReference | FrameKind::SetCell
    )
}

/// Tells `context` of the extents that stand in a frame, whether it counts or not.
pub(crate) fn note_image(frame: &Frame<'_>, context: &ImageContext) {
    if carries_image(frame.kind()) {
        context.add_image(place_of(frame));
    }
}

/// Adds what a frame says.
///
/// # Errors
/// [`EnvError::Damaged`] when its parts do not hold together; [`EnvError::Unsupported`] for a kind
/// of a later version; what reading answers.
pub(crate) fn apply(overlay: &mut Overlay, frame: &Frame<'_>) -> Result<()> {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Arc::<str>::from(text)),
        Err(_) => Err(damaged(frame, "a name is not UTF-8")),
    };
    match frame.kind() {
        FrameKind::Set | FrameKind::SetByReference => {
            let image = image_of(overlay, frame);
            set(overlay, text(frame.key)?, frame.entry.type_id, &image)?;
        }
        FrameKind::SetCell => {
            let image = image_of(overlay, frame);
            overlay.set_cells(&image)?;
        }
        FrameKind::Remove => overlay.remove(&text(frame.key)?),
        FrameKind::Rename => {
            let new = frame.payload().read()?;
            overlay.rename(&text(frame.key)?, text(&new)?);
        }
        FrameKind::Clear => overlay.clear(),
        FrameKind::Mark | FrameKind::Message | FrameKind::Begin | FrameKind::Restore => {}
        FrameKind::Other(kind) => {
            return Err(EnvError::Unsupported {
                path: Origin::from(frame.segment.path()),
                what: format!("frames of kind {kind}"),
            });
        }
    }
    Ok(())
}

fn image_of(overlay: &Overlay, frame: &Frame<'_>) -> Arc<FrameImage> {
    let context = Arc::clone(&overlay.context);
    Arc::new(FrameImage::new(place_of(frame), context))
}

/// Adds a binding that stands in a frame.
///
/// # Errors
/// What reading the head of an image with cells answers.
pub(crate) fn set(
    overlay: &mut Overlay,
    name: Arc<str>,
    type_id: u16,
    image: &Arc<FrameImage>,
) -> Result<()> {
    if type_id & TYPE_HAS_CELLS != 0 {
        overlay.set_cells(image)?;
    }
    let constant = type_id & TYPE_CONSTANT != 0;
    let mutable = type_id & TYPE_MUTABLE != 0;
    overlay.set(name, constant, mutable, Arc::clone(image));
    Ok(())
}
