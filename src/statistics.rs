//! What encoding took so far, type by type, and what follows from it for the next value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Sizes are told apart by powers of two.
const SIZES: usize = 65;
/// Values of a type that are tried in the beginning before they say whether packing pays.
const FIRST_TRIES: u64 = 4;
/// After that one in so many is tried, so that a type whose values change is seen to.
const TRIED_EVERY: u64 = 64;
/// So many tries count; of more the older half is worth half.
const REMEMBERED_TRIES: u64 = 32;
/// Types that are told apart; values of more are counted together.
const MOST_TYPES: usize = 4096;
/// Under which all further types are counted.
const OTHERS: &str = "";

/// Statistics of encoding, type by type: how long values of a type are when they are encoded, and how
/// much zstd makes of them. [`crate::codec::Encoder`] takes memory by them, and
/// [`crate::MessageWriter::compress_where_it_pays`] decides whether a message is packed (cold) or not
/// (hot).
///
/// A type is what its user calls so, by a name. What is chosen depends on nothing but what was noted
/// before, in its order: no clock and no chance. Clones are one; it may be used by many threads.
///
/// ```
/// use achronyme_env::{EncodingStatistics, Temperature};
///
/// let statistics = EncodingStatistics::new();
/// assert_eq!(statistics.temperature("frame"), Temperature::Unknown);
/// for _ in 0..4 {
///     statistics.note("frame", 5000);
///     statistics.note_packed("frame", 5000, 900);
/// }
/// assert_eq!(statistics.temperature("frame"), Temperature::Cold);
/// assert_eq!(statistics.room_for("frame"), 8192);
/// ```
#[derive(Clone, Default)]
pub struct EncodingStatistics {
    types: Arc<Mutex<BTreeMap<Box<str>, Type>>>,
}

/// What is known of the values of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeStatistics {
    /// Values that were encoded.
    pub count: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Bytes of the longest.
    pub largest: u64,
    /// Those of them that were packed, to be sent so or as a try.
    pub packed: u64,
    /// Bytes of those before and after, as far as they still count: older ones count less.
    pub packed_from: u64,
    /// See `packed_from`.
    pub packed_to: u64,
}

/// Whether values of a type are to be packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Temperature {
    /// Packing does not pay: as they are.
    Hot,
    /// Packing saves a tenth at least.
    Cold,
    /// Not known, or to be seen again: pack the next one, and note what came of it.
    Unknown,
}

#[derive(Default)]
struct Type {
    known: TypeStatistics,
    /// Tries that count.
    tries: u64,
    /// Values noted since the last try.
    since: u64,
    /// How many values had so many bits in their length.
    sizes: Box<[u64]>,
}

impl EncodingStatistics {
    /// Nothing noted yet.
    pub fn new() -> EncodingStatistics {
        EncodingStatistics::default()
    }

    /// Notes that a value of a type took `bytes` bytes.
    pub fn note(&self, type_name: &str, bytes: u64) {
        self.change(type_name, |of| {
            of.known.count += 1;
            of.known.bytes = of.known.bytes.saturating_add(bytes);
            of.known.largest = of.known.largest.max(bytes);
            of.since += 1;
            if of.sizes.is_empty() {
                of.sizes = vec![0; SIZES].into();
            }
            of.sizes[class_of(bytes)] += 1;
        });
    }

    /// Notes that packing made `to` bytes of `from`.
    pub fn note_packed(&self, type_name: &str, from: u64, to: u64) {
        self.change(type_name, |of| {
            of.known.packed += 1;
            if of.tries >= REMEMBERED_TRIES {
                of.tries /= 2;
                of.known.packed_from /= 2;
                of.known.packed_to /= 2;
            }
            of.tries += 1;
            of.since = 0;
            of.known.packed_from = of.known.packed_from.saturating_add(from);
            of.known.packed_to = of.known.packed_to.saturating_add(to);
        });
    }

    /// Memory to take for the next value of a type, in bytes: the least power of two in which 19 of 20
    /// values so far fit; 0 when there were none.
    pub fn room_for(&self, type_name: &str) -> u64 {
        self.of(type_name, |of| {
            let enough = of.known.count - of.known.count / 20;
            let mut fit = 0;
            let class = of.sizes.iter().position(|count| {
                fit += count;
                fit >= enough
            });
            match class {
                Some(class) if of.known.count > 0 => 1u64.checked_shl(class as u32),
                _ => None,
            }
        })
        .flatten()
        .unwrap_or(0)
    }

    /// Whether the next value of a type is to be packed.
    pub fn temperature(&self, type_name: &str) -> Temperature {
        let known = self.of(type_name, |of| match of.tries {
            ..FIRST_TRIES => Temperature::Unknown,
            // Those that are packed tell all the time.
            _ if saves_a_tenth(&of.known) => Temperature::Cold,
            _ if of.since >= TRIED_EVERY => Temperature::Unknown,
            _ => Temperature::Hot,
        });
        known.unwrap_or(Temperature::Unknown)
    }

