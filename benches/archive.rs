//! Opening, first touches and saving, beside the floor of the same work in the same run.
//!
//! `cargo bench --bench archive` prints times; compare them by ratio, since machines are noisy.
//! Each benchmark says what it touches. Files stand in a temporary directory, in the page cache.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use achronyme_env::{
    Archive, OpenOptions, Record, SaveOptions, Tensor, TensorRef, Value, ValueRef, save,
};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn mapped(path: &Path) -> Archive {
    mapped_with(&OpenOptions::new(), path)
}

#[allow(unsafe_code)]
fn mapped_with(options: &OpenOptions, path: &Path) -> Archive {
    // SAFETY: the files of this benchmark are written once, before they are mapped.
    unsafe { options.open_mmap(path) }.expect("an archive that was just saved")
}

fn saved(dir: &Path, name: &str, bindings: &[(String, Value)]) -> PathBuf {
    let path = dir.join(name);
    let options = SaveOptions::new()
        .durable(false)
        .allow_overwrite(true)
        .created_at(0);
    save(&path, bindings.iter().map(|(n, v)| (n, v)), &options).expect("a save");
    path
}

/// Names of 17 bytes, a number each: the table is all there is.
fn scalars(count: usize) -> Vec<(String, Value)> {
    (0..count)
        .map(|n| (format!("session/var{n:06}"), Value::Number(n as f64)))
        .collect()
}

/// Open alone: header and table are read and checked, nothing else.
fn open(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut group = c.benchmark_group("open");
    for count in [10, 1_000, 100_000, 1_000_000] {
        let path = saved(dir.path(), "open.ach", &scalars(count));
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("map", count), |b| {
            b.iter(|| mapped(&path).len())
        });
        group.bench_function(BenchmarkId::new("read", count), |b| {
            b.iter(|| Archive::open(&path).expect("open").len());
        });
        group.bench_function(BenchmarkId::new("floor: read the file", count), |b| {
            b.iter(|| std::fs::read(&path).expect("read").len());
        });
    }
}

/// Open, and one of many tensors of 512 bytes: its elements are summed. The table is checked at open, or as
/// it is used.
fn open_one(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut group = c.benchmark_group("open + one tensor of 512 bytes");
    for count in [10, 1_000, 10_000, 100_000] {
        let numbers: Vec<f64> = (0..64).map(f64::from).collect();
        let tensors: Vec<(String, Value)> = (0..count)
            .map(|n| {
                let mut numbers = numbers.clone();
                numbers[0] = f64::from(n);
                let tensor = Tensor::from_vec(numbers, [64]).expect("a tensor");
                (format!("session/var{n:06}"), tensor.into())
            })
            .collect();
        let path = saved(dir.path(), "one.ach", &tensors);
        let names: Vec<String> = (0..1000)
            .map(|n| format!("session/var{:06}", n * 7919 % count))
            .collect();
        for (what, lazy) in [("table checked at open", false), ("lazy table", true)] {
            let options = OpenOptions::new().lazy_table(lazy);
            let sum = |archive: &Archive, name: &str| {
                let tensor = archive.tensor(name).expect("a tensor");
                tensor
                    .as_slice::<f64>()
                    .expect("numbers")
                    .iter()
                    .sum::<f64>()
            };
            let mut next = names.iter().cycle();
            group.bench_function(BenchmarkId::new(format!("map, {what}"), count), |b| {
                b.iter(|| sum(&mapped_with(&options, &path), next.next().expect("a cycle")));
            });
            group.bench_function(BenchmarkId::new(format!("read, {what}"), count), |b| {
                b.iter(|| {
                    let archive = options.open(&path).expect("open");
                    sum(&archive, next.next().expect("a cycle"))
                });
            });
        }
    }
}

/// One name among many, in an open archive.
fn lookup(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut group = c.benchmark_group("lookup");
    for count in [1_000, 1_000_000] {
        let archive = mapped(&saved(dir.path(), "lookup.ach", &scalars(count)));
        let names: Vec<String> = (0..1000)
            .map(|n| format!("session/var{:06}", n * 7919 % count))
            .collect();
        let mut next = names.iter().cycle();
        group.bench_function(BenchmarkId::new("load_var of a number", count), |b| {
            b.iter(|| {
                archive
                    .load_var(next.next().expect("a cycle"))
                    .expect("a number")
            });
        });
    }
}

