use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

#[test]
fn a_follower_sees_each_commit_once_and_over_rotations() {
    let place = Place::new();
    let mut follower = place.chain(&NO_ARCHIVE);
    assert_eq!(follower.refresh().unwrap(), 0);
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    for n in 1..40 {
        set(&mut writer, "k", &n.to_string());
        follower.refresh().unwrap();
        assert_eq!(follower.sequence(), n - 1);
        writer.commit(1).unwrap();
        if n % 7 == 0 {
            writer.rotate(1).unwrap();
        }
        if n % 3 == 0 {
            continue;
        }
        let known = follower.sequence();
        assert_eq!(follower.refresh().unwrap(), known);
        let new: Vec<u64> = follower
            .frames()
            .from(known + 1)
            .map(|f| f.sequence)
            .collect();
        assert_eq!(new, (known + 1..=n).collect::<Vec<_>>());
    }
    follower.refresh().unwrap();
    assert_eq!(text(&follower, 0), place.committed(&NO_ARCHIVE));
    assert_eq!(follower.damage().unwrap(), []);
}

#[test]
fn a_follower_goes_on_after_a_commit_was_rolled_back_and_another_written_in_its_place() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "a", "1");
    let mut follower = place.chain(&NO_ARCHIVE);
    for _ in 0..3 {
        set(&mut writer, "never", &"x".repeat(700 << 10));
    }
    follower.refresh().unwrap();
    assert_eq!(text(&follower, 0), "1 a=1;");
    writer.rollback().unwrap();
    set_and_commit(&mut writer, "b", "2");
    follower.refresh().unwrap();
    assert_eq!(text(&follower, 0), "1 a=1; 2 b=2;");
}

#[test]
fn a_follower_that_is_left_behind_is_told() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "k", "1");
    let mut follower = place.chain(&NO_ARCHIVE);
    for n in 2..5 {
        writer.rotate(1).unwrap();
        set_and_commit(&mut writer, "k", &n.to_string());
    }
    writer.remove_folded(3).unwrap();
    let error = follower.refresh().unwrap_err();
    assert!(matches!(error, EnvError::JournalGap { .. }), "{error}");
    // With the archive of the checkpoint it is where the writer is.
    assert_eq!(place.committed(&folded(3)), "4 k=4;");
}

#[test]
fn a_follower_goes_on_where_the_journal_was_removed_and_begun_again() {
    let place = Place::new();
    let mut writer = place.clean_writer(&folded(0));
    set_and_commit(&mut writer, "k", "1");
    let mut follower = place.chain(&folded(0));
    writer.close_and_remove(1).unwrap();
    assert_eq!(follower.refresh().unwrap(), 1);
    let mut writer = place.clean_writer(&folded(1));
    set_and_commit(&mut writer, "k", "2");
    assert_eq!(follower.refresh().unwrap(), 1);
    assert_eq!(text(&follower, 0), "1 k=1; 2 k=2;");
}

/// Readers beside a writer that commits, goes back and rotates as fast as it can.
#[test]
fn readers_see_whole_commits_and_never_go_backwards() {
    let place = Place::new();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|n| {
                let (place, done) = (&place, &done);
                scope.spawn(move || {
                    let mut chain = place.chain(&NO_ARCHIVE);
                    let (mut last, mut seen) = (0, 0);
                    loop {
                        let finished = done.load(Ordering::Acquire);
                        if n == 0 {
                            chain = place.chain(&NO_ARCHIVE);
                        } else {
                            chain.refresh().unwrap();
                        }
                        let sequence = chain.sequence();
                        assert!(sequence >= last && sequence % 3 == 0);
                        let after = if n == 0 { 0 } else { last };
                        for frame in chain.frames().from(after + 1) {
                            assert_eq!(frame.ends_commit(), frame.sequence % 3 == 0);
                            frame.verify().unwrap();
                            seen += u64::from(frame.sequence > last);
                        }
                        last = sequence;
                        if finished {
                            break (last, seen);
                        }
                    }
                })
            })
            .collect();
        let mut writer = place.clean_writer(&NO_ARCHIVE);
        for n in 0..600u32 {
            let len = if n % 50 == 0 { 1_200_000 } else { n as usize };
            let payload = vec![n as u8; len];
            for key in ["a", "b", "c"] {
                writer.append(&frame(key), &payload, None).unwrap();
            }
            if n % 5 == 0 {
                writer.rollback().unwrap();
            } else {
                writer.commit(1).unwrap();
            }
            if n % 60 == 7 {
                writer.rotate(1).unwrap();
            }
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            assert_eq!(reader.join().unwrap(), (480 * 3, 480 * 3));
        }
    });
}
