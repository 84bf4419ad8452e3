//! Promise: what is committed is not lost by saving over the archive, unless that is asked for.

use achronyme_env::{
    Archive, ArchiveWriter, EnvError, Environment, OpenOptions, RestoreOptions, SaveOptions,
    Session, SessionOptions, SessionReader, env_load_var, restore_environment, save,
    save_environment,
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

/// The process may end between the save and the removal of the journal.
#[test]
fn a_journal_that_a_save_gave_up_and_left_is_not_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    let journal = dir.path().join("run.ach-journal");
    let bytes = std::fs::read(&journal).unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    let options = SaveOptions::new()
        .allow_overwrite(true)
        .discard_journal(true);
    save(&path, [("y", 1.0f64)], &options).unwrap();
    std::fs::write(&journal, bytes).unwrap();

    assert!(reader.refresh().unwrap());
    assert_eq!(reader.archive().names().collect::<Vec<_>>(), ["y"]);
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!(reader.archive().names().collect::<Vec<_>>(), ["y"]);
    let mut session = Session::open(&path).unwrap();
    assert_eq!(session.names().len(), 1);
    session.set("z", 2).unwrap();
    session.commit().unwrap();
    drop(session);
    let session = Session::open(&path).unwrap();
    assert_eq!(session.names().len(), 2);
    session.close().unwrap();
    assert_eq!(Archive::open(&path).unwrap().len(), 2);
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

/// The state a rotation leaves that ends between its two renames; the lock file may be missing where
/// files were copied by hand.
#[test]
fn a_journal_of_nothing_but_a_retired_segment_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    let retired = dir.path().join("run.ach-journal.2");
    std::fs::rename(dir.path().join("run.ach-journal"), &retired).unwrap();
    std::fs::remove_file(dir.path().join("run.ach-lock")).unwrap();
    let opened = OpenOptions::new().journal(true).open(&path).unwrap();
    assert_eq!(opened.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(env_load_var(&path, "x").unwrap().as_i64(), Some(2));
    let options = SaveOptions::new().allow_overwrite(true);
    let error = save(&path, [("y", 1.0f64)], &options).unwrap_err();
    assert!(matches!(error, EnvError::UnfoldedJournal { .. }), "{error}");
    assert!(retired.exists());
    save(&path, [("y", 1.0f64)], &options.discard_journal(true)).unwrap();
    assert!(!retired.exists());
}

#[test]
fn history_that_is_kept_is_not_lost_by_a_save_unless_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let options = SessionOptions::new().create(true).keep_history(true);
    let mut session = options.open(&path).unwrap();
    for n in 0..3 {
        session.set("x", n).unwrap();
        session.checkpoint().unwrap();
    }
    assert_eq!(session.close().unwrap().journal, None);
    let files = || std::fs::read_dir(dir.path()).unwrap().count();
    let before = files();
    let base = dir.path().join("run.ach-base");
    assert!(base.exists());
    let options = SaveOptions::new().allow_overwrite(true);
    let error = save(&path, [("y", 1.0f64)], &options).unwrap_err();
    assert!(matches!(error, EnvError::UnfoldedJournal { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("history") && text.contains("run.ach-base"),
        "{text}"
    );
    assert!(
        !text.contains("ach checkpoint"),
        "nothing is to be folded: {text}"
    );
    assert_eq!(files(), before);
    let log = SessionReader::open(&path).unwrap().log().unwrap();
    assert_eq!(log.len(), 3);

    save(&path, [("y", 1.0f64)], &options.discard_journal(true)).unwrap();
    assert!(!base.exists());
    let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
    assert_eq!(names.len(), 2, "archive and lock: {names:?}");
    assert_eq!(Session::open(&path).unwrap().names().len(), 1);
}

/// A journal whose archive is gone may be all that is left of a session.
#[test]
fn no_session_is_begun_beside_the_journal_of_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    journaled(&path);
    std::fs::remove_file(&path).unwrap();
    let journal = dir.path().join("run.ach-journal");
    let bytes = std::fs::read(&journal).unwrap();
    let create = SessionOptions::new().create(true);
    for _ in 0..2 {
        let error = create.open(&path).unwrap_err();
        assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
        assert!(!path.exists());
        assert_eq!(std::fs::read(&journal).unwrap(), bytes);
    }
    // What is no segment is no reason.
    std::fs::write(&journal, [0; 4096]).unwrap();
    create.open(&path).unwrap().close().unwrap();
    assert!(Archive::open(&path).unwrap().is_empty());
}

#[test]
fn only_the_archive_that_was_read_is_replaced_when_that_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save(&path, [("x", 1.0f64)], &SaveOptions::new()).unwrap();
    let digest = Archive::open(&path).unwrap().root_digest().unwrap();
    let replacing = SaveOptions::new().replaces(digest);
    // Nobody writes to it while the save is under way.
    let writer = ArchiveWriter::create(&path, &replacing).unwrap();
    let error = Session::open(&path).unwrap_err();
    assert!(matches!(error, EnvError::SessionLocked { .. }), "{error}");
    drop(writer);
    save(&path, [("x", 2.0f64)], &replacing).unwrap();
    // Now another stands there, and is not replaced.
    let error = save(&path, [("x", 3.0f64)], &replacing).unwrap_err();
    assert!(matches!(error, EnvError::ChangedInPlace { .. }), "{error}");
    let archive = Archive::open(&path).unwrap();
    assert_eq!(archive.get("x").unwrap().as_f64(), Some(2.0));
    std::fs::remove_file(&path).unwrap();
    let error = save(&path, [("x", 3.0f64)], &replacing).unwrap_err();
    assert!(matches!(error, EnvError::ChangedInPlace { .. }), "{error}");
}
