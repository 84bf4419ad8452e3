//! Parts of a value by a path: looked up, and replaced.

use super::Value;
use crate::error::{EnvError, Result};
use crate::path::Step;
use crate::slice::Slice;

impl Value {
    /// The part that `steps` lead to; `path` is named by errors.
    pub(crate) fn follow(&self, steps: &[Step], path: &str) -> Result<Value> {
        let Some((step, rest)) = steps.split_first() else {
            return Ok(self.clone());
        };
        match (self, step) {
            (Value::Cell(cell), _) => cell.get().follow(steps, path),
            (Value::Record(record), Step::Field(name)) => match record.get(name) {
                Some(field) => field.follow(rest, path),
                None => {
                    let near = crate::name::nearest(name, record.names());
                    let hint =
                        near.map(|near| format!("; did you mean {}?", crate::name::quoted(&near)));
                    let hint = hint.unwrap_or_default();
                    Err(no_part(
                        path,
                        format!("the record has no field {name}{hint}"),
                    ))
                }
            },
            (Value::Vector(elements), Step::Slice(slice)) => match slice.as_index() {
                Some(index) => match place(index, elements.len()) {
                    Some(place) => elements[place].follow(rest, path),
                    None => Err(no_part(
                        path,
                        format!("the vector has {} elements", elements.len()),
                    )),
                },
                None => sliced(self, slice, rest, path),
            },
            (_, Step::Slice(slice)) => sliced(self, slice, rest, path),
            (other, Step::Field(name)) => Err(no_part(
                path,
                format!("a {} has no field {name}", other.kind()),
            )),
        }
    }

    /// Replaces the part that `steps` lead to: a field of a record, which is added when the record has
    /// none of that name, or an element of a vector.
    pub(crate) fn replace_at(&mut self, steps: &[Step], value: Value, path: &str) -> Result<()> {
        let Some((step, rest)) = steps.split_first() else {
            *self = value;
            return Ok(());
        };
        match (self, step) {
            (Value::Cell(cell), _) => {
                let mut content = cell.get();
                content.replace_at(steps, value, path)?;
                cell.set(content);
                Ok(())
            }
            (Value::Record(record), Step::Field(name)) => match record.get_mut(name) {
                Some(field) => field.replace_at(rest, value, path),
                None if rest.is_empty() => {
                    record.insert(name.as_str(), value);
                    Ok(())
                }
                None => Err(no_part(path, format!("the record has no field {name}"))),
            },
            (Value::Vector(elements), Step::Slice(slice)) => {
                let len = elements.len();
                match slice.as_index().and_then(|index| place(index, len)) {
                    Some(place) => elements.make_mut()[place].replace_at(rest, value, path),
                    None => Err(no_part(path, format!("the vector has {len} elements"))),
                }
            }
            (other, Step::Field(name)) => Err(no_part(
                path,
                format!("a {} has no field {name}", other.kind()),
            )),
            (other, Step::Slice(_)) => Err(no_part(
                path,
                format!(
                    "parts of a {} cannot be replaced; set all of it",
                    other.kind()
                ),
            )),
        }
    }
}

/// The value that a slice names, and that no step follows.
fn sliced(value: &Value, slice: &Slice, rest: &[Step], path: &str) -> Result<Value> {
    if let [step, ..] = rest {
        return Err(no_part(path, format!("a slice has no part {step}")));
    }
    match value {
        Value::Tensor(tensor) => Ok(Value::Tensor(tensor.slice(slice)?)),
        Value::StringArray(array) => array.slice(slice),
        Value::Vector(elements) => {
            let [axis] = slice.resolve(&[elements.len() as u64])?[..] else {
                return Err(no_part(path, "a vector has one axis".to_owned()));
            };
            let at = |n: u64| axis.start.wrapping_add_signed(n as i64 * axis.step) as usize;
            Ok((0..axis.count)
                .map(|n| elements[at(n)].clone())
                .collect::<Vec<_>>()
                .into())
        }
        other => Err(no_part(path, format!("a {} has no elements", other.kind()))),
    }
}

/// The place of an index that may count from the end.
fn place(index: i64, len: usize) -> Option<usize> {
    let place = match index {
        0.. => usize::try_from(index).ok()?,
        _ => len.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
    };
    (place < len).then_some(place)
}

fn no_part(path: &str, reason: String) -> EnvError {
    EnvError::NoSuchPart {
        path: path.to_owned(),
        reason,
    }
}
