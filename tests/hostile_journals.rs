//! Promise: a journal that was made to harm, or that others damaged, is an error or a shorter journal:
//! never a crash, never memory beyond reason, and never half of a commit.

mod reseal;

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, EnvError, FLAG_COMMIT, FrameKind, MessageHeader, Moment, OpenOptions, Part,
    SaveOptions, Session, SessionOptions, SessionReader, Tensor, save,
};
use reseal::{Patch, preamble};

const SESSION: [u8; 16] = *b"0123456789abcdef";
/// More than any machine has, in a file of a few blocks.
const HUGE: u64 = 4 << 40;

/// An archive of `a` and `b` that belongs to the session and holds its frames up to `folded`.
fn archive(dir: &Path, folded: u64) -> PathBuf {
    let path = dir.join("x.ach");
    let bindings = [("a", 1.0f64), ("b", 2.0)];
    save(&path, bindings, &SaveOptions::new().durable(false)).unwrap();
    let mut patch = Patch::of(fs::read(&path).unwrap());
    let (session, sequence) = (
        patch.preamble(preamble::SESSION),
        patch.preamble(preamble::FOLDED),
    );
    patch.put(session, &SESSION).put_u64(sequence, folded);
    fs::write(&path, patch.seal()).unwrap();
    path
}

/// A segment made by hand: parts of a file, and between them nothing at all.
struct Segment {
    parts: Vec<(u64, Vec<u8>)>,
    end: u64,
    sequence: u64,
    link: u32,
    synced: u64,
    time: u64,
}

impl Segment {
    /// The begin frame of a segment behind the frame `base`, whose header has the sum `link`.
    fn after(base: u64, link: u32) -> Segment {
        let mut payload = [0; 64];
        payload[..16].copy_from_slice(&SESSION);
        payload[48..56].copy_from_slice(&base.to_le_bytes());
        let mut segment = Segment {
            parts: Vec::new(),
            end: 0,
            sequence: base,
            link,
            synced: 0,
            time: 1,
        };
        segment.put(FrameKind::Begin, 0, b"", Some(&payload), 64);
        segment
    }

    fn header(&self, kind: FrameKind, sequence: u64) -> MessageHeader {
        let short = u64::from_le_bytes(SESSION[..8].try_into().unwrap());
        MessageHeader {
            link: self.link,
            synced: self.synced,
            timestamp: self.time,
            ..MessageHeader::new(short, sequence, kind)
        }
    }

    fn put(
        &mut self,
        kind: FrameKind,
        flags: u8,
        key: &[u8],
        payload: Option<&[u8]>,
        payload_len: u64,
    ) {
        let header = MessageHeader {
            flags,
            key_len: key.len() as u32,
            payload_len,
            payload_crc: payload.map_or(0, crc32fast::hash),
            ..self.header(kind, self.sequence)
        };
        let mut bytes = header.to_bytes().to_vec();
        self.link = u32::from_le_bytes(bytes[4..8].try_into().unwrap());
        if !key.is_empty() {
            bytes.extend_from_slice(key);
            bytes.extend_from_slice(&crc32fast::hash(key).to_le_bytes());
            bytes.resize(bytes.len().next_multiple_of(64), 0);
        }
        bytes.extend_from_slice(payload.unwrap_or_default());
        self.parts.push((self.end, bytes));
        self.end += header.frame_len().unwrap();
    }

    fn frame(&mut self, kind: FrameKind, key: &str, payload: &[u8], ends_commit: bool) {
        let flags = if ends_commit { FLAG_COMMIT } else { 0 };
        self.sequence += 1;
        let len = payload.len() as u64;
        self.put(kind, flags, key.as_bytes(), Some(payload), len);
    }

    /// A frame with a payload that begins with `payload` and goes on as a hole, and a mark behind it
    /// that says that it was on the disk: nobody sums it.
    fn huge_frame(&mut self, kind: FrameKind, key: &str, payload: &[u8], len: u64) {
        self.sequence += 1;
        self.put(kind, FLAG_COMMIT, key.as_bytes(), Some(payload), len);
        self.synced = self.sequence;
        self.frame(FrameKind::Mark, "behind", b"", true);
    }

