//! What a host is handed to make values of, and what it may answer.

use std::fmt;
use std::sync::Arc;

use super::adopt::Adopt;
use crate::error::EnvError;
use crate::finding::Outcome;
use crate::value::{Complex128, StringArray, Tensor, Typed};

/// Named values of the host's, in order.
type Fields<V> = Vec<(Arc<str>, V)>;

/// One level of a [`Value`](crate::Value): whatever stands inside it is the host's already.
#[non_exhaustive]
pub enum Parts<H: Adopt> {
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
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// Values in order.
    Vector(Vec<H::Value>),
    /// A tensor. A host that can hold it as it is copies nothing; one that needs a vector of its
    /// own copies once, from [`Tensor::as_slice`].
    Tensor(Tensor),
    /// An array of strings.
    StringArray(Arc<StringArray>),
    /// Named values in order.
    Record(Fields<H::Value>),
    /// An edge of a graph.
    Edge {
        /// Name of the node it starts from.
        from: Arc<str>,
        /// Name of the node it leads to.
        to: Arc<str>,
        /// Whether it leads one way only.
        directed: bool,
        /// Anything else.
        properties: Fields<H::Value>,
    },
    /// A function of the host, by the name it was saved under.
    Builtin(Arc<str>),
    /// A function of the user's, to be made of its source.
    User {
        /// Its own name, when it has one.
        name: Option<Arc<str>>,
        /// Names of its parameters, in order.
        parameters: Vec<Arc<str>>,
        /// Whatever else the host saved with it.
        details: Fields<H::Value>,
        /// The source text of its body.
        source: Arc<str>,
        /// The scope it captured, which may not be filled yet. Functions that shared one share
        /// this one.
        scope: Option<H::Scope>,
    },
    /// A mutable cell, which may not be filled yet. Two names for one cell get this one.
    Cell(H::Cell),
    /// An error as a value.
    Error {
        /// The message.
        message: Arc<str>,
        /// The kind, when the language has kinds.
        kind: Option<Arc<str>>,
        /// What caused it.
        source: Option<H::Value>,
    },
    /// A value of a kind this library does not know.
    Extension {
        /// The type.
        type_name: Arc<str>,
        /// Parameters of the type.
        parameters: H::Value,
        /// What stands for the value.
        storage: H::Value,
    },
    /// The bytes of a program's own type.
    Typed(Arc<Typed>),
}

impl<H: Adopt> fmt::Debug for Parts<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Parts::Null => "Null",
            Parts::Boolean(_) => "Boolean(..)",
            Parts::Integer(_) => "Integer(..)",
            Parts::Number(_) => "Number(..)",
            Parts::Complex(_) => "Complex(..)",
            Parts::String(_) => "String(..)",
            Parts::Bytes(_) => "Bytes(..)",
            Parts::Vector(_) => "Vector(..)",
            Parts::Tensor(_) => "Tensor(..)",
            Parts::StringArray(_) => "StringArray(..)",
            Parts::Record(_) => "Record(..)",
            Parts::Edge { .. } => "Edge(..)",
            Parts::Builtin(_) => "Builtin(..)",
            Parts::User { .. } => "User(..)",
            Parts::Cell(_) => "Cell(..)",
            Parts::Error { .. } => "Error(..)",
            Parts::Extension { .. } => "Extension(..)",
            Parts::Typed(_) => "Typed(..)",
        })
    }
}

/// Why a host did not make a value of its own.
///
/// `?` makes one of a text and of an [`EnvError`]: elements of another type than were asked for are
/// a reason, any other error ends the adoption.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refusal {
    /// The host has no such value: it is kept as it came, and reported with this reason.
    Reason(String),
    /// The value could not be read: the adoption ends.
    Failed(EnvError),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Refusal::Reason(reason)
    }
}

impl From<&str> for Refusal {
    fn from(reason: &str) -> Self {
        Refusal::Reason(reason.to_owned())
    }
}

impl From<EnvError> for Refusal {
    fn from(error: EnvError) -> Self {
        match error {
            EnvError::DTypeMismatch { .. } | EnvError::WrongKind { .. } => {
                Refusal::Reason(error.to_string())
            }
            other => Refusal::Failed(other),
        }
    }
}

/// What a host has to tell of a value that it did make.
#[derive(Debug, Default)]
pub struct Notes {
    pub(super) notes: Vec<(Outcome, String)>,
}

impl Notes {
    /// Reports `outcome` for this value: for example [`Outcome::Unresolved`] for a function that
    /// the host keeps as a value of its own although it cannot be called.
    pub fn tell(&mut self, outcome: Outcome, reason: impl Into<String>) {
        self.notes.push((outcome, reason.into()));
    }
}
