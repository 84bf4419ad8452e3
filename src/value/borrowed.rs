//! Values as the writer takes them: borrowed from whatever the host keeps its own in.

use std::borrow::Cow;
use std::sync::Arc;

use super::compound::{Cell, Function};
use super::dtype::{DType, Order};
use super::element::{Complex128, Element};
use super::tensor::{Tensor, byte_len};
use super::{Kind, Value};
use crate::error::{EnvError, Result};

/// A borrowed view of a value, so that a host saves its own tensors and texts without a copy.
///
/// ```
/// use achronyme_env::{TensorRef, ValueRef};
///
/// let weights: Vec<f32> = vec![0.5; 6]; // the host's own memory
/// let record = ValueRef::Record(vec![
///     ("weights".into(), TensorRef::new(&weights, &[2, 3])?.into()),
///     ("rate".into(), ValueRef::Number(0.001)),
/// ]);
/// # let _ = record;
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// Nothing.
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A double-precision number.
    Number(f64),
    /// A complex number.
    Complex(Complex128),
    /// Text.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A tensor.
    Tensor(TensorRef<'a>),
    /// Values in order.
    Vector(Vec<ValueRef<'a>>),
    /// Named values in order; a name twice is an error when saved.
    Record(Vec<(Cow<'a, str>, ValueRef<'a>)>),
    /// A cell of this library's.
    Cell(Cell),
    /// A value of this library's, borrowed.
    Value(&'a Value),
    /// A value of this library's, owned.
    Owned(Value),
}

impl ValueRef<'_> {
    /// The kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            ValueRef::Null => Kind::Null,
            ValueRef::Boolean(_) => Kind::Boolean,
            ValueRef::Integer(_) => Kind::Integer,
            ValueRef::Number(_) => Kind::Number,
            ValueRef::Complex(_) => Kind::Complex,
            ValueRef::String(_) => Kind::String,
            ValueRef::Bytes(_) => Kind::Bytes,
            ValueRef::Tensor(_) => Kind::Tensor,
            ValueRef::Vector(_) => Kind::Vector,
            ValueRef::Record(_) => Kind::Record,
            ValueRef::Cell(_) => Kind::Cell,
            ValueRef::Value(value) => value.kind(),
            ValueRef::Owned(value) => value.kind(),
        }
    }

    /// For a function, whether it is a builtin of the host.
    pub(crate) fn is_builtin(&self) -> Option<bool> {
        match self {
            ValueRef::Value(Value::Function(function))
            | ValueRef::Owned(Value::Function(function)) => {
                Some(matches!(function.function(), Function::Builtin { .. }))
            }
            _ => None,
        }
    }
}

/// A borrowed tensor: dtype, shape, order, and the host's own bytes.
#[derive(Clone, Debug)]
pub struct TensorRef<'a> {
    pub(crate) dtype: DType,
    pub(crate) order: Order,
    pub(crate) shape: Cow<'a, [u64]>,
    pub(crate) bytes: &'a [u8],
    pub(crate) volatile: bool,
}

impl<'a> TensorRef<'a> {
    /// A tensor over `elements` in C order.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when their number is not the product of `shape`.
    pub fn new<T: Element>(elements: &'a [T], shape: &'a [u64]) -> Result<TensorRef<'a>> {
        TensorRef::from_bytes(T::DTYPE, shape, Order::C, bytemuck::cast_slice(elements))
    }

    /// A tensor over little-endian `bytes`.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when their number is not what `dtype` and `shape` need.
    pub fn from_bytes(
        dtype: DType,
        shape: &'a [u64],
        order: Order,
        bytes: &'a [u8],
    ) -> Result<TensorRef<'a>> {
        TensorRef::from_parts(dtype, Cow::Borrowed(shape), order, bytes)
    }

    /// As [`TensorRef::from_bytes`], for callers whose shape is not in `u64`s.
    pub(crate) fn from_parts(
        dtype: DType,
        shape: Cow<'a, [u64]>,
        order: Order,
        bytes: &'a [u8],
    ) -> Result<TensorRef<'a>> {
        let needed = byte_len(dtype, &shape)?;
        if needed != bytes.len() as u64 {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "a tensor of shape {} and dtype {dtype}",
                    super::format_shape(&shape)
                ),
                reason: format!("it needs {needed} bytes, {} are given", bytes.len()),
            });
        }
        Ok(TensorRef {
            dtype,
            order,
            shape,
            bytes,
            volatile: false,
        })
    }

    /// Says that other threads may be writing the bytes meanwhile: each piece is then copied
    /// before it is summed, so that the saved file always verifies.
    pub fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }
}

impl<'a> From<TensorRef<'a>> for ValueRef<'a> {
    fn from(tensor: TensorRef<'a>) -> Self {
        ValueRef::Tensor(tensor)
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        ValueRef::Value(value)
    }
}

impl From<Value> for ValueRef<'_> {
    fn from(value: Value) -> Self {
        ValueRef::Owned(value)
    }
}

impl From<Tensor> for ValueRef<'_> {
    fn from(tensor: Tensor) -> Self {
        ValueRef::Owned(Value::Tensor(tensor))
    }
}

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(text: &'a str) -> Self {
        ValueRef::String(text)
    }
}

impl From<f64> for ValueRef<'_> {
    fn from(number: f64) -> Self {
        ValueRef::Number(number)
    }
}

impl From<i64> for ValueRef<'_> {
    fn from(integer: i64) -> Self {
        ValueRef::Integer(integer)
    }
}

impl From<bool> for ValueRef<'_> {
    fn from(boolean: bool) -> Self {
        ValueRef::Boolean(boolean)
    }
}

impl From<Arc<str>> for ValueRef<'_> {
    fn from(text: Arc<str>) -> Self {
        ValueRef::Owned(Value::String(text))
    }
}
