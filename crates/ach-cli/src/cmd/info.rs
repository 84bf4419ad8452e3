//! `ach info`: what archives say about themselves, and where what lies in them.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::Version1;
use serde_json::{Value as Json, json};

use super::{Document, Status};
use crate::error::{Result, report};
use crate::journal::Reading;
use crate::opened::Opened;
use crate::overview::Overview;
use crate::overview_delta::DeltaOverview;
use crate::overview_version1 as version1;
use crate::term::Screen;
use crate::term::size::Sizes;

/// Show what archives say about themselves, and a picture of what lies where in the file.
///
/// Of a delta it shows which archive it is for, and what it holds.
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
    #[command(flatten)]
    reading: Reading,
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
        match Info::of(path, args) {
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

/// What is known of a file: an archive of either format, or a delta.
enum Info {
    Present(Box<Overview>),
    Delta(Box<DeltaOverview>),
    Version1(Box<Version1>),
}

impl Info {
    fn of(path: &Path, args: &Args) -> Result<Info> {
        let opened = Opened::open(path, args.reading)?;
        if !args.json {
            // How much of it there is stands in the overview.
            let quiet = Reading {
                quiet: true,
                ..args.reading
            };
            opened.tell_journal(path, quiet);
        }
        Ok(match opened {
            Opened::Present(archive, journal) => {
                Info::Present(Box::new(Overview::of(archive, journal)?))
            }
            Opened::Delta(delta) => Info::Delta(Box::new(DeltaOverview::of(delta)?)),
            Opened::Version1(old) => Info::Version1(old),
        })
    }

    fn show(&self, path: &Path, sizes: Sizes, screen: &Screen, out: &mut dyn Write) -> Result<()> {
        match self {
            Info::Present(overview) => overview.show(path, sizes, screen, out),
            Info::Delta(overview) => overview.show(path, sizes, screen, out),
            Info::Version1(old) => version1::show(old, path, sizes, screen, out),
        }
    }

    fn to_json(&self, path: &Path) -> Json {
        match self {
            Info::Present(overview) => overview.to_json(path),
            Info::Delta(overview) => overview.to_json(path),
            Info::Version1(old) => version1::to_json(old, path),
        }
    }
}
