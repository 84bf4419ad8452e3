//! Promises of saving in the background: everything recorded is committed, the host never waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::Duration;

use achronyme_env::{
    Autosave, AutosaveOptions, Durability, Environment, Session, SessionOptions, SessionReader,
    Tensor, Value,
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
    environment.set("deep", deep()).unwrap();
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

/// A value that cannot be written.
fn deep() -> Value {
    let mut deep = Value::from(1);
    for _ in 0..200 {
        deep = Value::vector([deep]);
    }
    deep
}

/// What `work` answers, which must not take for ever.
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || send.send(work()));
    let answer = receive.recv_timeout(Duration::from_secs(60));
    answer.expect("it ends")
}

fn by_hand(path: &Path, environment: &mut Environment) -> Autosave {
    let session = attached(path, environment);
    let options = options(Duration::from_secs(3600), usize::MAX);
    session.autosave(options).unwrap()
}

#[test]
fn a_flush_under_a_pause_of_the_same_thread_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let autosave = by_hand(&path, &mut environment);
    ends(move || {
        let pause = autosave.pause();
        environment.set("x", 1).unwrap();
        let error = autosave.flush().unwrap_err();
        assert!(error.to_string().contains("pause"), "{error}");
        assert_eq!(autosave.status().waiting, 1);
        drop(pause);
        autosave.flush().unwrap();
        assert_eq!(autosave.status().waiting, 0);
    });
}

#[test]
fn a_flush_waits_for_the_pause_of_another_thread() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let autosave = Arc::new(by_hand(&path, &mut environment));
    let pause = autosave.pause();
    environment.set("x", 1).unwrap();
    let flushing = {
        let autosave = Arc::clone(&autosave);
        std::thread::spawn(move || autosave.flush())
    };
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(autosave.status().waiting, 1);
    drop(pause);
    ends(move || flushing.join().unwrap().unwrap());
    assert_eq!(autosave.status().waiting, 0);
}

#[test]
fn stop_and_drop_end_a_pause_and_commit_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    for stop in [true, false] {
        let path = dir.path().join(format!("{stop}.ach"));
        let mut environment = Environment::new();
        let autosave = by_hand(&path, &mut environment);
        let pause = autosave.pause();
        environment.set("x", 1).unwrap();
        ends(move || match stop {
            true => drop(autosave.stop().unwrap()),
            false => drop(autosave),
        });
        drop(pause);
        let reader = SessionReader::open(&path).unwrap();
        assert_eq!(reader.archive().get("x").unwrap().as_i64(), Some(1));
    }
}

#[test]
fn every_flush_is_told_of_the_commit_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let autosave = Arc::new(by_hand(&path, &mut environment));
    environment.set("deep", deep()).unwrap();
    // Both ask before the background may look.
    let pause = autosave.pause();
    let asking = [(); 4].map(|()| {
        let autosave = Arc::clone(&autosave);
        std::thread::spawn(move || autosave.flush())
    });
    std::thread::sleep(Duration::from_millis(100));
    drop(pause);
    ends(move || {
        for asking in asking {
            let error = asking.join().unwrap().unwrap_err();
            assert!(error.to_string().contains("deep"), "{error}");
        }
    });
}

#[test]
fn commits_by_count_alone_need_no_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    let session = attached(&path, &mut environment);
    let autosave = session.autosave(options(Duration::MAX, 2)).unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    environment.set("a", 1).unwrap();
    std::thread::sleep(Duration::from_millis(20));
    environment.set("b", 1).unwrap();
    assert!(reader.wait(Duration::from_secs(60)).unwrap());
    ends(move || autosave.stop().unwrap());
}

#[test]
fn a_checkpoint_that_fails_is_told_and_not_tried_again_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let mut environment = Environment::new();
    // On the disk, so that damage ends no journal and is met by the checkpoint alone.
    let mut session = SessionOptions::new().create(true).open(&path).unwrap();
    session.attach(&mut environment).unwrap();
    let mut eager = options(Duration::from_millis(1), 1);
    eager.bytes = u64::MAX;
    let autosave = session.autosave(eager).unwrap();
    let tensor = |n: i32| Tensor::from_vec(vec![f64::from(n); 1 << 19], [1 << 19]).unwrap();
    environment.set("kept", tensor(-1)).unwrap();
    autosave.flush().unwrap();
    // One bit of what no commit replaces: it is met when the archive is written.
    let journal = dir.path().join("run.ach-journal");
    let bytes = std::fs::read(&journal).unwrap();
    let place = bytes
        .windows(8)
        .position(|eight| eight == (-1f64).to_le_bytes());
    {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = std::fs::File::options().write(true).open(&journal).unwrap();
        let place = place.unwrap() as u64 + 800;
        file.seek(SeekFrom::Start(place)).unwrap();
        file.write_all(&[1]).unwrap();
    }
    for n in 0..24 {
        environment.set("big", tensor(n)).unwrap();
        autosave.flush().unwrap();
    }
    let told = || autosave.status().checkpoint_error;
    let start = std::time::Instant::now();
    while told().is_none() && start.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let text = told().expect("it is told");
    assert!(text.contains("damaged"), "{text}");
    assert!(autosave.status().error.is_none(), "commits go on");
    // Each attempt retires the segment that was written to: there are no more of them.
    let segments = || std::fs::read_dir(dir.path()).unwrap().count();
    let before = segments();
    for n in 0..20 {
        environment.set("n", n).unwrap();
        autosave.flush().unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(segments(), before);
    assert!(told().is_some());
    let session = autosave.stop().unwrap();
    assert_eq!(session.get("n").unwrap().as_i64(), Some(19));
}
