//! Reading that its caller gives up.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::{EnvError, Origin, Result};

thread_local! {
    /// The flag of what this thread reads.
    static FLAG: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Runs `read`; whatever archives it reads on this thread ends with [`EnvError::Cancelled`] soon
/// after `flag` is true, and so do commits, checkpoints and backups of sessions.
///
/// The flag is looked at before each block that is summed or unpacked and before each node, which
/// is every few milliseconds: also within [`Archive::verify`](crate::Archive::verify) and while a
/// compressed tensor is unpacked on several threads. Nothing is kept of what was read in part; it
/// may be asked for again.
///
/// ```no_run
/// use std::sync::{Arc, atomic::AtomicBool};
///
/// let archive = achronyme_env::Archive::open("run.ach")?;
/// let stop = Arc::new(AtomicBool::new(false)); // handed to whoever may raise it
/// let report = achronyme_env::read_cancellable(&stop, || archive.verify())?;
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn read_cancellable<T>(flag: &Arc<AtomicBool>, read: impl FnOnce() -> T) -> T {
    within(Some(Arc::clone(flag)), read)
}

/// Runs `read` under the flag of another thread.
pub(crate) fn within<T>(flag: Option<Arc<AtomicBool>>, read: impl FnOnce() -> T) -> T {
    /// Puts the flag back that was there before, also when `read` panics.
    struct Before(Option<Arc<AtomicBool>>);
    impl Drop for Before {
        fn drop(&mut self) {
            FLAG.set(self.0.take());
        }
    }
    let _before = Before(FLAG.replace(flag));
    read()
}

/// The flag of this thread, for those that help it, and for what is written by it.
pub(crate) fn current() -> Option<Arc<AtomicBool>> {
    FLAG.with_borrow(Clone::clone)
}

/// An error once the caller has raised the flag.
pub(super) fn check(origin: &Origin) -> Result<()> {
    let raised = FLAG.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Relaxed)));
    match raised {
        true => Err(EnvError::Cancelled {
            path: origin.clone(),
        }),
        false => Ok(()),
    }
}
