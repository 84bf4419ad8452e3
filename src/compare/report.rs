//! What a comparison found.

use crate::value::{DType, Kind, Order, Value};

/// How two workspaces, `a` and `b`, differ. Lists are in the order of names.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Diff {
    /// Variables that only `b` has.
    pub added: Vec<Lone>,
    /// Variables that only `a` has.
    pub removed: Vec<Lone>,
    /// Variables of both that differ.
    pub changed: Vec<Changed>,
    /// Number of variables that are the same.
    pub unchanged: usize,
    /// Patterns of the selection that no variable of either side matched, each with a sentence.
    pub unmet: Vec<crate::finding::Finding>,
}

impl Diff {
    /// Whether nothing differs.
    pub fn is_same(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// A variable that one side has.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lone {
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: Summary,
}

/// What a value is, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Its kind.
    pub kind: Kind,
    /// The dtype of a tensor.
    pub dtype: Option<DType>,
    /// The shape of a tensor or string array.
    pub shape: Option<Vec<u64>>,
    /// Number of elements of a vector, or of fields of a record.
    pub len: Option<u64>,
}

impl Summary {
    /// What `value` is.
    pub(super) fn of(value: &Value) -> Summary {
        let mut summary = Summary {
            kind: value.kind(),
            dtype: None,
            shape: None,
            len: None,
        };
        match value {
            Value::Tensor(tensor) => {
                summary.dtype = Some(tensor.dtype());
                summary.shape = Some(tensor.shape().to_vec());
            }
            Value::StringArray(array) => summary.shape = Some(array.shape().to_vec()),
            Value::Vector(elements) => summary.len = Some(elements.len() as u64),
            Value::Record(record) => summary.len = Some(record.len() as u64),
            _ => {}
        }
        summary
    }
}

/// A variable that differs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Changed {
    /// Its name.
    pub name: String,
    /// Whether it is a constant in `a` and in `b`, when that differs.
    pub constant: Option<(bool, bool)>,
    /// Whether it was declared mutable in `a` and in `b`, when that differs.
    pub mutable: Option<(bool, bool)>,
    /// Differences of the values.
    pub value: Vec<Difference>,
    /// Differences of the attributes; paths begin in the record of attributes.
    pub attributes: Vec<Difference>,
    /// Number of differences that are not listed.
    pub unlisted: u64,
}

/// One difference, at a place inside a variable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Difference {
    /// The steps to it, empty for the whole: `.layers[2].weights`; `<cell>` and `<scope>` lead into
    /// a cell and into what a function captured. A long path is shortened in the middle.
    pub path: String,
    /// What differs there.
    pub mismatch: Mismatch,
}

/// How two values at one place differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Mismatch {
    /// Only `b` has it: a field, a part that may be missing.
    Added(Summary),
    /// The dtype.
    DType {
        /// That of `a`.
        a: DType,
        /// That of `b`.
        b: DType,
    },
    /// Elements of tensors or string arrays of one shape.
    Elements(Box<ElementMismatch>),
    /// Records have the same fields in another order.
    FieldOrder,
    /// The kind.
    Kind {
        /// That of `a`.
        a: Kind,
        /// That of `b`.
        b: Kind,
    },
    /// Vectors of different lengths; what both have is compared by index.
    Length {
        /// That of `a`.
        a: u64,
        /// That of `b`.
        b: u64,
    },
    /// The order of the elements in memory. Elements are then not compared.
    Order {
        /// That of `a`.
        a: Order,
        /// That of `b`.
        b: Order,
    },
    /// Only `a` has it.
    Removed(Summary),
    /// The shape.
    Shape {
        /// That of `a`.
        a: Vec<u64>,
        /// That of `b`.
        b: Vec<u64>,
    },
    /// The difference is in a cell or scope that another variable holds too, and is listed there.
    Shared {
        /// The other variable.
        name: String,
    },
    /// What is one cell or scope on one side is two on the other.
    Sharing,
    /// Scalars, texts, bytes, functions.
    Values {
        /// That of `a`.
        a: Value,
        /// That of `b`.
        b: Value,
    },
}

/// How the elements of two arrays of one dtype and shape differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ElementMismatch {
    /// Number of elements that differ.
    pub differing: u64,
    /// Number of elements.
    pub total: u64,
    /// Index of the first that differs, in the order in which they stand in memory.
    pub first: Vec<u64>,
    /// That element of `a`: a tensor of rank 0, or a string, of which at most 1024 bytes are taken.
    pub a: Value,
    /// That element of `b`.
    pub b: Value,
    /// Largest `|a - b|` of those that differ and are finite; `None` for what has no difference.
    pub largest_absolute: Option<f64>,
    /// Largest `|a - b| / |b|` of those that differ and are finite, b not being 0.
    pub largest_relative: Option<f64>,
}
