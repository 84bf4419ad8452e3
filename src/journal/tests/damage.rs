//! Failure modes of a known mapped log, and of disks: each must cost nothing that stands before it.

use proptest::prelude::*;

use super::*;

const DURABILITIES: [Durability; 2] = [Durability::Os, Durability::Commit];

/// The frames of the commits that end before byte `at`, given where frames begin.
fn before(whole: &Chain, at: u64) -> String {
    let frames = || whole.frames().from(1);
    let intact = frames().take_while(|f| end_of(f) <= at);
    let last = intact.filter(Frame::ends_commit).last();
    let last = last.map_or(0, |frame| frame.sequence);
    let mut text = text(whole, 0);
    if let Some(cut) = text.find(&format!("{} ", last + 1)).filter(|_| last < 5) {
        text.truncate(cut);
    }
    text.trim_end().to_owned()
}

fn end_of(frame: &Frame<'_>) -> u64 {
    frame.entry.offset + frame.header().unwrap().frame_len().unwrap()
}

/// Opens the writer, which must keep `kept` and set aside exactly what follows; and go on.
fn recovers(place: &Place, kept: &str, damaged: &[u8]) {
    let end = match place.chain(&NO_ARCHIVE).last_segment() {
        Some((_, end)) => end.offset as usize,
        None => 0,
    };
    let last = place.chain(&NO_ARCHIVE).sequence();
    let tail = &damaged[end..];
    let (mut writer, aside) = place.writer(&NO_ARCHIVE, Durability::Os);
    match aside.as_slice() {
        [] => assert!(tail.iter().all(|byte| *byte == 0)),
        [one] => {
            assert_eq!(fs::read(&one.to).unwrap(), tail);
            assert_eq!(one.damage.offset as usize, end);
            assert_eq!(one.damage.len as usize, tail.len());
            fs::remove_file(&one.to).unwrap();
        }
        more => panic!("{more:?}"),
    }
    assert_eq!(place.committed(&NO_ARCHIVE), kept);
    assert_eq!(set_and_commit(&mut writer, "next", "n"), last + 1);
    writer.close().unwrap();
    let next = format!("{kept} {} next=n;", last + 1);
    assert_eq!(place.committed(&NO_ARCHIVE), next.trim_start());
}

#[test]
fn every_truncation_leaves_the_commits_before_it() {
    for durability in DURABILITIES {
        let place = Place::new();
        small_journal(&place, durability);
        let whole = place.journal();
        let intact = place.chain(&NO_ARCHIVE);
        let copy = Place::new();
        for len in 0..whole.len() {
            copy.put_journal(&whole[..len]);
            let kept = before(&intact, len as u64);
            assert_eq!(copy.committed(&NO_ARCHIVE), kept, "{len} bytes");
            if len % 9 == 0 {
                recovers(&copy, &kept, &whole[..len]);
            }
        }
    }
}

#[test]
fn every_flipped_bit_leaves_the_commits_before_it() {
    let place = Place::new();
    small_journal(&place, Durability::Os);
    let whole = place.journal();
    let intact = place.chain(&NO_ARCHIVE);
    let copy = Place::new();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        copy.put_journal(&damaged);
        let frame = intact.frames().from(1).find(|f| end_of(f) > bit as u64 / 8);
        let kept = match bit / 8 {
            0..128 => String::new(),
            _ => before(&intact, frame.unwrap().entry.offset),
        };
        assert_eq!(copy.committed(&NO_ARCHIVE), kept, "bit {bit}");
        assert_eq!(copy.chain(&NO_ARCHIVE).damage().unwrap().len(), 1);
        if bit % 61 == 0 {
            recovers(&copy, &kept, &damaged);
        }
    }
}

/// A payload that was on the disk and is not what it was: its frame is damaged, and no other.
#[test]
fn a_rotten_payload_costs_no_later_commit() {
    let place = Place::new();
    small_journal(&place, Durability::Commit);
    let whole = place.journal();
    let frames = place.chain(&NO_ARCHIVE);
    for sequence in [1, 2, 3] {
        let payload = frames.frames().get(sequence).unwrap().payload();
        for offset in [0, 63] {
            let mut damaged = whole.clone();
            damaged[payload.offset as usize + offset] ^= 1;
            place.put_journal(&damaged);
            let chain = place.chain(&NO_ARCHIVE);
            assert_eq!(chain.sequence(), 5);
            for frame in chain.frames().from(1) {
                let verified = frame.verify();
                assert_eq!(verified.is_err(), frame.sequence == sequence);
                let fault = verified.err().and_then(|e| e.fault().cloned());
                assert!(fault.is_none_or(|fault| fault.offset == payload.offset));
            }
        }
    }
    // The last commit was not known to be on the disk when it was written.
    let payload = frames.frames().get(5).unwrap().payload();
    let mut damaged = whole.clone();
    damaged[payload.offset as usize] ^= 1;
    place.put_journal(&damaged);
    assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 4);
}

