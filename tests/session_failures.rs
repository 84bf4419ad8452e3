//! Promises: what fails in a session, and what was damaged before, costs nothing that was committed.

mod open_session;

use std::fs;
use std::path::Path;

use achronyme_env::{
    Archive, Durability, EnvError, Session, SessionOptions, SessionReader, Tensor, Value, save,
};
use open_session::{open, options, tensor};

/// A value that is nested too deep to be written.
fn unwritable() -> Value {
    (0..200).fold(Value::Null, |inner, _| Value::vector([inner]))
}

fn same(session: &Session, name: &str, expected: &Tensor) {
    let value = session.get(name).unwrap();
    assert!(value.identical(&Value::from(expected.clone())).unwrap());
}

/// Flips one bit of the only place where `pattern` stands in a file.
fn flip(path: &Path, pattern: &[u8]) {
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.windows(pattern.len()).position(|w| w == pattern);
    bytes[at.unwrap()] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn what_a_failed_commit_wrote_is_not_named_by_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    let big = tensor(1 << 17, 0.5);
    session.set("big", big.clone()).unwrap();
    session.set("bad", unwritable()).unwrap();
    session.commit().unwrap_err();
    session.set("bad", 1).unwrap();
    session.commit().unwrap();
    let done = checkpoint.run().unwrap();
    session.finish_checkpoint(done).unwrap();
    drop(session);
    same(&open(&path), "big", &big);
}

#[test]
fn a_value_that_cannot_be_written_is_taken_back_by_removing_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.set("bad", unwritable()).unwrap();
    session.commit().unwrap_err();
    session.remove("bad").unwrap();
    session.commit().unwrap();
    assert_eq!(session.names(), ["x".into()]);
    // Also when renames stand between.
    for name in ["new", "x"] {
        session.set(name, unwritable()).unwrap();
        session.rename(name, "other").unwrap();
        session.rename("other", name).unwrap();
        session.commit().unwrap_err();
        session.remove(name).unwrap();
        session.set("y", 2).unwrap();
        session.commit().unwrap();
        session.remove("y").unwrap();
        session.set("x", 1).unwrap();
        session.commit().unwrap();
        assert_eq!(session.names(), ["x".into()], "{name}");
    }
    drop(session);
    assert_eq!(open(&path).names(), ["x".into()]);
}

#[test]
fn setting_a_damaged_array_again_mends_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let text = format!("{}here{}", "a".repeat(40_000), "b".repeat(40_000));
    let numbers = tensor(20_000, 0.25);
    let mut session = open(&path);
    session.set("text", text.as_str()).unwrap();
    session.set("numbers", numbers.clone()).unwrap();
    session.set("other", numbers.clone()).unwrap();
    session.close().unwrap();
    flip(&path, b"here");
    flip(&path, &12_345.25f64.to_le_bytes());
    assert!(!Archive::open(&path).unwrap().verify().unwrap().is_ok());

    let mut session = open(&path);
    session.get("text").unwrap_err();
    session.set("text", text.as_str()).unwrap();
    session.set("numbers", tensor(20_000, 0.25)).unwrap();
    session.commit().unwrap();
    let grown = session.journal_len();
    assert!(grown > 80_000 + 160_000, "{grown}");
    // What was mended is named again, also by those that stood in what is damaged.
    session.set("text", text.as_str()).unwrap();
    session.set("other", tensor(20_000, 0.25)).unwrap();
    session.commit().unwrap();
    assert!(session.journal_len() < grown + 4096);
    drop(session);
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!(reader.archive().get("text").unwrap().as_str(), Some(&*text));
    let mut session = open(&path);
    same(&session, "numbers", &numbers);
    same(&session, "other", &numbers);
    session.checkpoint().unwrap().unwrap();
    session.close().unwrap();
    assert!(Archive::open(&path).unwrap().verify().unwrap().is_ok());
}

#[test]
fn an_array_that_was_damaged_after_it_was_written_is_mended_from_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let numbers = tensor(1 << 17, 0.25);
    let mut session = open(&path);
    session.set("numbers", numbers.clone()).unwrap();
    session.commit().unwrap();
    let journal = dir.path().join("run.ach-journal");
    let at = 1000.25f64.to_le_bytes();
    let bytes = fs::read(&journal).unwrap();
    let at = bytes.windows(8).position(|w| w == at).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
    std::os::unix::fs::FileExt::write_at(&file, &[0xff], at as u64).unwrap();
    session.set("numbers", numbers.clone()).unwrap();
    session.commit().unwrap();
    same(&session, "numbers", &numbers);
}

#[test]
fn a_checkpoint_that_is_given_up_when_its_archive_is_in_place_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let (first, second) = (tensor(20_000, 1.0), tensor(20_000, 2.0));
    let mut session = open(&path);
    session.set("array", first.clone()).unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap().unwrap();
    session.set("array", second).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    checkpoint.run().unwrap();
    session.abandon_checkpoint();
    // The archive at hand has not the first one any more, and nothing leads back beyond it.
    assert!(matches!(session.undo(), Err(EnvError::HistoryEnds { .. })));
    session.set("array", tensor(20_000, 1.0)).unwrap();
    session.commit().unwrap();
    drop(session);
    let mut session = open(&path);
    same(&session, "array", &first);
    session.checkpoint().unwrap().unwrap();
    same(&session, "array", &first);
}

