//! Extents as they stand in the file: blocks checked against their sums and not unpacked, for a
//! save that copies them.

use std::ops::Range;

use super::cancel;
use super::extents::ExtentStorage;
use super::store::Store;
use crate::error::Result;
use crate::value::{StoredBlocks, StoredExtent, WINDOW_BYTES, Window};

impl ExtentStorage {
    /// This extent as it stands in the file; `None` when its codec is not known here.
    pub(super) fn as_stored(&self) -> Option<StoredExtent<'_>> {
        let record = self.store.extent(self.number).ok()?;
        record.codec()?;
        Some(StoredExtent {
            codec: record.codec,
            shuffle: record.shuffle,
            block_log2: record.block_log2,
            digest_kind: record.digest_kind,
            digest: record.digest,
            raw_len: record.raw_len,
            stored_len: record.stored_len,
            blocks: self,
        })
    }
}

impl StoredBlocks for ExtentStorage {
    fn sums(&self) -> Result<Vec<u8>> {
        let blocks = self.store.blocks(self.number).map_err(|e| self.named(e))?;
        Ok(blocks.sums.to_list())
    }

    fn read(
        &self,
        blocks: Range<u64>,
        phase: u64,
        buffer: &mut Vec<u8>,
        put: &mut dyn FnMut(Window<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut summing = Summing {
            store: &self.store,
            number: self.number,
            block: blocks.start,
            hasher: crc32fast::Hasher::new(),
        };
        // What `put` answers is not about the variable's file.
        let named = |e| self.named(e);
        let range = self.stored_range(&blocks).map_err(named)?;
        let mut start = range.start;
        while start < range.end {
            let window = WINDOW_BYTES - (start + phase) % WINDOW_BYTES;
            let len = window.min(range.end - start);
            let bytes = self.stored_bytes(start, len, buffer).map_err(named)?;
            let blocks_end = summing.add(start, bytes).map_err(named)?;
            put(Window {
                start,
                bytes,
                blocks_end,
            })?;
            start += len;
        }
        Ok(())
    }
}

impl ExtentStorage {
    /// Where the stored bytes of some blocks lie in those of the extent.
    fn stored_range(&self, blocks: &Range<u64>) -> Result<Range<u64>> {
        let sums = &self.store.blocks(self.number)?.sums;
        let first = sums.get(blocks.start);
        let last = blocks.end.checked_sub(1).and_then(|last| sums.get(last));
        Ok(match (first, last) {
            (Some(first), Some(last)) => first.start..last.start + last.len,
            _ => 0..0,
        })
    }

    fn stored_bytes<'b>(
        &'b self,
        start: u64,
        len: u64,
        buffer: &'b mut Vec<u8>,
    ) -> Result<&'b [u8]> {
        cancel::check(&self.store.origin)?;
        let place = self.store.extent(self.number)?.offset + start;
        if let Some(bytes) = self.store.source.lend(place, len) {
            return Ok(bytes);
        }
        buffer.resize(len as usize, 0);
        self.store.read(place, buffer)?;
        Ok(buffer)
    }
}

/// The sums of blocks that come in pieces.
struct Summing<'s> {
    store: &'s Store,
    number: u32,
    /// The block that bytes are awaited of.
    block: u64,
    hasher: crc32fast::Hasher,
}

impl Summing<'_> {
    /// Adds the stored bytes from `start` on, and compares the sums of blocks that end in them.
    /// Returns the first block that does not.
    fn add(&mut self, mut start: u64, mut bytes: &[u8]) -> Result<u64> {
        let (record, blocks) = (
            self.store.extent(self.number)?,
            self.store.blocks(self.number)?,
        );
        while let Some(sum) = blocks.sums.get(self.block) {
            let left = (sum.start + sum.len).saturating_sub(start);
            let now = left.min(bytes.len() as u64);
            let (of_block, later) = bytes.split_at(now as usize);
            self.hasher.update(of_block);
            (start, bytes) = (start + now, later);
            if now < left {
                break;
            }
            let found = std::mem::take(&mut self.hasher).finalize();
            let offset = record.offset + sum.start;
            self.store
                .compare(self.number, self.block, offset, sum.crc, found)?;
            self.block += 1;
        }
        Ok(self.block)
    }
}
