//! Columns of lists and of structs.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};

use super::elements::element;
use super::extensions::array_extension;
use super::fixed::{broken, in_rows};
use super::memory::booleans;
use super::reading::Reading;
use super::strings::ELEMENT;
use crate::error::Result;
use crate::value::{Record, Tensor, Value};

/// A column of structs: a record of columns.
///
/// # Errors
/// As [`Reading::column`].
pub(super) fn records(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Value> {
    let DataType::Struct(fields) = pieces[0].data_type() else {
        return Err(broken("a column of structs has another type"));
    };
    let mut record = Record::new();
    for (index, field) in fields.iter().enumerate() {
        let columns: Vec<ArrayRef> = pieces
            .iter()
            .map(|piece| piece.as_struct().column(index).clone())
            .collect();
        let step = || format!(".{}", field.name());
        let value = reading.below(step, |reading| reading.column(field, &columns))?;
        if record.insert(field.name().as_str(), value).is_some() {
            return Ok(reading.lost("struct", "two of its fields have one name"));
        }
    }
    match missing(reading, pieces)? {
        None if !fields.is_empty() => Ok(record.into()),
        None => Ok(reading.lost("struct", "it has no fields")),
        Some(missing) => Ok(array_extension("+s", Some(missing), record.into())),
    }
}

/// A column of lists of one length: an array of one rank more, where its items are an array.
///
/// # Errors
/// As [`Reading::column`].
pub(super) fn fixed_lists(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Value> {
    let DataType::FixedSizeList(item, size) = pieces[0].data_type() else {
        return Err(broken("a column of lists has another type"));
    };
    let size = u64::try_from(*size).map_err(broken)?;
    let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
    let items: Vec<ArrayRef> = pieces
        .iter()
        .map(|piece| {
            let list = piece.as_fixed_size_list();
            list.values().clone()
        })
        .collect();
    let found = reading.findings.len();
    let items = reading.below(|| "[]".to_owned(), |reading| reading.column(item, &items))?;
    let Some(value) = in_rows(&items, rows as u64, size)? else {
        reading.findings.truncate(found);
        return lists(reading, pieces);
    };
    match missing(reading, pieces)? {
        None => Ok(value),
        Some(missing) => Ok(array_extension(&format!("+w:{size}"), Some(missing), value)),
    }
}

/// A column of lists: a vector with an array for each, or null.
///
/// # Errors
/// As [`Reading::column`].
pub(super) fn lists(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Value> {
    let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
    reading.charge(rows as u64, 4 * ELEMENT)?;
    let mut values = Vec::with_capacity(rows);
    for piece in pieces {
        for row in 0..piece.len() {
            values.push(list(reading, piece.as_ref(), row)?);
        }
    }
    Ok(values.into())
}

/// One row of a column of lists.
///
/// # Errors
/// As [`Reading::column`].
pub(super) fn list(reading: &mut Reading, array: &dyn Array, row: usize) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    let (item, values) = match array.data_type() {
        DataType::List(item) => (item, array.as_list::<i32>().value(row)),
        DataType::LargeList(item) => (item, array.as_list::<i64>().value(row)),
        DataType::ListView(item) => (item, array.as_list_view::<i32>().value(row)),
        DataType::LargeListView(item) => (item, array.as_list_view::<i64>().value(row)),
        DataType::FixedSizeList(item, _) => (item, array.as_fixed_size_list().value(row)),
        DataType::Map(item, _) => {
            let entries: ArrayRef = std::sync::Arc::new(array.as_map().value(row));
            (item, entries)
        }
        other => return Err(broken(format!("a column of lists has the type {other}"))),
    };
    reading.below(|| "[]".to_owned(), |reading| items(reading, item, values))
}

/// The items of one list: structs and nulls one by one, anything else as a column of its own.
fn items(reading: &mut Reading, item: &Field, values: ArrayRef) -> Result<Value> {
    match item.data_type() {
        DataType::Struct(_) | DataType::Null => {
            reading.charge(values.len() as u64, 4 * ELEMENT)?;
            let items = (0..values.len()).map(|row| element(reading, item, values.as_ref(), row));
            items.collect::<Result<Vec<Value>>>().map(Value::from)
        }
        _ => reading.column(item, &[values]),
    }
}

/// Where rows are null, when some are.
fn missing(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Option<Tensor>> {
    if pieces.iter().all(|piece| piece.null_count() == 0) {
        return Ok(None);
    }
    let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
    reading.charge(rows as u64, 1)?;
    let missing = pieces.iter();
    let missing = missing.flat_map(|piece| (0..piece.len()).map(|row| piece.is_null(row)));
    booleans(missing.collect()).map(Some)
}
