//! A host of a few kinds, `!Send`, whose tensors lie in its own values.
#![allow(dead_code)]

use std::cell::{Ref, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use achronyme_env::host::{Adopt, Lend, Lending, Notes, Parts, Refusal};
use achronyme_env::{
    BindingOptions, Complex128, FunctionRef, SharedId, TensorRef, UserFunctionRef, Value, ValueRef,
};

/// Not `repr(C)`, and its parts in another order than the file wants them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Complex {
    pub(crate) im: f64,
    pub(crate) re: f64,
}

#[derive(Debug, Default)]
pub(crate) enum Object {
    #[default]
    Nothing,
    Number(f64),
    Text(String),
    Tensor {
        data: Vec<f64>,
        shape: Vec<usize>,
    },
    Signal(Vec<Complex>),
    List(Rc<Vec<Object>>),
    Record(Rc<Vec<(String, Object)>>),
    Cell(CellRc),
    Closure {
        source: String,
        scope: ScopeRc,
    },
    Builtin(String),
    Socket,
    Foreign(Value),
}

pub(crate) type CellRc = Rc<RefCell<Object>>;
pub(crate) type ScopeRc = Rc<RefCell<Vec<(String, Object)>>>;

pub(crate) fn cell(content: Object) -> CellRc {
    Rc::new(RefCell::new(content))
}

pub(crate) fn record<const N: usize>(fields: [(&str, Object); N]) -> Object {
    Object::Record(Rc::new(
        fields
            .map(|(name, value)| (name.to_owned(), value))
            .into_iter()
            .collect(),
    ))
}

pub(crate) fn list<const N: usize>(items: [Object; N]) -> Object {
    Object::List(Rc::new(items.into_iter().collect()))
}

pub(crate) fn same(cell: &CellRc) -> Object {
    Object::Cell(Rc::clone(cell))
}

pub(crate) struct Host;

#[derive(Clone)]
pub(crate) enum Handle {
    Cell(CellRc),
    Scope(ScopeRc),
}

pub(crate) enum Guard<'h> {
    Cell(Ref<'h, Object>),
    Scope(Ref<'h, Vec<(String, Object)>>),
}

impl Lend for Host {
    type Value = Object;
    type Handle = Handle;
    type Guard<'h> = Guard<'h>;

    fn lend<'v>(&self, object: &'v Object, lending: &mut Lending<'_, Handle>) -> ValueRef<'v> {
        match object {
            Object::Nothing => ValueRef::Null,
            Object::Number(n) => ValueRef::Number(*n),
            Object::Text(text) => ValueRef::String(text),
            Object::Tensor { data, shape } => {
                let shape: Vec<u64> = shape.iter().map(|n| *n as u64).collect();
                TensorRef::new(data, shape).unwrap().into()
            }
            Object::Signal(elements) => {
                let shape = vec![elements.len() as u64];
                let convert = |z: &Complex| Complex128::new(z.re, z.im);
                TensorRef::converted(elements, shape, convert)
                    .unwrap()
                    .into()
            }
            Object::List(items) => lending.nested(|lending| {
                ValueRef::Vector(items.iter().map(|item| self.lend(item, lending)).collect())
            }),
            Object::Record(fields) => lending.nested(|lending| self.fields(fields, lending)),
            Object::Cell(cell) => lending.cell(SharedId::of(&**cell), &Handle::Cell(cell.clone())),
            Object::Closure { source, scope } => UserFunctionRef {
                source: source.into(),
                scope: Some(lending.scope(SharedId::of(&**scope), || Handle::Scope(scope.clone()))),
                ..Default::default()
            }
            .into(),
            Object::Builtin(name) => FunctionRef::Builtin(name.into()).into(),
            Object::Socket => ValueRef::unsupported("socket", "connections cannot be saved"),
            Object::Foreign(value) => ValueRef::Value(value),
        }
    }

    fn open<'h>(&self, handle: &'h Handle) -> Result<Guard<'h>, String> {
        let writing = |_| "it is being written".to_owned();
        Ok(match handle {
            Handle::Cell(cell) => Guard::Cell(cell.try_borrow().map_err(writing)?),
            Handle::Scope(scope) => Guard::Scope(scope.try_borrow().map_err(writing)?),
        })
    }

    fn contents<'g>(
        &self,
        guard: &'g Guard<'_>,
        lending: &mut Lending<'_, Handle>,
    ) -> ValueRef<'g> {
        match guard {
            Guard::Cell(content) => self.lend(content, lending),
            Guard::Scope(bindings) => self.fields(bindings, lending),
        }
    }
}

impl Host {
    fn fields<'v>(
        &self,
        fields: &'v [(String, Object)],
        lending: &mut Lending<'_, Handle>,
    ) -> ValueRef<'v> {
        let field = |(name, value): &'v (String, Object)| (name.into(), self.lend(value, lending));
        ValueRef::Record(fields.iter().map(field).collect())
    }
}

impl Adopt for Host {
    type Value = Object;
    type Cell = CellRc;
    type Scope = ScopeRc;

    fn adopt(&mut self, parts: Parts<Host>, _: &mut Notes) -> Result<Object, Refusal> {
        Ok(match parts {
            Parts::Null => Object::Nothing,
            Parts::Number(n) => Object::Number(n),
            Parts::String(text) => Object::Text(text.to_string()),
            Parts::Tensor(tensor) if tensor.dtype() == achronyme_env::DType::Complex128 => {
                let elements = tensor.as_slice::<Complex128>()?;
                let own = elements.iter().map(|z| Complex { re: z.re, im: z.im });
                Object::Signal(own.collect())
            }
            Parts::Tensor(tensor) => Object::Tensor {
                data: tensor.as_slice::<f64>()?.to_vec(),
                shape: tensor.shape().iter().map(|n| *n as usize).collect(),
            },
            Parts::Vector(items) => Object::List(Rc::new(items)),
            Parts::Record(fields) => Object::Record(Rc::new(own(fields))),
            Parts::Cell(cell) => Object::Cell(cell),
            Parts::User {
                source,
                scope: Some(scope),
                ..
            } => Object::Closure {
                source: source.to_string(),
                scope,
            },
            Parts::Builtin(name) if &*name == "sin" => Object::Builtin(name.to_string()),
            Parts::Builtin(name) => return Err(format!("there is no builtin '{name}'").into()),
            _ => return Err("the tiny host has no such kind".into()),
        })
    }

    fn keep(&mut self, value: Value) -> Object {
        Object::Foreign(value)
    }

    fn fill_cell(&mut self, cell: &CellRc, content: Object) {
        *cell.borrow_mut() = content;
    }

    fn fill_scope(&mut self, scope: &ScopeRc, bindings: Vec<(Arc<str>, Object)>) {
        *scope.borrow_mut() = own(bindings);
    }
}

fn own(fields: Vec<(Arc<str>, Object)>) -> Vec<(String, Object)> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_string(), value))
        .collect()
}

/// A session as `host::save` takes it.
pub(crate) fn session<'v, const N: usize>(
    bindings: [(&'v str, &'v Object); N],
) -> [(&'v str, &'v Object, BindingOptions); N] {
    bindings.map(|(name, value)| (name, value, BindingOptions::new()))
}
