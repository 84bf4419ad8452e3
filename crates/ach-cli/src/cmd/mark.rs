//! `ach mark`: a state gets a name.

use std::io::Write;
use std::path::PathBuf;

use super::Status;
use crate::edit::{KEEP, edit};
use crate::error::{Result, shown};
use crate::term::escape;

/// Give the present state of an archive a name, to which `ach undo --to` and `ach restore --at` lead
/// back.
///
/// From then on edits stay in the journal, so that they can be undone, until `ach checkpoint`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name of the state; of several states the last one counts
    #[arg(value_name = "NAME")]
    name: String,
}

/// Marks.
///
/// # Errors
/// [`crate::error::Failure`].
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let edited = edit(&args.file, false, KEEP, |session| {
        Ok(session.mark(&args.name)?)
    })?;
    let (file, name) = (shown(&args.file), escape::name(&args.name));
    writeln!(out, "{file}: commit {} is marked {name}", edited.done)?;
    Ok(Status::Fine)
}
