//! `ach get`: one value, or a part of one, without reading the rest.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, Finding, Slice, Value};

use super::Status;
use crate::error::{Failure, Result};
use crate::export::{csv, npy, raw};
use crate::journal::Reading;
use crate::opened::Opened;
use crate::output_file::OutputFile;
use crate::term::statistics::statistics;
use crate::term::text::{Style, render};
use crate::term::{Paint, Screen, json};

/// Show one value, or a part of one; only that part is read.
///
/// NAME is a variable, and may go on into its value: `results.lr.score`, `models[2].weights`,
/// `data[1000:2000, :, 3]`. A variable of exactly that name comes first, so `layer1.weight` and
/// `a.b[0]` are found as they are. A name with dots before a field goes in quotes:
/// `'a.b'.field`.
///
/// Long arrays are shortened as NumPy does it. Statistics of a tensor follow when it has at most
/// 256 MiB.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A variable, or a path into one
    #[arg(value_name = "NAME")]
    name: String,
    /// A part of an array: 0:10,: or -1 or ..., ::2
    #[arg(short, long, value_name = "SLICE", allow_hyphen_values = true)]
    slice: Option<Slice>,
    /// How it is written [default: by the extension of OUT, else text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to a file
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Statistics of a tensor of any size
    #[arg(long)]
    stats: bool,
    /// Replace OUT if it exists
    #[arg(long, requires = "output")]
    force: bool,
    #[command(flatten)]
    reading: Reading,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// The mapping in docs/cli.md, which loses nothing but the bits of NaN
    Json,
    /// NumPy's file of one array
    Npy,
    /// Arrays of one or two dimensions, and tables
    Csv,
    /// The bytes themselves, little-endian
    Raw,
}

/// Tensors above this many bytes have no statistics unless they are asked for.
const STATISTICS_BYTES: u64 = 256 << 20;

/// Shows.
///
/// # Errors
/// [`Failure`]; a file that was to be written is then as it was.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let format = args
        .format
        .unwrap_or_else(|| by_extension(args.output.as_deref()));
    let Some(path) = &args.output else {
        if matches!(format, Format::Npy | Format::Raw) && std::io::stdout().is_terminal() {
            return Err(Failure::refused(
                "these bytes are not for a terminal; use -o FILE, or a pipe",
            ));
        }
        let value = value(args)?;
        show(args, &value, format, screen, out).map_err(|failure| of_variable(args, failure))?;
        return Ok(Status::Fine);
    };
    crate::output_file::check(path, args.force)?;
    let value = value(args)?;
    let mut file = OutputFile::create(path, args.force)?;
    let shown = show(args, &value, format, &Screen::plain(80), &mut file);
    OutputFile::named(path, shown.map_err(|failure| of_variable(args, failure)))?;
    file.commit()?;
    Ok(Status::Fine)
}

fn value(args: &Args) -> Result<Value> {
    let opened = Opened::open_for_one(&args.file, args.reading)?;
    opened.tell_journal(&args.file, args.reading);
    let archive = opened.into_archive(|finding| is_about(finding, &args.name))?;
    let Some(slice) = &args.slice else {
        return Ok(archive.at(&args.name)?);
    };
    // A variable of that very name is meant, whatever its dots and brackets could mean.
    let name = match archive.contains(&args.name) {
        true => format!("'{}'", args.name.replace('\'', "''")),
        false => args.name.clone(),
    };
    Ok(archive.at(&format!("{name}[{slice}]"))?)
}

/// Whether a finding is about what a path leads to: about a part of it, or something around it.
fn is_about(finding: &Finding, path: &str) -> bool {
    let quoted = format!("'{}'", finding.name.replace('\'', "''"));
    [&finding.name, &quoted].into_iter().any(|name| {
        let place = format!("{name}{}", finding.path);
        is_below(&place, path) || is_below(path, &place)
    })
}

/// Whether the path `part` goes on from the path `whole`.
fn is_below(part: &str, whole: &str) -> bool {
    let rest = part.strip_prefix(whole);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn show(
    args: &Args,
    value: &Value,
    format: Format,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<()> {
    match format {
        Format::Text => text(args, value, screen, out)?,
        Format::Json => {
            json::write(value, out)?;
            writeln!(out)?;
        }
        Format::Npy => npy::write(&args.name, value, out)?,
        Format::Csv => csv::write(&args.name, value, b',', out)?,
        Format::Raw => raw::write(&args.name, value, out)?,
    }
    Ok(())
}

fn text(args: &Args, value: &Value, screen: &Screen, out: &mut dyn Write) -> Result<()> {
    render(value, &Style::new(*screen), out)?;
    let Value::Tensor(tensor) = value else {
        return Ok(());
    };
    if tensor.len() < 2 || (tensor.byte_len() > STATISTICS_BYTES && !args.stats) {
        return Ok(());
    }
    if let Some(statistics) = statistics(tensor)? {
        writeln!(out, "{}", screen.paint(Paint::Dim, statistics))?;
    }
    Ok(())
}

/// Arrays are read while they are shown: the error then does not know yet what was asked for.
fn of_variable(args: &Args, failure: Failure) -> Failure {
    match failure {
        Failure::Library(error) if !matches!(error, EnvError::Variable { .. }) => {
            Failure::Library(EnvError::Variable {
                name: args.name.clone(),
                source: Box::new(error),
            })
        }
        other => other,
    }
}

fn by_extension(path: Option<&Path>) -> Format {
    let extension = path.and_then(Path::extension).unwrap_or_default();
    match extension.to_string_lossy().to_ascii_lowercase().as_str() {
        "json" => Format::Json,
        "npy" => Format::Npy,
        "csv" => Format::Csv,
        "bin" | "raw" => Format::Raw,
        _ => Format::Text,
    }
}
