//! Saving an opened archive of 16 tensors of 64 MiB again, beside copying its file with sums (read,
//! CRC-32 of each 64 KiB, write into a reserved file), in one process, in turn:
//! `cargo bench --bench copy [ROUNDS]`. Archives are opened within the time that counts.
//!
//! As in `save`, each case runs three times in a row and the best counts; what is compared is the
//! ratio within a round, and the ratio of the best.

mod rounds;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use achronyme_env::{Archive, SaveOptions, Tensor, Value, save};

const ELEMENTS: u64 = 8 << 20;
const PIECE: u64 = 1 << 20;
const BLOCK: usize = 64 << 10;

fn main() {
    let rounds = std::env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(7);
    let dir = tempfile::tempdir().expect("a directory");
    let (old, sealed_old) = (dir.path().join("old.ach"), dir.path().join("sealed.ach"));
    let path = dir.path().join("new.ach");
    let tensors: Vec<(String, Value)> = (0..16u64)
        .map(|t| {
            let bits = |n: u64| (n ^ (t << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
            let elements: Vec<f64> = (0..ELEMENTS).map(|n| f64::from_bits(bits(n))).collect();
            let tensor = Tensor::from_vec(elements, [ELEMENTS]).expect("a tensor");
            (format!("tensor {t}"), tensor.into())
        })
        .collect();
    let quick = SaveOptions::new().durable(false);
    for (path, seal) in [(&old, false), (&sealed_old, true)] {
        let values = tensors.iter().map(|(name, value)| (name, value));
        save(path, values, &quick.clone().seal(seal)).expect("a save");
    }

    let one = |path: &Path| copy_with_sums(&old, path, 1);
    let all = |path: &Path| copy_with_sums(&old, path, cores());
    let system = |path: &Path| assert!(std::fs::copy(&old, path).expect("a copy") > 0);
    let read = |path: &Path| save_again(&open(&old), path, &quick);
    let mapped = |path: &Path| save_again(&map(&old), path, &quick);
    let sealing = quick.clone().seal(true);
    let sealed = |path: &Path| save_again(&map(&sealed_old), path, &sealing);
    let owned = |path: &Path| {
        let values = tensors.iter().map(|(name, value)| (name, value));
        save(path, values, &quick).expect("a save");
    };
    let synced = |path: &Path| {
        one(path);
        let synced = File::open(path).and_then(|file| file.sync_data());
        synced.expect("a sync");
    };
    let durable = |path: &Path| save_again(&map(&old), path, &SaveOptions::new());
    let cases: [rounds::Case<'_>; 9] = [
        ("copy with sums, one thread", &one),
        ("copy with sums, all cores", &all),
        ("the system's copy, no sums", &system),
        ("save, read from a file", &read),
        ("save, from a map", &mapped),
        ("save, from a map, both sealed", &sealed),
        ("save, from owned memory", &owned),
        ("copy with sums, fdatasync", &synced),
        ("save, from a map, durable", &durable),
    ];
    rounds::compare("16 tensors of 64 MiB", "copy, sums", rounds, &path, &cases);
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn open(path: &Path) -> Archive {
    Archive::open(path).expect("an archive")
}

#[allow(unsafe_code)]
fn map(path: &Path) -> Archive {
    // SAFETY: nobody writes to the file while it is open.
    unsafe { Archive::open_mmap(path) }.expect("an archive")
}

fn save_again(archive: &Archive, path: &Path, options: &SaveOptions) {
    let values = archive.bindings().map(|binding| {
        let value = binding.value().expect("a value");
        (binding.name(), value)
    });
    let values: Vec<(&str, Value)> = values.collect();
    let values = values.iter().map(|(name, value)| (name, value));
    save(path, values, options).expect("a save");
}

fn copy_with_sums(from: &Path, to: &Path, threads: usize) {
    let (from, to) = (
        File::open(from).expect("a file"),
        File::create(to).expect("a file"),
    );
    let len = from.metadata().expect("a length").len();
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        fallocate(&to, FallocateFlags::empty(), 0, len).expect("room");
    }
    let next = AtomicU64::new(0);
    let work = || {
        let mut piece = vec![0; PIECE as usize];
        let mut sums = Vec::new();
        loop {
            let at = next.fetch_add(PIECE, Relaxed);
            if at >= len {
                return std::hint::black_box(sums);
            }
            let piece = &mut piece[..(len - at).min(PIECE) as usize];
            from.read_exact_at(piece, at).expect("bytes");
            sums.extend(piece.chunks(BLOCK).map(crc32fast::hash));
            to.write_all_at(piece, at).expect("room");
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
}
