//! Array data on first touch: lent from the map or memory where it is raw, read and unpacked where
//! it is not, and checked block by block, once.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use super::cancel;
use super::check::Check;
use super::cold;
use super::loaded::Loaded;
use super::source::ByteSource;
use super::store::{Store, Tables};
use crate::error::{EnvError, Result};
use crate::fault::{Part, Problem};
use crate::format::extent::{BlockSums, Codec, ExtentRecord};
use crate::limits::CHECK_ON_BORROW_BYTES;
use crate::value::{Found, Held, HeldBytes, Storage, StoredExtent};

/// Ranges up to this many bytes are asked for by themselves.
const TOUCHED_BYTES: u64 = 1 << 20;

/// What is known of an extent since it was first touched. Kept as long as the archive.
#[derive(Debug)]
pub(crate) struct ExtentState {
    /// Read when the first block is checked: a large array that is lent unchecked needs none.
    blocks: OnceLock<Blocks>,
    all_checked: AtomicBool,
    /// The bytes in memory, while a tensor needs them.
    loaded: Mutex<Weak<Loaded>>,
    /// The bytes in memory, since a view borrowed them.
    pinned: OnceLock<Arc<Loaded>>,
    /// What programs found of the bytes.
    found: Found,
}

/// The blocks of an extent.
#[derive(Debug)]
pub(super) struct Blocks {
    pub(super) sums: BlockSums,
    /// Those that were checked, one bit each.
    checked: Box<[AtomicU64]>,
}

impl ExtentState {
    pub(crate) fn is_checked(&self) -> bool {
        self.all_checked.load(Relaxed)
    }
}

impl Blocks {
    fn is_checked(&self, block: u64) -> bool {
        let word = self.checked.get((block / 64) as usize);
        word.is_some_and(|word| word.load(Relaxed) & (1 << (block % 64)) != 0)
    }

    fn mark(&self, block: u64) {
        // Relaxed is enough: a bit only says that bytes which never change were summed; a thread
        // that misses it sums them again.
        if let Some(word) = self.checked.get((block / 64) as usize) {
            word.fetch_or(1 << (block % 64), Relaxed);
        }
    }
}

impl Store {
    /// What is known of extent `number`.
    pub(crate) fn extent_state(&self, number: u32) -> Result<&ExtentState> {
        if let Some(state) = self.extents.get(number as usize) {
            return Ok(state);
        }
        let record = self.extent(number)?;
        self.check_known(record)?;
        self.refuse_change()?;
        let state = ExtentState {
            blocks: OnceLock::new(),
            all_checked: AtomicBool::new(false),
            loaded: Mutex::new(Weak::new()),
            pinned: OnceLock::new(),
            found: Found::default(),
        };
        let kept = self.extents.set(number as usize, state);
        kept.ok_or_else(|| self.unsupported(format!("extent {number}")))
    }

    /// The blocks of extent `number`: reads its list of sums the first time.
    pub(super) fn blocks(&self, number: u32) -> Result<&Blocks> {
        let state = self.extent_state(number)?;
        if let Some(blocks) = state.blocks.get() {
            return Ok(blocks);
        }
        let record = self.extent(number)?;
        if record.sums_len() > 0 {
            // The list is bytes of the file too, and may be read long after the first touch.
            self.refuse_change()?;
        }
        let sums = self.read_sums(number, record)?;
        let words = sums.len().div_ceil(64);
        let checked = (0..words).map(|_| AtomicU64::new(0)).collect();
        Ok(state.blocks.get_or_init(|| Blocks { sums, checked }))
    }

    /// Whether the list of sums of extent `number` needs no reading any more.
    pub(super) fn has_blocks(&self, number: u32) -> Result<bool> {
        let record = self.extent(number)?;
        Ok(record.sums_len() == 0 || self.extent_state(number)?.blocks.get().is_some())
    }

