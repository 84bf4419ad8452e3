//! Whether cells or scopes may be found in a value: what tells a snapshot where to look.

use std::sync::atomic::{AtomicBool, Ordering};

/// A flag of a vector or a record: whether a cell or a scope may be found below. What is handed out
/// for writing may get one unseen, so the flag is raised then; a walk that finds none lowers it,
/// which is sound since what it has walked through cannot change while it is looked at.
#[derive(Debug, Default)]
pub(super) struct MayShare(AtomicBool);

impl MayShare {
    pub(super) fn new(may_share: bool) -> MayShare {
        MayShare(AtomicBool::new(may_share))
    }

    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn raise(&mut self, may_share: bool) {
        *self.0.get_mut() |= may_share;
    }

    /// A walk has looked, and there is none.
    pub(super) fn lower(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Clone for MayShare {
    fn clone(&self) -> Self {
        MayShare::new(self.get())
    }
}
