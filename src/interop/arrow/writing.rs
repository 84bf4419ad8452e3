//! One value as a column of Arrow's.

use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BooleanArray, FixedSizeListArray, LargeStringArray, StructArray, make_array,
};
use arrow_buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY};
use arrow_schema::{ArrowError, DataType, Field, Metadata};

use super::fixed::DTYPE_EXTENSION;
use super::memory::{in_c_order, lend};
use super::vectors;
use crate::error::{EnvError, Result};
use crate::value::{DType, Record, StringArray, Tensor, Value, format_shape};

/// Why a value is no column.
#[derive(Debug)]
pub(super) enum Refused {
    /// Its bytes cannot be read.
    Read(EnvError),
    /// Arrow has nothing for it.
    Unfit {
        /// The place in the value.
        path: String,
        /// The kind of what stands there.
        kind: String,
        /// Why.
        reason: String,
    },
}

impl From<EnvError> for Refused {
    fn from(error: EnvError) -> Refused {
        Refused::Read(error)
    }
}

impl From<ArrowError> for Refused {
    fn from(error: ArrowError) -> Refused {
        Refused::Unfit {
            path: String::new(),
            kind: "column".to_owned(),
            reason: error.to_string(),
        }
    }
}

impl Refused {
    /// The same about a part of the value, one step up.
    pub(super) fn below(self, step: &str) -> Refused {
        match self {
            Refused::Unfit { path, kind, reason } => Refused::Unfit {
                path: format!("{step}{path}"),
                kind,
                reason,
            },
            read => read,
        }
    }
}

/// The refusal of a value for a reason.
pub(super) fn unfit(value: &Value, reason: impl Into<String>) -> Refused {
    let kind = match value {
        Value::Extension(extension) => extension.type_name.to_string(),
        other => other.kind().name().to_owned(),
    };
    Refused::Unfit {
        path: String::new(),
        kind,
        reason: reason.into(),
    }
}

/// A column of Arrow's, and what its field says of it.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) array: ArrayRef,
    metadata: Metadata,
    pub(super) ordered: bool,
}

impl Column {
    pub(super) fn plain(array: ArrayRef) -> Column {
        Column {
            array,
            metadata: Metadata::new(),
            ordered: false,
        }
    }

    /// A field of that name for it.
    pub(super) fn field(&self, name: &str) -> Field {
        Field::new(name, self.array.data_type().clone(), true)
            .with_metadata(self.metadata.clone())
            .with_dict_is_ordered(self.ordered)
    }

    /// The same elements under another array of the same type.
    pub(super) fn with(&self, array: ArrayRef) -> Column {
        Column {
            array,
            ..self.clone()
        }
    }
}

/// The column that `value` is.
///
/// # Errors
/// [`Refused`].
pub(super) fn column(value: &Value) -> Result<Column, Refused> {
    column_at(value, 0)
}

/// As [`column`], `depth` levels down.
pub(super) fn column_at(value: &Value, depth: usize) -> Result<Column, Refused> {
    if depth > crate::limits::MAX_NESTING {
        return Err(unfit(value, "it is nested too deeply"));
    }
    match value {
        Value::Tensor(tensor) => {
            let shape = rows_of(value, tensor.shape())?;
            in_lists(flat(&tensor.reshape_c([tensor.len()])?, None)?, shape)
        }
        Value::StringArray(strings) => {
            let shape = rows_of(value, strings.shape())?;
            in_lists(texts(strings, None)?, shape)
        }
        Value::Vector(elements) => vectors::vector(elements, depth + 1),
        Value::Record(record) => structs(value, record, None, depth + 1),
        Value::Extension(extension) => {
            let parameters = extension
                .parameters
                .as_record()
                .cloned()
                .unwrap_or_default();
            let storage = &extension.storage;
            super::extended::extended(value, &extension.type_name, &parameters, storage, depth + 1)
        }
        other => Err(unfit(
            other,
            "it is no column: one value and not one for each row",
        )),
    }
}

/// The shape of something with rows.
fn rows_of<'a>(value: &Value, shape: &'a [u64]) -> Result<&'a [u64], Refused> {
    match shape {
        [] => Err(unfit(
            value,
            "it is no column: a single element, of no dimensions",
        )),
        shape => Ok(shape),
    }
}

