//! Long work that Ctrl-C stops, and that tells how far it has come.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use achronyme_env::read_cancellable;
use pyo3::prelude::*;

use crate::error::raise;

/// Between two looks for Ctrl-C.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Reading fewer bytes takes less time than anyone waits for.
const LONG_FROM_BYTES: u64 = 16 << 20;

/// Reads about `bytes` without the interpreter's lock. Much is read on a thread of its own, while
/// this one looks for Ctrl-C.
pub(crate) fn read<T: Send>(
    py: Python<'_>,
    bytes: u64,
    work: impl FnOnce() -> achronyme_env::Result<T> + Send,
) -> PyResult<T> {
    if bytes < LONG_FROM_BYTES {
        return py.detach(work).map_err(|e| raise(py, e));
    }
    let flag = Arc::new(AtomicBool::new(false));
    let reading = Arc::clone(&flag);
    let result = watched(py, &flag, None, move || read_cancellable(&reading, work))?;
    result.map_err(|e| raise(py, e))
}

/// How far work has come: bytes done, and of how many.
#[derive(Default)]
pub(crate) struct Counts {
    done: AtomicU64,
    total: AtomicU64,
    /// Whether somebody is told, and up to where he was.
    listened: AtomicBool,
    told: AtomicU64,
}

impl Counts {
    /// Called by the work.
    pub(crate) fn tell(&self, done: u64, total: u64) {
        self.done.fetch_max(done, Relaxed);
        self.total.store(total, Relaxed);
    }

    /// As [`Counts::tell`]; the last count only returns when it was told, or `flag` is raised: so
    /// whoever is told can give up what follows, which is to put a file in its place.
    pub(crate) fn tell_before_the_end(&self, done: u64, total: u64, flag: &AtomicBool) {
        self.tell(done, total);
        while done >= total
            && self.listened.load(Relaxed)
            && self.told.load(Relaxed) < total
            && !flag.load(Relaxed)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Does `work` on a thread of its own and without the interpreter's lock, while this one looks for
/// Ctrl-C and tells a callable how far it has come. What either raises also raises `flag`, which
/// the work has to heed; the error of Python's is the outer one.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    flag: &AtomicBool,
    progress: Option<(&Counts, Bound<'_, PyAny>)>,
    work: impl FnOnce() -> achronyme_env::Result<T> + Send,
) -> PyResult<achronyme_env::Result<T>> {
    let progress = progress.map(|(counts, told)| {
        counts.listened.store(true, Relaxed);
        (counts, told.unbind())
    });
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        std::thread::scope(|scope| {
            let (ended, ends) = sync_channel::<()>(1);
            let worker = scope.spawn(move || {
                let result = work();
                let _ = ended.send(());
                result
            });
            let tell = |py: Python<'_>| {
                let Some((counts, told)) = &progress else {
                    return Ok(());
                };
                let (done, total) = (counts.done.load(Relaxed), counts.total.load(Relaxed));
                match total {
                    0 => Ok(()),
                    _ => {
                        told.call1(py, (done, total))?;
                        counts.told.fetch_max(done, Relaxed);
                        Ok(())
                    }
                }
            };
            loop {
                let waits = ends.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout);
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| match waits {
                        true => py.check_signals().and_then(|()| tell(py)),
                        // How it ended is told however short it was.
                        false => tell(py),
                    })
                {
                    flag.store(true, Relaxed);
                    raised = Some(error);
                }
                if !waits {
                    break;
                }
            }
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    });
    match raised {
        // Ctrl-C after the last look, when the work was done: both are true.
        Some(error) => Err(error),
        None => Ok(result),
    }
}
