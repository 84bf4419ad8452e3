use super::*;

/// Three segments: frames 1 and 2, 3 and 4, 5. Retired ones stay.
fn three_segments(place: &Place, durability: Durability) {
    let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
    for (n, rotates) in [(1, false), (2, true), (3, false), (4, true), (5, false)] {
        assert_eq!(set_and_commit(&mut writer, "k", &n.to_string()), n);
        if rotates {
            let rotated = writer.rotate(1).unwrap();
            assert_eq!(rotated.sequence, n);
            assert!(rotated.retired.is_some());
        }
    }
    writer.close().unwrap();
    let names = [
        "x.ach-journal",
        "x.ach-journal.1",
        "x.ach-journal.3",
        "x.ach-lock",
    ];
    assert_eq!(place.names(), names);
}

#[test]
fn segments_read_as_one() {
    for durability in [Durability::Os, Durability::Commit] {
        let place = Place::new();
        three_segments(&place, durability);
        assert_eq!(
            place.committed(&NO_ARCHIVE),
            "1 k=1; 2 k=2; 3 k=3; 4 k=4; 5 k=5;"
        );
        let chain = place.chain(&NO_ARCHIVE);
        assert_eq!(chain.segments().len(), 3);
        assert_eq!(chain.folded_segments().len(), 0);
    }
}

#[test]
fn what_is_folded_is_left_out() {
    let place = Place::new();
    three_segments(&place, Durability::Os);
    for (sequence, text, segments) in [
        (0, "1 k=1; 2 k=2; 3 k=3; 4 k=4; 5 k=5;", 3),
        (1, "2 k=2; 3 k=3; 4 k=4; 5 k=5;", 3),
        (2, "3 k=3; 4 k=4; 5 k=5;", 2),
        (3, "4 k=4; 5 k=5;", 2),
        (4, "5 k=5;", 1),
        (5, "", 1),
    ] {
        assert_eq!(place.committed(&folded(sequence)), text);
        let chain = place.chain(&folded(sequence));
        assert_eq!(chain.segments().len(), segments);
        assert_eq!(chain.folded_segments().len(), 3 - segments);
        assert_eq!(chain.sequence(), 5);
    }
}

#[test]
fn folded_segments_are_removed_and_no_others() {
    let place = Place::new();
    three_segments(&place, Durability::Os);
    let writer = place.clean_writer(&NO_ARCHIVE);
    assert_eq!(writer.remove_folded(1).unwrap().len(), 0);
    // What begins before a stranger does not end there.
    let strangers = [2, 4].map(|first| place.companions.retired(first));
    fs::write(&strangers[0], b"mine").unwrap();
    fs::copy(place.companions.retired(3), &strangers[1]).unwrap();
    assert_eq!(writer.remove_folded(1).unwrap().len(), 0);
    assert_eq!(
        writer.remove_folded(3).unwrap(),
        [place.companions.retired(1)]
    );
    assert_eq!(
        writer.remove_folded(9).unwrap(),
        [place.companions.retired(3)]
    );
    for stranger in &strangers {
        fs::remove_file(stranger).unwrap();
    }
    writer.close_and_remove(4).unwrap();
    assert_eq!(place.committed(&folded(4)), "5 k=5;");
    let writer = place.clean_writer(&folded(5));
    writer.close_and_remove(5).unwrap();
    assert_eq!(place.names(), ["x.ach-lock"]);
    // The sequence goes on from what is folded.
    let mut writer = place.clean_writer(&folded(5));
    assert_eq!(set_and_commit(&mut writer, "k", "6"), 6);
    assert_eq!(writer.session_id(), SESSION);
}

/// After a power cut a segment may be there again whose successors are removed.
#[test]
fn a_folded_segment_that_is_back_does_not_stand_in_the_way() {
    let place = Place::new();
    three_segments(&place, Durability::Os);
    fs::remove_file(place.companions.retired(3)).unwrap();
    fs::remove_file(place.companions.journal()).unwrap();
    let mut chain = place.chain(&folded(5));
    assert_eq!(chain.sequence(), 5);
    let mut writer = place.clean_writer(&folded(5));
    assert_eq!(chain.refresh().unwrap(), 5);
    assert_eq!(set_and_commit(&mut writer, "k", "6"), 6);
    assert_eq!(chain.refresh().unwrap(), 5);
    assert_eq!(text(&chain, 5), "6 k=6;");
    assert_eq!(
        writer.remove_folded(5).unwrap(),
        [place.companions.retired(1)]
    );
}

