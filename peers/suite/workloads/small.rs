//! W1: 10 to 100,000 arrays of 512 bytes. Saving them; opening and adding up one.

use achronyme_env_peers::measure::{seconds, time};

use crate::Plan;
use crate::chart::Chart;
use crate::data::{Tensors, grouped, sum};
use crate::formats::{ach, arrow, floor, lmdb, npy, plain, redb_file, safe_tensors};
use crate::mapping::{map, remove};
use crate::report::Report;
use crate::turns::{Case, Table, each};

/// Above this many, a directory of files is left out: it is the file system that would be measured.
const FILES: usize = 1_000;

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    report.section(
        "W1: small arrays",
        "Variables of 512 bytes (64 numbers). Names are found, the array is added up. Opening is timed each \
         time; the variable is another one each time. Saves are not synced. LMDB is opened without \
         its table of readers, MessagePack with zstd is the shape of version 1. \"Floor\": the bytes at \
         a known place of a plain file.",
    );
    let (mut saves, mut opens) = (Vec::new(), Vec::new());
    for count in plan.of(&[10, 1_000, 10_000, 100_000][..], &[10, 1_000]) {
        let (save, open) = one_size(plan, *count);
        report.table(&save);
        report.table(&open);
        saves.push((*count, save));
        opens.push((*count, open));
    }
    for (count, open) in &opens {
        targets(*count, open, report);
    }
    let title = "Open and add up one of so many arrays of 512 bytes";
    report.chart(Chart::lines("open-small", title, "variables", &opens));
    let title = "Save so many arrays of 512 bytes, not synced";
    report.chart(Chart::lines("save-small", title, "variables", &saves));
}

