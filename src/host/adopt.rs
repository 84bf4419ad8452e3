//! Making the values of a host of what an archive holds.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::parts::{Notes, Parts, Refusal};
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::limits::MAX_NESTING;
use crate::marks::Marks;
use crate::stack::with_room;
use crate::value::{
    Cell, Edge, ErrorValue, Extension, Function, Record, Scope, UserFunction, Value,
};

/// How a host makes values of its own.
///
/// The library does the walking: the host is handed one level at a time ([`Parts`]), with whatever
/// stands inside it made before. A cell or scope is made with `Default` the first time it is met and
/// filled later, so that cells may hold each other, and themselves.
///
/// ```
/// use std::{cell::RefCell, rc::Rc, sync::Arc};
/// use achronyme_env::host::{self, Adopt, Notes, Parts, Refusal};
/// use achronyme_env::{Cell, Function, Value};
///
/// #[derive(Default)]
/// enum Object {
///     #[default]
///     Nothing,
///     Number(f64),
///     List(Rc<Vec<Object>>),
///     Cell(Rc<RefCell<Object>>),
///     Foreign(Value),
/// }
///
/// struct Maker;
///
/// impl Adopt for Maker {
///     type Value = Object;
///     type Cell = Rc<RefCell<Object>>;
///     type Scope = Rc<RefCell<Vec<(String, Object)>>>;
///
///     fn adopt(&mut self, parts: Parts<Self>, _: &mut Notes) -> Result<Object, Refusal> {
///         Ok(match parts {
///             Parts::Null => Object::Nothing,
///             Parts::Number(n) => Object::Number(n),
///             Parts::Vector(items) => Object::List(Rc::new(items)),
///             Parts::Cell(cell) => Object::Cell(cell),
///             Parts::Builtin(name) => return Err(format!("there is no builtin {name}").into()),
///             _ => return Err("there are no such values here".into()),
///         })
///     }
///
///     fn keep(&mut self, value: Value) -> Object {
///         Object::Foreign(value)
///     }
///
///     fn fill_cell(&mut self, cell: &Self::Cell, content: Object) {
///         *cell.borrow_mut() = content;
///     }
///
///     fn fill_scope(&mut self, scope: &Self::Scope, bindings: Vec<(Arc<str>, Object)>) {
///         let own = bindings.into_iter().map(|(name, value)| (name.to_string(), value));
///         *scope.borrow_mut() = own.collect();
///     }
/// }
///
/// let cell = Cell::new(1.0);
/// let solve = Value::from(Function::Builtin { name: "solve".into() });
/// let list = Value::vector([cell.clone().into(), cell.into(), solve]);
/// let adopted = host::adopt(&mut Maker, [("list", list)])?;
/// let (_, Object::List(items)) = &adopted.bindings[0] else { panic!() };
/// let [Object::Cell(a), Object::Cell(b), Object::Foreign(_)] = &items[..] else { panic!() };
/// assert!(Rc::ptr_eq(a, b));
/// assert_eq!(
///     adopted.findings[0].to_string(),
///     "list[2] (function) is kept unresolved: there is no builtin solve"
/// );
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub trait Adopt: Sized {
    /// A value of the host's.
    type Value;
    /// A cell of the host's: clones are the same cell, such as `Rc<RefCell<..>>`.
    type Cell: Clone + Default;
    /// A captured scope of the host's: clones are the same scope.
    type Scope: Clone + Default;

    /// A value of the host's, made of its parts.
    ///
    /// # Errors
    /// A reason when the host has no such value: then it is [kept](Adopt::keep) as it came, and
    /// reported. An [`EnvError`] ends the adoption; see [`Refusal`].
    fn adopt(&mut self, parts: Parts<Self>, notes: &mut Notes) -> Result<Self::Value, Refusal>;

    /// A value of the host's that does nothing but hold `value`, to be saved again unchanged as
    /// [`ValueRef::Value`](crate::ValueRef::Value). Functions that could not be resolved, kinds and
    /// dtypes the host does not have, and placeholders of what was lost when it was saved.
    ///
    /// Cells inside `value` are this library's own and no longer those of the host's other values.
    fn keep(&mut self, value: Value) -> Self::Value;

    /// Puts `content` into a cell that was made empty.
    fn fill_cell(&mut self, cell: &Self::Cell, content: Self::Value);

    /// Puts `bindings` into a scope that was made empty.
    fn fill_scope(&mut self, scope: &Self::Scope, bindings: Vec<(Arc<str>, Self::Value)>);
}

/// What [`adopt`] made.
#[derive(Debug)]
#[non_exhaustive]
pub struct Adopted<V> {
    /// The names and the host's values, in the given order.
    pub bindings: Vec<(String, V)>,
    /// What is not as it was when it was saved.
    pub findings: Vec<Finding>,
}

