//! What can be shown as a table, and its cells: a page of rows and columns at a time.

use std::sync::Arc;

use achronyme_env::{Kind, StringArray};
use serde_json::{Value as Json, json};

use super::column::{Column, text_cell, value_cell};
use super::look::{Label, Look, Place};
use super::parts::cut;
use super::query::Query;
use super::refusal::{Refusal, Result};
use super::sample::Picked;
use super::snapshot::Snapshot;
use crate::export::scalar::Scalar;
use crate::export::strings::string_at;
use crate::term::array::alone;

/// Rows in one answer.
const MOST_ROWS: u64 = 200;

/// Columns in one answer.
const MOST_COLUMNS: u64 = 64;

/// Fields of a record that is still a table.
const MOST_FIELDS: u64 = 2000;

/// Rows whose fields decide which columns a vector of records has.
const ROWS_THAT_DECIDE: u64 = 20;

/// A value that can be shown as a table.
pub(super) enum Table<'a> {
    /// An array of rank 1 or more: two of its axes.
    Array,
    /// An array of strings: rows of its last axis.
    Strings(Arc<StringArray>),
    /// Columns of equal length, with their names.
    Columns(Vec<(Arc<str>, Look<'a>)>, u64),
    /// Records, with the names of fields that the first have.
    Records(Look<'a>, Vec<Arc<str>>),
    /// Values.
    Elements(Look<'a>),
}

impl<'a> Table<'a> {
    /// The table a value is, when it is one. Nothing of an array is read.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn of(look: &Look<'a>) -> Result<Option<Table<'a>>> {
        match look.kind()? {
            Kind::Tensor => {
                let tensor = look.tensor()?;
                Ok(tensor
                    .filter(|tensor| !tensor.shape().is_empty() && !tensor.is_empty())
                    .map(|_| Table::Array))
            }
            Kind::StringArray => Ok(look.strings()?.map(Table::Strings)),
            Kind::Record => of_record(look),
            Kind::Vector if look.len()? > 0 => of_vector(look),
            Kind::Extension => of_extension(look),
            _ => Ok(None),
        }
    }

    /// The columns that can be drawn as lines: the names, and how a question names them.
    ///
    /// # Errors
    /// What reading answers.
    pub(super) fn series(&self) -> Result<Vec<Json>> {
        let mut series = Vec::new();
        match self {
            Table::Columns(columns, _) => {
                for (index, (name, look)) in columns.iter().enumerate() {
                    if let Some(column) = Column::of(look)?
                        && column.is_numeric()?
                    {
                        series.push(json!({ "label": shortened(name), "column": index }));
                    }
                    if series.len() as u64 >= MOST_COLUMNS {
                        break;
                    }
                }
            }
            Table::Records(look, fields) => {
                let first = look.part(0)?.1;
                for (index, name) in fields.iter().enumerate() {
                    let value = first.field(name)?;
                    if value.and_then(|value| value.number()).is_some() {
                        series.push(json!({ "label": shortened(name), "column": index }));
                    }
                }
            }
            Table::Array | Table::Strings(_) | Table::Elements(_) => {}
        }
        Ok(series)
    }
}

fn of_record<'a>(look: &Look<'a>) -> Result<Option<Table<'a>>> {
    let fields = look.len()?;
    if !(1..=MOST_FIELDS).contains(&fields) {
        return Ok(None);
    }
    let mut columns = Vec::new();
    let mut rows = None;
    for index in 0..fields {
        let (label, part) = look.part(index)?;
        let Label::Name(name) = label else {
            return Ok(None);
        };
        let Some(column) = Column::of(&part)? else {
            return Ok(None);
        };
        let len = column.len()?;
        if *rows.get_or_insert(len) != len {
            return Ok(None);
        }
        columns.push((name, part));
    }
    // A record with one list in it is a record, not a table.
    let rows = rows.filter(|rows| *rows > 0 && fields > 1);
    Ok(rows.map(|rows| Table::Columns(columns, rows)))
}

fn of_vector<'a>(look: &Look<'a>) -> Result<Option<Table<'a>>> {
    let mut fields: Vec<Arc<str>> = Vec::new();
    for row in 0..look.len()?.min(ROWS_THAT_DECIDE) {
        let record = look.part(row)?.1;
        match record.kind()? {
            Kind::Record => {}
            _ if row == 0 => return Ok(Some(Table::Elements(look.clone()))),
            _ => return Ok(None),
        }
        for index in 0..record.len()?.min(MOST_COLUMNS) {
            if let (Label::Name(name), _) = record.part(index)?
                && !fields.contains(&name)
            {
                fields.push(name);
            }
        }
    }
    fields.truncate(MOST_FIELDS as usize);
    Ok((!fields.is_empty()).then(|| Table::Records(look.clone(), fields)))
}

