//! From names to what can be drawn of them.

use std::path::Path;

use achronyme_env::{Archive, Slice, Value, Vector, format_shape};

use super::numbers::{Numbers, Part, number};
use crate::error::{Failure, Result, note, shown};
use crate::term::escape;

/// Numbers with the name that stands beside them.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Harmless already.
    pub(crate) name: String,
    pub(crate) numbers: Numbers,
    /// What its attribute `units` says.
    pub(crate) units: Option<String>,
}

/// What was found under one name.
enum Found {
    Numbers(Numbers),
    /// The columns with numbers, and what the others hold.
    Table(Vec<(String, Numbers)>, Vec<(String, String)>),
}

/// What is to be drawn: of one name, or a column of a table.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) series: Vec<Series>,
    /// What `--x` names.
    pub(crate) x: Option<Series>,
    /// The name of the table, when all are columns of one.
    pub(crate) table: Option<String>,
}

/// Where names lead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) file: &'a Path,
}

impl Source<'_> {
    /// Finds what names mean, and what `x` does: a column of the table, or else a name as well.
    ///
    /// # Errors
    /// What reading answers; a value that cannot be drawn.
    pub(crate) fn choose(&self, names: &[String], x: Option<&str>) -> Result<Chosen> {
        let mut chosen = Chosen {
            series: Vec::new(),
            x: None,
            table: None,
        };
        for name in names {
            match self.find(name)? {
                Found::Numbers(numbers) => chosen.series.push(self.series(name, numbers)?),
                Found::Table(columns, others) => {
                    let alone = names.len() == 1;
                    if alone {
                        chosen.table = Some(escape::label(name));
                    }
                    if !others.is_empty() {
                        self.tell_others(name, &others);
                    }
                    for (field, numbers) in columns {
                        let label = match alone {
                            true => escape::label(&field),
                            false => escape::label(&format!("{name}.{field}")),
                        };
                        let series = Series {
                            name: label,
                            numbers,
                            units: None,
                        };
                        match x {
                            Some(x) if x == field => chosen.x = Some(series),
                            _ => chosen.series.push(series),
                        }
                    }
                }
            }
        }
        if let (Some(x), None) = (x, &chosen.x) {
            let Found::Numbers(numbers) = self.find(x)? else {
                return Err(self.refusal(x, "is a table; name a column of it for --x"));
            };
            chosen.x = Some(self.series(x, numbers)?);
        }
        if chosen.series.is_empty() {
            return Err(self.refusal(&names[0], "has no other column of numbers than that of --x"));
        }
        Ok(chosen)
    }

    fn series(&self, name: &str, numbers: Numbers) -> Result<Series> {
        let attributes = match self.archive.contains(name) {
            true => self.archive.attributes(name)?,
            false => Default::default(),
        };
        let units = match attributes.get("units") {
            Some(Value::String(units)) if !units.is_empty() => Some(escape::label(units)),
            _ => None,
        };
        Ok(Series {
            name: escape::label(name),
            numbers,
            units,
        })
    }

    /// A sentence about a name.
    pub(crate) fn refusal(&self, name: &str, what: &str) -> Failure {
        let file = shown(self.file);
        Failure::refused(format!("{} of {file} {what}", escape::name(name)))
    }

    fn find(&self, name: &str) -> Result<Found> {
        if let Some(numbers) = self.window(name) {
            return self.some(name, numbers);
        }
        let value = self.archive.at(name)?;
        if let Some(numbers) = Numbers::of_value(&value)? {
            return self.some(name, numbers);
        }
        match &value {
            Value::Record(record) => {
                let mut columns = Vec::new();
                let mut others = Vec::new();
                for (field, value) in record.iter() {
                    match Numbers::of_value(value)? {
                        Some(numbers) if numbers.shape().len() == 1 && numbers.len() > 0 => {
                            columns.push((field.to_owned(), numbers));
                        }
                        _ => others.push((field.to_owned(), described(value))),
                    }
                }
                self.table(name, columns, others)
            }
            Value::Vector(vector) if is_table(vector) => {
                let (columns, others) = columns(vector)?;
                self.table(name, columns, others)
            }
            Value::Boolean(_) | Value::Integer(_) | Value::Number(_) | Value::Complex(_) => {
                Err(self.refusal(name, "is a single number; `ach get` shows it"))
            }
            other => Err(self.refusal(
                name,
                &format!(
                    "is {} and cannot be drawn; `ach get` shows it",
                    described(other)
                ),
            )),
        }
    }

    fn some(&self, name: &str, numbers: Numbers) -> Result<Found> {
        match numbers.len() {
            0 => Err(self.refusal(
                name,
                &format!(
                    "is empty, of shape {}: there is nothing to draw",
                    format_shape(&numbers.shape())
                ),
            )),
            1 if numbers.shape().is_empty() => {
                Err(self.refusal(name, "is a single number; `ach get` shows it"))
            }
            _ => Ok(Found::Numbers(numbers)),
        }
    }

    fn table(
        &self,
        name: &str,
        columns: Vec<(String, Numbers)>,
        others: Vec<(String, String)>,
    ) -> Result<Found> {
        match columns.is_empty() {
            true => Err(self.refusal(
                name,
                "is a record without a column of numbers; name a part of it, as NAME.FIELD",
            )),
            false => Ok(Found::Table(columns, others)),
        }
    }

    fn tell_others(&self, name: &str, others: &[(String, String)]) {
        const MOST: usize = 10;
        let told = others.iter().take(MOST);
        let told = told.map(|(field, what)| format!("{} ({what})", escape::label(field)));
        let mut told: Vec<String> = told.collect();
        if others.len() > MOST {
            told.push(format!("{} more", others.len() - MOST));
        }
        note(&format!(
            "not drawn of {}: {}",
            escape::name(name),
            told.join(", ")
        ));
    }

    /// A part of a vector that stands in the file as one piece, without a copy of it.
    fn window(&self, name: &str) -> Option<Numbers> {
        if self.archive.contains(name) {
            return None;
        }
        let (vector, slice) = name.strip_suffix(']')?.rsplit_once('[')?;
        let slice: Slice = slice.parse().ok()?;
        let Ok(Value::Tensor(tensor)) = self.archive.at(vector) else {
            return None;
        };
        Numbers::of_tensor(tensor)?.window(&slice)
    }
}

