use std::os::unix::fs::FileExt;

use super::*;

#[test]
fn what_is_committed_is_read_again_in_order() {
    let place = Place::new();
    small_journal(&place, Durability::Commit);
    let long = "a long name, which with its sum takes more than one line of 64";
    assert_eq!(
        place.committed(&NO_ARCHIVE),
        format!("1 a=1; 2 {long}=two; 3 =three 4 d=; 5 e=five;")
    );
    let chain = place.chain(&NO_ARCHIVE);
    assert_eq!(chain.sequence(), 5);
    assert_eq!(chain.session_id(), Some(SESSION));
    assert_eq!(chain.damage().unwrap(), []);
    assert_eq!(chain.frames().get(2).unwrap().entry.type_id, 3);
    assert!(chain.frames().get(0).is_none() && chain.frames().get(6).is_none());
    for frame in chain.frames().from(0) {
        frame.verify().unwrap();
        assert_eq!(frame.payload().offset % 64, 0);
        assert_eq!(frame.kind(), FrameKind::Set);
    }
    let back: Vec<u64> = chain.frames().from(3).rev().map(|f| f.sequence).collect();
    assert_eq!(back, [5, 4, 3]);
}

#[test]
fn a_closed_journal_holds_its_frames_and_nothing_more() {
    let place = Place::new();
    for durability in [Durability::Commit, Durability::Os] {
        small_journal(&place, durability);
    }
    assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 10);
    let (end, segment) = {
        let chain = place.chain(&NO_ARCHIVE);
        let (segment, end) = chain.last_segment().unwrap();
        (end.offset, segment)
    };
    assert_eq!(segment.len().unwrap(), end);
    assert_eq!(place.names(), ["x.ach-journal", "x.ach-lock"]);
}

#[test]
fn the_sequence_goes_on_where_the_last_writer_stopped() {
    let place = Place::new();
    for n in 1..5 {
        let mut writer = place.clean_writer(&NO_ARCHIVE);
        assert_eq!(set_and_commit(&mut writer, "k", "v"), n);
        writer.close().unwrap();
    }
    assert_eq!(place.committed(&NO_ARCHIVE), "1 k=v; 2 k=v; 3 k=v; 4 k=v;");
}

#[test]
fn what_is_not_committed_is_not_there() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "a", "1");
    set(&mut writer, "b", "2");
    assert!(writer.is_pending());
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1;");
    writer.rollback().unwrap();
    assert!(!writer.is_pending());
    // Larger than what gathers in memory: some of it reaches the file.
    let large = "x".repeat(700 << 10);
    for key in ["b", "c", "d"] {
        set(&mut writer, key, &large);
    }
    assert!(place.journal().len() > 1 << 20);
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1;");
    writer.rollback().unwrap();
    assert_eq!(place.journal().len() as u64, writer.committed_len());
    set_and_commit(&mut writer, "e", "5");
    drop(writer);
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1; 2 e=5;");
}

#[test]
fn dropping_a_writer_drops_what_is_pending() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "a", "1");
    for _ in 0..3 {
        set(&mut writer, "b", &"x".repeat(700 << 10));
    }
    drop(writer);
    place.clean_writer(&NO_ARCHIVE).close().unwrap();
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1;");
}

#[test]
fn payloads_of_any_size_are_streamed() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    let piece: Vec<u8> = (0..=255).cycle().take(100_003).collect();
    let sizes = [
        0,
        1,
        63,
        64,
        65,
        70_000,
        (1 << 20) - 1,
        (1 << 20) + 1,
        5_000_000,
    ];
    for len in sizes {
        for whole in [false, true] {
            let bytes: Vec<u8> = piece.iter().copied().cycle().take(len).collect();
            let written = writer.append_placed(&frame("k"), len as u64, |file, offset| {
                let len = if whole { len.max(1) } else { piece.len() };
                for (n, piece) in (0..).zip(bytes.chunks(len)) {
                    file.write_all_at(piece, offset + n * len as u64).unwrap();
                }
                Ok(crc32fast::hash(&bytes))
            });
            let written = written.unwrap();
            assert_eq!(written.payload_offset % 64, 0);
            if whole {
                writer.commit(1).unwrap();
            }
            let appended = writer.append(&frame("k"), &bytes, Some(crc32fast::hash(&bytes)));
            assert_eq!(appended.unwrap().sequence, written.sequence + 1);
        }
    }
    writer.commit(1).unwrap();
    let chain = place.chain(&NO_ARCHIVE);
    assert_eq!(chain.frames().len(), sizes.len() * 4);
    for (n, frame) in chain.frames().from(1).enumerate() {
        frame.verify().unwrap();
        let read = frame.payload().read().unwrap();
        assert_eq!(read.len(), sizes[n / 4]);
        assert!(read.iter().zip(piece.iter().cycle()).all(|(a, b)| a == b));
    }
}

