//! Long reading that Ctrl-C stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use achronyme_env::read_cancellable;
use pyo3::prelude::*;

use crate::error::raise;

/// Between two looks for Ctrl-C.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(20);
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
    let mut raised: Option<PyErr> = None;
    let result = py.detach(|| {
        std::thread::scope(|scope| {
            let (ended, ends) = sync_channel::<()>(1);
            let theirs = Arc::clone(&flag);
            let worker = scope.spawn(move || {
                let result = read_cancellable(&theirs, work);
                let _ = ended.send(());
                result
            });
            while let Err(RecvTimeoutError::Timeout) = ends.recv_timeout(LOOK_EVERY) {
                if raised.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    flag.store(true, Relaxed);
                    raised = Some(error);
                }
            }
            worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    });
    match raised {
        Some(error) => Err(error),
        None => result.map_err(|e| raise(py, e)),
    }
}
