//! What `ach diff` found, as JSON.

use std::path::Path;

use achronyme_env::{Changed, Diff, Difference, Lone, Mismatch, Order, Summary, Value};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::Result;
use crate::term::json;

/// The whole comparison.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    a: String,
    b: String,
    same: bool,
    unchanged: usize,
    added: Vec<Row>,
    removed: Vec<Row>,
    changed: Vec<ChangedRow>,
}

/// A variable that one side has.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, Serialize)]
struct What {
    kind: &'static str,
    dtype: Option<&'static str>,
    shape: Option<Vec<u64>>,
    entries: Option<u64>,
}

#[derive(Debug, Serialize)]
struct ChangedRow {
    name: String,
    constant: Option<(bool, bool)>,
    mutable: Option<(bool, bool)>,
    value: Vec<DifferenceRow>,
    attributes: Vec<DifferenceRow>,
    unlisted: u64,
}

#[derive(Debug, Serialize)]
struct DifferenceRow {
    path: String,
    #[serde(flatten)]
    mismatch: MismatchRow,
}

#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
enum MismatchRow {
    Added(What),
    Dtype {
        a: &'static str,
        b: &'static str,
    },
    Elements {
        differing: u64,
        total: u64,
        first: Vec<u64>,
        a: Box<RawValue>,
        b: Box<RawValue>,
        largest_absolute: Option<f64>,
        largest_relative: Option<f64>,
    },
    FieldOrder,
    Kind {
        a: &'static str,
        b: &'static str,
    },
    Length {
        a: u64,
        b: u64,
    },
    Order {
        a: &'static str,
        b: &'static str,
    },
    Other,
    Removed(What),
    Shape {
        a: Vec<u64>,
        b: Vec<u64>,
    },
    Shared {
        with: String,
    },
    Sharing,
    Value {
        a: Box<RawValue>,
        b: Box<RawValue>,
    },
}

impl Report {
    /// The comparison of the archives at `a` and `b`.
    ///
    /// # Errors
    /// What reading the values answers.
    pub(crate) fn new(schema: u32, a: &Path, b: &Path, diff: &Diff) -> Result<Report> {
        let changed = diff.changed.iter().map(of_changed);
        Ok(Report {
            schema,
            a: a.to_string_lossy().into_owned(),
            b: b.to_string_lossy().into_owned(),
            same: diff.is_same(),
            unchanged: diff.unchanged,
            added: diff.added.iter().map(of_lone).collect(),
            removed: diff.removed.iter().map(of_lone).collect(),
            changed: changed.collect::<Result<_>>()?,
        })
    }
}

fn of_lone(lone: &Lone) -> Row {
    Row {
        name: lone.name.clone(),
        what: what(&lone.summary),
    }
}

fn what(summary: &Summary) -> What {
    What {
        kind: summary.kind.name(),
        dtype: summary.dtype.map(|dtype| dtype.name()),
        shape: summary.shape.clone(),
        entries: summary.len,
    }
}

fn of_changed(changed: &Changed) -> Result<ChangedRow> {
    let rows = |list: &[Difference]| list.iter().map(of_difference).collect::<Result<_>>();
    Ok(ChangedRow {
        name: changed.name.clone(),
        constant: changed.constant,
        mutable: changed.mutable,
        value: rows(&changed.value)?,
        attributes: rows(&changed.attributes)?,
        unlisted: changed.unlisted,
    })
}

fn of_difference(difference: &Difference) -> Result<DifferenceRow> {
    let order = |order: Order| match order {
        Order::C => "C",
        Order::Fortran => "Fortran",
    };
    let mismatch = match &difference.mismatch {
        Mismatch::Added(summary) => MismatchRow::Added(what(summary)),
        Mismatch::DType { a, b } => MismatchRow::Dtype {
            a: a.name(),
            b: b.name(),
        },
        Mismatch::Elements(found) => MismatchRow::Elements {
            differing: found.differing,
            total: found.total,
            first: found.first.clone(),
            a: element(&found.a)?,
            b: element(&found.b)?,
            largest_absolute: found.largest_absolute,
            largest_relative: found.largest_relative,
        },
        Mismatch::FieldOrder => MismatchRow::FieldOrder,
        Mismatch::Kind { a, b } => MismatchRow::Kind {
            a: a.name(),
            b: b.name(),
        },
        Mismatch::Length { a, b } => MismatchRow::Length { a: *a, b: *b },
        Mismatch::Order { a, b } => MismatchRow::Order {
            a: order(*a),
            b: order(*b),
        },
        Mismatch::Removed(summary) => MismatchRow::Removed(what(summary)),
        Mismatch::Shape { a, b } => MismatchRow::Shape {
            a: a.clone(),
            b: b.clone(),
        },
        Mismatch::Shared { name } => MismatchRow::Shared { with: name.clone() },
        Mismatch::Sharing => MismatchRow::Sharing,
        Mismatch::Values { a, b } => MismatchRow::Value {
            a: raw(a)?,
            b: raw(b)?,
        },
        _ => MismatchRow::Other,
    };
    Ok(DifferenceRow {
        path: difference.path.clone(),
        mismatch,
    })
}

fn raw(value: &Value) -> Result<Box<RawValue>> {
    let mut text = Vec::new();
    json::write(value, &mut text)?;
    raw_of(text)
}

fn raw_of(text: Vec<u8>) -> Result<Box<RawValue>> {
    let text = String::from_utf8(text).map_err(std::io::Error::other)?;
    Ok(RawValue::from_string(text).map_err(std::io::Error::other)?)
}

/// An element of an array: of a tensor of rank 0 its `data`.
fn element(value: &Value) -> Result<Box<RawValue>> {
    let whole = raw(value)?;
    if !matches!(value, Value::Tensor(_)) {
        return Ok(whole);
    }
    #[derive(serde::Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }
    let found: Whole<'_> = serde_json::from_str(whole.get()).map_err(std::io::Error::other)?;
    Ok(found.data.to_owned())
}
