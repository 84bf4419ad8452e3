//! The values of a language: edges, functions and their scopes, cells, errors; and the two doors
//! for kinds this library does not know: extensions and typed values.

use std::fmt;
use std::sync::Arc;

use super::Value;
use super::dismantle::{dismantle, may_nest};
use super::record::Record;
use super::shared::Shared;
use super::tensor::Tensor;

/// An edge of a graph.
#[derive(Clone, Debug)]
pub struct Edge {
    /// Name of the node it starts from.
    pub from: Arc<str>,
    /// Name of the node it leads to.
    pub to: Arc<str>,
    /// Whether it leads one way only.
    pub directed: bool,
    /// Anything else: weight, label.
    pub properties: Record,
}

/// A function, kept as what its host needs to make it again.
#[derive(Clone, Debug)]
pub enum Function {
    /// A function of the host, by name.
    Builtin {
        /// The name the host knows it by.
        name: Arc<str>,
    },
    /// A function of the user's, as source text.
    User(UserFunction),
}

/// A user's function: source text, parameters, and the scope it captured.
#[derive(Clone, Debug, Default)]
pub struct UserFunction {
    /// Its own name, when it has one.
    pub name: Option<Arc<str>>,
    /// Names of its parameters, in order.
    pub parameters: Vec<Arc<str>>,
    /// Type annotations of the parameters and of the result, and whatever else the host keeps.
    pub details: Record,
    /// The source text of its body.
    pub source: Arc<str>,
    /// The scope it captured. Functions that share one in memory share it in the file.
    pub scope: Option<Scope>,
}

/// Named values that functions captured. Shared: clones are the same scope.
///
/// A scope may hold functions that captured it (recursion); such a cycle is kept in the file and
/// is never freed in memory until a name in it is cleared.
#[derive(Clone, Default)]
pub struct Scope(Arc<Shared<Record>>);

impl Scope {
    /// A scope that holds `bindings`.
    pub fn new(bindings: Record) -> Scope {
        Scope(Arc::new(Shared::new(bindings)))
    }

    /// The bindings as they are now.
    pub fn bindings(&self) -> Record {
        self.0.get()
    }

    /// Replaces the bindings.
    pub fn set_bindings(&self, bindings: Record) {
        self.0.set(bindings);
    }

    /// Whether both are the same scope.
    pub fn same(&self, other: &Scope) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    pub(crate) fn is_held_once(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bindings are not shown: a scope may hold itself.
        f.write_str("Scope(..)")
    }
}

/// A mutable cell. Shared: clones are the same cell, and two names for one cell stay so in a file.
#[derive(Clone, Default)]
pub struct Cell(Arc<Shared<Value>>);

impl Cell {
    /// A cell that holds `value`.
    pub fn new(value: impl Into<Value>) -> Cell {
        Cell(Arc::new(Shared::new(value.into())))
    }

    /// The content as it is now.
    pub fn get(&self) -> Value {
        self.0.get()
    }

    /// Replaces the content.
    pub fn set(&self, value: impl Into<Value>) {
        self.0.set(value.into());
    }

    /// Whether both are the same cell.
    pub fn same(&self, other: &Cell) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    pub(crate) fn is_held_once(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is not shown: a cell may hold itself.
        f.write_str("Cell(..)")
    }
}

/// An error as a value.
#[derive(Clone, Debug)]
pub struct ErrorValue {
    /// The message.
    pub message: Arc<str>,
    /// The kind, when the language has kinds.
    pub kind: Option<Arc<str>>,
    /// What caused it.
    pub source: Option<Value>,
}

impl Drop for ErrorValue {
    fn drop(&mut self) {
        if let Some(source) = self.source.take() {
            dismantle(vec![source]);
        }
    }
}

/// A value of a kind this library does not know, stored as one it knows.
///
/// Dates, big integers, sets and dataclasses are extensions: a reader that knows the type name
/// makes the real thing of the storage value, another hands out the storage value and copies the
/// extension unchanged.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The type, for example `integer` (beyond 64 bits, stored as decimal text) or `datetime`.
    pub type_name: Arc<str>,
    /// Parameters of the type, such as a unit or a time zone.
    pub parameters: Value,
    /// What stands for the value.
    pub storage: Value,
}

impl Drop for Extension {
    fn drop(&mut self) {
        let parts = [&mut self.parameters, &mut self.storage];
        if parts.iter().any(|part| may_nest(part)) {
            dismantle(parts.map(std::mem::take).into());
        }
    }
}

impl Extension {
    /// Type name of what stands for a value that could not be saved. Its parameters are a record
    /// of two strings, `kind` and `reason`; its storage is null.
    pub const UNSUPPORTED: &str = "unsupported";

    /// What stands for a part of a value that could not be saved: of the kind `kind`, for the
    /// reason `reason`.
    pub fn unsupported(kind: &str, reason: &str) -> Extension {
        Extension {
            type_name: Extension::UNSUPPORTED.into(),
            parameters: Record::from([("kind", kind), ("reason", reason)]).into(),
            storage: Value::Null,
        }
    }

    /// Kind and reason, when this stands for a value that could not be saved.
    pub(crate) fn as_unsupported(&self) -> Option<(&str, &str)> {
        if &*self.type_name != Extension::UNSUPPORTED {
            return None;
        }
        let parameters = self.parameters.as_record()?;
        let text = |name: &str| parameters.get(name).and_then(Value::as_str);
        Some((text("kind")?, text("reason")?))
    }
}

/// The bytes of a program's own archived type.
#[derive(Clone, Debug)]
pub struct Typed {
    /// The registered name of the type.
    pub type_name: Arc<str>,
    /// Version of its schema.
    pub version: u32,
    /// Alignment its bytes need, in bytes; at most 64.
    pub alignment: u32,
    /// Fingerprint of its layout.
    pub fingerprint: u64,
    /// The archived bytes, a rank-1 tensor of `uint8`.
    pub bytes: Tensor,
}

impl Typed {
    /// Whether bytes can be asked to stand at this alignment: 1 to 64, a power of two.
    pub fn is_alignment(alignment: u32) -> bool {
        alignment.is_power_of_two() && u64::from(alignment) <= crate::limits::EXTENT_ALIGNMENT
    }
}
