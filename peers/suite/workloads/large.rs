//! W2: 16 arrays of 64 MiB. Saving them in every way, opening and adding up one or all.

use achronyme_env::{Buffer, OpenOptions, SaveOptions};
use achronyme_env_peers::measure::{seconds, time};

use crate::Plan;
use crate::chart::Chart;
use crate::data::{Tensors, sum};
use crate::formats::{ach, arrow, floor, lmdb, npy, plain, safe_tensors};
use crate::mapping::{map, remove, sync};
use crate::report::Report;
use crate::turns::{Case, batch};

/// Numbers of an array.
const ELEMENTS: usize = 8 << 20;
const BYTES: usize = ELEMENTS * 8;

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    let count = plan.of(16, 2);
    let tensors = Tensors::new(count, ELEMENTS);
    report.section(
        "W2: large arrays",
        "16 arrays of 64 MiB, 1 GiB together, of different numbers. Each file is removed before it is written \
         again. The saves of `ach` sum every block (CRC-32) and digest every array; of the others npz alone \
         sums. \"Sealed\": SHA-256. redb is left out: its pages for such values have twice their size and \
         more, 4.3 GB for 1 GiB.",
    );
    saves(plan, &tensors, report);
    opens(plan, &tensors, report);
    whole(plan, &tensors, report);
    replacing(plan, &tensors, report);
}

fn saves(plan: &Plan<'_>, tensors: &Tensors, report: &mut Report) {
    let path = plan.file("saved");
    // Removing the old file is not timed.
    let anew = |save: &dyn Fn()| {
        let taken = seconds(save);
        remove([&path]);
        taken
    };
    let pairs = || {
        let pairs = tensors.names.iter().zip(&tensors.data);
        pairs.map(|(name, bytes)| (name.as_str(), &bytes[..]))
    };
    let save = |options: SaveOptions| {
        let (path, anew) = (&path, &anew);
        move || anew(&|| ach::save_tensors(path, tensors, &options))
    };
    let options = SaveOptions::new;
    let batches = arrow::large(tensors);
    let environment = plain::tensors(tensors);
    let cases = vec![
        Case::twice("ach", save(options().durable(false))).checks(ach::SUMS),
        Case::twice("ach, sealed", save(options().durable(false).seal(true))).checks(ach::SEALED),
        Case::twice("safetensors", || {
            anew(&|| safe_tensors::save(&path, tensors))
        }),
        Case::twice("LMDB (heed)", || {
            anew(&|| lmdb::save(&path, tensors.bytes(), false, pairs()))
        }),
        Case::twice("rkyv, streamed", || {
            anew(&|| plain::save_rkyv(&path, &environment))
        }),
        Case::twice("npy, a file each", || {
            anew(&|| npy::save_dir(&path, tensors))
        }),
        Case::twice("npz", || anew(&|| npy::save_npz(&path, tensors))).checks("CRC-32"),
        Case::twice("Arrow IPC", || anew(&|| arrow::save(&path, &batches))),
        Case::twice("floor: `write`", || anew(&|| floor::write(&path, tensors))),
        Case::twice("floor: reserve, `write`", || {
            anew(&|| floor::write_reserved(&path, tensors))
        }),
    ];
    let cases = cases.into_iter().map(|case| case.includes("save"));
    let title = format!("save {} arrays of 64 MiB, page cache", tensors.names.len());
    let table = plan.table(title, 90.0, cases.collect());
    let table = table.bytes(tensors.bytes());
    drop((batches, environment));
    report.table(&table);
    report.chart(Chart::bars("save-large", &table));
    for (label, least) in [("ach", 0.95), ("ach, sealed", 0.4)] {
        let found = table.ratio(table.floor(), table.row(label));
        let operation = format!("save W2, {label}, throughput");
        report.at_least(&operation, found, least, "of a reserved `write`");
    }

    let cases = vec![
        Case::twice("ach, durable", save(options())).checks(ach::SUMS),
        Case::twice("LMDB (heed)", || {
            anew(&|| lmdb::save(&path, tensors.bytes(), true, pairs()))
        }),
        Case::twice("floor: reserve, `write`, `fdatasync`", || {
            anew(&|| {
                floor::write_reserved(&path, tensors);
                sync(&path);
            })
        }),
        Case::twice("floor: `write`, `fdatasync`", || {
            anew(&|| {
                floor::write(&path, tensors);
                sync(&path);
            })
        }),
    ];
    let cases = cases.into_iter().map(|case| case.includes("save, sync"));
    let title = format!("the same {} MiB, on the disk", tensors.bytes() >> 20);
    let table = plan.table(title, 40.0, cases.collect());
    let table = table.bytes(tensors.bytes());
    report.table(&table);
    let found = table.ratio(table.floor(), table.row("ach, durable"));
    let operation = "save W2, durable, throughput";
    report.at_least(operation, found, 0.9, "of `write`, `fdatasync`");
}

