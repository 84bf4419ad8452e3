//! 8 KiB out of an array of 1 GiB, in an archive that is open.

use std::hint::black_box;
use std::time::Instant;

use achronyme_env::{Axis, Slice, Tensor};
use memmap2::Mmap;

use crate::Plan;
use crate::data::{Tensors, sum};
use crate::formats::{ach, floor, npy};
use crate::mapping::map;
use crate::report::Report;
use crate::turns::{Case, prepared};

/// Numbers of a row: 8 KiB.
pub(super) const ROW: usize = 1024;
/// Rows that are looked at, one after the other.
const LOOKS: usize = 512;

/// A row of a matrix, as a user asks for it.
pub(super) fn row(matrix: &Tensor, row: usize) -> Tensor {
    let slice = Slice::new([Axis::Index(row as i64)]);
    matrix.slice(&slice).expect("a row")
}

/// One array of so many rows.
pub(super) fn matrix(rows: usize) -> Tensors {
    Tensors::new(1, rows * ROW)
}

/// Saves it with two axes.
pub(super) fn save(path: &std::path::Path, matrix: &Tensors, options: &achronyme_env::SaveOptions) {
    let shape = [(matrix.elements / ROW) as u64, ROW as u64];
    let (name, numbers) = matrix.iter().next().expect("a tensor");
    let tensor = achronyme_env::TensorRef::new(numbers, &shape).expect("a tensor");
    achronyme_env::save(path, [(name, tensor)], options).expect("a save");
}

pub(crate) fn measure(plan: &Plan<'_>, report: &mut Report) {
    let rows = plan.of(1 << 17, 1 << 14);
    let matrix = matrix(rows);
    report.section(
        "Slices",
        "A row of 8 KiB out of a matrix of 1 GiB, in a file that is open; its numbers are added up. Opening \
         is not timed. First: nothing of the file was looked at since it was opened, and one row is; \
         later: any of 512 rows that were looked at before.",
    );
    let [ours, npy, flat] = ["ours", "npy", "flat"].map(|name| plan.file(name));
    save(&ours, &matrix, &ach::options());
    npy::save_one(&npy, matrix.iter().next().expect("a tensor").1);
    floor::write(&flat, &matrix);
    let at = |turn: usize| turn * 7919 % rows;
    let expected = |turn: usize| sum(&matrix.data[0][at(turn) * ROW * 8..][..ROW * 8]);
    let name = matrix.names[0].as_str();
    let of_map = |map: &Mmap, start: usize, turn: usize| {
        let found = sum(&map[start + at(turn) * ROW * 8..][..ROW * 8]);
        debug_assert_eq!(found, expected(turn));
        found
    };
    // NumPy's header takes 128 bytes.
    let start = std::fs::metadata(&npy).expect("a file").len() as usize - matrix.bytes();

    let mut cases: Vec<Case<'_>> = ach::ways()
        .map(|way| {
            let ours = &ours;
            let open = move |_| (way.open)(ours).tensor(name).expect("a tensor");
            let tensor = open(0);
            assert_eq!(ach::elements(&row(&tensor, at(3))), expected(3));
            let look = move |turn: usize, tensor: &Tensor| ach::elements(&row(tensor, at(turn)));
            Case::new(way.label, move || prepared(64, open, look)).checks(way.checks)
        })
        .collect();
    cases.push(Case::new("npy, mapped", || {
        prepared(64, |_| map(&npy), |turn, map| of_map(map, start, turn))
    }));
    cases.push(Case::new("floor: map", || {
        prepared(64, |_| map(&flat), |turn, map| of_map(map, 0, turn))
    }));
    let cases = cases.into_iter().map(|case| case.includes("find, sum"));
    let first = plan.table("first slice of 8 KiB of 1 GiB", 6.0, cases.collect());
    report.table(&first);
    let (mapped, floor) = (first.row(ach::MAPPED.label), first.floor());
    let found = mapped.median() - floor.median();
    let best = mapped.best() - floor.best();
    report.target(
        "8 KiB of an open array of 1 GiB, first touch",
        format!("floor + {:.1} us (best {:.1})", found * 1e6, best * 1e6),
        "at most floor + 3 us".to_owned(),
        found <= 3e-6,
    );

    let tensors: Vec<Tensor> = ach::ways()
        .map(|way| (way.open)(&ours).tensor(name).expect("a tensor"))
        .collect();
    let kept: Vec<Tensor> = (0..LOOKS).map(|turn| row(&tensors[0], at(turn))).collect();
    let (flat_map, npy_map) = (map(&flat), map(&npy));
    let look = |sum_of: &mut dyn FnMut(usize) -> f64| {
        // Of two walks the second is timed: every row is in the caches of the processor, or not, alike.
        for turn in 0..LOOKS {
            black_box(sum_of(turn));
        }
        let start = Instant::now();
        for turn in 0..LOOKS {
            black_box(sum_of(turn));
        }
        start.elapsed().as_secs_f64() / LOOKS as f64
    };
    let mut cases: Vec<Case<'_>> = ach::ways()
        .zip(&tensors)
        .map(|(way, tensor)| {
            let look = &look;
            let again = move || look(&mut |turn| ach::elements(&row(tensor, at(turn))));
            Case::new(way.label, again).checks("nothing again")
        })
        .collect();
    cases.extend([
        Case::new("ach, mapped, slices kept", || {
            look(&mut |turn| ach::elements(&kept[turn]))
        })
        .checks("nothing again"),
        Case::new("npy, mapped", || {
            look(&mut |turn| of_map(&npy_map, start, turn))
        }),
        Case::new("floor: map", || {
            look(&mut |turn| of_map(&flat_map, 0, turn))
        }),
    ]);
    let cases = cases.into_iter().map(|case| case.includes("find, sum"));
    let later = plan.table("later slice of 8 KiB of 1 GiB", 3.0, cases.collect());
    report.table(&later);
    let found = later.ratio(later.row(ach::MAPPED.label), later.floor());
    report.at_most("the same, later", found, 1.05, "the floor");
}
