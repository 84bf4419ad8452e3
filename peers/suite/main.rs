//! Measures archives beside the formats that people use instead, and beside the plain calls of the system:
//! the same work, in one process, in turn.
//!
//! ```text
//! cargo run --release --bin suite -- [--dir DIR] [--quick] [--docs DOCS] [small | large | ...]...
//! ```
//!
//! It prints Markdown; with `--docs` it also puts that between the markers of `DOCS/benchmarks.md`, and the
//! charts into `DOCS/images`. Files stand in a directory of their own below `DIR`, the current directory if
//! it is not given, which should be on a disk; they take at most 6 GiB there and are removed. The whole
//! takes some fifteen minutes and 10 GiB of memory; `--quick` does less of everything and is for trying the
//! program.

mod chart;
mod data;
mod formats;
mod machine;
mod mapping;
mod report;
mod turns;
mod workloads;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use report::{Page, Report};
use turns::{Case, Table};

/// How much is done, and where.
pub(crate) struct Plan<'p> {
    pub(crate) dir: &'p Path,
    quick: bool,
}

impl Plan<'_> {
    /// One of two numbers.
    pub(crate) fn of<T>(&self, whole: T, quick: T) -> T {
        match self.quick {
            true => quick,
            false => whole,
        }
    }

    /// Measures cases, the last of which is the floor, in about `seconds`.
    pub(crate) fn table(
        &self,
        title: impl Into<String>,
        seconds: f64,
        cases: Vec<Case<'_>>,
    ) -> Table {
        let (rounds, seconds) = self.of((41, seconds), (4, 0.0));
        Table::of(title, rounds, seconds, cases)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// What can be measured, and its name.
type Part = (&'static str, fn(&Plan<'_>, &mut Report));

const PARTS: [Part; 8] = [
    ("small", workloads::small::measure),
    ("large", workloads::large::measure),
    ("slices", workloads::slices::measure),
    ("scalars", workloads::scalars::measure),
    ("structured", workloads::structured::measure),
    ("compressed", workloads::compressed::measure),
    ("dropped", workloads::dropped::measure),
    ("encoding", workloads::encoding::measure),
];

fn main() -> Result<(), Box<dyn Error>> {
    let (mut quick, mut docs) = (false, None);
    let (mut above, mut asked) = (PathBuf::from("."), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--docs" => {
                docs = Some(PathBuf::from(
                    arguments.next().ok_or("--docs needs a directory")?,
                ));
            }
            "--dir" => above = arguments.next().ok_or("--dir needs a directory")?.into(),
            name if PARTS.iter().any(|(part, _)| *part == name) => asked.push(argument),
            other => {
                let parts = PARTS.map(|(part, _)| part).join(", ");
                let known = "--quick, --docs DOCS, --dir DIR";
                return Err(format!("unknown: {other}; there are {known}, {parts}").into());
            }
        }
    }
    let page = docs.map(Page::open).transpose()?;
    let (start, mut report) = (Instant::now(), Report::default());
    for (part, measure) in PARTS {
        if asked.is_empty() || asked.iter().any(|name| name == part) {
            let dir = tempfile::Builder::new()
                .prefix("suite-")
                .tempdir_in(&above)?;
            measure(
                &Plan {
                    dir: dir.path(),
                    quick,
                },
                &mut report,
            );
        }
    }
    let minutes = start.elapsed().as_secs_f64() / 60.0;
    let tables = report.markdown(minutes);
    println!("{tables}");
    if let Some(page) = page {
        page.write(&report, &tables)?;
    }
    Ok(())
}
