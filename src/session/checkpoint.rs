//! Folding the journal into a new archive while commits go on.

use std::path::PathBuf;
use std::sync::Arc;

use super::log::now;
use super::session::Session;
use crate::error::{EnvError, Result};
use crate::format::header::FLAG_SEALED;
use crate::journal::{Chain, Companions};
use crate::read::Archive;
use crate::read::cells::{CellHandles, SessionLoad};
use crate::read::replay::open::base_of;
use crate::read::replay::state::state_at;
use crate::tree::shared::SharedIds;
use crate::value::{SharedHandle, ValueRef};
use crate::write::{ArchiveWriter, BindingOptions, Lineage, SaveOptions, SaveReport};

/// Dead bytes below which no checkpoint is made by itself: it ends what can be undone, and must be
/// worth that.
const LEAST_DEAD: u64 = 64 << 20;

/// A checkpoint that was begun: the state to be folded. `Send`, so that another thread can
/// [`run`](Checkpoint::run) it while the session goes on.
#[derive(Debug)]
pub struct Checkpoint {
    companions: Companions,
    path: PathBuf,
    state: Archive,
    session_id: [u8; 16],
    /// Sequence of the last frame that is folded.
    sequence: u64,
    keep_history: bool,
}

/// A checkpoint whose archive is in place.
#[derive(Debug)]
pub struct Checkpointed {
    /// The new archive.
    pub report: SaveReport,
    /// Sequence of the last frame that it holds.
    pub sequence: u64,
}

/// The ids that cells have in the session.
struct SessionIds(Arc<CellHandles>);

impl SharedIds for SessionIds {
    fn id(&mut self, shared: &SharedHandle) -> (u64, bool) {
        (self.0.assign(shared).0, true)
    }
}

impl Checkpoint {
    /// Writes the new archive and puts it in place of the old one. Arrays that did not change are
    /// copied as they stand. Hand the result to [`Session::finish_checkpoint`].
    ///
    /// # Errors
    /// As a save: the old archive and the journal are then as they were.
    /// [`EnvError::ReplacedNotDurable`]: the new one is in place, and the journal is kept.
    pub fn run(&self) -> Result<Checkpointed> {
        self.run_with(|_, _| {})
    }

    /// As [`Checkpoint::run`]; `progress` is called with bytes of array data done, and in all.
    ///
    /// Within [`read_cancellable`](crate::read_cancellable) it is given up once the flag is true.
    ///
    /// # Errors
    /// As [`Checkpoint::run`]; [`EnvError::Cancelled`].
    pub fn run_with(
        &self,
        progress: impl Fn(u64, u64) + Send + Sync + 'static,
    ) -> Result<Checkpointed> {
        if self.keep_history {
            self.companions.keep_base()?;
        }
        let lineage = Lineage {
            session_id: self.session_id,
            folded_sequence: self.sequence,
            parent_digest: self.state.root_digest()?,
        };
        let options = inherited(&self.state)?.lineage(lineage).for_session();
        let options = options.on_progress(progress);
        let writer = ArchiveWriter::create(self.companions.archive(), &options)?;
        let mut report = write_state(&self.state, writer, true)?;
        report.path = self.path.as_path().into();
        Ok(Checkpointed {
            report,
            sequence: self.sequence,
        })
    }
}

/// Options that write a state again as its archive was written.
pub(super) fn inherited(state: &Archive) -> Result<SaveOptions> {
    let metadata = state.metadata()?;
    let custom = metadata.custom.iter();
    let options = SaveOptions::new()
        .allow_overwrite(true)
        .warn_large_values(None)
        .seal(state.header().flags & FLAG_SEALED != 0)
        .keep_coding(true);
    let options = match crate::read::current_cancel() {
        Some(flag) => options.cancel(flag),
        None => options,
    };
    Ok(options.over(
        metadata.description.as_deref(),
        &metadata.tags,
        custom.map(|(key, value)| (key.as_str(), value)),
        metadata.created_at,
    ))
}

