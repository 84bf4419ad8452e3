//! Columns whose elements stand one after the other with the same width: what becomes a tensor
//! without a copy.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::Buffer as ArrowBuffer;
use arrow_schema::{DataType, Field};

use super::extensions::{self, array_extension};
use super::formats::{format_of, unit_name};
use super::memory::{booleans, chain, storage, width};
use crate::error::{EnvError, Result};
use crate::value::{DType, Order, Record, Storage, Tensor, Value};

/// The extension type of fields whose dtype Arrow does not have; its metadata is the dtype's name.
pub(super) const DTYPE_EXTENSION: &str = "achronyme.dtype";

/// How elements of a type stand, and what their column becomes.
pub(super) struct Fixed {
    dtype: DType,
    /// Lengths of the dimensions below the rows.
    tail: Vec<u64>,
    wrap: Wrap,
}

/// What is put around the tensor.
#[derive(Clone, Debug)]
enum Wrap {
    /// Nothing; with nulls a mask beside it.
    Plain,
    /// NumPy's type for times or spans, of a unit; a null is its "not a time".
    Dated(&'static str, &'static str),
    /// Times of a time zone.
    Zoned(String, &'static str),
    /// An Arrow type by its format string.
    Named(String),
}

/// The dtype that a field's extension type names.
pub(super) fn dtype_of(field: &Field) -> Option<DType> {
    let metadata = field.metadata();
    let name = metadata.get(arrow_schema::extension::EXTENSION_TYPE_NAME_KEY)?;
    let dtype = metadata.get(arrow_schema::extension::EXTENSION_TYPE_METADATA_KEY)?;
    let dtype = DType::from_name(dtype).filter(|_| name == DTYPE_EXTENSION)?;
    let fits = match (dtype, field.data_type()) {
        (DType::BF16, DataType::UInt16) | (DType::F8E4M3 | DType::F8E5M2, DataType::UInt8) => true,
        (DType::Complex64, DataType::FixedSizeList(item, 2)) => {
            *item.data_type() == DataType::Float32
        }
        (DType::Complex128, DataType::FixedSizeList(item, 2)) => {
            *item.data_type() == DataType::Float64
        }
        _ => false,
    };
    fits.then_some(dtype)
}

impl Fixed {
    /// How the elements of a field stand; `None` when not one after the other with the same width.
    pub(super) fn of(field: &Field) -> Option<Fixed> {
        let plain = |dtype| Fixed {
            dtype,
            tail: Vec::new(),
            wrap: Wrap::Plain,
        };
        if let Some(dtype) = dtype_of(field) {
            return Some(plain(dtype));
        }
        let dtype = match field.data_type() {
            DataType::Int8 => DType::I8,
            DataType::Int16 => DType::I16,
            DataType::Int32 => DType::I32,
            DataType::Int64 => DType::I64,
            DataType::UInt8 => DType::U8,
            DataType::UInt16 => DType::U16,
            DataType::UInt32 => DType::U32,
            DataType::UInt64 => DType::U64,
            DataType::Float16 => DType::F16,
            DataType::Float32 => DType::F32,
            DataType::Float64 => DType::F64,
            DataType::Timestamp(unit, zone) => {
                let wrap = match zone {
                    None => Wrap::Dated(extensions::DATETIME, unit_name(*unit)),
                    Some(zone) => Wrap::Zoned(zone.to_string(), unit_name(*unit)),
                };
                return Some(Fixed {
                    wrap,
                    ..plain(DType::I64)
                });
            }
            DataType::Duration(unit) => {
                let wrap = Wrap::Dated(extensions::TIMEDELTA, unit_name(*unit));
                return Some(Fixed {
                    wrap,
                    ..plain(DType::I64)
                });
            }
            DataType::FixedSizeList(item, size) => {
                let mut fixed = Fixed::of(item)?;
                fixed.tail.insert(0, u64::try_from(*size).ok()?);
                // A type by name says what a row is: lists of it are made of the column of items.
                let plain = !matches!(fixed.wrap, Wrap::Named(_) | Wrap::Zoned(..));
                return plain.then_some(fixed);
            }
            other => {
                let (format, dtype, count) = format_of(other)?;
                return Some(Fixed {
                    dtype,
                    tail: count.into_iter().collect(),
                    wrap: Wrap::Named(format),
                });
            }
        };
        Some(plain(dtype))
    }

    /// The column over storages with its elements.
    ///
    /// # Errors
    /// When they have not the bytes of `rows` elements.
    pub(super) fn over(&self, rows: u64, storages: Vec<Arc<dyn Storage>>) -> Result<Value> {
        let tensor = self.tensor(rows, storages)?;
        Ok(self.wrap(tensor, None))
    }

    /// Bytes of one row.
    pub(super) fn row_bytes(&self) -> Option<u64> {
        crate::value::checked_byte_len(self.dtype, &self.tail)
    }

    fn tensor(&self, rows: u64, storages: Vec<Arc<dyn Storage>>) -> Result<Tensor> {
        let mut shape = vec![rows];
        shape.extend(&self.tail);
        Tensor::from_storage(self.dtype, shape, Order::C, chain(storages))
    }

