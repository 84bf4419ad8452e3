//! Extensions as columns: those of NumPy and pandas that stand for one, and `arrow.array`.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, NullArray, make_array};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, DataType};

use super::memory::{in_c_order, lend};
use super::writing::{Column, Refused, column_at, typed, unfit, with_nulls};
use super::{extensions, formats, memory, vectors};
use crate::value::{Record, Tensor, Value};

/// The extensions that are columns.
pub(super) fn extended(
    value: &Value,
    name: &str,
    parameters: &Record,
    storage: &Value,
    depth: usize,
) -> Result<Column, Refused> {
    let wrong = || unfit(value, "its parts do not fit together");
    let part = |name: &str| storage.as_record().and_then(|record| record.get(name));
    match name {
        extensions::DATETIME | extensions::TIMEDELTA => {
            let times = storage.as_tensor().ok_or_else(wrong)?;
            vectors::times(value, name, parameters, times)
        }
        extensions::ZONED => {
            let Some(zone) = parameters.get("zone").and_then(zone_name) else {
                return Err(unfit(value, "Arrow has no name for its time zone"));
            };
            let times = column_at(storage, depth)?;
            let DataType::Timestamp(unit, _) = *times.array.data_type() else {
                return Err(wrong());
            };
            let data = times.array.to_data().into_builder();
            let data = data.data_type(DataType::Timestamp(unit, Some(zone.into())));
            Ok(Column::plain(make_array(data.build()?)))
        }
        extensions::MASKED => {
            let data = column_at(part("data").ok_or_else(wrong)?, depth)?;
            match part("mask") {
                None | Some(Value::Null) => Ok(data),
                Some(mask) => {
                    masked(data, mask.as_tensor().ok_or_else(wrong)?).ok_or_else(wrong)?
                }
            }
        }
        "pandas.masked" | "pandas.strings" => {
            let data = column_at(part("values").ok_or_else(wrong)?, depth)?;
            let missing = part("missing").and_then(Value::as_tensor);
            masked(data, missing.ok_or_else(wrong)?).ok_or_else(wrong)?
        }
        extensions::STRINGS => {
            let strings = column_at(storage, depth)?;
            match parameters.get("missing") {
                None => Ok(strings),
                Some(missing) => {
                    masked(strings, missing.as_tensor().ok_or_else(wrong)?).ok_or_else(wrong)?
                }
            }
        }
        extensions::CATEGORICAL => {
            let codes = part("codes").and_then(Value::as_tensor).ok_or_else(wrong)?;
            let categories = column_at(part("categories").ok_or_else(wrong)?, depth)?;
            let ordered = parameters.get("ordered").and_then(Value::as_bool);
            let mut column = vectors::dictionary(codes, &categories.array).ok_or_else(wrong)??;
            column.ordered = ordered.unwrap_or(false);
            Ok(column)
        }
        extensions::ARRAY => {
            let format = parameters.get("format").and_then(Value::as_str);
            let missing = parameters.get("missing").and_then(Value::as_tensor);
            let nulls = missing.map(memory::nulls).transpose()?.flatten();
            named(storage, format.ok_or_else(wrong)?, nulls, depth).ok_or_else(wrong)?
        }
        // Of pandas, what stands for the same elements.
        "pandas.Index" | "pandas.Datetimes" => column_at(storage, depth),
        "pandas.Series" => column_at(part("values").ok_or_else(wrong)?, depth),
        "numpy.object" => match parameters.get("shape").and_then(Value::as_vector) {
            Some([_]) => column_at(storage, depth),
            _ => Err(unfit(value, "objects in several dimensions are no column")),
        },
        "numpy.str" if parameters.get("shape").is_none() && is_c_order(parameters, storage) => {
            column_at(storage, depth)
        }
        _ => Err(unfit(value, "Arrow has no type for it")),
    }
}

/// Whether an array of NumPy's texts has its axes in their order.
fn is_c_order(parameters: &Record, storage: &Value) -> bool {
    let order = parameters.get("order").and_then(Value::as_str);
    let flat = matches!(storage, Value::StringArray(strings) if strings.shape().len() == 1);
    flat || order == Some("C")
}

