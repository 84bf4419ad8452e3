//! Rows that name others, written out: how much that makes is known before any of it is made.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, UInt64Array, new_null_array, types};
use arrow_schema::DataType;

use super::fixed::broken;
use super::reading::Reading;
use crate::error::Result;

/// Bytes of a piece: offsets of 32 bits reach twice as far.
const PIECE: u64 = 1 << 30;

/// Bytes of an index.
const INDEX: u64 = size_of::<Option<u64>>() as u64;

/// The rows that a dictionary's keys name, in pieces.
///
/// # Errors
/// When they are more than the limits allow.
pub(super) fn of_dictionary(reading: &mut Reading, array: &ArrayRef) -> Result<Vec<ArrayRef>> {
    let dictionary = array.as_any_dictionary();
    let (keys, values) = (dictionary.keys(), dictionary.values());
    reading.charge(keys.len() as u64, 2 * INDEX)?;
    if values.is_empty() {
        let bytes = null_bytes(values.data_type());
        reading.charge(keys.len() as u64, bytes)?;
        return Ok(vec![new_null_array(values.data_type(), keys.len())]);
    }
    let named = dictionary.normalized_keys().into_iter().enumerate();
    let named = named.map(|(row, key)| keys.is_valid(row).then_some(key as u64));
    taken(reading, values, &named.collect::<Vec<_>>())
}

/// The rows of runs, in pieces.
///
/// # Errors
/// When they are more than the limits allow.
pub(super) fn of_runs(reading: &mut Reading, array: &ArrayRef) -> Result<Vec<ArrayRef>> {
    reading.charge(array.len() as u64, INDEX)?;
    let DataType::RunEndEncoded(ends, _) = array.data_type() else {
        return Err(broken("a column of runs has another type"));
    };
    match ends.data_type() {
        DataType::Int16 => runs::<types::Int16Type>(reading, array),
        DataType::Int32 => runs::<types::Int32Type>(reading, array),
        _ => runs::<types::Int64Type>(reading, array),
    }
}

fn runs<R: types::RunEndIndexType>(
    reading: &mut Reading,
    array: &ArrayRef,
) -> Result<Vec<ArrayRef>> {
    let array = array.as_run::<R>();
    let ends = array.run_ends();
    let named = (0..array.len()).map(|row| Some(ends.get_physical_index(row) as u64));
    taken(reading, array.values(), &named.collect::<Vec<_>>())
}

/// The rows of `values` of those numbers, null where there is none.
fn taken(reading: &mut Reading, values: &ArrayRef, named: &[Option<u64>]) -> Result<Vec<ArrayRef>> {
    let ends = ends(reading, values.as_ref())?;
    let weight = |row: &Option<u64>| match *row {
        Some(row) => between(&ends, row as usize, row as usize + 1),
        None => null_bytes(values.data_type()),
    };
    // All of it before any of it is made.
    let all = named
        .iter()
        .fold(0, |all: u64, row| all.saturating_add(weight(row)));
    reading.charge(all, 1)?;
    let mut pieces = Vec::new();
    let mut rest = named;
    loop {
        let mut bytes = 0u64;
        let enough = rest.iter().position(|row| {
            bytes = bytes.saturating_add(weight(row));
            bytes >= PIECE
        });
        let (now, after) = rest.split_at(enough.map_or(rest.len(), |last| last + 1));
        let indices = UInt64Array::from(now.to_vec());
        let piece = arrow_select::take::take(values, &indices, None);
        pieces.push(piece.map_err(broken)?);
        rest = after;
        if rest.is_empty() {
            return Ok(pieces);
        }
    }
}

