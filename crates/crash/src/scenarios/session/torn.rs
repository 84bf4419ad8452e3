//! What the end of a process left, found by the next one, which is killed too.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use achronyme_env::SessionOptions;

use super::Sessions;
use super::plays::{RECOVERED, a_few, with_arrays};
use super::work::{Work, tensor};
use crate::scenario::Result;

pub(super) fn all() -> Vec<Sessions> {
    let recover = |name, base| Sessions::new(name, base, RECOVERED);
    vec![
        recover("session-recover-cut-tail", a_few).tearing(cut_tail),
        recover("session-recover-lost-page", a_few).tearing(lost_page),
        recover("session-recover-new-segment", with_arrays).tearing(no_active),
        recover("session-recover-old-archive", over_old_archive),
        recover("session-recover-new-archive", under_new_archive),
        recover("session-recover-two-segments", two_retired),
        recover("session-recover-lost-header", over_old_archive).tearing(lost_header),
    ]
}

/// A checkpoint that came no further than its new segment.
fn over_old_archive(work: &mut Work) -> Result<()> {
    with_arrays(work)?;
    drop(work.begin_checkpoint()?);
    work.put("n", 2)
}

/// A checkpoint whose archive is in place, and whose retired segment is still there.
fn under_new_archive(work: &mut Work) -> Result<()> {
    with_arrays(work)?;
    let begun = work.begin_checkpoint()?;
    work.put("n", 2)?;
    if let Some(begun) = begun {
        work.run_checkpoint(&begun)?;
    }
    work.put("changed", tensor(50, 0.0)?)
}

/// Two checkpoints in a row that came no further than their new segments.
fn two_retired(work: &mut Work) -> Result<()> {
    over_old_archive(work)?;
    if work.session().is_some() {
        work.leave();
        work.reopen()?;
    }
    drop(work.begin_checkpoint()?);
    work.put("n", 3)
}

/// Commits a tensor of 30 KB, beside what is known on paper: the journal's length before and after.
fn commit_more(path: &Path, options: &SessionOptions) -> Result<(u64, u64)> {
    let mut session = options.open(path)?;
    let before = session.journal_len();
    session.set("torn", tensor(4000, 0.0)?)?;
    session.set("last", 1)?;
    session.commit()?;
    Ok((before, session.journal_len()))
}

fn journal(path: &Path) -> Result<File> {
    let path = path.with_extension("ach-journal");
    Ok(File::options().read(true).write(true).open(path)?)
}

fn cut_tail(path: &Path, options: &SessionOptions) -> Result<()> {
    let (before, after) = commit_more(path, options)?;
    Ok(journal(path)?.set_len((before + after) / 2)?)
}

/// A page of the payload never reached the disk; headers before and behind it did.
fn lost_page(path: &Path, options: &SessionOptions) -> Result<()> {
    let (before, after) = commit_more(path, options)?;
    let mut journal = journal(path)?;
    journal.seek(SeekFrom::Start((before + after) / 2 / 4096 * 4096))?;
    Ok(journal.write_all(&[0; 4096])?)
}

/// The end between the two renames of a rotation.
fn no_active(path: &Path, options: &SessionOptions) -> Result<()> {
    let mut session = options.open(path)?;
    drop(session.begin_checkpoint()?);
    drop(session);
    let active = path.with_extension("ach-journal");
    Ok(fs::rename(&active, path.with_extension("ach-journal.new"))?)
}

/// After an interrupted checkpoint, a commit of which only the payload came.
fn lost_header(path: &Path, options: &SessionOptions) -> Result<()> {
    let (before, _) = commit_more(path, options)?;
    let mut journal = journal(path)?;
    journal.seek(SeekFrom::Start(before))?;
    Ok(journal.write_all(&[0; 64])?)
}
