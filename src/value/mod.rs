//! The values a workspace holds. Plain data: nothing here knows files.

mod blocks;
mod borrowed;
mod callable;
mod compound;
pub(crate) mod copy;
mod dismantle;
mod dtype;
mod element;
mod elements;
mod handle;
mod held;
mod identical;
mod lent;
mod may_share;
mod part;
mod record;
mod same;
mod select;
mod shared;
mod storage;
mod stored;
mod string_array;
mod tensor;
mod vector;
pub(crate) mod walk;

use std::sync::Arc;

pub use blocks::Blocks;
pub(crate) use borrowed::TensorData;
pub use borrowed::{TensorRef, ValueRef};
pub use callable::{Callable, Handle};
pub use compound::{Cell, Edge, ErrorValue, Extension, Function, Scope, Typed, UserFunction};
pub use dtype::{DType, Order};
pub use element::{BF16, Complex64, Complex128, Element, F8E4M3, F8E5M2, F16};
pub use elements::ElementSource;
pub(crate) use handle::SharedHandle;
pub(crate) use held::{Found, Held, HeldBytes};
pub(crate) use lent::NoContents;
pub use lent::{
    EdgeRef, ErrorRef, ExtensionRef, FunctionRef, ScopeRef, SharedContents, SharedId,
    UserFunctionRef,
};
pub use record::Record;
pub use storage::{Buffer, Storage};
pub(crate) use stored::{StoredBlocks, StoredExtent, WINDOW_BYTES, Window};
pub use string_array::StringArray;
pub(crate) use tensor::checked_byte_len;
pub use tensor::{Tensor, byte_len, format_shape};
pub use vector::Vector;

use crate::limits;

/// A value of a workspace.
///
/// Cheap to clone: strings, vectors, records and tensors are shared and copied on write; cells and
/// scopes are shared on purpose.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Boolean(bool),
    /// A 64-bit integer.
    Integer(i64),
    /// A double-precision number, kept bit for bit.
    Number(f64),
    /// A complex number of two doubles.
    Complex(Complex128),
    /// Text.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Values in order.
    Vector(Vector),
    /// An array of one element type.
    Tensor(Tensor),
    /// An array of strings.
    StringArray(Arc<StringArray>),
    /// Named values in order.
    Record(Record),
    /// An edge of a graph.
    Edge(Arc<Edge>),
    /// A function.
    Function(Callable),
    /// A mutable cell.
    Cell(Cell),
    /// An error.
    Error(Arc<ErrorValue>),
    /// A value of a kind unknown here, with what stands for it.
    Extension(Arc<Extension>),
    /// The bytes of a program's own type.
    Typed(Arc<Typed>),
}