/// The elements of a tensor of rank 1.
pub(super) fn flat(tensor: &Tensor, nulls: Option<NullBuffer>) -> Result<Column, Refused> {
    let dtype = tensor.dtype();
    let len = tensor.len() as usize;
    let (data_type, named) = match dtype {
        DType::Bool => {
            let bits = tensor.as_slice::<bool>()?;
            let bits = BooleanBuffer::collect_bool(bits.len(), |index| bits[index]);
            return Ok(Column::plain(Arc::new(BooleanArray::new(bits, nulls))));
        }
        DType::I8 => (DataType::Int8, false),
        DType::I16 => (DataType::Int16, false),
        DType::I32 => (DataType::Int32, false),
        DType::I64 => (DataType::Int64, false),
        DType::U8 => (DataType::UInt8, false),
        DType::U16 => (DataType::UInt16, false),
        DType::U32 => (DataType::UInt32, false),
        DType::U64 => (DataType::UInt64, false),
        DType::F16 => (DataType::Float16, false),
        DType::F32 => (DataType::Float32, false),
        DType::F64 => (DataType::Float64, false),
        DType::BF16 => (DataType::UInt16, true),
        DType::F8E4M3 | DType::F8E5M2 => (DataType::UInt8, true),
        DType::Complex64 => (DataType::Float32, true),
        DType::Complex128 => (DataType::Float64, true),
    };
    let buffer = lend(tensor, dtype.component_size())?;
    let array = match dtype {
        DType::Complex64 | DType::Complex128 => {
            let parts = typed(data_type.clone(), 2 * len, buffer, None)?;
            let item = Arc::new(Field::new("item", data_type, false));
            Arc::new(FixedSizeListArray::try_new_with_length(
                item, 2, parts, nulls, len,
            )?)
        }
        _ => typed(data_type, len, buffer, nulls)?,
    };
    let mut column = Column::plain(array);
    if named {
        let pairs = [
            (EXTENSION_TYPE_NAME_KEY, DTYPE_EXTENSION),
            (EXTENSION_TYPE_METADATA_KEY, dtype.name()),
        ];
        column.metadata = pairs.into();
    }
    Ok(column)
}

/// An array of a type of fixed width over a buffer.
pub(super) fn typed(
    data_type: DataType,
    len: usize,
    buffer: ArrowBuffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let data = ArrayData::builder(data_type)
        .len(len)
        .add_buffer(buffer)
        .nulls(nulls)
        .build()?;
    Ok(make_array(data))
}

/// Strings in C order, over the memory of their bytes.
fn texts(strings: &StringArray, nulls: Option<NullBuffer>) -> Result<Column, Refused> {
    let broken = |reason: String| {
        Refused::Read(EnvError::InvalidValue {
            what: "a string array".to_owned(),
            reason,
        })
    };
    let offsets = strings.offsets().as_slice::<u64>()?;
    let length = strings.bytes().byte_len();
    let rising = offsets.windows(2).all(|pair| pair[0] <= pair[1]);
    if !rising || offsets.last().is_none_or(|last| *last > length) {
        return Err(broken("its offsets are out of order".to_owned()));
    }
    let count = offsets.len();
    let offsets = lend(strings.offsets(), 8)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::<i64>::new(offsets, 0, count));
    let bytes = lend(strings.bytes(), 1)?;
    let array = LargeStringArray::try_new(offsets, bytes, nulls);
    let array = array.map_err(|error| broken(error.to_string()))?;
    Ok(Column::plain(Arc::new(array)))
}

/// A column of elements as lists of fixed size, a level for each dimension below the rows.
pub(super) fn in_lists(mut column: Column, shape: &[u64]) -> Result<Column, Refused> {
    for (axis, size) in shape.iter().enumerate().skip(1).rev() {
        let rows: u64 = shape[..axis].iter().product();
        let too_long = || Refused::Unfit {
            path: String::new(),
            kind: "tensor".to_owned(),
            reason: format!(
                "its shape is {}, and a list of Arrow's has at most {} elements",
                format_shape(shape),
                i32::MAX
            ),
        };
        let size = i32::try_from(*size).map_err(|_| too_long())?;
        let item = Arc::new(column.field("item"));
        let rows = usize::try_from(rows).map_err(|_| too_long())?;
        let lists = FixedSizeListArray::try_new_with_length(item, size, column.array, None, rows)?;
        column = Column::plain(Arc::new(lists));
    }
    Ok(column)
}

/// A record of columns of one length.
fn structs(
    value: &Value,
    record: &Record,
    nulls: Option<NullBuffer>,
    depth: usize,
) -> Result<Column, Refused> {
    let (mut fields, mut arrays) = (Vec::new(), Vec::<ArrayRef>::new());
    for (name, part) in record.iter() {
        let part = column_at(part, depth).map_err(|refused| refused.below(&format!(".{name}")))?;
        fields.push(part.field(name));
        arrays.push(part.array);
    }
    let lengths: Vec<usize> = arrays.iter().map(|array| array.len()).collect();
    let Some(rows) = lengths.first().copied() else {
        return Err(unfit(value, "it is no column: a record without fields"));
    };
    if lengths.iter().any(|length| *length != rows) {
        return Err(unfit(value, "it is no column: its fields differ in length"));
    }
    let array = StructArray::try_new_with_length(fields.into(), arrays, nulls, rows)?;
    Ok(Column::plain(Arc::new(array)))
}

/// The same elements, with nulls where there are some or were some before.
pub(super) fn with_nulls(array: &ArrayRef, nulls: &NullBuffer) -> Result<ArrayRef, ArrowError> {
    let nulls = NullBuffer::union(array.nulls(), Some(nulls));
    let data = array.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(data))
}

impl Tensor {
    /// The same elements in C order under another shape of as many.
    fn reshape_c(&self, shape: impl AsRef<[u64]>) -> Result<Tensor> {
        in_c_order(self)?.reshape(shape)
    }
}