/// Else a power cut could leave the new segment, and of the old one only the beginning.
#[test]
fn a_segment_is_on_the_disk_when_it_is_retired() {
    let group = Durability::Group {
        every: std::time::Duration::from_secs(3600),
        commits: 100,
    };
    for durability in [Durability::Os, group, Durability::Commit] {
        let place = Place::new();
        let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
        let sequence = set_and_commit(&mut writer, "k", "1");
        writer.rotate(1).unwrap();
        assert_eq!(writer.synced_sequence(), sequence);
        assert_eq!(writer.segment().begin().synced, sequence);
    }
}

#[test]
fn an_empty_segment_is_not_retired() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    assert_eq!(writer.rotate(1).unwrap().retired, None);
    set_and_commit(&mut writer, "k", "1");
    assert!(writer.rotate(1).unwrap().retired.is_some());
    assert_eq!(
        writer.rotate(1).unwrap(),
        Rotated {
            retired: None,
            sequence: 1
        }
    );
    set(&mut writer, "k", "2");
    assert!(writer.rotate(1).is_err(), "frames are pending");
}

#[test]
fn a_file_in_the_way_of_a_retired_segment_is_not_replaced() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "k", "1");
    fs::write(place.companions.retired(1), b"mine").unwrap();
    assert!(writer.rotate(1).is_err());
    assert_eq!(fs::read(place.companions.retired(1)).unwrap(), b"mine");
    // The old segment goes on.
    assert_eq!(set_and_commit(&mut writer, "k", "2"), 2);
    fs::remove_file(place.companions.retired(1)).unwrap();
    writer.rotate(1).unwrap();
    set_and_commit(&mut writer, "k", "3");
    drop(writer);
    assert_eq!(place.committed(&NO_ARCHIVE), "1 k=1; 2 k=2; 3 k=3;");
}

#[test]
fn a_missing_segment_is_a_gap_and_nothing_is_touched() {
    for missing in [1, 3] {
        let place = Place::new();
        three_segments(&place, Durability::Os);
        fs::remove_file(place.companions.retired(missing)).unwrap();
        let error = Chain::open(&place.companions, &NO_ARCHIVE).unwrap_err();
        let EnvError::JournalGap { last, found, .. } = error else {
            panic!("{error}");
        };
        assert_eq!((last, found), (missing - 1, missing + 2));
        // For an archive that holds what is missing, there is no gap.
        assert_eq!(place.committed(&folded(4)), "5 k=5;");
    }
    let place = Place::new();
    three_segments(&place, Durability::Os);
    fs::remove_file(place.companions.retired(1)).unwrap();
    let error = Chain::open(&place.companions, &folded(1)).unwrap_err();
    assert!(
        matches!(
            error,
            EnvError::JournalGap {
                last: 1,
                found: 3,
                ..
            }
        ),
        "{error}"
    );
}

/// Rotation renames twice: between the two there is no active segment.
#[test]
fn a_rotation_cut_off_in_the_middle_loses_nothing() {
    let place = Place::new();
    three_segments(&place, Durability::Os);
    fs::rename(place.companions.journal(), place.companions.retired(5)).unwrap();
    assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 5);
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    assert_eq!(set_and_commit(&mut writer, "k", "6"), 6);
    drop(writer);
    assert!(place.committed(&NO_ARCHIVE).ends_with("5 k=5; 6 k=6;"));
}

#[test]
fn damage_in_a_retired_segment_cuts_the_chain_and_what_follows_goes_aside_whole() {
    // Frames of 192 bytes: the begin frame, without which it is no segment, and the header of each.
    // Payloads were on the disk when the segment was retired, and are not read to find the chain.
    for back in [512, 384, 192] {
        let place = Place::new();
        three_segments(&place, Durability::Os);
        let path = place.companions.retired(3);
        let mut bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 512);
        let at = bytes.len() - back;
        bytes[at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let active = place.journal();
        let (kept, next) = match back {
            512 | 384 => ("1 k=1; 2 k=2;", 3),
            _ => ("1 k=1; 2 k=2; 3 k=3;", 4),
        };
        assert_eq!(place.committed(&NO_ARCHIVE), kept);
        let (mut writer, aside) = place.writer(&NO_ARCHIVE, Durability::Commit);
        assert_eq!(aside.len(), 2, "{aside:?}");
        assert_eq!(aside[0].damage.path, place.companions.journal());
        assert_eq!(fs::read(&aside[0].to).unwrap(), active);
        assert_eq!(aside[1].damage.path, path);
        assert_eq!(fs::read(&aside[1].to).unwrap(), bytes[bytes.len() - back..]);
        assert_eq!(set_and_commit(&mut writer, "k", "new"), next);
        drop(writer);
        assert_eq!(
            place.committed(&NO_ARCHIVE),
            format!("{kept} {next} k=new;")
        );
    }
}

