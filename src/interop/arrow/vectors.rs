//! Vectors of values as columns: scalars of one kind, lists, structs; and columns that have to be
//! looked through on the way out: times and categories.

use std::sync::Arc;

use arrow_array::builder::{LargeBinaryBuilder, LargeStringBuilder};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, LargeListArray,
    NullArray, PrimitiveArray, StructArray, make_array, new_empty_array, new_null_array, types,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_data::ArrayData;
use arrow_schema::{ArrowError, DataType};

use super::memory::{in_c_order, lend};
use super::unfolding::null_bytes;
use super::writing::{Column, Refused, column_at, flat, unfit, with_nulls};
use super::{extensions, formats};
use crate::error::Result;
use crate::value::{Complex128, Extension, Record, Tensor, Value};

/// Cells of a column of structs, whatever is in them; more only where most of them are not empty.
const MOST_CELLS: usize = 1 << 26;

/// Bytes of nulls in lists that name nothing but their number.
const MOST_NULLS: u64 = 1 << 30;

/// The column that values in order are.
///
/// # Errors
/// [`Refused`].
pub(super) fn vector(elements: &[Value], depth: usize) -> Result<Column, Refused> {
    let plain = |array: ArrayRef| Ok(Column::plain(array));
    let Some(first) = elements.iter().find(|value| !matches!(value, Value::Null)) else {
        return plain(Arc::new(NullArray::new(elements.len())));
    };
    match first {
        Value::Boolean(_) => {
            let column: BooleanArray = each(elements, Value::as_bool)?.into();
            plain(Arc::new(column))
        }
        Value::Integer(_) => {
            let column: Int64Array = each(elements, Value::as_i64)?.into();
            plain(Arc::new(column))
        }
        Value::Number(_) => {
            let column: Float64Array = each(elements, Value::as_f64)?.into();
            plain(Arc::new(column))
        }
        Value::Complex(_) => {
            let numbers = each(elements, |value| match value {
                Value::Complex(number) => Some(*number),
                _ => None,
            })?;
            let nulls: NullBuffer = numbers.iter().map(Option::is_some).collect();
            let zero = Complex128::new(0.0, 0.0);
            let numbers: Vec<Complex128> = numbers.into_iter().map(|x| x.unwrap_or(zero)).collect();
            let count = numbers.len() as u64;
            flat(&Tensor::from_vec(numbers, [count])?, Some(nulls))
        }
        Value::String(_) => {
            let mut column = LargeStringBuilder::new();
            for text in each(elements, Value::as_str)? {
                column.append_option(text);
            }
            plain(Arc::new(column.finish()))
        }
        Value::Bytes(_) => {
            let bytes = |value: &'_ Value| matches!(value, Value::Bytes(_));
            check(elements, bytes)?;
            let mut column = LargeBinaryBuilder::new();
            for value in elements {
                match value {
                    Value::Bytes(bytes) => column.append_value(bytes),
                    _ => column.append_null(),
                }
            }
            plain(Arc::new(column.finish()))
        }
        Value::Record(_) => {
            check(elements, |value| matches!(value, Value::Record(_)))?;
            structs(elements, depth)
        }
        first if single(first).is_some() => singles(elements, first),
        Value::Tensor(_) | Value::StringArray(_) | Value::Vector(_) | Value::Extension(_) => {
            lists(elements, depth)
        }
        other => Err(unfit(other, "Arrow has no type for it")),
    }
}

/// What `read` finds in each element that is not null.
fn each<'v, T>(
    elements: &'v [Value],
    read: impl Fn(&'v Value) -> Option<T>,
) -> Result<Vec<Option<T>>, Refused> {
    let found = elements
        .iter()
        .enumerate()
        .map(|(index, value)| match value {
            Value::Null => Ok(None),
            value => match read(value) {
                Some(found) => Ok(Some(found)),
                None => Err(mixed(value, index)),
            },
        });
    found.collect()
}

fn check(elements: &[Value], is: impl Fn(&Value) -> bool) -> Result<(), Refused> {
    let other = |(_, value): &(usize, &Value)| !matches!(value, Value::Null) && !is(value);
    match elements.iter().enumerate().find(other) {
        Some((index, value)) => Err(mixed(value, index)),
        None => Ok(()),
    }
}

fn mixed(value: &Value, index: usize) -> Refused {
    unfit(value, "the elements before it are of another kind").below(&format!("[{index}]"))
}

