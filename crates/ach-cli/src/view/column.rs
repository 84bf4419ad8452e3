//! A column of a table: any value that holds one thing for each row.

use std::sync::Arc;

use achronyme_env::{DType, Kind, StringArray, Tensor, Value};
use serde_json::{Value as Json, json};

use super::look::Look;
use super::numbers::{ComplexPart, numbers};
use super::parts::{brief, cut};
use super::refusal::Result;
use crate::export::scalar::Scalar;
use crate::export::strings::string_at;
use crate::term::array::{alone, complex};
use crate::term::date::iso;
use crate::term::float::Float;

/// Extensions and records a column may be wrapped in.
const DEPTH: usize = 8;

/// A column.
pub(super) enum Column<'a> {
    /// One number a row: a tensor of rank 1.
    Numbers(Tensor),
    /// Counts of a unit since 1970, or of time passed.
    Times {
        /// The counts.
        counts: Tensor,
        /// Units in one count.
        step: i64,
        /// The unit, as NumPy calls it.
        unit: Arc<str>,
        /// Whether they are dates.
        are_dates: bool,
    },
    /// One string a row.
    Strings(Arc<StringArray>),
    /// Numbers of the rows of another column, -1 for none.
    Categories(Tensor, Box<Column<'a>>),
    /// Rows of which some are marked as missing.
    Marked(Box<Column<'a>>, Tensor),
    /// One value a row.
    Elements(Look<'a>),
}

impl<'a> Column<'a> {
    /// The column that a value is, when it is one. Nothing of an array is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn of(look: &Look<'a>) -> Result<Option<Column<'a>>> {
        Column::within(look, DEPTH)
    }

    fn within(look: &Look<'a>, depth: usize) -> Result<Option<Column<'a>>> {
        Ok(match look.kind()? {
            Kind::Tensor => look
                .tensor()?
                .filter(|tensor| tensor.shape().len() == 1)
                .map(Column::Numbers),
            Kind::StringArray => look
                .strings()?
                .filter(|strings| strings.shape().len() == 1)
                .map(Column::Strings),
            Kind::Vector => Some(Column::Elements(look.clone())),
            Kind::Extension if depth > 0 => Column::of_extension(look, depth - 1)?,
            _ => None,
        })
    }

    fn of_extension(look: &Look<'a>, depth: usize) -> Result<Option<Column<'a>>> {
        let name = look.type_name()?.unwrap_or_default();
        let (parameters, storage) = (look.part(0)?.1, look.part(1)?.1);
        let column = |name: &str| -> Result<Option<Column<'a>>> {
            match storage.field(name)? {
                Some(field) => Column::within(&field, depth),
                None => Ok(None),
            }
        };
        match &*name {
            "datetime64" | "numpy.datetime64" | "timedelta64" | "numpy.timedelta64" => {
                let Some(counts) = storage
                    .tensor()?
                    .filter(|counts| counts.dtype() == DType::I64 && counts.shape().len() == 1)
                else {
                    return Ok(None);
                };
                let (unit, step) = unit(&parameters)?;
                Ok(Some(Column::Times {
                    counts,
                    step,
                    unit,
                    are_dates: name.ends_with("datetime64"),
                }))
            }
            "pandas.Categorical" => Ok(match (column("codes")?, column("categories")?) {
                (Some(Column::Numbers(codes)), Some(categories)) => {
                    Some(Column::Categories(codes, Box::new(categories)))
                }
                _ => None,
            }),
            "pandas.strings" | "pandas.masked" => {
                Ok(match (column("values")?, column("missing")?) {
                    (Some(values), Some(Column::Numbers(missing))) => {
                        Some(Column::Marked(Box::new(values), missing))
                    }
                    (values, _) => values,
                })
            }
            _ => Column::within(&storage, depth),
        }
    }

    /// Number of rows.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn len(&self) -> Result<u64> {
        Ok(match self {
            Column::Numbers(tensor) | Column::Categories(tensor, _) => tensor.len(),
            Column::Times { counts, .. } => counts.len(),
            Column::Strings(strings) => strings.len(),
            Column::Marked(values, _) => values.len()?,
            Column::Elements(look) => look.len()?,
        })
    }

    /// What its rows are, in a word.
    pub(super) fn dtype(&self) -> &'static str {
        match self {
            Column::Numbers(tensor) => tensor.dtype().name(),
            Column::Times {
                are_dates: true, ..
            } => "date",
            Column::Times { .. } => "duration",
            Column::Strings(_) => "text",
            Column::Categories(..) => "category",
            Column::Marked(values, _) => values.dtype(),
            Column::Elements(_) => "values",
        }
    }

    /// Whether it can be drawn as a line.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn is_numeric(&self) -> Result<bool> {
        Ok(match self {
            Column::Numbers(_) | Column::Times { .. } => true,
            Column::Marked(values, _) => values.is_numeric()?,
            Column::Strings(_) | Column::Categories(..) => false,
            Column::Elements(look) => look.len()? > 0 && look.part(0)?.1.number().is_some(),
        })
    }

    /// Some of its rows as numbers: NaN for one that is none. Every `step`-th of `count`.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn numbers(
        &self,
        from: u64,
        count: u64,
        step: u64,
        part: ComplexPart,
    ) -> Result<Vec<f64>> {
        Ok(match self {
            Column::Numbers(tensor) => every(tensor, from, count, step, part)?,
            Column::Times { counts, .. } => every(counts, from, count, step, part)?,
            Column::Marked(values, missing) => {
                let mut values = values.numbers(from, count, step, part)?;
                let missing = every(missing, from, count, step, part)?;
                for (value, missing) in values.iter_mut().zip(missing) {
                    if missing != 0.0 {
                        *value = f64::NAN;
                    }
                }
                values
            }
            Column::Elements(look) => (0..count)
                .map(|n| Ok(look.part(from + n * step)?.1.number().unwrap_or(f64::NAN)))
                .collect::<Result<_>>()?,
            Column::Strings(_) | Column::Categories(..) => vec![f64::NAN; count as usize],
        })
    }

    /// Some of its rows as text for cells; null for one that is missing.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn cells(&self, from: u64, count: u64) -> Result<Vec<Json>> {
        let count = count.min(self.len()?.saturating_sub(from));
        Ok(match self {
            Column::Numbers(tensor) => scalars(tensor, from, count)?
                .into_iter()
                .map(|scalar| json!(alone(scalar)))
                .collect(),
            Column::Times {
                counts,
                step,
                unit,
                are_dates,
            } => scalars(counts, from, count)?
                .into_iter()
                .map(|scalar| json!(time(scalar, *step, unit, *are_dates)))
                .collect(),
            Column::Strings(strings) => (from..from + count)
                .map(|row| Ok(text_cell(&string_at(strings, row)?)))
                .collect::<Result<_>>()?,
            Column::Categories(codes, categories) => scalars(codes, from, count)?
                .into_iter()
                .map(|code| match code {
                    Scalar::Signed(code) if code >= 0 => category(categories, code as u64),
                    Scalar::Unsigned(code) => category(categories, code),
                    _ => Ok(Json::Null),
                })
                .collect::<Result<_>>()?,
            Column::Marked(values, missing) => {
                let missing = scalars(missing, from, count.min(missing.len()))?;
                let mut cells = values.cells(from, count)?;
                for (cell, missing) in cells.iter_mut().zip(missing) {
                    if missing == Scalar::Bool(true) {
                        *cell = Json::Null;
                    }
                }
                cells
            }
            Column::Elements(look) => (from..from + count)
                .map(|row| value_cell(&look.part(row)?.1))
                .collect::<Result<_>>()?,
        })
    }
}