/// The text of a time zone: a name, or hours and minutes from UTC.
fn zone_name(zone: &Value) -> Option<String> {
    if let Some(name) = zone.as_str() {
        return Some(name.to_owned());
    }
    let zone = zone.as_record()?;
    if let Some(key) = zone.get("key").and_then(Value::as_str) {
        return Some(key.to_owned());
    }
    let minutes = zone.get("offset_us").and_then(Value::as_i64)?;
    if minutes % 60_000_000 != 0 {
        return None;
    }
    let minutes = minutes / 60_000_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    let minutes = minutes.unsigned_abs();
    Some(format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60))
}

/// `column` with the nulls that `mask` marks; through the lists of an array of several dimensions.
/// `None` when the mask has not its shape.
fn masked(column: Column, mask: &Tensor) -> Option<Result<Column, Refused>> {
    let nulls = match memory::nulls(mask) {
        Ok(Some(nulls)) => nulls,
        Ok(None) => return Some(Ok(column)),
        Err(error) => return Some(Err(error.into())),
    };
    let array = at_the_bottom(&column.array, mask.shape().len(), &nulls)?;
    Some(array.map(|array| column.with(array)).map_err(Refused::from))
}

fn at_the_bottom(
    array: &ArrayRef,
    rank: usize,
    nulls: &NullBuffer,
) -> Option<Result<ArrayRef, ArrowError>> {
    if rank > 1 {
        let lists = array.as_fixed_size_list_opt()?;
        let DataType::FixedSizeList(item, size) = lists.data_type() else {
            return None;
        };
        let values = match at_the_bottom(lists.values(), rank - 1, nulls)? {
            Ok(values) => values,
            Err(error) => return Some(Err(error)),
        };
        let lists = FixedSizeListArray::try_new_with_length(
            Arc::clone(item),
            *size,
            values,
            None,
            lists.len(),
        );
        return Some(lists.map(|lists| Arc::new(lists) as ArrayRef));
    }
    if array.len() != nulls.len() {
        return None;
    }
    Some(with_nulls(array, nulls))
}

/// An array of Arrow's own, by its format string. `None` when the storage does not fit it.
fn named(
    storage: &Value,
    format: &str,
    nulls: Option<NullBuffer>,
    depth: usize,
) -> Option<Result<Column, Refused>> {
    if format == "n" {
        let rows = usize::try_from(storage.as_i64()?).ok()?;
        return Some(Ok(Column::plain(Arc::new(NullArray::new(rows)))));
    }
    if format == "+s" || format.starts_with("+w:") {
        let column = match column_at(storage, depth) {
            Ok(column) => column,
            Err(refused) => return Some(Err(refused)),
        };
        return match nulls {
            None => Some(Ok(column)),
            Some(nulls) if nulls.len() != column.array.len() => None,
            Some(nulls) => Some(
                with_nulls(&column.array, &nulls)
                    .map(|array| column.with(array))
                    .map_err(Refused::from),
            ),
        };
    }
    let data_type = formats::type_of(format)?;
    let (_, dtype, count) = formats::format_of(&data_type)?;
    let tensor = storage.as_tensor()?;
    let fits = tensor.dtype() == dtype
        && match (tensor.shape(), count) {
            ([_], None) => true,
            ([_, found], Some(count)) => *found == count,
            _ => false,
        };
    let rows = usize::try_from(*tensor.shape().first()?).ok()?;
    if !fits || nulls.as_ref().is_some_and(|nulls| nulls.len() != rows) {
        return None;
    }
    let width = data_type.primitive_width().unwrap_or(1);
    let buffer = in_c_order(tensor).and_then(|tensor| lend(&tensor, width));
    Some(match buffer {
        Ok(buffer) => typed(data_type, rows, buffer, nulls)
            .map(Column::plain)
            .map_err(Refused::from),
        Err(error) => Err(error.into()),
    })
}