/// A case that takes another array each time, and compares what it adds up to.
fn one<'c>(
    label: &'static str,
    checks: &'static str,
    sums: &'c [f64],
    find: impl Fn(usize) -> f64 + 'c,
) -> Case<'c> {
    let mut turn = 0;
    let case = Case::twice(label, move || {
        turn = (turn + 1) % sums.len();
        seconds(|| assert_eq!(find(turn), sums[turn]))
    });
    case.includes("open, find, sum").checks(checks)
}

/// Opening and adding up one. The files that are compared stand on the disk in two groups, so that they do
/// not take too much of it.
fn opens(plan: &Plan<'_>, tensors: &Tensors, report: &mut Report) {
    let [ours, flat, a, b, c] = ["ours", "flat", "a", "b", "c"].map(|name| plan.file(name));
    ach::save_tensors(&ours, tensors, &ach::options());
    floor::write(&flat, tensors);
    let sums: Vec<f64> = tensors.data.iter().map(|bytes| sum(bytes)).collect();
    let sums = &sums[..];
    let name = |n: usize| tensors.names[n].as_str();
    let ways = || {
        ach::ways().map(|way| {
            let ours = &ours;
            one(way.label, way.checks, sums, move |n| {
                ach::tensor(&(way.open)(ours), name(n))
            })
        })
    };
    let floors = || {
        let flat = &flat;
        let mut buffer = vec![0; BYTES];
        let read = move |n: usize, out: &mut [u8]| floor::read(flat, n * BYTES, out);
        let mut turn = 0;
        let again = Case::twice("floor: `pread` into memory in use", move || {
            turn = (turn + 1) % sums.len();
            seconds(|| assert_eq!(read(turn, &mut buffer), sums[turn]))
        });
        [
            one(
                "floor: `pread` into fresh memory",
                "nothing",
                sums,
                move |n| read(n, &mut vec![0; BYTES]),
            ),
            again.includes("open, find, sum"),
            one("floor: map", "nothing", sums, move |n| {
                floor::mapped(flat, n * BYTES, BYTES)
            }),
        ]
    };

    safe_tensors::save(&a, tensors);
    let environment = plain::tensors(tensors);
    plain::save_rkyv(&b, &environment);
    drop(environment);
    arrow::save(&c, &arrow::large(tensors));
    let mut cases: Vec<Case<'_>> = ways().collect();
    cases.extend([
        one("safetensors, mapped", "structure", sums, |n| {
            safe_tensors::one(&a, name(n))
        }),
        one("rkyv, mapped, checked", "structure", sums, |n| {
            plain::one(plain::checked(&map(&b)), name(n))
        }),
        one("rkyv, mapped, unchecked", "nothing", sums, |n| {
            plain::one(plain::unchecked(&map(&b)), name(n))
        }),
        one("Arrow IPC, mapped", "structure", sums, |n| {
            arrow::one_of_large(&c, name(n))
        }),
    ]);
    cases.extend(floors());
    let title = format!(
        "open + sum of one of {} arrays of 64 MiB",
        tensors.names.len()
    );
    let table = plan.table(&title, 12.0, cases).bytes(BYTES);
    report.table(&table);
    report.chart(Chart::bars("open-large", &table));
    for (way, most) in [(ach::UNCHECKED, 1.05), (ach::MAPPED, 1.6)] {
        let found = table.ratio(table.row(way.label), table.floor());
        let operation = format!("open + sum of 64 MiB, {}", way.label);
        report.at_most(&operation, found, most, "the floor");
    }
    remove([&a, &b, &c]);

    lmdb::save(
        &a,
        tensors.bytes(),
        false,
        tensors
            .names
            .iter()
            .zip(&tensors.data)
            .map(|(name, bytes)| (name.as_str(), &bytes[..])),
    );
    npy::save_dir(&b, tensors);
    npy::save_npz(&c, tensors);
    let mut cases: Vec<Case<'_>> = ways().take(2).collect();
    cases.extend([
        one("LMDB (heed)", "nothing", sums, |n| {
            lmdb::one(&a, name(n), sum)
        }),
        one("npy, mapped", "nothing", sums, |n| {
            npy::one_of_dir(&b, name(n))
        }),
        one("npz", "what is read", sums, |n| {
            npy::one_of_npz(&c, name(n))
        }),
    ]);
    cases.extend(floors());
    let table = plan.table(format!("{title}, other peers"), 12.0, cases);
    report.table(&table.bytes(BYTES));
    remove([&a, &b, &c]);

    let archive = (ach::MAPPED.open)(&ours);
    let tensor = archive.tensor(name(0)).expect("a tensor");
    assert_eq!(ach::elements(&tensor), sums[0]);
    let slice = || {
        batch(100_000, |_| {
            tensor.as_slice::<f64>().expect("numbers").len()
        })
    };
    let found = plan.table("an array to `&[f64]`", 1.0, vec![Case::new("ach", slice)]);
    let median = found.floor().median();
    report.text(&format!(
        "An array that is checked already to `&[f64]`: {} (best {}).\n",
        time(median),
        time(found.floor().best())
    ));
    report.target(
        "array to `&[T]`, checked already",
        time(median),
        "under 50 ns".to_owned(),
        median < 50e-9,
    );
    drop((tensor, archive));
    remove([&ours, &flat]);
}

