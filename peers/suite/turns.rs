//! Running what is compared in turn, and the table of it.

use std::fmt::{self, Write};
use std::hint::black_box;
use std::time::{Duration, Instant};

use achronyme_env_peers::measure::{median, time};

/// One of those that are compared. A run answers with its seconds.
pub(crate) struct Case<'c> {
    label: String,
    includes: &'static str,
    checks: &'static str,
    /// Whether the first round does not count.
    warms: bool,
    run: Box<dyn FnMut() -> f64 + 'c>,
}

impl<'c> Case<'c> {
    /// A case that checks nothing. Its first run does not count.
    pub(crate) fn new(label: impl Into<String>, run: impl FnMut() -> f64 + 'c) -> Case<'c> {
        Case {
            label: label.into(),
            includes: "",
            checks: "nothing",
            warms: true,
            run: Box::new(run),
        }
    }

    /// Does it twice; the second counts, since the first may wait for memory that the machine has
    /// handed back to its host.
    pub(crate) fn twice(label: impl Into<String>, mut run: impl FnMut() -> f64 + 'c) -> Case<'c> {
        let mut case = Case::new(label, move || {
            run();
            run()
        });
        case.warms = false;
        case
    }

    /// What is timed.
    pub(crate) fn includes(mut self, what: &'static str) -> Self {
        self.includes = what;
        self
    }

    /// What is compared with a sum or validated.
    pub(crate) fn checks(mut self, what: &'static str) -> Self {
        self.checks = what;
        self
    }
}

/// What came out.
pub(crate) struct Row {
    pub(crate) label: String,
    includes: &'static str,
    checks: &'static str,
    /// Of each round, unless it sat that one out.
    times: Vec<Option<f64>>,
}

impl Row {
    pub(crate) fn median(&self) -> f64 {
        median(&self.times().collect::<Vec<f64>>())
    }

    pub(crate) fn best(&self) -> f64 {
        self.times().fold(f64::INFINITY, f64::min)
    }

    fn times(&self) -> impl Iterator<Item = f64> {
        self.times.iter().flatten().copied()
    }
}

/// Rounds that every case takes part in.
const LEAST: usize = 4;

/// The cases of one comparison. The last is the floor.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
    bytes: Option<f64>,
}

impl Table {
    /// Runs all in turn, each round beginning with the next one: at least four times and at most `rounds`,
    /// about `budget` seconds together. A case that has had more than its share of them sits out what
    /// follows.
    pub(crate) fn of(
        title: impl Into<String>,
        rounds: usize,
        budget: f64,
        cases: Vec<Case<'_>>,
    ) -> Table {
        let mut cases = cases;
        let mut times = vec![Vec::new(); cases.len()];
        let mut used = vec![0.0; cases.len()];
        let share = 1.5 * budget / cases.len() as f64;
        let start = Instant::now();
        for round in 0..rounds {
            if round >= LEAST && start.elapsed().as_secs_f64() > budget {
                break;
            }
            for place in 0..cases.len() {
                let place = (place + round) % cases.len();
                if round >= LEAST && used[place] > share {
                    times[place].push(None);
                    continue;
                }
                let began = Instant::now();
                let taken = (cases[place].run)();
                used[place] += began.elapsed().as_secs_f64();
                let counts = round > 0 || !cases[place].warms;
                times[place].push(counts.then_some(taken));
            }
        }
        let title = title.into();
        eprintln!("{title}: {:.0} s", start.elapsed().as_secs_f64());
        let rows = cases.into_iter().zip(times).map(|(case, times)| Row {
            label: case.label,
            includes: case.includes,
            checks: case.checks,
            times,
        });
        Table {
            title,
            rows: rows.collect(),
            bytes: None,
        }
    }

    /// Every run moves so many bytes: the table has a column of throughput.
    pub(crate) fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = Some(bytes as f64);
        self
    }

    /// The row of this label.
    pub(crate) fn row(&self, label: &str) -> &Row {
        let row = self.rows.iter().find(|row| row.label == label);
        row.unwrap_or_else(|| panic!("{} has no row {label}", self.title))
    }

