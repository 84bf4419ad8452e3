//! Restoring and saving an environment: what a binding costs, on both roads, whatever the size of
//! the tensors beside it. The goal is 1 ms, and 1 microsecond for each binding. Snapshots: what a
//! variable costs, whatever its size.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use achronyme_env::{
    Archive, Cell, DType, Environment, Order, Record, RestoreOptions, SaveOptions, Storage, Tensor,
    Value, restore_environment, restore_from, save_environment,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// Bytes of each of the 16 tensors.
const TENSOR_BYTES: u64 = 64 << 20;

/// Numbers that need no memory, others for each tensor.
#[derive(Debug)]
struct Constant(u8);

impl Storage for Constant {
    fn byte_len(&self) -> u64 {
        TENSOR_BYTES
    }

    fn range(&self, _: u64, _: u64) -> achronyme_env::Result<&[u8]> {
        unreachable!("a save reads piece by piece")
    }

    fn read_at(&self, _: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
        out.fill(self.0);
        Ok(())
    }
}

fn number(n: usize) -> Value {
    Value::Number(n as f64)
}

fn small_record(n: usize) -> Value {
    let fields = [
        ("id", number(n)),
        ("label", "a label".into()),
        ("on", true.into()),
    ];
    Record::from(fields).into()
}

/// `tensors` tensors of 64 MiB, and `count` other variables.
fn environment(tensors: u8, count: usize, value: fn(usize) -> Value) -> Environment {
    let mut environment = Environment::new();
    for n in 0..tensors {
        let storage = Arc::new(Constant(n));
        let tensor = Tensor::from_storage(DType::F64, [TENSOR_BYTES / 8], Order::C, storage);
        let name = format!("tensor {n}");
        environment
            .set(&name, tensor.expect("a tensor"))
            .expect("a name");
    }
    for n in 0..count {
        environment
            .set(&format!("session/var{n:06}"), value(n))
            .expect("a name");
    }
    environment
}

fn saved(dir: &Path, environment: &Environment) -> PathBuf {
    let path = dir.join("environment.ach");
    let options = SaveOptions::new().durable(false).allow_overwrite(true);
    save_environment(environment, &path, options).expect("a save");
    path
}

#[allow(unsafe_code)]
fn mapped(path: &Path) -> Archive {
    // SAFETY: nobody writes to the file in place while it is open.
    unsafe { Archive::open_mmap(path) }.expect("an archive")
}

type Contents = (&'static str, usize, fn(usize) -> Value);

const CONTENTS: [Contents; 4] = [
    ("scalars", 10, number),
    ("scalars", 1_000, number),
    ("scalars", 100_000, number),
    ("small records", 10_000, small_record),
];

/// 1 GiB in 16 tensors and some variables: opened, restored and dropped.
fn restore(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut group = c.benchmark_group("restore 1 GiB and");
    group.sample_size(20);
    for (what, count, value) in CONTENTS {
        let path = saved(dir.path(), &environment(16, count, value));
        group.throughput(Throughput::Elements(count as u64 + 16));
        group.bench_function(BenchmarkId::new(format!("{what}, read"), count), |b| {
            b.iter_with_large_drop(|| {
                restore_environment(&path, RestoreOptions::new()).expect("an environment")
            });
        });
        group.bench_function(BenchmarkId::new(format!("{what}, map"), count), |b| {
            b.iter_with_large_drop(|| {
                restore_from(&mapped(&path), RestoreOptions::new()).expect("an environment")
            });
        });
        // The next file is as large.
        let file = OpenOptions::new().write(true).open(&path);
        file.and_then(|file| file.set_len(0)).expect("room");
    }
}

/// The same variables without the tensors, saved into the page cache.
fn save(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut group = c.benchmark_group("save");
    group.sample_size(20);
    for (what, count, value) in CONTENTS {
        let environment = environment(0, count, value);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new(what, count), |b| {
            b.iter(|| saved(dir.path(), &environment));
        });
    }
}

/// A vector of a million numbers in every variable: a snapshot must not look at them.
fn million(_: usize) -> Value {
    static MILLION: OnceLock<Value> = OnceLock::new();
    let numbers = || Value::vector((0..1_000_000).map(f64::from).collect::<Vec<_>>());
    MILLION.get_or_init(numbers).clone()
}

fn cell(n: usize) -> Value {
    Cell::new(number(n)).into()
}

/// Taking a snapshot, and going back to it: the same for scalars and for large vectors.
fn snapshot(c: &mut Criterion) {
    let mut group = c.benchmark_group("snapshot");
    let contents: [Contents; 4] = [
        ("scalars", 1_000, number),
        ("vectors of 1,000,000", 1_000, million),
        ("cells", 1_000, cell),
        ("scalars", 100_000, number),
    ];
    for (what, count, value) in contents {
        let mut environment = environment(16, count, value);
        group.throughput(Throughput::Elements(count as u64 + 16));
        group.bench_function(BenchmarkId::new(format!("{what}, take"), count), |b| {
            b.iter_with_large_drop(|| environment.snapshot().expect("a snapshot"));
        });
        let taken = environment.snapshot().expect("a snapshot");
        group.bench_function(BenchmarkId::new(format!("{what}, go back"), count), |b| {
            b.iter(|| environment.restore(&taken));
        });
    }
}

criterion_group!(benches, restore, save, snapshot);
criterion_main!(benches);
