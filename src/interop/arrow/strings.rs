//! Columns of text and of bytes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, GenericByteArray, OffsetSizeTrait, types::ByteArrayType};
use arrow_buffer::{ArrowNativeType, Buffer as ArrowBuffer};
use arrow_schema::DataType;

use super::extensions;
use super::fixed::broken;
use super::memory::{booleans, chain, storage};
use super::reading::Reading;
use crate::error::Result;
use crate::value::{DType, Order, Storage, StringArray, Tensor, Value};

/// A column of text: the bytes stay where they are, offsets of 32 bits are widened.
///
/// # Errors
/// When more is made of it than the limits allow.
pub(super) fn text(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Value> {
    let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
    reading.charge(rows as u64, 8)?;
    let strings = match pieces {
        [only] if matches!(only.data_type(), DataType::LargeUtf8) => large(only)?,
        _ => None,
    };
    let strings = match strings {
        Some(strings) => strings,
        None => gathered(reading, pieces, rows)?,
    };
    let nulls: usize = pieces.iter().map(|piece| piece.null_count()).sum();
    if nulls == 0 {
        return Ok(strings.into());
    }
    let missing = pieces.iter();
    let missing = missing.flat_map(|piece| (0..piece.len()).map(|row| piece.is_null(row)));
    Ok(extensions::strings(
        strings.into(),
        booleans(missing.collect())?,
    ))
}

/// The array's own offsets and bytes, when they are all that the buffers hold.
fn large(array: &ArrayRef) -> Result<Option<StringArray>> {
    let strings = array.as_string::<i64>();
    let offsets = strings.offsets();
    let whole =
        offsets.first() == 0 && usize::try_from(offsets.last()) == Ok(strings.values().len());
    if !whole {
        return Ok(None);
    }
    let (count, length) = (offsets.len() as u64, strings.values().len() as u64);
    let offsets = storage(offsets.inner().inner().clone(), 8)?;
    let offsets = Tensor::from_storage(DType::U64, [count], Order::C, offsets)?;
    let bytes = storage(strings.values().clone(), 1)?;
    let bytes = Tensor::from_storage(DType::U8, [length], Order::C, bytes)?;
    StringArray::from_parts([count - 1], offsets, bytes).map(Some)
}

/// Offsets of all pieces, over their bytes one after the other.
fn gathered(reading: &mut Reading, pieces: &[ArrayRef], rows: usize) -> Result<StringArray> {
    let mut offsets: Vec<u64> = Vec::with_capacity(rows + 1);
    offsets.push(0);
    let mut parts: Vec<Arc<dyn Storage>> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let bytes = match piece.data_type() {
            DataType::Utf8 => run(piece.as_string::<i32>(), &mut offsets),
            DataType::LargeUtf8 => run(piece.as_string::<i64>(), &mut offsets),
            DataType::Utf8View => {
                let views = piece.as_string_view();
                // Views may name the same bytes many times.
                let total: u64 = views.lengths().map(u64::from).sum();
                reading.charge(total, 1)?;
                let mut bytes = Vec::with_capacity(total as usize);
                let mut end = offsets.last().copied().unwrap_or(0);
                for row in 0..views.len() {
                    if views.is_valid(row) {
                        bytes.extend_from_slice(views.value(row).as_bytes());
                        end += views.value(row).len() as u64;
                    }
                    offsets.push(end);
                }
                ArrowBuffer::from_vec(bytes)
            }
            other => return Err(broken(format!("a column of text has the type {other}"))),
        };
        parts.push(storage(bytes, 1)?);
    }
    let (count, length) = (offsets.len() as u64, offsets.last().copied().unwrap_or(0));
    let offsets = Tensor::from_vec(offsets, [count])?;
    let bytes = Tensor::from_storage(DType::U8, [length], Order::C, chain(parts))?;
    StringArray::from_parts([count - 1], offsets, bytes)
}

/// Adds the ends of an array's texts to `offsets`; the run of bytes that they stand in.
fn run<T: ByteArrayType>(array: &GenericByteArray<T>, offsets: &mut Vec<u64>) -> ArrowBuffer {
    let place = |offset: T::Offset| offset.as_usize() as u64;
    let (own, before) = (array.offsets(), offsets.last().copied().unwrap_or(0));
    let first = place(own.first());
    let last = place(own.last());
    offsets.extend(own.iter().skip(1).map(|end| before + place(*end) - first));
    array
        .values()
        .slice_with_length(first as usize, (last - first) as usize)
}

/// A column of bytes: a vector of them.
///
/// # Errors
/// When more is made of it than the limits allow.
pub(super) fn binary(reading: &mut Reading, pieces: &[ArrayRef]) -> Result<Value> {
    let mut elements = Vec::new();
    for piece in pieces {
        reading.charge(piece.len() as u64, ELEMENT)?;
        match piece.data_type() {
            DataType::Binary => sized(reading, piece.as_binary::<i32>(), &mut elements)?,
            DataType::LargeBinary => sized(reading, piece.as_binary::<i64>(), &mut elements)?,
            DataType::BinaryView => {
                for bytes in piece.as_binary_view().iter() {
                    elements.push(bytes_value(reading, bytes)?);
                }
            }
            other => return Err(broken(format!("a column of bytes has the type {other}"))),
        }
    }
    Ok(elements.into())
}

/// What an element of a vector takes, in bytes.
pub(super) const ELEMENT: u64 = 64;

fn sized<O: OffsetSizeTrait>(
    reading: &mut Reading,
    array: &arrow_array::GenericBinaryArray<O>,
    elements: &mut Vec<Value>,
) -> Result<()> {
    for bytes in array.iter() {
        elements.push(bytes_value(reading, bytes)?);
    }
    Ok(())
}

fn bytes_value(reading: &mut Reading, bytes: Option<&[u8]>) -> Result<Value> {
    let Some(bytes) = bytes else {
        return Ok(Value::Null);
    };
    reading.charge(bytes.len() as u64, 1)?;
    Ok(Value::Bytes(bytes.into()))
}
