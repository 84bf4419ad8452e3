//! `ach info`: what archives say about themselves, and where what lies in them.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;

use super::{Document, Status};
use crate::error::{Result, report};
use crate::overview::Overview;
use crate::term::Screen;
use crate::term::size::Sizes;

/// Show what archives say about themselves, and a picture of what lies where in the file.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    /// Sizes as plain numbers of bytes
    #[arg(long)]
    bytes: bool,
}

/// Shows.
///
/// # Errors
/// When the output cannot be written; an archive that cannot be read is told, and the others shown.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let sizes = if args.bytes {
        Sizes::Exact
    } else {
        Sizes::Short
    };
    let mut status = Status::Fine;
    let mut files = Vec::new();
    for (index, path) in args.files.iter().enumerate() {
        match Overview::of(path) {
            Ok(info) if args.json => files.push(info.to_json(path)),
            Ok(info) => {
                if index > 0 {
                    writeln!(out)?;
                }
                info.show(path, sizes, screen, out)?;
            }
            Err(failure) => {
                report(&failure);
                status = Status::Failed;
                files.push(json!({ "path": path.to_string_lossy(), "error": failure.to_string() }));
            }
        }
    }
    if args.json {
        Document::new(files).write(out)?;
    }
    Ok(status)
}
