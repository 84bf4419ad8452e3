//! Copies with cells and scopes of their own, shared among each other as the originals are.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::compound::{Cell, Edge, ErrorValue, Extension, Function, Scope, UserFunction};
use super::handle::SharedHandle;
use super::walk::Contents;
use super::{Record, Value};

/// Copies values. What holds no cells is shared and not copied. Values must not be nested deeper
/// than a [`super::walk::Walk`] allows, which walked through them before.
pub(crate) struct Copier<'c> {
    /// What the originals are taken to hold.
    contents: &'c Contents,
    copies: HashMap<usize, SharedHandle>,
    /// Copies that are still empty, and the addresses of their originals.
    waiting: VecDeque<(SharedHandle, usize)>,
}

impl<'c> Copier<'c> {
    pub(crate) fn new(contents: &'c Contents) -> Self {
        Copier {
            contents,
            copies: HashMap::new(),
            waiting: VecDeque::new(),
        }
    }

    pub(crate) fn value(&mut self, value: &Value) -> Value {
        if !value.may_share() {
            return value.clone();
        }
        match value {
            Value::Vector(elements) => {
                let elements: Vec<Value> = elements.iter().map(|v| self.value(v)).collect();
                elements.into()
            }
            Value::Record(record) => Value::Record(self.record(record)),
            Value::Edge(edge) => Value::from(Edge {
                properties: self.record(&edge.properties),
                ..(**edge).clone()
            }),
            Value::Function(function) => match function.function() {
                Function::Builtin { .. } => value.clone(),
                Function::User(user) => Value::from(UserFunction {
                    details: self.record(&user.details),
                    scope: user.scope.as_ref().map(|scope| self.scope(scope)),
                    ..user.clone()
                }),
            },
            Value::Cell(cell) => Value::Cell(self.cell(cell)),
            Value::Error(error) => Value::from(ErrorValue {
                message: Arc::clone(&error.message),
                kind: error.kind.clone(),
                source: error.source.as_ref().map(|source| self.value(source)),
            }),
            Value::Extension(extension) => Value::from(Extension {
                type_name: Arc::clone(&extension.type_name),
                parameters: self.value(&extension.parameters),
                storage: self.value(&extension.storage),
            }),
            plain => plain.clone(),
        }
    }

    pub(crate) fn record(&mut self, record: &Record) -> Record {
        let fields = record.iter();
        fields
            .map(|(name, value)| (name, self.value(value)))
            .collect()
    }

    /// Fills the copies of cells and scopes, and those met on the way.
    pub(crate) fn fill(&mut self) {
        while let Some((copy, original)) = self.waiting.pop_front() {
            if let Some(content) = self.contents.get(&original) {
                let content = self.value(content);
                copy.set_content(content);
            }
        }
    }

    fn cell(&mut self, cell: &Cell) -> Cell {
        let new = || SharedHandle::Cell(Cell::default());
        match self.copy_of(cell.address(), new) {
            SharedHandle::Cell(copy) => copy,
            // Addresses tell cells from scopes: both are alive.
            SharedHandle::Scope(_) => Cell::default(),
        }
    }

    fn scope(&mut self, scope: &Scope) -> Scope {
        let new = || SharedHandle::Scope(Scope::default());
        match self.copy_of(scope.address(), new) {
            SharedHandle::Scope(copy) => copy,
            SharedHandle::Cell(_) => Scope::default(),
        }
    }

    fn copy_of(&mut self, address: usize, new: impl FnOnce() -> SharedHandle) -> SharedHandle {
        if let Some(copy) = self.copies.get(&address) {
            return copy.clone();
        }
        let copy = new();
        self.copies.insert(address, copy.clone());
        self.waiting.push_back((copy.clone(), address));
        copy
    }
}
