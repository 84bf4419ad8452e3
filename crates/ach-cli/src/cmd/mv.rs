//! `ach mv`: a variable gets another name.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::EnvError;

use super::Status;
use crate::edit::{History, edit};
use crate::error::{Failure, Result, shown};
use crate::term::escape;

/// Rename a variable of an archive. It keeps its value, its attributes and its place.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The name it has
    #[arg(value_name = "OLD")]
    old: String,
    /// The name it is to have
    #[arg(value_name = "NEW")]
    new: String,
    #[command(flatten)]
    history: History,
}

/// Renames.
///
/// # Errors
/// [`Failure`]; nothing is renamed then.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let file = shown(&args.file);
    let edited =
        edit(&args.file, false, args.history, |session| {
            session.rename(&args.old, &args.new).map_err(|error| match error {
            EnvError::DuplicateName { name } => {
                let name = escape::name(&name);
                Failure::refused(format!(
                    "{file} has a variable {name} already; remove it first with `ach rm`, or \
                     choose another name"
                ))
            }
            other => other.into(),
        })
        })?;
    let (old, new) = (escape::label(&args.old), escape::label(&args.new));
    writeln!(out, "{file}: {old} is now {new}{}", edited.commit_text())?;
    Ok(Status::Fine)
}