fn of_extension<'a>(look: &Look<'a>) -> Result<Option<Table<'a>>> {
    let name = look.type_name()?.unwrap_or_default();
    let storage = look.part(1)?.1;
    let column = |name: &str| -> Result<Option<(Look<'a>, Column<'a>)>> {
        let Some(field) = storage.field(name)? else {
            return Ok(None);
        };
        Ok(Column::of(&field)?.map(|column| (field, column)))
    };
    let frame = match &*name {
        "pandas.DataFrame" => match (column("columns")?, storage.field("values")?) {
            (Some((_, names)), Some(values)) => Some((names.cells(0, MOST_FIELDS)?, values)),
            _ => None,
        },
        _ => None,
    };
    if let Some((names, values)) = frame {
        let mut columns = Vec::new();
        if let Some((look, _)) = column("index")? {
            columns.push(("index".into(), look));
        }
        let first = columns.len();
        for (index, name) in names.iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            columns.push((name.into(), values.part(index as u64)?.1));
        }
        let mut rows = None;
        for (_, look) in &columns {
            let len = Column::of(look)?.map(|column| column.len()).transpose()?;
            if len.is_none() || rows.is_some_and(|rows| Some(rows) != len) {
                return Ok(None);
            }
            rows = len;
        }
        let rows = rows.filter(|_| columns.len() > first);
        return Ok(rows.map(|rows| Table::Columns(columns, rows)));
    }
    if &*name == "pandas.Series"
        && let Some((values, column_of_values)) = column("values")?
    {
        let rows = column_of_values.len()?;
        let mut columns = vec![("values".into(), values)];
        if let Some((index, names)) = column("index")?
            && names.len()? == rows
        {
            columns.insert(0, ("index".into(), index));
        }
        return Ok(Some(Table::Columns(columns, rows)));
    }
    if let Some(column) = Column::of(look)? {
        let rows = column.len()?;
        return Ok(Some(Table::Columns(
            vec![("values".into(), look.clone())],
            rows,
        )));
    }
    let (_, standing) = look.standing()?;
    match standing.kind()? {
        Kind::Extension => Ok(None),
        _ => Table::of(&standing),
    }
}

fn shortened(name: &str) -> String {
    match cut(name) {
        Some(head) => format!("{head}..."),
        None => name.to_owned(),
    }
}

/// What a page of a table is asked for by.
struct Page {
    from: u64,
    count: u64,
    first: u64,
    columns: u64,
}

impl Page {
    fn of(query: &Query) -> Result<Page> {
        Ok(Page {
            from: query.number("from", 0)?,
            count: query.count("count", 100, MOST_ROWS)?,
            first: query.number("first", 0)?,
            columns: query.count("columns", 20, MOST_COLUMNS)?,
        })
    }

    fn rows(&self, rows: u64) -> (u64, u64) {
        let from = self.from.min(rows);
        (from, self.count.min(rows - from))
    }

    fn columns(&self, columns: u64) -> (u64, u64) {
        let first = self.first.min(columns);
        (first, self.columns.min(columns - first))
    }
}

/// A page of a table. Cells are text, or null for one that is missing; they come column by column.
///
/// # Errors
/// [`Refusal`].
pub(super) fn rows(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let page = Page::of(query)?;
    let table = Table::of(&place.look)?.ok_or_else(|| Refusal::told("this is no table"))?;
    let (rows, columns, cells) = match table {
        Table::Array => return of_array(&place, query, &page),
        Table::Strings(strings) => return of_strings(&strings, &page),
        Table::Elements(look) => {
            let rows = look.len()?;
            let (from, count) = page.rows(rows);
            let column = Column::Elements(look);
            let mut head = head("value", "");
            head["is_numeric"] = json!(column.is_numeric()?);
            (rows, vec![head], vec![column.cells(from, count)?])
        }
        Table::Columns(columns, rows) => {
            let (from, count) = page.rows(rows);
            let (first, taken) = page.columns(columns.len() as u64);
            // The columns of a record are its parts, and can be shown by themselves.
            let are_parts = place.look.kind()? == Kind::Record;
            let mut heads = Vec::new();
            let mut cells = Vec::new();
            let shown = (first..).zip(columns.iter().skip(first as usize));
            for (index, (name, look)) in shown.take(taken as usize) {
                let column = Column::of(look)?;
                let column = column.ok_or_else(|| Refusal::told("this is no table"))?;
                let mut head = head(name, column.dtype());
                head["is_numeric"] = json!(column.is_numeric()?);
                head["part"] = json!(are_parts.then_some(index));
                heads.push(head);
                // Damage in one column is no reason to hide the others.
                cells.push(match column.cells(from, count) {
                    Ok(cells) => cells,
                    Err(Refusal::Told(text)) => vec![json!({ "error": text }); count as usize],
                    Err(other) => return Err(other),
                });
            }
            let all = columns.len() as u64;
            return Ok(answer(&page, (rows, all), heads, cells));
        }
        Table::Records(look, fields) => {
            let rows = look.len()?;
            let (from, count) = page.rows(rows);
            let (first, taken) = page.columns(fields.len() as u64);
            let shown = &fields[first as usize..(first + taken) as usize];
            let mut cells = vec![Vec::new(); shown.len()];
            for row in from..from + count {
                let record = look.part(row)?.1;
                for (name, cells) in shown.iter().zip(&mut cells) {
                    cells.push(match record.field(name)? {
                        Some(value) => value_cell(&value)?,
                        None => Json::Null,
                    });
                }
            }
            let sample = look.part(0)?.1;
            let heads = shown.iter().map(|name| {
                let value = sample.field(name)?;
                let mut head = head(name, "");
                head["is_numeric"] = json!(value.and_then(|value| value.number()).is_some());
                Ok(head)
            });
            let heads = heads.collect::<Result<Vec<_>>>()?;
            let all = fields.len() as u64;
            return Ok(answer(&page, (rows, all), heads, cells));
        }
    };
    Ok(answer(&page, (rows, 1), columns, cells))
}

