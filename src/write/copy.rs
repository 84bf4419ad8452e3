//! Extents of another archive, copied as they stand there: blocks are checked against the sums they
//! have, sums and digest are carried over, and nothing is unpacked but to make a digest of a kind
//! that the extent does not have.

use std::io;

use super::emit::{Emission, write_at};
use super::scratch::Scratch;
use crate::error::{EnvError, Result};
use crate::format::sums::{PIECE_BYTES, piece_digest};
use crate::tree::extent_source::PlannedExtent;
use crate::value::{StoredExtent, WINDOW_BYTES, Window};

/// Raw bytes of one job, however few they are in the file.
const MAX_JOB_BYTES: u64 = 1 << 30;

// Windows are taken for the pieces of a digest.
const _: () = assert!(WINDOW_BYTES == PIECE_BYTES as u64);

/// Buffers of one thread, used again for each piece.
#[derive(Default)]
pub(super) struct CopyBuffers {
    stored: Vec<u8>,
    raw: Vec<u8>,
}

/// One extent to copy.
pub(super) struct Copying<'c> {
    pub(super) emission: &'c Emission<'c>,
    pub(super) extent: &'c PlannedExtent<'c>,
    pub(super) stored: StoredExtent<'c>,
}

impl Copying<'_> {
    /// Raw bytes that are copied as one job: about as many stored ones as `bytes`.
    pub(super) fn job_bytes(&self, bytes: u64) -> u64 {
        if !self.carries_digest() {
            return bytes;
        }
        let (raw, stored) = (self.stored.raw_len, self.stored.stored_len.max(1));
        let scaled = u128::from(bytes) * u128::from(raw) / u128::from(stored);
        u64::try_from(scaled)
            .unwrap_or(u64::MAX)
            .clamp(bytes, MAX_JOB_BYTES)
            .next_multiple_of(PIECE_BYTES as u64)
    }

    /// Copies the stored blocks of raw bytes `start..start + len`, whole pieces but for the end, to
    /// the extent that stands at `place`. Returns the digests of the pieces, unless the extent has
    /// the one that is asked for.
    pub(super) fn part(
        &self,
        start: u64,
        len: u64,
        place: u64,
        buffers: &mut CopyBuffers,
        failed: &(dyn Fn(io::Error) -> EnvError + Sync),
    ) -> Result<Vec<[u8; 32]>> {
        // Windows that begin where pages of the new file do, many together, make it faster to write.
        let phase = match self.carries_digest() {
            true => place % WINDOW_BYTES,
            false => 0,
        };
        let mut done = start;
        self.windows(start, len, phase, buffers, &mut |window| {
            write_at(self.emission.file, place + window.start, window.bytes).map_err(failed)?;
            let end = (window.blocks_end << self.stored.block_log2).min(start + len);
            self.emission.report(end - done);
            done = end;
            Ok(())
        })
    }

    /// Appends the stored bytes of a small extent to `out`. Returns its digest, unless it has the
    /// one that is asked for.
    pub(super) fn small(
        &self,
        out: &mut Scratch,
        buffers: &mut CopyBuffers,
    ) -> Result<Vec<[u8; 32]>> {
        self.windows(0, self.stored.raw_len, 0, buffers, &mut |window| {
            out.extend(window.bytes);
            Ok(())
        })
    }

    fn windows(
        &self,
        start: u64,
        len: u64,
        phase: u64,
        buffers: &mut CopyBuffers,
        put: &mut dyn FnMut(Window<'_>) -> Result<()>,
    ) -> Result<Vec<[u8; 32]>> {
        let first = start >> self.stored.block_log2;
        let end = (start + len).div_ceil(1 << self.stored.block_log2);
        let digest_here = !self.carries_digest() && self.stored.is_raw();
        let mut digests = Vec::new();
        self.stored
            .blocks
            .read(first..end, phase, &mut buffers.stored, &mut |window| {
                self.emission.cancel.check()?;
                if digest_here {
                    // Without a phase windows are the pieces of the digest.
                    digests.push(piece_digest(self.emission.digest, window.bytes));
                }
                put(window)
            })?;
        if !self.carries_digest() && !self.stored.is_raw() {
            let mut at = start;
            while at < start + len {
                let now = (start + len - at).min(PIECE_BYTES as u64);
                digests.push(self.unpacked_digest(at, now, &mut buffers.raw)?);
                at += now;
            }
        }
        Ok(digests)
    }

    fn carries_digest(&self) -> bool {
        self.emission.carries_digest(&self.stored)
    }

    fn unpacked_digest(&self, at: u64, len: u64, raw: &mut Vec<u8>) -> Result<[u8; 32]> {
        raw.resize(len as usize, 0);
        self.extent.source.read_at(at, raw)?;
        Ok(piece_digest(self.emission.digest, raw))
    }
}

