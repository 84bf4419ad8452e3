//! Folding the journal into a new archive while commits go on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::log::now;
use super::session::{Session, UnderWay};
use crate::error::{EnvError, Result};
use crate::format::header::FLAG_SEALED;
use crate::journal::{Chain, Companions, WriterLock};
use crate::read::Archive;
use crate::read::cells::{CellHandles, SessionLoad};
use crate::read::dead::dead_bytes;
use crate::read::replay::open::{Road, base_of};
use crate::read::replay::state::state_at;
use crate::tree::shared::SharedIds;
use crate::value::{SharedHandle, ValueRef};
use crate::write::{ArchiveWriter, BindingOptions, Lineage, SaveOptions, SaveReport};

/// Dead bytes below which no checkpoint is made by itself: it ends what can be undone, and must be
/// worth that.
const LEAST_DEAD: u64 = 64 << 20;

/// A checkpoint that was begun: the state to be folded. `Send`, so that another thread can
/// [`run`](Checkpoint::run) it while the session goes on. Until its archive is in place or it is
/// dropped, also when the session was closed, no other writer is let in.
#[derive(Debug)]
pub struct Checkpoint {
    companions: Companions,
    path: PathBuf,
    road: Road,
    state: Archive,
    session_id: [u8; 16],
    /// Sequence of the last frame that is folded.
    sequence: u64,
    keep_history: bool,
    stage: Arc<Mutex<Stage>>,
}

/// How far a checkpoint is. Held while the archive is replaced.
#[derive(Debug)]
pub(super) enum Stage {
    /// The archive is the old one, and may be replaced.
    Begun(Arc<WriterLock>),
    /// The archive is the new one, unless replacing it failed.
    Replaced,
    /// The session goes on without it.
    Abandoned,
}

fn lock_stage(stage: &Mutex<Stage>) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// [`EnvError::ChangedInPlace`] when another archive stands where the session's was;
    /// [`EnvError::InvalidValue`] when it was made already, or the session went on without it;
    /// [`EnvError::ForkedChild`]. After all of them call [`Session::abandon_checkpoint`].
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
        self.check().map(drop)?;
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
        let mut writer = ArchiveWriter::create(self.companions.archive(), &options)?;
        add_state(&self.state, &mut writer, true)?;
        let mut report = writer.finish_after(|| {
            let mut stage = self.check()?;
            let lock = std::mem::replace(&mut *stage, Stage::Replaced);
            Ok((stage, lock))
        })?;
        report.path = self.path.as_path().into();
        Ok(Checkpointed {
            report,
            sequence: self.sequence,
        })
    }
}

impl Checkpoint {
    /// Refuses to replace what is not the archive that this was begun over, or to do so for a
    /// session that went on without it.
    fn check(&self) -> Result<MutexGuard<'_, Stage>> {
        let stage = lock_stage(&self.stage);
        let refused = |reason: &str| EnvError::InvalidValue {
            what: "a checkpoint".to_owned(),
            reason: reason.to_owned(),
        };
        match &*stage {
            Stage::Begun(lock) => lock.check_process()?,
            Stage::Replaced => return Err(refused("it was made already")),
            Stage::Abandoned => {
                return Err(refused(
                    "it was given up, and the session went on without it",
                ));
            }
        }
        let there = base_of(&self.road.open(self.companions.archive())?)?;
        match there == base_of(&self.state)? {
            true => Ok(stage),
            false => Err(other_archive(&self.path)),
        }
    }
}

