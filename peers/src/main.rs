//! Measures sessions beside redb, SQLite and the plain calls of the system, and messages beside JSON and
//! MessagePack, in one process, in turn,
//! and prints Markdown tables:
//!
//! ```text
//! cargo run --release -- [--quick] [--dir DIR] [commit | group | open | tensor | checkpoint | history | messages]...
//! ```
//!
//! Files stand in a directory of their own below `DIR`, the current directory if it is not given: it
//! should be on a disk, since most of what is measured waits for one. The whole takes some minutes
//! and 6 GiB there; `--quick` does less of everything and is for trying the program. Ratios are of
//! runs that follow each other, so that what else the machine does falls on all alike.

mod allocations;
mod arrays;
mod commits;
mod folding;
mod history;
mod messages;
mod opening;
mod stores;

use std::error::Error;
use std::path::{Path, PathBuf};

use achronyme_env_peers::{locked, measure};

/// How much is done, and where.
struct Plan<'p> {
    dir: &'p Path,
    quick: bool,
}

impl Plan<'_> {
    /// One of two numbers.
    fn of<T>(&self, whole: T, quick: T) -> T {
        match self.quick {
            true => quick,
            false => whole,
        }
    }
}

type Outcome = Result<(), Box<dyn Error>>;

/// What can be measured, and its name.
type Part = (&'static str, fn(&Plan<'_>) -> Outcome);

const PARTS: [Part; 7] = [
    ("commit", commits::one),
    ("group", commits::many),
    ("open", opening::open),
    ("tensor", arrays::tensor),
    ("checkpoint", folding::checkpoint),
    ("history", history::history),
    ("messages", messages::messages),
];

fn main() -> Outcome {
    let (mut quick, mut above, mut asked) = (false, PathBuf::from("."), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--dir" => above = arguments.next().ok_or("--dir needs a directory")?.into(),
            name if PARTS.iter().any(|(part, _)| *part == name) => asked.push(argument),
            other => {
                let parts = PARTS.map(|(part, _)| part).join(", ");
                return Err(
                    format!("unknown: {other}; there are --quick, --dir DIR, {parts}").into(),
                );
            }
        }
    }
    println!(
        "redb {}, SQLite {} (WAL, synchronous=FULL); load {}\n",
        locked("redb"),
        rusqlite::version(),
        measure::load()
    );
    for (part, measure) in PARTS {
        if asked.is_empty() || asked.iter().any(|name| name == part) {
            let dir = tempfile::Builder::new()
                .prefix("peers-")
                .tempdir_in(&above)?;
            measure(&Plan {
                dir: dir.path(),
                quick,
            })?;
        }
    }
    println!("Load at the end: {}", measure::load());
    Ok(())
}