/// Later segments know what was on the disk: a rotten payload before them cuts nothing.
#[test]
fn later_segments_vouch_for_earlier_ones() {
    let place = Place::new();
    three_segments(&place, Durability::Commit);
    let path = place.companions.retired(3);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() - 64;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let chain = place.chain(&NO_ARCHIVE);
    assert_eq!(chain.sequence(), 5);
    assert!(chain.frames().get(4).unwrap().verify().is_err());
}

#[test]
fn a_journal_of_another_archive_is_reported_and_left_alone() {
    let digest = |byte| Base {
        session_id: [0; 16],
        root_digest: Some([byte; 32]),
        folded_sequence: 0,
    };
    let place = Place::new();
    let mut writer = place.clean_writer(&digest(1));
    set_and_commit(&mut writer, "k", "1");
    writer.close().unwrap();
    assert_eq!(place.committed(&digest(1)), "1 k=1;");
    let mut session = folded(0);
    assert_eq!(place.committed(&session), "1 k=1;");
    session.session_id[15] ^= 1;
    let before = place.journal();
    for base in [digest(2), NO_ARCHIVE, session] {
        let error = Chain::open(&place.companions, &base).unwrap_err();
        assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
    }
    assert_eq!(place.journal(), before);
    // A session that began without an archive does not belong to one that came from elsewhere.
    let place = Place::new();
    small_journal(&place, Durability::Os);
    let error = Chain::open(&place.companions, &digest(1)).unwrap_err();
    assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
}

#[test]
fn segments_that_do_not_follow_each_other_are_refused() {
    let (place, other) = (Place::new(), Place::new());
    three_segments(&place, Durability::Os);
    // The same session took another way: the same sequence, other frames.
    let mut writer = other.clean_writer(&NO_ARCHIVE);
    for _ in 0..4 {
        set_and_commit(&mut writer, "other", "way");
    }
    writer.rotate(1).unwrap();
    set_and_commit(&mut writer, "other", "way");
    drop(writer);
    place.put_journal(&other.journal());
    let error = Chain::open(&place.companions, &NO_ARCHIVE).unwrap_err();
    assert!(matches!(error, EnvError::ForeignJournal { .. }), "{error}");
}

/// The archive is newer than the journal: its frames are folded, and the session goes on.
#[test]
fn an_active_segment_that_ends_before_the_archive_is_retired() {
    let place = Place::new();
    small_journal(&place, Durability::Os);
    assert_eq!(place.committed(&folded(9)), "");
    assert_eq!(place.chain(&folded(9)).sequence(), 9);
    let mut writer = place.clean_writer(&folded(9));
    assert_eq!(set_and_commit(&mut writer, "k", "10"), 10);
    drop(writer);
    assert_eq!(
        place.names(),
        ["x.ach-journal", "x.ach-journal.1", "x.ach-lock"]
    );
    assert_eq!(place.committed(&folded(9)), "10 k=10;");
}

#[test]
fn companions_stand_beside_the_target_of_a_link() {
    let place = Place::new();
    let dir = place.companions.directory();
    fs::create_dir(dir.join("links")).unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("../x.ach", dir.join("links/y.ach")).unwrap();
        let companions = Companions::of(&dir.join("links/y.ach")).unwrap();
        assert!(companions.journal().ends_with("links/../x.ach-journal"));
        fs::write(companions.journal(), b"").unwrap();
        assert!(exists(&place.companions.journal()));
        std::os::unix::fs::symlink("loop", dir.join("loop")).unwrap();
        assert!(Companions::of(&dir.join("loop")).is_err());
    }
    for name in [
        "1",
        "20",
        "3",
        "04",
        "+5",
        "x",
        "new",
        "rejected",
        "0",
        "99999999999999999999",
    ] {
        fs::write(dir.join(format!("x.ach-journal.{name}")), b"").unwrap();
    }
    let listed = place.companions.list_retired().unwrap();
    assert_eq!(
        listed.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
        [1, 3, 20]
    );
}

#[cfg(unix)]
#[test]
fn a_fifo_in_the_place_of_the_journal_is_an_error_and_no_wait() {
    let place = Place::new();
    let path = place.companions.journal();
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    let error = Chain::open(&place.companions, &NO_ARCHIVE).unwrap_err();
    assert!(matches!(error, EnvError::NotAFile { .. }), "{error}");
}
