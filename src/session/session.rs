//! The session: what is committed, what is pending, and the one who writes.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::checkpoint::Stage;
use super::create;
use super::known::{KnownStorage, StorageKey};
use super::options::SessionOptions;
use super::pending::{Named, Pending};
use crate::environment::{Change, Environment, Recorder, Variable};
use crate::error::{EnvError, Origin, Result};
use crate::journal::{Chain, Companions, Writer, WriterLock};
use crate::name::check_name;
use crate::read::cells::{CellHandles, SessionLoad};
use crate::read::replay::open::{Road, open_both};
use crate::read::replay::state::state_at;
use crate::read::{Archive, Binding};
use crate::value::{Record, Value};

/// An archive open for work: variables are set, removed and renamed; a commit appends what changed
/// to the journal beside the archive, so that it costs what changed and not what there is.
///
/// Everything since the last commit is in memory and goes when the session is dropped. What is
/// committed survives the end of the process, however it ends. There is one writer at a time;
/// others read with [`SessionReader`](crate::SessionReader).
///
/// ```
/// use achronyme_env::{Session, SessionOptions, Value};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let mut session = SessionOptions::new().create(true).open(&path)?;
/// session.set("rate", 0.001)?;
/// session.commit()?;
/// session.set("rate", 0.002)?;
/// session.commit()?;
///
/// session.undo()?;
/// assert_eq!(session.get("rate")?.as_f64(), Some(0.001));
/// session.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Session {
    pub(super) companions: Companions,
    /// The archive as the caller named it, for messages.
    pub(super) path: PathBuf,
    pub(super) options: SessionOptions,
    pub(super) road: Road,
    pub(super) writer: Writer,
    /// The committed frames, for looking back.
    pub(super) chain: Chain,
    /// The committed state.
    pub(super) archive: Archive,
    /// Sequence of the last frame that the archive holds, or of the rotation of a checkpoint that is
    /// under way: what cannot be undone.
    pub(super) base_sequence: u64,
    pub(super) pending: Pending,
    pub(super) handles: Arc<CellHandles>,
    /// Array data in memory that was written, by its identity.
    pub(super) storages: HashMap<StorageKey, KnownStorage>,
    pub(super) under_way: Option<UnderWay>,
    /// Why the last checkpoint that a commit made by itself failed, and how many bytes were dead.
    pub(super) checkpoint_failed: Option<(EnvError, u64)>,
    pub(super) recorder: Option<Arc<Recorder>>,
    /// Bytes of values that were replaced or removed: counted, and added up since.
    pub(super) dead_bytes: u64,
    /// From how many of them on they are counted again.
    pub(super) count_from: u64,
    set_aside: Vec<PathBuf>,
}

/// Kind, digest and length of array data.
pub(super) type Content = (u8, [u8; 32], u64);

/// A checkpoint that was begun and not finished.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// Sequence of the last frame that it folds.
    pub(super) sequence: u64,
    /// Large arrays written since it began: what stands before may be gone when it is done.
    pub(super) written: HashSet<Content>,
    pub(super) stage: Arc<Mutex<Stage>>,
}

/// What closing a session left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Closed {
    /// The journal that stays beside the archive, and holds commits that it does not: `ach
    /// checkpoint` folds it. `None` when the archive holds everything.
    pub journal: Option<PathBuf>,
    /// Length of that journal in bytes.
    pub journal_len: u64,
}