/// Records as structs: a column of each field that one of them has, null where it has not.
fn structs(elements: &[Value], depth: usize) -> Result<Column, Refused> {
    let mut names = indexmap::IndexSet::new();
    for record in elements.iter().filter_map(Value::as_record) {
        names.extend(record.names());
    }
    let there = elements.iter().filter_map(Value::as_record);
    let there: usize = there.map(Record::len).sum();
    let cells = names.len().saturating_mul(elements.len());
    if cells > MOST_CELLS.max(there.saturating_mul(64)) {
        let first = elements.iter().find(|value| !matches!(value, Value::Null));
        let reason = format!(
            "its {} records have {} different fields between them, most of which each has not",
            elements.len(),
            names.len()
        );
        return Err(unfit(first.unwrap_or(&Value::Null), reason));
    }
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for name in names {
        let parts: Vec<Value> = elements
            .iter()
            .map(|value| value.as_record().and_then(|record| record.get(name)))
            .map(|part| part.cloned().unwrap_or_default())
            .collect();
        let column = column_at(&parts.into(), depth).map_err(|refused| match refused {
            // The path of such a column begins with the row, and the field comes then.
            Refused::Unfit { path, kind, reason } => {
                let end = path.find(']').map_or(0, |end| end + 1);
                let (row, rest) = path.split_at(end);
                let path = format!("{row}.{name}{rest}");
                Refused::Unfit { path, kind, reason }
            }
            read => read,
        })?;
        fields.push(column.field(name));
        arrays.push(column.array);
    }
    let nulls: NullBuffer = elements
        .iter()
        .map(|value| !matches!(value, Value::Null))
        .collect();
    let array =
        StructArray::try_new_with_length(fields.into(), arrays, Some(nulls), elements.len())?;
    Ok(Column::plain(Arc::new(array)))
}

/// Vectors as lists: all of their elements are one column, so that they have one type.
fn vectors(elements: &[Value], depth: usize) -> Result<Column, Refused> {
    let length = |value: &Value| value.as_vector().map_or(0, <[Value]>::len);
    let all = elements.iter().filter_map(Value::as_vector).flatten();
    let all: Vec<Value> = all.cloned().collect();
    let column = column_at(&all.into(), depth).map_err(|refused| match refused {
        // The path begins with the place among all: the row and the place in it come for it.
        Refused::Unfit { path, kind, reason } => {
            let (place, rest) = path.split_once(']').unwrap_or((&path, ""));
            let mut place = place.trim_start_matches('[').parse().unwrap_or(0);
            let row = elements
                .iter()
                .position(|value| match place < length(value) {
                    true => true,
                    false => {
                        place -= length(value);
                        false
                    }
                });
            let path = format!("[{}][{place}]{rest}", row.unwrap_or(0));
            Refused::Unfit { path, kind, reason }
        }
        read => read,
    })?;
    let offsets = OffsetBuffer::<i64>::from_lengths(elements.iter().map(length));
    let is_null = |value: &Value| matches!(value, Value::Null);
    let nulls = elements.iter().any(is_null);
    let nulls = nulls.then(|| elements.iter().map(|value| !is_null(value)).collect());
    let item = Arc::new(column.field("item"));
    let array = LargeListArray::try_new(item, offsets, column.array, nulls)?;
    Ok(Column::plain(Arc::new(array)))
}