    /// Writes it, `len` bytes long with the hole behind it.
    fn write(&self, archive: &Path, suffix: &str, hole: u64) {
        let mut file = File::create(beside(archive, suffix)).unwrap();
        for (at, bytes) in &self.parts {
            file.seek(SeekFrom::Start(*at)).unwrap();
            file.write_all(bytes).unwrap();
        }
        file.set_len(self.end + hole).unwrap();
    }
}

fn beside(archive: &Path, suffix: &str) -> PathBuf {
    format!("{}{suffix}", archive.display()).into()
}

fn removed(names: &[&str], base: u64) -> Segment {
    let mut segment = Segment::after(base, 0);
    for name in names {
        segment.frame(FrameKind::Remove, name, b"", true);
    }
    segment
}

fn names(path: &Path) -> Vec<String> {
    let reader = SessionReader::open(path).unwrap();
    reader.archive().names().map(str::to_owned).collect()
}

#[track_caller]
fn is_damaged(path: &Path) {
    let error = SessionReader::open(path).unwrap_err();
    assert!(matches!(error, EnvError::Damaged { .. }), "{error}");
    let error = OpenOptions::new().journal(true).open(path).unwrap_err();
    assert!(matches!(error, EnvError::Damaged { .. }), "{error}");
    let error = Session::open(path).unwrap_err();
    assert!(matches!(error, EnvError::Damaged { .. }), "{error}");
}

#[test]
fn a_payload_is_not_read_before_its_length_was_looked_at() {
    for kind in [FrameKind::Rename, FrameKind::Restore] {
        for len in [17, 4097, HUGE] {
            let dir = tempfile::tempdir().unwrap();
            let path = archive(dir.path(), 0);
            let mut segment = Segment::after(0, 0);
            segment.huge_frame(kind, "a", b"c", len);
            segment.write(&path, "-journal", 0);
            match (kind, len) {
                // A name of 17 bytes, which may hold zeros.
                (FrameKind::Rename, 17) => assert_eq!(names(&path).len(), 2),
                _ => is_damaged(&path),
            }
        }
    }
}

#[test]
fn an_image_that_tells_of_records_beyond_memory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    let mut head = [0; 64];
    head[..4].copy_from_slice(b"ACHV");
    head[4] = 1;
    head[8..16].copy_from_slice(&HUGE.to_le_bytes());
    for at in [16, 20, 24] {
        head[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    }
    let crc = crc32fast::hash(&head[..60]);
    head[60..].copy_from_slice(&crc.to_le_bytes());
    let mut segment = Segment::after(0, 0);
    segment.huge_frame(FrameKind::Set, "c", &head, HUGE);
    segment.write(&path, "-journal", 0);
    let reader = SessionReader::open(&path).unwrap();
    let error = reader.archive().get("c").unwrap_err();
    assert!(error.to_string().contains("x.ach-journal"), "{error}");
    assert_eq!(reader.archive().get("a").unwrap().as_f64(), Some(1.0));
}

/// Another tool made the file longer: nobody reads what is not there.
#[cfg(target_os = "linux")]
#[test]
fn a_hole_behind_the_last_frame_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    removed(&["a"], 0).write(&path, "-journal", HUGE);
    let mut reader = SessionReader::open(&path).unwrap();
    assert_eq!(reader.damage().unwrap(), []);
    assert!(!reader.refresh().unwrap());
    assert_eq!(names(&path), ["b"]);
    let mut session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    assert!(session.set_aside().is_empty());
    session.set("c", 3).unwrap();
    session.commit().unwrap();
    session.close().unwrap();
    assert_eq!(names(&path), ["b", "c"]);
    assert!(fs::metadata(beside(&path, "-journal")).unwrap().len() < 1 << 20);
}

