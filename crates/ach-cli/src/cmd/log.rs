//! `ach log`: the commits that can be undone or gone back to.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{Commit, JournalInfo, SessionReader};
use serde_json::{Value as Json, json};

use super::{Document, Status};
use crate::error::{Result, shown};
use crate::events;
use crate::journal::Beside;
use crate::term::date::utc;
use crate::term::size::Sizes;
use crate::term::table::{Align, Table, TableCell};
use crate::term::{Paint, Screen};

/// List the commits in the journal of an archive, the newest first.
///
/// Those that a checkpoint folded are gone, unless history is kept. Times are UTC.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only the last N
    #[arg(short = 'n', value_name = "N")]
    count: Option<usize>,
    /// As JSON, one object (docs/cli.md has the schema); the newest last
    #[arg(long)]
    json: bool,
    /// Sizes as plain numbers of bytes
    #[arg(long)]
    bytes: bool,
}

/// Lists.
///
/// # Errors
/// [`crate::error::Failure`].
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let reader = SessionReader::open(&args.file)?;
    let mut log = reader.log()?;
    let all = log.len();
    let left_out = all.saturating_sub(args.count.unwrap_or(all));
    log.drain(..left_out);
    let beside = Beside::of(&reader)?;
    if args.json {
        let commits = log.iter().map(to_json);
        let file = json!({
            "path": args.file.to_string_lossy(),
            "journal": beside.to_json(),
            "commits": commits.collect::<Vec<_>>(),
        });
        Document::new(vec![file]).write(out)?;
        return Ok(Status::Fine);
    }
    beside.tell(&args.file, true);
    if all == 0 {
        let file = shown(&args.file);
        writeln!(
            out,
            "{file} has no journal, and so no history; edits stay there after `ach mark {file} \
             NAME`, or with --keep-history"
        )?;
        return Ok(Status::Fine);
    }
    let sizes = if args.bytes {
        Sizes::Exact
    } else {
        Sizes::Short
    };
    let info = reader.journal()?;
    let whole = left_out == 0;
    table(&log, whole.then_some(&info), sizes).write(screen, out)?;
    Ok(Status::Fine)
}

/// The table; the archive below all commits is its last row, when they follow it.
fn table(log: &[Commit], base: Option<&JournalInfo>, sizes: Sizes) -> Table {
    let mut table = Table::new([
        ("commit", Align::Right),
        ("time", Align::Left),
        ("size", Align::Right),
        ("", Align::Left),
    ]);
    for commit in log.iter().rev() {
        let (paint, undone) = match commit.counts {
            true => (Paint::Plain, ""),
            false => (Paint::Dim, "undone: "),
        };
        let size = match commit.bytes {
            0 => String::new(),
            bytes => sizes.text(bytes),
        };
        let what = format!("{undone}{}", events::line(&commit.changes));
        table.row(vec![
            TableCell::new(paint, &commit.sequence.to_string()),
            TableCell::new(Paint::Dim, &utc(commit.time, 0).replace('T', " ")),
            size.into(),
            TableCell::new(paint, &what),
        ]);
    }
    let first = log.first().map_or(0, |commit| commit.sequence);
    if let Some(info) = base.filter(|info| info.folded_sequence < first) {
        table.row(vec![
            TableCell::new(Paint::Dim, &info.folded_sequence.to_string()),
            TableCell::new(Paint::Dim, ""),
            TableCell::new(Paint::Dim, ""),
            TableCell::new(Paint::Dim, "the archive"),
        ]);
    }
    table
}

fn to_json(commit: &Commit) -> Json {
    json!({
        "sequence": commit.sequence,
        "time": format!("{}Z", utc(commit.time, 9)),
        "counts": commit.counts,
        "size": commit.bytes,
        "events": commit.changes.iter().map(events::json).collect::<Vec<_>>(),
    })
}
