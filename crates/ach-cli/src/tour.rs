//! The tour of `ach demo`: commands as anybody would type them, run in this process, and what each
//! of them read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use achronyme_env::{Archive, Tensor, Value};
use clap::Parser;

use crate::error::{Failure, Result, shown};
use crate::export::npy;
use crate::term::size::short;
use crate::term::{Paint, Screen};

/// The data that the tour is about. Sources and licences: examples/data/README.md.
const FILES: [(&str, &[u8]); 4] = [
    (
        "penguins.csv",
        include_bytes!("../../../examples/data/penguins.csv"),
    ),
    (
        "chelsea.npy",
        include_bytes!("../../../examples/data/chelsea.npy"),
    ),
    (
        "digits-mlp.safetensors",
        include_bytes!("../../../examples/data/digits-mlp.safetensors"),
    ),
    (
        "run.json",
        include_bytes!("../../../examples/data/run.json"),
    ),
];

/// Rows and columns of the computed array: 64 MiB of float32.
const SIDE: usize = 4096;

/// A tour through one directory.
#[derive(Debug)]
pub(crate) struct Tour<'a> {
    directory: PathBuf,
    stays: bool,
    screen: &'a Screen,
}

/// What a piece of work cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// Bytes read from files, where the system counts them.
    read: Option<u64>,
    time: Duration,
}

impl<'a> Tour<'a> {
    /// A tour in `directory`, which is made when it is not there; with `stays` it is kept.
    ///
    /// # Errors
    /// When the directory holds something already, or cannot be made.
    pub(crate) fn new(directory: &Path, stays: bool, screen: &'a Screen) -> Result<Self> {
        let failed = |source| Failure::Write {
            action: "use",
            path: directory.to_path_buf(),
            source,
        };
        fs::create_dir_all(directory).map_err(failed)?;
        if fs::read_dir(directory).map_err(failed)?.next().is_some() {
            return Err(Failure::refused(format!(
                "{} is not empty; name a directory that is, or does not exist",
                shown(directory)
            )));
        }
        std::env::set_current_dir(directory).map_err(failed)?;
        Ok(Tour {
            directory: directory.to_path_buf(),
            stays,
            screen,
        })
    }

    /// Gives the tour.
    ///
    /// # Errors
    /// What the commands answer.
    pub(crate) fn give(&self, out: &mut dyn Write) -> Result<()> {
        self.say(
            out,
            "Five files: measurements of penguins, a photograph of a cat, a small neural network, \
             the record of its training, and 64 MiB of computed waves. They become one archive.",
        )?;
        self.make_files()?;
        let packed = self.run(
            out,
            "pack -o tour.ach penguins.csv chelsea.npy digits-mlp.safetensors run.json waves.npy",
        )?;
        self.cost(out, "packed", packed)?;

        self.say(out, "What is in it. No array is read for this.")?;
        let listed = self.run(out, "ls tour.ach")?;
        self.cost(out, "listed", listed)?;

        self.say(
            out,
            "One variable, by its name; the others stay where they are.",
        )?;
        let variable = self.run(out, "get tour.ach layer3.bias")?;
        self.cost(out, "one variable", variable)?;

        self.say(out, "One field, deep in a structured value.")?;
        let field = self.run(out, "get tour.ach hyperparameters.optimizer.momentum")?;
        self.cost(out, "one field", field)?;

        self.say(out, "One corner of the 64 MiB, cut out of its rows.")?;
        let slice = self.run(out, "get tour.ach waves -s 2000:2004,:5")?;
        self.cost(out, "one slice", slice)?;

        self.say(
            out,
            "And for comparison all of it, as a file without a table would need it.",
        )?;
        let all = measured(|| read_everything("tour.ach"))?;
        self.cost(out, "everything", all)?;
        self.compare(out, slice, all)?;

        let end = match self.stays {
            true => format!(
                "The files are in {}. Go on there with `ach info tour.ach` or `ach verify \
                 tour.ach`.",
                shown(&self.directory)
            ),
            false => {
                "The files are removed again. `ach demo DIR` keeps them; `ach --help` goes on."
                    .to_owned()
            }
        };
        self.say(out, &end)
    }

    fn make_files(&self) -> Result<()> {
        for (name, bytes) in FILES {
            let written = fs::write(name, bytes);
            written.map_err(|source| write_failed(name, source))?;
        }
        let file = fs::File::create("waves.npy").map_err(|e| write_failed("waves.npy", e))?;
        let mut file = std::io::BufWriter::new(file);
        npy::write("waves", &Value::Tensor(waves()?), &mut file)?;
        file.flush().map_err(|e| write_failed("waves.npy", e))
    }