/// Arrays as lists of their rows.
fn lists(elements: &[Value], depth: usize) -> Result<Column, Refused> {
    let is_vector = |value: &Value| matches!(value, Value::Vector(_) | Value::Null);
    if elements.iter().all(is_vector) {
        return vectors(elements, depth);
    }
    let mut columns: Vec<Option<Column>> = Vec::with_capacity(elements.len());
    for (index, value) in elements.iter().enumerate() {
        columns.push(match value {
            Value::Null => None,
            value => {
                let column = column_at(value, depth);
                Some(column.map_err(|refused| refused.below(&format!("[{index}]")))?)
            }
        });
    }
    // Rows without a type of their own take that of the others.
    let untyped = |column: &Column| *column.array.data_type() == DataType::Null;
    let of = columns.iter().flatten().find(|column| !untyped(column));
    let of = of.or(columns.iter().flatten().next()).cloned();
    let Some(of) = of else {
        return Ok(Column::plain(Arc::new(NullArray::new(elements.len()))));
    };
    let item = of.field("item");
    let null = null_bytes(item.data_type());
    let mut nulls = 0u64;
    let mut parts: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let Some(column) = column else { continue };
        let rows = column.array.len();
        let array = match column.array.data_type() {
            DataType::Null => {
                nulls = nulls.saturating_add(null.saturating_mul(rows as u64));
                if nulls > MOST_NULLS {
                    let reason =
                        format!("its {rows} nulls would take more than {MOST_NULLS} bytes");
                    return Err(unfit(&elements[index], reason).below(&format!("[{index}]")));
                }
                new_null_array(item.data_type(), rows)
            }
            found if found == item.data_type() => column.array.clone(),
            found => {
                let value = &elements[index];
                let reason = format!(
                    "its rows are {found}, and those before it {}",
                    item.data_type()
                );
                return Err(unfit(value, reason).below(&format!("[{index}]")));
            }
        };
        parts.push(array);
    }
    let lengths = columns
        .iter()
        .map(|column| column.as_ref().map_or(0, |c| c.array.len()));
    let offsets = OffsetBuffer::<i64>::from_lengths(lengths);
    let parts: Vec<&dyn Array> = parts.iter().map(|part| part.as_ref()).collect();
    let values = match parts.is_empty() {
        true => new_empty_array(item.data_type()),
        false => arrow_select::concat::concat(&parts)?,
    };
    let nulls = columns.iter().any(Option::is_none);
    let nulls = nulls.then(|| columns.iter().map(Option::is_some).collect());
    let array = LargeListArray::try_new(Arc::new(item), offsets, values, nulls)?;
    Ok(Column::plain(Arc::new(array)))
}

/// Single elements of arrays, of one dtype and inside the same extensions, as a column of them.
fn singles(elements: &[Value], of: &Value) -> Result<Column, Refused> {
    let Some(like) = single(of) else {
        return Err(unfit(of, "it is no single element"));
    };
    let found = each(elements, |value| {
        single(value).filter(|tensor| {
            (tensor.dtype(), tensor.shape()) == (like.dtype(), like.shape()) && alike(value, of)
        })
    })?;
    let size = like.byte_len() as usize;
    let mut bytes = Vec::with_capacity(size.saturating_mul(elements.len()));
    for single in &found {
        match single {
            None => bytes.resize(bytes.len() + size, 0),
            Some(tensor) => bytes.extend(tensor.as_bytes()?),
        }
    }
    let mut shape = vec![elements.len() as u64];
    shape.extend(like.shape());
    let tensor = Tensor::from_bytes(like.dtype(), shape, crate::value::Order::C, &bytes)?;
    let column = column_at(&around(of, tensor), 0)?;
    let nulls: NullBuffer = found.iter().map(Option::is_some).collect();
    let array = with_nulls(&column.array, &nulls)?;
    Ok(column.with(array))
}

/// The tensor of a single element: without dimensions, or with those that one element of its type has.
fn single(value: &Value) -> Option<&Tensor> {
    match value {
        Value::Tensor(tensor) => Some(tensor).filter(|tensor| tensor.shape().is_empty()),
        Value::Extension(extension) => match &extension.storage {
            Value::Tensor(tensor) if &*extension.type_name == extensions::ARRAY => {
                let parameters = extension.parameters.as_record()?;
                let format = parameters.get("format").and_then(Value::as_str)?;
                let (_, _, count) = formats::format_of(&formats::type_of(format)?)?;
                Some(tensor).filter(|tensor| tensor.shape() == count.as_slice())
            }
            Value::Tensor(tensor) => Some(tensor).filter(|tensor| tensor.shape().is_empty()),
            // Times of a zone around times.
            inner @ Value::Extension(times) if !matches!(times.storage, Value::Extension(_)) => {
                single(inner)
            }
            _ => None,
        },
        _ => None,
    }
}

/// Whether two single elements are inside the same extensions.
fn alike(value: &Value, of: &Value) -> bool {
    match (value, of) {
        (Value::Extension(a), Value::Extension(b)) => {
            let same = a.parameters.identical(&b.parameters);
            a.type_name == b.type_name
                && same.is_ok_and(|same| same)
                && alike(&a.storage, &b.storage)
        }
        (Value::Tensor(_), Value::Tensor(_)) => true,
        _ => false,
    }
}

/// A column inside the extensions that a single element is inside.
fn around(of: &Value, tensor: Tensor) -> Value {
    match of {
        Value::Extension(extension) => {
            let mut whole = Extension::clone(extension);
            whole.storage = around(&extension.storage, tensor);
            whole.into()
        }
        _ => tensor.into(),
    }
}