    fn read_sums(&self, number: u32, record: &ExtentRecord) -> Result<BlockSums> {
        // Bounded by the sums' area, which lies in the file.
        let len = record.sums_len() as usize;
        let read;
        let list = match self.source.lend(record.sums_offset, len as u64) {
            Some(list) => list,
            None => {
                let mut bytes = vec![0; len];
                if len > 0 {
                    self.read(record.sums_offset, &mut bytes)?;
                }
                read = bytes;
                &read
            }
        };
        BlockSums::read(record, list)
            .map_err(|problem| self.fault(Part::SumList(number), record.sums_offset, problem))
    }

    /// Whether every block of extent `number` was checked.
    pub(crate) fn is_extent_checked(&self, number: u32) -> bool {
        self.extents
            .get(number as usize)
            .is_some_and(ExtentState::is_checked)
    }

    /// Checks every block of extent `number`, without keeping its bytes.
    pub(crate) fn check_extent(&self, number: u32) -> Result<()> {
        for block in 0..self.blocks(number)?.sums.len() as u64 {
            self.check_block(number, block)?;
        }
        self.extent_state(number)?.all_checked.store(true, Relaxed);
        Ok(())
    }

    /// Sums one stored block.
    pub(super) fn check_block(&self, number: u32, block: u64) -> Result<()> {
        cancel::check(&self.origin)?;
        let (record, blocks) = (self.extent(number)?, self.blocks(number)?);
        let Some(sum) = blocks.sums.get(block) else {
            return Ok(());
        };
        let offset = record.offset + sum.start;
        let found = match self.source.lend(offset, sum.len) {
            Some(bytes) => crc32fast::hash(bytes),
            None => {
                // A cold block may declare any stored length up to the extent's: read it in pieces.
                let mut hasher = crc32fast::Hasher::new();
                let mut piece = vec![0; sum.len.min(1 << 20) as usize];
                let mut at = 0;
                while at < sum.len {
                    let now = (sum.len - at).min(piece.len() as u64) as usize;
                    let piece = piece.get_mut(..now).unwrap_or_default();
                    self.read(offset + at, piece)?;
                    hasher.update(piece);
                    at += now as u64;
                }
                hasher.finalize()
            }
        };
        self.compare(number, block, offset, sum.crc, found)?;
        blocks.mark(block);
        Ok(())
    }

    pub(super) fn compare(
        &self,
        extent: u32,
        block: u64,
        offset: u64,
        expected: u32,
        found: u32,
    ) -> Result<()> {
        if expected == found {
            return Ok(());
        }
        let problem = Problem::Checksum { expected, found };
        Err(self.fault(Part::Block { extent, block }, offset, problem))
    }

    /// Checks the blocks that bytes `start..start + len` of a raw, lent extent stand in.
    fn check_lent(&self, number: u32, start: u64, len: u64) -> Result<()> {
        let (record, state) = (self.extent(number)?, self.extent_state(number)?);
        if self.check == Check::Never || state.is_checked() {
            return Ok(());
        }
        let whole = len == record.raw_len;
        if whole && len > CHECK_ON_BORROW_BYTES && self.check == Check::Auto {
            return Ok(());
        }
        self.check_range(number, start, len)?;
        if whole {
            state.all_checked.store(true, Relaxed);
        }
        Ok(())
    }

    /// Checks the blocks that bytes `start..start + len` stand in, but those that were.
    fn check_range(&self, number: u32, start: u64, len: u64) -> Result<()> {
        let size = self.extent(number)?.block_len();
        let range = start / size..(start + len).div_ceil(size);
        self.tell_of_touch(number, &range)?;
        let blocks = self.blocks(number)?;
        for block in range {
            if !blocks.is_checked(block) {
                self.check_block(number, block)?;
            }
        }
        Ok(())
    }