fn one_size(plan: &Plan<'_>, count: usize) -> (Table, Table) {
    let tensors = Tensors::new(count, 64);
    let sums: Vec<f64> = tensors.data.iter().map(|bytes| sum(bytes)).collect();
    let environment = plain::tensors(&tensors);
    let table = [arrow::many(&tensors)];
    let pairs = || {
        let pairs = tensors.names.iter().zip(&tensors.data);
        pairs.map(|(name, bytes)| (name.as_str(), &bytes[..]))
    };
    let file = |name: &str| plan.file(name);
    let [ours, safe, mdb, redb] = ["a.ach", "a.safetensors", "a.mdb", "a.redb"].map(file);
    let [rkyv, pack, ipc, npz, dir, flat] =
        ["a.rkyv", "a.msgpack", "a.arrow", "a.npz", "npy", "flat"].map(file);
    let has_dir = count <= FILES;

    let mut cases = vec![
        Case::twice("ach", || {
            seconds(|| ach::save_tensors(&ours, &tensors, &ach::options()))
        })
        .checks(ach::SUMS),
        Case::twice("safetensors", || {
            seconds(|| safe_tensors::save(&safe, &tensors))
        }),
        Case::twice("LMDB (heed)", || {
            seconds(|| lmdb::save(&mdb, tensors.bytes(), false, pairs()))
        }),
        Case::twice("redb", || {
            seconds(|| redb_file::save(&redb, false, pairs()))
        }),
        Case::twice("rkyv", || seconds(|| plain::save_rkyv(&rkyv, &environment))),
        Case::twice("npz", || seconds(|| npy::save_npz(&npz, &tensors))).checks("CRC-32"),
        Case::twice("Arrow IPC", || seconds(|| arrow::save(&ipc, &table))),
        Case::twice("MessagePack + zstd", || {
            seconds(|| plain::save_message_pack(&pack, &environment))
        }),
    ];
    if has_dir {
        let case = Case::twice("npy, a file each", || {
            seconds(|| npy::save_dir(&dir, &tensors))
        });
        cases.push(case);
    }
    cases.push(Case::twice("floor: `write`", || {
        seconds(|| floor::write(&flat, &tensors))
    }));
    let cases = cases.into_iter().map(|case| case.includes("save"));
    let title = format!("save {} arrays of 512 B", grouped(count));
    let save = plan.table(title, 6.0, cases.collect());

    // Any of them, each time another one; what was found is compared.
    let at = |turn: usize| (turn * 7919 + count / 2) % count;
    let same = |turn: usize, found: f64| assert_eq!(found, sums[at(turn)]);
    let name = |turn: usize| tensors.names[at(turn)].as_str();
    let mut cases = Vec::new();
    for way in ach::ways() {
        let ours = &ours;
        let case = Case::new(way.label, move || {
            each(|turn| same(turn, ach::tensor(&(way.open)(ours), name(turn))))
        });
        cases.push(case.checks(way.checks));
    }
    cases.extend([
        Case::new("safetensors, mapped", || {
            each(|turn| same(turn, safe_tensors::one(&safe, name(turn))))
        })
        .checks("structure"),
        Case::new("LMDB (heed)", || {
            each(|turn| same(turn, lmdb::one(&mdb, name(turn), sum)))
        }),
        Case::new("redb", || {
            each(|turn| same(turn, redb_file::one(&redb, name(turn), sum)))
        }),
        Case::new("rkyv, mapped, checked", || {
            each(|turn| same(turn, plain::one(plain::checked(&map(&rkyv)), name(turn))))
        })
        .checks("structure"),
        Case::new("rkyv, mapped, unchecked", || {
            each(|turn| same(turn, plain::one(plain::unchecked(&map(&rkyv)), name(turn))))
        }),
        Case::new("npz", || {
            each(|turn| same(turn, npy::one_of_npz(&npz, name(turn))))
        })
        .checks("what is read"),
        Case::new("Arrow IPC, mapped", || {
            each(|turn| same(turn, arrow::one_of_many(&ipc, name(turn))))
        })
        .checks("structure"),
        Case::new("MessagePack + zstd", || {
            each(|turn| {
                let all = plain::load_message_pack(&pack);
                same(turn, plain::number(&all[name(turn)]));
            })
        })
        .checks("structure"),
    ]);
    if has_dir {
        cases.push(Case::new("npy, mapped", || {
            each(|turn| same(turn, npy::one_of_dir(&dir, name(turn))))
        }));
    }
    let mut out = [0; 512];
    cases.push(Case::new("floor: map, at a known place", || {
        each(|turn| same(turn, floor::mapped(&flat, at(turn) * 512, 512)))
    }));
    cases.push(Case::new("floor: `pread`", || {
        each(|turn| same(turn, floor::read(&flat, at(turn) * 512, &mut out)))
    }));
    let cases = cases
        .into_iter()
        .map(|case| case.includes("open, find, sum"));
    let title = format!("open + one of {} arrays of 512 B", grouped(count));
    let open = plan.table(title, 8.0, cases.collect());
    remove([
        &ours, &safe, &mdb, &redb, &rkyv, &pack, &ipc, &npz, &dir, &flat,
    ]);
    (save, open)
}

fn is_ours(label: &str) -> bool {
    label.starts_with("ach") && !label.contains("lazy")
}

fn targets(count: usize, open: &Table, report: &mut Report) {
    let operation = format!(
        "open + one of {} arrays of 512 B, the table checked",
        grouped(count)
    );
    // What leaves its data unchecked is allowed to be as quick as it can.
    let ours = open.quickest(|label| is_ours(label) && !label.contains("Never"));
    let rival = match count {
        ..=1_000 => open.quickest(|label| !label.starts_with("ach") && !label.starts_with("floor")),
        _ => open.row("rkyv, mapped, checked"),
    };
    let found = open.ratio(ours, rival);
    report.target(
        &operation,
        format!(
            "{} ({}) is {} of {} ({})",
            time(ours.median()),
            ours.label,
            found,
            time(rival.median()),
            rival.label
        ),
        match count {
            ..=1_000 => "as fast as every peer".to_owned(),
            _ => "no slower than rkyv, checked".to_owned(),
        },
        found.median <= 1.0,
    );
    for way in ach::LAZY {
        let fastest =
            open.quickest(|label| !label.starts_with("ach") && !label.starts_with("floor"));
        let found = open.ratio(open.row(way.label), fastest);
        let operation = format!("the same, {}", way.label);
        report.at_most(&operation, found, 1.5, &fastest.label);
    }
}
