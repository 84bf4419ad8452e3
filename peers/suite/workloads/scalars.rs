//! W3: 1,000,000 numbers, saved, opened and asked for by name.

use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use achronyme_env::Value;
use achronyme_env_peers::measure::{seconds, time};
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Float64Array, cast::AsArray};

use crate::Plan;
use crate::chart::Chart;
use crate::data::{grouped, name};
use crate::formats::plain::{Environment, Plain};
use crate::formats::{ach, arrow, lmdb, plain, redb_file, safe_tensors};
use crate::mapping::{map, remove};
use crate::report::Report;
use crate::turns::{Case, Table, batch};

/// Bytes of a name and of its number.
const BYTES: usize = 17 + 8;
/// The shape of version 1.
const OLD: &str = "MessagePack + zstd";

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    let count = plan.of(1_000_000, 100_000);
    report.section(
        "W3: 1,000,000 numbers",
        "Names of 17 bytes, a number each. npz and `.npy` are left out: a file of its own for each number \
         is not what they are for.",
    );
    let files = Files::save(plan, count, report);
    files.open(plan, report);
    files.query(plan, report);
    remove(files.all());
}

/// The same numbers in every format.
struct Files {
    count: usize,
    ours: std::path::PathBuf,
    safe: std::path::PathBuf,
    mdb: std::path::PathBuf,
    redb: std::path::PathBuf,
    rkyv: std::path::PathBuf,
    pack: std::path::PathBuf,
    ipc: std::path::PathBuf,
    flat: std::path::PathBuf,
}

fn number(n: usize) -> f64 {
    n as f64 + 0.25
}

impl Files {
    fn all(&self) -> [&std::path::Path; 8] {
        let Files {
            count: _,
            ours,
            safe,
            mdb,
            redb,
            rkyv,
            pack,
            ipc,
            flat,
        } = self;
        [ours, safe, mdb, redb, rkyv, pack, ipc, flat].map(|path| path.as_path())
    }

