//! Whether a save is still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crate::error::{EnvError, Origin, Result};

/// Looked at between pieces of work of a few milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Cancel {
    flag: Option<Arc<AtomicBool>>,
    path: Origin,
}

impl Cancel {
    pub(super) fn new(flag: Option<Arc<AtomicBool>>, path: Origin) -> Cancel {
        Cancel { flag, path }
    }

    /// An error once the caller has raised the flag.
    pub(super) fn check(&self) -> Result<()> {
        match &self.flag {
            Some(flag) if flag.load(Relaxed) => Err(EnvError::Cancelled {
                path: self.path.clone(),
            }),
            _ => Ok(()),
        }
    }
}
