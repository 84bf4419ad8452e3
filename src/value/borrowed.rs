//! Values as the writer takes them: borrowed from whatever the host keeps its own in.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use super::compound::{Cell, Function};
use super::dtype::{DType, Order};
use super::element::{Complex128, Element};
use super::elements::{Converted, ElementSource};
use super::lent::{EdgeRef, ErrorRef, ExtensionRef, FunctionRef, SharedId};
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
    /// An edge of a graph.
    Edge(Box<EdgeRef<'a>>),
    /// A function.
    Function(Box<FunctionRef<'a>>),
    /// An error.
    Error(Box<ErrorRef<'a>>),
    /// A value of a kind unknown here, with what stands for it.
    Extension(Box<ExtensionRef<'a>>),
    /// A cell of this library's.
    Cell(Cell),
    /// A cell of the host's own, by its identity: two names for one are one cell in the file. What
    /// it holds is told by the [`SharedContents`](super::SharedContents) passed with the value.
    HostCell(SharedId),
    /// A value that cannot be saved: reported, and inside another value stored as
    /// [`Extension::unsupported`](super::Extension::unsupported).
    Unsupported {
        /// The host's word for its kind, such as `generator`.
        kind: Cow<'a, str>,
        /// Why it cannot be saved, for the reader of the report.
        reason: Cow<'a, str>,
    },
    /// A value of this library's, borrowed.
    Value(&'a Value),
    /// A value of this library's, owned.
    Owned(Value),
}

impl ValueRef<'_> {
    /// The kind of the value; that of its placeholder for one that cannot be saved.
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
            ValueRef::Edge(_) => Kind::Edge,
            ValueRef::Function(_) => Kind::Function,
            ValueRef::Cell(_) | ValueRef::HostCell(_) => Kind::Cell,
            ValueRef::Error(_) => Kind::Error,
            ValueRef::Extension(_) | ValueRef::Unsupported { .. } => Kind::Extension,
            ValueRef::Value(value) => value.kind(),
            ValueRef::Owned(value) => value.kind(),
        }
    }

    /// For a function, whether it is a builtin of the host.
    pub(crate) fn is_builtin(&self) -> Option<bool> {
        match self {
            ValueRef::Function(function) => Some(matches!(**function, FunctionRef::Builtin(_))),
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
    pub(crate) data: TensorData<'a>,
}

/// Where the bytes of a borrowed tensor are.
#[derive(Clone, Debug)]
pub(crate) enum TensorData<'a> {
    Bytes { bytes: &'a [u8], volatile: bool },
    Source(Arc<dyn ElementSource + 'a>),
}

impl<'a> TensorRef<'a> {
    /// A tensor over `elements` in C order.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when their number is not the product of `shape`.
    pub fn new<T: Element>(
        elements: &'a [T],
        shape: impl Into<Cow<'a, [u64]>>,
    ) -> Result<TensorRef<'a>> {
        TensorRef::from_bytes(T::DTYPE, shape, Order::C, bytemuck::cast_slice(elements))
    }

    /// A tensor of what `convert` makes of each of `elements`, in C order, for elements that are
    /// not in memory as the file wants them. They are converted while they are written, through
    /// buffers of 1 MiB.
    ///
    /// ```
    /// use achronyme_env::{Complex128, TensorRef, ValueRef, deserialize_value, serialize_value};
    ///
    /// struct Complex { re: f64, im: f64 } // laid out as the compiler likes
    ///
    /// let signal = vec![Complex { re: 1.0, im: -0.5 }, Complex { re: 0.0, im: 2.0 }];
    /// let tensor = TensorRef::converted(&signal, &[2], |z| Complex128::new(z.re, z.im))?;
    /// let back = deserialize_value(&serialize_value(tensor)?)?;
    /// let back = back.as_tensor().unwrap().as_slice::<Complex128>()?;
    /// assert_eq!(back[1], Complex128::new(0.0, 2.0));
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// As [`TensorRef::new`].
    pub fn converted<S: Sync, T: Element>(
        elements: &'a [S],
        shape: impl Into<Cow<'a, [u64]>>,
        convert: impl Fn(&S) -> T + Send + Sync + 'a,
    ) -> Result<TensorRef<'a>> {
        let source = Converted {
            elements,
            convert,
            element: PhantomData,
        };
        TensorRef::from_source(T::DTYPE, shape, Order::C, Arc::new(source))
    }

    /// A tensor whose bytes `source` makes while they are written.
    ///
    /// # Errors
    /// As [`TensorRef::from_bytes`].
    pub fn from_source(
        dtype: DType,
        shape: impl Into<Cow<'a, [u64]>>,
        order: Order,
        source: Arc<dyn ElementSource + 'a>,
    ) -> Result<TensorRef<'a>> {
        let shape = shape.into();
        check_len(dtype, &shape, source.byte_len())?;
        Ok(TensorRef {
            dtype,
            order,
            shape,
            data: TensorData::Source(source),
        })
    }

    /// A tensor over little-endian `bytes`.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when their number is not what `dtype` and `shape` need.
    pub fn from_bytes(
        dtype: DType,
        shape: impl Into<Cow<'a, [u64]>>,
        order: Order,
        bytes: &'a [u8],
    ) -> Result<TensorRef<'a>> {
        let shape = shape.into();
        check_len(dtype, &shape, bytes.len() as u64)?;
        let volatile = false;
        Ok(TensorRef {
            dtype,
            order,
            shape,
            data: TensorData::Bytes { bytes, volatile },
        })
    }

    /// Says that other threads may be writing the bytes meanwhile: each piece is then copied
    /// before it is summed, so that the saved file always verifies.
    pub fn volatile(mut self) -> Self {
        if let TensorData::Bytes { volatile, .. } = &mut self.data {
            *volatile = true;
        }
        self
    }

    /// Number of bytes of all elements.
    pub(crate) fn byte_len(&self) -> u64 {
        match &self.data {
            TensorData::Bytes { bytes, .. } => bytes.len() as u64,
            TensorData::Source(source) => source.byte_len(),
        }
    }
}

fn check_len(dtype: DType, shape: &[u64], given: u64) -> Result<()> {
    let needed = byte_len(dtype, shape)?;
    if needed == given {
        return Ok(());
    }
    Err(EnvError::InvalidValue {
        what: format!(
            "a tensor of shape {} and dtype {dtype}",
            super::format_shape(shape)
        ),
        reason: format!("it needs {needed} bytes, {given} are given"),
    })
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
