//! Mistakes a journal can have, made by the child with the library's own files, between calls of the
//! library that are right.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use achronyme_env::{Durability, Session, SessionOptions};

use super::plays::{a_few, with_arrays};
use super::work::{Work, tensor};
use super::{Act, Sessions};
use crate::scenario::Result;

pub(super) fn all() -> Vec<Sessions> {
    let few = |name, play| Sessions::new(name, a_few, play);
    let folding = |name, play: Act| Sessions::new(name, with_arrays, play).tearing(fold_aside);
    vec![
        few("planted-session-said-too-early", said_too_early),
        few("planted-session-half-a-commit", half_a_commit),
        few("planted-session-without-sync", commits)
            .with(|options| options.durability(Durability::Os)),
        few("planted-session-segment-forgotten", segment_forgotten),
        folding("planted-session-unlinked-too-early", unlinked_too_early),
        folding("sound-session-unlinked-in-time", unlinked_in_time),
    ]
}

fn commits(work: &mut Work) -> Result<()> {
    work.put("a", 2)?;
    work.put("b", tensor(1000, 1.0)?)
}

/// It is said that a commit is done, and then it is written.
fn said_too_early(work: &mut Work) -> Result<()> {
    for n in 2..5 {
        work.set("a", n)?;
        work.step(|_| Ok(()))?;
        if let Some(session) = work.session() {
            session.commit()?;
        }
    }
    Ok(())
}

/// What is one commit is written as two.
fn half_a_commit(work: &mut Work) -> Result<()> {
    work.set("a", 2)?;
    work.set("b", 3)?;
    work.step(|session| {
        session.rollback()?;
        session.set("a", 2)?;
        session.commit()?;
        session.set("b", 3)?;
        session.commit()
    })?;
    Ok(())
}

/// A checkpoint drops the segment it retired, and the archive comes afterwards.
fn segment_forgotten(work: &mut Work) -> Result<()> {
    let Some(begun) = work.begin_checkpoint()? else {
        return Err("there was nothing to fold".into());
    };
    let retired = retired(work)?;
    work.step(|_| {
        let _ = fs::remove_file(retired);
        Ok(())
    })?;
    let done = work.run_checkpoint(&begun)?.ok_or("nothing was folded")?;
    work.finish_checkpoint(done)
}

/// What the archive will be after a checkpoint, made before.
const FOLDED: &str = ".x.ach.folded.ach-tmp";

/// Makes that archive: in a directory of its own, since nothing must change in this one.
fn fold_aside(path: &Path, options: &SessionOptions) -> Result<()> {
    let aside = tempfile::tempdir()?;
    let directory = path.parent().ok_or("no directory")?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        fs::copy(entry.path(), aside.path().join(entry.file_name()))?;
    }
    let archive = aside.path().join(path.file_name().ok_or("no name")?);
    let mut session: Session = options.open(&archive)?;
    session.checkpoint()?;
    fs::copy(&archive, directory.join(FOLDED))?;
    Ok(())
}

/// A checkpoint by hand. The archive is on the disk at last, as it should be at first.
fn unlinked_too_early(work: &mut Work) -> Result<()> {
    fold(work, |archive, folded, retired| {
        fs::rename(folded, archive)?;
        fs::remove_file(retired)?;
        File::open(archive)?.sync_all()?;
        Ok(File::open(archive.parent().ok_or("no directory")?)?.sync_all()?)
    })
}

fn unlinked_in_time(work: &mut Work) -> Result<()> {
    fold(work, |archive, folded, retired| {
        File::open(folded)?.sync_all()?;
        fs::rename(folded, archive)?;
        File::open(archive.parent().ok_or("no directory")?)?.sync_all()?;
        Ok(fs::remove_file(retired)?)
    })
}

fn fold(work: &mut Work, replace: fn(&Path, &Path, &Path) -> Result<()>) -> Result<()> {
    drop(work.begin_checkpoint()?);
    // Written here, so that it is not on the disk yet.
    let prepared = work.archive.with_file_name(FOLDED);
    let folded = work.archive.with_file_name(".x.ach.new.ach-tmp");
    fs::write(&folded, fs::read(prepared)?)?;
    let retired = retired(work)?;
    let archive = work.archive.clone();
    work.leave();
    replace(&archive, &folded, &retired)?;
    work.reopen()?;
    work.put("n", 2)
}

/// The one segment that is retired.
fn retired(work: &Work) -> Result<PathBuf> {
    let directory = work.archive.parent().ok_or("no directory")?;
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let number = path
            .extension()
            .is_some_and(|e| e.to_string_lossy().parse::<u64>().is_ok());
        if number {
            return Ok(path);
        }
    }
    Err("no segment was retired".into())
}
