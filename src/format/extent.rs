//! Extents: where an array's bytes stand, how they are coded, and how they are summed.

use bytemuck::{Pod, Zeroable};

use crate::fault::Problem;
use crate::limits::{COLD_BLOCK_BYTES, HOT_BLOCK_BYTES};

/// An extent: 72 bytes. Offsets from the beginning of the file (or of the value image).
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct ExtentRecord {
    pub(crate) offset: u64,
    /// Bytes in the file.
    pub(crate) stored_len: u64,
    /// Bytes of the array.
    pub(crate) raw_len: u64,
    /// Place of the list of block sums; 0 when there is one block, whose sum is `sum`.
    pub(crate) sums_offset: u64,
    /// CRC-32 of the list of block sums, or of the only block.
    pub(crate) sum: u32,
    /// [`Codec`].
    pub(crate) codec: u8,
    /// Width in bytes of the elements whose bytes are shuffled; 0 for none.
    pub(crate) shuffle: u8,
    /// Base-2 logarithm of the bytes in a block: stored ones of a raw extent, raw ones of a coded.
    pub(crate) block_log2: u8,
    /// [`DigestKind`].
    pub(crate) digest_kind: u8,
    pub(crate) digest: [u8; 32],
}

const _: () = assert!(size_of::<ExtentRecord>() == 72);

/// Codec of an extent that a value image names by its digest: its bytes stand in an earlier frame of
/// the journal, or in the archive.
pub(crate) const ELSEWHERE: u8 = 255;

/// Codec, in memory only, of an extent whose record is lost.
const LOST: u8 = 254;

/// How an extent's bytes are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Codec {
    /// As they are: hot, can be mapped.
    Raw = 0,
    /// One zstd frame per block of 256 KiB: cold.
    Zstd = 1,
}

/// What the content digest of an extent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum DigestKind {
    /// None.
    None = 0,
    /// 128-bit XXH3 (seed 0), big-endian canonical form; the other 16 bytes are zero.
    Xxh3 = 1,
    /// SHA-256.
    Sha256 = 2,
}

impl ExtentRecord {
    /// Kind code and content digest, when there is one of a kind known here.
    pub(crate) fn recorded_digest(&self) -> Option<(u8, [u8; 32])> {
        match self.digest_kind()? {
            DigestKind::None => None,
            kind => Some((kind as u8, self.digest)),
        }
    }

    /// The codec; `None` for one this reader does not know.
    pub(crate) fn codec(&self) -> Option<Codec> {
        match self.codec {
            0 => Some(Codec::Raw),
            1 => Some(Codec::Zstd),
            _ => None,
        }
    }

    pub(crate) fn digest_kind(&self) -> Option<DigestKind> {
        match self.digest_kind {
            0 => Some(DigestKind::None),
            1 => Some(DigestKind::Xxh3),
            2 => Some(DigestKind::Sha256),
            _ => None,
        }
    }

    pub(crate) fn block_len(&self) -> u64 {
        1u64.checked_shl(self.block_log2.into()).unwrap_or(u64::MAX)
    }

    /// Number of blocks: of stored bytes when raw, of raw bytes when coded (where it is the same).
    pub(crate) fn block_count(&self) -> u64 {
        // A shift: a division would cost more than all else that opening a file checks of a record.
        match 1u64.checked_shl(self.block_log2.into()) {
            Some(len) => {
                (self.raw_len >> self.block_log2) + u64::from(self.raw_len & (len - 1) != 0)
            }
            None => u64::from(self.raw_len != 0),
        }
    }

    /// Length of the list of block sums in bytes; 0 when the only sum stands in the record.
    pub(crate) fn sums_len(&self) -> u64 {
        match (self.block_count(), self.codec) {
            (0 | 1, _) | (_, ELSEWHERE) => 0,
            (blocks, 0) => blocks.saturating_mul(4),
            (blocks, _) => blocks.saturating_mul(8),
        }
    }

    /// In the place of a record that is lost: an extent that nobody can read.
    pub(crate) fn lost() -> ExtentRecord {
        ExtentRecord {
            codec: LOST,
            digest_kind: DigestKind::None as u8,
            ..ExtentRecord::elsewhere(0, DigestKind::None, [0; 32])
        }
    }