/// Makes values of the host's of named values, such as [`Archive::load_vars`] gives: what is one
/// cell or scope in several of them is one for the host. Nothing is defined anywhere: a host that
/// wants all or nothing looks at the findings first.
///
/// In the path of a finding `<cell>` and `<scope>` are the steps into a cell and into the scope a
/// function captured.
///
/// [`Archive::load_vars`]: crate::Archive::load_vars
///
/// # Errors
/// What the host answers with, wrapped with the name; [`EnvError::NestingTooDeep`] for values not
/// from an archive.
pub fn adopt<A: Adopt, N: Into<String>>(
    host: &mut A,
    bindings: impl IntoIterator<Item = (N, Value)>,
) -> Result<Adopted<A::Value>> {
    let mut adoption = Adoption::<A> {
        host,
        cells: HashMap::new(),
        scopes: HashMap::new(),
        waiting: VecDeque::new(),
        met: 0,
        marks: Marks::default(),
    };
    let mut adopted = Adopted {
        bindings: Vec::new(),
        findings: Vec::new(),
    };
    with_room(|| {
        for (name, value) in bindings {
            let name = name.into();
            adoption.marks.begin();
            let value = adoption
                .value(&value, 0)
                .map_err(|e| e.of_variable(&name))?;
            adoption.marks.settle(None);
            adoption.fill().map_err(|e| e.of_variable(&name))?;
            let findings = adoption.marks.take_findings(&name);
            adopted.findings.extend(findings);
            adopted.bindings.push((name, value));
        }
        Ok(adopted)
    })
}

struct Adoption<'h, A: Adopt> {
    host: &'h mut A,
    /// By address; the library's own is held, so that no other takes its place meanwhile.
    cells: HashMap<usize, (Cell, A::Cell)>,
    scopes: HashMap<usize, (Scope, A::Scope)>,
    waiting: VecDeque<(u32, Waiting<A>)>,
    met: u32,
    marks: Marks,
}

enum Waiting<A: Adopt> {
    Cell(Cell, A::Cell),
    Scope(Scope, A::Scope),
}

