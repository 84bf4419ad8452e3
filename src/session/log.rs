//! What was done: commits in order, and the events they are made of.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::Result;
use crate::journal::{Frame, FrameKind, Frames};
use crate::read::Archive;
use crate::read::frames::{FrameImage, ImageContext};
use crate::read::overlay::Overlay;
use crate::read::replay::state::{Reason, read_rename, read_restore};
use crate::value::{Kind, Value};

/// Nanoseconds since 1970-01-01 00:00 UTC.
pub(super) fn now() -> u64 {
    nanoseconds(SystemTime::now())
}

/// Nanoseconds from 1970-01-01 00:00 UTC to a time; 0 for one before.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

fn time(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}

/// One commit of a session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Commit {
    /// Sequence of its last frame.
    pub sequence: u64,
    /// When it was made.
    pub time: SystemTime,
    /// What it did, in order.
    pub changes: Vec<EventKind>,
    /// Bytes of the values it wrote.
    pub bytes: u64,
    /// Whether it is part of the state as it is now: what was undone is not.
    pub counts: bool,
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKind {
    /// A variable got a value.
    Set {
        /// Its name.
        name: Arc<str>,
        /// The kind of the value; `None` for one of a later version.
        kind: Option<Kind>,
    },
    /// A cell got another content.
    SetCell {
        /// Number of the cell in the session.
        cell: u64,
    },
    /// A variable was removed.
    Remove {
        /// Its name.
        name: Arc<str>,
    },
    /// A variable got another name.
    Rename {
        /// The old name.
        old: Arc<str>,
        /// The new name.
        new: Arc<str>,
    },
    /// All variables were removed.
    Clear,
    /// The state got a name.
    Mark {
        /// The name.
        name: Arc<str>,
    },
    /// The last commit that counted was undone.
    Undo {
        /// Sequence of the state that counts again.
        to: u64,
    },
    /// An undo was taken back.
    Redo {
        /// Sequence of the state that counts again.
        to: u64,
    },
    /// An earlier state counts again.
    RestoreAt {
        /// Sequence of that state.
        to: u64,
    },
    /// A message to whoever follows the session.
    Message {
        /// Its key.
        key: Vec<u8>,
    },
    /// Something of a later version.
    Other {
        /// Its code.
        code: u8,
    },
}

/// One thing that was done, and the value that was set by it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Sequence of its frame.
    pub sequence: u64,
    /// When it was written.
    pub time: SystemTime,
    /// What was done.
    pub kind: EventKind,
    /// Whether it is the last of its commit.
    pub ends_commit: bool,
    image: Option<Arc<FrameImage>>,
    state: Archive,
}

impl Event {
    /// The value that was set; `None` for an event that sets none. Cells in it hold what they hold
    /// in the state from which the event was asked for.
    ///
    /// # Errors
    /// What reading answers.
    pub fn value(&self) -> Result<Option<Value>> {
        let (Some(image), Some(overlay)) = (&self.image, self.state.overlay()) else {
            return Ok(None);
        };
        let name = match &self.kind {
            EventKind::Set { name, .. } => name,
            _ => "",
        };
        image.value(overlay, name).map(Some)
    }
}

fn text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

/// What a frame says.
pub(super) fn kind_of(frame: &Frame<'_>) -> Result<EventKind> {
    Ok(match frame.kind() {
        FrameKind::Set | FrameKind::SetByReference => EventKind::Set {
            name: text(frame.key),
            kind: Kind::from_code(frame.entry.type_id as u8),
        },
        FrameKind::SetCell => EventKind::SetCell {
            cell: frame
                .key
                .first_chunk()
                .map_or(0, |id| u64::from_le_bytes(*id)),
        },
        FrameKind::Remove => EventKind::Remove {
            name: text(frame.key),
        },
        FrameKind::Rename => EventKind::Rename {
            old: text(frame.key),
            new: text(&read_rename(frame)?),
        },
        FrameKind::Clear => EventKind::Clear,
        FrameKind::Mark => EventKind::Mark {
            name: text(frame.key),
        },
        FrameKind::Restore => match read_restore(frame)? {
            (to, Reason::Undo) => EventKind::Undo { to },
            (to, Reason::Redo) => EventKind::Redo { to },
            (to, Reason::At) => EventKind::RestoreAt { to },
        },
        FrameKind::Message => EventKind::Message {
            key: frame.key.to_vec(),
        },
        FrameKind::Begin => EventKind::Other { code: 0 },
        FrameKind::Other(code) => EventKind::Other { code },
    })
}

/// The commits above `base`, oldest first. `counting` are the runs of the frames that make the
/// state, in order.
pub(super) fn commits(
    frames: &Frames,
    base: u64,
    counting: &[RangeInclusive<u64>],
) -> Result<Vec<Commit>> {
    let mut commits = Vec::new();
    let mut changes = Vec::new();
    let mut bytes = 0;
    for frame in frames.from(base.saturating_add(1)) {
        changes.push(kind_of(&frame)?);
        bytes += frame.entry.payload_len;
        if frame.ends_commit() {
            let travels = frame.kind() == FrameKind::Restore;
            commits.push(Commit {
                sequence: frame.sequence,
                time: time(frame.timestamp()?),
                changes: std::mem::take(&mut changes),
                bytes: if travels { 0 } else { bytes },
                counts: travels || counts(counting, frame.sequence),
            });
            bytes = 0;
        }
    }
    Ok(commits)
}

/// Whether a sequence lies in one of the runs.
fn counts(runs: &[RangeInclusive<u64>], sequence: u64) -> bool {
    let run = runs.partition_point(|run| *run.end() < sequence);
    runs.get(run).is_some_and(|run| run.contains(&sequence))
}

/// The event of a frame. `state` gives its cells their contents.
pub(super) fn event(
    frame: &Frame<'_>,
    state: &Archive,
    context: Option<&Arc<ImageContext>>,
) -> Result<Event> {
    let image = match frame.kind() {
        FrameKind::Set | FrameKind::SetByReference => context
            .map(|context| Arc::new(FrameImage::new(frame.payload().into(), Arc::clone(context)))),
        _ => None,
    };
    Ok(Event {
        sequence: frame.sequence,
        time: time(frame.timestamp()?),
        kind: kind_of(frame)?,
        ends_commit: frame.ends_commit(),
        image,
        state: state.clone(),
    })
}

/// What an overlay reads its frames by.
pub(super) fn context_of(overlay: Option<&Overlay>) -> Option<&Arc<ImageContext>> {
    overlay.map(|overlay| &overlay.context)
}
