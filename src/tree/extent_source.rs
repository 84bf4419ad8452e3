//! Where the bytes of a planned extent come from, and whether two are the same.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::error::Result;
use crate::value::{ElementSource, Storage, StoredExtent};

/// Array data of a save: where it comes from, and how it may be coded.
#[derive(Debug)]
pub(crate) struct PlannedExtent<'a> {
    pub(crate) source: ExtentSource<'a>,
    pub(crate) raw_len: u64,
    /// Bytes of one element, or of a part of a complex one, for shuffling.
    #[cfg_attr(not(feature = "zstd"), allow(dead_code))]
    pub(crate) width: usize,
    pub(crate) cold: bool,
    /// Whether what is cold in an archive is copied as it stands there, and not packed again.
    pub(crate) keep_coding: bool,
}

impl PlannedExtent<'_> {
    /// The extent of an archive that is to be copied as it stands there.
    pub(crate) fn copied(&self) -> Option<StoredExtent<'_>> {
        let stored = self.source.stored(self.raw_len)?;
        let as_it_is = match self.cold {
            true => self.keep_coding && !stored.is_raw(),
            false => stored.is_raw(),
        };
        as_it_is.then_some(stored)
    }
}

/// Where the bytes of an extent come from.
#[derive(Clone, Debug)]
pub(crate) enum ExtentSource<'a> {
    Borrowed {
        bytes: &'a [u8],
        volatile: bool,
    },
    Stored {
        storage: Arc<dyn Storage>,
        start: u64,
    },
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// Made piece by piece; `start` and length of what is read are multiples of 16 bytes, but for
    /// the end.
    Made(Arc<dyn ElementSource + 'a>),
}

/// Memory, part, offset and length of array data, by which sharing is found without reading; and
/// whether it is cold.
pub(super) type Identity = (usize, u64, u64, u64, bool);

/// Bytes of each of the three samples that are hashed before two sources are compared.
const SAMPLE_BYTES: u64 = 4096;
const PIECE_BYTES: u64 = 1 << 20;

impl ExtentSource<'_> {
    /// `None` for what is made: two sources may stand at one address and make other bytes.
    pub(super) fn identity(&self, raw_len: u64, cold: bool) -> Option<Identity> {
        let (address, part, start) = match self {
            ExtentSource::Borrowed { bytes, .. } => (bytes.as_ptr().addr(), 0, 0),
            ExtentSource::Stored { storage, start } => {
                let (address, part) = storage.identity();
                (address, part, *start)
            }
            ExtentSource::Text(text) => (text.as_ptr().addr(), 0, 0),
            ExtentSource::Bytes(bytes) => (bytes.as_ptr().addr(), 0, 0),
            ExtentSource::Made(_) => return None,
        };
        Some((address, part, start, raw_len, cold))
    }

    /// The bytes as the whole of an extent of an archive.
    pub(crate) fn stored(&self, raw_len: u64) -> Option<StoredExtent<'_>> {
        match self {
            ExtentSource::Stored { storage, start: 0 } => {
                storage.stored().filter(|stored| stored.raw_len == raw_len)
            }
            _ => None,
        }
    }

    /// The bytes, when they are in memory and nobody writes them meanwhile.
    pub(crate) fn resident(&self, raw_len: u64) -> Option<&[u8]> {
        match self {
            ExtentSource::Borrowed {
                bytes,
                volatile: false,
            } => Some(bytes),
            ExtentSource::Borrowed { volatile: true, .. } => None,
            ExtentSource::Stored { storage, start } => {
                if storage.is_volatile() {
                    return None;
                }
                storage
                    .resident()?
                    .get(*start as usize..(*start + raw_len) as usize)
            }
            ExtentSource::Text(text) => Some(text.as_bytes()),
            ExtentSource::Bytes(bytes) => Some(bytes),
            ExtentSource::Made(_) => None,
        }
    }

    /// Copies the bytes from `at` on.
    pub(crate) fn read_at(&self, at: u64, out: &mut [u8]) -> Result<()> {
        let bytes = match self {
            ExtentSource::Stored { storage, start } => return storage.read_at(start + at, out),
            ExtentSource::Borrowed { bytes, .. } => bytes,
            ExtentSource::Text(text) => text.as_bytes(),
            ExtentSource::Bytes(bytes) => bytes,
            ExtentSource::Made(source) => {
                source.fill(at, out);
                return Ok(());
            }
        };
        out.copy_from_slice(&bytes[at as usize..][..out.len()]);
        Ok(())
    }

    /// Whether reading the bytes costs no more than looking at memory.
    pub(crate) fn is_memory(&self) -> bool {
        match self {
            ExtentSource::Borrowed { .. } | ExtentSource::Text(_) | ExtentSource::Bytes(_) => true,
            ExtentSource::Stored { storage, .. } => {
                storage.is_volatile() || storage.resident().is_some()
            }
            ExtentSource::Made(_) => false,
        }
    }

    pub(super) fn is_volatile(&self) -> bool {
        match self {
            ExtentSource::Borrowed { volatile, .. } => *volatile,
            ExtentSource::Stored { storage, .. } => storage.is_volatile(),
            _ => false,
        }
    }

    /// A hash of some of the bytes: sources that differ in it differ. `None` when they may change.
    pub(super) fn sample(&self, raw_len: u64) -> Result<Option<u64>> {
        if self.is_volatile() {
            return Ok(None);
        }
        let mut hasher = Xxh3::new();
        let mut piece = vec![0; raw_len.min(SAMPLE_BYTES) as usize];
        let last = raw_len - piece.len() as u64;
        // A place in the middle where an element begins, whatever its size.
        let mut places = vec![0, last / 2 / 16 * 16, last];
        places.dedup();
        for at in places {
            self.read_at(at, &mut piece)?;
            hasher.update(&piece);
        }
        Ok(Some(hasher.digest()))
    }

    /// Whether both hold the same `raw_len` bytes.
    pub(super) fn same(&self, other: &ExtentSource<'_>, raw_len: u64) -> Result<bool> {
        if let (Some(a), Some(b)) = (self.resident(raw_len), other.resident(raw_len)) {
            return Ok(a == b);
        }
        let mut ours = vec![0; raw_len.min(PIECE_BYTES) as usize];
        let mut theirs = ours.clone();
        let mut at = 0;
        while at < raw_len {
            let now = (raw_len - at).min(PIECE_BYTES) as usize;
            self.read_at(at, &mut ours[..now])?;
            other.read_at(at, &mut theirs[..now])?;
            if ours[..now] != theirs[..now] {
                return Ok(false);
            }
            at += now as u64;
        }
        Ok(true)
    }
}
