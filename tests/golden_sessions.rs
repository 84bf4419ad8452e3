//! Promise: a session and a delta written once are read for ever, to every commit they have.
//!
//! `tests/data/golden/sessions` holds a session (an archive and its journal), and a delta with its parent; the
//! JSON beside each says what they hold, by content hashes (`docs/format.md`, section 18). A session has
//! a random id and times, so that its bytes differ from one writing to the next. To make them again
//! after a change that is meant:
//!
//! ```text
//! ACH_REMAKE_GOLDEN=1 cargo test --test golden_sessions
//! ```

mod open_session;
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Cell, DType, Delta, DeltaOptions, EventKind, Moment, Order, Record, SaveOptions,
    Session, SessionOptions, SessionReader, Value, Variable, apply_delta, content_hash,
    create_delta, save, serialize_value,
};
use serde_json::{Value as Json, json};

const REMAKE: &str = "ACH_REMAKE_GOLDEN";

fn golden(name: &str) -> PathBuf {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden/sessions");
    data.join(name)
}

/// Compares what was found with what is kept in that file, or keeps it.
fn assert_kept(name: &str, found: &Json) {
    let text = serde_json::to_string_pretty(found).unwrap() + "\n";
    match std::env::var_os(REMAKE) {
        Some(_) => fs::write(golden(name), text).unwrap(),
        None => assert_eq!(fs::read_to_string(golden(name)).unwrap(), text),
    }
}

