//! `ach stat`: what the numbers of arrays are like, and how they are spread.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{Archive, Tensor, Value, format_shape};
use serde_json::{Value as Json, json};

use super::{Document, Status};
use crate::error::{Failure, Result, shown};
use crate::journal::Reading;
use crate::term::escape;
use crate::term::spread::{Spread, spread};

/// Tell what the numbers of arrays are like: least, greatest, mean, deviation, how many are NaN,
/// infinite or zero, and a histogram.
///
/// Takes tensors of numbers and booleans, vectors of numbers, and single numbers. They are read block
/// by block, so their size does not matter. Of complex numbers the absolute value counts.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach stat run.ach temperature                 one array
  ach stat run.ach 'temperature[0:10]'         a part of it
  ach stat run.ach '*.weight' --bins 20        all that match, with 20 bars each
  ach stat run.ach loss --json                 for scripts")]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// A name, a path into a value, a slice, or a pattern
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Bars of the histogram, 0 for none
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1000))]
    bins: u32,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Tells.
///
/// # Errors
/// [`Failure`]: what reading answers; a value without numbers, unless a pattern chose it.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let archive = crate::opened::open(&args.file, args.reading)?;
    let mut told = Vec::new();
    for given in &args.names {
        for (name, value) in chosen(args, &archive, given)? {
            let Some(tensor) = numbers(&value)? else {
                continue;
            };
            let spread = spread(&tensor, args.bins as usize)?;
            match args.json {
                true => told.push(to_json(&name, &tensor, &spread)),
                false => tell(&name, &tensor, &spread, out)?,
            }
        }
    }
    if args.json {
        let file = json!({"path": args.file.to_string_lossy(), "variables": told});
        Document::new(vec![file]).write(out)?;
    }
    Ok(Status::Fine)
}

/// The values that one argument means: a path, or else all with numbers that match a pattern.
fn chosen(args: &Args, archive: &Archive, given: &str) -> Result<Vec<(String, Value)>> {
    let found = archive.at(given);
    let is_pattern = given.contains(['*', '?', '{']) || (found.is_err() && given.contains('['));
    if found.is_ok() || !is_pattern {
        let value = found?;
        if numbers(&value)?.is_none() {
            let (name, kind) = (escape::name(given), value.kind().name());
            return Err(Failure::refused(format!(
                "{name} of {} is a {kind} without numbers; `ach get` shows it",
                shown(&args.file)
            )));
        }
        return Ok(vec![(given.to_owned(), value)]);
    }
    let mut bindings = archive.matching(given)?;
    if bindings.is_empty() {
        // Nothing matches: the error of the path knows what is near.
        found?;
    }
    bindings.sort_by_key(|binding| binding.ordinal());
    let mut values = Vec::new();
    for binding in bindings {
        let value = binding.value()?;
        if numbers(&value)?.is_some() {
            values.push((binding.name().to_owned(), value));
        }
    }
    match values.is_empty() {
        false => Ok(values),
        true => Err(Failure::refused(format!(
            "no variable of {} that matches {} holds numbers",
            shown(&args.file),
            escape::name(given)
        ))),
    }
}

/// The numbers of a value as a tensor; `None` when it holds others or something else.
fn numbers(value: &Value) -> Result<Option<Tensor>> {
    let shape = |len: usize| vec![len as u64];
    Ok(match value {
        Value::Tensor(tensor) if tensor.dtype().size() > 0 => {
            let opaque = matches!(
                tensor.dtype(),
                achronyme_env::DType::F8E4M3 | achronyme_env::DType::F8E5M2
            );
            (!opaque).then(|| tensor.clone())
        }
        Value::Boolean(x) => Some(Tensor::from_vec(vec![*x], [])?),
        Value::Integer(x) => Some(Tensor::from_vec(vec![*x], [])?),
        Value::Number(x) => Some(Tensor::from_vec(vec![*x], [])?),
        Value::Complex(z) => Some(Tensor::from_vec(vec![*z], [])?),
        Value::Vector(vector) if !vector.is_empty() => {
            let integers: Option<Vec<i64>> = vector.iter().map(Value::as_i64).collect();
            let plain = |value: &Value| match value {
                Value::Integer(x) => Some(*x as f64),
                Value::Number(x) => Some(*x),
                _ => None,
            };
            let only = vector.iter().all(|v| matches!(v, Value::Integer(_)));
            let floats: Option<Vec<f64>> = vector.iter().map(plain).collect();
            match (integers.filter(|_| only), floats) {
                (Some(all), _) => Some(Tensor::from_vec(all, shape(vector.len()))?),
                (None, Some(all)) => Some(Tensor::from_vec(all, shape(vector.len()))?),
                _ => None,
            }
        }
        _ => None,
    })
}

fn tell(name: &str, tensor: &Tensor, spread: &Spread, out: &mut dyn Write) -> Result<()> {
    let (dtype, shape) = (tensor.dtype(), format_shape(tensor.shape()));
    writeln!(out, "{}  {dtype} {shape}", escape::label(name))?;
    for line in spread.lines() {
        writeln!(out, "  {line}")?;
    }
    Ok(())
}

fn to_json(name: &str, tensor: &Tensor, spread: &Spread) -> Json {
    let mut object = json!({
        "name": name,
        "dtype": tensor.dtype().to_string(),
        "shape": tensor.shape(),
    });
    if let (Some(object), Json::Object(more)) = (object.as_object_mut(), spread.to_json()) {
        object.extend(more);
    }
    object
}