/// A record of 1,000,000 strings: one field by name, in an archive just opened and after that.
fn field(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let fields = (0..1_000_000).map(|n| (format!("key{n:07}"), format!("value number {n}")));
    let record = Value::from(fields.collect::<Record>());
    let path = saved(dir.path(), "field.ach", &[("big".to_owned(), record)]);
    let names: Vec<String> = (0..1000)
        .map(|n| format!("key{:07}", n * 7919 % 1_000_000))
        .collect();
    let look = |archive: &Archive, name: &str| {
        let view = archive.view("big").expect("a record");
        view.field(name)
            .expect("a field")
            .as_str()
            .expect("text")
            .len()
    };
    let mut group = c.benchmark_group("field of a record of 1,000,000 strings");
    for (road, open) in [
        ("map", mapped as fn(&Path) -> Archive),
        ("read", |path| Archive::open(path).expect("open")),
    ] {
        group.bench_function(BenchmarkId::new("first touch", road), |b| {
            b.iter_custom(|rounds| {
                let mut time = Duration::ZERO;
                for round in 0..rounds {
                    let archive = open(&path);
                    let start = Instant::now();
                    black_box(look(&archive, &names[round as usize % names.len()]));
                    time += start.elapsed();
                }
                time
            });
        });
        let archive = open(&path);
        group.bench_function(BenchmarkId::new("again, the same", road), |b| {
            b.iter(|| look(&archive, &names[0]));
        });
        names.iter().for_each(|name| {
            look(&archive, name);
        });
        let mut next = names.iter().cycle();
        group.bench_function(BenchmarkId::new("again, any of 1000 touched", road), |b| {
            b.iter(|| look(&archive, next.next().expect("a cycle")));
        });
    }
}

/// One tensor of 64 MiB among 16: mapped or read, checked, summed.
fn tensors(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let numbers: Vec<f64> = (0..8u32 << 20).map(f64::from).collect();
    let bindings: Vec<(String, Value)> = (0..16u32)
        .map(|t| {
            let mut numbers = numbers.clone();
            numbers[0] = f64::from(t) + 0.5;
            let tensor = Tensor::from_vec(numbers, [8 << 20]).expect("a tensor");
            (format!("tensor {t}"), tensor.into())
        })
        .collect();
    let path = saved(dir.path(), "tensors.ach", &bindings);
    drop(bindings);
    let mut group = c.benchmark_group("open + sum of one 64 MiB tensor of 16");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(64 << 20));
    let sum = |numbers: &[f64]| {
        let (blocks, rest) = numbers.as_chunks::<8>();
        let mut sums = [0.0; 8];
        for block in blocks {
            for (sum, number) in sums.iter_mut().zip(block) {
                *sum += number;
            }
        }
        sums.iter().chain(rest).sum::<f64>()
    };
    let of = |archive: &Archive| {
        let tensor: Tensor = archive.tensor("tensor 7").expect("a tensor");
        sum(tensor.as_slice().expect("numbers"))
    };
    group.bench_function("map, checked on first touch", |b| {
        b.iter(|| of(&mapped(&path)))
    });
    group.bench_function("read, checked", |b| {
        b.iter(|| of(&Archive::open(&path).expect("open")));
    });
    let archive = mapped(&path);
    of(&archive);
    group.bench_function("map, open and checked already", |b| b.iter(|| of(&archive)));
    group.bench_function("floor: sum in memory", |b| b.iter(|| sum(&numbers)));
    drop(group);

    let tensor = archive.tensor("tensor 7").expect("a tensor");
    c.bench_function("tensor to &[f64], checked already", |b| {
        b.iter(|| tensor.as_slice::<f64>().expect("numbers").len());
    });
}

/// One tensor of 64 MiB and 1,000 scalars into a new file in the page cache, every block summed and
/// digested, beside a plain `write` of the same bytes. `benches/save.rs` does it with 1 GiB, in turn.
fn save_one(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("run.ach");
    let numbers: Vec<f64> = (0..8u32 << 20).map(f64::from).collect();
    let (scalars, shape) = (scalars(1000), [8 << 20]);
    let mut group = c.benchmark_group("save 64 MiB and 1,000 scalars");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(64 << 20));
    group.bench_function("floor: plain write", |b| {
        b.iter(|| {
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, bytemuck::cast_slice::<f64, u8>(&numbers)).expect("room");
        });
    });
    for (name, seal) in [("save", false), ("save, sealed", true)] {
        let options = SaveOptions::new().durable(false).seal(seal);
        group.bench_function(name, |b| {
            b.iter(|| {
                let _ = std::fs::remove_file(&path);
                let tensor = TensorRef::new(&numbers, &shape).expect("a tensor");
                let tensor = std::iter::once(("tensor", ValueRef::Tensor(tensor)));
                let scalars = scalars
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.into()));
                save(&path, tensor.chain(scalars), &options).expect("a save")
            });
        });
    }
}

criterion_group!(benches, open, open_one, lookup, field, tensors, save_one);
criterion_main!(benches);