    /// A paragraph between commands.
    fn say(&self, out: &mut dyn Write, text: &str) -> Result<()> {
        writeln!(out)?;
        for line in wrapped(text, self.screen.width.min(80)) {
            writeln!(out, "{}", self.screen.paint(Paint::Heading, line))?;
        }
        Ok(out.flush()?)
    }

    /// Runs a command as it is shown.
    fn run(&self, out: &mut dyn Write, line: &str) -> Result<Cost> {
        writeln!(
            out,
            "\n{}",
            self.screen.paint(Paint::Name, format!("$ ach {line}"))
        )?;
        // Notes go to standard error at once, so what comes before them must be out.
        out.flush()?;
        let words = std::iter::once("ach").chain(line.split(' '));
        let cli = crate::Cli::try_parse_from(words).map_err(|e| Failure::refused(e.to_string()))?;
        let cost = measured(|| crate::dispatch(&cli.command, self.screen, out))?;
        out.flush()?;
        Ok(cost)
    }

    fn cost(&self, out: &mut dyn Write, what: &str, cost: Cost) -> Result<()> {
        let file = fs::metadata("tour.ach").map_or(0, |metadata| metadata.len());
        let time = duration(cost.time);
        let text = match cost.read {
            Some(read) if what != "packed" => {
                format!("{what}: {} of {} read, {time}", short(read), short(file))
            }
            _ => format!("{what}: {time}"),
        };
        writeln!(
            out,
            "{}",
            self.screen.paint(Paint::Dim, format!("-> {text}"))
        )?;
        Ok(())
    }

    fn compare(&self, out: &mut dyn Write, slice: Cost, all: Cost) -> Result<()> {
        let ratio = |all: f64, part: f64| (all / part.max(f64::MIN_POSITIVE)).round();
        let times = ratio(all.time.as_secs_f64(), slice.time.as_secs_f64());
        let bytes = match (all.read, slice.read) {
            (Some(all), Some(part)) if part > 0 => {
                format!(" and {:.0} times the bytes", ratio(all as f64, part as f64))
            }
            _ => String::new(),
        };
        let text = format!(
            "-> {times:.0} times the time{bytes} of the slice, here and now, with the file in the \
             system's cache both times"
        );
        for line in wrapped(&text, self.screen.width.min(80)) {
            writeln!(out, "{}", self.screen.paint(Paint::Dim, line))?;
        }
        Ok(())
    }
}

fn write_failed(name: &str, source: std::io::Error) -> Failure {
    Failure::Write {
        action: "write",
        path: PathBuf::from(name),
        source,
    }
}

/// Two waves that cross: computed, so that it costs no room in the program.
fn waves() -> Result<Tensor> {
    let wave = |length: f32| -> Vec<f32> {
        let steps = 0..SIDE as u16;
        steps
            .map(|step| (f32::from(step) * std::f32::consts::TAU / length).sin())
            .collect()
    };
    let (rows, columns) = (wave(512.0), wave(300.0));
    let mut elements = Vec::with_capacity(SIDE * SIDE);
    for row in &rows {
        elements.extend(columns.iter().map(|column| row * column));
    }
    Ok(Tensor::from_vec(elements, [SIDE as u64, SIDE as u64])?)
}

/// Loads every value and every array of an archive.
fn read_everything(path: &str) -> Result<()> {
    let archive = Archive::open(path)?;
    for binding in archive.bindings() {
        if let Value::Tensor(tensor) = binding.value()? {
            tensor.as_bytes()?;
        }
    }
    Ok(())
}

fn measured<T>(work: impl FnOnce() -> Result<T>) -> Result<Cost> {
    // What looking at the counter itself costs is taken off.
    let (idle, before) = (bytes_read(), bytes_read());
    let started = Instant::now();
    work()?;
    let time = started.elapsed();
    let read = match (idle, before, bytes_read()) {
        (Some(idle), Some(before), Some(after)) => {
            Some((after - before).saturating_sub(before - idle))
        }
        _ => None,
    };
    Ok(Cost { read, time })
}

/// Bytes this process has read so far, where the system counts them (Linux).
fn bytes_read() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    text.lines()
        .find_map(|line| line.strip_prefix("rchar: "))?
        .parse()
        .ok()
}

fn duration(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1000.0 => format!("{micros:.0} microseconds"),
        ..1e6 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.1} s", micros / 1e6),
    }
}

/// Text in lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