fn hash(archive: &Archive) -> String {
    let hash = content_hash(archive).unwrap();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A commit of the session: what it did, and what the session then held.
fn noted(session: &Session, what: &str) -> Json {
    json!({
        "sequence": session.sequence(),
        "what": what,
        "names": session.len(),
        "content": hash(session.archive()),
    })
}

/// Writes a session with frames of every kind that is written; returns its commits.
fn write_session(path: &Path) -> Vec<Json> {
    let mut session = open_session::options()
        .keep_history(true)
        .open(path)
        .unwrap();
    let mut commits = Vec::new();
    let large = samples::tensor(DType::F64, &[30, 1000], Order::Fortran);
    session.set("large", large.clone()).unwrap();
    session.set("to be removed", 1).unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap().unwrap();
    commits.push(noted(&session, "folded"));

    // Few with array data, so that the files are small.
    for (name, value) in samples::every_kind() {
        if name == "long bytes" || serialize_value(&value).unwrap().len() < 4096 {
            session.set(&name, value).unwrap();
        }
    }
    session.commit().unwrap();
    commits.push(noted(&session, "every kind"));

    session.set("again", large).unwrap();
    session.commit().unwrap();
    commits.push(noted(&session, "an array that the archive has"));

    let (inner, outer) = (Cell::new(1), Cell::new(0));
    outer.set(Value::vector([Value::Cell(inner.clone())]));
    let about = Record::from([("unit", Value::from("m"))]);
    let marked = Variable::new(inner.clone()).constant().attributes(about);
    session.define("cells/inner", marked).unwrap();
    session.set("cells/outer", outer).unwrap();
    session.commit().unwrap();
    inner.set("changed");
    session.commit().unwrap();
    commits.push(noted(&session, "a cell"));

    assert!(session.remove("to be removed").unwrap());
    session.rename("large", "a new name").unwrap();
    session.mark("before clear").unwrap();
    commits.push(noted(&session, "remove, rename, mark"));

    session.clear();
    session.set("alone", 1.5).unwrap();
    session.commit().unwrap();
    commits.push(noted(&session, "clear"));
    session.undo().unwrap();
    commits.push(noted(&session, "undo"));
    session.redo().unwrap();
    commits.push(noted(&session, "redo"));
    session
        .restore_at(&Moment::Mark("before clear".into()))
        .unwrap();
    commits.push(noted(&session, "restore"));
    commits
}

const SESSION: [&str; 3] = [
    "session.ach",
    "session.ach-journal",
    "session.ach-journal.1",
];

#[test]
fn a_session_is_read_to_each_of_its_commits() {
    let dir = tempfile::tempdir().unwrap();
    let fresh = dir.path().join(SESSION[0]);
    let commits = write_session(&fresh);
    if std::env::var_os(REMAKE).is_some() {
        for name in SESSION {
            fs::copy(dir.path().join(name), golden(name)).unwrap();
        }
    }
    assert_kept("session.json", &json!(commits));

    let path = dir.path().join("kept").join(SESSION[0]);
    fs::create_dir(path.parent().unwrap()).unwrap();
    for name in SESSION {
        fs::copy(golden(name), path.with_file_name(name)).unwrap();
    }
    let reader = SessionReader::open(&path).unwrap();
    let last = commits.last().unwrap();
    assert_eq!(hash(reader.archive()), last["content"]);
    assert_eq!(reader.sequence(), last["sequence"]);
    let report = reader.archive().verify().unwrap();
    assert!(report.is_ok(), "{report:?}");
    drop(reader);
    let mut session = SessionOptions::new()
        .keep_history(true)
        .checkpoint_at(None)
        .open(&path)
        .unwrap();
    let log = session.log().unwrap();
    let changes = log.iter().flat_map(|commit| &commit.changes);
    let kinds: std::collections::BTreeSet<_> = changes.map(kind).collect();
    let expected = [
        "clear", "mark", "redo", "remove", "rename", "restore", "set", "set cell", "undo",
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);
    for commit in &commits {
        let sequence = commit["sequence"].as_u64().unwrap();
        session.restore_at(&Moment::Sequence(sequence)).unwrap();
        assert_eq!(hash(session.archive()), commit["content"], "{commit}");
    }
}

fn kind(change: &EventKind) -> &'static str {
    match change {
        EventKind::Set { .. } => "set",
        EventKind::SetCell { .. } => "set cell",
        EventKind::Remove { .. } => "remove",
        EventKind::Rename { .. } => "rename",
        EventKind::Clear => "clear",
        EventKind::Mark { .. } => "mark",
        EventKind::Undo { .. } => "undo",
        EventKind::Redo { .. } => "redo",
        EventKind::RestoreAt { .. } => "restore",
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_delta_is_applied_to_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name);
    let options = SaveOptions::new().durable(false).created_at(1_700_000_000);
    let large = samples::tensor(DType::I16, &[100, 300], Order::C);
    let old = [
        ("changed", Value::from(1)),
        ("kept", large.clone().into()),
        ("removed", Value::from("text")),
    ];
    let new = [
        (
            "added",
            samples::tensor(DType::F32, &[9000], Order::C).into(),
        ),
        ("changed", Value::from(2)),
        ("kept", large.into()),
    ];
    save(file("old.ach"), old, &options).unwrap();
    save(file("new.ach"), new, &options).unwrap();
    let open = |name: &str| Archive::open(file(name)).unwrap();
    let new = open("new.ach");
    let quick = DeltaOptions::new().durable(false);
    if std::env::var_os(REMAKE).is_some() {
        create_delta(&open("old.ach"), &new, file("made.ach-delta"), &quick).unwrap();
        fs::copy(file("old.ach"), golden("delta-parent.ach")).unwrap();
        fs::copy(file("made.ach-delta"), golden("delta.ach-delta")).unwrap();
    }
    let delta = Delta::open(golden("delta.ach-delta")).unwrap();
    assert_kept(
        "delta.json",
        &json!({
            "parent": hash(&open("old.ach")),
            "result": hash(&new),
            "removed": delta.removed(),
        }),
    );
    let parent = Archive::open(golden("delta-parent.ach")).unwrap();
    assert_eq!(hash(&parent), hash(&open("old.ach")));
    let made = file("made.ach");
    apply_delta(&parent, golden("delta.ach-delta"), &made, &quick).unwrap();
    assert_eq!(hash(&open("made.ach")), hash(&new));
}
