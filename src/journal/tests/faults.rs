//! Disks that are full or bad, and processes that end at any step.

use std::io;

use super::*;
use crate::journal::file::faults::{self, Faults};

/// Faults of this thread until it is dropped.
struct Meets;

impl Meets {
    fn these(faults: Faults) -> Meets {
        faults::set(faults);
        Meets
    }
}

impl Drop for Meets {
    fn drop(&mut self) {
        faults::set(Faults::default());
    }
}

#[test]
fn a_full_disk_undoes_the_commit_and_the_session_goes_on() {
    for durability in [Durability::Commit, Durability::Os] {
        let place = Place::new();
        let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
        set_and_commit(&mut writer, "a", "1");
        let end = writer.committed_len();
        for room in [0, 1, 100, 1000, 100_000] {
            let full = Meets::these(Faults {
                room: Some(room),
                ..Faults::default()
            });
            let large = "x".repeat(room + 4096);
            let error = writer
                .append(&frame("b"), large.as_bytes(), None)
                .and_then(|_| writer.commit(1))
                .unwrap_err();
            let EnvError::NoRoomToCommit { needed, .. } = error else {
                panic!("{error}");
            };
            assert!(needed as usize > large.len());
            assert!(!writer.is_pending());
            assert_eq!(place.journal().len() as u64, end);
            drop(full);
        }
        assert_eq!(set_and_commit(&mut writer, "c", "3"), 2);
        drop(writer);
        assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1; 2 c=3;");
    }
}

/// Large values are written into the file by others, who tell of it in their own words.
#[test]
fn a_full_disk_under_a_placed_payload_tells_how_much_is_needed() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    set_and_commit(&mut writer, "a", "1");
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded] {
        let error = writer.append_placed(&frame("b"), 10 << 20, |_, _| {
            Err(EnvError::io("write", Path::new("b"), kind.into()))
        });
        let Err(EnvError::NoRoomToCommit { needed, .. }) = error else {
            panic!("{error:?}");
        };
        assert!(needed > 10 << 20);
    }
    let kind = io::ErrorKind::PermissionDenied;
    let error = writer.append_placed(&frame("b"), 10 << 20, |_, _| {
        Err(EnvError::io("write", Path::new("b"), kind.into()))
    });
    assert!(matches!(error, Err(EnvError::Io { .. })), "{error:?}");
    assert_eq!(place.journal().len() as u64, writer.committed_len());
    set_and_commit(&mut writer, "c", "3");
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1; 2 c=3;");
}

#[test]
fn no_room_to_reserve_is_no_reason_not_to_commit() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    let full = Meets::these(Faults {
        room: Some(1000),
        ..Faults::default()
    });
    for n in 1..5 {
        assert_eq!(set_and_commit(&mut writer, "k", "v"), n);
    }
    drop(full);
    assert_eq!(place.journal().len() as u64, writer.committed_len());
    assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 4);
}

#[test]
fn a_failed_sync_is_never_tried_again() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    set_and_commit(&mut writer, "a", "1");
    set(&mut writer, "b", "2");
    let bad = Meets::these(Faults {
        bad_disk: true,
        ..Faults::default()
    });
    let error = writer.commit(1).unwrap_err();
    assert!(
        matches!(error, EnvError::CommitNotDurable { .. }),
        "{error}"
    );
    drop(bad);
    // The disk is well again, as far as it says.
    for error in [
        writer.sync().unwrap_err(),
        writer.commit(1).unwrap_err(),
        writer.append(&frame("c"), b"3", None).unwrap_err(),
        writer.rotate(1).unwrap_err(),
    ] {
        assert!(matches!(error, EnvError::JournalClosed { .. }), "{error}");
        assert!(
            error.to_string().contains("a sync failed: the disk is bad"),
            "{error}"
        );
    }
    assert_eq!(writer.synced_sequence(), 1);
    drop(writer);
    // What was written is there as long as the system keeps it.
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1; 2 b=2;");
}

/// What a session did, as far as it was told that it is done.
#[derive(Default)]
struct Told {
    committed: u64,
    /// The commit that was under way.
    tried: u64,
}

/// A session with everything that changes files. Commit n sets `k` to n, and m beside it.
fn session(place: &Place, durability: Durability, told: &mut Told) -> crate::Result<()> {
    let large = vec![9; 1_500_000];
    let lock = WriterLock::take(&place.companions)?;
    let chain = Chain::open(&place.companions, &NO_ARCHIVE)?;
    let (mut writer, _) = Writer::open(lock, &chain, SESSION, durability, 1)?;
    let commit = |writer: &mut Writer, told: &mut Told| {
        told.tried = writer.sequence() + 2;
        writer.append(&frame("k"), b"1", None)?;
        writer.append(&frame("m"), &large[..10], None)?;
        told.committed = writer.commit(1)?;
        Ok::<_, EnvError>(())
    };
    commit(&mut writer, told)?;
    commit(&mut writer, told)?;
    writer.append(&frame("never"), &large, None)?;
    writer.rollback()?;
    told.tried = writer.sequence() + 2;
    writer.append(&frame("k"), &large, None)?;
    writer.append(&frame("m"), &large, None)?;
    told.committed = writer.commit(1)?;
    writer.rotate(1)?;
    commit(&mut writer, told)?;
    writer.rotate(1)?;
    commit(&mut writer, told)?;
    writer.close()
}

#[test]
fn a_process_that_ends_at_any_step_loses_no_commit_and_shows_no_half() {
    for durability in [Durability::Commit, Durability::Os] {
        let mut steps = 0;
        loop {
            let place = Place::new();
            // Twice, so that there is something to find and to set aside.
            let mut told = Told::default();
            let first = Meets::these(Faults {
                steps_left: Some(steps),
                ..Faults::default()
            });
            let ended = session(&place, durability, &mut told).is_err();
            drop(first);
            let check = |told: &Told| {
                let chain = place.chain(&NO_ARCHIVE);
                let found = chain.sequence();
                assert!(
                    found == told.committed || found == told.tried,
                    "step {steps}: {found} of {}, {}",
                    told.committed,
                    told.tried
                );
                for frame in chain.frames().from(1) {
                    frame.verify().unwrap();
                    assert_eq!(frame.ends_commit(), frame.key == b"m");
                    assert_eq!(frame.ends_commit(), frame.sequence % 2 == 0);
                }
                found
            };
            let found = check(&told);
            let mut told = Told {
                committed: found,
                tried: found,
            };
            let second = Meets::these(Faults {
                steps_left: Some(steps / 2),
                ..Faults::default()
            });
            let _ = session(&place, durability, &mut told);
            drop(second);
            let found = check(&told);
            let mut told = Told {
                committed: found,
                tried: found,
            };
            session(&place, durability, &mut told).unwrap();
            assert_eq!(check(&told), found + 10);
            if !ended {
                break;
            }
            steps += 1;
        }
        assert!(steps > 20, "{steps} steps are too few to be all");
    }
}