fn other_archive(path: &Path) -> EnvError {
    EnvError::ChangedInPlace {
        path: path.into(),
        what: "another archive stands in its place",
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

/// Writes all variables of a state, as [`add_state`], and puts the archive in place.
pub(super) fn write_state(
    state: &Archive,
    mut writer: ArchiveWriter<'_>,
    in_session: bool,
) -> Result<SaveReport> {
    add_state(state, &mut writer, in_session)?;
    writer.finish()
}

/// Adds all variables of a state. In the archive of a session cells keep the ids they have.
fn add_state(state: &Archive, writer: &mut ArchiveWriter<'_>, in_session: bool) -> Result<()> {
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
    Ok(())
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
        if self.under_way.is_some() || self.sequence() <= self.archive.folded_sequence() {
            return Ok(None);
        }
        let rotated = self.writer.rotate(now())?;
        self.base_sequence = rotated.sequence;
        let stage = Arc::new(Mutex::new(Stage::Begun(self.writer.lock())));
        self.under_way = Some(UnderWay {
            sequence: rotated.sequence,
            written: Default::default(),
            stage: Arc::clone(&stage),
        });
        self.handles.begin_checkpoint();
        Ok(Some(Checkpoint {
            companions: self.companions.clone(),
            path: self.path.clone(),
            road: self.road.clone(),
            state: self.archive.clone(),
            session_id: self.writer.session_id(),
            sequence: rotated.sequence,
            keep_history: self.options.keep_history,
            stage,
        }))
    }

    /// Goes on over the archive of a checkpoint, and removes the journal segments that it holds.
    ///
    /// # Errors
    /// As [`crate::SessionOptions::open`]: the files are in order, and the session takes no more
    /// commits; it can be opened again. [`EnvError::Io`] when a segment cannot be removed: the session
    /// goes on.
    pub fn finish_checkpoint(&mut self, done: Checkpointed) -> Result<Checkpointed> {
        if let Err(error) = self.take_up(done.sequence) {
            self.abandon_checkpoint();
            return Err(error);
        }
        if !self.options.keep_history {
            self.writer.remove_folded(done.sequence)?;
        }
        Ok(done)
    }

    /// Goes on without a checkpoint that failed: its journal segments stay, and the next one folds
    /// them too. When its archive is in place all the same, the session goes on over that one; if
    /// it cannot be opened, the session takes no more commits, and says why.
    pub fn abandon_checkpoint(&mut self) {
        let Some(under_way) = self.under_way.take() else {
            return;
        };
        self.handles.end_checkpoint();
        let mut stage = lock_stage(&under_way.stage);
        let before = std::mem::replace(&mut *stage, Stage::Abandoned);
        drop(stage);
        if matches!(before, Stage::Replaced)
            && let Err(error) = self.take_up_if_there(under_way.sequence)
        {
            let reason = format!("the archive of a checkpoint was not taken up: {error}");
            self.writer.refuse_from_now_on(reason);
        }
        self.base_sequence = self.archive.folded_sequence();
    }

    /// As [`Session::take_up`], unless the archive there is the old one.
    fn take_up_if_there(&mut self, sequence: u64) -> Result<()> {
        let there = base_of(&self.road.open(self.companions.archive())?)?;
        match there == base_of(&self.archive)? {
            true => Ok(()),
            false => self.take_up(sequence),
        }
    }

    /// Goes on over the archive of a checkpoint up to `sequence`, which is in place.
    fn take_up(&mut self, sequence: u64) -> Result<()> {
        let archive = self.road.open(self.companions.archive())?;
        let is_ours = archive.session_id() == self.writer.session_id();
        if !is_ours || archive.folded_sequence() != sequence {
            return Err(other_archive(&self.path));
        }
        let chain = Chain::open(&self.companions, &base_of(&archive)?)?;
        let context = self.road.context(&archive, chain.frames());
        let overlay = state_at(chain.frames(), sequence, chain.sequence(), context)?;
        // Met again, they are new ones.
        for (id, _) in self.handles.all() {
            if !overlay.has_cell(id) {
                self.handles.forget(id);
            }
        }
        self.handles.end_checkpoint();
        self.archive = archive.overlaid(overlay);
        self.chain = chain;
        self.base_sequence = sequence;
        self.under_way = None;
        self.checkpoint_failed = None;
        self.dead_bytes = 0;
        self.count_from = 0;
        Ok(())
    }

    /// Why the last checkpoint failed that a commit made by itself
    /// ([`SessionOptions::checkpoint_at`](crate::SessionOptions::checkpoint_at)); `None` when none
    /// did since the last that succeeded. It is tried again when twice as many bytes are dead.
    pub fn checkpoint_error(&self) -> Option<&EnvError> {
        self.checkpoint_failed.as_ref().map(|(error, _)| error)
    }

    /// Makes a checkpoint when too many bytes are dead. When it fails, that is noted.
    pub(super) fn checkpoint_if_dead(&mut self) {
        let share = self.options.dead_share;
        let is_early = match &self.checkpoint_failed {
            Some((_, dead)) => self.dead_bytes < dead.saturating_mul(2),
            None => false,
        };
        if self.under_way.is_none()
            && !is_early
            && self.is_dead(share)
            && let Err(error) = self.checkpoint()
        {
            self.checkpoint_failed = Some((error, self.dead_bytes));
        }
    }

    /// Whether more than `share` of the bytes of archive and journal are of values that were
    /// replaced or removed. What was added up commit by commit may be too much: when it is enough,
    /// they are counted.
    pub(super) fn is_dead(&mut self, share: Option<f64>) -> bool {
        let Some(share) = share else {
            return false;
        };
        if self.dead_bytes < self.count_from || !self.exceeds(share) {
            return false;
        }
        self.count_dead();
        let exceeds = self.exceeds(share);
        self.count_from = match exceeds {
            true => 0,
            false => self.dead_bytes.saturating_add(LEAST_DEAD / 4),
        };
        exceeds
    }

    fn exceeds(&self, share: f64) -> bool {
        let total = self.archive.file_len().saturating_add(self.journal_len());
        let dead = self.dead_bytes;
        dead > LEAST_DEAD && dead as f64 > share * total as f64
    }

    /// Counts how many bytes are dead. Where the journal cannot be read it stays at what is known.
    pub(super) fn count_dead(&mut self) {
        if self.refresh_chain().is_err() {
            return;
        }
        let frames = self.chain.frames();
        let folded = self.archive.folded_sequence();
        if let Some(overlay) = self.archive.overlay() {
            self.dead_bytes = dead_bytes(overlay, frames.from(folded.saturating_add(1)));
        }
    }

    /// Reads what was written to the journal since it was last looked at.
    pub(super) fn refresh_chain(&mut self) -> Result<()> {
        self.chain.refresh().map(drop)
    }
}
