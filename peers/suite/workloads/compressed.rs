//! Compressed archives: on one processor and on two, a slice of a large array, and what compression costs
//! by kind of numbers.

use std::path::Path;

use achronyme_env::{Archive, SaveOptions};
use achronyme_env_peers::measure::{seconds, time};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::slices::{ROW, row};
use crate::Plan;
use crate::data::{Tensors, sum};
use crate::formats::{ach, floor, plain};
use crate::mapping::{map, remove};
use crate::report::Report;
use crate::turns::{Case, prepared};

/// Numbers of an array of 64 MiB.
const ELEMENTS: usize = 8 << 20;

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    report.section(
        "Compressed",
        "zstd level 1, bytes shuffled where a sample says that it helps. On one processor: the program is kept \
         from the other. Loading unpacks every array into memory of its own, all names asked for together \
         (`get_many`).",
    );
    processors(plan, report);
    slice(plan, report);
    kinds(plan, report);
}

fn cold() -> SaveOptions {
    ach::options().compress(true).compression_level(1)
}

/// Numbers as they are measured: smooth.
fn smooth(tensor: usize, n: usize) -> f64 {
    ((n + tensor * 1000) as f64 * 0.001).sin()
}

/// 64 bits that follow no pattern (the finalizer of SplitMix64).
fn hash(tensor: usize, n: usize) -> u64 {
    let bits = (n + (tensor << 32)) as u64;
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// Runs something, and the threads it starts, on the first processor that may be used.
fn on_one<T>(work: impl FnOnce() -> T) -> T {
    let all = sched_getaffinity(None).expect("processors");
    let mut first = CpuSet::new();
    let usable = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu));
    first.set(usable.expect("a processor"));
    sched_setaffinity(None, &first).expect("a processor");
    let made = work();
    sched_setaffinity(None, &all).expect("processors");
    made
}

/// Unpacks all, and touches a number of every page.
fn load(archive: &Archive, names: &[String]) -> f64 {
    let values = archive.get_many(names).expect("arrays");
    let touched = values.iter().map(|value| {
        let tensor = value.as_tensor().expect("a tensor");
        let numbers: &[f64] = tensor.as_slice().expect("numbers");
        numbers.iter().step_by(512).sum::<f64>()
    });
    touched.sum()
}

fn processors(plan: &Plan<'_>, report: &mut Report) {
    let tensors = Tensors::from_fn(plan.of(8, 2), ELEMENTS, smooth);
    let (path, flat) = (plan.file("cold"), plan.file("flat"));
    let save = || ach::save_tensors(&path, &tensors, &cold());
    let cases = vec![
        Case::twice("ach, two processors", || seconds(save)).checks(ach::SUMS),
        Case::twice("ach, one", || on_one(|| seconds(save))).checks(ach::SUMS),
        Case::twice(
            "zstd level 1 by 256 KiB, not shuffled, not written, one",
            || {
                seconds(|| {
                    let mut packer = zstd::bulk::Compressor::new(1).expect("zstd");
                    let blocks = tensors
                        .data
                        .iter()
                        .flat_map(|bytes| bytes.chunks(256 << 10));
                    let lengths =
                        blocks.map(|block| packer.compress(block).expect("a block").len());
                    lengths.sum::<usize>()
                })
            },
        ),
        Case::twice("floor: reserve, `write`, not compressed", || {
            seconds(|| floor::write_reserved(&flat, &tensors))
        }),
    ];
    let mib = tensors.bytes() >> 20;
    let cases = cases.into_iter().map(|case| case.includes("save"));
    let table = plan.table(format!("save {mib} MiB, compressed"), 25.0, cases.collect());
    let table = table.bytes(tensors.bytes());
    report.table(&table);
    let both = |label| format!("cold {label}, two processors over one");
    let found = table.ratio(table.row("ach, one"), table.row("ach, two processors"));
    report.at_least(&both("save"), found, 1.7, "times as fast");

    let expected: f64 = tensors
        .iter()
        .map(|(_, numbers)| numbers.iter().step_by(512).sum::<f64>())
        .sum();
    let load = |open: fn(&Path) -> Archive| {
        seconds(|| assert_eq!(load(&open(&path), &tensors.names), expected))
    };
    let cases = vec![
        Case::twice("ach, mapped, two processors", || load(ach::MAPPED.open)).checks("all"),
        Case::twice("ach, mapped, one", || on_one(|| load(ach::MAPPED.open))).checks("all"),
        Case::twice("ach, read, two processors", || load(ach::READ.open)).checks("all"),
        Case::twice("floor: `read` into memory, not compressed", || {
            seconds(|| std::fs::read(&flat).expect("a file"))
        }),
    ];
    let cases = cases.into_iter().map(|case| case.includes("open, load"));
    let table = plan.table(format!("load {mib} MiB, compressed"), 20.0, cases.collect());
    let table = table.bytes(tensors.bytes());
    report.table(&table);
    let found = table.ratio(
        table.row("ach, mapped, one"),
        table.row("ach, mapped, two processors"),
    );
    report.at_least(&both("load"), found, 1.7, "times as fast");
    remove([&path, &flat]);
}