/// Writes all variables of a state. In the archive of a session cells keep the ids they have.
pub(super) fn write_state(
    state: &Archive,
    mut writer: ArchiveWriter<'_>,
    in_session: bool,
) -> Result<SaveReport> {
    let handles = Arc::new(CellHandles::default());
    if in_session {
        writer.name_cells(Box::new(SessionIds(Arc::clone(&handles))));
    }
    let overlay = state.overlay().ok_or_else(|| EnvError::InvalidValue {
        what: "a checkpoint".to_owned(),
        reason: "the archive has no journal".to_owned(),
    })?;
    handles.number_from(overlay.greatest_cell().saturating_add(1));
    let mut load = SessionLoad::new(overlay, &handles);
    let mut options = BindingOptions::new();
    for binding in state.bindings_as_saved() {
        let (value, attributes) = load.binding(&binding)?;
        options.attributes = attributes;
        options.constant = binding.is_constant();
        options.mutable = binding.is_mutable();
        writer.add_with(binding.name(), ValueRef::Owned(value), &options)?;
    }
    writer.finish()
}

impl Session {
    /// Commits what is pending and folds the journal into a new archive, which replaces the old one;
    /// the journal is then empty, and history begins anew unless it is kept. Nothing is done when
    /// there is nothing to fold.
    ///
    /// [`Session::begin_checkpoint`] does the same in steps, so that commits go on meanwhile.
    ///
    /// # Errors
    /// As [`Session::commit`] and [`Checkpoint::run`]: the session goes on with its journal.
    pub fn checkpoint(&mut self) -> Result<Option<Checkpointed>> {
        let Some(checkpoint) = self.begin_checkpoint()? else {
            return Ok(None);
        };
        match checkpoint.run() {
            Ok(done) => self.finish_checkpoint(done).map(Some),
            Err(error) => {
                self.abandon_checkpoint();
                Err(error)
            }
        }
    }

    /// Commits what is pending and begins a checkpoint: further commits go to a new journal segment.
    /// [`Checkpoint::run`] does the work, on any thread; then [`Session::finish_checkpoint`] takes
    /// its result. `None` when there is nothing to fold, or one is under way.
    ///
    /// # Errors
    /// As [`Session::commit`]; what the new segment answers.
    pub fn begin_checkpoint(&mut self) -> Result<Option<Checkpoint>> {
        self.commit_only()?;
        if self.since_rotation.is_some() || self.sequence() <= self.archive.folded_sequence() {
            return Ok(None);
        }
        let rotated = self.writer.rotate(now())?;
        self.base_sequence = rotated.sequence;
        self.since_rotation = Some(Default::default());
        Ok(Some(Checkpoint {
            companions: self.companions.clone(),
            path: self.path.clone(),
            state: self.archive.clone(),
            session_id: self.writer.session_id(),
            sequence: rotated.sequence,
            keep_history: self.options.keep_history,
        }))
    }

    /// Goes on over the archive of a checkpoint, and removes the journal segments that it holds.
    ///
    /// # Errors
    /// As [`crate::SessionOptions::open`]. The files are in order whatever it answers: the session
    /// can be opened again.
    pub fn finish_checkpoint(&mut self, done: Checkpointed) -> Result<Checkpointed> {
        let archive = self.road.open(self.companions.archive())?;
        let chain = Chain::open(&self.companions, &base_of(&archive)?)?;
        let context = self.road.context(&archive, chain.frames());
        let overlay = state_at(chain.frames(), done.sequence, chain.sequence(), context)?;
        self.archive = archive.overlaid(overlay);
        self.chain = chain;
        self.base_sequence = done.sequence;
        self.since_rotation = None;
        self.dead_bytes = 0;
        if !self.options.keep_history {
            self.writer.remove_folded(done.sequence)?;
        }
        Ok(done)
    }

    /// Goes on without a checkpoint that failed: its journal segments stay, and the next one folds
    /// them too.
    pub fn abandon_checkpoint(&mut self) {
        self.since_rotation = None;
        self.base_sequence = self.archive.folded_sequence();
    }

    /// Makes a checkpoint when too many bytes are dead.
    pub(super) fn checkpoint_if_dead(&mut self) -> Result<()> {
        if self.since_rotation.is_none() && self.is_dead(self.options.dead_share) {
            self.checkpoint()?;
        }
        Ok(())
    }

    /// Whether more than `share` of the bytes of archive and journal are of values that were
    /// replaced or removed.
    pub(super) fn is_dead(&self, share: Option<f64>) -> bool {
        let total = self.archive.file_len().saturating_add(self.journal_len());
        let dead = self.dead_bytes;
        share.is_some_and(|share| dead > LEAST_DEAD && dead as f64 > share * total as f64)
    }

    /// Reads what was written to the journal since it was last looked at.
    pub(super) fn refresh_chain(&mut self) -> Result<()> {
        self.chain.refresh().map(drop)
    }
}