    /// Whether it stands in the place of a record that is lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.codec == LOST
    }

    /// Whether the bytes stand in another frame or in the archive.
    pub(crate) fn is_elsewhere(&self) -> bool {
        self.codec == ELSEWHERE
    }

    /// An extent of `raw_len` bytes in blocks of `block_len`, a power of two, whose place and sums are not
    /// known yet.
    pub(crate) fn blank(
        raw_len: u64,
        codec: Codec,
        block_len: u64,
        kind: DigestKind,
    ) -> ExtentRecord {
        ExtentRecord {
            offset: 0,
            stored_len: raw_len,
            raw_len,
            sums_offset: 0,
            sum: 0,
            codec: codec as u8,
            shuffle: 0,
            block_log2: block_len.trailing_zeros() as u8,
            digest_kind: kind as u8,
            digest: [0; 32],
        }
    }

    /// An extent of `raw_len` bytes that stands elsewhere under this digest.
    pub(crate) fn elsewhere(raw_len: u64, kind: DigestKind, digest: [u8; 32]) -> ExtentRecord {
        ExtentRecord {
            offset: 0,
            stored_len: 0,
            raw_len,
            sums_offset: 0,
            sum: 0,
            codec: ELSEWHERE,
            shuffle: 0,
            block_log2: 0,
            digest_kind: kind as u8,
            digest,
        }
    }

    /// Checks the record of an extent that stands elsewhere: it names content and no place.
    pub(crate) fn check_elsewhere(&self) -> Result<(), Problem> {
        let known = matches!(
            self.digest_kind(),
            Some(DigestKind::Xxh3 | DigestKind::Sha256)
        );
        let blank = ExtentRecord {
            raw_len: self.raw_len,
            digest_kind: self.digest_kind,
            digest: self.digest,
            ..ExtentRecord::elsewhere(0, DigestKind::None, [0; 32])
        };
        if !known || self.raw_len == 0 {
            return Err(Problem::Field {
                field: "digest kind or length of an extent elsewhere",
                found: self.digest_kind.into(),
            });
        }
        match bytemuck::bytes_of(self) == bytemuck::bytes_of(&blank) {
            true => Ok(()),
            false => Err(Problem::NotZero),
        }
    }

    /// Checks what can be checked of the record alone.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        let field = |field, found: u8| {
            Err(Problem::Field {
                field,
                found: found.into(),
            })
        };
        if self.stored_len == 0 || self.raw_len == 0 {
            return Err(Problem::Field {
                field: "length",
                found: 0,
            });
        }
        if i64::try_from(self.raw_len).is_err() {
            return Err(Problem::Field {
                field: "raw length",
                found: self.raw_len,
            });
        }
        if !self.offset.is_multiple_of(crate::limits::EXTENT_ALIGNMENT) {
            return Err(Problem::Field {
                field: "offset (not aligned)",
                found: self.offset,
            });
        }
        match self.codec() {
            Some(Codec::Raw) => {
                if self.stored_len != self.raw_len {
                    return Err(Problem::Field {
                        field: "raw length",
                        found: self.raw_len,
                    });
                }
                if self.block_len() != HOT_BLOCK_BYTES {
                    return field("block size (log2)", self.block_log2);
                }
                if self.shuffle != 0 {
                    return field("shuffle of a raw extent", self.shuffle);
                }
            }
            Some(Codec::Zstd) => {
                if self.block_len() != COLD_BLOCK_BYTES {
                    return field("block size (log2)", self.block_log2);
                }
                if !matches!(self.shuffle, 0 | 2 | 4 | 8 | 16) {
                    return field("shuffle width", self.shuffle);
                }
            }
            // A codec of a later version: listed, but not read.
            None => {}
        }
        if self.sums_len() == 0 && self.sums_offset != 0 {
            return Err(Problem::Field {
                field: "sum list offset",
                found: self.sums_offset,
            });
        }
        let rest_is_zero = match self.digest_kind() {
            Some(DigestKind::None) => self.digest == [0; 32],
            Some(DigestKind::Xxh3) => self.digest.last_chunk() == Some(&[0; 16]),
            Some(DigestKind::Sha256) | None => true,
        };
        match rest_is_zero {
            true => Ok(()),
            false => Err(Problem::NotZero),
        }
    }
}