/// A payload half written, then a shorter append: readers met the rest of the payload for ever.
#[test]
fn no_tail_is_stuck() {
    let place = Place::new();
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    set_and_commit(&mut writer, "a", "1");
    let end = writer.committed_len() as usize;
    drop(writer);
    let mut bytes = place.journal();
    bytes.extend([0xaa; 10_000]);
    place.put_journal(&bytes);
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1;");
    let (mut writer, aside) = place.writer(&NO_ARCHIVE, Durability::Os);
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0].to).unwrap(), bytes[end..]);
    for n in 2..5 {
        set_and_commit(&mut writer, "b", "2");
        assert_eq!(place.chain(&NO_ARCHIVE).sequence(), n);
        assert_eq!(place.chain(&NO_ARCHIVE).damage().unwrap(), []);
    }
}

/// What was large and is known to be on the disk is not read again by everyone who opens the journal.
#[test]
fn a_note_spares_large_payloads_and_is_no_frame() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    let large = "x".repeat(100_000);
    let payload = set(&mut writer, "a", &large).payload_offset as usize;
    writer.commit(1).unwrap();
    let end = writer.committed_len() as usize;
    let open = place.journal();
    writer.close().unwrap();
    let closed = place.journal();
    assert_eq!(open[..end + 64], closed);
    assert_eq!(closed[end..end + 4], *b"ACHN");
    for bytes in [open, closed.clone()] {
        for flipped in [payload, payload + 99_999] {
            let mut bytes = bytes.clone();
            bytes[flipped] ^= 1;
            place.put_journal(&bytes);
            let chain = place.chain(&NO_ARCHIVE);
            assert_eq!((chain.sequence(), chain.damage().unwrap()), (1, vec![]));
            assert!(chain.frames().get(1).unwrap().verify().is_err());
        }
    }
    // Any other note is none: then the payload is looked at, and the note is in nobody's way.
    for bit in 0..64 * 8 {
        let mut bytes = closed.clone();
        bytes[end + bit / 8] ^= 1 << (bit % 8);
        place.put_journal(&bytes);
        let chain = place.chain(&NO_ARCHIVE);
        assert_eq!(chain.sequence(), 1, "bit {bit}");
        assert_eq!(chain.damage().unwrap().len(), 1);
        bytes[payload] ^= 1;
        place.put_journal(&bytes);
        assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 0, "bit {bit}");
    }
    place.put_journal(&closed);
    let mut follower = place.chain(&NO_ARCHIVE);
    let mut writer = place.clean_writer(&NO_ARCHIVE);
    assert_eq!(follower.refresh().unwrap(), 1);
    set_and_commit(&mut writer, "b", &large);
    follower.refresh().unwrap();
    assert_eq!(follower.sequence(), 2);
    writer.sync().unwrap();
    set_and_commit(&mut writer, "c", "3");
    writer.sync().unwrap();
    writer.rotate(1).unwrap();
    set_and_commit(&mut writer, "d", &large);
    writer.sync().unwrap();
    writer.rollback().unwrap();
    writer.rotate(1).unwrap();
    follower.refresh().unwrap();
    assert_eq!(follower.sequence(), 4);
    writer.close().unwrap();
    let chain = place.chain(&NO_ARCHIVE);
    assert_eq!((chain.sequence(), chain.damage().unwrap()), (4, vec![]));
}

/// Stale bytes that hold a well-formed record were delivered as committed.
#[test]
fn no_phantom_is_shown() {
    let place = Place::new();
    let starts = small_journal(&place, Durability::Os);
    let whole = place.journal();
    let [.., fourth, fifth] = starts[..] else {
        unreachable!()
    };
    // The fourth frame is torn; the fifth stands well-formed behind it.
    let mut torn = whole.clone();
    torn[fourth as usize..fifth as usize].fill(0xaa);
    place.put_journal(&torn);
    let long = "a long name, which with its sum takes more than one line of 64";
    let two = format!("1 a=1; 2 {long}=two;");
    assert_eq!(place.committed(&NO_ARCHIVE), two);
    // As if the torn frame had been overwritten by a shorter one of the same session.
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Os);
    set_and_commit(&mut writer, "", "three");
    set_and_commit(&mut writer, "", "four");
    let end = writer.committed_len() as usize;
    drop(writer);
    for start in &starts {
        // Any frame of before, wherever it comes to stand behind the last one.
        let mut bytes = place.journal();
        bytes.truncate(end);
        bytes.extend(&whole[*start as usize..]);
        place.put_journal(&bytes);
        assert_eq!(place.chain(&NO_ARCHIVE).sequence(), 4);
        assert_eq!(
            place.chain(&NO_ARCHIVE).damage().unwrap()[0].offset as usize,
            end
        );
    }
}

