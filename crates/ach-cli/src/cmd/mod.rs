//! The commands: one file each, its arguments and then what it does.

pub(crate) mod backup;
pub(crate) mod checkpoint;
pub(crate) mod completions;
pub(crate) mod convert;
pub(crate) mod cp;
pub(crate) mod delta;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod extract;
pub(crate) mod get;
pub(crate) mod hash;
pub(crate) mod info;
pub(crate) mod log;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod mark;
pub(crate) mod merge;
pub(crate) mod mv;
pub(crate) mod pack;
#[cfg(feature = "plot")]
pub(crate) mod plot;
pub(crate) mod repair;
pub(crate) mod rm;
pub(crate) mod set;
pub(crate) mod stat;
pub(crate) mod travel;
pub(crate) mod upgrade;
pub(crate) mod verify;
#[cfg(feature = "view")]
pub(crate) mod view;
pub(crate) mod watch;

use std::io::Write;
use std::process::ExitCode;

use serde::Serialize;

use crate::error::Result;
use crate::term::json;

/// The number in every JSON listing; it rises when a field changes its meaning or goes.
const SCHEMA: u32 = 1;

/// The JSON of a listing.
#[derive(Debug, Serialize)]
struct Document<T> {
    schema: u32,
    files: Vec<T>,
}

impl<T: Serialize> Document<T> {
    fn new(files: Vec<T>) -> Document<T> {
        Document {
            schema: SCHEMA,
            files,
        }
    }

    /// Writes the listing on one line.
    ///
    /// # Errors
    /// What writing answers.
    fn write(&self, out: &mut dyn Write) -> Result<()> {
        json::write_plain(self, out)?;
        Ok(writeln!(out)?)
    }
}

/// How a command ended, as an exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    /// All is well.
    #[default]
    Fine,
    /// `verify` found something wrong, `diff` a difference, `repair` or `upgrade --strict` something
    /// lost.
    Faulty,
    /// An error was told.
    Failed,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(match status {
            Status::Fine => 0,
            Status::Faulty => 1,
            Status::Failed => 2,
        })
    }
}

/// `1 variable`, `2 variables`.
pub(crate) fn counted(variables: usize) -> String {
    let unit = if variables == 1 {
        "variable"
    } else {
        "variables"
    };
    format!("{variables} {unit}")
}
