//! Promises of kept history: it reaches over checkpoints, says where it cannot be read, and a state
//! that cannot be read changes nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use achronyme_env::{
    Durability, EnvError, Moment, Record, Session, SessionOptions, SessionReader, Tensor,
};

fn options() -> SessionOptions {
    SessionOptions::new()
        .create(true)
        .durability(Durability::Os)
        .checkpoint_at(None)
        .keep_history(true)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// Flips a bit of the byte at `offset`.
fn flip(path: &Path, offset: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[offset] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

fn find(path: &Path, wanted: &[u8]) -> usize {
    let bytes = std::fs::read(path).unwrap();
    let mut windows = bytes.windows(wanted.len());
    windows.position(|window| window == wanted).unwrap()
}

fn a(session: &Session) -> i64 {
    session.get("a").unwrap().as_i64().unwrap()
}

/// Commits of `a`, one to each segment: the n-th says n. `x.ach-journal.n` holds the n-th.
fn numbered(path: &Path, commits: i64) -> Session {
    let mut session = options().open(path).unwrap();
    for n in 1..=commits {
        session.set("a", n).unwrap();
        assert_eq!(session.commit().unwrap(), n as u64);
        session.checkpoint().unwrap().unwrap();
    }
    session
}

#[test]
fn a_state_of_the_past_that_cannot_be_read_leaves_the_session_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    // A node, which is read when the value is loaded; array data, which is read when it is written.
    let numbers: Vec<f64> = (0..40_000).map(|n| f64::from(n) + 0.25).collect();
    for (name, place) in [
        ("node", &b"a needle"[..]),
        ("array", &777.25f64.to_le_bytes()),
    ] {
        let path = dir.path().join(format!("{name}.ach"));
        let mut session = options().open(&path).unwrap();
        let tensor = Tensor::from_vec(numbers.clone(), [40_000]).unwrap();
        session
            .set("a", Record::from([("text", "a needle")]))
            .unwrap();
        session.set("b", tensor).unwrap();
        let first = session.commit().unwrap();
        session.checkpoint().unwrap().unwrap();
        session.set("c", 1).unwrap();
        session.set("a", 2).unwrap();
        session.remove("b").unwrap();
        session.commit().unwrap();
        session.checkpoint().unwrap().unwrap();
        session.set("d", 3).unwrap();
        session.commit().unwrap();
        let segment = beside(&path, "-journal.1");
        flip(&segment, find(&segment, place));

        let error = session.restore_at(&Moment::Sequence(first)).unwrap_err();
        assert!(error.fault().is_some(), "{error}");
        assert!(!session.is_changed(), "{name}");
        assert_eq!(session.names().len(), 3);
        session.set("e", 4).unwrap();
        session.close().unwrap();

        let session = options().open(&path).unwrap();
        assert_eq!(session.names().len(), 4, "{name}");
        assert_eq!(a(&session), 2);
    }
}

#[test]
fn damage_in_kept_history_is_told_and_nothing_else_is_taken_for_what_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = numbered(&path, 6);
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!(session.log().unwrap().len(), 6);
    assert!(reader.verify_journal(|_, _| {}).unwrap().faults.is_empty());
    assert_eq!(reader.verify_journal(|_, _| {}).unwrap().frames, 6);
    let fifth = session.log().unwrap()[4].time;
    let segment = beside(&path, "-journal.4");
    // The first frame stands behind the begin frame of 128 bytes.
    flip(&segment, 128 + 16);

    let told = |error: EnvError| {
        assert!(error.fault().is_some(), "{error}");
        let text = error.to_string();
        assert!(text.contains("run.ach-journal.4"), "{text}");
        assert!(text.contains("up to frame 3 of 6"), "{text}");
    };
    told(session.restore_at(&Moment::Sequence(5)).unwrap_err());
    told(session.restore_at(&Moment::Time(fifth)).unwrap_err());
    told(
        session
            .restore_at(&Moment::Mark("none".into()))
            .unwrap_err(),
    );
    told(session.log().unwrap_err());
    told(session.replay().err().unwrap());
    told(reader.log().unwrap_err());
    let faults = reader.verify_journal(|_, _| {}).unwrap().faults;
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].path, segment);
    assert_eq!(a(&session), 6);
    assert!(!session.is_changed());

    // What stands before the damage can be reached.
    let travelled = session.restore_at(&Moment::Sequence(2)).unwrap();
    assert_eq!((travelled.to, a(&session)), (2, 2));
}

