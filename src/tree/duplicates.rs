//! Which array data of a save is there already, so that it is stored once.

use std::collections::HashMap;

use super::extent_source::{ExtentSource, Identity, PlannedExtent};
use crate::error::Result;

/// What is known of the extents of a save.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    by_identity: HashMap<Identity, u32>,
    by_key: HashMap<(Class, Key), Vec<u32>>,
    classes: HashMap<Class, Keys>,
}

/// Length in bytes, and whether it is cold: extents of other classes are never one.
type Class = (u64, bool);

/// By what an extent is told apart from others of its class: those that differ in it differ, the
/// others are candidates for the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Kind and digest of an extent of an archive.
    Digest(u8, [u8; 32]),
    /// A hash of samples.
    Sample(u64),
}

/// Which keys the extents of a class have.
#[derive(Debug)]
enum Keys {
    /// Digests of one kind: these extents of archives are not read before something else of their
    /// length comes.
    Digests {
        kind: u8,
        extents: Vec<u32>,
    },
    Samples,
}

impl Duplicates {
    /// The extent that was made of the same memory.
    pub(super) fn of_identity(&self, identity: Option<Identity>) -> Option<u32> {
        self.by_identity.get(&identity?).copied()
    }

    /// The key of `source`; `None` when its bytes may change. Reads samples of it, and of those met
    /// before that have none, where digests do not do.
    pub(super) fn key(
        &mut self,
        source: &ExtentSource<'_>,
        class: Class,
        extents: &[PlannedExtent<'_>],
    ) -> Result<Option<Key>> {
        let (raw_len, _) = class;
        let digest = source.stored(raw_len).and_then(|stored| stored.digest());
        let keys = self.classes.get(&class);
        if let Some((kind, digest)) = digest {
            let all_of_it = match keys {
                None => true,
                Some(Keys::Digests { kind: known, .. }) => *known == kind,
                Some(Keys::Samples) => false,
            };
            if all_of_it {
                return Ok(Some(Key::Digest(kind, digest)));
            }
        }
        let Some(sample) = source.sample(raw_len)? else {
            return Ok(None);
        };
        if let Some(Keys::Digests { extents: met, .. }) = keys {
            for number in met {
                if let Some(sample) = extents[*number as usize].source.sample(raw_len)? {
                    let alike = self.by_key.entry((class, Key::Sample(sample)));
                    alike.or_default().push(*number);
                }
            }
        }
        self.classes.insert(class, Keys::Samples);
        Ok(Some(Key::Sample(sample)))
    }

    /// Extents of that key.
    pub(super) fn alike(&self, class: Class, key: Option<Key>) -> &[u32] {
        let alike = key.and_then(|key| self.by_key.get(&(class, key)));
        alike.map_or(&[], Vec::as_slice)
    }

    /// Forgets by which memory extents were known, since it may hold something else next, and those
    /// that are closed, since they are not read again.
    pub(super) fn forget_memory(&mut self, is_closed: impl Fn(u32) -> bool) {
        self.by_identity.clear();
        for alike in self.by_key.values_mut() {
            alike.retain(|number| !is_closed(*number));
        }
        for keys in self.classes.values_mut() {
            if let Keys::Digests { extents, .. } = keys {
                extents.retain(|number| !is_closed(*number));
            }
        }
    }

    /// Notes a new extent. The identity of one that is not kept must not be noted: another of other
    /// content may stand at its address next.
    pub(super) fn note(
        &mut self,
        number: u32,
        identity: Option<Identity>,
        class: Class,
        key: Option<Key>,
    ) {
        if let Some(identity) = identity {
            self.by_identity.insert(identity, number);
        }
        let Some(key) = key else {
            return;
        };
        self.by_key.entry((class, key)).or_default().push(number);
        if let Key::Digest(kind, _) = key {
            let keys = self.classes.entry(class).or_insert(Keys::Digests {
                kind,
                extents: Vec::new(),
            });
            if let Keys::Digests { extents, .. } = keys {
                extents.push(number);
            }
        }
    }
}
