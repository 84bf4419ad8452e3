//! `ach ls`: the variables of archives.

use std::cmp::Reverse;
use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Delta, Patterns};
use serde::Serialize;
use serde_json::Value as Json;

use super::{Document, Status};
use crate::error::{Failure, Result, report, shown};
use crate::journal::{Beside, Reading};
use crate::listing::{Listed, Row};
use crate::listing_table;
use crate::opened::Opened;
use crate::term::size::Sizes;
use crate::term::{Paint, Screen};

/// List the variables of archives.
///
/// Sizes are those in memory; a compressed variable also shows what it takes in the file. Arrays are
/// not read. Of a delta, what it adds, replaces and removes is listed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /
    #[arg(short = 'n', long = "name", value_name = "GLOB")]
    name: Option<String>,
    /// Also attributes, offsets in the file, and content digests
    #[arg(short, long)]
    long: bool,
    /// In which order
    #[arg(long, value_name = "ORDER", default_value = "saved")]
    sort: Sort,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    /// Sizes as plain numbers of bytes
    #[arg(long)]
    bytes: bool,
    #[command(flatten)]
    reading: Reading,
}

/// The orders of a listing.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Sort {
    /// By the bytes of the name
    Name,
    /// The largest first
    Size,
    /// As they were saved
    Saved,
}

/// An archive in the JSON of `ach ls`: its variables, or why there are none.
#[derive(Debug, Serialize)]
struct FileRows<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    variables: Option<Vec<Row<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    journal: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Lists.
///
/// # Errors
/// When the output cannot be written; an archive that cannot be read is told, and the others listed.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let sizes = if args.bytes {
        Sizes::Exact
    } else {
        Sizes::Short
    };
    let mut status = Status::Fine;
    let mut files = Vec::new();
    for (index, path) in args.files.iter().enumerate() {
        let listed = list(args, path);
        match &listed {
            Ok(Shown { rows, .. }) if !args.json => {
                if args.files.len() > 1 {
                    let gap = if index > 0 { "\n" } else { "" };
                    let path = screen.paint(Paint::Heading, shown(path));
                    writeln!(out, "{gap}{path}:")?;
                }
                listing_table::write(rows, args.long, sizes, screen, out)?;
            }
            Ok(_) => {}
            Err(failure) => {
                report(failure);
                status = Status::Failed;
            }
        }
        for problem in listed
            .iter()
            .flat_map(|shown| &shown.rows)
            .filter_map(|row| row.problem.as_ref())
        {
            report(problem);
            status = Status::Failed;
        }
        if args.json {
            files.push((path, listed));
        }
    }
    if args.json {
        let files = files.iter().map(|(path, listed)| FileRows {
            path: path.to_string_lossy().into_owned(),
            variables: listed.as_ref().ok().map(|shown| {
                shown
                    .rows
                    .iter()
                    .map(|row| row.to_json(args.long))
                    .collect()
            }),
            journal: listed.as_ref().ok().map(|shown| shown.journal.to_json()),
            error: listed.as_ref().err().map(ToString::to_string),
        });
        Document::new(files.collect()).write(out)?;
    }
    Ok(status)
}

/// The variables of a file, and what stands beside it.
struct Shown {
    rows: Vec<Listed>,
    journal: Beside,
}

fn list(args: &Args, path: &Path) -> Result<Shown> {
    let opened = Opened::open(path, args.reading)?;
    if !args.json {
        opened.tell_journal(path, args.reading);
    }
    let journal = opened.journal().cloned().unwrap_or_default();
    let mut rows = match opened {
        Opened::Delta(delta) => of_delta(args, &delta)?,
        opened => of_archive(args, opened)?,
    };
    if let (Some(pattern), true) = (&args.name, rows.is_empty()) {
        return Err(Failure::refused(format!(
            "{} has no variable that matches {}",
            shown(path),
            crate::term::escape::name(pattern)
        )));
    }
    match args.sort {
        Sort::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
        Sort::Saved => rows.sort_by_key(|row| row.ordinal),
        Sort::Size => rows.sort_by_key(|row| (Reverse(row.raw), row.ordinal)),
    }
    Ok(Shown { rows, journal })
}

fn of_archive(args: &Args, opened: Opened) -> Result<Vec<Listed>> {
    let placed = matches!(opened, Opened::Present(..));
    let archive = opened.into_archive(|_| true)?;
    let bindings = match &args.name {
        Some(pattern) => archive.matching(pattern)?,
        None => archive.bindings().collect(),
    };
    let listed = bindings
        .iter()
        .map(|binding| Listed::new(binding, args.long))
        .map(|listed| if placed { listed } else { listed.unplaced() });
    Ok(listed.collect())
}

/// What a delta adds and replaces, and then what it removes.
fn of_delta(args: &Args, delta: &Delta) -> Result<Vec<Listed>> {
    let patterns = Patterns::new(&args.name)?;
    let wanted = |name: &str| patterns.is_empty() || patterns.matches(name);
    let sent = delta.sent();
    let sent = sent.iter().filter(|binding| wanted(binding.name()));
    let sent = sent.map(|binding| Listed::new(binding, args.long));
    let removed = delta.removed().into_iter().filter(|name| wanted(name));
    Ok(sent.chain(removed.map(Listed::removed)).collect())
}