fn head(name: &str, dtype: &str) -> Json {
    json!({ "label": shortened(name), "dtype": dtype, "is_numeric": false })
}

fn answer(
    page: &Page,
    (rows, columns): (u64, u64),
    heads: Vec<Json>,
    cells: Vec<Vec<Json>>,
) -> Json {
    json!({
        "from": page.rows(rows).0,
        "rows": rows,
        "first": page.columns(columns).0,
        "columns": columns,
        "heads": heads,
        "cells": cells,
    })
}

/// Two axes of an array, the others at one index each.
fn of_array(place: &Place<'_>, query: &Query, page: &Page) -> Result<Json> {
    let picked = Picked::of(place, query)?;
    let shape = picked.tensor.shape().to_vec();
    let (down, across) = match *query.numbers("axes")? {
        [down] => (down as usize, None),
        [down, across] => (down as usize, Some(across as usize)),
        _ => match shape.len() {
            1 => (0, None),
            rank => (rank - 2, Some(rank - 1)),
        },
    };
    let length = |axis: usize| {
        let length = shape.get(axis).copied();
        length.ok_or_else(|| Refusal::question("the array has no such axis"))
    };
    let rows = length(down)?;
    let columns = across.map(length).transpose()?;
    let (from, count) = page.rows(rows);
    let (first, taken) = page.columns(columns.unwrap_or(1));
    let mut ranges = vec![(down, from, count, 1)];
    if let Some(across) = across {
        ranges.push((across, first, taken, 1));
    }
    let block = picked.block(&ranges)?;
    let (bytes, size) = (block.tensor.as_bytes()?, block.tensor.dtype().size());
    let cell = |row: u64, column: u64| {
        let at = row * block.strides[0] + column * block.strides.get(1).copied().unwrap_or(0);
        let element = bytes.get(at as usize * size..).unwrap_or_default();
        let scalar = Scalar::decode(picked.tensor.dtype(), element);
        scalar.map(|scalar| json!(alone(scalar)))
    };
    let mut cells = Vec::new();
    let mut heads = Vec::new();
    for column in 0..taken {
        let mut head = match across {
            Some(_) => head(&(first + column).to_string(), ""),
            None => head("value", picked.tensor.dtype().name()),
        };
        head["is_numeric"] = json!(true);
        heads.push(head);
        let column: Result<Vec<Json>, _> = (0..count).map(|row| cell(row, column)).collect();
        cells.push(column?);
    }
    Ok(answer(page, (rows, columns.unwrap_or(1)), heads, cells))
}

/// An array of strings: its last axis across, all others down.
fn of_strings(strings: &StringArray, page: &Page) -> Result<Json> {
    let shape = strings.shape();
    let columns = match shape {
        [] | [_] => 1,
        [.., last] => (*last).max(1),
    };
    let rows = strings.len() / columns;
    let (from, count) = page.rows(rows);
    let (first, taken) = page.columns(columns);
    let mut cells = Vec::new();
    for column in first..first + taken {
        let column = (from..from + count)
            .map(|row| Ok(text_cell(&string_at(strings, row * columns + column)?)));
        cells.push(column.collect::<Result<Vec<_>>>()?);
    }
    let heads = (first..first + taken).map(|column| match columns {
        1 => head("value", "text"),
        _ => head(&column.to_string(), ""),
    });
    Ok(answer(page, (rows, columns), heads.collect(), cells))
}
