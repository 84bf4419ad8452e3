//! Extents as they stand in the file: blocks checked against their sums and not unpacked, for a
//! save that copies them.

use std::ops::Range;

use super::cancel;
use super::cold::check_stored_len;
use super::extents::ExtentStorage;
use super::store::Store;
use crate::error::Result;
use crate::fault::{Part, Problem};
use crate::value::{StoredBlocks, StoredExtent, StoredRun};

/// Stored bytes read in one go, where more than one block fits them.
const RUN_BYTES: u64 = 1 << 20;

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

    fn read<'b>(&'b self, blocks: Range<u64>, buffer: &'b mut Vec<u8>) -> Result<StoredRun<'b>> {
        self.store
            .stored_run(self.number, blocks, buffer)
            .map_err(|e| self.named(e))
    }
}

impl Store {
    fn stored_run<'b>(
        &'b self,
        number: u32,
        blocks: Range<u64>,
        buffer: &'b mut Vec<u8>,
    ) -> Result<StoredRun<'b>> {
        cancel::check(&self.origin)?;
        let (record, sums) = (self.extent(number)?, &self.blocks(number)?.sums);
        let mut run = StoredRun {
            end: blocks.start,
            start: 0,
            bytes: &[],
        };
        let mut len = 0;
        for block in blocks.clone() {
            let Some(sum) = sums.get(block) else {
                break;
            };
            if block == blocks.start {
                run.start = sum.start;
            } else if len + sum.len > RUN_BYTES {
                break;
            }
            // What a reader would refuse is refused here too: it bounds the buffer.
            let before = block.saturating_mul(record.block_len());
            let raw_len = record.raw_len.saturating_sub(before);
            check_stored_len(sum, raw_len.min(record.block_len())).map_err(|what| {
                let part = Part::Block {
                    extent: number,
                    block,
                };
                self.fault(part, record.offset + sum.start, Problem::Structure(what))
            })?;
            len += sum.len;
            run.end = block + 1;
        }
        if run.end == blocks.start {
            let what = format!("it has no block {}", run.end);
            return Err(self.fault(Part::SumList(number), 0, Problem::Structure(what)));
        }
        let place = record.offset + run.start;
        run.bytes = match self.source.lend(place, len) {
            Some(bytes) => bytes,
            None => {
                buffer.resize(len as usize, 0);
                self.read(place, buffer)?;
                buffer
            }
        };
        let mut rest = run.bytes;
        for (block, sum) in (blocks.start..run.end).filter_map(|n| Some((n, sums.get(n)?))) {
            let (stored, later) = rest.split_at_checked(sum.len as usize).unwrap_or_default();
            let offset = record.offset + sum.start;
            self.compare(number, block, offset, sum.crc, crc32fast::hash(stored))?;
            rest = later;
        }
        Ok(run)
    }
}