    pub(crate) fn floor(&self) -> &Row {
        self.rows.last().expect("a table of cases")
    }

    /// Time of `a` to that of `b`.
    pub(crate) fn ratio(&self, a: &Row, b: &Row) -> Ratio {
        let rounds = a.times.iter().zip(&b.times);
        let ratios = rounds.filter_map(|(a, b)| Some((*a)? / (*b)?));
        let ratios: Vec<f64> = ratios.collect();
        Ratio {
            median: median(&ratios),
            of_best: a.best() / b.best(),
        }
    }

    /// The quickest of the rows that `belongs` names.
    pub(crate) fn quickest(&self, belongs: impl Fn(&str) -> bool) -> &Row {
        let rows = self.rows.iter().filter(|row| belongs(&row.label));
        rows.min_by(|a, b| a.median().total_cmp(&b.median()))
            .expect("a row")
    }

    pub(crate) fn markdown(&self) -> String {
        let (mut text, floor) = (String::new(), self.floor());
        let (throughput, line) = match self.bytes {
            Some(_) => (" GiB/s |", "---|"),
            None => ("", ""),
        };
        let title = &self.title;
        let rounds = floor.times().count();
        let _ = writeln!(
            text,
            "| {title} ({rounds} rounds) | timed | sums and checks | median | best |{throughput} to the floor |"
        );
        let _ = writeln!(text, "|---|---|---|---|---|{line}---|");
        for row in &self.rows {
            let throughput = self.bytes.map_or(String::new(), |bytes| {
                format!(" {:.2} |", bytes / row.median() / f64::from(1 << 30))
            });
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} |{throughput} {} |",
                row.label,
                row.includes,
                row.checks,
                time(row.median()),
                time(row.best()),
                number(self.ratio(row, floor).median),
            );
        }
        text
    }
}

/// How two compare.
#[derive(Clone, Copy)]
pub(crate) struct Ratio {
    /// The median over the rounds, each of which compares what ran one after the other.
    pub(crate) median: f64,
    /// The best of one to the best of the other, which leaves out what else the machine did.
    pub(crate) of_best: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ratio { median, of_best } = *self;
        write!(f, "{} (best {})", number(median), number(of_best))
    }
}

/// A ratio as people read it.
pub(crate) fn number(ratio: f64) -> String {
    match ratio {
        r if r < 10.0 => format!("{r:.2}"),
        r if r < 100.0 => format!("{r:.1}"),
        r => format!("{r:.0}"),
    }
}

/// Seconds of one of as many runs as take some milliseconds; told the number of each.
pub(crate) fn each<T>(mut work: impl FnMut(usize) -> T) -> f64 {
    let (start, mut runs) = (Instant::now(), 0);
    loop {
        black_box(work(runs));
        runs += 1;
        let taken = start.elapsed();
        if taken > Duration::from_millis(4) {
            return taken.as_secs_f64() / runs as f64;
        }
    }
}

/// Seconds of one of many runs, for work of nanoseconds, among which a clock would be seen.
pub(crate) fn batch<T>(runs: usize, mut work: impl FnMut(usize) -> T) -> f64 {
    let start = Instant::now();
    for run in 0..runs {
        black_box(work(run));
    }
    start.elapsed().as_secs_f64() / runs as f64
}

/// Seconds of the part of a run that counts: `prepare` makes what `work` is given, and that is dropped
/// after the clock stopped. Mean of `runs`.
pub(crate) fn prepared<P, T>(
    runs: usize,
    mut prepare: impl FnMut(usize) -> P,
    mut work: impl FnMut(usize, &P) -> T,
) -> f64 {
    let mut taken = Duration::ZERO;
    for run in 0..runs {
        let given = prepare(run);
        let start = Instant::now();
        let left = black_box(work(run, &given));
        taken += start.elapsed();
        drop(left);
    }
    taken.as_secs_f64() / runs as f64
}
