//! Saving in the background what an attached environment records: the side of the host.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant, SystemTime};

use super::background::Background;
use super::session::Session;
use crate::environment::Recorder;
use crate::error::{EnvError, Origin, Result};

/// How often who waits looks whether the thread is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// When the background commits: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AutosaveOptions {
    /// The oldest change waits at most so long; 30 seconds by default.
    pub every: Duration,
    /// So many changes wait at most; 1,000 by default.
    pub changes: usize,
    /// Changes that wait hold at most about so many bytes; 256 MiB by default.
    pub bytes: u64,
}

impl Default for AutosaveOptions {
    fn default() -> Self {
        AutosaveOptions {
            every: Duration::from_secs(30),
            changes: 1_000,
            bytes: 256 << 20,
        }
    }
}

/// What the background has done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AutosaveStatus {
    /// Sequence of the last commit.
    pub sequence: u64,
    /// When it was made; `None` before the first.
    pub saved_at: Option<SystemTime>,
    /// Why the last commit failed, if it did; what it held waits for the next one.
    pub error: Option<String>,
    /// Why the last checkpoint failed, if it did. Commits go on, and it is tried again after a
    /// minute, then after longer and longer times.
    pub checkpoint_error: Option<String>,
    /// Changes that wait.
    pub waiting: usize,
}

/// A session that commits in the background what its attached environment records.
///
/// The host never waits for the disk: setting a variable takes a lock for the time it takes to note
/// the change, which is microseconds, also while a commit or a checkpoint is written. Only
/// [`Autosave::flush`], [`Autosave::pause`] (for the commit that is being written) and
/// [`Autosave::stop`] wait.
///
/// ```
/// use achronyme_env::{AutosaveOptions, Environment, SessionOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// let mut environment = Environment::new();
/// let mut session = SessionOptions::new().create(true).open(&path)?;
/// session.attach(&mut environment)?;
/// let autosave = session.autosave(AutosaveOptions::default())?;
/// environment.set("loss", 0.25)?;
/// autosave.flush()?;
/// assert_eq!(autosave.status().waiting, 0);
/// let session = autosave.stop()?;
/// assert_eq!(session.get("loss")?.as_f64(), Some(0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Autosave {
    recorder: Arc<Recorder>,
    shared: Arc<Shared>,
    /// The process that has the thread: in one that was forked from it there is none.
    owner: u32,
    origin: Origin,
    thread: Option<JoinHandle<Session>>,
}

/// What host and background both look at.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    pub(super) changed: Condvar,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) status: AutosaveStatus,
    /// How many commits were asked for, and how many of those were answered, in their order.
    pub(super) asked: u64,
    pub(super) done: u64,
    /// What was asked for and failed, by its number, until it is told.
    pub(super) failures: HashMap<u64, EnvError>,
    /// The threads that began the pauses there are.
    pub(super) pauses: Vec<ThreadId>,
    /// Whether a commit is being written.
    pub(super) committing: bool,
    pub(super) stop: bool,
}