#[test]
fn frames_of_another_session_do_not_count() {
    let (place, other) = (Place::new(), Place::new());
    small_journal(&place, Durability::Os);
    let lock = WriterLock::take(&other.companions).unwrap();
    let mut id = SESSION;
    id[0] ^= 1;
    let chain = other.chain(&NO_ARCHIVE);
    let (mut writer, _) = Writer::open(lock, &chain, id, Durability::Os, 1).unwrap();
    set_and_commit(&mut writer, "a", "1");
    drop(writer);
    let mut mixed = other.journal();
    mixed.extend(&place.journal()[320..]);
    other.put_journal(&mixed);
    assert_eq!(other.committed(&NO_ARCHIVE), "1 a=1;");
}

/// A record in the middle was lost, and what followed was padded over.
#[test]
fn a_lost_frame_costs_nothing_that_is_not_kept_aside() {
    let place = Place::new();
    let starts = small_journal(&place, Durability::Os);
    let mut bytes = place.journal();
    bytes[starts[1] as usize..starts[1] as usize + 64].fill(0);
    place.put_journal(&bytes);
    assert_eq!(place.committed(&NO_ARCHIVE), "1 a=1;");
    recovers(&place, "1 a=1;", &bytes);
}

#[test]
fn files_that_are_no_journal_are_set_aside_and_never_in_the_way() {
    let garbage: [&[u8]; 6] = [
        b"x",
        b"hello, this is a text that somebody put here, and it is longer than a frame; \
          longer than two frames, in fact, so that all of a begin frame could stand in it.",
        &[0xff; 64],
        &[0xff; 5000],
        &[0x41; 127],
        b"ACHJ",
    ];
    for bytes in garbage {
        let place = Place::new();
        place.put_journal(bytes);
        let damage = place.chain(&NO_ARCHIVE).damage().unwrap();
        assert!(damage.len() == 1 && damage[0].fault.is_some(), "{damage:?}");
        recovers(&place, "", bytes);
    }
    for zeros in [0, 1, 64, 128, 100_000] {
        let place = Place::new();
        place.put_journal(&vec![0; zeros]);
        assert_eq!(place.chain(&NO_ARCHIVE).damage().unwrap(), []);
        recovers(&place, "", &vec![0; zeros]);
    }
}

#[test]
fn what_was_set_aside_is_never_overwritten() {
    let place = Place::new();
    for n in 1..=3u8 {
        let mut writer = place.clean_writer(&NO_ARCHIVE);
        set_and_commit(&mut writer, "a", "1");
        drop(writer);
        let mut bytes = place.journal();
        bytes.extend([n; 100]);
        place.put_journal(&bytes);
        let (writer, aside) = place.writer(&NO_ARCHIVE, Durability::Commit);
        writer.close().unwrap();
        assert_eq!(aside.len(), 1);
    }
    for (n, name) in ["rejected", "rejected.2", "rejected.3"].iter().enumerate() {
        let path = place
            .companions
            .directory()
            .join(format!("x.ach-journal.{name}"));
        assert_eq!(fs::read(path).unwrap(), [n as u8 + 1; 100]);
    }
    assert_eq!(place.companions.list_retired().unwrap(), []);
}

/// A commit that was not finished is set aside too: whoever was killed may want it.
#[test]
fn frames_without_an_end_of_commit_go_aside() {
    let place = Place::new();
    let starts = small_journal(&place, Durability::Os);
    let whole = place.journal();
    let unfinished = &whole[..starts[3] as usize];
    place.put_journal(unfinished);
    let damage = place.chain(&NO_ARCHIVE).damage().unwrap();
    assert_eq!(damage[0].fault, None);
    assert_eq!(damage[0].offset, starts[2]);
    let kept = place.committed(&NO_ARCHIVE);
    recovers(&place, &kept, unfinished);
}

#[test]
fn zeros_behind_the_last_frame_are_no_damage() {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Commit);
    for n in 1..=100 {
        assert_eq!(set_and_commit(&mut writer, "k", "v"), n);
        let len = place.journal().len() as u64;
        assert!(len > writer.committed_len(), "space is reserved ahead");
        assert_eq!(place.chain(&NO_ARCHIVE).damage().unwrap(), []);
    }
    let killed = place.journal();
    drop(writer);
    place.put_journal(&killed);
    let kept = place.committed(&NO_ARCHIVE);
    recovers(&place, &kept, &killed);
}