#[cfg(target_os = "linux")]
#[test]
fn what_stands_behind_a_hole_is_set_aside_without_filling_the_disk() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    let segment = removed(&["a"], 0);
    segment.write(&path, "-journal", HUGE);
    let journal = File::options().append(true).open(beside(&path, "-journal"));
    journal.unwrap().write_all(b"junk").unwrap();
    let session = Session::open(&path).unwrap();
    let aside = session.set_aside();
    assert_eq!(aside.len(), 1);
    let metadata = fs::metadata(&aside[0]).unwrap();
    assert_eq!(metadata.len(), HUGE + 4);
    assert!(metadata.blocks() * 512 < 8 << 20, "{}", metadata.blocks());
    session.close().unwrap();
    assert_eq!(names(&path), ["b"]);
}

/// A payload that nobody vouches for is summed when the journal is opened; of a hole that is no work.
#[cfg(target_os = "linux")]
#[test]
fn a_payload_that_is_a_hole_is_not_read_to_be_summed() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    for len in [HUGE, 3 << 20, (1 << 20) + 17] {
        let mut segment = removed(&["a"], 0);
        segment.sequence += 1;
        segment.put(FrameKind::Message, FLAG_COMMIT, b"", Some(b"wrong"), len);
        segment.write(&path, "-journal", 0);
        let reader = SessionReader::open(&path).unwrap();
        assert_eq!((reader.sequence(), reader.damage().unwrap().len()), (1, 1));
    }
    // With the sum of what it is, it counts.
    let mut segment = removed(&["a"], 0);
    segment.sequence += 1;
    let zeros = vec![0; 3 << 20];
    segment.put(FrameKind::Message, FLAG_COMMIT, b"", Some(&zeros), 3 << 20);
    segment.parts.last_mut().unwrap().1.truncate(64);
    segment.write(&path, "-journal", 0);
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!((reader.sequence(), reader.damage().unwrap().len()), (2, 0));
    // What was cut off is no hole.
    let journal = File::options().write(true).open(beside(&path, "-journal"));
    journal.unwrap().set_len(segment.end - 64).unwrap();
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!((reader.sequence(), reader.damage().unwrap().len()), (1, 1));
}

#[test]
fn nothing_leads_into_the_middle_of_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    for (target, sound) in [(0, true), (1, false), (2, true), (3, false)] {
        let mut segment = Segment::after(0, 0);
        segment.frame(FrameKind::Remove, "a", b"", false);
        segment.frame(FrameKind::Remove, "b", b"", true);
        let mut payload = [0u8; 16];
        payload[..8].copy_from_slice(&u64::to_le_bytes(target));
        payload[8] = 3;
        segment.frame(FrameKind::Restore, "", &payload, true);
        segment.write(&path, "-journal", 0);
        match sound {
            true => assert_eq!(names(&path).len(), if target == 0 { 2 } else { 0 }),
            false => is_damaged(&path),
        }
    }
}

/// The greatest sequence there is: nothing can be committed after it, and nothing overflows.
#[test]
fn an_archive_that_says_it_holds_all_frames_can_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), u64::MAX);
    removed(&["a"], 0).write(&path, "-journal", 0);
    let reader = SessionReader::open(&path).unwrap();
    assert_eq!((reader.sequence(), reader.unfolded()), (u64::MAX, 0));
    assert_eq!(reader.archive().len(), 2);
    assert!(reader.log().unwrap().is_empty());
    assert_eq!(reader.events(0).count(), 0);
    assert_eq!(reader.events(u64::MAX).count(), 0);
    assert_eq!(reader.journal().unwrap().commits, 0);
    assert_eq!(reader.verify_journal(|_, _| {}).unwrap().frames, 0);
    let opened = OpenOptions::new().journal(true).open(&path).unwrap();
    assert_eq!(opened.len(), 2);
    fs::remove_file(beside(&path, "-journal")).unwrap();
    let mut session = Session::open(&path).unwrap();
    assert!(session.log().unwrap().is_empty());
    assert_eq!(session.replay().unwrap().count(), 0);
    assert!(session.undo().is_err());
    session.set("c", 1).unwrap();
    assert!(session.commit().is_err());
    session.rollback().unwrap();
    session.close().unwrap();
    assert_eq!(Archive::open(&path).unwrap().len(), 2);
}

