//! Saving in the background what an attached environment records: the thread that does it.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::autosave::{AutosaveOptions, Shared, gone};
use super::checkpoint::Checkpointed;
use super::session::Session;
use crate::environment::{Due, Recorder};
use crate::error::{EnvError, Result};

/// How long to wait after a failed commit before the next one is tried.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// How long to wait after a failed checkpoint, which may have written as much as the archive has;
/// twice as long after each that follows, up to the longest.
const AFTER_CHECKPOINT: Duration = Duration::from_secs(60);
const AFTER_CHECKPOINTS: Duration = Duration::from_secs(3600);
/// How often a running checkpoint is asked whether it is done.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The thread that commits.
pub(super) struct Background {
    session: Session,
    recorder: Arc<Recorder>,
    shared: Arc<Shared>,
    options: AutosaveOptions,
    dead_share: Option<f64>,
    checkpoint: Option<JoinHandle<Result<Checkpointed>>>,
    /// How long to wait after the next checkpoint that fails, and until when after the last one.
    patience: Duration,
    not_before: Option<Instant>,
}

impl Background {
    pub(super) fn new(
        mut session: Session,
        recorder: Arc<Recorder>,
        shared: Arc<Shared>,
        options: AutosaveOptions,
    ) -> Background {
        Background {
            dead_share: session.options.dead_share.take(),
            session,
            recorder,
            shared,
            options,
            checkpoint: None,
            patience: AFTER_CHECKPOINT,
            not_before: None,
        }
    }

    pub(super) fn run(mut self) -> Session {
        let due = Due {
            changes: self.options.changes.max(1),
            bytes: self.options.bytes,
            age: self.options.every,
        };
        let mut after_failure = None;
        loop {
            match after_failure {
                // After a failure what is due stays due.
                Some(at) => self.shared.wait_until(at),
                None => self.recorder.wait(due, self.deadline()),
            }
            let mut state = self.shared.lock();
            while !state.pauses.is_empty() && !state.stop {
                state = self.shared.wait(state);
            }
            let (asked, stop) = (state.asked, state.stop);
            state.committing = true;
            drop(state);

            let committed = self.commit();
            after_failure = committed.is_err().then(|| Instant::now() + AFTER_FAILURE);
            self.tell(committed, asked);
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

    /// When there is something to do although nothing is recorded.
    fn deadline(&self) -> Option<Instant> {
        let look = self.checkpoint.as_ref();
        let look = look.map(|_| Instant::now() + LOOK_EVERY);
        let times = [self.session.sync_due(), look, self.not_before];
        times.into_iter().flatten().min()
    }

    /// Answers those who asked: all of them when it went well. An error is the answer to one, and a
    /// commit is tried for each of the others.
    fn tell(&self, committed: Result<bool>, asked: u64) {
        let mut state = self.shared.lock();
        state.committing = false;
        state.status.sequence = self.session.sequence();
        match committed {
            Ok(is_new) => {
                if is_new {
                    state.status.saved_at = Some(SystemTime::now());
                }
                state.status.error = None;
                state.done = state.done.max(asked);
            }
            Err(error) => {
                state.status.error = Some(error.to_string());
                if state.done < asked {
                    state.done += 1;
                    let ask = state.done;
                    state.failures.insert(ask, error);
                }
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Commits what waits; whether there was anything.
    fn commit(&mut self) -> Result<bool> {
        let running = self.checkpoint.take_if(|running| running.is_finished());
        if let Some(running) = running {
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
        self.checkpoint_if_dead()?;
        Ok(sequence > before)
    }

    /// Begins a checkpoint when too many bytes are dead, and none failed a short time ago.
    ///
    /// # Errors
    /// As a commit, of what was recorded meanwhile. That the checkpoint fails is none of them.
    fn checkpoint_if_dead(&mut self) -> Result<()> {
        if self.not_before.is_some_and(|at| at > Instant::now()) {
            return Ok(());
        }
        self.not_before = None;
        if self.checkpoint.is_some() || !self.session.is_dead(self.dead_share) {
            return Ok(());
        }
        let checkpoint = match self.session.begin_checkpoint() {
            Ok(None) => return Ok(()),
            Ok(Some(checkpoint)) => checkpoint,
            Err(error) if !self.session.pending.is_empty() => return Err(error),
            Err(error) => {
                self.checkpoint_failed(&error);
                return Ok(());
            }
        };
        let thread = std::thread::Builder::new().name("ach-checkpoint".to_owned());
        match thread.spawn(move || checkpoint.run()) {
            Ok(running) => self.checkpoint = Some(running),
            Err(error) => {
                self.session.abandon_checkpoint();
                let origin = self.session.origin();
                self.checkpoint_failed(&EnvError::io("start a thread for", origin, error));
            }
        }
        Ok(())
    }

    /// Goes on over the archive of a checkpoint, or without it: its journal stays, and a later one
    /// folds it too.
    fn take_up(&mut self, running: JoinHandle<Result<Checkpointed>>) {
        let done = running.join().unwrap_or_else(|_| Err(gone()));
        match done.and_then(|done| self.session.finish_checkpoint(done)) {
            Ok(_) => {
                self.patience = AFTER_CHECKPOINT;
                self.shared.lock().status.checkpoint_error = None;
            }
            Err(error) => {
                self.session.abandon_checkpoint();
                self.checkpoint_failed(&error);
            }
        }
    }

    /// Tells of it, and waits longer each time before the next one.
    fn checkpoint_failed(&mut self, error: &EnvError) {
        self.shared.lock().status.checkpoint_error = Some(error.to_string());
        self.not_before = Some(Instant::now() + self.patience);
        self.patience = self.patience.saturating_mul(2).min(AFTER_CHECKPOINTS);
    }
}

impl Shared {
    /// Waits until `at`, or until somebody asks for a commit or the end.
    fn wait_until(&self, at: Instant) {
        let mut state = self.lock();
        while state.done >= state.asked && !state.stop && at > Instant::now() {
            state = self.wait_a_little(state, Some(at));
        }
    }
}