impl Session {
    /// Opens a session for writing, with the default options.
    ///
    /// # Errors
    /// As [`SessionOptions::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Session> {
        SessionOptions::new().open(path)
    }

    pub(super) fn begin(path: &Path, options: &SessionOptions, road: Road) -> Result<Session> {
        let companions = Companions::of(path)?;
        if !options.create && !companions.archive().exists() {
            // Without a litter of companions; and the error of opening says it best.
            road.open(path)?;
        }
        let lock = WriterLock::take(&companions)?;
        let new_id = create::random_id()?;
        if options.create && !companions.archive().exists() {
            create::empty(&companions, new_id)?;
        }
        let (archive, chain) = open_both(&road, path, &companions)?;
        let (writer, aside) =
            Writer::open(lock, &chain, new_id, options.durability, super::log::now())?;
        let base = archive.folded_sequence();
        let context = road.context(&archive, chain.frames());
        let overlay = state_at(chain.frames(), base, chain.sequence(), context)?;
        let mut session = Session {
            path: path.to_owned(),
            // Once begun it goes on: what a checkpoint removed could not be brought back.
            options: match companions.base().exists() {
                true => options.clone().keep_history(true),
                false => options.clone(),
            },
            road,
            writer,
            archive: archive.overlaid(overlay),
            base_sequence: base,
            pending: Pending::default(),
            handles: Arc::default(),
            storages: HashMap::new(),
            under_way: None,
            checkpoint_failed: None,
            recorder: None,
            dead_bytes: 0,
            count_from: 0,
            set_aside: aside.into_iter().map(|aside| aside.to).collect(),
            companions,
            chain,
        };
        session.note_next_cell();
        session.count_dead();
        // Left by a checkpoint that was cut short after its archive was in place.
        if !session.options.keep_history {
            session.writer.remove_folded(base)?;
        }
        session.refresh_chain()?;
        Ok(session)
    }

    /// The archive's path, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Sequence of the last committed frame.
    pub fn sequence(&self) -> u64 {
        self.writer.sequence()
    }

    /// Number of frames of the journal that are not in the archive.
    pub fn unfolded(&self) -> u64 {
        let folded = self.archive.folded_sequence();
        self.sequence().saturating_sub(folded)
    }

    /// Files into which opening moved what could not be read of the journal: commits that were not
    /// finished, or damage. Nothing committed is lost by that.
    pub fn set_aside(&self) -> &[PathBuf] {
        &self.set_aside
    }

    /// The committed state, with everything that can be asked of an archive. It stays as it is
    /// while the session goes on.
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// Length of the journal up to the last commit, in bytes, without segments that a checkpoint is
    /// folding.
    pub fn journal_len(&self) -> u64 {
        self.writer.committed_len()
    }

    /// Whether something was changed since the last commit.
    pub fn is_changed(&mut self) -> bool {
        self.take_recorded();
        !self.pending.is_empty() || !self.changed_cells().is_empty()
    }

    /// Number of variables, those not committed counted.
    pub fn len(&self) -> usize {
        match self.pending.is_empty() {
            true => self.archive.len(),
            false => self.names().len(),
        }
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names in the order of definition, those not committed included.
    pub fn names(&self) -> Vec<Arc<str>> {
        let committed = self.archive.bindings_as_saved();
        let committed = committed.iter().map(|binding| Arc::from(binding.name()));
        self.pending.names(committed)
    }

    /// Whether there is a variable of that name.
    pub fn contains(&self, name: &str) -> bool {
        match self.pending.get(name) {
            Named::Set(_) => true,
            Named::Removed => false,
            Named::Committed(name) => self.archive.contains(name),
        }
    }

    /// The value of a variable. Cells and scopes are the same ones whenever they are met again, and
    /// changes to what they hold belong to the next commit.
    ///
    /// # Errors
    /// [`EnvError::NotFound`] with the nearest name; what reading answers.
    pub fn get(&self, name: &str) -> Result<Value> {
        Ok(self.variable(name)?.value)
    }

    /// A variable with all that is said of it.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn variable(&self, name: &str) -> Result<Variable> {
        match self.pending.get(name) {
            Named::Set(variable) => Ok(variable.clone()),
            Named::Removed => Err(self.not_found(name)),
            Named::Committed(committed) => match self.archive.binding(committed) {
                Some(binding) => self.load(&mut self.loading(), &binding),
                None => Err(self.not_found(name)),
            },
        }
    }

    /// The value at a path: `name`, `results.lr.score`, `models[2]`, `data[1000:2000, :, 3]`.
    ///
    /// # Errors
    /// As [`Archive::at`].
    pub fn at(&self, path: &str) -> Result<Value> {
        if self.pending.is_empty() && !self.has_live_cells() {
            return self.archive.at(path);
        }
        let (name, steps) = self.resolve(path)?;
        let value = self.get(&name)?;
        value.follow(&steps, path).map_err(|e| e.of_variable(&name))
    }

    /// Sets the value of a variable; what is said of an existing one stays. It is written with the
    /// next commit.
    ///
    /// # Errors
    /// [`EnvError::Constant`], [`EnvError::NameTooLong`]; what reading the old one's attributes
    /// answers.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<()> {
        let mut variable = self.said(name)?;
        variable.value = value.into();
        self.define(name, variable)
    }

    /// Sets a variable with all that is said of it.
    ///
    /// # Errors
    /// [`EnvError::Constant`], [`EnvError::NameTooLong`].
    pub fn define(&mut self, name: &str, variable: Variable) -> Result<()> {
        check_name(name)?;
        self.refuse_constant(name)?;
        self.push(Change::Set(name.into(), Box::new(variable)));
        Ok(())
    }

    /// Replaces what stands at a path inside a variable: a field of a record (a new one is added), an
    /// element of a vector. A path that is only a name is as [`Session::set`].
    ///
    /// # Errors
    /// As [`Session::at`], but for the last step of the path; [`EnvError::Constant`].
    pub fn set_at(&mut self, path: &str, value: impl Into<Value>) -> Result<()> {
        if self.contains(path) {
            return self.set(path, value);
        }
        match self.resolve(path) {
            Ok((name, steps)) if !steps.is_empty() => {
                let mut variable = self.variable(&name)?;
                let replaced = variable.value.replace_at(&steps, value.into(), path);
                replaced.map_err(|e| e.of_variable(&name))?;
                self.define(&name, variable)
            }
            // No variable of which it could be a part: a new one of that name.
            Ok((name, _)) => self.set(&name, value),
            Err(EnvError::NotFound { name, .. }) if path.starts_with('\'') => {
                self.set(&name, value)
            }
            Err(EnvError::NotFound { .. }) => self.set(path, value),
            Err(error) => Err(error),
        }
    }

    /// Replaces the attributes of a variable.
    ///
    /// # Errors
    /// As [`Session::get`].
    pub fn set_attributes(&mut self, name: &str, attributes: Record) -> Result<()> {
        let mut variable = self.variable(name)?;
        variable.attributes = attributes;
        self.push(Change::Set(name.into(), Box::new(variable)));
        Ok(())
    }

    /// Removes a variable. Whether there was one.
    ///
    /// # Errors
    /// [`EnvError::Constant`].
    pub fn remove(&mut self, name: &str) -> Result<bool> {
        if !self.contains(name) {
            return Ok(false);
        }
        self.refuse_constant(name)?;
        self.push(Change::Remove(name.into()));
        Ok(true)
    }

    /// Gives a variable another name, without writing its value again. It keeps its place in the
    /// order.
    ///
    /// # Errors
    /// [`EnvError::NotFound`]; [`EnvError::DuplicateName`] when there is one of the new name;
    /// [`EnvError::Constant`], [`EnvError::NameTooLong`].
    pub fn rename(&mut self, old: &str, new: &str) -> Result<()> {
        check_name(new)?;
        if !self.contains(old) {
            return Err(self.not_found(old));
        }
        if old == new {
            return Ok(());
        }
        if self.contains(new) {
            return Err(EnvError::DuplicateName { name: new.into() });
        }
        self.refuse_constant(old)?;
        self.push(Change::Rename(old.into(), new.into()));
        Ok(())
    }

    /// Removes all variables, constants too.
    pub fn clear(&mut self) {
        if !self.is_empty() {
            self.push(Change::Clear);
        }
    }

    /// All variables as an environment.
    ///
    /// # Errors
    /// What reading answers.
    pub fn environment(&self) -> Result<Environment> {
        let mut environment = Environment::new();
        let mut load = self.loading();
        for name in self.names() {
            let variable = match self.pending.get(&name) {
                Named::Set(variable) => variable.clone(),
                Named::Removed => continue,
                Named::Committed(committed) => match self.archive.binding(committed) {
                    Some(binding) => self.load(&mut load, &binding)?,
                    None => continue,
                },
            };
            environment.define(&name, variable)?;
        }
        Ok(environment)
    }

    /// Gives up what was changed since the last commit. Cells hold again what they held then.
    ///
    /// # Errors
    /// What reading the cells answers.
    pub fn rollback(&mut self) -> Result<()> {
        self.take_recorded();
        self.pending.clear();
        for (_, known) in self.handles.all() {
            known.handle.set_content(known.recorded);
        }
        Ok(())
    }

    /// Ends the session: commits what is pending, and writes an archive that is small enough anew
    /// ([`SessionOptions::fold_below`]), so that no journal is left.
    ///
    /// # Errors
    /// As [`Session::commit`] and [`Session::checkpoint`]; what is committed stays so. While a
    /// [`Checkpoint`](crate::Checkpoint) that was begun lives and its archive is not in place, no
    /// other writer is let in.
    pub fn close(mut self) -> Result<Closed> {
        self.commit()?;
        self.refresh_chain()?;
        let chain_len = self.journal_len() + self.retired_len();
        let total = self.archive.file_len().saturating_add(chain_len);
        let has_commits = self.sequence() > self.archive.folded_sequence();
        if has_commits && total <= self.options.fold_below {
            self.checkpoint()?;
        }
        let folded = self.archive.folded_sequence();
        if self.sequence() == folded && !self.options.keep_history {
            self.writer.close_and_remove(folded)?;
            return Ok(Closed {
                journal: None,
                journal_len: 0,
            });
        }
        let closed = Closed {
            journal: (self.sequence() > folded).then(|| self.companions.journal()),
            journal_len: self.journal_len() + self.retired_len(),
        };
        self.writer.close()?;
        Ok(closed)
    }

    /// Bytes of retired segments that are not folded.
    fn retired_len(&self) -> u64 {
        let retired = self.chain.segments().iter();
        let retired = retired.filter(|segment| {
            segment.begin().base_sequence < self.writer.segment().begin().base_sequence
        });
        let lengths = retired.map(|segment| segment.len().unwrap_or(0));
        lengths.sum()
    }

    // What the other files of this room use.

    pub(super) fn origin(&self) -> Origin {
        self.path.as_path().into()
    }

    pub(super) fn push(&mut self, change: Change) {
        self.take_recorded();
        self.pending.push(change);
    }

    /// Takes what the attached environment noted.
    pub(super) fn take_recorded(&mut self) {
        if let Some(recorder) = &self.recorder {
            let changes = recorder.take();
            changes
                .into_iter()
                .for_each(|change| self.pending.push(change));
        }
    }

    /// Loads what belongs together, with the cells of the session.
    pub(super) fn loading(&self) -> SessionLoad<'_> {
        self.handles.sweep();
        match self.archive.overlay() {
            Some(overlay) => SessionLoad::new(overlay, &self.handles),
            // The archive of a session is made with one: see `Session::begin`.
            None => unreachable!("a session has an overlay"),
        }
    }

    pub(super) fn load<'s>(
        &'s self,
        load: &mut SessionLoad<'s>,
        binding: &Binding<'s>,
    ) -> Result<Variable> {
        let (value, attributes) = load.binding(binding)?;
        Ok(Variable {
            value,
            attributes,
            mutable: binding.is_mutable(),
            constant: binding.is_constant(),
        })
    }

    /// What is said of a variable, without its value; of a new one nothing.
    fn said(&self, name: &str) -> Result<Variable> {
        let committed = match self.pending.get(name) {
            Named::Set(variable) => {
                return Ok(Variable {
                    value: Value::Null,
                    ..variable.clone()
                });
            }
            Named::Removed => return Ok(Variable::default()),
            Named::Committed(committed) => committed,
        };
        match self.archive.binding(committed) {
            Some(binding) => Ok(Variable {
                value: Value::Null,
                attributes: binding.attributes()?,
                mutable: binding.is_mutable(),
                constant: binding.is_constant(),
            }),
            None => Ok(Variable::default()),
        }
    }

    fn refuse_constant(&self, name: &str) -> Result<()> {
        let constant = match self.pending.get(name) {
            Named::Set(variable) => variable.constant,
            Named::Removed => false,
            Named::Committed(name) => {
                let binding = self.archive.binding(name);
                binding.is_some_and(|binding| binding.is_constant())
            }
        };
        match constant {
            true => Err(EnvError::Constant { name: name.into() }),
            false => Ok(()),
        }
    }

    pub(super) fn not_found(&self, name: &str) -> EnvError {
        let names = self.names();
        EnvError::NotFound {
            path: self.origin(),
            name: name.to_owned(),
            nearest: crate::name::nearest(name, names.iter().map(|name| &**name)),
        }
    }

    fn resolve(&self, path: &str) -> Result<(String, Vec<crate::path::Step>)> {
        if self.contains(path) {
            return Ok((path.to_owned(), Vec::new()));
        }
        let split = crate::path::Path::split(path, |name| self.contains(name))?;
        match self.contains(&split.name) {
            true => Ok((split.name, split.steps)),
            false => Err(self.not_found(&split.name)),
        }
    }

    fn has_live_cells(&self) -> bool {
        !self.handles.is_empty()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Session({}, {} variables, sequence {})",
            self.path.display(),
            self.len(),
            self.sequence()
        )
    }
}
