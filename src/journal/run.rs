//! Frames that stand one behind the other, in 12 bytes each.
//!
//! Fresh memory costs more than anything else in walking a journal, so that little is kept of a
//! frame: what follows from the next one is computed, and keys that come again are kept once, as
//! far as a small cache remembers them.

use super::frame::{FrameKind, KEY_SUM_LEN, MESSAGE_HEADER_LEN, payload_offset};

/// Bytes of keys after which a run takes no more frames.
const MOST_KEYS: usize = 1 << 31;
/// Keys that are remembered: the last ones that were met for the first time.
const REMEMBERED: usize = 1 << 12;
/// Places to look for them, by their sums: a power of two.
const PLACES: usize = 1 << 14;
const HIGH_HALF: u32 = 0xffff_0000;
/// Frames from which on keys are remembered.
const REMEMBERED_FROM: usize = 64;
const ALIGN: u64 = MESSAGE_HEADER_LEN as u64;
/// What a short key takes with its sum and padding.
pub(super) const BLOCK_LEN: usize = MESSAGE_HEADER_LEN;
/// The longest of short keys.
pub(super) const SHORT_KEY: usize = BLOCK_LEN - KEY_SUM_LEN;

/// Where a frame stands, and what it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Offset of the frame in its segment.
    pub(crate) offset: u64,
    /// Length of its payload in bytes.
    pub(crate) payload_len: u64,
    /// What the value is, for listings.
    pub(crate) type_id: u16,
    pub(super) kind: u8,
    pub(super) ends_commit: bool,
}

#[derive(Clone, Copy, Debug)]
struct Packed {
    /// Where it begins, in units of 64 bytes from the first one.
    place: u32,
    /// The number of its key.
    key: u32,
    type_id: u16,
    kind: u8,
    /// How many zeros stand behind its payload; the highest bit is set when it ends a commit.
    padding: u8,
}

const ENDS_COMMIT: u8 = 0x80;

/// A key that was met.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The block that begins with it: all of a short key, its sum and zeros.
    block: [u8; BLOCK_LEN],
    len: u32,
    sum: u32,
    number: u32,
}

/// Frames without gaps in one segment.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    /// Offset of the first frame, and of what follows the last one.
    start: u64,
    end: u64,
    entries: Vec<Packed>,
    keys: Vec<u8>,
    /// Where each key begins; it ends where the next one begins.
    key_starts: Vec<u32>,
    /// Some of them, each in place of the one that many keys before.
    known: Vec<Known>,
    /// Where among those a key may be, by the low bits of its sum: one more than the place, below the
    /// high half of the sum.
    places: Vec<u32>,
    /// Entries and keys that were there when it was last cut.
    settled: (usize, usize),
    /// At least as long as the longest payload.
    largest_payload: u64,
    /// Whether there is a restore frame, or was.
    has_restores: bool,
}

