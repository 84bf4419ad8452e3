//! Frames that stand one behind the other, in 12 bytes each.
//!
//! Fresh memory costs more than anything else in walking a journal, so that little is kept of a
//! frame: what follows from the next one is computed, and keys that come again are kept once, as
//! far as a small cache remembers them.

use super::frame::{FLAG_COMMIT, FrameKind, MESSAGE_HEADER_LEN, MessageHeader, payload_offset};

/// Bytes of keys after which a run takes no more frames.
const MOST_KEYS: usize = 1 << 31;
/// Keys that are remembered: a power of two.
const REMEMBERED: usize = 1 << 12;
/// Frames from which on keys are remembered.
const REMEMBERED_FROM: usize = 64;
const ALIGN: u64 = MESSAGE_HEADER_LEN as u64;

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

/// A key of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownKey {
    number: u32,
    /// Its CRC-32, which was compared.
    pub(super) sum: u32,
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
    key_sums: Vec<u32>,
    /// Numbers of keys that were met, by what they look like.
    remembered: Vec<u32>,
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

    /// A key that is remembered.
    pub(super) fn known(&self, key: &[u8]) -> Option<KnownKey> {
        let number = *self.remembered.get(look(key))?;
        let sum = *self.key_sums.get(number as usize)?;
        (self.key(number) == Some(key)).then_some(KnownKey { number, sum })
    }

    /// Keeps a key.
    pub(super) fn add_key(&mut self, key: &[u8], sum: u32) -> KnownKey {
        if self.remembered.is_empty() && self.entries.len() >= REMEMBERED_FROM {
            self.remembered = vec![u32::MAX; REMEMBERED];
        }
        let number = self.key_starts.len() as u32;
        self.key_starts.push(self.keys.len() as u32);
        self.key_sums.push(sum);
        self.keys.extend_from_slice(key);
        if let Some(remembered) = self.remembered.get_mut(look(key)) {
            *remembered = number;
        }
        KnownKey { number, sum }
    }

    /// Adds a frame, whose key is one of this run.
    pub(super) fn push(&mut self, header: &MessageHeader, offset: u64, key: KnownKey) {
        let padding = header.payload_len.wrapping_neg() % ALIGN;
        let commit = u8::from(header.flags & FLAG_COMMIT != 0) * ENDS_COMMIT;
        self.entries.push(Packed {
            place: ((offset - self.start) / ALIGN) as u32,
            key: key.number,
            type_id: header.type_id,
            kind: header.kind.into(),
            padding: padding as u8 | commit,
        });
        self.largest_payload = self.largest_payload.max(header.payload_len);
        self.has_restores |= header.kind == FrameKind::Restore;
        self.end = offset.saturating_add(header.frame_len().unwrap_or_default());
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
            self.key_sums.truncate(keys);
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

/// What a key looks like: its length, and its first and last bytes.
fn look(key: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let (first, last) = match key.len() {
        0..8 => {
            let mut bytes = [0; 8];
            bytes[..key.len()].copy_from_slice(key);
            (0, u64::from_le_bytes(bytes))
        }
        _ => (word(key.first_chunk()), word(key.last_chunk())),
    };
    let mixed =
        (first.rotate_left(29) ^ last ^ key.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - REMEMBERED.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut header = MessageHeader::new(1, 1, FrameKind::Set);
        header.key_len = key.len() as u32;
        header.payload_len = payload_len;
        header.type_id = number as u16;
        header.flags = u8::from(ends) * FLAG_COMMIT;
        assert!(run.takes(offset));
        let key = match run.known(key.as_bytes()) {
            Some(known) => known,
            None => run.add_key(key.as_bytes(), number as u32),
        };
        run.push(&header, offset, key);
        offset + header.frame_len().unwrap()
    }

    #[test]
    fn frames_are_what_they_were_also_after_some_were_cut_off() {
        let mut run = Run::new(128);
        let (mut numbers, mut offsets) = (Vec::new(), vec![128]);
        let mut sums = 0;
        for round in 0..40 {
            for n in 0..200 {
                let number = round * 131 + n * 7;
                offsets.push(push(&mut run, offsets[numbers.len()], number));
                numbers.push(number);
            }
            let kept = numbers.len() - (round as usize * 37) % 190;
            run.truncate(kept);
            numbers.truncate(kept);
            offsets.truncate(kept + 1);
            assert_eq!(run.len(), kept);
            for (place, number) in numbers.iter().enumerate() {
                let (entry, key) = run.get(place).unwrap();
                let (expected, payload_len, ends) = frame(*number);
                assert_eq!(key, expected.as_bytes());
                if let Some(known) = run.known(key) {
                    sums += usize::from(known.sum != 0);
                    assert!(frame(known.sum.into()).0.as_bytes() == key);
                }
                assert_eq!(
                    (entry.offset, entry.payload_len),
                    (offsets[place], payload_len)
                );
                assert_eq!((entry.type_id, entry.ends_commit), (*number as u16, ends));
            }
        }
        assert!(sums > 1000 && !run.takes(128));
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
