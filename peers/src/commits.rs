//! Durable commits of numbers.

use std::time::Duration;

use achronyme_env::{Durability, Session, SessionOptions};

use super::measure::{Case, in_turn, print, seconds};
use super::stores::{Plain, Redb, Sqlite, Store, session};
use super::{Outcome, Plan};

/// Commits of one store before it is the next one's turn.
const TURN: usize = 20;

/// One number in a commit: always under the same name, and each time under another of 10,000.
pub(crate) fn one(plan: &Plan<'_>) -> Outcome {
    for (what, count) in [("one name", 1), ("any of 10,000 names", 10_000)] {
        let title = format!("durable commit of one number, {what}");
        compare(plan, &title, count, 1, plan.of(100, 5), Vec::new())?;
    }
    Ok(())
}

/// 64 numbers under as many names in a commit; and in 64 commits that reach the disk together.
pub(crate) fn many(plan: &Plan<'_>) -> Outcome {
    let dir = tempfile::tempdir_in(plan.dir)?;
    let together = Durability::Group {
        every: Duration::from_secs(3600),
        commits: 64,
    };
    let options = SessionOptions::new().create(true).durability(together);
    let mut session = options.open(dir.path().join("group.ach"))?;
    let names = names(64);
    let mut number = 0.0;
    let grouped = Case::new("session, 64 commits on the disk together", move || {
        let mut turn = || {
            for name in &names {
                number += 1.0;
                session.set(name, number).expect("a name");
                Session::commit(&mut session).expect("a commit");
            }
        };
        (0..TURN).map(|_| seconds(&mut turn)).collect()
    });
    let title = "64 numbers in a durable commit, each";
    compare(plan, title, 10_000, 64, plan.of(30, 3), vec![grouped])
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("session/var{n:06}")).collect()
}

/// Commits of `size` numbers under `count` names that are all there before.
fn compare(
    plan: &Plan<'_>,
    title: &str,
    count: usize,
    size: usize,
    rounds: usize,
    more: Vec<Case<'_>>,
) -> Outcome {
    let dir = tempfile::tempdir_in(plan.dir)?;
    let names = names(count);
    let mut stores: Vec<(&str, Box<dyn Store>)> = vec![
        ("session", Box::new(session(dir.path()))),
        ("redb", Box::new(Redb::new(dir.path()))),
        ("SQLite", Box::new(Sqlite::new(dir.path()))),
        ("floor: write, fdatasync", Box::new(Plain::new(dir.path()))),
    ];
    let all: Vec<_> = names.iter().map(|name| (&**name, 0.5)).collect();
    for (_, store) in &mut stores {
        store.commit(&all);
    }
    let mut cases: Vec<Case<'_>> = Vec::new();
    for (name, mut store) in stores {
        let names = &names;
        let mut number = 0;
        let run = move || {
            let mut times = Vec::with_capacity(TURN);
            for _ in 0..TURN {
                let changes: Vec<_> = (0..size)
                    .map(|_| {
                        number += 1;
                        (&*names[number * 7919 % names.len()], number as f64)
                    })
                    .collect();
                times.push(seconds(|| store.commit(&changes)));
                let (name, expected) = changes[changes.len() - 1];
                assert_eq!(store.get(name), expected);
            }
            times
        };
        cases.push(Case::new(name, run));
    }
    cases.extend(more);
    in_turn(rounds, &mut cases);
    print(title, size as f64, &cases);
    Ok(())
}