    /// Says that these blocks of a raw, lent extent are touched next, unless they follow what was
    /// touched before: then the system reads ahead by itself, and better.
    fn tell_of_touch(&self, number: u32, range: &Range<u64>) -> Result<()> {
        let (record, state) = (self.extent(number)?, self.extent_state(number)?);
        let start = range.start.saturating_mul(record.block_len());
        let end = range.end.saturating_mul(record.block_len());
        let end = end.min(record.raw_len);
        if end.saturating_sub(start) > TOUCHED_BYTES {
            return Ok(());
        }
        match state.blocks.get() {
            Some(blocks) if range.clone().all(|block| blocks.is_checked(block)) => return Ok(()),
            Some(blocks) if range.start > 0 && blocks.is_checked(range.start - 1) => return Ok(()),
            Some(_) => {}
            // Both come from the disk at once.
            None if record.sums_len() > 0 => {
                let list = (record.sums_offset, record.sums_len());
                self.source.will_touch(list.0, list.1);
            }
            None => {}
        }
        self.source.will_touch(record.offset + start, end - start);
        Ok(())
    }

    /// The extent's bytes, when its source can lend them as they are.
    fn lend_extent(&self, record: &ExtentRecord) -> Option<&[u8]> {
        match record.codec() {
            Some(Codec::Raw) => self.source.lend(record.offset, record.raw_len),
            _ => None,
        }
    }

    /// The record of extent `number`, unless it would unpack to more than the caller allows.
    pub(super) fn check_cap(&self, number: u32) -> Result<&ExtentRecord> {
        let record = self.extent(number)?;
        let cap = self.limits.max_extent_raw_bytes;
        if record.codec != Codec::Raw as u8 && record.raw_len > cap {
            let (what, found) = (format!("extent {number}"), record.raw_len);
            return Err(EnvError::TooLarge {
                path: self.origin.clone(),
                what,
                found,
                cap,
            });
        }
        Ok(record)
    }

    /// All bytes in memory, shared by whoever has them already.
    fn load(&self, number: u32) -> Result<Arc<Loaded>> {
        let (record, state) = (self.extent(number)?, self.extent_state(number)?);
        if let Some(pinned) = state.pinned.get() {
            return Ok(Arc::clone(pinned));
        }
        let mut loaded = state.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(buffer) = loaded.upgrade() {
            return Ok(buffer);
        }
        self.check_cap(number)?;
        let fill = |bytes: &mut [u8]| cold::fill(self, number, bytes);
        let buffer = Loaded::filled(self.pool.as_ref(), record.raw_len, fill)?;
        if self.check != Check::Never {
            state.all_checked.store(true, Relaxed);
        }
        let buffer = Arc::new(buffer);
        *loaded = Arc::downgrade(&buffer);
        Ok(buffer)
    }

    /// All bytes of an extent, borrowed as long as the store lives: lent, or read and kept.
    pub(super) fn borrow_extent(&self, number: u32) -> Result<&[u8]> {
        let record = self.extent(number)?;
        if let Some(bytes) = self.lend_extent(record) {
            self.check_lent(number, 0, record.raw_len)?;
            return Ok(bytes);
        }
        let state = self.extent_state(number)?;
        if state.pinned.get().is_none() {
            let buffer = self.load(number)?;
            let _ = state.pinned.set(buffer);
        }
        Ok(state.pinned.get().map_or(&[], |buffer| buffer.as_bytes()))
    }
}

/// Bytes that a source lends, held without the store.
struct Lent {
    source: Arc<dyn ByteSource>,
    offset: u64,
    len: u64,
}

impl HeldBytes for Lent {
    fn bytes(&self) -> &[u8] {
        self.source.lend(self.offset, self.len).unwrap_or_default()
    }
}

/// The bytes of an extent as the storage of tensors.
pub(crate) struct ExtentStorage {
    pub(super) store: Arc<Store>,
    pub(super) number: u32,
    /// Named by errors.
    variable: Option<Arc<str>>,
    loaded: OnceLock<Arc<Loaded>>,
}

impl ExtentStorage {
    pub(super) fn new(store: Arc<Store>, number: u32, variable: Option<&str>) -> Self {
        ExtentStorage {
            store,
            number,
            variable: variable.map(Arc::from),
            loaded: OnceLock::new(),
        }
    }
}

