//! Ways of writing a file, in turn, and the table of how long they take.

use std::path::Path;
use std::time::{Duration, Instant};

/// A way of writing the file, and its name.
pub(crate) type Case<'c> = (&'static str, &'c dyn Fn(&Path));

/// Runs the cases `rounds` times, each three times in a row of which the best counts, and prints how
/// they compare with the first, which is named `floor`. Each writes a GiB to `path`, without a file
/// there before.
pub(crate) fn compare(what: &str, floor: &str, rounds: usize, path: &Path, cases: &[Case<'_>]) {
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..rounds {
        for ((_, case), times) in cases.iter().zip(&mut times) {
            let runs = [(); 3].map(|()| run(path, case));
            times.extend(runs.iter().min());
        }
    }
    println!("{what}, page cache, {rounds} rounds");
    let of_floor = format!("of {floor}");
    println!(
        "{:34} {:>10} {:>10} {of_floor:>15} {:>12}",
        "", "median", "best", "of its best"
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

fn run(path: &Path, case: &dyn Fn(&Path)) -> Duration {
    let _ = std::fs::remove_file(path);
    let start = Instant::now();
    case(path);
    start.elapsed()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