/// Segments of the frames 1 and 2, 3 and 4, and 5, which remove one name each.
fn three_segments(path: &Path) {
    let mut link = 0;
    for (base, suffix) in [(0, "-journal.1"), (2, "-journal.3"), (4, "-journal")] {
        let mut segment = Segment::after(base, link);
        for _ in 0..if base == 4 { 1 } else { 2 } {
            let key = format!("mark {}", segment.sequence + 1);
            segment.frame(FrameKind::Mark, &key, b"", true);
        }
        link = segment.link;
        segment.write(path, suffix, 0);
    }
}

fn commits(path: &Path) -> Vec<u64> {
    let reader = SessionReader::open(path).unwrap();
    reader.log().unwrap().iter().map(|c| c.sequence).collect()
}

/// A file at the place of a segment that is none is damage like any other: what is before it counts.
#[test]
fn a_broken_begin_frame_in_the_middle_cuts_the_journal_there() {
    for (broken, folded, kept) in [
        ("-journal.1", 0, vec![]),
        ("-journal.1", 1, vec![]),
        ("-journal.3", 0, vec![1, 2]),
        ("-journal.3", 1, vec![2]),
        ("-journal.3", 2, vec![]),
        ("-journal", 2, vec![3, 4]),
        // Folded: nobody looks at it.
        ("-journal.1", 2, vec![3, 4, 5]),
        ("-journal.3", 4, vec![5]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let path = archive(dir.path(), folded);
        three_segments(&path);
        let segment = beside(&path, broken);
        let mut bytes = fs::read(&segment).unwrap();
        bytes[40] ^= 1;
        fs::write(&segment, &bytes).unwrap();
        assert_eq!(commits(&path), kept, "{broken} {folded}");
        let mut reader = SessionReader::open(&path).unwrap();
        assert!(!reader.refresh().unwrap());
        let damage = reader.damage().unwrap();
        let lost = damage.iter().map(|damage| damage.path.clone());
        let lost: Vec<PathBuf> = lost.collect();
        let files = match (broken, folded) {
            ("-journal.1", 0 | 1) => vec!["-journal.1", "-journal.3", "-journal"],
            ("-journal.3", 0..=2) => vec!["-journal.3", "-journal"],
            ("-journal", _) => vec!["-journal"],
            _ => vec![],
        };
        let files: Vec<PathBuf> = files.iter().map(|suffix| beside(&path, suffix)).collect();
        assert_eq!(lost, files, "{broken} {folded}");

        let mut session = SessionOptions::new().fold_below(0).open(&path).unwrap();
        assert_eq!(session.set_aside().len(), files.len());
        let before = session.sequence();
        assert_eq!(before, kept.last().copied().unwrap_or(folded));
        session.mark("after").unwrap();
        drop(session);
        let all: Vec<u64> = kept.iter().copied().chain([before + 1]).collect();
        assert_eq!(commits(&path), all, "{broken} {folded}");
    }
}

/// What is set aside goes file by file, the last first: what is left reads the same at any time.
/// It has the name of the segment that would follow it: a reader that goes on must not go in a circle.
#[test]
fn a_retired_segment_without_frames_does_not_follow_itself() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    Segment::after(0, 0).write(&path, "-journal.1", 0);
    let mut reader = SessionReader::open(&path).unwrap();
    assert!(!reader.refresh().unwrap());
    removed(&["a"], 0).write(&path, "-journal", 0);
    assert!(reader.refresh().unwrap());
    assert_eq!(names(&path), ["b"]);
}

#[test]
fn segments_behind_a_broken_one_go_aside_first() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    three_segments(&path);
    let active = fs::read(beside(&path, "-journal")).unwrap();
    let segment = beside(&path, "-journal.3");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    fs::write(&segment, &bytes).unwrap();
    let session = Session::open(&path).unwrap();
    let aside: Vec<_> = session.set_aside().to_vec();
    assert_eq!(fs::read(&aside[0]).unwrap(), active);
    assert_eq!(fs::read(&aside[1]).unwrap(), bytes);
}

