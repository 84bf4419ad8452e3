//! Saving in the background what an attached environment records.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::checkpoint::Checkpointed;
use super::session::Session;
use crate::environment::{Due, Recorder};
use crate::error::{EnvError, Result};

/// How long to wait after a failed commit before the next one is tried.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How often a running checkpoint is asked whether it is done.
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
    thread: Option<JoinHandle<Session>>,
}

/// What host and background both look at.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    status: AutosaveStatus,
    /// Commits that were asked for, and that were done since.
    asked: u64,
    done: u64,
    /// What the last commit that was asked for answered.
    failure: Option<EnvError>,
    pauses: usize,
    /// Whether a commit is being written.
    committing: bool,
    stop: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&'s self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        let waited = self.changed.wait(state);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Commits in the background from now on what the attached environment records
    /// ([`Session::attach`]), and makes checkpoints there.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when no environment is attached; [`EnvError::Io`] when no thread
    /// can be had.
    pub fn autosave(mut self, options: AutosaveOptions) -> Result<Autosave> {
        let recorder = self
            .recorder
            .clone()
            .ok_or_else(|| EnvError::InvalidValue {
                what: "autosave".to_owned(),
                reason: "no environment is attached to the session".to_owned(),
            })?;
        let shared = Arc::new(Shared::default());
        let origin = self.origin();
        let dead_share = self.options.dead_share.take();
        let background = Background {
            session: self,
            recorder: Arc::clone(&recorder),
            shared: Arc::clone(&shared),
            options,
            dead_share,
            checkpoint: None,
        };
        let thread = std::thread::Builder::new()
            .name("ach-autosave".to_owned())
            .spawn(move || background.run())
            .map_err(|e| EnvError::io("start a thread for", origin, e))?;
        Ok(Autosave {
            recorder,
            shared,
            thread: Some(thread),
        })
    }
}

impl Autosave {
    /// Commits what was recorded so far and waits for it.
    ///
    /// # Errors
    /// As [`Session::commit`].
    pub fn flush(&self) -> Result<()> {
        let mut state = self.shared.lock();
        state.asked += 1;
        let asked = state.asked;
        self.recorder.ask();
        while state.done < asked {
            if self.is_finished() {
                return Err(gone());
            }
            let waited = self.shared.changed.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        match state.failure.take() {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Keeps the background from committing until the pause is dropped: what is recorded meanwhile
    /// belongs together. Waits for a commit that is being written.
    pub fn pause(&self) -> AutosavePause {
        let mut state = self.shared.lock();
        state.pauses += 1;
        while state.committing {
            state = self.shared.wait(state);
        }
        drop(state);
        AutosavePause {
            shared: Arc::clone(&self.shared),
            recorder: Arc::clone(&self.recorder),
        }
    }

    /// What was done so far.
    pub fn status(&self) -> AutosaveStatus {
        let mut status = self.shared.lock().status.clone();
        status.waiting = self.recorder.waiting().0;
        status
    }

    /// Commits what waits, ends the background, and hands the session back. The environment stays
    /// attached.
    ///
    /// # Errors
    /// As [`Session::commit`]: the session is then closed, and what it committed before stands.
    pub fn stop(mut self) -> Result<Session> {
        let flushed = self.flush();
        let session = self.end()?;
        flushed.map(|()| session)
    }

    fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn end(&mut self) -> Result<Session> {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        self.recorder.ask();
        let thread = self.thread.take().ok_or_else(gone)?;
        thread.join().map_err(|_| gone())
    }
}

/// The background commits what waits before it goes.
impl Drop for Autosave {
    fn drop(&mut self) {
        if self.thread.is_some() {
            let _ = self.flush();
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
}

impl Drop for AutosavePause {
    fn drop(&mut self) {
        self.shared.lock().pauses -= 1;
        self.shared.changed.notify_all();
        self.recorder.ask();
    }
}

impl fmt::Debug for AutosavePause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AutosavePause")
    }
}

fn gone() -> EnvError {
    EnvError::InvalidValue {
        what: "autosave".to_owned(),
        reason: "its thread has ended".to_owned(),
    }
}

/// The thread that commits.
struct Background {
    session: Session,
    recorder: Arc<Recorder>,
    shared: Arc<Shared>,
    options: AutosaveOptions,
    dead_share: Option<f64>,
    checkpoint: Option<JoinHandle<Result<Checkpointed>>>,
}

impl Background {
    fn run(mut self) -> Session {
        let due = Due {
            changes: self.options.changes.max(1),
            bytes: self.options.bytes,
            age: self.options.every,
        };
        let mut not_before = None;
        loop {
            let sync = self.session.sync_due();
            let look = self
                .checkpoint
                .is_some()
                .then(|| Instant::now() + LOOK_EVERY);
            let deadline = [sync, look, not_before].into_iter().flatten().min();
            match not_before {
                // After a failure what is due stays due.
                Some(at) => self.shared.wait_until(at),
                None => self.recorder.wait(due, deadline),
            }
            let mut state = self.shared.lock();
            while state.pauses > 0 && !state.stop {
                state = self.shared.wait(state);
            }
            let (asked, stop) = (state.asked, state.stop);
            state.committing = true;
            drop(state);

            let committed = self.commit();
            not_before = committed.is_err().then(|| Instant::now() + AFTER_FAILURE);
            let mut state = self.shared.lock();
            state.committing = false;
            state.status.sequence = self.session.sequence();
            match committed {
                Ok(is_new) => {
                    if is_new {
                        state.status.saved_at = Some(SystemTime::now());
                    }
                    state.status.error = None;
                    state.failure = None;
                }
                Err(error) => {
                    state.status.error = Some(error.to_string());
                    state.failure = Some(error);
                }
            }
            state.done = state.done.max(asked);
            drop(state);
            self.shared.changed.notify_all();
            if stop {
                break;
            }
        }
        if let Some(running) = self.checkpoint.take() {
            self.take_up(running);
        }
        self.session.options.dead_share = self.dead_share;
        self.session
    }

    /// Commits what waits; whether there was anything.
    fn commit(&mut self) -> Result<bool> {
        if self
            .checkpoint
            .as_ref()
            .is_some_and(JoinHandle::is_finished)
            && let Some(running) = self.checkpoint.take()
        {
            self.take_up(running);
        }
        let before = self.session.sequence();
        let sequence = self.session.commit()?;
        if self
            .session
            .sync_due()
            .is_some_and(|at| at <= Instant::now())
        {
            self.session.sync()?;
        }
        if self.checkpoint.is_none()
            && self.session.is_dead(self.dead_share)
            && let Some(checkpoint) = self.session.begin_checkpoint()?
        {
            self.checkpoint = Some(std::thread::spawn(move || checkpoint.run()));
        }
        Ok(sequence > before)
    }

    /// Goes on over the archive of a checkpoint, or without it: its journal stays, and a later one
    /// folds it too.
    fn take_up(&mut self, running: JoinHandle<Result<Checkpointed>>) {
        let done = running.join().unwrap_or_else(|_| Err(gone()));
        let finished = done.and_then(|done| self.session.finish_checkpoint(done).map(drop));
        if let Err(error) = finished {
            self.session.abandon_checkpoint();
            self.shared.lock().status.error = Some(error.to_string());
        }
    }
}

impl Shared {
    /// Waits until `at`, or until somebody asks for a commit or the end.
    fn wait_until(&self, at: Instant) {
        let mut state = self.lock();
        while state.done >= state.asked && !state.stop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left.min(LOOK_EVERY));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
