//! Promise: what is committed is not lost by saving over the archive, unless that is asked for.

use achronyme_env::{
    Archive, EnvError, Environment, RestoreOptions, SaveOptions, Session, SessionOptions,
    SessionReader, env_load_var, restore_environment, save, save_environment,
};

fn journaled(path: &std::path::Path) {
    let options = SessionOptions::new().create(true).fold_below(0);
    let mut session = options.open(path).unwrap();
    session.set("x", 1).unwrap();
    session.checkpoint().unwrap();
    session.set("x", 2).unwrap();
    session.commit().unwrap();
    let closed = session.close().unwrap();
    assert!(closed.journal.is_some());
}

#[test]
fn a_save_over_unfolded_commits_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    let options = SaveOptions::new().allow_overwrite(true);
    let error = save(&path, [("y", 1.0f64)], &options).unwrap_err();
    assert!(matches!(error, EnvError::UnfoldedJournal { .. }), "{error}");
    assert!(error.to_string().contains("ach checkpoint"));
    let mut environment = Environment::new();
    environment.set("y", 1).unwrap();
    let error = save_environment(&environment, &path, &options).unwrap_err();
    assert!(matches!(error, EnvError::UnfoldedJournal { .. }));
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!(reader.archive().get("x").unwrap().as_i64(), Some(2));
    let litter = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(litter, 3, "archive, journal, lock");

    save(&path, [("y", 1.0f64)], &options.discard_journal(true)).unwrap();
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!(reader.archive().names().collect::<Vec<_>>(), ["y"]);
    assert!(!dir.path().join("run.ach-journal").exists());
    let session = Session::open(&path).unwrap();
    assert_eq!(session.get("y").unwrap().as_f64(), Some(1.0));
}

#[test]
fn a_save_over_a_folded_session_asks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = SessionOptions::new().create(true).open(&path).unwrap();
    session.set("x", 1).unwrap();
    session.commit().unwrap();
    let options = SaveOptions::new().allow_overwrite(true);
    let error = save(&path, [("y", 1.0f64)], &options).unwrap_err();
    assert!(matches!(error, EnvError::SessionLocked { .. }), "{error}");
    session.close().unwrap();
    save(&path, [("y", 1.0f64)], &options).unwrap();
    assert_eq!(
        Archive::open(&path).unwrap().names().collect::<Vec<_>>(),
        ["y"]
    );
}

#[test]
fn a_journal_of_another_archive_is_reported_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    let other = dir.path().join("other.ach");
    save(&other, [("y", 1.0f64)], &SaveOptions::new()).unwrap();
    std::fs::copy(&other, &path).unwrap();
    let journal = std::fs::read(dir.path().join("run.ach-journal")).unwrap();
    let error = Session::open(&path).unwrap_err();
    assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
    let error = SessionReader::open(&path).unwrap_err();
    assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
    assert_eq!(
        Archive::open(&path).unwrap().get("y").unwrap().as_f64(),
        Some(1.0)
    );
    save(
        &path,
        [("z", 1.0f64)],
        &SaveOptions::new().allow_overwrite(true),
    )
    .unwrap();
    assert_eq!(
        std::fs::read(dir.path().join("run.ach-journal")).unwrap(),
        journal
    );
}

#[test]
fn restoring_by_path_includes_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    assert_eq!(env_load_var(&path, "x").unwrap().as_i64(), Some(2));
    let restored = restore_environment(&path, RestoreOptions::new()).unwrap();
    assert_eq!(restored.environment.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(
        Archive::open(&path).unwrap().get("x").unwrap().as_i64(),
        Some(1)
    );
}
