use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Not a test of its own: the second process of the one below.
#[test]
#[ignore = "run by another test"]
fn holds_the_lock_of_the_path_it_is_given() {
    let Some(path) = std::env::var_os("ACH_TEST_LOCK") else {
        return;
    };
    let _lock = WriterLock::take(&Companions::of(Path::new(&path)).unwrap()).unwrap();
    println!("\nlocked");
    let _ = std::io::stdin().read_line(&mut String::new());
}

#[test]
fn a_second_process_is_told_who_writes() {
    let place = Place::new();
    let archive = place.companions.archive();
    assert_eq!(WriterLock::holder(&place.companions).unwrap(), None);
    let name = "journal::tests::locking::holds_the_lock_of_the_path_it_is_given";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--ignored", "--nocapture"])
        .env("ACH_TEST_LOCK", archive)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "locked"));
    let error = WriterLock::take(&place.companions).unwrap_err();
    let EnvError::SessionLocked { path, holder } = &error else {
        panic!("{error}");
    };
    assert_eq!(path.path(), Some(archive));
    let process = format!("process {} (", child.id());
    assert!(holder.starts_with(&process), "{holder}");
    assert!(
        holder.contains(" on ") && holder.ends_with(" UTC"),
        "{holder}"
    );
    assert!(error.to_string().contains(holder));
    assert_eq!(
        WriterLock::holder(&place.companions).unwrap().as_ref(),
        Some(holder)
    );
    // Killed, it gives the lock back, and leaves its name, which nobody believes.
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::metadata(place.companions.lock()).unwrap().len() > 0);
    assert_eq!(WriterLock::holder(&place.companions).unwrap(), None);
    WriterLock::take(&place.companions).unwrap();
}

#[test]
fn two_sessions_of_one_process_are_two_writers() {
    let place = Place::new();
    let lock = WriterLock::take(&place.companions).unwrap();
    let error = WriterLock::take(&place.companions).unwrap_err().to_string();
    assert!(
        error.contains(&format!("process {}", std::process::id())),
        "{error}"
    );
    drop(lock);
    drop(WriterLock::take(&place.companions).unwrap());
    assert!(exists(&place.companions.lock()));
}

#[test]
fn whatever_the_lock_file_holds_is_shown_without_harm() {
    let place = Place::new();
    let lock = WriterLock::take(&place.companions).unwrap();
    for bytes in [
        &b"process \x1b[31m\nhost\n"[..],
        &[0xff; 5000],
        b"\n\n",
        b"",
    ] {
        fs::write(place.companions.lock(), bytes).unwrap();
        let error = WriterLock::take(&place.companions).unwrap_err().to_string();
        assert!(!error.contains('\x1b') && error.len() < 5000, "{error}");
    }
    drop(lock);
}

#[test]
fn a_forked_child_changes_nothing() {
    let place = Place::new();
    let mut lock = WriterLock::take(&place.companions).unwrap();
    thread_local!(static CHILD: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    lock.pretend_to_be(|| std::process::id() + CHILD.get());
    let (mut writer, _) = Writer::open(
        lock,
        &place.chain(&NO_ARCHIVE),
        SESSION,
        Durability::Commit,
        1,
    )
    .unwrap();
    set_and_commit(&mut writer, "a", "1");
    set(&mut writer, "b", "2");
    let before = place.journal();
    let lock_text = fs::read(place.companions.lock()).unwrap();
    CHILD.set(1);
    let error = writer.commit(1).unwrap_err();
    assert!(matches!(error, EnvError::ForkedChild { .. }), "{error}");
    assert!(writer.append(&frame("c"), b"3", None).is_err());
    assert!(writer.rollback().is_err());
    assert!(writer.sync().is_err());
    assert!(writer.rotate(1).is_err());
    assert!(writer.remove_folded(9).is_err());
    drop(writer);
    // The parent's lock would still hold here; the child's copy of the file is what was dropped.
    assert_eq!(place.journal(), before);
    assert_eq!(fs::read(place.companions.lock()).unwrap(), lock_text);
    CHILD.set(0);
}