impl State {
    /// Asks for a commit; its number.
    fn ask(&mut self) -> u64 {
        self.asked += 1;
        self.asked
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait<'s>(&'s self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at most until `at`, and no longer than it takes to look around.
    pub(super) fn wait_a_little<'s>(
        &'s self,
        state: MutexGuard<'s, State>,
        at: Option<Instant>,
    ) -> MutexGuard<'s, State> {
        let left = at.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.map_or(LOOK_EVERY, |left| left.min(LOOK_EVERY));
        let waited = self.changed.wait_timeout(state, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Session {
    /// Commits in the background from now on what the attached environment records
    /// ([`Session::attach`]), and makes checkpoints there.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when no environment is attached; [`EnvError::Io`] when no thread
    /// can be had.
    pub fn autosave(self, options: AutosaveOptions) -> Result<Autosave> {
        let recorder = self
            .recorder
            .clone()
            .ok_or_else(|| EnvError::InvalidValue {
                what: "autosave".to_owned(),
                reason: "no environment is attached to the session".to_owned(),
            })?;
        let shared = Arc::new(Shared::default());
        let origin = self.origin();
        let background = Background::new(self, Arc::clone(&recorder), Arc::clone(&shared), options);
        let thread = std::thread::Builder::new()
            .name("ach-autosave".to_owned())
            .spawn(move || background.run())
            .map_err(|e| EnvError::io("start a thread for", origin.clone(), e))?;
        Ok(Autosave {
            recorder,
            shared,
            owner: std::process::id(),
            origin,
            thread: Some(thread),
        })
    }
}

impl Autosave {
    /// Commits what was recorded before the call and waits for it; for the end of a pause that
    /// another thread holds, too.
    ///
    /// # Errors
    /// As [`Session::commit`], of a commit that was made for this call; what it held waits then.
    /// [`EnvError::InvalidValue`] under a pause that this thread began, which it would wait for
    /// without end. [`EnvError::ForkedChild`].
    pub fn flush(&self) -> Result<()> {
        self.check_process()?;
        let mut state = self.shared.lock();
        if state.pauses.contains(&std::thread::current().id()) {
            return Err(EnvError::InvalidValue {
                what: "autosave".to_owned(),
                reason: "this thread holds a pause, which a flush waits for; drop it first"
                    .to_owned(),
            });
        }
        let ask = state.ask();
        self.recorder.ask();
        self.shared.changed.notify_all();
        while state.done < ask {
            if self.is_finished() {
                return Err(gone());
            }
            state = self.shared.wait_a_little(state, None);
        }
        state.failures.remove(&ask).map_or(Ok(()), Err)
    }

    /// Keeps the background from committing until the pause is dropped: what is recorded meanwhile
    /// belongs together. Waits for a commit that is being written. The end of the [`Autosave`] ends
    /// all pauses.
    pub fn pause(&self) -> AutosavePause {
        let by = std::thread::current().id();
        if self.check_process().is_ok() {
            let mut state = self.shared.lock();
            state.pauses.push(by);
            while state.committing && !self.is_finished() {
                state = self.shared.wait_a_little(state, None);
            }
        }
        AutosavePause {
            shared: Arc::clone(&self.shared),
            recorder: Arc::clone(&self.recorder),
            owner: self.owner,
            by,
        }
    }

    /// What was done so far.
    pub fn status(&self) -> AutosaveStatus {
        if let Err(forked) = self.check_process() {
            return AutosaveStatus {
                error: Some(forked.to_string()),
                ..AutosaveStatus::default()
            };
        }
        let mut status = self.shared.lock().status.clone();
        status.waiting = self.recorder.waiting().0;
        status
    }

    /// Commits what waits, also under a pause, ends the background, and hands the session back. The
    /// environment stays attached.
    ///
    /// # Errors
    /// As [`Session::commit`]: the session is then closed, and what it committed before stands.
    /// [`EnvError::ForkedChild`].
    pub fn stop(mut self) -> Result<Session> {
        self.end()
    }

    fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Refuses a process that was forked from the one with the thread. Locks are not looked at
    /// there: nobody may be left to open them.
    fn check_process(&self) -> Result<()> {
        match std::process::id() {
            process if process == self.owner => Ok(()),
            process => Err(EnvError::ForkedChild {
                path: self.origin.clone(),
                owner: self.owner,
                process,
            }),
        }
    }

    fn end(&mut self) -> Result<Session> {
        self.check_process()?;
        let thread = self.thread.take().ok_or_else(gone)?;
        let mut state = self.shared.lock();
        state.stop = true;
        let ask = state.ask();
        drop(state);
        self.shared.changed.notify_all();
        self.recorder.ask();
        let session = thread.join().map_err(|_| gone())?;
        match self.shared.lock().failures.remove(&ask) {
            None => Ok(session),
            Some(error) => Err(error),
        }
    }
}

/// The background commits what waits before it goes.
impl Drop for Autosave {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.end();
        }
    }
}

impl fmt::Debug for Autosave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Autosave").field(&self.status()).finish()
    }
}

/// While it lives, an [`Autosave`] commits nothing.
pub struct AutosavePause {
    shared: Arc<Shared>,
    recorder: Arc<Recorder>,
    owner: u32,
    by: ThreadId,
}

impl Drop for AutosavePause {
    fn drop(&mut self) {
        if std::process::id() != self.owner {
            return;
        }
        let mut state = self.shared.lock();
        if let Some(place) = state.pauses.iter().position(|by| *by == self.by) {
            state.pauses.swap_remove(place);
        }
        drop(state);
        self.shared.changed.notify_all();
        self.recorder.ask();
    }
}

impl fmt::Debug for AutosavePause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AutosavePause")
    }
}

pub(super) fn gone() -> EnvError {
    EnvError::InvalidValue {
        what: "autosave".to_owned(),
        reason: "its thread has ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Environment, SessionOptions};

    /// As a forked child sees it: another process, and no thread that would answer.
    #[test]
    fn a_forked_child_is_refused_and_waits_for_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.ach");
        let mut environment = Environment::new();
        let mut session = SessionOptions::new().create(true).open(&path).unwrap();
        session.attach(&mut environment).unwrap();
        let mut autosave = session.autosave(AutosaveOptions::default()).unwrap();
        environment.set("x", 1).unwrap();
        let thread = autosave.thread.take().unwrap();
        autosave.thread = Some(std::thread::spawn(|| {
            loop {
                std::thread::park();
            }
        }));
        let owner = autosave.owner;
        autosave.owner = owner.wrapping_add(1);

        // Held as by the thread that was not forked.
        let shared = Arc::clone(&autosave.shared);
        let held = shared.lock();
        let forked = |error: EnvError| assert!(matches!(error, EnvError::ForkedChild { .. }));
        forked(autosave.flush().unwrap_err());
        drop(autosave.pause());
        assert!(autosave.status().error.is_some());
        forked(autosave.end().unwrap_err());
        drop(held);

        let child = autosave.thread.replace(thread);
        autosave.owner = owner;
        let session = autosave.stop().unwrap();
        assert_eq!(session.get("x").unwrap().as_i64(), Some(1));
        drop(child);
    }
}
