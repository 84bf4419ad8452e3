//! What sessions do: each is swept from opening to its end.

use std::thread;
use std::time::Duration;

use achronyme_env::{Durability, Environment, Moment, Record, Value, Variable};

use super::going_on::BACKUP;
use super::work::{Work, tensor};
use super::{Act, Sessions};
use crate::scenario::{Promise, Result};

pub(super) fn all() -> Vec<Sessions> {
    let group = Durability::Group {
        every: Duration::from_secs(3600),
        commits: 3,
    };
    let plain = |name, play| Sessions::new(name, a_few, play);
    vec![
        plain("session-commit-first", create).without_base(),
        plain("session-commit-scalars", scalars),
        plain("session-commit-group", groups)
            .with(|options| options.durability(group))
            .promising(Promise::Order),
        plain("session-commit-os", scalars)
            .with(|options| options.durability(Durability::Os))
            .promising(Promise::Order),
        plain("session-commit-large", large),
        plain("session-commit-names", names),
        plain("session-commit-cells", cells),
        plain("session-undo", undo),
        plain("session-undo-to-a-mark", restore),
        plain("session-backup", backup),
        Sessions::new("session-checkpoint", with_arrays, checkpoints),
        Sessions::new("session-checkpoint-beside", with_arrays, beside),
        Sessions::new("session-checkpoint-thread", with_arrays, of_a_thread),
        Sessions::new("session-checkpoint-history", with_marks, with_history).keeping_history(),
        Sessions::new("session-checkpoint-group", with_arrays, beside)
            .with(|options| options.durability(group))
            .promising(Promise::Order),
        Sessions::new("session-checkpoint-os", with_arrays, checkpoints)
            .with(|options| options.durability(Durability::Os))
            .promising(Promise::Order),
        Sessions::new("session-checkpoint-itself", with_arrays, of_itself)
            .with(|options| options.checkpoint_at(0.3))
            .long(),
        plain("session-autosave", autosave),
        Sessions::new("session-replaced", with_arrays, replaced),
        Sessions::new("session-close", with_arrays, close),
        Sessions::new("session-close-journal", with_arrays, close)
            .with(|options| options.fold_below(0)),
    ]
}

// What was there.

pub(super) fn a_few(work: &mut Work) -> Result<()> {
    work.set("a", 1)?;
    work.set("b", "text")?;
    work.put("c", f64::NAN)
}

/// Arrays in the archive, and one in the journal.
pub(super) fn with_arrays(work: &mut Work) -> Result<()> {
    work.set("kept", tensor(2000, 0.5)?)?;
    work.set("changed", tensor(1000, 1.5)?)?;
    work.put("n", 1)?;
    work.checkpoint()?;
    work.put("changed", tensor(1200, 2.5)?)
}

fn with_marks(work: &mut Work) -> Result<()> {
    work.set("x", 1)?;
    work.mark("one")
}

// What is done.

fn create(work: &mut Work) -> Result<()> {
    work.set("first", 1)?;
    work.put("second", tensor(100, 0.0)?)?;
    work.put("first", 2)
}

fn scalars(work: &mut Work) -> Result<()> {
    for n in 0..3 {
        work.set("a", n * 10)?;
        work.set("b", format!("text {n}"))?;
        work.put(&format!("new {n}"), f64::from(n) / 3.0)?;
    }
    let list = Value::vector([Value::Null, true.into(), Value::Number(-0.0)]);
    let marked = Variable::new(list).attributes(Record::from([("units", Value::from("m"))]));
    work.define("list", marked.mutable())?;
    work.commit()
}

fn groups(work: &mut Work) -> Result<()> {
    for n in 0..7 {
        work.put("a", n * 10)?;
        if n % 3 == 2 {
            work.synced()?;
        }
    }
    // The seventh waits.
    work.step(|session| session.sync())?;
    work.synced()
}

/// A payload that is streamed, small ones around it; then a commit that does not fit the buffer.
fn large(work: &mut Work) -> Result<()> {
    work.set("a", 2)?;
    work.set("large", tensor(140_000, 0.25)?)?;
    work.put("b", "after it")?;
    for n in 0..3 {
        work.set(&format!("middle {n}"), tensor(50_000, f64::from(n))?)?;
    }
    work.commit()?;
    work.put("a", 3)
}

fn names(work: &mut Work) -> Result<()> {
    work.rename("a", "d")?;
    work.remove("b")?;
    work.commit()?;
    work.put("b", "again, at the end")?;
    work.mark("before")?;
    work.clear();
    work.put("only", 1)?;
    work.clear();
    work.commit()
}

fn cells(work: &mut Work) -> Result<()> {
    work.set_new_cell("cell", 1)?;
    work.commit()?;
    work.set_vector_of_cell("other", "cell")?;
    work.commit()?;
    let one = work.here();
    work.fill_cell("cell", 2)?;
    work.commit()?;
    work.undo(&one)?;
    work.fill_cell("cell", tensor(300, 3.0)?)?;
    work.put("a", 2)?;
    work.checkpoint()?;
    work.fill_cell("cell", 4)?;
    work.commit()
}