#[test]
fn keys_may_have_4096_bytes() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    let long = "k".repeat(4096);
    set_and_commit(&mut writer, &long, "v");
    let longer = writer.append(&frame(&(long.clone() + "k")), b"", None);
    assert!(matches!(longer, Err(EnvError::InvalidValue { .. })));
    assert_eq!(
        place.chain(&NO_ARCHIVE).frames().get(1).unwrap().key,
        long.as_bytes()
    );
}

#[test]
fn time_never_goes_backwards() {
    let place = Place::new();
    for (at, commit) in [(100, 110), (50, 60), (200, 190), (10, 10)] {
        let mut writer = place.clean_writer(&NO_ARCHIVE);
        let new = NewFrame {
            timestamp: at,
            ..frame("k")
        };
        writer.append(&new, b"", None).unwrap();
        writer.commit(commit).unwrap();
        writer.rotate(5).unwrap();
    }
    let chain = place.chain(&NO_ARCHIVE);
    let times: Vec<u64> = chain
        .frames()
        .from(1)
        .map(|frame| frame.timestamp().unwrap())
        .collect();
    assert_eq!(times, [110, 110, 200, 200]);
    let at = |time| chain.frames().commit_at(time).unwrap();
    assert_eq!(
        [at(109), at(110), at(199), at(1000)],
        [None, Some(2), Some(2), Some(4)]
    );
}

#[test]
fn frames_say_what_was_on_the_disk() {
    let place = Place::new();
    let synced = |place: &Place| -> Vec<u64> {
        let chain = place.chain(&NO_ARCHIVE);
        let frames = chain.frames().from(1);
        frames.map(|f| f.header().unwrap().synced).collect()
    };
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Os);
    set_and_commit(&mut writer, "a", "");
    set_and_commit(&mut writer, "b", "");
    assert_eq!(synced(&place), [0, 0]);
    writer.sync().unwrap();
    set_and_commit(&mut writer, "c", "");
    assert_eq!(synced(&place), [0, 0, 2]);
    drop(writer);
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    set_and_commit(&mut writer, "d", "");
    set_and_commit(&mut writer, "e", "");
    assert_eq!(synced(&place), [0, 0, 2, 2, 4]);
    writer.rotate(1).unwrap();
    set_and_commit(&mut writer, "f", "");
    assert_eq!(synced(&place), [0, 0, 2, 2, 4, 5]);
    drop(writer);
    let group = Durability::Group {
        every: std::time::Duration::from_secs(3600),
        commits: 3,
    };
    let (mut writer, _) = place.writer(&NO_ARCHIVE, group);
    for _ in 0..7 {
        set_and_commit(&mut writer, "g", "");
        assert_eq!(
            writer.sync_due().is_some(),
            writer.synced_sequence() != writer.sequence()
        );
    }
    assert_eq!(synced(&place)[6..], [5, 5, 5, 9, 9, 9, 12]);
    writer.sync().unwrap();
    assert_eq!((writer.synced_sequence(), writer.sequence()), (13, 13));
    writer.rotate(1).unwrap();
    set_and_commit(&mut writer, "h", "");
    assert_eq!((writer.synced_sequence(), writer.sequence()), (13, 14));
    writer.sync().unwrap();
    assert_eq!(writer.synced_sequence(), 14);
}

#[test]
fn a_commit_of_nothing_does_nothing() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    assert_eq!(writer.commit(1).unwrap(), 0);
    set_and_commit(&mut writer, "a", "1");
    let before = place.journal();
    assert_eq!(writer.commit(1).unwrap(), 1);
    assert_eq!(place.journal(), before);
}

/// The journal of docs/format.md, section 16: one variable is set.
#[test]
fn the_bytes_are_those_of_the_specification() {
    let place = Place::new();
    let lock = WriterLock::take(&place.companions).unwrap();
    let digest = Base {
        root_digest: Some([0xdd; 32]),
        ..NO_ARCHIVE
    };
    let chain = place.chain(&digest);
    let time = 1_700_000_000_000_000_000;
    let (mut writer, _) = Writer::open(lock, &chain, SESSION, Durability::Os, time).unwrap();
    let new = NewFrame {
        kind: FrameKind::Mark,
        type_id: 0,
        key: b"before",
        timestamp: time,
    };
    writer.append(&new, b"hello", None).unwrap();
    writer.commit(time + 1).unwrap();
    writer.close().unwrap();
    let hex: String = place
        .journal()
        .chunks(16)
        .map(|line| {
            line.iter()
                .map(|byte| format!(" {byte:02x}"))
                .collect::<String>()
                + "\n"
        })
        .collect();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/format.md")).unwrap();
    let dump = page.split("### A journal in hex").nth(1).unwrap();
    let lines = dump.lines().filter_map(|line| line.strip_prefix("    "));
    let documented: String = lines
        .map(|line| {
            line[4..]
                .get(..48)
                .unwrap_or(&line[4..])
                .trim_end()
                .to_owned()
                + "\n"
        })
        .collect();
    assert_eq!(documented, hex);
}
