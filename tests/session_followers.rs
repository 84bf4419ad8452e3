//! Promise: readers beside a writer see committed states only, and never go back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use achronyme_env::{
    Archive, Cell, Durability, SessionOptions, SessionReader, Tensor, Value, backup,
};

const COMMITS: i64 = 10_000;
const CHECKPOINTS: i64 = 20;
const BACKUPS: usize = 100;

/// The state after commit `n` says `n` in four places: two scalars, a record, and an array.
fn number(archive: &Archive) -> i64 {
    let number = |value: Value| value.as_i64().unwrap();
    let a = number(archive.get("a").unwrap());
    assert_eq!(number(archive.get("b").unwrap()), a);
    assert_eq!(number(archive.at("record.n").unwrap()), a);
    let array = archive.tensor("array").unwrap();
    assert!(array.as_slice::<i64>().unwrap().iter().all(|n| *n == a));
    assert_eq!(archive.len(), 4);
    a
}

fn write(path: &Path, done: &AtomicBool) {
    let options = SessionOptions::new()
        .durability(Durability::Os)
        .checkpoint_at(None);
    let mut session = options.open(path).unwrap();
    for n in 1..=COMMITS {
        session.set("b", n).unwrap();
        session.set_at("record.n", n).unwrap();
        session
            .set("array", Tensor::from_vec(vec![n; 100], [100]).unwrap())
            .unwrap();
        session.set("a", n).unwrap();
        session.commit().unwrap();
        if n % (COMMITS / CHECKPOINTS) == 0 {
            session.checkpoint().unwrap().unwrap();
        }
    }
    done.store(true, Relaxed);
    drop(session);
}

fn create(path: &Path) {
    let mut session = SessionOptions::new().create(true).open(path).unwrap();
    let record = achronyme_env::Record::from([("n", 0i64)]);
    session.set("a", 0).unwrap();
    session.set("b", 0).unwrap();
    session.set("record", record).unwrap();
    session
        .set("array", Tensor::from_vec(vec![0i64; 100], [100]).unwrap())
        .unwrap();
    session.close().unwrap();
}

#[test]
fn four_readers_follow_ten_thousand_commits_and_twenty_checkpoints() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    create(&path);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| write(&path, &done));
        for fresh in [false, false, true, true] {
            let (path, done) = (&path, &done);
            scope.spawn(move || {
                let mut reader = SessionReader::open(path).unwrap();
                let (mut last, mut sequence, mut states) = (0, 0, 0u32);
                loop {
                    let ended = done.load(Relaxed);
                    match fresh {
                        true => reader = SessionReader::open(path).unwrap(),
                        false => drop(reader.refresh().unwrap()),
                    }
                    let n = number(reader.archive());
                    assert!(n >= last, "{n} after {last}");
                    assert!(reader.sequence() >= sequence);
                    states += u32::from(n > last);
                    (last, sequence) = (n, reader.sequence());
                    if ended {
                        break;
                    }
                }
                assert_eq!(last, COMMITS);
                assert!(states > 10, "saw {states} states");
            });
        }
        scope.spawn(|| {
            let mut last = 0;
            for n in 0..BACKUPS {
                let copy = dir.path().join(format!("backup-{n}.ach"));
                backup(&path, &copy, false).unwrap();
                let archive = Archive::open(&copy).unwrap();
                assert!(archive.verify().unwrap().is_ok());
                let number = number(&archive);
                assert!(number >= last);
                last = number;
                std::fs::remove_file(copy).unwrap();
            }
        });
    });
}

#[test]
fn a_reader_that_cannot_read_the_next_state_keeps_the_one_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let options = SessionOptions::new().create(true).checkpoint_at(None);
    let mut session = options.open(&path).unwrap();
    session.set("x", 1).unwrap();
    session.checkpoint().unwrap().unwrap();
    session.set("x", 2).unwrap();
    session.commit().unwrap();
    let mut reader = SessionReader::open(&path).unwrap();
    session.checkpoint().unwrap().unwrap();
    let cell = Cell::new("a needle");
    session.set("cell", cell.clone()).unwrap();
    session.commit().unwrap();
    // It says that all before is on the disk: damage there is met when it is read.
    session.set("x", 3).unwrap();
    session.commit().unwrap();

    let journal = dir.path().join("run.ach-journal");
    let sound = std::fs::read(&journal).unwrap();
    let mut damaged = sound.clone();
    // The head of the image, which names its cells, stands behind begin frame, header and key.
    damaged[128 + 128] ^= 1;
    write_over(&journal, &damaged);
    let error = reader.refresh().unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert_eq!(reader.archive().get("x").unwrap().as_i64(), Some(2));
    assert!(reader.refresh().is_err(), "it is told again");
    write_over(&journal, &sound);
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.archive().get("x").unwrap().as_i64(), Some(3));
}

/// Replaces the bytes of a file that others have open.
fn write_over(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = std::fs::File::options().write(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}
