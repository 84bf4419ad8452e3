//! One edit of an archive from the command line: a session that is opened, committed and closed.

use std::path::Path;

use achronyme_env::{EnvError, Session, SessionOptions, SessionReader};

use crate::error::{Failure, Result, note, shown};
use crate::term::size::short;

/// Archives up to this many bytes, their journal counted, are written anew after an edit.
const FOLD_BELOW: u64 = 64 << 20;

/// What becomes of the history of an edit.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct History {
    /// Leave the edit in the journal, so that `ach undo` can take it back
    #[arg(long)]
    pub(crate) keep_history: bool,
}

/// The edit is there to be undone, or undoes another.
pub(crate) const KEEP: History = History { keep_history: true };

/// What an edit did.
#[derive(Debug)]
pub(crate) struct Edited<T> {
    /// What it answered.
    pub(crate) done: T,
    /// The commit, when it can be undone; none when it was folded into the archive.
    pub(crate) commit: Option<u64>,
}

impl<T> Edited<T> {
    /// `, commit 5`, when there is one.
    pub(crate) fn commit_text(&self) -> String {
        let commit = self.commit.map(|commit| format!(", commit {commit}"));
        commit.unwrap_or_default()
    }
}

/// Changes the session of the archive at `path`, and commits. An archive that had no journal is
/// folded again when it is small, unless history is to be kept; one that had keeps it, since what it
/// holds can be undone. What stays is told with the command that folds it.
///
/// # Errors
/// What opening, changing and committing answer; nothing was committed then, unless the error says
/// so.
pub(crate) fn edit<T>(
    path: &Path,
    create: bool,
    history: History,
    change: impl FnOnce(&mut Session) -> Result<T>,
) -> Result<Edited<T>> {
    let mut session = open(path, create)?;
    let had_commits = session.unfolded() > 0;
    let changed = change(&mut session).and_then(|done| {
        session.commit()?;
        Ok(done)
    });
    let done = match changed {
        Ok(done) => done,
        Err(failure) => {
            // The failure is the news; what is left then is as good as it was.
            if session.rollback().is_ok() {
                let _ = session.close();
            }
            return Err(failure);
        }
    };
    let commit = session.sequence();
    let total = (session.archive().file_len()).saturating_add(session.journal_len());
    if !had_commits && !history.keep_history && total <= FOLD_BELOW {
        // It is committed: what keeps it from being folded is no failure of the edit.
        if let Err(error) = session.checkpoint() {
            note(&format!("the journal is not folded: {error}"));
        }
    }
    let stays = close(path, session)?;
    let commit = stays.then_some(commit);
    Ok(Edited { done, commit })
}

/// Opens a session in which nothing is folded by itself.
///
/// # Errors
/// As [`SessionOptions::open`]; nothing is left beside a file that is no archive.
pub(crate) fn open(path: &Path, create: bool) -> Result<Session> {
    if !create || path.exists() {
        SessionReader::open(path).map_err(|error| refused(error, create))?;
    }
    let options = SessionOptions::new()
        .create(create)
        .fold_below(0)
        .checkpoint_at(None);
    let session = options.open(path)?;
    for aside in session.set_aside() {
        let aside = shown(aside);
        note(&format!(
            "what could not be read of the journal was moved to {aside}"
        ));
    }
    Ok(session)
}

/// Closes a session, and tells of the journal that stays. Whether one does.
///
/// # Errors
/// What closing answers.
pub(crate) fn close(path: &Path, session: Session) -> Result<bool> {
    let closed = session.close()?;
    let Some(journal) = closed.journal else {
        return Ok(false);
    };
    let journal = shown(Path::new(journal.file_name().unwrap_or_default()));
    let (path, size) = (shown(path), short(closed.journal_len));
    note(&format!(
        "{journal} ({size}) holds what {path} does not; `ach checkpoint {path}` folds it"
    ));
    Ok(true)
}

/// The error of opening an archive for an edit, with what to do.
fn refused(error: EnvError, create: bool) -> Failure {
    match &error {
        EnvError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound && !create => {
            Failure::refused(format!("{error}; `ach set --create` makes an archive"))
        }
        _ => error.into(),
    }
}

/// Names for a line: the first eight, and how many more there are.
pub(crate) fn names<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    const TOLD: usize = 8;
    let more = names.len().saturating_sub(TOLD);
    let told: Vec<String> = names.take(TOLD).map(crate::term::escape::label).collect();
    let told = told.join(", ");
    match more {
        0 => told,
        more => format!("{told} and {more} more"),
    }
}
