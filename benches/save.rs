//! Saving 16 tensors of 64 MiB and 1,000 scalars into the page cache, beside a plain `write` of the
//! same bytes, in one process, in turn: `cargo bench --bench save [ROUNDS]`.
//!
//! Memory that the page cache has just given up is handed back to the machine's host after some
//! seconds, and first use of fresh memory then costs several times the write itself. So each case
//! runs three times in a row and the best counts; what is compared is the ratio within a round, and
//! the ratio of the best.

mod rounds;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use achronyme_env::{SaveOptions, TensorRef, Value, ValueRef, save};

const ELEMENTS: u64 = 8 << 20;

fn main() {
    // `cargo bench` passes `--bench`; `cargo test --benches` passes nothing that is a number.
    let rounds = std::env::args()
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(7);
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("run.ach");
    let tensors: Vec<Vec<f64>> = (0..16u64)
        .map(|t| {
            let bits = |n: u64| (n ^ (t << 40)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
            (0..ELEMENTS).map(|n| f64::from_bits(bits(n))).collect()
        })
        .collect();
    let scalars: Vec<(String, Value)> = (0..1000)
        .map(|n| (format!("scalar {n}"), Value::Number(n.into())))
        .collect();

    let plain = |path: &Path| plain_write(path, &tensors, false);
    let reserved = |path: &Path| plain_write(path, &tensors, true);
    let hot = |path: &Path| save_all(path, &tensors, &scalars, SaveOptions::new().durable(false));
    let sealed = |path: &Path| {
        save_all(
            path,
            &tensors,
            &scalars,
            SaveOptions::new().durable(false).seal(true),
        );
    };
    let durable = |path: &Path| save_all(path, &tensors, &scalars, SaveOptions::new());
    let synced = |path: &Path| {
        plain_write(path, &tensors, true);
        File::open(path)
            .and_then(|file| file.sync_data())
            .expect("a sync");
    };
    let cases: [rounds::Case<'_>; 6] = [
        ("plain write", &plain),
        ("plain write into a reserved file", &reserved),
        ("save: sums and digests", &hot),
        ("save, sealed: sums and SHA-256", &sealed),
        ("reserved, write, fdatasync", &synced),
        ("save, durable", &durable),
    ];
    rounds::compare(
        "16 tensors of 64 MiB and 1,000 scalars",
        "plain write",
        rounds,
        &path,
        &cases,
    );
}

fn plain_write(path: &Path, tensors: &[Vec<f64>], reserve: bool) {
    let mut file = File::create(path).expect("a file");
    #[cfg(target_os = "linux")]
    if reserve {
        use rustix::fs::{FallocateFlags, fallocate};
        fallocate(&file, FallocateFlags::empty(), 0, 1 << 30).expect("room");
    }
    for tensor in tensors {
        file.write_all(bytemuck::cast_slice(tensor)).expect("room");
    }
}

fn save_all(path: &Path, tensors: &[Vec<f64>], scalars: &[(String, Value)], options: SaveOptions) {
    let shape = [ELEMENTS];
    let tensors = tensors.iter().enumerate().map(|(n, tensor)| {
        let tensor = TensorRef::new(tensor, &shape).expect("a tensor");
        (format!("tensor {n}"), ValueRef::Tensor(tensor))
    });
    let scalars = scalars
        .iter()
        .map(|(name, value)| (name.clone(), ValueRef::Value(value)));
    save(path, tensors.chain(scalars), &options).expect("a save");
}
