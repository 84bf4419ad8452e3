//! `ach view`: a page in the browser that shows what a file holds.

use std::io::Write;
use std::path::PathBuf;

use super::Status;
use crate::error::Result;
use crate::journal::Reading;
use crate::view::{Settings, serve};

/// Show an archive or a session in the browser: variables with search, plots, images, tables, the
/// layout of the file, and its history.
///
/// The page comes from this program, on 127.0.0.1 only, under an address with a secret in it. It reads
/// what is looked at and nothing else, and changes nothing. Ctrl-C ends it.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach view run.ach                      opens the browser
  ach view run.ach --no-open            prints the address only
  ach view run.ach --port 8888 --no-open
                                        behind `ssh -L 8888:127.0.0.1:8888 host`")]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The port on 127.0.0.1; 0 is any that is free
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,
    /// Do not open the browser
    #[arg(long)]
    no_open: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Serves until it is stopped.
///
/// # Errors
/// [`crate::error::Failure`]: a file that cannot be opened, a port that cannot be had.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let settings = Settings {
        file: &args.file,
        reading: args.reading,
        port: args.port,
        opens_browser: !args.no_open,
    };
    serve(&settings, out)?;
    Ok(Status::Fine)
}