#[test]
fn the_last_of_several_marks_is_not_guessed_behind_damage() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = options().open(&path).unwrap();
    for n in 1..=3 {
        session.set("a", n).unwrap();
        session.mark("here").unwrap();
        session.checkpoint().unwrap().unwrap();
    }
    let moment = Moment::Mark("here".into());
    flip(&beside(&path, "-journal.3"), 128 + 16);
    let error = session.restore_at(&moment).unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert_eq!(a(&session), 3);
}

#[test]
fn damage_in_the_archive_that_history_begins_with_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = options().keep_history(false).open(&path).unwrap();
    session.set("text", "a needle").unwrap();
    session.checkpoint().unwrap().unwrap();
    session.close().unwrap();
    let session = numbered_on(&path);
    drop(session);
    let base = beside(&path, "-base");
    flip(&base, find(&base, b"a needle"));
    let reader = SessionReader::open(&path).unwrap();
    let faults = reader.verify_journal(|_, _| {}).unwrap().faults;
    assert_eq!(faults[0].path, base);
    assert_eq!(faults[0].variable.as_deref(), Some("text"));
}

fn numbered_on(path: &Path) -> Session {
    let mut session = options().open(path).unwrap();
    session.set("a", 1).unwrap();
    session.checkpoint().unwrap().unwrap();
    session
}

#[test]
fn going_back_over_checkpoints_is_undone_as_other_commits_are() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = numbered(&path, 3);
    session.restore_at(&Moment::Sequence(1)).unwrap();
    assert_eq!(a(&session), 1);
    session.undo().unwrap();
    assert_eq!(a(&session), 3);
}

#[test]
fn a_time_between_a_checkpoint_and_the_first_commit_is_the_state_of_the_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    for keep in [false, true] {
        let path = dir.path().join(format!("{keep}.ach"));
        let start = SystemTime::now();
        std::thread::sleep(Duration::from_millis(5));
        let mut session = options().keep_history(keep).open(&path).unwrap();
        session.set("a", 1).unwrap();
        session.checkpoint().unwrap().unwrap();
        std::thread::sleep(Duration::from_millis(5));
        let between = SystemTime::now();
        std::thread::sleep(Duration::from_millis(5));
        session.set("a", 2).unwrap();
        session.commit().unwrap();
        let travelled = session.restore_at(&Moment::Time(between)).unwrap();
        assert_eq!((travelled.to, a(&session)), (1, 1));
        session.undo().unwrap();
        assert_eq!(a(&session), 2);
        // Before the session there is nothing.
        let error = session.restore_at(&Moment::Time(start)).unwrap_err();
        assert!(matches!(error, EnvError::HistoryEnds { .. }), "{error}");
    }
}

/// Files below a folder that this process has open.
#[cfg(target_os = "linux")]
fn open_below(folder: &Path) -> usize {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    paths.filter(|path| path.starts_with(folder)).count()
}

#[cfg(target_os = "linux")]
#[test]
fn history_of_many_segments_needs_few_open_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = numbered(&path, 40);
    let before = open_below(dir.path());
    let events: Vec<_> = session.replay().unwrap().collect::<Result<_, _>>().unwrap();
    // Each event reads from its segment.
    let open = open_below(dir.path());
    assert!(open < before + 5, "{open} files, {before} before");
    assert_eq!(events.len(), 40);
    for (n, event) in (1..).zip(&events) {
        assert_eq!(event.value().unwrap().unwrap().as_i64(), Some(n));
    }
    assert!(open_below(dir.path()) < before + 5);
    drop(events);
    session.restore_at(&Moment::Sequence(7)).unwrap();
    assert_eq!(a(&session), 7);
    assert_eq!(session.log().unwrap().len(), 41);
}

#[test]
fn a_segment_of_the_past_that_was_replaced_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut session = numbered(&path, 4);
    let events: Vec<_> = session.replay().unwrap().collect::<Result<_, _>>().unwrap();
    let second = beside(&path, "-journal.2");
    let bytes = std::fs::read(&second).unwrap();
    std::fs::rename(&second, dir.path().join("away")).unwrap();
    std::fs::write(&second, bytes).unwrap();
    let error = events[1].value().unwrap_err();
    assert!(matches!(error, EnvError::Io { .. }), "{error}");
    assert_eq!(events[2].value().unwrap().unwrap().as_i64(), Some(3));
}
