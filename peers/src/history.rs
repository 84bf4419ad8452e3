//! Sessions with a history: undo, open, and readers that follow.

use std::cell::RefCell;
use std::path::Path;

use achronyme_env::{Durability, SessionOptions, SessionReader};

use super::measure::{Case, busy, in_turn, print};
use super::{Outcome, Plan};

/// 10,000 commits of one number each; and readers that follow one commit in it, and in a session of
/// 1,000,000 names.
pub(crate) fn history(plan: &Plan<'_>) -> Outcome {
    let commits = plan.of(10_000, 500);
    let path = plan.dir.join("history.ach");
    let options = SessionOptions::new().create(true);
    let options = options.durability(Durability::Os).checkpoint_at(None);
    let mut session = options.open(&path)?;
    for commit in 0..commits {
        session.set(&format!("session/var{:06}", commit % 1000), commit as f64)?;
        session.commit()?;
    }
    let mut reader = SessionReader::open(&path)?;
    let session = RefCell::new(session);
    let mut number = 0.5;
    let mut cases = [
        Case::new("undo", || {
            let undone = busy(|| session.borrow_mut().undo().expect("an undo"));
            session.borrow_mut().redo().expect("a redo");
            vec![undone]
        }),
        Case::new("redo", || {
            session.borrow_mut().undo().expect("an undo");
            vec![busy(|| session.borrow_mut().redo().expect("a redo"))]
        }),
        Case::new("open to read", || {
            vec![busy(|| SessionReader::open(&path).expect("a session"))]
        }),
        Case::new("open to read, and list the commits", || {
            vec![busy(|| log(&path))]
        }),
    ];
    let rounds = plan.of(50, 5);
    in_turn(rounds, &mut cases);
    let title = format!("session of {commits} commits of one number, not synced, processor time");
    print(&title, 1.0, &cases);
    drop(cases);
    let mut cases = [Case::new("refresh after one commit", || {
        reader.refresh().expect("a refresh");
        number += 1.0;
        let mut session = session.borrow_mut();
        session.set("session/var000001", number).expect("a name");
        session.commit().expect("a commit");
        let taken = busy(|| assert!(reader.refresh().expect("a refresh")));
        vec![taken]
    })];
    in_turn(rounds, &mut cases);
    print(&title, 1.0, &cases);
    drop(cases);
    drop(session);

    let names = plan.of(1_000_000, 10_000);
    let path = plan.dir.join("names.ach");
    let mut session = super::opening::long(&path, names, names);
    let mut reader = SessionReader::open(&path)?;
    let mut cases = [Case::new("refresh after one commit", || {
        number += 1.0;
        session.set("session/var000001", number).expect("a name");
        session.commit().expect("a commit");
        let taken = busy(|| assert!(reader.refresh().expect("a refresh")));
        vec![taken]
    })];
    in_turn(rounds, &mut cases);
    print(
        &format!("session of {names} names in the journal, processor time"),
        1.0,
        &cases,
    );
    Ok(())
}

fn log(path: &Path) -> usize {
    let reader = SessionReader::open(path).expect("a session");
    reader.log().expect("a log").len()
}