/// The name of a file is no proof of where the segment before it ends.
#[test]
fn a_stray_file_with_the_name_of_a_segment_hides_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 1);
    three_segments(&path);
    fs::write(beside(&path, "-journal.2"), b"mine").unwrap();
    assert_eq!(commits(&path), [2, 3, 4, 5]);
    let session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    assert!(beside(&path, "-journal.1").exists());
    assert_eq!(session.set_aside().len(), 1);
    drop(session);
    assert_eq!(commits(&path), [2, 3, 4, 5]);
}

/// The fault is told of the file and the byte where it is.
#[test]
fn damage_in_an_array_is_told_of_the_file_that_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.ach");
    let options = SessionOptions::new().create(true);
    let numbers: Vec<f64> = (0..40_000).map(f64::from).collect();
    let tensor = |first: f64| {
        let mut numbers = numbers.clone();
        numbers[0] = first;
        Tensor::from_vec(numbers, [40_000]).unwrap()
    };
    let mut session = options.open(&path).unwrap();
    session.set("stands", tensor(0.0)).unwrap();
    session.close().unwrap();
    let mut session = options.clone().fold_below(0).open(&path).unwrap();
    session.set("named", tensor(0.0)).unwrap();
    session.set("own", tensor(7.0)).unwrap();
    session.commit().unwrap();
    session.set("again", tensor(7.0)).unwrap();
    session.commit().unwrap();
    session.close().unwrap();

    let flip = |path: &Path, at: usize| {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    };
    let archive = Archive::open(&path).unwrap();
    let stands = archive.binding("stands").unwrap().extents().unwrap()[0].offset as usize;
    drop(archive);
    let journal = beside(&path, "-journal");
    let bytes = fs::read(&journal).unwrap();
    let first: Vec<u8> = [7.0f64, 1.0, 2.0, 3.0].map(f64::to_le_bytes).concat();
    let own = bytes.windows(32).position(|bytes| bytes == first).unwrap();
    assert_eq!(own % 64, 0);
    let block = 65_536;
    flip(&path, stands + block + 8);
    flip(&journal, own + block + 8);

    let reader = SessionReader::open(&path).unwrap();
    for (name, file, at) in [
        ("stands", &path, stands),
        ("named", &path, stands),
        ("own", &journal, own),
        ("again", &journal, own),
    ] {
        let value = reader.archive().get(name).unwrap();
        let tensor = value.as_tensor().unwrap();
        let error = tensor.as_slice::<f64>().unwrap_err();
        let fault = error.fault().unwrap();
        assert_eq!(fault.offset, (at + block) as u64, "{name}: {error}");
        assert!(matches!(fault.part, Part::Block { block: 1, .. }));
        let text = error.to_string();
        let named = format!("{} is damaged", file.display());
        assert!(text.contains(&named), "{name}: {text}");
    }
    // Each fault is told once, where it is.
    let report = reader.verify_journal(|_, _| {}).unwrap();
    let faults: Vec<_> = report.faults.iter().map(|fault| &fault.variable).collect();
    assert_eq!(faults, [&Some("own".to_owned())], "{report:?}");
}

/// They tell of a writer that did not keep its promise, and are no part of what counts.
#[test]
fn times_that_go_back_end_no_journal() {
    let dir = tempfile::tempdir().unwrap();
    let path = archive(dir.path(), 0);
    let mut segment = Segment::after(0, 0);
    for (name, time) in [("a", 9_000), ("b", 3_000)] {
        segment.time = time;
        segment.frame(FrameKind::Remove, name, b"", true);
    }
    segment.write(&path, "-journal", 0);
    let mut session = SessionOptions::new().fold_below(0).open(&path).unwrap();
    assert!(session.is_empty());
    for nanoseconds in [0, 3_000, 5_000, 9_000] {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_nanos(nanoseconds);
        // Whatever it leads to is a state that there was.
        if let Ok(travelled) = session.restore_at(&Moment::Time(time)) {
            assert!(travelled.to <= 2, "{nanoseconds}");
            assert_eq!(session.len() as u64, 2 - travelled.to);
        }
    }
    assert!(session.log().unwrap().len() >= 2);
}