/// Every `step`-th of the elements of a tensor of rank 1.
fn every(tensor: &Tensor, from: u64, count: u64, step: u64, part: ComplexPart) -> Result<Vec<f64>> {
    let axis = super::sample::range(from, count, step);
    let taken = tensor.slice(&achronyme_env::Slice::new([axis]))?;
    Ok(numbers(tensor.dtype(), taken.as_bytes()?, part))
}

/// Elements of a tensor in the order they are stored.
pub(super) fn scalars(tensor: &Tensor, from: u64, count: u64) -> Result<Vec<Scalar>> {
    let size = tensor.dtype().size();
    let mut bytes = vec![0; count as usize * size];
    tensor.read_at(from * size as u64, &mut bytes)?;
    let elements = bytes.chunks_exact(size);
    let decoded = elements.map(|element| Scalar::decode(tensor.dtype(), element));
    Ok(decoded.collect::<Result<_, _>>()?)
}

fn category(categories: &Column<'_>, code: u64) -> Result<Json> {
    let cell = categories.cells(code, 1)?.pop();
    Ok(cell.unwrap_or(Json::Null))
}

fn unit(parameters: &Look<'_>) -> Result<(Arc<str>, i64)> {
    let text = |look: &Look<'_>| -> Result<Arc<str>> {
        let bytes = look.written()?;
        let mut head = vec![0; bytes.as_ref().map_or(0, |b| b.len().min(16)) as usize];
        if let Some(bytes) = bytes {
            bytes.read_at(0, &mut head)?;
        }
        Ok(String::from_utf8_lossy(&head).into())
    };
    if parameters.kind()? != Kind::Record {
        return Ok((text(parameters)?, 1));
    }
    let unit = match parameters.field("unit")? {
        Some(unit) => text(&unit)?,
        None => "".into(),
    };
    let count = parameters.field("count")?.and_then(|count| count.number());
    Ok((unit, count.map_or(1, |count| count as i64)))
}

fn time(count: Scalar, step: i64, unit: &str, is_date: bool) -> String {
    match count {
        Scalar::Signed(i64::MIN) => "NaT".to_owned(),
        Scalar::Signed(count) if is_date => {
            iso(count, step, unit).unwrap_or_else(|| format!("{count} {unit} since 1970"))
        }
        Scalar::Signed(count) => format!("{} {unit}", i128::from(count) * i128::from(step)),
        other => alone(other),
    }
}

/// A value in a cell.
///
/// # Errors
/// What reading answers.
pub(super) fn value_cell(look: &Look<'_>) -> Result<Json> {
    if look.kind()? == Kind::Null {
        return Ok(Json::Null);
    }
    Ok(json!(brief(look)?.text))
}

/// Text in a cell, cut when it is long.
pub(super) fn text_cell(text: &str) -> Json {
    match cut(text) {
        Some(head) => json!(format!("{head}...")),
        None => json!(text),
    }
}

/// A value without parts as text.
pub(super) fn scalar(value: &Value) -> String {
    match value {
        Value::Boolean(x) => x.to_string(),
        Value::Integer(x) => x.to_string(),
        Value::Number(x) => Float::from(*x).alone(),
        Value::Complex(z) => complex(z.re.into(), z.im.into()),
        _ => "null".to_owned(),
    }
}
