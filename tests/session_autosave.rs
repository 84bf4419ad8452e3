//! Promises of saving in the background: everything recorded is committed, the host never waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use achronyme_env::{
    AutosaveOptions, Durability, Environment, Session, SessionOptions, SessionReader, Tensor,
};

fn attached(path: &Path, environment: &mut Environment) -> Session {
    let options = SessionOptions::new()
        .create(true)
        .durability(Durability::Os);
    let mut session = options.open(path).unwrap();
    session.attach(environment).unwrap();
    session
}

fn options(every: Duration, changes: usize) -> AutosaveOptions {
    let mut options = AutosaveOptions::default();
    options.every = every;
    options.changes = changes;
    options
}

#[test]
fn changes_are_committed_when_enough_wait() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session
        .autosave(options(Duration::from_secs(3600), 3))
        .unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    environment.set("a", 1).unwrap();
    environment.set("a", 2).unwrap();
    assert_eq!(autosave.status().waiting, 1, "the same variable again");
    environment.set("b", 1).unwrap();
    environment.set("c", 1).unwrap();
    while reader.archive().len() < 3 {
        assert!(reader.wait(Duration::from_secs(60)).unwrap());
    }
    assert_eq!(reader.archive().get("a").unwrap().as_i64(), Some(2));
    environment.set("d", 1).unwrap();
    drop(autosave);
    assert!(reader.refresh().unwrap());
    assert!(reader.archive().contains("d"));
}

#[test]
fn old_changes_are_committed_when_their_time_has_come() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session
        .autosave(options(Duration::from_millis(20), 1_000))
        .unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    environment.set("a", 1).unwrap();
    assert!(reader.wait(Duration::from_secs(60)).unwrap());
    assert!(reader.archive().contains("a"));
    assert!(autosave.status().sequence > 0);
}

#[test]
fn what_is_recorded_during_a_pause_is_committed_together() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session
        .autosave(options(Duration::from_millis(1), 1))
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let watching = {
        let (stop, path) = (Arc::clone(&stop), path.clone());
        std::thread::spawn(move || {
            let mut reader = SessionReader::open(&path).unwrap();
            let mut states = 0;
            while !stop.load(Relaxed) {
                states += u32::from(reader.refresh().unwrap());
                let [a, b] = ["a", "b"].map(|name| reader.archive().get(name).ok());
                let [a, b] = [a, b].map(|value| value.and_then(|value| value.as_i64()));
                assert_eq!(a, b);
            }
            states
        })
    };
    for n in 0..200 {
        let _pause = autosave.pause();
        environment.set("a", n).unwrap();
        std::thread::yield_now();
        environment.set("b", n).unwrap();
    }
    autosave.flush().unwrap();
    std::thread::sleep(Duration::from_millis(30));
    stop.store(true, Relaxed);
    assert!(watching.join().unwrap() > 0);
    let session = autosave.stop().unwrap();
    assert_eq!(session.get("b").unwrap().as_i64(), Some(199));
}

#[test]
fn checkpoints_are_made_when_too_much_is_dead() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session
        .autosave(options(Duration::from_secs(3600), 1_000_000))
        .unwrap();
    for n in 0..40 {
        let tensor = Tensor::from_vec(vec![f64::from(n); 1 << 19], [1 << 19]).unwrap();
        environment.set("big", tensor).unwrap();
        autosave.flush().unwrap();
    }
    let session = autosave.stop().unwrap();
    let written = 40 * (8u64 << 19);
    assert!(session.journal_len() < written / 2, "it was folded");
    let big = session.get("big").unwrap();
    assert_eq!(big.as_tensor().unwrap().as_slice::<f64>().unwrap()[7], 39.0);
    assert!(session.archive().verify().unwrap().is_ok());
}

#[test]
fn a_failed_commit_is_told_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session
        .autosave(options(Duration::from_secs(3600), 1_000_000))
        .unwrap();
    let mut deep = achronyme_env::Value::from(1);
    for _ in 0..200 {
        deep = achronyme_env::Value::vector([deep]);
    }
    environment.set("deep", deep).unwrap();
    environment.set("x", 1).unwrap();
    let error = autosave.flush().unwrap_err();
    assert!(error.to_string().contains("deep"), "{error}");
    assert!(autosave.status().error.is_some());
    environment.set("deep", 2).unwrap();
    autosave.flush().unwrap();
    assert!(autosave.status().error.is_none());
    let session = autosave.stop().unwrap();
    assert_eq!(session.get("deep").unwrap().as_i64(), Some(2));
    assert_eq!(session.get("x").unwrap().as_i64(), Some(1));
}
