//! Sessions: an archive and the journal beside it. Commits append to the journal; a checkpoint folds
//! it into a new archive.

mod attach;
mod autosave;
mod background;
mod backup;
mod checkpoint;
mod commit;
mod create;
mod history;
mod journal;
mod known;
mod log;
mod options;
mod pending;
mod reader;
#[expect(
    clippy::module_inception,
    reason = "the session is what the room is for"
)]
mod session;
mod travel;
mod verify;

pub use autosave::{Autosave, AutosaveOptions, AutosavePause, AutosaveStatus};
pub use backup::backup;
pub use checkpoint::{Checkpoint, Checkpointed};
pub use journal::{JournalDamage, JournalInfo};
pub use log::{Commit, Event, EventKind};
pub use options::SessionOptions;
pub use reader::SessionReader;
pub use session::{Closed, Session};
pub use travel::{Moment, Travelled};
pub use verify::{JournalFault, JournalReport};
