//! A cell or a scope, whichever it is.

use super::{Cell, Scope, Value};

/// What several values share and may change.
#[derive(Clone, Debug)]
pub(crate) enum SharedHandle {
    Cell(Cell),
    Scope(Scope),
}

impl SharedHandle {
    /// A new one, empty.
    pub(crate) fn new(is_scope: bool) -> SharedHandle {
        match is_scope {
            true => SharedHandle::Scope(Scope::default()),
            false => SharedHandle::Cell(Cell::default()),
        }
    }

    /// What tells it from others as long as it is held.
    pub(crate) fn address(&self) -> usize {
        match self {
            SharedHandle::Cell(cell) => cell.address(),
            SharedHandle::Scope(scope) => scope.address(),
        }
    }

    /// Whether this is the only handle of it.
    pub(crate) fn is_held_once(&self) -> bool {
        match self {
            SharedHandle::Cell(cell) => cell.is_held_once(),
            SharedHandle::Scope(scope) => scope.is_held_once(),
        }
    }

    /// What it holds now: of a scope, a record.
    pub(crate) fn content(&self) -> Value {
        match self {
            SharedHandle::Cell(cell) => cell.get(),
            SharedHandle::Scope(scope) => Value::Record(scope.bindings()),
        }
    }

    /// Replaces what it holds. Whether it could: a scope holds records only.
    pub(crate) fn set_content(&self, content: Value) -> bool {
        match (self, content) {
            (SharedHandle::Cell(cell), content) => cell.set(content),
            (SharedHandle::Scope(scope), Value::Record(bindings)) => scope.set_bindings(bindings),
            (SharedHandle::Scope(_), _) => return false,
        }
        true
    }
}