/// NumPy's times or spans: in place where Arrow has the unit and none is missing.
///
/// # Errors
/// [`Refused`], for units that Arrow does not have and times beyond those it has.
pub(super) fn times(
    value: &Value,
    name: &str,
    parameters: &Record,
    times: &Tensor,
) -> Result<Column, Refused> {
    let unit = parameters
        .get("unit")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let count = parameters.get("count").and_then(Value::as_i64).unwrap_or(1);
    let tensor = in_c_order(times)?;
    let numbers = tensor.as_slice::<i64>()?;
    let missing = numbers.contains(&extensions::NOT_A_TIME);
    let valid = |number: &i64| *number != extensions::NOT_A_TIME;
    let nulls: Option<NullBuffer> = missing.then(|| numbers.iter().map(valid).collect());
    let points = name == extensions::DATETIME;
    let [_] = times.shape() else {
        return several(value, name, parameters, &tensor);
    };
    let days: Option<i64> = match unit {
        "D" if points => Some(1),
        "W" if points => Some(7),
        _ => None,
    };
    if let Some(days) = days {
        let day = |number: &i64| match valid(number) {
            true => i32::try_from(number.checked_mul(days.checked_mul(count)?)?).ok(),
            false => Some(0),
        };
        if let Some(days) = numbers.iter().map(day).collect::<Option<Vec<i32>>>() {
            let array = PrimitiveArray::<types::Date32Type>::try_new(days.into(), nulls)?;
            return Ok(Column::plain(Arc::new(array)));
        }
    }
    let Some((unit, each)) = formats::unit_of(unit) else {
        return Err(unfit(
            value,
            format!("Arrow has no times in units of '{unit}'"),
        ));
    };
    let each = each.checked_mul(count).unwrap_or(0);
    let buffer = match each {
        1 => lend(&tensor, 8)?,
        _ => {
            let scaled = numbers.iter().map(|number| match valid(number) {
                true => number.checked_mul(each).filter(|_| each > 0),
                false => Some(0),
            });
            let scaled: Option<Vec<i64>> = scaled.collect();
            let beyond = || unfit(value, "some of its times are beyond those that Arrow has");
            arrow_buffer::Buffer::from_vec(scaled.ok_or_else(beyond)?)
        }
    };
    let data_type = match points {
        true => DataType::Timestamp(unit, None),
        false => DataType::Duration(unit),
    };
    let data = ArrayData::builder(data_type)
        .len(numbers.len())
        .add_buffer(buffer);
    Ok(Column::plain(make_array(data.nulls(nulls).build()?)))
}

/// Times in several dimensions: lists of fixed size of the times one after the other.
fn several(
    value: &Value,
    name: &str,
    parameters: &Record,
    tensor: &Tensor,
) -> Result<Column, Refused> {
    let shape = tensor.shape();
    if shape.is_empty() {
        return Err(unfit(
            value,
            "it is no column: a single element, of no dimensions",
        ));
    }
    let flat = tensor.reshape([tensor.len()])?;
    let column = times(value, name, parameters, &flat)?;
    super::writing::in_lists(column, shape)
}

/// Codes and their categories; a negative code is null. `None` when a code has no category.
pub(super) fn dictionary(codes: &Tensor, categories: &ArrayRef) -> Option<Result<Column, Refused>> {
    fn array<T: types::ArrowDictionaryKeyType>(
        codes: &Tensor,
        categories: &ArrayRef,
        negative: impl Fn(&T::Native) -> bool,
    ) -> Result<ArrayRef, Refused>
    where
        T::Native: crate::value::Element,
    {
        let numbers = codes.as_slice::<T::Native>()?;
        let nulls = numbers.iter().any(&negative);
        let nulls = nulls.then(|| numbers.iter().map(|code| !negative(code)).collect());
        let buffer = lend(codes, size_of::<T::Native>())?;
        let keys = arrow_buffer::ScalarBuffer::new(buffer, 0, numbers.len());
        let keys = PrimitiveArray::<T>::try_new(keys, nulls)?;
        let array = DictionaryArray::try_new(keys, categories.clone());
        Ok(Arc::new(
            array.map_err(|error: ArrowError| Refused::from(error))?,
        ))
    }
    use crate::value::DType;
    if codes.shape().len() != 1 {
        return None;
    }
    let array = match codes.dtype() {
        DType::I8 => array::<types::Int8Type>(codes, categories, |code| *code < 0),
        DType::I16 => array::<types::Int16Type>(codes, categories, |code| *code < 0),
        DType::I32 => array::<types::Int32Type>(codes, categories, |code| *code < 0),
        DType::I64 => array::<types::Int64Type>(codes, categories, |code| *code < 0),
        _ => return None,
    };
    Some(array.map(Column::plain))
}