impl Run {
    /// Without frames; the first will begin at `start`.
    pub(super) fn new(start: u64) -> Run {
        Run {
            start,
            end: start,
            ..Run::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The length of the longest payload there is, or was.
    pub(super) fn largest_payload(&self) -> u64 {
        self.largest_payload
    }

    /// Whether there is a restore frame, or was.
    pub(super) fn has_restores(&self) -> bool {
        self.has_restores
    }

    /// Whether a frame at `offset` may follow.
    pub(super) fn takes(&self, offset: u64) -> bool {
        let units = (offset - self.start.min(offset)) / ALIGN;
        offset == self.end && u32::try_from(units).is_ok() && self.keys.len() < MOST_KEYS
    }

    /// The number of a key, if it is remembered with that sum.
    pub(super) fn known(&self, key: &[u8], sum: u32) -> Option<u32> {
        let known = self.remembered(sum)?;
        let same = known.sum == sum && self.key(known.number) == Some(key);
        same.then_some(known.number)
    }

    /// The number of a short key, if it is remembered: by the block that begins with it.
    #[inline]
    pub(super) fn known_short(&self, block: &[u8; BLOCK_LEN], key_len: usize) -> Option<u32> {
        let sum = block.get(key_len..)?.first_chunk()?;
        let known = self.remembered(u32::from_le_bytes(*sum))?;
        let same = known.len as usize == key_len && known.block == *block;
        same.then_some(known.number)
    }

    #[inline]
    fn remembered(&self, sum: u32) -> Option<&Known> {
        let place = *self.places.get(sum as usize % PLACES)? ^ (sum & HIGH_HALF);
        self.known.get((place as usize).checked_sub(1)?)
    }

    /// Keeps a key with its sum; returns its number.
    pub(super) fn add_key(&mut self, key: &[u8], sum: u32) -> u32 {
        let number = self.key_starts.len() as u32;
        self.key_starts.push(self.keys.len() as u32);
        self.keys.extend_from_slice(key);
        if self.places.is_empty() && self.entries.len() >= REMEMBERED_FROM {
            self.places = vec![0; PLACES];
        }
        if let Some(place) = self.places.get_mut(sum as usize % PLACES) {
            let mut block = [0; BLOCK_LEN];
            if let Some((start, rest)) = block.split_at_mut_checked(key.len())
                && let Some(behind) = rest.first_chunk_mut()
            {
                start.copy_from_slice(key);
                *behind = sum.to_le_bytes();
            }
            let known = Known {
                block,
                len: key.len() as u32,
                sum,
                number,
            };
            let at = match self.known.len() {
                len @ ..REMEMBERED => len,
                _ => number as usize % REMEMBERED,
            };
            match self.known.get_mut(at) {
                Some(older) => *older = known,
                None => self.known.push(known),
            }
            *place = (sum & HIGH_HALF) | (at as u32 + 1);
        }
        number
    }

    /// Adds a frame up to `end`, whose key has that number.
    #[inline]
    pub(super) fn push(&mut self, entry: &Entry, end: u64, key: u32) {
        let padding = entry.payload_len.wrapping_neg() % ALIGN;
        let commit = u8::from(entry.ends_commit) * ENDS_COMMIT;
        self.entries.push(Packed {
            place: ((entry.offset - self.start) / ALIGN) as u32,
            key,
            type_id: entry.type_id,
            kind: entry.kind,
            padding: padding as u8 | commit,
        });
        self.largest_payload = self.largest_payload.max(entry.payload_len);
        self.has_restores |= FrameKind::from(entry.kind) == FrameKind::Restore;
        self.end = end;
    }

    /// The frame of that number and its key.
    pub(super) fn get(&self, number: usize) -> Option<(Entry, &[u8])> {
        let packed = self.entries.get(number)?;
        let key = self.key(packed.key)?;
        let offset = self.offset(packed);
        let next = self.entries.get(number + 1);
        let end = next.map_or(self.end, |next| self.offset(next));
        let padding = u64::from(packed.padding & !ENDS_COMMIT);
        let entry = Entry {
            offset,
            payload_len: end - offset - payload_offset(key.len() as u64) - padding,
            type_id: packed.type_id,
            kind: packed.kind,
            ends_commit: packed.padding & ENDS_COMMIT != 0,
        };
        Some((entry, key))
    }

    fn offset(&self, packed: &Packed) -> u64 {
        self.start + u64::from(packed.place) * ALIGN
    }

    /// Keeps the first `kept` frames, and of keys those they have.
    pub(super) fn truncate(&mut self, kept: usize) {
        let Some(packed) = self.entries.get(kept) else {
            self.settled = (self.entries.len(), self.key_starts.len());
            return;
        };
        self.end = self.offset(packed);
        self.entries.truncate(kept);
        let (entries, keys) = self.settled;
        let new = self.entries.get(entries..).unwrap_or_default();
        let greatest = new.iter().map(|packed| packed.key as usize + 1).max();
        let keys = keys.max(greatest.unwrap_or(0));
        if let Some(start) = self.key_starts.get(keys) {
            self.keys.truncate(*start as usize);
            self.key_starts.truncate(keys);
            self.known.clear();
            self.places.clear();
        }
        self.settled = (self.entries.len(), self.key_starts.len());
    }

    fn key(&self, number: u32) -> Option<&[u8]> {
        let start = *self.key_starts.get(number as usize)? as usize;
        let next = self.key_starts.get(number as usize + 1);
        self.keys
            .get(start..next.map_or(self.keys.len(), |next| *next as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::journal::frame::frame_len;

    #[test]
    fn a_frame_takes_12_bytes() {
        assert_eq!(size_of::<Packed>(), 12);
    }

    /// A key, a payload length and whether it ends a commit.
    fn frame(number: u64) -> (String, u64, bool) {
        let key = match number % 5 {
            0 => String::new(),
            1 => format!("name {}", number % 7),
            2 => format!("a longer name with {number} in the middle of it"),
            3 => format!("{}", number % 9000),
            _ => "k".repeat(number as usize % 4097),
        };
        (key, number * number % 5000, number.is_multiple_of(3))
    }

    fn push(run: &mut Run, offset: u64, number: u64) -> u64 {
        let (key, payload_len, ends) = frame(number);
        let entry = Entry {
            offset,
            payload_len,
            type_id: number as u16,
            kind: 1,
            ends_commit: ends,
        };
        assert!(run.takes(offset));
        let sum = crc32fast::hash(key.as_bytes());
        let end = offset + frame_len(key.len() as u64, payload_len).unwrap();
        let known = run.known(key.as_bytes(), sum);
        let number = known.unwrap_or_else(|| run.add_key(key.as_bytes(), sum));
        run.push(&entry, end, number);
        end
    }

    /// Compares the frames with what they should be; returns for how many the key is remembered.
    fn compare(run: &Run, numbers: &[u64], offsets: &[u64]) -> usize {
        let mut remembered = 0;
        assert_eq!(run.len(), numbers.len());
        for (place, number) in numbers.iter().enumerate() {
            let (entry, key) = run.get(place).unwrap();
            let (expected, payload_len, ends) = frame(*number);
            assert_eq!(key, expected.as_bytes());
            let sum = crc32fast::hash(key);
            assert_eq!(run.known(key, !sum), None);
            if let Some(number) = run.known(key, sum) {
                remembered += 1;
                assert_eq!(run.key(number), Some(key));
            }
            let mut block = [0; BLOCK_LEN];
            if let Some(area) = block.get_mut(..key.len() + KEY_SUM_LEN) {
                area[..key.len()].copy_from_slice(key);
                area[key.len()..].copy_from_slice(&sum.to_le_bytes());
                let known = run.known(key, sum);
                assert_eq!(run.known_short(&block, key.len()), known);
                assert_eq!(run.known_short(&block, key.len() + 1), None);
            }
            assert_eq!(
                (entry.offset, entry.payload_len),
                (offsets[place], payload_len)
            );
            assert_eq!((entry.type_id, entry.ends_commit), (*number as u16, ends));
        }
        remembered
    }

    #[test]
    fn frames_are_what_they_were_also_after_some_were_cut_off() {
        let mut run = Run::new(128);
        let (mut numbers, mut offsets) = (Vec::new(), vec![128]);
        let mut remembered = 0;
        for round in 0..40 {
            for n in 0..200 {
                let number = round * 131 + n * 7;
                offsets.push(push(&mut run, offsets[numbers.len()], number));
                numbers.push(number);
            }
            let kept = numbers.len() - (round as usize * 37) % 190;
            for kept in [numbers.len(), kept] {
                run.truncate(kept);
                numbers.truncate(kept);
                offsets.truncate(kept + 1);
                remembered += compare(&run, &numbers, &offsets);
            }
        }
        assert!(remembered > 1000 && !run.takes(128));
    }

    #[test]
    fn keys_that_are_cut_off_again_and_again_take_no_memory() {
        let mut run = Run::new(0);
        for number in 0..100 {
            let offset = run.end;
            push(&mut run, offset, 5 * number + 1);
        }
        run.truncate(100);
        let (keys, end) = (run.keys.len(), run.end);
        for round in 0..1000 {
            let mut offset = end;
            for n in 0..10 {
                offset = push(&mut run, offset, 5 * (round * 10 + n) + 2);
            }
            run.truncate(100);
            assert_eq!((run.keys.len(), run.end), (keys, end));
        }
    }
}
