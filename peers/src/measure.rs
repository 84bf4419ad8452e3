//! Running what is compared in turn, and the table of it.

use std::hint::black_box;
use std::time::Instant;

/// One of those that are compared. A run answers with the seconds of each of its parts.
pub struct Case<'c> {
    name: String,
    run: Box<dyn FnMut() -> Vec<f64> + 'c>,
    /// The median of each round.
    rounds: Vec<f64>,
    all: Vec<f64>,
}

impl<'c> Case<'c> {
    /// A case whose run answers with the seconds of each of its parts.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> Vec<f64> + 'c) -> Case<'c> {
        Case {
            name: name.into(),
            run: Box::new(run),
            rounds: Vec::new(),
            all: Vec::new(),
        }
    }

    /// A case whose run is one part, done twice: the second counts, since the first may wait for
    /// memory that the system has given away.
    pub fn second(name: impl Into<String>, mut run: impl FnMut() -> f64 + 'c) -> Case<'c> {
        Case::new(name, move || {
            run();
            vec![run()]
        })
    }

    /// The median of the rounds.
    pub fn median(&self) -> f64 {
        median(&self.rounds)
    }
}

/// Seconds that `work` takes; what it leaves is dropped after that.
pub fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    let left = black_box(work());
    let taken = start.elapsed().as_secs_f64();
    drop(left);
    taken
}

/// Seconds of the processor that `work` takes on this thread: what else the machine does is left out.
pub fn busy<T>(work: impl FnOnce() -> T) -> f64 {
    let now = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let start = now();
    let left = black_box(work());
    let taken = now() - start;
    drop(left);
    taken
}

/// Runs all in turn, each round beginning with the next one, after a round that does not count.
pub fn in_turn(rounds: usize, cases: &mut [Case<'_>]) {
    for round in 0..=rounds {
        for place in 0..cases.len() {
            let place = (place + round) % cases.len();
            let case = &mut cases[place];
            let taken = (case.run)();
            if round > 0 {
                case.rounds.push(median(&taken));
                case.all.extend(taken);
            }
        }
    }
}

/// Prints what was measured. A part is `units` of something; the last column is the time of the first
/// case to that of each, the median over the rounds.
pub fn print(title: &str, units: f64, cases: &[Case<'_>]) {
    let ours = &cases[0];
    println!(
        "| {title} | median | mean | best | time of `{}` to it |",
        ours.name
    );
    println!("|---|---|---|---|---|");
    for case in cases {
        let ratios = ours.rounds.iter().zip(&case.rounds).map(|(a, b)| a / b);
        let ratios: Vec<f64> = ratios.collect();
        let mean = case.all.iter().sum::<f64>() / case.all.len() as f64;
        let best = case.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        println!(
            "| {} | {} | {} | {} | {:.2} |",
            case.name,
            time(case.median() / units),
            time(mean / units),
            time(best / units),
            median(&ratios)
        );
    }
    println!();
}

/// The median; not a number when there are no values.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A time as people read it.
pub fn time(seconds: f64) -> String {
    let (scaled, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "us"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    match scaled {
        s if s < 10.0 => format!("{s:.2} {unit}"),
        s if s < 100.0 => format!("{s:.1} {unit}"),
        s => format!("{s:.0} {unit}"),
    }
}

/// The load of the machine, where it says.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(2).collect();
    match load.is_empty() {
        true => "unknown".to_owned(),
        false => load.join(" "),
    }
}
