//! How a session is opened.

use std::path::Path;

use super::reader::SessionReader;
use super::session::Session;
use crate::error::Result;
use crate::journal::Durability;
use crate::limits::Limits;
use crate::read::map::Mapping;
use crate::read::replay::open::Road;
use crate::read::{Check, OpenOptions};

/// Archives up to this many bytes are written anew when a session is closed, unless told otherwise.
const FOLD_BELOW: u64 = 64 << 20;
/// Share of bytes that nobody names any more at which a checkpoint is made by itself.
const DEAD_SHARE: f64 = 0.5;

/// How a session is opened.
///
/// ```
/// use achronyme_env::{Durability, SessionOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let mut session = SessionOptions::new()
///     .create(true)
///     .durability(Durability::Os)
///     .open(&path)?;
/// session.set("x", 1.5)?;
/// session.commit()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionOptions {
    pub(super) create: bool,
    pub(super) durability: Durability,
    pub(super) keep_history: bool,
    pub(super) fold_below: u64,
    pub(super) dead_share: Option<f64>,
    check: Check,
    limits: Limits,
    lazy_table: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        SessionOptions {
            create: false,
            durability: Durability::Commit,
            keep_history: false,
            fold_below: FOLD_BELOW,
            dead_share: Some(DEAD_SHARE),
            check: Check::Auto,
            limits: Limits::default(),
            lazy_table: false,
        }
    }
}

impl SessionOptions {
    /// The defaults: the archive must exist, every commit is durable, history reaches to the last
    /// checkpoint, a checkpoint is made when half of the bytes are dead.
    pub fn new() -> SessionOptions {
        SessionOptions::default()
    }

    /// Whether an archive without variables is made where there is none; otherwise that is an error
    /// (the default).
    pub fn create(mut self, create: bool) -> Self {
        self.create = create;
        self
    }

    /// When a commit is on the disk: when `commit` returns by default.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// Whether the journal and the archive it began with are kept when a checkpoint folds them, so
    /// that history reaches back to the first checkpoint that kept it. By default they are removed.
    /// A session whose history was kept goes on keeping it, until its `-base` file is removed.
    pub fn keep_history(mut self, keep: bool) -> Self {
        self.keep_history = keep;
        self
    }

    /// Archives of at most `bytes`, their journal counted, are written anew when the session is
    /// closed, so that no journal is left; 64 MiB by default. Larger ones keep their journal until
    /// a checkpoint.
    pub fn fold_below(mut self, bytes: u64) -> Self {
        self.fold_below = bytes;
        self
    }

    /// Makes a checkpoint after a commit when more than `share` of the bytes of archive and journal
    /// belong to values that were replaced or removed, and they are more than 64 MiB; 0.5 by default,
    /// `None` for never.
    pub fn checkpoint_at(mut self, share: impl Into<Option<f64>>) -> Self {
        self.dead_share = share.into();
        self
    }

    /// When data that is read is checked.
    pub fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Caps on memory.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether a reader checks the table of contents of the archive as it uses it, as long as the
    /// journal says nothing over it: see [`OpenOptions::lazy_table`]. What the journal says it says
    /// over the whole, which is then checked. A session that is opened for writing checks all of it.
    pub fn lazy_table(mut self, lazy: bool) -> Self {
        self.lazy_table = lazy;
        self
    }

    fn open_options(&self) -> OpenOptions {
        let options = OpenOptions::new().check(self.check).limits(self.limits);
        options.lazy_table(self.lazy_table)
    }

    fn road(&self) -> Road {
        Road::new(self.open_options())
    }

    /// Opens a session for writing: there is one writer at a time. Array data is read when it is
    /// looked at.
    ///
    /// # Errors
    /// [`crate::EnvError::SessionLocked`] names the process that has it;
    /// [`crate::EnvError::ForeignJournal`] and [`crate::EnvError::JournalGap`] when the journal does
    /// not belong to the archive; as [`crate::Archive::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Session> {
        Session::begin(path.as_ref(), self, self.road())
    }

    /// Opens a session for reading, beside its writer or without one.
    ///
    /// # Errors
    /// As [`SessionOptions::open`], but for the lock: a reader needs none.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<SessionReader> {
        SessionReader::begin(path.as_ref(), self.road())
    }

    /// As [`SessionOptions::open`]; array data is borrowed from maps of archive and journal.
    ///
    /// # Safety
    /// As [`crate::Archive::open_mmap`], for the archive and the committed part of its journal.
    ///
    /// # Errors
    /// As [`SessionOptions::open`].
    #[allow(unsafe_code)]
    pub unsafe fn open_mmap(&self, path: impl AsRef<Path>) -> Result<Session> {
        // SAFETY: the caller promises it.
        let promise = unsafe { Mapping::promised() };
        Session::begin(
            path.as_ref(),
            self,
            Road::mapped(self.open_options(), promise),
        )
    }

    /// As [`SessionOptions::read`]; array data is borrowed from maps of archive and journal.
    ///
    /// # Safety
    /// As [`SessionOptions::open_mmap`].
    ///
    /// # Errors
    /// As [`SessionOptions::read`].
    #[allow(unsafe_code)]
    pub unsafe fn read_mmap(&self, path: impl AsRef<Path>) -> Result<SessionReader> {
        // SAFETY: the caller promises it.
        let promise = unsafe { Mapping::promised() };
        SessionReader::begin(path.as_ref(), Road::mapped(self.open_options(), promise))
    }
}
