//! One element of a column as a value: what stands in the structs of a list.

use arrow_array::cast::AsArray;
use arrow_array::{Array, types};
use arrow_schema::{DataType, Field};

use super::extensions;
use super::nested::list;
use super::reading::Reading;
use super::strings::ELEMENT;
use crate::error::Result;
use crate::value::{Record, Tensor, Value};

/// Row `row` of `array`. Integers become 64-bit integers and floats doubles; what has no scalar of
/// its own is an array of rank 0.
///
/// # Errors
/// As [`Reading::column`].
pub(super) fn element(
    reading: &mut Reading,
    field: &Field,
    array: &dyn Array,
    row: usize,
) -> Result<Value> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! number {
        ($ty:ident) => {
            array.as_primitive::<types::$ty>().value(row)
        };
    }
    Ok(match field.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => i64::from(number!(Int8Type)).into(),
        DataType::Int16 => i64::from(number!(Int16Type)).into(),
        DataType::Int32 => i64::from(number!(Int32Type)).into(),
        DataType::Int64 => number!(Int64Type).into(),
        DataType::UInt8 => i64::from(number!(UInt8Type)).into(),
        DataType::UInt16 => i64::from(number!(UInt16Type)).into(),
        DataType::UInt32 => i64::from(number!(UInt32Type)).into(),
        DataType::UInt64 => match i64::try_from(number!(UInt64Type)) {
            Ok(integer) => integer.into(),
            Err(_) => Tensor::from_vec(vec![number!(UInt64Type)], [])?.into(),
        },
        DataType::Float32 => f64::from(number!(Float32Type)).into(),
        DataType::Float64 => number!(Float64Type).into(),
        DataType::Utf8 => text(reading, array.as_string::<i32>().value(row))?,
        DataType::LargeUtf8 => text(reading, array.as_string::<i64>().value(row))?,
        DataType::Utf8View => text(reading, array.as_string_view().value(row))?,
        DataType::Binary => bytes(reading, array.as_binary::<i32>().value(row))?,
        DataType::LargeBinary => bytes(reading, array.as_binary::<i64>().value(row))?,
        DataType::BinaryView => bytes(reading, array.as_binary_view().value(row))?,
        DataType::Struct(fields) => {
            reading.charge(fields.len() as u64, ELEMENT)?;
            let mut record = Record::new();
            for (index, field) in fields.iter().enumerate() {
                let column = array.as_struct().column(index).clone();
                let step = || format!(".{}", field.name());
                let value = reading.below(step, |reading| {
                    element(reading, field, column.as_ref(), row)
                })?;
                if record.insert(field.name().as_str(), value).is_some() {
                    return Ok(reading.lost("struct", "two of its fields have one name"));
                }
            }
            record.into()
        }
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Map(..) => list(reading, array, row)?,
        _ => {
            let column = reading.column(field, &[array.slice(row, 1)])?;
            match single(&column)? {
                Some(value) => value,
                None => reading.lost("element", "no value stands for one element of that type"),
            }
        }
    })
}

fn text(reading: &mut Reading, text: &str) -> Result<Value> {
    reading.charge(text.len() as u64, 1)?;
    Ok(text.into())
}

fn bytes(reading: &mut Reading, bytes: &[u8]) -> Result<Value> {
    reading.charge(bytes.len() as u64, 1)?;
    Ok(Value::Bytes(bytes.into()))
}

/// A column of one row without its first dimension.
fn single(column: &Value) -> Result<Option<Value>> {
    Ok(match column {
        Value::Tensor(tensor) => Some(tensor.reshape(&tensor.shape()[1..])?.into()),
        Value::StringArray(strings) => Some(strings.get(0)?.into()),
        Value::Extension(extension) => {
            let inner = match &*extension.type_name {
                extensions::DATETIME
                | extensions::TIMEDELTA
                | extensions::ZONED
                | extensions::ARRAY => single(&extension.storage)?,
                extensions::CATEGORICAL => return category(&extension.storage),
                _ => None,
            };
            inner.map(|storage| {
                let mut extension = (**extension).clone();
                extension.storage = storage;
                extension.into()
            })
        }
        _ => None,
    })
}

/// The category of the first code.
fn category(storage: &Value) -> Result<Option<Value>> {
    let part = |name| storage.as_record().and_then(|record| record.get(name));
    let (Some(Value::Tensor(codes)), Some(categories)) = (part("codes"), part("categories")) else {
        return Ok(None);
    };
    let mut code = [0; 8];
    let size = codes.dtype().size();
    codes.read_at(0, &mut code[..size])?;
    // Codes of elements that are there are not negative.
    let code = u64::from_le_bytes(code);
    Ok(match categories {
        Value::StringArray(texts) => Some(texts.get(code)?.into()),
        Value::Tensor(tensor) => {
            let size = tensor.dtype().size() as u64;
            Some(tensor.part(Vec::new(), code * size, size).into())
        }
        _ => None,
    })
}
