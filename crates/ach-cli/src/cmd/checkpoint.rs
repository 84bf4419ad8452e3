//! `ach checkpoint`: the journal becomes part of the archive.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{SessionOptions, SessionReader};

use super::{Status, counted};
use crate::error::{Result, note, shown};
use crate::journal::commits;
use crate::term::size::short;

/// Fold the journal of an archive into it.
///
/// A new archive is written beside the old one and replaces it at once; arrays that did not change
/// are copied as they stand. What was folded cannot be undone any more, unless its history is kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Keep what is folded beside the archive, from now on: `ach log` and `ach restore` reach there
    #[arg(long)]
    keep_history: bool,
}

/// Folds.
///
/// # Errors
/// [`crate::error::Failure`]; archive and journal are then as they were.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let file = shown(&args.file);
    let reader = SessionReader::open(&args.file)?;
    let info = reader.journal()?;
    if info.commits == 0 && reader.damage()?.is_empty() {
        writeln!(out, "{file}: there is nothing to fold")?;
        return Ok(Status::Fine);
    }
    let options = SessionOptions::new()
        .keep_history(args.keep_history)
        .fold_below(0)
        .checkpoint_at(None);
    let mut session = options.open(&args.file)?;
    for aside in session.set_aside() {
        let aside = shown(aside);
        note(&format!(
            "what could not be read of the journal was moved to {aside}"
        ));
    }
    let count = SessionReader::open(&args.file)?.journal()?.commits;
    let done = session.checkpoint()?;
    let (variables, len) = (session.len(), session.archive().file_len());
    session.close()?;
    match done {
        None => writeln!(out, "{file}: there is nothing to fold")?,
        Some(_) => {
            let (count, size) = (commits(count), short(len));
            let variables = counted(variables);
            writeln!(out, "{file}: {count} folded; {variables}, {size}")?;
        }
    }
    Ok(Status::Fine)
}
