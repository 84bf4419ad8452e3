//! Saving 16 tensors of 64 MiB and 1,000 scalars into the page cache, beside a plain `write` of the
//! same bytes, in one process, in turn: `cargo bench --bench save [ROUNDS]`.
//!
//! Memory that the page cache has just given up is handed back to the machine's host after some
//! seconds, and first use of fresh memory then costs several times the write itself. So each case
//! runs three times in a row and the best counts; what is compared is the ratio within a round, and
//! the ratio of the best.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use achronyme_env::{SaveOptions, TensorRef, Value, ValueRef, save};

const ELEMENTS: u64 = 8 << 20;

/// One way of writing the file.
type Case<'c> = &'c dyn Fn(&Path);

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
    let cases: [(&str, Case<'_>); 6] = [
        ("plain write", &plain),
        ("plain write into a reserved file", &reserved),
        ("save: sums and digests", &hot),
        ("save, sealed: sums and SHA-256", &sealed),
        ("reserved, write, fdatasync", &synced),
        ("save, durable", &durable),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for ((_, case), times) in cases.iter().zip(&mut times) {
            let runs = [(); 3].map(|()| run(&path, case));
            times.extend(runs.iter().min());
        }
    }
    println!("16 tensors of 64 MiB and 1,000 scalars, page cache, {rounds} rounds");
    println!(
        "{:34} {:>10} {:>10} {:>15} {:>12}",
        "", "median", "best", "of plain write", "of its best"
    );
    let best = |case: &[Duration]| case.iter().min().map_or(1.0, Duration::as_secs_f64);
    for ((name, _), case) in cases.iter().zip(&times) {
        let seconds = case.iter().map(Duration::as_secs_f64).collect();
        let ratios = case
            .iter()
            .zip(&times[0])
            .map(|(t, floor)| floor.div_duration_f64(*t));
        println!(
            "{name:34} {:>4.2} GiB/s {:>4.2} GiB/s {:>15.2} {:>12.2}",
            1.0 / median(seconds),
            1.0 / best(case),
            median(ratios.collect()),
            best(&times[0]) / best(case),
        );
    }
}

fn run(path: &Path, case: Case<'_>) -> Duration {
    let _ = std::fs::remove_file(path);
    let start = Instant::now();
    case(path);
    start.elapsed()
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
