//! A segment walked in parts is what it is walked in order.

use super::*;
use crate::journal::scan::Findings;
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