#[test]
fn a_journal_of_a_later_version_is_left_alone() {
    let place = Place::new();
    small_journal(&place, Durability::Os);
    let mut bytes = place.journal();
    bytes[127] = 1;
    let sum = crc32fast::hash(&bytes[64..128]).to_le_bytes();
    bytes[48..52].copy_from_slice(&sum);
    let sum = crc32fast::hash(&bytes[8..64]).to_le_bytes();
    bytes[4..8].copy_from_slice(&sum);
    place.put_journal(&bytes);
    let error = Chain::open(&place.companions, &NO_ARCHIVE).unwrap_err();
    assert!(matches!(error, EnvError::Unsupported { .. }), "{error}");
}

/// One change of some bytes.
#[derive(Clone, Debug)]
enum Change {
    Put(usize, Vec<u8>),
    Move(usize, usize, usize),
    Cut(usize),
    Extend(Vec<u8>),
    /// As [`Change::Put`] into a header, whose sum is then made right.
    Forge(usize, usize, u64),
}

fn change() -> impl Strategy<Value = Change> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..80);
    prop_oneof![
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Change::Put(at, bytes)),
        (any::<usize>(), any::<usize>(), 1..6usize)
            .prop_map(|(from, to, lines)| Change::Move(from, to, lines)),
        any::<usize>().prop_map(Change::Cut),
        bytes().prop_map(Change::Extend),
        (
            any::<usize>(),
            8..57usize,
            prop_oneof![any::<u64>(), 0..300u64, Just(u64::MAX)]
        )
            .prop_map(|(line, field, value)| Change::Forge(line, field, value)),
    ]
}

fn apply(change: &Change, bytes: &mut Vec<u8>) {
    let len = bytes.len().max(1);
    match change {
        Change::Put(at, new) => {
            let at = at % len;
            let n = new.len().min(bytes.len() - at);
            bytes[at..at + n].copy_from_slice(&new[..n]);
        }
        Change::Move(from, to, lines) => {
            let (from, to) = (from % len / 64 * 64, to % len / 64 * 64);
            let n = (lines * 64).min(bytes.len() - from).min(bytes.len() - to);
            bytes.copy_within(from..from + n, to);
        }
        Change::Cut(at) => bytes.truncate(at % len),
        Change::Extend(new) => bytes.extend(new),
        Change::Forge(line, field, value) => {
            let line = line % len / 64 * 64;
            if let Some(header) = bytes.get_mut(line..line + 64) {
                header[*field..field + 8.min(64 - field)]
                    .copy_from_slice(&value.to_le_bytes()[..8.min(64 - field)]);
                let sum = crc32fast::hash(&header[8..]).to_le_bytes();
                header[4..8].copy_from_slice(&sum);
            }
        }
    }
}

proptest! {
    /// No bytes make a reader or a writer panic, and whatever is read is written on.
    #[test]
    fn any_bytes_are_a_journal_or_none(
        changes in proptest::collection::vec(change(), 1..6),
        durable in any::<bool>(),
    ) {
        let place = Place::new();
        small_journal(&place, DURABILITIES[usize::from(durable)]);
        let mut bytes = place.journal();
        for change in &changes {
            apply(change, &mut bytes);
        }
        place.put_journal(&bytes);
        if let Ok(chain) = Chain::open(&place.companions, &NO_ARCHIVE) {
            let frames = chain.frames();
            prop_assert!(frames.from(0).next_back().is_none_or(|f| f.ends_commit()));
            let read: Vec<_> = frames.from(0).map(|f| (f.sequence, f.key.to_vec())).collect();
            for frame in frames.from(0) {
                let _ = frame.verify();
                frame.payload().read().unwrap();
                frame.header().unwrap();
            }
            let _ = frames.commit_at(1);
            let damage = chain.damage().unwrap();
            let (mut writer, aside) = place.writer(&NO_ARCHIVE, Durability::Commit);
            prop_assert_eq!(damage.len(), aside.len());
            let sequence = set_and_commit(&mut writer, "next", "n");
            prop_assert_eq!(sequence, chain.sequence() + 1);
            drop(writer);
            let chain = place.chain(&NO_ARCHIVE);
            prop_assert_eq!(chain.sequence(), sequence);
            let again = chain.frames().from(0).take(read.len());
            prop_assert_eq!(read, again.map(|f| (f.sequence, f.key.to_vec())).collect::<Vec<_>>());
        }
    }
}
