//! `ach diff`: how two archives differ.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Diff, DiffOptions, differs};

use super::{SCHEMA, Status, counted};
use crate::diff_json::Report;
use crate::diff_text;
use crate::error::{Failure, Result, shown};
use crate::journal::Reading;
use crate::opened;
use crate::term::{Screen, json};

/// Compare two archives: variables added, removed and changed, and where in their values.
///
/// Names, values, attributes and marks count, and which cells are shared; the order of the
/// variables, what the archives say about themselves, and what is compressed do not. Without a
/// tolerance numbers are compared by their bits. Arrays whose digests are equal are not read.
///
/// Exit code 0 says that they are the same, 1 that they differ, 2 that they could not be compared.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The archive to compare it with
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Only variables of these names, or whose names match: *, ?, [a-z], {a,b}
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Numbers are the same when |a - b| <= ATOL + RTOL * |b|; one that is not given is 0
    #[arg(long)]
    rtol: Option<f64>,
    /// The absolute tolerance
    #[arg(long)]
    atol: Option<f64>,
    /// Differences listed of one variable
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    listed: usize,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Only the exit code
    #[arg(short, long)]
    quiet: bool,
    /// Only the archives, without what their journals say
    #[arg(long)]
    archive_only: bool,
}

/// Compares.
///
/// # Errors
/// When a file cannot be read or the output not be written; a refusal for a name that neither has.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let reading = Reading {
        archive_only: args.archive_only,
        quiet: args.quiet || args.json,
    };
    let (a, b) = (
        opened::open(&args.a, reading)?,
        opened::open(&args.b, reading)?,
    );
    let options = options(args);
    if args.quiet && args.names.is_empty() {
        return Ok(status(!differs(&a, &b, &options)?));
    }
    let found = achronyme_env::diff(&a, &b, &options)?;
    refuse_unmet(args, &found)?;
    let same = found.is_same();
    if args.json {
        let report = Report::new(SCHEMA, &args.a, &args.b, &found)?;
        json::write_plain(&report, out)?;
        writeln!(out)?;
    } else if same && !args.quiet {
        let (a, b) = (shown(&args.a), shown(&args.b));
        writeln!(out, "{a} and {b}: the same, {}", counted(found.unchanged))?;
    } else if !args.quiet {
        diff_text::write(&found, screen, out)?;
    }
    Ok(status(same))
}

fn status(same: bool) -> Status {
    match same {
        true => Status::Fine,
        false => Status::Faulty,
    }
}

fn options(args: &Args) -> DiffOptions {
    let mut options = DiffOptions::new().listed(args.listed);
    if !args.names.is_empty() {
        options = options.include_only(args.names.iter().cloned());
    }
    if let Some(rtol) = args.rtol {
        options = options.rtol(rtol);
    }
    if let Some(atol) = args.atol {
        options = options.atol(atol);
    }
    options
}

fn refuse_unmet(args: &Args, found: &Diff) -> Result<()> {
    let Some(unmet) = found.unmet.first() else {
        return Ok(());
    };
    let file = |path: &Path| shown(path);
    let hint = unmet.reason.split_once("; ").map(|(_, hint)| hint);
    let hint = hint.map_or(String::new(), |hint| format!("; {hint}"));
    Err(Failure::refused(format!(
        "neither {} nor {} has a variable that matches {}{hint}",
        file(&args.a),
        file(&args.b),
        crate::term::escape::name(&unmet.name),
    )))
}
