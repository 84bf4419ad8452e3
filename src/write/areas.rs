//! Writing the areas of an archive: nodes, extents in the order of their numbers, block sums.

use std::io::{self, Read};
use std::sync::atomic::AtomicU64;

use super::archive::ArchiveWriter;
use super::emit::{Emission, carries_digest, write_at, write_placed};
use super::spool::Spool;
use crate::error::{EnvError, Result};
use crate::format::extent::{Codec, DigestKind, ExtentRecord};
use crate::format::records::Area;
use crate::format::{AREA_ALIGNMENT, TRAILER_LEN, align_up};
use crate::limits::{
    COLD_BLOCK_BYTES, EXTENT_ALIGNMENT, HOT_BLOCK_BYTES, PAGE_ALIGNED_FROM, PAGE_ALIGNMENT,
};
use crate::tree::extent_source::PlannedExtent;

impl ArchiveWriter<'_> {
    pub(super) fn blank_record(&self, extent: &PlannedExtent<'_>) -> ExtentRecord {
        let digest_kind = self.digest_kind();
        if let Some(stored) = extent.copied() {
            let digest = match carries_digest(digest_kind, &stored) {
                true => stored.digest,
                false => [0; 32],
            };
            return ExtentRecord {
                offset: 0,
                stored_len: stored.stored_len,
                raw_len: stored.raw_len,
                sums_offset: 0,
                sum: 0,
                codec: stored.codec,
                shuffle: stored.shuffle,
                block_log2: stored.block_log2,
                digest_kind: digest_kind as u8,
                digest,
            };
        }
        let (codec, block) = match extent.cold {
            true => (Codec::Zstd, COLD_BLOCK_BYTES),
            false => (Codec::Raw, HOT_BLOCK_BYTES),
        };
        ExtentRecord::blank(extent.raw_len, codec, block, digest_kind)
    }

    pub(super) fn digest_kind(&self) -> DigestKind {
        if self.options.seal {
            DigestKind::Sha256
        } else {
            DigestKind::Xxh3
        }
    }

    pub(super) fn write_nodes(&self, spools: [Spool; 2], area: Area) -> io::Result<()> {
        let mut at = area.offset;
        let mut buffer = vec![0; area.len.min(1 << 20) as usize];
        for mut spool in spools {
            loop {
                let read = spool.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                write_at(self.destination.file(), at, &buffer[..read])?;
                at += read as u64;
            }
        }
        debug_assert_eq!(at, area.offset + area.len);
        Ok(())
    }

    /// Writes extents in the order of their numbers: those whose length is known together, on all
    /// cores; that of one that is packed is only known then. `before` bytes of array data were
    /// written earlier. Returns where they end, and the lists of block sums.
    pub(super) fn write_extents(
        &self,
        extents: &[PlannedExtent<'_>],
        records: &mut [ExtentRecord],
        start: u64,
        before: u64,
        failed: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<(u64, Vec<Vec<u8>>)> {
        let new_bytes: u64 = extents.iter().map(|extent| extent.raw_len).sum();
        let emission = Emission {
            pool: self.options.pool.as_ref(),
            file: self.destination.file(),
            digest: self.digest_kind(),
            carries_digests: true,
            progress: self.options.progress.as_ref(),
            total: before + new_bytes,
            done: AtomicU64::new(before),
            durable: self.options.durable && self.destination.on_disk(),
            cancel: self.cancel(),
        };
        let mut lists = Vec::with_capacity(extents.len());
        let (mut first, mut end) = (0, start);
        while first < extents.len() {
            if is_packed(&extents[first]) {
                let record = &mut records[first];
                record.offset = aligned(end, extent_alignment(record.raw_len));
                lists.push(self.write_cold(&emission, &extents[first], record, failed)?);
                end = record.offset + record.stored_len;
                first += 1;
                continue;
            }
            let run = extents[first..]
                .iter()
                .take_while(|extent| !is_packed(extent))
                .count();
            let records = &mut records[first..first + run];
            for record in records.iter_mut() {
                record.offset = aligned(end, extent_alignment(record.raw_len));
                end = record.offset + record.stored_len;
            }
            let run_lists = write_placed(&emission, &extents[first..first + run], records, failed)?;
            lists.extend(run_lists);
            first += run;
        }
        Ok((end, lists))
    }

    #[cfg(feature = "zstd")]
    fn write_cold(
        &self,
        emission: &Emission<'_>,
        extent: &PlannedExtent<'_>,
        record: &mut ExtentRecord,
        failed: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<Vec<u8>> {
        let blocks = super::cold::write_cold(
            emission,
            extent,
            record,
            self.options.compression_level,
            failed,
        )?;
        if let [(_, crc)] = blocks[..] {
            return Ok(crc.to_le_bytes().to_vec());
        }
        let words: Vec<u32> = blocks
            .into_iter()
            .flat_map(|(len, crc)| [len, crc])
            .collect();
        Ok(bytemuck::cast_slice(&words).to_vec())
    }

    #[cfg(not(feature = "zstd"))]
    fn write_cold(
        &self,
        _: &Emission<'_>,
        _: &PlannedExtent<'_>,
        _: &mut ExtentRecord,
        _: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<Vec<u8>> {
        unreachable!("cold patterns are refused without the feature `zstd`")
    }

    /// Writes the lists of block sums after the extents; a single sum stands in its record.
    pub(super) fn write_sums(
        &self,
        lists: &[Vec<u8>],
        records: &mut [ExtentRecord],
        start: u64,
    ) -> io::Result<Area> {
        let offset = aligned(start, AREA_ALIGNMENT);
        let mut area = Vec::new();
        for (list, record) in lists.iter().zip(records) {
            if record.sums_len() == 0 {
                record.sum = list
                    .as_chunks::<4>()
                    .0
                    .first()
                    .map_or(0, |sum| u32::from_le_bytes(*sum));
                continue;
            }
            record.sums_offset = offset + area.len() as u64;
            record.sum = crc32fast::hash(list);
            area.extend_from_slice(list);
            area.resize(area.len().next_multiple_of(8), 0);
        }
        write_at(self.destination.file(), offset, &area)?;
        Ok(Area {
            offset,
            len: area.len() as u64,
        })
    }
}

pub(super) fn extent_alignment(raw_len: u64) -> u64 {
    if raw_len >= PAGE_ALIGNED_FROM {
        PAGE_ALIGNMENT
    } else {
        EXTENT_ALIGNMENT
    }
}

/// `offset` at an alignment. Offsets of a file that is written stay far below 64 bits.
pub(super) fn aligned(offset: u64, alignment: u64) -> u64 {
    align_up(offset, alignment).unwrap_or(u64::MAX)
}

/// Whether the extent is compressed by this save, so that its length is not known before.
pub(super) fn is_packed(extent: &PlannedExtent<'_>) -> bool {
    extent.cold && extent.copied().is_none()
}

/// Length of the file without what packing will need, which only packing tells.
pub(super) fn expected_len(
    start: u64,
    extents: &[PlannedExtent<'_>],
    records: &[ExtentRecord],
) -> u64 {
    let mut end = start;
    let mut sums = 0;
    let placed = extents.iter().zip(records);
    for (_, record) in placed.filter(|(extent, _)| !is_packed(extent)) {
        end = aligned(end, extent_alignment(record.raw_len)) + record.stored_len;
        sums += record.sums_len().next_multiple_of(8);
    }
    end + sums + TRAILER_LEN
}