/// CRC-32 and stored length of each block of an extent, in order.
#[derive(Clone, Debug)]
pub(crate) enum BlockSums {
    /// All but the last are equally long: 4 bytes a block, since there may be millions of them.
    Raw {
        crcs: Box<[u32]>,
        block_len: u64,
        stored_len: u64,
    },
    /// Each as long as it is.
    Coded(Box<[BlockSum]>),
}

/// One block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockSum {
    /// First stored byte, counted from the beginning of the extent.
    pub(crate) start: u64,
    /// Stored bytes.
    pub(crate) len: u64,
    pub(crate) crc: u32,
}

impl BlockSums {
    /// Reads the list of an extent. `list` is empty when the only sum stands in the record.
    pub(crate) fn read(extent: &ExtentRecord, list: &[u8]) -> Result<BlockSums, Problem> {
        if extent.sums_len() != list.len() as u64 {
            return Err(Problem::Structure(
                "the list of block sums has another length".into(),
            ));
        }
        if list.is_empty() {
            let only = BlockSum {
                start: 0,
                len: extent.stored_len,
                crc: extent.sum,
            };
            return Ok(BlockSums::Coded([only].into()));
        }
        let found = crc32fast::hash(list);
        if found != extent.sum {
            return Err(Problem::Checksum {
                expected: extent.sum,
                found,
            });
        }
        if extent.codec == Codec::Raw as u8 {
            let (crcs, _) = list.as_chunks::<4>();
            return Ok(BlockSums::Raw {
                crcs: crcs.iter().map(|crc| u32::from_le_bytes(*crc)).collect(),
                block_len: extent.block_len(),
                stored_len: extent.stored_len,
            });
        }
        let mut start = 0u64;
        let mut blocks = Vec::with_capacity(list.len() / 8);
        let (pairs, _) = list.as_chunks::<8>();
        for [a, b, c, d, crc @ ..] in pairs {
            let stored = u32::from_le_bytes([*a, *b, *c, *d]);
            if stored == 0 {
                return Err(Problem::Field {
                    field: "stored length of a block",
                    found: 0,
                });
            }
            let len = stored.into();
            let crc = u32::from_le_bytes(*crc);
            blocks.push(BlockSum { start, len, crc });
            start = start
                .checked_add(len)
                .filter(|end| *end <= extent.stored_len)
                .ok_or(Problem::OutOfBounds { start, length: len })?;
        }
        if start != extent.stored_len {
            return Err(Problem::Length {
                expected: extent.stored_len,
                found: start,
            });
        }
        Ok(BlockSums::Coded(blocks.into()))
    }

    pub(crate) fn get(&self, block: u64) -> Option<BlockSum> {
        match self {
            BlockSums::Raw {
                crcs,
                block_len,
                stored_len,
            } => {
                let crc = *crcs.get(usize::try_from(block).ok()?)?;
                let start = block.checked_mul(*block_len)?;
                let len = stored_len.checked_sub(start)?.min(*block_len);
                Some(BlockSum { start, len, crc })
            }
            BlockSums::Coded(blocks) => blocks.get(usize::try_from(block).ok()?).copied(),
        }
    }

    /// The list as it stands in a file; of an extent of one block its sum.
    pub(crate) fn to_list(&self) -> Vec<u8> {
        match self {
            BlockSums::Raw { crcs, .. } => crcs.iter().flat_map(|crc| crc.to_le_bytes()).collect(),
            BlockSums::Coded(blocks) => match &blocks[..] {
                [only] => only.crc.to_le_bytes().to_vec(),
                blocks => blocks
                    .iter()
                    .flat_map(|block| [block.len as u32, block.crc])
                    .flat_map(u32::to_le_bytes)
                    .collect(),
            },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            BlockSums::Raw { crcs, .. } => crcs.len(),
            BlockSums::Coded(blocks) => blocks.len(),
        }
    }
}