/// Bytes of the rows before each row, and of all: what taking them costs.
fn ends(reading: &mut Reading, array: &dyn Array) -> Result<Vec<u64>> {
    let rows = array.len();
    reading.charge(rows as u64 + 1, 8)?;
    let even = |each: u64| {
        (0..=rows as u64)
            .map(|row| row.saturating_mul(each))
            .collect()
    };
    Ok(match array.data_type() {
        DataType::Utf8 => of_offsets(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => of_offsets(array.as_string::<i64>().value_offsets()),
        DataType::Binary => of_offsets(array.as_binary::<i32>().value_offsets()),
        DataType::LargeBinary => of_offsets(array.as_binary::<i64>().value_offsets()),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            of_lists(&ends(reading, list.values())?, list.value_offsets())
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            of_lists(&ends(reading, list.values())?, list.value_offsets())
        }
        DataType::Map(..) => {
            let map = array.as_map();
            of_lists(&ends(reading, map.entries())?, map.value_offsets())
        }
        DataType::FixedSizeList(_, size) => {
            let size = usize::try_from(*size).map_err(broken)?;
            let items = ends(reading, array.as_fixed_size_list().values())?;
            summed(rows, |row| between(&items, row * size, (row + 1) * size))
        }
        DataType::Struct(_) => {
            let columns = array.as_struct().columns().iter();
            let columns = columns.map(|column| ends(reading, column.as_ref()));
            let columns = columns.collect::<Result<Vec<_>>>()?;
            summed(rows, |row| {
                let columns = columns.iter();
                columns.fold(1, |all: u64, ends| {
                    all.saturating_add(between(ends, row, row + 1))
                })
            })
        }
        // Of others a row has as many bytes as any: what views and keys name stays where it is.
        known if is_even(known) => even(null_bytes(known)),
        _ => even(array.get_array_memory_size() as u64),
    })
}

/// Whether all rows of a type take as much.
fn is_even(data_type: &DataType) -> bool {
    data_type.primitive_width().is_some()
        || matches!(
            data_type,
            DataType::Null
                | DataType::Boolean
                | DataType::FixedSizeBinary(_)
                | DataType::Utf8View
                | DataType::BinaryView
                | DataType::Dictionary(..)
        )
}

/// Bytes that a null of a type takes, as any row of it does at least.
pub(super) fn null_bytes(data_type: &DataType) -> u64 {
    let unsigned = |size: i32| u64::try_from(size).unwrap_or(0);
    match data_type {
        DataType::Null | DataType::Boolean => 1,
        DataType::FixedSizeBinary(size) => unsigned(*size).max(1),
        DataType::FixedSizeList(item, size) => unsigned(*size)
            .saturating_mul(null_bytes(item.data_type()))
            .max(1),
        DataType::Struct(fields) => fields.iter().fold(1, |all, field| {
            all.saturating_add(null_bytes(field.data_type()))
        }),
        DataType::Dictionary(key, _) => null_bytes(key),
        other => other.primitive_width().unwrap_or(16) as u64,
    }
}

fn between(ends: &[u64], from: usize, to: usize) -> u64 {
    let at = |row: usize| ends.get(row).or(ends.last()).copied().unwrap_or(0);
    at(to).saturating_sub(at(from))
}

fn of_offsets<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<u64> {
    let first = offsets.first().map_or(0, |first| first.as_usize());
    let ends = offsets.iter().enumerate();
    ends.map(|(row, end)| (end.as_usize() - first) as u64 + 8 * row as u64)
        .collect()
}

fn of_lists<O: OffsetSizeTrait>(items: &[u64], offsets: &[O]) -> Vec<u64> {
    summed(offsets.len().saturating_sub(1), |row| {
        let (from, to) = (offsets[row].as_usize(), offsets[row + 1].as_usize());
        between(items, from, to).saturating_add(8)
    })
}

fn summed(rows: usize, weight: impl Fn(usize) -> u64) -> Vec<u64> {
    let mut sum = 0u64;
    let sums = (0..rows).map(|row| {
        sum = sum.saturating_add(weight(row));
        sum
    });
    std::iter::once(0).chain(sums).collect()
}