    /// The column over the memory of arrays; `None` when nulls stand below the rows.
    ///
    /// # Errors
    /// When memory for a copy cannot be had.
    pub(super) fn column(&self, pieces: &[ArrayRef]) -> Result<Option<Value>> {
        let rows: usize = pieces.iter().map(|piece| piece.len()).sum();
        let (mut storages, mut missing) = (Vec::with_capacity(pieces.len()), Vec::new());
        for piece in pieces {
            let Some(buffer) = elements(piece.as_ref()) else {
                return Ok(None);
            };
            storages.push(storage(buffer, width(self.dtype))?);
        }
        let nulls: usize = pieces.iter().map(|piece| piece.null_count()).sum();
        if nulls == 0 {
            return self.over(rows as u64, storages).map(Some);
        }
        let list = matches!(
            pieces.first().map(|piece| piece.data_type()),
            Some(DataType::FixedSizeList(..))
        );
        if list && !self.tail.is_empty() {
            return Ok(None);
        }
        missing.reserve(rows);
        for piece in pieces {
            missing.extend((0..piece.len()).map(|row| piece.is_null(row)));
        }
        let tensor = self.tensor(rows as u64, storages)?;
        if matches!(self.wrap, Wrap::Dated(..) | Wrap::Zoned(..)) {
            let mut times = tensor.as_slice::<i64>()?.to_vec();
            for (time, missing) in times.iter_mut().zip(missing) {
                if missing {
                    *time = extensions::NOT_A_TIME;
                }
            }
            let tensor = Tensor::from_vec(times, [rows as u64])?;
            return Ok(Some(self.wrap(tensor, None)));
        }
        Ok(Some(self.wrap(tensor, Some(booleans(missing)?))))
    }

    fn wrap(&self, tensor: Tensor, missing: Option<Tensor>) -> Value {
        match &self.wrap {
            Wrap::Plain => match missing {
                None => tensor.into(),
                Some(missing) => extensions::masked(tensor.into(), missing),
            },
            Wrap::Dated(name, unit) => extensions::dated(name, unit, tensor),
            Wrap::Zoned(zone, unit) => extensions::zoned(zone, unit, tensor),
            Wrap::Named(format) => array_extension(format, missing, tensor.into()),
        }
    }
}

/// The elements of an array of [`Fixed`] type, through all its lists; `None` when there are nulls
/// below the rows.
fn elements(array: &dyn Array) -> Option<ArrowBuffer> {
    let DataType::FixedSizeList(item, size) = array.data_type() else {
        let data = array.to_data();
        let size = data
            .data_type()
            .primitive_width()
            .or(match data.data_type() {
                DataType::FixedSizeBinary(bytes) => usize::try_from(*bytes).ok(),
                _ => None,
            })?;
        let (start, len) = (data.offset() * size, data.len() * size);
        return Some(data.buffers().first()?.slice_with_length(start, len));
    };
    let _ = (item, size);
    let values = array.as_fixed_size_list().values();
    match values.null_count() {
        0 => elements(values.as_ref()),
        _ => None,
    }
}

/// The days of an array of dates, with "not a time" for nulls.
///
/// # Errors
/// When they are too many.
pub(super) fn dates(pieces: &[ArrayRef]) -> Result<Value> {
    let mut days: Vec<i64> = Vec::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        let dates = piece.as_primitive::<arrow_array::types::Date32Type>();
        days.extend(
            dates
                .iter()
                .map(|day| day.map_or(extensions::NOT_A_TIME, i64::from)),
        );
    }
    let count = days.len() as u64;
    let tensor = Tensor::from_vec(days, [count])?;
    Ok(extensions::dated(extensions::DATETIME, "D", tensor))
}

/// The bits of arrays of booleans as a byte each, and a mask when there are nulls.
///
/// # Errors
/// When they are too many.
pub(super) fn bits(pieces: &[ArrayRef]) -> Result<Value> {
    let (mut bits, mut missing, mut nulls) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        let array = piece.as_boolean();
        nulls += array.null_count();
        bits.extend(array.values().iter());
    }
    let tensor = booleans(bits)?;
    if nulls == 0 {
        return Ok(tensor.into());
    }
    for piece in pieces {
        missing.extend((0..piece.len()).map(|row| piece.is_null(row)));
    }
    Ok(extensions::masked(tensor.into(), booleans(missing)?))
}

/// A column of rows out of the column of their items: `rows` rows of `size` items each. `None` when
/// the items are no array.
///
/// # Errors
/// [`EnvError::InvalidValue`] when the shapes do not fit.
pub(super) fn in_rows(items: &Value, rows: u64, size: u64) -> Result<Option<Value>> {
    let shape = |shape: &[u64]| {
        let mut rows = vec![rows, size];
        rows.extend(shape.iter().skip(1));
        rows
    };
    Ok(match items {
        Value::Tensor(tensor) => Some(tensor.reshape(shape(tensor.shape()))?.into()),
        Value::StringArray(strings) => {
            let (offsets, bytes) = (strings.offsets().clone(), strings.bytes().clone());
            let strings =
                crate::value::StringArray::from_parts(shape(strings.shape()), offsets, bytes)?;
            Some(strings.into())
        }
        Value::Extension(extension) => {
            let mut extension = (**extension).clone();
            match &*extension.type_name {
                extensions::DATETIME | extensions::TIMEDELTA => {
                    match in_rows(&extension.storage, rows, size)? {
                        Some(storage) => extension.storage = storage,
                        None => return Ok(None),
                    }
                }
                extensions::MASKED => {
                    let parts = extension.storage.as_record().cloned().unwrap_or_default();
                    let mut reshaped = Record::new();
                    for (name, part) in parts.iter() {
                        let part = match part {
                            Value::Null => Value::Null,
                            part => match in_rows(part, rows, size)? {
                                Some(part) => part,
                                None => return Ok(None),
                            },
                        };
                        reshaped.insert(name, part);
                    }
                    extension.storage = Value::Record(reshaped);
                }
                _ => return Ok(None),
            }
            Some(extension.into())
        }
        _ => None,
    })
}

/// The error for arrays that contradict their own type.
pub(super) fn broken(reason: impl std::fmt::Display) -> EnvError {
    EnvError::InvalidValue {
        what: "an Arrow array".to_owned(),
        reason: reason.to_string(),
    }
}