impl<A: Adopt> Adoption<'_, A> {
    /// Fills the cells and scopes that were met, and those met on the way. A queue and no
    /// recursion: they may form chains of any length.
    fn fill(&mut self) -> Result<()> {
        while let Some((number, waiting)) = self.waiting.pop_front() {
            match waiting {
                Waiting::Cell(cell, own) => {
                    let content = self.value(&cell.get(), 0)?;
                    self.host.fill_cell(&own, content);
                }
                Waiting::Scope(scope, own) => {
                    let bindings = self.fields(&scope.bindings(), 0)?;
                    self.host.fill_scope(&own, bindings);
                }
            }
            self.marks.settle(Some(number));
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<A::Value> {
        if let Value::Extension(extension) = value
            && &*extension.type_name == Extension::UNSUPPORTED
        {
            return Ok(self.placeholder(value, extension));
        }
        let parts = match value {
            Value::Null => Parts::Null,
            Value::Boolean(boolean) => Parts::Boolean(*boolean),
            Value::Integer(integer) => Parts::Integer(*integer),
            Value::Number(number) => Parts::Number(*number),
            Value::Complex(z) => Parts::Complex(*z),
            Value::String(text) => Parts::String(Arc::clone(text)),
            Value::Bytes(bytes) => Parts::Bytes(Arc::clone(bytes)),
            Value::Vector(elements) => self.vector(elements, deeper(depth)?)?,
            Value::Tensor(tensor) => Parts::Tensor(tensor.clone()),
            Value::StringArray(array) => Parts::StringArray(Arc::clone(array)),
            Value::Record(record) => Parts::Record(self.fields(record, deeper(depth)?)?),
            Value::Edge(edge) => self.edge(edge, deeper(depth)?)?,
            Value::Function(function) => match &**function {
                Function::Builtin { name } => Parts::Builtin(Arc::clone(name)),
                Function::User(function) => self.function(function, deeper(depth)?)?,
            },
            Value::Cell(cell) => Parts::Cell(self.cell(cell)),
            Value::Error(error) => self.error(error, deeper(depth)?)?,
            Value::Extension(extension) => self.extension(extension, deeper(depth)?)?,
            Value::Typed(typed) => Parts::Typed(Arc::clone(typed)),
        };
        self.hand_over(value, parts)
    }

    /// What the host makes of `parts`, or the `value` kept as it came.
    fn hand_over(&mut self, value: &Value, parts: Parts<A>) -> Result<A::Value> {
        let kind = value.kind().name();
        let mut notes = Notes::default();
        let made = self.host.adopt(parts, &mut notes);
        for (outcome, reason) in notes.notes {
            self.marks.finding(kind, outcome, &reason);
        }
        match made {
            Ok(made) => Ok(made),
            Err(Refusal::Reason(reason)) => {
                self.marks.finding(kind, Outcome::Unresolved, &reason);
                Ok(self.host.keep(value.clone()))
            }
            Err(Refusal::Failed(error)) => Err(error),
        }
    }

    fn placeholder(&mut self, value: &Value, extension: &Extension) -> A::Value {
        let parameters = extension.parameters.as_record();
        let text = |name: &str| parameters.and_then(|record| record.get(name)?.as_str());
        let kind = text("kind").unwrap_or("value");
        let reason = text("reason").unwrap_or("it could not be saved");
        self.marks.finding(kind, Outcome::Lost, reason);
        self.host.keep(value.clone())
    }

    fn vector(&mut self, elements: &[Value], depth: usize) -> Result<Parts<A>> {
        let mut out = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            out.push(self.part(element, depth, || format!("[{index}]"))?);
        }
        Ok(Parts::Vector(out))
    }

    fn fields(&mut self, record: &Record, depth: usize) -> Result<Vec<(Arc<str>, A::Value)>> {
        let mut out = Vec::with_capacity(record.len());
        for (name, value) in record.iter() {
            let value = self.part(value, depth, || format!(".{name}"))?;
            out.push((name.into(), value));
        }
        Ok(out)
    }

    fn edge(&mut self, edge: &Edge, depth: usize) -> Result<Parts<A>> {
        Ok(Parts::Edge {
            from: Arc::clone(&edge.from),
            to: Arc::clone(&edge.to),
            directed: edge.directed,
            properties: self.fields(&edge.properties, depth)?,
        })
    }

    fn function(&mut self, function: &UserFunction, depth: usize) -> Result<Parts<A>> {
        Ok(Parts::User {
            name: function.name.clone(),
            parameters: function.parameters.clone(),
            details: self.fields(&function.details, depth)?,
            source: Arc::clone(&function.source),
            scope: function.scope.as_ref().map(|scope| self.scope(scope)),
        })
    }

    fn error(&mut self, error: &ErrorValue, depth: usize) -> Result<Parts<A>> {
        let source = error.source.as_ref();
        let source = source.map(|source| self.part(source, depth, || ".source".to_owned()));
        Ok(Parts::Error {
            message: Arc::clone(&error.message),
            kind: error.kind.clone(),
            source: source.transpose()?,
        })
    }

    fn extension(&mut self, extension: &Extension, depth: usize) -> Result<Parts<A>> {
        Ok(Parts::Extension {
            type_name: Arc::clone(&extension.type_name),
            parameters: self.part(&extension.parameters, depth, || ".parameters".to_owned())?,
            storage: self.part(&extension.storage, depth, || ".storage".to_owned())?,
        })
    }

    /// A value inside another, one step into it.
    fn part(&mut self, value: &Value, depth: usize, step: impl Fn() -> String) -> Result<A::Value> {
        let marks = self.marks.len();
        let made = self.value(value, depth).map_err(|error| match error {
            EnvError::NestingTooDeep { path } => EnvError::NestingTooDeep {
                path: step() + &path,
            },
            other => other,
        })?;
        self.marks.step(marks, step);
        Ok(made)
    }

    fn cell(&mut self, cell: &Cell) -> A::Cell {
        if let Some((_, own)) = self.cells.get(&cell.address()) {
            return own.clone();
        }
        let own = A::Cell::default();
        let held = (cell.clone(), own.clone());
        self.cells.insert(cell.address(), held);
        self.wait(Waiting::Cell(cell.clone(), own.clone()), false);
        own
    }

    fn scope(&mut self, scope: &Scope) -> A::Scope {
        if let Some((_, own)) = self.scopes.get(&scope.address()) {
            return own.clone();
        }
        let own = A::Scope::default();
        let held = (scope.clone(), own.clone());
        self.scopes.insert(scope.address(), held);
        self.wait(Waiting::Scope(scope.clone(), own.clone()), true);
        own
    }

    fn wait(&mut self, waiting: Waiting<A>, is_scope: bool) {
        self.marks.shared(self.met, is_scope);
        self.waiting.push_back((self.met, waiting));
        // More cells than numbers would need hundreds of gigabytes; only paths would suffer.
        self.met = self.met.wrapping_add(1);
    }
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_NESTING {
        return Err(EnvError::NestingTooDeep {
            path: String::new(),
        });
    }
    Ok(depth + 1)
}
