//! A segment walked in parts is what it is walked in order.

use super::*;
use crate::fault::Fault;
use crate::journal::scan::{Findings, Position, Walk};
use crate::journal::segment::{Found, Segment};
use crate::journal::walk::walk_in_parts;

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound
    }
}

/// What a walk finds, in words.
fn walked(segment: &Segment, parts: u64) -> String {
    let len = segment.len().unwrap();
    let start = segment.start();
    let mut findings = Findings::new(start.sequence + 1);
    findings.frames.push_segment(segment.clone());
    let len = len - start.offset;
    let (end, fault) = walk_in_parts(segment, start, len, parts, &mut findings).unwrap();
    in_words(&findings, end, fault)
}

fn in_words(findings: &Findings, end: Position, fault: Option<Fault>) -> String {
    let frames = findings.frames.from(0).map(|f| {
        let key = String::from_utf8_lossy(f.key).into_owned();
        (f.sequence, f.entry.offset, f.entry.payload_len, key)
    });
    let frames: Vec<_> = frames.collect();
    assert_eq!(frames.len(), findings.frames.len());
    let synced = findings.synced;
    let mut doubts: Vec<u64> = findings.doubts.clone();
    doubts.retain(|sequence| *sequence > synced);
    doubts.sort_unstable();
    format!("{end:?} {fault:?} {synced} {doubts:?} {frames:?}")
}

fn segment(place: &Place) -> Segment {
    match Segment::find(&place.companions.journal()).unwrap() {
        Found::Segment(segment) => segment,
        other => panic!("{other:?}"),
    }
}

/// A journal with frames of many lengths; some payloads hold frames of the same journal.
fn journal(numbers: &mut Numbers, durability: Durability) -> (Place, Vec<u8>) {
    let place = Place::new();
    let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
    let commits = 5 + numbers.below(60);
    for n in 0..commits {
        for _ in 0..1 + numbers.below(3) {
            let payload = match numbers.below(4) {
                0 => place.journal(),
                1 => vec![7; numbers.below(100_000)],
                _ => vec![1; numbers.below(200)],
            };
            let payload = &payload[..payload.len().min(200_000)];
            let key = "k".repeat(numbers.below(130));
            writer.append(&frame(&key), payload, None).unwrap();
        }
        writer.commit(n as u64 + 1).unwrap();
    }
    drop(writer);
    let bytes = place.journal();
    (place, bytes)
}

#[test]
fn in_parts_it_is_what_it_is_in_order() {
    let mut numbers = Numbers(1);
    for round in 0..16 {
        let durability = [Durability::Os, Durability::Commit][round % 2];
        let (place, mut bytes) = journal(&mut numbers, durability);
        for damage in 0..4 {
            if damage > 0 {
                let at = 128 + numbers.below(bytes.len() - 128);
                match damage {
                    3 => bytes.truncate(at),
                    _ => bytes[at] ^= 1,
                }
                place.put_journal(&bytes);
            }
            let segment = segment(&place);
            let in_order = walked(&segment, 1);
            for parts in 2..8 {
                assert_eq!(
                    walked(&segment, parts),
                    in_order,
                    "{round} {damage} {parts}"
                );
            }
        }
    }
}

#[test]
fn frames_that_stand_in_a_payload_do_not_count() {
    let mut numbers = Numbers(2);
    let (inner, bytes) = journal(&mut numbers, Durability::Os);
    let place = Place::new();
    // The same session and sequences: what a thread finds in the payload looks right in itself.
    place.put_journal(&bytes);
    let (mut writer, _) = place.writer(&NO_ARCHIVE, Durability::Os);
    writer.append(&frame("copy"), &bytes[128..], None).unwrap();
    writer.commit(1).unwrap();
    drop(writer);
    let segment = segment(&place);
    let frames = inner.chain(&NO_ARCHIVE).frames().len();
    for parts in 1..8 {
        let mut findings = Findings::new(1);
        findings.frames.push_segment(segment.clone());
        let (start, len) = (segment.start(), segment.len().unwrap());
        let (end, fault) =
            walk_in_parts(&segment, start, len - start.offset, parts, &mut findings).unwrap();
        assert!(fault.is_none(), "{fault:?}");
        assert_eq!(findings.frames.len(), frames + 1);
        assert_eq!(end.sequence, frames as u64 + 1);
    }
}

/// What a walk finds that looks at each frame by itself, or is quick about plain ones.
fn walked_alone(segment: &Segment, one_by_one: bool) -> String {
    let start = segment.start();
    let mut findings = Findings::new(start.sequence + 1);
    findings.frames.push_segment(segment.clone());
    let mut walk = Walk::new(segment, start);
    walk.one_by_one = one_by_one;
    let (end, fault) = walk.run(u64::MAX, &mut findings).unwrap();
    in_words(&findings, end, fault)
}

#[test]
fn plain_frames_are_what_they_are_one_by_one() {
    let mut kinds_of_end = std::collections::BTreeSet::new();
    for durability in [Durability::Os, Durability::Commit] {
        let place = Place::new();
        let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
        let keys = [
            "a",
            "b",
            "a",
            "",
            &"k".repeat(60),
            &"k".repeat(61),
            "a",
            "b",
        ];
        for (number, key) in keys.into_iter().enumerate() {
            let payload = vec![7; [0, 1, 64, 100][number % 4]];
            writer.append(&frame(key), &payload, None).unwrap();
            if number % 3 == 2 {
                writer.commit(1).unwrap();
            }
        }
        drop(writer);
        let bytes = place.journal();
        let offsets: Vec<usize> = (place.chain(&NO_ARCHIVE).frames().from(0))
            .map(|frame| frame.entry.offset as usize)
            .collect();
        for bit in 128 * 8..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Also with the sum that the header then has.
            let header = offsets.iter().rfind(|offset| **offset <= bit / 8);
            for seals in [false, true] {
                if seals && let Some(header) = header {
                    let sum = crc32fast::hash(&damaged[header + 8..header + 64]);
                    damaged[header + 4..header + 8].copy_from_slice(&sum.to_le_bytes());
                }
                place.put_journal(&damaged);
                let segment = segment(&place);
                let expected = walked_alone(&segment, true);
                assert_eq!(walked_alone(&segment, false), expected, "{bit} {seals}");
                kinds_of_end.extend(expected.split('"').nth(1).map(str::to_owned));
            }
        }
    }
    let expected = ["key length", "kind", "link to the frame before"];
    let missing: Vec<_> = expected
        .into_iter()
        .filter(|field| !kinds_of_end.contains(*field))
        .collect();
    assert!(missing.is_empty(), "{missing:?} {kinds_of_end:?}");
}