/// All of it: on a map, and loaded into memory.
fn whole(plan: &Plan<'_>, tensors: &Tensors, report: &mut Report) {
    let [ours, flat] = ["ours", "flat"].map(|name| plan.file(name));
    ach::save_tensors(&ours, tensors, &ach::options());
    floor::write(&flat, tensors);
    let expected: f64 = tensors.data.iter().map(|bytes| sum(bytes)).sum();
    let all = |archive: &achronyme_env::Archive| {
        let names = tensors.names.iter();
        let found: f64 = names.map(|name| ach::tensor(archive, name)).sum();
        assert_eq!(found, expected);
    };
    let bytes = |bytes: &[u8]| -> f64 { bytes.chunks(BYTES).map(sum).sum() };
    let mut cases: Vec<Case<'_>> = ach::ways()
        .map(|way| {
            let (ours, all) = (&ours, &all);
            Case::twice(way.label, move || seconds(|| all(&(way.open)(ours)))).checks(way.checks)
        })
        .collect();
    cases.extend([
        Case::twice("ach, the file in memory", || {
            seconds(|| {
                let mut file = std::fs::File::open(&ours).expect("a file");
                let len = file.metadata().expect("a file").len();
                let mut buffer = Buffer::zeroed(len).expect("memory");
                std::io::Read::read_exact(&mut file, buffer.as_bytes_mut()).expect("a read");
                all(&OpenOptions::new().from_buffer(buffer).expect("an archive"));
            })
        })
        .checks(ach::MAPPED.checks),
        Case::twice("floor: `read` into memory", || {
            seconds(|| {
                let read = std::fs::read(&flat).expect("a file");
                assert_eq!(bytes(&read), expected);
            })
        }),
        Case::twice("floor: map", || {
            seconds(|| assert_eq!(bytes(&map(&flat)), expected))
        }),
    ]);
    let cases = cases.into_iter().map(|case| case.includes("open, sum"));
    let title = format!(
        "mapped against in memory: open + sum of all {} arrays of 64 MiB",
        tensors.names.len()
    );
    let table = plan.table(title, 30.0, cases.collect());
    report.table(&table.bytes(tensors.bytes()));
    remove([&ours, &flat]);
}

/// Saving over an archive that is there.
fn replacing(plan: &Plan<'_>, tensors: &Tensors, report: &mut Report) {
    let half = Tensors {
        names: tensors.names[..tensors.names.len() / 2].to_vec(),
        data: tensors.data[..tensors.names.len() / 2].to_vec(),
        elements: ELEMENTS,
    };
    let [ours, plain, reserved] = ["ours", "plain", "reserved"].map(|name| plan.file(name));
    let temporary = plan.file("temporary");
    let replace = |path: &std::path::Path, write: fn(&std::path::Path, &Tensors)| {
        seconds(|| {
            write(&temporary, &half);
            std::fs::rename(&temporary, path).expect("a rename");
        })
    };
    let cases = vec![
        Case::twice("ach", || {
            seconds(|| ach::save_tensors(&ours, &half, &ach::options()))
        })
        .checks(ach::SUMS),
        Case::twice("floor: reserve, `write`, rename", || {
            replace(&reserved, floor::write_reserved)
        }),
        Case::twice("floor: `write`, rename", || replace(&plain, floor::write)),
    ];
    let cases = cases.into_iter().map(|case| case.includes("save over"));
    let title = format!("replace a file of {} MiB, not synced", half.bytes() >> 20);
    let table = plan.table(title, 20.0, cases.collect());
    let table = table.bytes(half.bytes());
    report.table(&table);
    let found = table.ratio(table.row("ach"), table.floor());
    let operation = "replacing an archive of 512 MiB";
    report.at_most(operation, found, 0.8, "`write` + rename");
    remove([&ours, &plain, &reserved]);
}