#[cfg(feature = "zstd")]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::ops::Range;
    use std::path::Path;
    use std::sync::Arc;

    use crate::read::Archive;
    use crate::value::{Storage, StoredBlocks, StoredExtent, Window};
    use crate::write::{SaveOptions, save};
    use crate::{Codec, DType, DigestKind, EnvError, Order, Result, Tensor, Value};

    fn options() -> SaveOptions {
        SaveOptions::new()
            .created_at(0)
            .allow_overwrite(true)
            .durable(false)
    }

    /// Arrays that are one block, several, several jobs, shuffled and plain.
    fn values() -> Vec<(String, Value)> {
        let lengths: [u32; 6] = [3, 20_000, 32_768, 32_769, 300_000, 2_000_000];
        let mut all = Vec::new();
        for len in lengths {
            let smooth: Vec<f64> = (0..len).map(|n| f64::from(n / 7)).collect();
            let noise: Vec<u8> = (0..len)
                .map(|n| (n.wrapping_mul(2_654_435_769) >> 24) as u8)
                .collect();
            let smooth = Tensor::from_vec(smooth, [u64::from(len)]).unwrap();
            let noise = Tensor::from_vec(noise, [u64::from(len)]).unwrap();
            all.push((format!("smooth {len}"), smooth.into()));
            all.push((format!("hot {len}"), noise.into()));
        }
        all
    }

    fn saved(path: &Path, values: &[(String, Value)], options: &SaveOptions) -> Vec<u8> {
        save(path, values.iter().map(|(n, v)| (n, v)), options).unwrap();
        fs::read(path).unwrap()
    }

    #[allow(unsafe_code)]
    fn mapped(path: &Path) -> Result<Archive> {
        // SAFETY: nobody writes to the file while it is open.
        unsafe { Archive::open_mmap(path) }
    }

    fn lent(archive: &Archive, values: &[(String, Value)]) -> Vec<(String, Value)> {
        let names = values.iter().map(|(name, _)| name.clone());
        names
            .map(|name| (name.clone(), archive.get(&name).unwrap()))
            .collect()
    }

    #[test]
    fn a_cold_extent_stays_cold_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
        for seal in [false, true] {
            for pattern in ["*", "smooth*"] {
                // Another level than that of the copy, which must not pack again.
                let packing = options().cold(pattern).compression_level(9).seal(seal);
                let expected = saved(&old, &values(), &packing);
                for open in [|path| Archive::open(path), mapped] {
                    let lent = lent(&open(&old).unwrap(), &values());
                    let keeping = options().keep_coding(true).seal(seal);
                    assert!(saved(&new, &lent, &keeping) == expected);
                    // A file of exactly this length is not refused, nor packed to know it.
                    let exactly = keeping.clone().max_file_size(expected.len() as u64);
                    assert!(saved(&new, &lent, &exactly) == expected);
                    // What is cold stays as it is when it is asked to be cold, too.
                    assert!(saved(&new, &lent, &keeping.cold(pattern)) == expected);
                    // What an ordinary save does with it is as ever.
                    let hot = saved(&new, &lent, &options().seal(seal));
                    let owned = saved(&new, &values(), &options().seal(seal));
                    assert!(hot == owned);
                }
            }
        }
    }

    #[test]
    fn a_cold_extent_that_is_sealed_stays_cold_and_gets_its_digest() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
        for seal in [false, true] {
            saved(&old, &values(), &options().cold("smooth*").seal(!seal));
            let expected = saved(&new, &values(), &options().cold("smooth*").seal(seal));
            for open in [|path| Archive::open(path), mapped] {
                let lent = lent(&open(&old).unwrap(), &values());
                let found = saved(&new, &lent, &options().keep_coding(true).seal(seal));
                assert!(found == expected, "{seal}");
                let report = Archive::open(&new).unwrap().verify().unwrap();
                assert!(report.is_ok(), "{report:?}");
            }
        }
    }

    #[test]
    fn a_part_of_a_cold_extent_becomes_hot_and_a_hot_one_that_is_asked_for_cold() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
        saved(&old, &values(), &options().cold("smooth*"));
        let archive = Archive::open(&old).unwrap();
        let part = archive.tensor("smooth 300000").unwrap();
        let part = part.slice(&"1000:".parse().unwrap()).unwrap();
        let hot = archive.get("hot 300000").unwrap();
        let pair = [("part".to_owned(), part.into()), ("hot".to_owned(), hot)];
        saved(&new, &pair, &options().keep_coding(true).cold("hot"));
        let copy = Archive::open(&new).unwrap();
        for (name, codec) in [("part", Codec::Raw), ("hot", Codec::Zstd)] {
            let extent = copy.binding(name).unwrap().extents().unwrap()[0];
            assert_eq!(extent.codec, Some(codec), "{name}");
        }
        for (name, value) in pair {
            assert!(copy.get(&name).unwrap().identical(&value).unwrap());
        }
    }

    #[test]
    fn a_damaged_cold_block_fails_the_save_and_the_old_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old.ach"), dir.path().join("new.ach"));
        let whole = saved(&old, &values(), &options().cold("*"));
        let archive = Archive::open(&old).unwrap();
        for name in ["smooth 3", "hot 300000", "smooth 2000000"] {
            let extent = archive.binding(name).unwrap().extents().unwrap()[0];
            for at in [0, extent.stored_len / 2, extent.stored_len - 1] {
                let mut damaged = whole.clone();
                damaged[(extent.offset + at) as usize] ^= 4;
                let bad = dir.path().join("bad.ach");
                fs::write(&bad, damaged).unwrap();
                for open in [|path| Archive::open(path), mapped] {
                    fs::write(&new, b"as it was").unwrap();
                    let lent = lent(&open(&bad).unwrap(), &values());
                    let values = lent.iter().map(|(n, v)| (n, v));
                    let error = save(&new, values, &options().keep_coding(true)).unwrap_err();
                    let text = error.to_string();
                    assert!(
                        matches!(&error, EnvError::Variable { name: named, .. } if named == name)
                    );
                    assert!(text.contains("bad.ach"), "{text}");
                    assert_eq!(fs::read(&new).unwrap(), b"as it was");
                }
            }
        }
    }

    /// A cold extent whose bytes cannot be had.
    #[derive(Debug)]
    struct Unreadable {
        digest: [u8; 32],
        stored: [u8; 100],
    }

    impl Storage for Unreadable {
        fn byte_len(&self) -> u64 {
            1000
        }

        fn range(&self, _: u64, _: u64) -> Result<&[u8]> {
            panic!("it was unpacked")
        }

        fn read_at(&self, _: u64, _: &mut [u8]) -> Result<()> {
            panic!("it was unpacked")
        }

        fn stored(&self) -> Option<StoredExtent<'_>> {
            Some(StoredExtent {
                codec: Codec::Zstd as u8,
                shuffle: 0,
                block_log2: 18,
                digest_kind: DigestKind::Xxh3 as u8,
                digest: self.digest,
                raw_len: 1000,
                stored_len: self.stored.len() as u64,
                blocks: self,
            })
        }
    }

    impl StoredBlocks for Unreadable {
        fn sums(&self) -> Result<Vec<u8>> {
            Ok(crc32fast::hash(&self.stored).to_le_bytes().to_vec())
        }

        fn read(
            &self,
            _: Range<u64>,
            _: u64,
            _: &mut Vec<u8>,
            put: &mut dyn FnMut(Window<'_>) -> Result<()>,
        ) -> Result<()> {
            put(Window {
                start: 0,
                bytes: &self.stored,
                blocks_end: 1,
            })
        }
    }

    #[test]
    fn what_is_copied_cold_is_never_unpacked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new.ach");
        let tensor = |n: u8| {
            let mut digest = [0; 32];
            digest[..16].fill(n);
            let stored = [n; 100];
            let storage = Arc::new(Unreadable { digest, stored });
            Tensor::from_storage(DType::U8, [1000], Order::C, storage).unwrap()
        };
        let values = [("a".to_owned(), tensor(1)), ("b".to_owned(), tensor(2))];
        let values = values.map(|(name, tensor)| (name, Value::from(tensor)));
        saved(&path, &values, &options().keep_coding(true));
        let copy = Archive::open(&path).unwrap();
        for (name, n) in [("a", 1u8), ("b", 2)] {
            let extent = copy.binding(name).unwrap().extents().unwrap()[0];
            assert_eq!((extent.raw_len, extent.stored_len), (1000, 100));
            assert_eq!(extent.digest[0], n);
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes[extent.offset as usize..][..100], [n; 100]);
        }
    }
}
