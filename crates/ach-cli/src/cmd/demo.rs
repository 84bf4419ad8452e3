//! `ach demo`: the tour.

use std::io::Write;
use std::path::PathBuf;

use super::Status;
use crate::error::{Failure, Result};
use crate::term::Screen;
use crate::tour::Tour;

/// A short tour: real data are packed, listed, and read in parts.
///
/// Everything happens in a directory of its own, which is removed at the end, or stays when you
/// name it. About 140 MiB of disk are needed meanwhile.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to work, and what to keep; must be empty or not exist
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Gives the tour.
///
/// # Errors
/// [`Failure`], when the directory cannot be used.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let made;
    let directory = match &args.directory {
        Some(directory) => directory.as_path(),
        None => {
            made = tempfile::Builder::new().prefix("ach-demo-").tempdir()?;
            made.path()
        }
    };
    let home = std::env::current_dir()?;
    let tour = Tour::new(directory, args.directory.is_some(), screen);
    let result = tour.and_then(|tour| tour.give(out));
    // A directory somebody stands in cannot be removed everywhere.
    std::env::set_current_dir(&home).map_err(Failure::Output)?;
    result.map(|()| Status::Fine)
}