fn slice(plan: &Plan<'_>, report: &mut Report) {
    let rows = plan.of(1 << 17, 1 << 13);
    let matrix = Tensors::from_fn(1, rows * ROW, smooth);
    let (path, flat) = (plan.file("cold"), plan.file("flat"));
    super::slices::save(&path, &matrix, &cold());
    floor::write(&flat, &matrix);
    let name = matrix.names[0].as_str();
    let at = |turn: usize| (turn + 1) * 7919 % rows;
    let expected = |turn: usize| sum(&matrix.data[0][at(turn) * ROW * 8..][..ROW * 8]);
    let mut cases = Vec::new();
    for way in [ach::MAPPED, ach::READ] {
        let path = &path;
        let whole = Case::new(way.label, move || {
            prepared(
                16,
                |_| (),
                |turn, ()| {
                    let tensor = (way.open)(path).tensor(name).expect("a tensor");
                    assert_eq!(ach::elements(&row(&tensor, at(turn))), expected(turn));
                },
            )
        });
        cases.push(whole.checks(way.checks));
    }
    cases.push(Case::new("floor: map, not compressed", || {
        prepared(
            16,
            |_| (),
            |turn, ()| {
                let found = sum(&map(&flat)[at(turn) * ROW * 8..][..ROW * 8]);
                assert_eq!(found, expected(turn));
            },
        )
    }));
    let cases = cases
        .into_iter()
        .map(|case| case.includes("open, find, sum"));
    let title = format!(
        "8 KiB of a compressed array of {} MiB",
        matrix.bytes() >> 20
    );
    let table = plan.table(title, 3.0, cases.collect());
    report.table(&table);
    let median = table.row(ach::MAPPED.label).median();
    report.target(
        "8 KiB of a cold array of 1 GiB, open included",
        time(median),
        "under 2 ms".to_owned(),
        median < 2e-3,
    );
    remove([&path, &flat]);
}

/// A kind of numbers: its name, and each number of each array.
type Kind = (&'static str, fn(usize, usize) -> f64);

/// A way to save, and to load from the same file.
type Both<'w> = (&'static str, &'w dyn Fn(), &'w dyn Fn(&Path));

fn kinds(plan: &Plan<'_>, report: &mut Report) {
    report.text(
        "What compression costs: two arrays of 64 MiB of each kind, not compressed (`ach`), compressed (`ach`), \
         and in the shape of version 1. Stored: bytes in the file to bytes in memory; loading unpacks \
         everything, or maps it, and adds it up.\n",
    );
    let mut text = String::from("| numbers | as | stored | save | load |\n|---|---|---|---|---|\n");
    let kinds: [Kind; 3] = [
        ("smooth: sin(0.001 n)", smooth),
        ("integers below 1000", |tensor, n| {
            (hash(tensor, n) >> 32) as f64 % 1000.0
        }),
        ("random between 1 and 2", |tensor, n| {
            f64::from_bits(hash(tensor, n) >> 12 | 1f64.to_bits())
        }),
    ];
    let path = plan.file("kind");
    for (kind, number) in kinds {
        let tensors = Tensors::from_fn(plan.of(2, 1), plan.of(ELEMENTS, 1 << 17), number);
        let environment = plain::tensors(&tensors);
        let expected: f64 = tensors.data.iter().map(|bytes| sum(bytes)).sum();
        let load = |path: &Path| {
            let archive = (ach::MAPPED.open)(path);
            let values = archive.get_many(&tensors.names).expect("arrays");
            let sums = values
                .iter()
                .map(|value| ach::elements(value.as_tensor().expect("a tensor")));
            assert_eq!(sums.sum::<f64>(), expected);
        };
        let load_old = |path: &Path| {
            let all = plain::load_message_pack(path);
            let sums = tensors.names.iter().map(|name| plain::number(&all[name]));
            assert_eq!(sums.sum::<f64>(), expected);
        };
        let ways: [Both<'_>; 3] = [
            (
                "`ach`",
                &|| ach::save_tensors(&path, &tensors, &ach::options()),
                &load,
            ),
            (
                "`ach`, compressed",
                &|| ach::save_tensors(&path, &tensors, &cold()),
                &load,
            ),
            (
                "MessagePack + zstd",
                &|| plain::save_message_pack(&path, &environment),
                &load_old,
            ),
        ];
        for (label, save, load) in ways {
            let saved = Case::twice("save", || seconds(save));
            let loaded = Case::twice("load", || seconds(|| load(&path)));
            let table = plan.table(format!("{kind}, {label}"), 3.0, vec![saved, loaded]);
            let stored = std::fs::metadata(&path).expect("a file").len() as f64;
            let rate =
                |row: &str| tensors.bytes() as f64 / f64::from(1 << 30) / table.row(row).median();
            text += &format!(
                "| {kind} | {label} | {:.2} | {:.2} GiB/s | {:.2} GiB/s |\n",
                stored / tensors.bytes() as f64,
                rate("save"),
                rate("load")
            );
            remove([&path]);
        }
    }
    report.text(&text);
}
