//! `ach backup`: one archive out of a session, while it is written.

use std::io::Write;
use std::path::PathBuf;

use super::Status;
use crate::error::{Failure, Result, journal_stays, shown};

/// Write the last committed state of a session to one archive, while its writer works.
///
/// The archive has no journal and belongs to no session. Compressed arrays stay so, and description,
/// tags and metadata are kept.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive, with its journal where it has one
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The archive to write
    #[arg(value_name = "DST")]
    destination: PathBuf,
    /// Replace DST if it exists
    #[arg(long)]
    force: bool,
}

/// Copies.
///
/// # Errors
/// [`Failure`]; nothing was written then.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.destination, args.force)?;
    if crate::output_file::is_same_file(&args.destination, &args.source) {
        let file = shown(&args.source);
        return Err(Failure::refused(format!(
            "{file} is to be written over itself; choose another name, or fold its journal with \
             `ach checkpoint {file}`"
        )));
    }
    let saved = achronyme_env::backup(&args.source, &args.destination, args.force);
    saved.map_err(journal_stays)?;
    super::pack::summary(&args.destination, out)?;
    Ok(Status::Fine)
}
