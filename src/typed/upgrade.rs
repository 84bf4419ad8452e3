//! From one version of a type to a later one.

use std::sync::Arc;

use super::fault::TypeFault;
use super::schema::{ProgramType, Schema, new_id};
use super::view::TypedView;
use crate::error::{EnvError, Result};
use crate::value::{Typed, Value};

/// What leads from one version to the next.
pub(super) struct Upgrade {
    pub(super) id: u64,
    /// The version it leads to; `None` when the type ends there, and a plain value goes on.
    pub(super) to: Option<u32>,
    run: Box<Run>,
}

/// Makes the next value of an earlier one.
type Run = dyn Fn(&Typed) -> Result<Value> + Send + Sync;

impl Upgrade {
    pub(super) fn between<Old: ProgramType, New: ProgramType>(
        old: Arc<Schema<Old>>,
        new: Arc<Schema<New>>,
        upgrade: impl Fn(&Old::Archived) -> Result<New, String> + Send + Sync + 'static,
    ) -> Upgrade {
        Upgrade {
            id: new_id(),
            to: Some(new.version),
            run: Box::new(move |typed| {
                let seen = TypedView::new(old.open(typed)?, None);
                let value = upgrade(&seen).map_err(|reason| failed(typed, reason))?;
                Ok(new.archive(&value)?.0.into())
            }),
        }
    }

    pub(super) fn of_bytes<New: ProgramType>(
        new: Arc<Schema<New>>,
        upgrade: impl Fn(&[u8]) -> Result<New, String> + Send + Sync + 'static,
    ) -> Upgrade {
        Upgrade {
            id: new_id(),
            to: Some(new.version),
            run: Box::new(move |typed| {
                let value = upgrade(typed.bytes.as_bytes()?);
                let value = value.map_err(|reason| failed(typed, reason))?;
                Ok(new.archive(&value)?.0.into())
            }),
        }
    }

    pub(super) fn to_value<Old: ProgramType>(
        old: Arc<Schema<Old>>,
        retire: impl Fn(&Old::Archived) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Upgrade {
        Upgrade {
            id: new_id(),
            to: None,
            run: Box::new(move |typed| {
                let seen = TypedView::new(old.open(typed)?, None);
                retire(&seen).map_err(|reason| failed(typed, reason))
            }),
        }
    }

    pub(super) fn run(&self, typed: &Typed) -> Result<Value> {
        (self.run)(typed)
    }
}

fn failed(typed: &Typed, reason: String) -> EnvError {
    EnvError::Typed {
        type_name: typed.type_name.to_string(),
        fault: TypeFault::UpgradeFailed {
            from: typed.version,
            reason,
        },
    }
}
