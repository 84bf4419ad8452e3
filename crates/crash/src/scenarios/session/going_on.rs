//! What the next process finds, and what it can do.

use std::fs;
use std::path::Path;

use achronyme_env::{Archive, Durability, EventKind, Session, SessionOptions, SessionReader};

use super::line::{line_of, line_of_archive};
use super::work::{backup_of, marks_of};
use crate::scenario::Result;
use crate::scenarios::save::ARCHIVE;

/// An archive of a backup.
pub(super) const BACKUP: &str = "backup.ach";

/// The state of the session in `directory`, as a reader sees it, and then the next writer.
pub(super) fn observed(directory: &Path, keeps_history: bool) -> Result<String> {
    let path = directory.join(ARCHIVE);
    let before = files(directory)?;
    for (name, _) in &before {
        if !is_known(name, true) {
            return Err(format!("there is a file {name}").into());
        }
    }
    if !path.try_exists()? {
        return match before.iter().find(|(name, _)| name.contains("-journal")) {
            Some((name, _)) => Err(format!("{name} is there, and no archive").into()),
            None => Ok("nothing".to_owned()),
        };
    }
    let read = read(&path)?;
    if files(directory)? != before {
        return Err("the reader changed files".into());
    }
    let mut session = writing(keeps_history).open(&path)?;
    let mut written = line_of(&session.environment()?)?;
    if line_of_archive(session.archive())? != written {
        return Err("a session and its archive differ".into());
    }
    if read != written {
        return Err(format!("a reader saw {read:?}, and the writer {written:?}").into());
    }
    if keeps_history {
        written.push_str(&marks_of(&marks(&mut session)?));
    }
    drop(session);
    if self::read(&path)? != read {
        return Err("opening it for writing changed what a reader sees".into());
    }
    if let Some(damage) = SessionReader::open(&path)?.damage()?.first() {
        return Err(format!("opening it for writing left damage: {damage}").into());
    }
    let backup = directory.join(BACKUP);
    let backup = match backup.try_exists()? {
        true => Some(whole(&backup)?),
        false => None,
    };
    written.push_str(&backup_of(backup.as_deref()));
    Ok(written)
}

/// Commits, and folds the journal: what was found is still there then, and nothing else is.
pub(super) fn work_on(directory: &Path, state: &str, keeps_history: bool) -> Result<()> {
    let path = directory.join(ARCHIVE);
    let variables = variables_of(state);
    let comma = if variables.is_empty() { "" } else { ", " };
    let expected = format!("{{{variables}{comma}after: 7}}");
    let same = |found: String, by: &str| match found == expected {
        true => Ok(()),
        false => Err(format!("{by} found {found:?}, not {expected:?}")),
    };

    let mut session = writing(keeps_history).open(&path)?;
    session.set("after", 7)?;
    session.commit()?;
    drop(session);
    same(read(&path)?, "a reader after a commit")?;
    let mut session = writing(keeps_history).open(&path)?;
    session.undo()?;
    session.redo()?;
    if !session.set_aside().is_empty() {
        return Err("something was set aside without a crash".into());
    }
    session.close()?;
    same(whole(&path)?, "the archive after a checkpoint")?;
    same(read(&path)?, "a reader after a checkpoint")?;
    for (name, _) in files(directory)? {
        if !is_known(&name, keeps_history) {
            return Err(format!("{name} is left after a checkpoint").into());
        }
    }
    Ok(())
}

/// What stands between the outer braces of a state.
fn variables_of(state: &str) -> &str {
    let end = [" marks ", " backup "].iter().filter_map(|w| state.find(w));
    let line = &state[..end.min().unwrap_or(state.len())];
    let braces = line.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
    // Where there is nothing there are no variables.
    braces.unwrap_or_default()
}

fn writing(keeps_history: bool) -> SessionOptions {
    SessionOptions::new()
        .create(true)
        .durability(Durability::Os)
        .checkpoint_at(None)
        .keep_history(keeps_history)
}

fn read(path: &Path) -> Result<String> {
    line_of_archive(SessionReader::open(path)?.archive())
}

/// The state of an archive alone, which must be whole.
fn whole(path: &Path) -> Result<String> {
    let archive = Archive::open(path)?;
    if let Some(found) = archive.verify()?.faults.first() {
        return Err(found.fault.to_string().into());
    }
    line_of_archive(&archive)
}

fn marks(session: &mut Session) -> Result<Vec<String>> {
    let events = session.log()?.into_iter().flat_map(|commit| commit.changes);
    let marks = events.filter_map(|event| match event {
        EventKind::Mark { name } => Some(name.to_string()),
        _ => None,
    });
    Ok(marks.collect())
}

/// Names and lengths, sorted.
fn files(directory: &Path) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.metadata()?.len()));
    }
    found.sort();
    Ok(found)
}

/// Whether a file of that name may be there: while there is a journal, or when it is folded.
fn is_known(name: &str, with_journal: bool) -> bool {
    let killed =
        |archive: &str| name.starts_with(&format!(".{archive}.")) && name.ends_with(".ach-tmp");
    let Some(companion) = name.strip_prefix(ARCHIVE) else {
        return name == BACKUP || killed(ARCHIVE) || killed(BACKUP);
    };
    match companion {
        "" | "-lock" => true,
        _ if companion.starts_with("-journal.rejected") => true,
        "-journal" | "-journal.new" | "-base" => with_journal,
        _ => companion
            .strip_prefix("-journal.")
            .is_some_and(|n| with_journal && n.parse::<u64>().is_ok()),
    }
}
