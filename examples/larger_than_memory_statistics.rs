//! Statistics over an archive four times larger than the memory the program allows itself.
//!
//! ```console
//! $ cargo run --release --example larger_than_memory_statistics
//! $ cargo run --release --example larger_than_memory_statistics -- at-once     # fails: no memory
//! ```
//!
//! An argument that is not `at-once` is the folder the archive is made in.

use achronyme_env::{Archive, ArchiveWriter, Result, SaveOptions, Tensor, Value};

#[path = "memory_limit/mod.rs"]
mod memory_limit;

const MIB: u64 = 1 << 20;
/// Memory the program may have for data.
const LIMIT: u64 = 64 * MIB;
/// Arrays of the archive, and the elements of each.
const ARRAYS: u64 = 16;
const ELEMENTS: u64 = 2 * MIB;
/// Bytes looked at together.
const BLOCK: u64 = 4 * MIB;

/// Count, mean, sum of squared deviations (Welford), least and greatest.
struct Statistics {
    count: f64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Statistics {
    fn add(&mut self, elements: &[f64]) {
        for x in elements {
            self.count += 1.0;
            let step = x - self.mean;
            self.mean += step / self.count;
            self.squares += step * (x - self.mean);
            self.min = self.min.min(*x);
            self.max = self.max.max(*x);
        }
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let at_once = arguments.iter().any(|argument| argument == "at-once");
    let folder = arguments.iter().find(|argument| *argument != "at-once");
    let folder = match folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let path = folder.path().join("measurements.ach");
    memory_limit::set(LIMIT)?;

    // Each array is let go once it is written: all together would not fit.
    let mut writer = ArchiveWriter::create(&path, &SaveOptions::new().streaming(true))?;
    for array in 0..ARRAYS {
        let values = (0..ELEMENTS).map(|n| ((array * ELEMENTS + n) % 1000) as f64);
        let tensor = Tensor::from_vec(values.collect::<Vec<f64>>(), [ELEMENTS])?;
        writer.add(&format!("run{array:02}"), Value::from(tensor))?;
    }
    let report = writer.finish()?;
    println!(
        "{} MiB of arrays, {} MiB of memory for data",
        report.raw_bytes / MIB,
        LIMIT / MIB
    );

    let archive = Archive::open(&path)?;
    let statistics = match at_once {
        true => all_at_once(&archive)?,
        false => in_blocks(&archive)?,
    };
    let Statistics {
        count,
        mean,
        squares,
        min,
        max,
    } = statistics;
    let std = (squares / count).sqrt();
    println!("count {count}  mean {mean:.3}  std {std:.3}  min {min}  max {max}");
    Ok(())
}

fn start() -> Statistics {
    Statistics {
        count: 0.0,
        mean: 0.0,
        squares: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    }
}

fn in_blocks(archive: &Archive) -> Result<Statistics> {
    let mut statistics = start();
    for name in archive.names() {
        let tensor = archive.tensor(name)?;
        let mut blocks = tensor.blocks::<f64>(BLOCK)?;
        while let Some((_, elements)) = blocks.next_block()? {
            statistics.add(elements);
        }
    }
    Ok(statistics)
}

/// What does not work: every array in memory.
fn all_at_once(archive: &Archive) -> Result<Statistics> {
    let mut statistics = start();
    let tensors: Vec<Tensor> = archive
        .names()
        .map(|name| archive.tensor(name))
        .collect::<Result<_>>()?;
    for tensor in &tensors {
        statistics.add(tensor.as_slice()?);
    }
    Ok(statistics)
}