impl Series {
    /// The lines that are drawn of it: two for complex numbers, or their absolute values.
    pub(crate) fn parts(self, absolute: bool) -> Vec<Series> {
        let part = |series: &Series, name: String, part| Series {
            name,
            numbers: series.numbers.clone().part(part),
            units: series.units.clone(),
        };
        match (self.numbers.is_complex(), absolute) {
            (true, true) => vec![part(&self, format!("|{}|", self.name), Part::Absolute)],
            (true, false) => vec![
                part(&self, format!("Re {}", self.name), Part::Real),
                part(&self, format!("Im {}", self.name), Part::Imaginary),
            ],
            (false, _) => vec![self],
        }
    }

    /// `name (units)`.
    pub(crate) fn labelled(&self) -> String {
        match &self.units {
            Some(units) => format!("{} ({units})", self.name),
            None => self.name.clone(),
        }
    }
}

/// What a value is, for a sentence.
fn described(value: &Value) -> String {
    match value {
        Value::String(_) => "text".to_owned(),
        Value::StringArray(_) => "an array of text".to_owned(),
        Value::Tensor(tensor) => {
            let (dtype, shape) = (tensor.dtype(), format_shape(tensor.shape()));
            format!("{dtype} {shape}")
        }
        Value::Vector(vector) if vector.is_empty() => "an empty vector".to_owned(),
        Value::Vector(_) => "a vector of other things than numbers".to_owned(),
        Value::Extension(extension) => {
            format!(
                "an extension of type {}",
                escape::name(&extension.type_name)
            )
        }
        Value::Edge(_) | Value::Error(_) => format!("an {}", value.kind().name()),
        other => format!("a {}", other.kind().name()),
    }
}

/// Whether a vector holds records only.
fn is_table(vector: &Vector) -> bool {
    !vector.is_empty() && vector.iter().all(|value| matches!(value, Value::Record(_)))
}

type Columns = (Vec<(String, Numbers)>, Vec<(String, String)>);

/// The columns of a vector of records, by the fields of the first.
fn columns(vector: &Vector) -> Result<Columns> {
    let (mut columns, mut others) = (Vec::new(), Vec::new());
    let Some(Value::Record(first)) = vector.iter().next() else {
        return Ok((columns, others));
    };
    for (field, value) in first.iter() {
        let all: Option<Vec<f64>> = vector
            .iter()
            .map(|value| match value {
                Value::Record(record) => record.get(field).and_then(number),
                _ => None,
            })
            .collect();
        match all {
            Some(all) => columns.push((field.to_owned(), Numbers::of_vec(all)?)),
            None if number(value).is_some() => {
                others.push((field.to_owned(), "not a number everywhere".to_owned()));
            }
            None => others.push((field.to_owned(), described(value))),
        }
    }
    Ok((columns, others))
}

/// Whether a tensor of that shape is an image: rows, columns, and channels if any.
pub(crate) fn is_image(shape: &[u64]) -> bool {
    matches!(shape, [_, _] | [_, _, 1..=4])
}

/// What the greatest brightness of an image is.
pub(crate) fn white(tensor: &Numbers) -> f64 {
    use achronyme_env::DType;
    match tensor.dtype() {
        DType::Bool => 1.0,
        DType::U16 => 65535.0,
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => 1.0,
        _ => 255.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Tensor;

    #[test]
    fn what_looks_like_an_image() {
        assert!(is_image(&[2, 3]) && is_image(&[2, 3, 4]) && is_image(&[2, 3, 1]));
        assert!(!is_image(&[3]) && !is_image(&[2, 3, 5]) && !is_image(&[2, 3, 3, 3]));
    }

    #[test]
    fn half_floats_are_white_at_one() {
        let of = |tensor| white(&Numbers::of_tensor(tensor).unwrap());
        assert_eq!(of(Tensor::from_vec(vec![0.5f32], [1]).unwrap()), 1.0);
        assert_eq!(of(Tensor::from_vec(vec![7u16], [1]).unwrap()), 65535.0);
        assert_eq!(of(Tensor::from_vec(vec![7i64], [1]).unwrap()), 255.0);
    }
}