impl ExtentStorage {
    fn checked_range(&self, start: u64, len: u64) -> Result<&[u8]> {
        let record = self.store.extent(self.number)?;
        let bytes = match self.store.lend_extent(record) {
            Some(bytes) => {
                self.store.check_lent(self.number, start, len)?;
                bytes
            }
            None => {
                if self.loaded.get().is_none() {
                    let _ = self.loaded.set(self.store.load(self.number)?);
                }
                self.loaded
                    .get()
                    .map_or(&[][..], |buffer| buffer.as_bytes())
            }
        };
        Ok(super::source::range_of(bytes, start, len).unwrap_or_default())
    }

    fn checked_read(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let record = self.store.extent(self.number)?;
        if let Some(bytes) = self.store.lend_extent(record) {
            // Never the whole at once: copies always check their blocks, whatever the size.
            let state = self.store.extent_state(self.number)?;
            if self.store.check != Check::Never && !state.is_checked() {
                self.store
                    .check_range(self.number, start, out.len() as u64)?;
            }
            let range = super::source::range_of(bytes, start, out.len() as u64);
            out.copy_from_slice(range.unwrap_or_default());
            return Ok(());
        }
        let state = self.store.extent_state(self.number)?;
        let loaded = self.loaded.get().cloned().or_else(|| {
            state
                .loaded
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .upgrade()
        });
        match loaded {
            Some(buffer) => Ok(super::source::copy_from(buffer.as_bytes(), start, out)
                .map_err(|e| EnvError::io("read", self.store.origin.clone(), e))?),
            None => cold::read_range(&self.store, self.number, start, out),
        }
    }

    fn checked_hold(&self) -> Result<Held<'_>> {
        let record = self.store.extent(self.number)?;
        let bytes: Arc<dyn HeldBytes> = match self.store.lend_extent(record) {
            Some(_) => {
                self.store.check_lent(self.number, 0, record.raw_len)?;
                Arc::new(Lent {
                    source: Arc::clone(&self.store.source),
                    offset: record.offset,
                    len: record.raw_len,
                })
            }
            None => self.store.load(self.number)?,
        };
        let found = &self.store.extent_state(self.number)?.found;
        Ok(Held { bytes, found })
    }

    pub(super) fn named(&self, error: EnvError) -> EnvError {
        match &self.variable {
            Some(name) => error.of_variable(name),
            None => error,
        }
    }
}

impl std::fmt::Debug for ExtentStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "extent {} of {}", self.number, self.store.origin)
    }
}

impl Storage for ExtentStorage {
    fn byte_len(&self) -> u64 {
        self.store
            .extent(self.number)
            .map_or(0, |record| record.raw_len)
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        self.checked_range(start, len).map_err(|e| self.named(e))
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        self.checked_read(start, out).map_err(|e| self.named(e))
    }
    fn resident(&self) -> Option<&[u8]> {
        // Mapped pages may still be on disk, and may need their check: `range` and `read_at` do it.
        None
    }

    fn read_unit(&self) -> u64 {
        let record = self.store.extent(self.number);
        match record {
            Ok(record)
                if self.loaded.get().is_none() && self.store.lend_extent(record).is_none() =>
            {
                record.block_len()
            }
            _ => 1,
        }
    }

    fn file_offset(&self) -> Option<u64> {
        if !matches!(self.store.tables, Tables::Archive(_)) {
            return None;
        }
        let record = self.store.extent(self.number).ok()?;
        (record.codec() == Some(Codec::Raw)).then_some(record.offset)
    }

    fn stored(&self) -> Option<StoredExtent<'_>> {
        self.as_stored()
    }

    fn held(&self) -> Result<Option<Held<'_>>> {
        self.checked_hold().map(Some).map_err(|e| self.named(e))
    }

    fn identity(&self) -> (usize, u64) {
        (Arc::as_ptr(&self.store).addr(), self.number.into())
    }
}
