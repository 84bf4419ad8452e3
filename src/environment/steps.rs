//! Stepping into the values of an environment along a path: the grammar and the errors of
//! [`crate::Archive::at`], on values in memory.

use super::variables::Environment;
use crate::error::{EnvError, Result};
use crate::name::{nearest, quoted};
use crate::path::{Path, Step};
use crate::slice::Slice;
use crate::value::{Kind, Record, Value};

impl Environment {
    /// The value at a path: `name`, `results.lr.score`, `models[2].weights`,
    /// `data[1000:2000, :, 3]`, `'a name.with dots'.field`.
    ///
    /// An exact name of a variable wins; otherwise the longest that is followed by `.` or `[`. Of
    /// a tensor that is still in its file, only what the slice names is read.
    ///
    /// ```
    /// use achronyme_env::{Environment, Record, Value};
    ///
    /// let mut env = Environment::new();
    /// env.set("model", Record::from([("layers", Value::vector([4i64, 8, 2]))]))?;
    /// assert_eq!(env.at("model.layers[-1]")?.as_i64(), Some(2));
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError::NotFound`], [`EnvError::NoSuchPart`], [`EnvError::Syntax`],
    /// [`EnvError::SliceOutOfRange`], [`EnvError::WrongKind`]; what reading answers.
    pub fn at(&self, path: &str) -> Result<Value> {
        if let Some(value) = self.get(path) {
            return Ok(value.clone());
        }
        let split = Path::split(path, |name| self.get(name).is_some())?;
        let value = self.get(&split.name).ok_or_else(|| {
            // The whole of it may be nearest to a name with a dot.
            match nearest(path, self.names()) {
                Some(_) => self.not_found(path),
                None => self.not_found(&split.name),
            }
        })?;
        along(value, &split.steps).map_err(|e| e.at_path(path).of_variable(&split.name))
    }
}

/// The value that `steps` lead to.
fn along(value: &Value, steps: &[Step]) -> Result<Value> {
    let mut value = value.clone();
    for (n, step) in steps.iter().enumerate() {
        value = match step {
            Step::Field(name) => field(&value, name)?,
            Step::Slice(slice) => {
                let sliced = slice_of(&value, slice)?;
                let ends = slice.as_index().is_none() || value.kind() != Kind::Vector;
                if let (true, Some(step)) = (ends, steps.get(n + 1)) {
                    return Err(EnvError::NoSuchPart {
                        path: String::new(),
                        reason: format!("a slice has no part {step}"),
                    });
                }
                sliced
            }
        };
    }
    Ok(value)
}

/// A field of a record, or of the record that a cell holds.
fn field(value: &Value, name: &str) -> Result<Value> {
    let content;
    let value = match value {
        Value::Cell(cell) => {
            content = cell.get();
            &content
        }
        value => value,
    };
    let record = value
        .as_record()
        .ok_or_else(|| wrong_kind(value, "record"))?;
    let field = record.get(name).ok_or_else(|| no_field(record, name))?;
    Ok(field.clone())
}

/// What a slice names: of a tensor or string array, or elements of a vector.
fn slice_of(value: &Value, slice: &Slice) -> Result<Value> {
    match value {
        Value::Tensor(tensor) => Ok(tensor.slice(slice)?.into()),
        Value::StringArray(array) => array.slice(slice),
        Value::Vector(elements) => {
            let [axis] = slice.resolve(&[elements.len() as u64])?[..] else {
                return Err(wrong_kind(value, "tensor"));
            };
            let at = |n: u64| axis.start.wrapping_add_signed(n as i64 * axis.step);
            // What a slice resolves to lies within the elements.
            let element = |n: u64| elements.get(at(n) as usize).cloned().unwrap_or_default();
            match axis.stays {
                true => Ok(Value::vector((0..axis.count).map(element))),
                false => Ok(element(0)),
            }
        }
        other => Err(wrong_kind(other, "tensor or vector")),
    }
}

fn no_field(record: &Record, name: &str) -> EnvError {
    let hint = match nearest(name, record.names().take(10_000)) {
        Some(nearest) => format!("; did you mean {}?", quoted(&nearest)),
        None => String::new(),
    };
    EnvError::NoSuchPart {
        path: format!(".{name}"),
        reason: format!("the record has no such field{hint}"),
    }
}

fn wrong_kind(value: &Value, asked: &'static str) -> EnvError {
    EnvError::WrongKind {
        asked,
        found: value.kind().name(),
    }
}