    fn save(plan: &Plan<'_>, count: usize, report: &mut Report) -> Files {
        let files = Files {
            count,
            ours: plan.file("ours"),
            safe: plan.file("safe"),
            mdb: plan.file("mdb"),
            redb: plan.file("redb"),
            rkyv: plan.file("rkyv"),
            pack: plan.file("pack"),
            ipc: plan.file("ipc"),
            flat: plan.file("flat"),
        };
        let pairs: Vec<(String, f64)> = (0..count).map(|n| (name(n), number(n))).collect();
        let values: Vec<(String, Value)> = pairs
            .iter()
            .map(|(name, number)| (name.clone(), Value::Number(*number)))
            .collect();
        let environment: Environment = pairs
            .iter()
            .map(|(name, number)| (name.clone(), Plain::Number(*number)))
            .collect();
        let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..count).map(number)));
        let table = [arrow::table((0..count).map(name).collect(), numbers)];
        let stored: Vec<(String, [u8; 8])> = pairs
            .iter()
            .map(|(name, number)| (name.clone(), number.to_le_bytes()))
            .collect();
        let stored = || {
            stored
                .iter()
                .map(|(name, bytes)| (name.as_str(), &bytes[..]))
        };
        let mut flat = Vec::with_capacity(count * BYTES);
        for (name, bytes) in stored() {
            flat.extend_from_slice(name.as_bytes());
            flat.extend_from_slice(bytes);
        }
        let cases = vec![
            Case::twice("ach", || seconds(|| ach::save_values(&files.ours, &values)))
                .checks(ach::SUMS),
            Case::twice("safetensors", || {
                seconds(|| safe_tensors::save_numbers(&files.safe, &pairs))
            }),
            Case::twice("LMDB (heed)", || {
                seconds(|| lmdb::save(&files.mdb, count * 64, false, stored()))
            }),
            Case::twice("redb", || {
                seconds(|| redb_file::save(&files.redb, false, stored()))
            }),
            Case::twice("rkyv", || {
                seconds(|| plain::save_rkyv(&files.rkyv, &environment))
            }),
            Case::twice("Arrow IPC", || seconds(|| arrow::save(&files.ipc, &table))),
            Case::twice(OLD, || {
                seconds(|| plain::save_message_pack(&files.pack, &environment))
            }),
            Case::twice("floor: `write`", || {
                seconds(|| std::fs::write(&files.flat, &flat).expect("room"))
            }),
        ];
        let cases = cases.into_iter().map(|case| case.includes("save"));
        let table = plan.table(
            format!("save {} numbers, page cache", grouped(count)),
            45.0,
            cases.collect(),
        );
        report.table(&table);
        report.chart(Chart::bars("save-scalars", &table));
        within("save W3", "ach", 40e-3, &table, report);
        files
    }

    fn open(&self, plan: &Plan<'_>, report: &mut Report) {
        let count = self.count;
        let mut turn = 0;
        let mut next = move || {
            turn += 1;
            turn * 7919 % count
        };
        // One name each time, and the number under it.
        let one = |find: &dyn Fn(&str) -> f64| {
            let n = next();
            let name = name(n);
            seconds(|| assert_eq!(find(&name), number(n)))
        };
        let one = std::cell::RefCell::new(one);
        let one = |find: &dyn Fn(&str) -> f64| (one.borrow_mut())(find);
        let mut cases: Vec<Case<'_>> = ach::ways()
            .map(|way| {
                let one = &one;
                let find = move |name: &str| ach::number(&(way.open)(&self.ours), name);
                Case::twice(way.label, move || one(&find)).checks(way.checks)
            })
            .collect();
        let of_bytes = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        cases.extend([
            Case::twice("safetensors, mapped", || {
                one(&|name| safe_tensors::one(&self.safe, name))
            })
            .checks("structure"),
            Case::twice("LMDB (heed)", || {
                one(&|name| lmdb::one(&self.mdb, name, of_bytes))
            }),
            Case::twice("redb", || {
                one(&|name| redb_file::one(&self.redb, name, of_bytes))
            }),
            Case::twice("rkyv, mapped, checked", || {
                one(&|name| plain::one(plain::checked(&map(&self.rkyv)), name))
            })
            .checks("structure"),
            Case::twice("rkyv, mapped, unchecked", || {
                one(&|name| plain::one(plain::unchecked(&map(&self.rkyv)), name))
            }),
            Case::twice("Arrow IPC, mapped", || {
                one(&|name| arrow::number(&self.ipc, name))
            })
            .checks("structure"),
            Case::twice(OLD, || {
                one(&|name| plain::number(&plain::load_message_pack(&self.pack)[name]))
            })
            .checks("structure"),
            Case::twice("floor: `pread` at a known place", || {
                one(&|name| {
                    let n: usize = name[11..].parse().expect("a number");
                    let file = std::fs::File::open(&self.flat).expect("a file");
                    let mut out = [0; 8];
                    file.read_exact_at(&mut out, (n * BYTES + 17) as u64)
                        .expect("a read");
                    f64::from_le_bytes(out)
                })
            }),
        ]);
        let cases = cases.into_iter().map(|case| case.includes("open, find"));
        let title = format!("open + one of {} numbers", grouped(count));
        let table = plan.table(title, 30.0, cases.collect());
        report.table(&table);
        report.chart(Chart::bars("open-scalars", &table));
        let ours = table.quickest(|label| label == ach::MAPPED.label || label == ach::READ.label);
        let label = ours.label.clone();
        within("open W3 + one number", &label, 10e-3, &table, report);
    }

    /// Names in files that are open.
    fn query(&self, plan: &Plan<'_>, report: &mut Report) {
        let count = self.count;
        let archive = (ach::MAPPED.open)(&self.ours);
        let read = (ach::READ.open)(&self.ours);
        let env = lmdb::open(&self.mdb);
        let names = lmdb::names(&env);
        let reading = env.read_txn().expect("a transaction");
        let database = redb_file::open(&self.redb);
        let table = redb_file::table(&database);
        let rkyv = map(&self.rkyv);
        let rkyv = plain::checked(&rkyv);
        let ipc = arrow::open(&self.ipc).batch(0);
        let (ipc_names, ipc_numbers) = (
            ipc.column(0).as_string::<i32>(),
            ipc.column(1).as_primitive::<Float64Type>(),
        );
        let memory: std::collections::BTreeMap<String, f64> =
            (0..count).map(|n| (name(n), number(n))).collect();
        let of_bytes = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().expect("8 bytes"));
        let asked: Vec<(String, f64)> = (0..10_000)
            .map(|n| n * 7919 % count)
            .map(|n| (name(n), number(n)))
            .collect();
        let point = |find: &dyn Fn(&str) -> f64| {
            batch(asked.len(), |n| {
                let (name, number) = &asked[n];
                assert_eq!(find(name), *number);
            })
        };
        let cases = vec![
            Case::new("ach, mapped", || point(&|name| ach::number(&archive, name)))
                .checks("checked at open"),
            Case::new("ach, read", || point(&|name| ach::number(&read, name)))
                .checks("checked at open"),
            Case::new("LMDB (heed)", || {
                point(&|name| of_bytes(names.get(&reading, name).expect("a read").expect("it")))
            }),
            Case::new("redb", || {
                point(&|name| of_bytes(table.get(name).expect("a read").expect("it").value()))
            }),
            Case::new("rkyv, hash map", || point(&|name| plain::one(rkyv, name)))
                .checks("checked at open"),
            Case::new("Arrow IPC, sorted column", || {
                point(&|name| ipc_numbers.value(arrow::find(ipc_names, name)))
            })
            .checks("checked at open"),
            Case::new("floor: `BTreeMap` in memory", || {
                point(&|name| memory[name])
            }),
        ];
        let cases = cases.into_iter().map(|case| case.includes("find"));
        let title = format!("point query: any of 10,000 of {} names", grouped(count));
        report.table(&plan.table(title, 3.0, cases.collect()));

        // A thousand names begin alike.
        let prefixes: Vec<String> = (0..100)
            .map(|n| format!("session/var{:03}", n * 37 % (count / 1000)))
            .collect();
        let prefix = |add: &dyn Fn(&str) -> f64| {
            batch(prefixes.len(), |n| {
                let first: usize = prefixes[n][11..].parse().expect("a number");
                let expected = 1000.0 * (first as f64 * 1000.0 + 0.25) + 499_500.0;
                assert_eq!(add(&prefixes[n]), expected);
            })
        };
        let of_value = |value: Value| value.as_f64().expect("a number");
        let archived = |archive: &achronyme_env::Archive, prefix: &str| -> f64 {
            let found = archive.with_prefix(prefix);
            found
                .map(|binding| of_value(binding.value().expect("a value")))
                .sum()
        };
        let cases = vec![
            Case::new("ach, mapped", || prefix(&|name| archived(&archive, name)))
                .checks("checked at open"),
            Case::new("ach, read", || prefix(&|name| archived(&read, name)))
                .checks("checked at open"),
            Case::new("LMDB (heed)", || {
                prefix(&|name| {
                    let found = names.prefix_iter(&reading, name).expect("a read");
                    found.map(|found| of_bytes(found.expect("a read").1)).sum()
                })
            }),
            Case::new("redb", || {
                prefix(&|name| {
                    let end = format!("{name}~");
                    let found = table.range(name..end.as_str()).expect("a read");
                    found
                        .map(|found| of_bytes(found.expect("a read").1.value()))
                        .sum()
                })
            }),
            Case::new("Arrow IPC, sorted column", || {
                prefix(&|name| {
                    let first = arrow::find(ipc_names, &format!("{name}000"));
                    ipc_numbers.values()[first..first + 1000].iter().sum()
                })
            })
            .checks("checked at open"),
            Case::new("floor: `BTreeMap` in memory", || {
                prefix(&|name| {
                    let found = memory.range::<str, _>((Bound::Included(name), Bound::Unbounded));
                    let found = found.take_while(|(found, _)| found.starts_with(name));
                    found.map(|(_, number)| number).sum()
                })
            }),
        ];
        let cases = cases.into_iter().map(|case| case.includes("find, sum"));
        let title = format!(
            "prefix query: 1,000 of {} names and their numbers",
            grouped(count)
        );
        report.table(&plan.table(title, 3.0, cases.collect()));

        let expected = (count * (count - 1) / 2) as f64 + count as f64 * 0.25;
        let scan = |add: &dyn Fn() -> f64| seconds(|| assert_eq!(add(), expected));
        let scanned = |archive: &achronyme_env::Archive| -> f64 {
            let found = archive.bindings();
            found
                .map(|binding| {
                    let number = of_value(binding.value().expect("a value"));
                    number + (binding.name().len() - 17) as f64
                })
                .sum()
        };
        let cases = vec![
            Case::new("ach, mapped", || scan(&|| scanned(&archive))).checks("checked at open"),
            Case::new("ach, read", || scan(&|| scanned(&read))).checks("checked at open"),
            Case::new("LMDB (heed)", || {
                scan(&|| {
                    let found = names.iter(&reading).expect("a read");
                    found
                        .map(|found| {
                            let (name, bytes) = found.expect("a read");
                            of_bytes(bytes) + (name.len() - 17) as f64
                        })
                        .sum()
                })
            }),
            Case::new("redb", || {
                scan(&|| {
                    let found = table.range::<&str>(..).expect("a read");
                    found
                        .map(|found| {
                            let (name, bytes) = found.expect("a read");
                            of_bytes(bytes.value()) + (name.value().len() - 17) as f64
                        })
                        .sum()
                })
            }),
            Case::new("rkyv, hash map, not in order", || {
                scan(&|| {
                    rkyv.iter()
                        .map(|(name, value)| {
                            plain::archived_number(value) + (name.len() - 17) as f64
                        })
                        .sum()
                })
            })
            .checks("checked at open"),
            Case::new("Arrow IPC, sorted column", || {
                scan(&|| {
                    let pairs = ipc_names.iter().zip(ipc_numbers.values());
                    pairs
                        .map(|(name, number)| number + (name.map_or(0, str::len) - 17) as f64)
                        .sum()
                })
            })
            .checks("checked at open"),
            Case::new("floor: `BTreeMap` in memory", || {
                scan(&|| {
                    let pairs = memory.iter();
                    pairs
                        .map(|(name, number)| number + (name.len() - 17) as f64)
                        .sum()
                })
            }),
        ];
        let cases = cases.into_iter().map(|case| case.includes("walk, sum"));
        let title = format!("scan: all of {} names and numbers", grouped(count));
        report.table(&plan.table(title, 4.0, cases.collect()));
    }
}

/// A target of an absolute time, and ten times as fast as version 1.
fn within(operation: &str, ours: &str, most: f64, table: &Table, report: &mut Report) {
    let (ours, old) = (table.row(ours), table.row(OLD));
    let faster = table.ratio(old, ours);
    report.target(
        operation,
        format!("{} (best {})", time(ours.median()), time(ours.best())),
        format!("at most {}", time(most)),
        ours.median() <= most,
    );
    report.at_least(
        &format!("{operation}, beside version 1"),
        faster,
        10.0,
        "times as fast",
    );
}
