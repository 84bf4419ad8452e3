//! `ach rm`: variables are removed.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use achronyme_env::{Patterns, Session};

use super::{Status, counted};
use crate::edit::{History, edit, names};
use crate::error::{Failure, Result, shown};
use crate::term::escape;

/// Remove variables of an archive, in one commit.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A name, or a pattern: *, ?, [a-z], {a,b}; * also crosses . and /
    #[arg(value_name = "NAME|PATTERN", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    history: History,
}

/// Removes.
///
/// # Errors
/// [`Failure`]; nothing is removed then.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let edited = edit(&args.file, false, args.history, |session| {
        let removed = chosen(args, session)?;
        for name in &removed {
            session.remove(name)?;
        }
        Ok(removed)
    })?;
    let (count, commit) = (counted(edited.done.len()), edited.commit_text());
    let removed = names(edited.done.iter().map(|name| &**name));
    let file = shown(&args.file);
    writeln!(out, "{file}: {count} removed{commit}: {removed}")?;
    Ok(Status::Fine)
}

/// The names to remove, in the order of definition.
fn chosen(args: &Args, session: &Session) -> Result<Vec<Arc<str>>> {
    let all = session.names();
    let mut wanted: HashSet<Arc<str>> = HashSet::new();
    for given in &args.names {
        if session.contains(given) {
            wanted.insert(given.as_str().into());
            continue;
        }
        if !given.contains(['*', '?', '[', '{']) {
            // Not there: the error knows the nearest name.
            session.variable(given)?;
        }
        let patterns = Patterns::new([given])?;
        let before = wanted.len();
        wanted.extend(all.iter().filter(|name| patterns.matches(name)).cloned());
        if wanted.len() == before && !all.iter().any(|name| patterns.matches(name)) {
            return Err(Failure::refused(format!(
                "{} has no variable that matches {}",
                shown(&args.file),
                escape::name(given)
            )));
        }
    }
    Ok(all.into_iter().filter(|n| wanted.contains(n)).collect())
}
