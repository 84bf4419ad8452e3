//! `ach undo`, `ach redo` and `ach restore`: an earlier state counts again.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, EventKind, Moment, Session, SessionReader, Travelled};

use super::Status;
use crate::edit::{KEEP, edit, names};
use crate::error::{Failure, Result, shown};
use crate::moment::moment;

/// Undo the last commit, or all since a mark. Nothing is lost by that: `ach redo` takes it back.
///
/// Reaches as far as `ach log` shows. An edit of a small archive that had no journal is folded into
/// the archive and cannot be undone, unless it was made with --keep-history or after `ach mark`.
#[derive(Debug, clap::Args)]
pub(crate) struct UndoArgs {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Back to the state of that mark
    #[arg(long, value_name = "MARK")]
    to: Option<String>,
}

/// Take the last undo back. Undone commits come back one at a time, until something else is
/// committed.
#[derive(Debug, clap::Args)]
pub(crate) struct RedoArgs {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Go to the state of a mark, of a commit, or of a time.
///
/// The number of a commit is the one that `ach log` shows; a time is a date in UTC, such as
/// 2026-11-21, '2026-11-21 18:10' or 2026-11-21T18:10:04.25Z, and means the last commit until then.
/// A mark of exactly that name comes first.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A mark, the number of a commit, or a time
    #[arg(long, value_name = "MARK|COMMIT|TIME")]
    at: String,
}

/// Undoes.
///
/// # Errors
/// [`Failure`]; the state is then as it was.
pub(crate) fn undo(args: &UndoArgs, out: &mut dyn Write) -> Result<Status> {
    let path = &args.file;
    if let Some(mark) = &args.to {
        return go_to(path, &Moment::Mark(mark.clone()), out);
    }
    let history = history(path, "undo")?;
    let travelled = travel(path, Session::undo, |_| {
        let file = shown(path);
        match history.unfolded {
            // Only where it is kept.
            0 => format!(
                "all commits of {file} are folded; `ach restore {file} --at COMMIT` goes back to \
                 one that `ach log {file}` shows"
            ),
            _ => format!(
                "there is nothing more to undo in {file}: `ach log {file}` shows how far its \
                 history reaches"
            ),
        }
    })?;
    tell(path, &travelled, "back to", "", out)
}

/// Undoes what was undone.
///
/// # Errors
/// As [`undo`].
pub(crate) fn redo(args: &RedoArgs, out: &mut dyn Write) -> Result<Status> {
    let path = &args.file;
    history(path, "redo")?;
    let travelled = travel(path, Session::redo, |reason| {
        format!("there is nothing to redo in {}: {reason}", shown(path))
    })?;
    tell(path, &travelled, "again at", "", out)
}

/// Goes to a moment.
///
/// # Errors
/// As [`undo`].
pub(crate) fn restore(args: &RestoreArgs, out: &mut dyn Write) -> Result<Status> {
    let reader = SessionReader::open(&args.file)?;
    let events: Vec<EventKind> = match reader.log() {
        Ok(log) => log.into_iter().flat_map(|commit| commit.changes).collect(),
        // What stands before the damage can be gone back to: going there says what cannot.
        Err(error) if error.fault().is_some() => {
            let events = reader.events(0).map(|event| Ok(event?.kind));
            events.collect::<Result<_>>()?
        }
        Err(error) => return Err(error.into()),
    };
    let is_mark = |text: &str| {
        let mut events = events.iter();
        events.any(|event| matches!(event, EventKind::Mark { name } if &**name == text))
    };
    let moment = moment(&args.at, is_mark);
    go_to(&args.file, &moment, out)
}

fn go_to(path: &Path, moment: &Moment, out: &mut dyn Write) -> Result<Status> {
    let last = history(path, "go back to")?.last;
    let go = |session: &mut Session| session.restore_at(moment);
    let travelled = travel(path, go, |reason| {
        let file = shown(path);
        format!(
            "the history of {file} does not reach there: {reason}; `ach log {file}` shows what \
             there is"
        )
    })?;
    let back = format!("; `ach restore {} --at {last}` leads back", shown(path));
    tell(path, &travelled, "now as at", &back, out)
}

/// What there is to go back to.
struct History {
    /// The last commit.
    last: u64,
    /// Commits that the archive does not hold.
    unfolded: u64,
}

/// Looks at the history before anything is opened for writing: what cannot be done leaves no files.
///
/// # Errors
/// A refusal when there is none.
fn history(path: &Path, verb: &str) -> Result<History> {
    let reader = SessionReader::open(path)?;
    let is_empty = match reader.log() {
        Ok(log) => log.is_empty(),
        // There is some, and what was asked for may not need the rest.
        Err(error) if error.fault().is_some() => false,
        Err(error) => return Err(error.into()),
    };
    if is_empty {
        let file = shown(path);
        return Err(Failure::refused(format!(
            "there is nothing to {verb} in {file}: no commits stand in a journal beside it, and \
             what was folded into it cannot be undone; edits stay there after `ach mark {file} \
             NAME`, or with --keep-history"
        )));
    }
    Ok(History {
        last: reader.sequence(),
        unfolded: reader.journal()?.commits,
    })
}

fn travel(
    path: &Path,
    go: impl FnOnce(&mut Session) -> Result<Travelled, EnvError>,
    ended: impl FnOnce(&str) -> String,
) -> Result<Travelled> {
    let edited = edit(path, false, KEEP, |session| {
        go(session).map_err(|error| match error {
            EnvError::HistoryEnds { reason, .. } => Failure::refused(ended(&reason)),
            other => other.into(),
        })
    })?;
    Ok(edited.done)
}

fn tell(
    path: &Path,
    travelled: &Travelled,
    how: &str,
    more: &str,
    out: &mut dyn Write,
) -> Result<Status> {
    let (file, to) = (shown(path), travelled.to);
    let changed = match travelled.changed.len() {
        0 => "nothing is different".to_owned(),
        _ => {
            let changed = names(travelled.changed.iter().map(|name| &**name));
            format!("different: {changed}")
        }
    };
    writeln!(out, "{file}: {how} commit {to}; {changed}{more}")?;
    Ok(Status::Fine)
}