#[test]
fn a_checkpoint_that_cannot_be_taken_up_closes_the_session_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let away = dir.path().join("away");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    let done = checkpoint.run().unwrap();
    session.set("x", 2).unwrap();
    session.commit().unwrap();
    fs::rename(&path, &away).unwrap();
    session.finish_checkpoint(done).unwrap_err();
    fs::rename(&away, &path).unwrap();
    session.set("x", 3).unwrap();
    let error = session.commit().unwrap_err();
    let text = error.to_string();
    assert!(text.contains("of a checkpoint was not taken up"), "{text}");
    assert!(text.contains("open the session again"), "{text}");
    drop(session);
    let mut session = open(&path);
    assert_eq!(session.get("x").unwrap().as_i64(), Some(2));
    session.checkpoint().unwrap().unwrap();
}

#[test]
fn nobody_writes_before_a_checkpoint_that_was_begun_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    session.set("x", 2).unwrap();
    // Nor when the session is closed.
    assert!(session.close().unwrap().journal.is_some());
    let locked = options().open(&path).unwrap_err();
    assert!(matches!(locked, EnvError::SessionLocked { .. }), "{locked}");
    checkpoint.run().unwrap();
    let session = open(&path);
    assert_eq!(session.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(session.unfolded(), 1);
}

#[test]
fn a_checkpoint_replaces_only_the_archive_it_was_begun_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let other = dir.path().join("other.ach");
    save(&other, [("other", Value::from(7))], &Default::default()).unwrap();
    let mut session = open(&path);
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let checkpoint = session.begin_checkpoint().unwrap().unwrap();
    fs::rename(&path, dir.path().join("away")).unwrap();
    fs::rename(&other, &path).unwrap();
    let error = checkpoint.run().unwrap_err();
    assert!(matches!(error, EnvError::ChangedInPlace { .. }), "{error}");
    assert!(Archive::open(&path).unwrap().contains("other"));
    // Nor when it was given up meanwhile.
    fs::rename(dir.path().join("away"), &path).unwrap();
    session.abandon_checkpoint();
    checkpoint.run().unwrap_err();
    drop(checkpoint);
    session.undo().unwrap();
    session.redo().unwrap();
    drop(session);
    assert_eq!(open(&path).get("x").unwrap().as_i64(), Some(1));
}

#[test]
fn a_commit_counts_though_the_checkpoint_after_it_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = open(&path);
    let text = format!("{}here{}", "a".repeat(40_000), "b".repeat(40_000));
    session.set("text", text).unwrap();
    session.close().unwrap();
    flip(&path, b"here");
    let mut session = SessionOptions::new()
        .durability(Durability::Os)
        .open(&path)
        .unwrap();
    session.set("big", tensor(9 << 20, 0.0)).unwrap();
    session.commit().unwrap();
    assert!(session.checkpoint_error().is_none());
    session.set("big", 0).unwrap();
    session.commit().unwrap();
    let error = session.checkpoint_error().unwrap().to_string();
    assert!(error.contains("damaged"), "{error}");
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    session.undo().unwrap();
    session.mark("here").unwrap();
    session.remove("text").unwrap();
    session.commit().unwrap();
    session.checkpoint().unwrap().unwrap();
    assert!(session.checkpoint_error().is_none());
    session.close().unwrap();
    assert_eq!(Archive::open(&path).unwrap().len(), 1);
}

#[test]
fn arrays_of_another_archive_are_told_apart_by_what_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("run.ach"), dir.path().join("other.ach"));
    let arrays = [tensor(70_000, 1.0), tensor(70_000, 2.0)];
    let values = arrays.clone().map(Value::from);
    save(
        &other,
        ["a", "b"].into_iter().zip(values),
        &Default::default(),
    )
    .unwrap();
    let other = Archive::open(&other).unwrap();
    let mut session = open(&path);
    for name in ["a", "b"] {
        session.set(name, other.get(name).unwrap()).unwrap();
        session.commit().unwrap();
    }
    drop(session);
    let mut session = open(&path);
    for name in ["a", "b"] {
        let again = session.get(name).unwrap();
        session.set(&format!("{name} again"), again).unwrap();
    }
    session.commit().unwrap();
    let verified = SessionReader::open(&path).unwrap().archive().verify();
    assert!(verified.unwrap().is_ok());
    session.checkpoint().unwrap().unwrap();
    for (name, array) in ["a", "b"].into_iter().zip(&arrays) {
        same(&session, name, array);
        same(&session, &format!("{name} again"), array);
    }
    assert!(Archive::open(&path).unwrap().verify().unwrap().is_ok());
}
