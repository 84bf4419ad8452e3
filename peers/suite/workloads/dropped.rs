//! Files of which the page cache holds nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;

use achronyme_env::{Archive, Tensor};
use achronyme_env_peers::measure::seconds;

use super::slices::{ROW, matrix, save};
use crate::Plan;
use crate::data::sum;
use crate::formats::{ach, floor};
use crate::mapping::{drop_cache, remove, sync};
use crate::report::Report;
use crate::turns::{Case, number, prepared};

/// Bytes that are compared with one sum.
const BLOCK: usize = 64 << 10;

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    let rows = plan.of(1 << 17, 1 << 14);
    let matrix = matrix(rows);
    report.section(
        "Page cache dropped",
        "An archive of one array of 1 GiB that is open, and nothing of the file in the page cache \
         (`posix_fadvise` after a sync). One element: anywhere, its block of 64 KiB is compared with its \
         sum; first: nothing else was looked at before; later: one was, far away, so that the list of sums is \
         known. The disk is virtual: its host may still hold what it reads.",
    );
    let (ours, flat) = (plan.file("ours"), plan.file("flat"));
    save(&ours, &matrix, &ach::options());
    floor::write(&flat, &matrix);
    sync(&ours);
    sync(&flat);
    let [ours_file, flat_file] = [&ours, &flat].map(|path| File::open(path).expect("a file"));
    let name = matrix.names[0].as_str();
    let numbers = bytemuck::cast_slice::<u8, f64>(&matrix.data[0]);
    // Places far from each other, none of them twice.
    let turn = std::cell::Cell::new(0usize);
    let next = || {
        turn.set(turn.get() + 1);
        turn.get() * 7919 % rows * ROW + turn.get() % ROW
    };
    let element = |tensor: &Tensor, at: usize| {
        let row = super::slices::row(tensor, at / ROW);
        let slice = achronyme_env::Slice::new([achronyme_env::Axis::Index((at % ROW) as i64)]);
        let one = row.slice(&slice).expect("an element");
        assert_eq!(one.as_slice::<f64>().expect("a number")[0], numbers[at]);
    };
    let element = &element;
    let open = |archive: &Archive| archive.tensor(name).expect("a tensor");
    let (ours_file, flat_file) = (&ours_file, &flat_file);
    let next = &next;

    let mut block = vec![0; BLOCK];
    let mut cases = Vec::new();
    for (way, looked, label) in [
        (ach::MAPPED, false, "ach, mapped, first"),
        (ach::READ, false, "ach, read, first"),
        (ach::MAPPED, true, "ach, mapped, later"),
        (ach::READ, true, "ach, read, later"),
    ] {
        let (ours, open) = (&ours, &open);
        let prepare = move |_| {
            drop_cache(ours_file);
            let tensor = open(&(way.open)(ours));
            if looked {
                element(&tensor, next());
            }
            drop_cache(ours_file);
            tensor
        };
        let case = Case::new(label, move || {
            prepared(8, prepare, |_, tensor| element(tensor, next()))
        });
        cases.push(case.checks("its block"));
    }
    cases.push(Case::new("floor: `pread` of its block", || {
        prepared(
            8,
            |_| drop_cache(flat_file),
            |_, ()| {
                let at = next() * 8;
                let start = at / BLOCK * BLOCK;
                flat_file
                    .read_exact_at(&mut block, start as u64)
                    .expect("a read");
                assert_eq!(&block[at - start..][..8], &matrix.data[0][at..][..8]);
            },
        )
    }));
    let cases = cases.into_iter().map(|case| case.includes("find"));
    let title = "one element of 1 GiB, page cache dropped";
    let table = plan.table(title, 8.0, cases.collect());
    report.table(&table);
    for label in ["ach, mapped, first", "ach, mapped, later"] {
        let found = table.ratio(table.row(label), table.floor());
        let operation = format!("page cache dropped, one element, {label}");
        report.at_most(&operation, found, 1.5, "a `pread` of its block");
    }

    let expected = sum(&matrix.data[0]);
    let near = |found: f64| assert!((found - expected).abs() < expected * 1e-9);
    let near = &near;
    let mut piece = vec![0; 1 << 20];
    let mut cases = Vec::new();
    for (way, label) in [
        (ach::MAPPED, "ach, mapped, as one slice"),
        (ach::UNCHECKED, "ach, mapped, `Check::Never`"),
    ] {
        let (ours, open) = (&ours, &open);
        cases.push(Case::new(label, move || {
            let tensor = open(&(way.open)(ours));
            drop_cache(ours_file);
            seconds(|| near(ach::elements(&tensor)))
        }));
    }
    for (way, label) in [
        (ach::MAPPED, "ach, mapped, in blocks"),
        (ach::READ, "ach, read, in blocks"),
    ] {
        let (ours, open) = (&ours, &open);
        let case = Case::new(label, move || {
            let tensor = open(&(way.open)(ours));
            drop_cache(ours_file);
            seconds(|| {
                let mut blocks = tensor.blocks::<f64>(1 << 20).expect("blocks");
                let mut total = 0.0;
                while let Some((_, numbers)) = blocks.next_block().expect("a block") {
                    total += sum(bytemuck::cast_slice(numbers));
                }
                near(total);
            })
        });
        cases.push(case.checks("all"));
    }
    cases.push(Case::new("floor: `read` by 1 MiB", || {
        let mut file = File::open(&flat).expect("a file");
        drop_cache(flat_file);
        seconds(|| {
            let mut total = 0.0;
            for _ in 0..matrix.bytes() / piece.len() {
                file.read_exact(&mut piece).expect("a read");
                total += sum(&piece);
            }
            near(total);
        })
    }));
    let cases = cases.into_iter().map(|case| case.includes("sum"));
    let title = "sum of 1 GiB, page cache dropped";
    let table = plan.table(title, 40.0, cases.collect());
    let table = table.bytes(matrix.bytes());
    report.table(&table);
    let best = table.quickest(|label| label.starts_with("ach") && !label.contains("Never"));
    let found = table.ratio(table.floor(), best);
    let operation = format!(
        "page cache dropped, sequential sum, throughput ({})",
        best.label
    );
    report.at_least(&operation, found, 0.95, "of `read`");
    let checked = table.ratio(table.floor(), table.row("ach, mapped, in blocks"));
    report.text(&format!(
        "Checked, in blocks of the map: {} of the throughput of `read`.\n",
        number(checked.median)
    ));
    remove([&ours, &flat]);
}
