//! Extents as they stand in the file: blocks checked against their sums and not unpacked, for a
//! save that copies them.

use std::ops::Range;

use super::cancel;
use super::cold::check_stored_len;
use super::extents::ExtentStorage;
use super::store::Store;
use crate::error::Result;
use crate::fault::{Part, Problem};
use crate::value::{StoredBlocks, StoredExtent};

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

    fn read<'b>(&'b self, blocks: Range<u64>, buffer: &'b mut Vec<u8>) -> Result<(u64, &'b [u8])> {
        self.store
            .stored_blocks(self.number, blocks, buffer)
            .map_err(|e| self.named(e))
    }
}

impl Store {
    fn stored_blocks<'b>(
        &'b self,
        number: u32,
        blocks: Range<u64>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<(u64, &'b [u8])> {
        cancel::check(&self.origin)?;
        let (record, sums) = (self.extent(number)?, &self.blocks(number)?.sums);
        let mut run: Option<Range<u64>> = None;
        for block in blocks.clone() {
            let fault = |what: String| {
                let part = Part::Block {
                    extent: number,
                    block,
                };
                self.fault(part, record.offset, Problem::Structure(what))
            };
            let sum = sums
                .get(block)
                .ok_or_else(|| fault("there is no such block".to_owned()))?;
            // What a reader would refuse is refused here too: it bounds the buffer.
            let before = block.saturating_mul(record.block_len());
            let raw_len = record.raw_len.saturating_sub(before);
            let raw_len = raw_len.min(record.block_len());
            check_stored_len(sum, raw_len).map_err(fault)?;
            let start = run.map_or(sum.start, |run| run.start);
            run = Some(start..sum.start + sum.len);
        }
        let run = run.unwrap_or_default();
        let (place, len) = (record.offset + run.start, run.end - run.start);
        let bytes = match self.source.lend(place, len) {
            Some(bytes) => bytes,
            None => {
                buffer.resize(len as usize, 0);
                self.read(place, buffer)?;
                buffer
            }
        };
        let mut rest = bytes;
        for (block, sum) in blocks.filter_map(|block| Some((block, sums.get(block)?))) {
            let (stored, later) = rest.split_at_checked(sum.len as usize).unwrap_or_default();
            let offset = record.offset + sum.start;
            self.compare(number, block, offset, sum.crc, crc32fast::hash(stored))?;
            rest = later;
        }
        Ok((run.start, bytes))
    }
}