    /// What is known of a type; `None` when nothing was noted.
    pub fn get(&self, type_name: &str) -> Option<TypeStatistics> {
        self.of(type_name, |of| of.known)
    }

    /// All types, in the order of their names. Values of more than 4096 types are counted together,
    /// under an empty name.
    pub fn types(&self) -> Vec<(String, TypeStatistics)> {
        let types = self.lock();
        let all = types.iter();
        all.map(|(name, of)| (name.to_string(), of.known)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Box<str>, Type>> {
        self.types.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of<R>(&self, type_name: &str, ask: impl FnOnce(&Type) -> R) -> Option<R> {
        let types = self.lock();
        let known = types.get(type_name);
        let known = known.or_else(|| match types.len() {
            MOST_TYPES.. => types.get(OTHERS),
            _ => None,
        });
        known.map(ask)
    }

    fn change(&self, type_name: &str, change: impl FnOnce(&mut Type)) {
        let mut types = self.lock();
        if let Some(known) = types.get_mut(type_name) {
            return change(known);
        }
        let name = match types.len() {
            // One is for all others.
            ..MOST_TYPES => type_name,
            _ => OTHERS,
        };
        change(types.entry(name.into()).or_default());
    }
}

impl fmt::Debug for EncodingStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.types()).finish()
    }
}

/// How many bits a size takes, where powers of two fit one less.
fn class_of(bytes: u64) -> usize {
    (u64::BITS - bytes.saturating_sub(1).leading_zeros()) as usize
}

fn saves_a_tenth(known: &TypeStatistics) -> bool {
    let (from, to) = (u128::from(known.packed_from), u128::from(known.packed_to));
    to * 10 <= from * 9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_the_power_of_two_in_which_most_values_fit() {
        let statistics = EncodingStatistics::new();
        assert_eq!(statistics.room_for("a"), 0);
        for (bytes, room) in [(0, 1), (1, 1), (2, 2), (4096, 4096), (4097, 8192)] {
            let name = bytes.to_string();
            statistics.note(&name, bytes);
            assert_eq!(statistics.room_for(&name), room);
        }
        // One in twenty may be longer.
        for n in 0..100 {
            statistics.note("a", if n % 25 == 24 { 1 << 20 } else { 1000 });
        }
        assert_eq!(statistics.room_for("a"), 1024);
        for _ in 0..10 {
            statistics.note("a", 1 << 20);
        }
        assert_eq!(statistics.room_for("a"), 1 << 20);
        statistics.note("huge", u64::MAX);
        assert_eq!(statistics.room_for("huge"), 0);
    }

    #[test]
    fn a_type_turns_cold_and_hot_again_with_what_packing_saves() {
        let statistics = EncodingStatistics::new();
        let mut sent = Vec::new();
        // What packing makes of 1000 bytes: little, then nothing, then little again.
        for n in 0..600 {
            let packed = if (200..400).contains(&n) { 1010 } else { 300 };
            let chosen = statistics.temperature("t");
            statistics.note("t", 1000);
            if chosen != Temperature::Hot {
                statistics.note_packed("t", 1000, packed);
            }
            sent.push(chosen);
        }
        assert!(sent[..4].iter().all(|t| *t == Temperature::Unknown));
        assert!(sent[4..200].iter().all(|t| *t == Temperature::Cold));
        let turned = sent[200..].iter().position(|t| *t == Temperature::Hot);
        assert!(turned.is_some_and(|turned| turned < 150), "{turned:?}");
        // While it is hot one in 65 is tried.
        let hot = &sent[200 + turned.unwrap_or(0)..400];
        let tried = hot.iter().filter(|t| **t != Temperature::Hot).count();
        assert_eq!(tried, hot.len() / 65);
        // The same again chooses the same.
        let again = EncodingStatistics::new();
        for (n, chosen) in sent.iter().enumerate() {
            assert_eq!(again.temperature("t"), *chosen);
            again.note("t", 1000);
            if *chosen != Temperature::Hot {
                let packed = if (200..400).contains(&n) { 1010 } else { 300 };
                again.note_packed("t", 1000, packed);
            }
        }
    }

    #[test]
    fn more_types_than_are_told_apart_are_counted_together() {
        let statistics = EncodingStatistics::new();
        for n in 0..MOST_TYPES + 10 {
            statistics.note(&format!("t{n}"), 100);
        }
        assert_eq!(statistics.types().len(), MOST_TYPES + 1);
        assert_eq!(statistics.get("t9999").map(|of| of.count), Some(10));
    }
}