fn undo(work: &mut Work) -> Result<()> {
    let zero = work.here();
    work.put("a", tensor(500, 1.0)?)?;
    let one = work.here();
    work.remove("b")?;
    work.put("a", 3)?;
    let two = work.here();
    work.undo(&one)?;
    work.undo(&zero)?;
    work.redo(&one)?;
    work.redo(&two)?;
    work.undo(&one)?;
    work.put("last", 4)
}

fn restore(work: &mut Work) -> Result<()> {
    work.mark("here")?;
    let here = work.here();
    work.put("a", tensor(500, 1.0)?)?;
    let sequence = work.session().map_or(0, |session| session.sequence());
    let there = work.here();
    work.clear();
    work.put("x", 1)?;
    work.restore_at(&Moment::Mark("here".into()), &here)?;
    work.restore_at(&Moment::Sequence(sequence), &there)?;
    work.put("y", 2)?;
    work.checkpoint()
}

fn backup(work: &mut Work) -> Result<()> {
    let to = work.archive.with_file_name(BACKUP);
    work.put("a", tensor(300, 0.0)?)?;
    work.backup(&to)?;
    work.put("a", 2)?;
    work.backup(&to)
}

fn checkpoints(work: &mut Work) -> Result<()> {
    work.put("n", 2)?;
    work.checkpoint()?;
    work.put("n", 3)?;
    work.checkpoint()?;
    work.set("kept", tensor(100, 9.0)?)?;
    work.put("n", 4)?;
    work.checkpoint()?;
    work.put("n", 5)
}

/// Commits between the steps of a checkpoint; one that was given up before.
fn beside(work: &mut Work) -> Result<()> {
    drop(work.begin_checkpoint()?);
    work.put("n", 2)?;
    work.step(|session| {
        session.abandon_checkpoint();
        Ok(())
    })?;
    let Some(begun) = work.begin_checkpoint()? else {
        return Err("there was nothing to fold".into());
    };
    work.put("n", 3)?;
    work.set("same", work_array()?)?;
    work.commit()?;
    if let Some(done) = work.run_checkpoint(&begun)? {
        work.put("n", 4)?;
        work.finish_checkpoint(done)?;
    }
    work.put("n", 5)?;
    work.checkpoint()
}

fn work_array() -> Result<Value> {
    Ok(tensor(2000, 0.5)?.into())
}

fn of_a_thread(work: &mut Work) -> Result<()> {
    let Some(begun) = work.begin_checkpoint()? else {
        return Err("there was nothing to fold".into());
    };
    let done = thread::scope(|scope| {
        let running = scope.spawn(|| begun.run());
        work.put("n", 2)?;
        work.put("changed", tensor(300, 4.0)?)?;
        let done = running.join().map_err(|_| "the thread panicked")?;
        Result::Ok(done?)
    })?;
    work.put("n", 3)?;
    work.finish_checkpoint(done)?;
    work.put("n", 4)
}

fn with_history(work: &mut Work) -> Result<()> {
    let one = work.here();
    work.set("y", tensor(300, 0.0)?)?;
    work.mark("two")?;
    work.checkpoint()?;
    work.set("x", 3)?;
    work.mark("three")?;
    work.checkpoint()?;
    work.restore_at(&Moment::Mark("one".into()), &one)?;
    work.mark("four")
}

/// Each commit leaves more than a MiB dead.
fn of_itself(work: &mut Work) -> Result<()> {
    for n in 0..3 {
        work.put("large", tensor(140_000, f64::from(n))?)?;
    }
    Ok(())
}

fn close(work: &mut Work) -> Result<()> {
    work.put("n", 2)?;
    work.set("waiting", tensor(300, 0.0)?)?;
    work.close()?;
    work.reopen()?;
    work.put("n", 3)?;
    work.close()
}

fn autosave(work: &mut Work) -> Result<()> {
    let mut environment = Environment::new();
    let background = work.autosave(&mut environment)?;
    for n in 0..3 {
        work.record(&mut environment, "n", n)?;
        work.record(&mut environment, &format!("new {n}"), tensor(300, 0.0)?)?;
        work.flush(&background)?;
    }
    work.stop(background)?;
    work.put("a", 2)
}

/// A save over the archive that gives its journal up, and a session over what was saved.
fn replaced(work: &mut Work) -> Result<()> {
    work.put("n", 2)?;
    work.leave();
    work.save_over(&[("n", Value::from(3)), ("array", tensor(300, 1.0)?.into())])?;
    work.reopen()?;
    work.put("n", 4)
}

/// What all recoveries do.
pub(super) const RECOVERED: Act = |work| {
    work.put("n", 10)?;
    work.leave();
    work.reopen()?;
    work.put("n", 11)?;
    work.checkpoint()?;
    work.put("n", 12)
};