/// What kind of value something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// [`Value::Null`].
    Null,
    /// [`Value::Boolean`].
    Boolean,
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Number`].
    Number,
    /// [`Value::Complex`].
    Complex,
    /// [`Value::String`].
    String,
    /// [`Value::Bytes`].
    Bytes,
    /// [`Value::Vector`].
    Vector,
    /// [`Value::Tensor`].
    Tensor,
    /// [`Value::StringArray`].
    StringArray,
    /// [`Value::Record`].
    Record,
    /// [`Value::Edge`].
    Edge,
    /// [`Value::Function`].
    Function,
    /// [`Value::Cell`].
    Cell,
    /// [`Value::Error`].
    Error,
    /// [`Value::Extension`].
    Extension,
    /// [`Value::Typed`].
    Typed,
}

/// All kinds, in the order of their codes in frames of a journal: codes are never reused.
const KINDS: [Kind; 17] = [
    Kind::Null,
    Kind::Boolean,
    Kind::Integer,
    Kind::Number,
    Kind::Complex,
    Kind::String,
    Kind::Bytes,
    Kind::Vector,
    Kind::Tensor,
    Kind::StringArray,
    Kind::Record,
    Kind::Edge,
    Kind::Function,
    Kind::Cell,
    Kind::Error,
    Kind::Extension,
    Kind::Typed,
];

impl Kind {
    /// Its code in the frames of a journal.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn from_code(code: u8) -> Option<Kind> {
        KINDS.get(usize::from(code)).copied()
    }

    /// The name in messages and listings, lower-case.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Null => "null",
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Complex => "complex",
            Kind::String => "string",
            Kind::Bytes => "bytes",
            Kind::Vector => "vector",
            Kind::Tensor => "tensor",
            Kind::StringArray => "string array",
            Kind::Record => "record",
            Kind::Edge => "edge",
            Kind::Function => "function",
            Kind::Cell => "cell",
            Kind::Error => "error",
            Kind::Extension => "extension",
            Kind::Typed => "typed",
        }
    }
}

#[cfg(test)]
#[test]
fn codes_of_kinds_lead_back() {
    for kind in KINDS {
        assert_eq!(Kind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(Kind::from_code(KINDS.len() as u8), None);
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Value {
    /// The kind of the value.
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Boolean(_) => Kind::Boolean,
            Value::Integer(_) => Kind::Integer,
            Value::Number(_) => Kind::Number,
            Value::Complex(_) => Kind::Complex,
            Value::String(_) => Kind::String,
            Value::Bytes(_) => Kind::Bytes,
            Value::Vector(_) => Kind::Vector,
            Value::Tensor(_) => Kind::Tensor,
            Value::StringArray(_) => Kind::StringArray,
            Value::Record(_) => Kind::Record,
            Value::Edge(_) => Kind::Edge,
            Value::Function(_) => Kind::Function,
            Value::Cell(_) => Kind::Cell,
            Value::Error(_) => Kind::Error,
            Value::Extension(_) => Kind::Extension,
            Value::Typed(_) => Kind::Typed,
        }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a number. Integers are not numbers: nothing is cast in silence.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// The value of an integer.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(integer) => Some(*integer),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// The tensor.
    pub fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// The record.
    pub fn as_record(&self) -> Option<&Record> {
        match self {
            Value::Record(record) => Some(record),
            _ => None,
        }
    }

    /// The elements of a vector.
    pub fn as_vector(&self) -> Option<&[Value]> {
        match self {
            Value::Vector(elements) => Some(elements),
            _ => None,
        }
    }

    /// Whether a cell or a scope may be found in the value. Looks at flags, not at elements.
    pub(crate) fn may_share(&self) -> bool {
        self.may_share_within(limits::MAX_NESTING)
    }

    /// As [`Value::may_share`]; errors and extensions, which have no flag, are looked through
    /// `levels` deep.
    fn may_share_within(&self, levels: usize) -> bool {
        let below = |value: &Value| levels == 0 || value.may_share_within(levels - 1);
        match self {
            Value::Cell(_) => true,
            Value::Vector(elements) => elements.may_share(),
            Value::Record(record) => record.may_share(),
            Value::Edge(edge) => edge.properties.may_share(),
            Value::Function(function) => match function.function() {
                Function::Builtin { .. } => false,
                Function::User(user) => user.scope.is_some() || user.details.may_share(),
            },
            Value::Error(error) => error.source.as_ref().is_some_and(below),
            Value::Extension(extension) => {
                below(&extension.parameters) || below(&extension.storage)
            }
            _ => false,
        }
    }

    /// A vector of `elements`.
    pub fn vector<V: Into<Value>>(elements: impl IntoIterator<Item = V>) -> Value {
        Value::Vector(elements.into_iter().collect())
    }
}

macro_rules! from {
    ($($ty:ty, $x:ident => $value:expr;)*) => {$(
        impl From<$ty> for Value {
            fn from($x: $ty) -> Value { $value }
        }
    )*};
}

from! {
    (), _x => Value::Null;
    bool, x => Value::Boolean(x);
    i64, x => Value::Integer(x);
    i32, x => Value::Integer(x.into());
    u32, x => Value::Integer(x.into());
    f64, x => Value::Number(x);
    Complex128, x => Value::Complex(x);
    &str, x => Value::String(x.into());
    String, x => Value::String(x.into());
    Arc<str>, x => Value::String(x);
    Vec<Value>, x => Value::Vector(x.into());
    Vector, x => Value::Vector(x);
    Tensor, x => Value::Tensor(x);
    StringArray, x => Value::StringArray(Arc::new(x));
    Record, x => Value::Record(x);
    Edge, x => Value::Edge(Arc::new(x));
    Function, x => Value::Function(Callable::new(x));
    Callable, x => Value::Function(x);
    UserFunction, x => Value::Function(Callable::new(Function::User(x)));
    Cell, x => Value::Cell(x);
    ErrorValue, x => Value::Error(Arc::new(x));
    Extension, x => Value::Extension(Arc::new(x));
    Typed, x => Value::Typed(Arc::new(x));
}
