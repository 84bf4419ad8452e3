//! The session in a file, and back: all that this language needs to know of the library.

use std::cell::Ref;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use achronyme_env::host::{self, Adopt, Lend, Lending, Notes, Parts, Refusal};
use achronyme_env::{
    Archive, BindingOptions, Complex128, DType, EnvError, Finding, FunctionRef, Outcome,
    Result as EnvResult, SaveOptions, SharedId, TensorRef, UserFunctionRef, Value, ValueRef,
    Version1,
};

use crate::eval::Interpreter;
use crate::parse;
use crate::value::{CellRc, Closure, HostComplex, HostTensor, Object, Scope, ScopeRc};

/// Names and values of a file.
type Bindings = Vec<(String, Value)>;

/// Saves the variables of the session.
pub(crate) fn save(
    interpreter: &Interpreter,
    path: &Path,
    options: &[(&String, &Object)],
) -> Result<Object, String> {
    let options = save_options(options)?;
    let globals = interpreter.globals.borrow();
    // Sorted, so that the same session gives the same file.
    let mut variables: Vec<(&String, &Object)> = globals.variables.iter().collect();
    variables.sort_by_key(|(name, _)| *name);
    let bindings = variables.into_iter().map(|(name, value)| {
        let mutable = matches!(value, Object::Cell(_));
        (name, value, BindingOptions::new().mutable(mutable))
    });
    let report = host::save(&Language, path, bindings, &options).map_err(|e| e.to_string())?;
    tell(&report.findings);
    let numbers = [
        ("bindings", report.bindings as f64),
        ("bytes", report.file_len as f64),
        ("findings", report.findings.len() as f64),
    ];
    let fields = numbers.map(|(name, number)| (name.to_owned(), Object::Number(number)));
    Ok(Object::Record(Rc::new(fields.into_iter().collect())))
}

/// Puts the variables of a file into the session: all of them, or on an error none.
pub(crate) fn restore(interpreter: &mut Interpreter, path: &Path) -> Result<Object, String> {
    let read = || -> EnvResult<Bindings> {
        let archive = Archive::open(path)?;
        let names: Vec<String> = archive.names().map(str::to_owned).collect();
        let values = archive.load_vars(&names)?;
        Ok(names.into_iter().zip(values).collect())
    };
    let (bindings, lost) = match read() {
        Err(EnvError::Version1 { .. }) => from_version_1(path),
        bindings => bindings.map(|bindings| (bindings, Vec::new())),
    }
    .map_err(|e| e.to_string())?;
    let mut adopted =
        host::adopt(&mut Maker { interpreter }, bindings).map_err(|e| e.to_string())?;
    adopted.findings.extend(lost);
    if interpreter.strict
        && let Some(loss) = adopted.findings.iter().find(|f| f.outcome.is_loss())
    {
        return Err(format!("nothing is restored: {loss}"));
    }
    tell(&adopted.findings);
    let count = adopted.bindings.len();
    let mut globals = interpreter.globals.borrow_mut();
    globals.variables.extend(adopted.bindings);
    Ok(Object::Number(count as f64))
}

/// The variables of a version 1 file, and what it has lost of whole ones. What is lost inside of one
/// is told by whoever adopts it.
fn from_version_1(path: &Path) -> EnvResult<(Bindings, Vec<Finding>)> {
    let old = Version1::open(path)?;
    let whole = old.findings().iter().filter(|f| f.path.is_empty());
    let lost = whole.cloned().collect();
    Ok((old.into_bindings(), lost))
}

fn tell(findings: &[Finding]) {
    for finding in findings {
        eprintln!("note: {finding}");
    }
}

/// The options of `save_env("x.ach", {overwrite: true})`. One that is not known is an error.
fn save_options(options: &[(&String, &Object)]) -> Result<SaveOptions, String> {
    let mut save = SaveOptions::new();
    for (name, value) in options {
        save = match (name.as_str(), value.read()) {
            ("overwrite", Object::Boolean(overwrite)) => save.allow_overwrite(overwrite),
            ("description", Object::Text(text)) => save.description(&*text),
            ("overwrite" | "description", other) => {
                return Err(format!("the option {name} cannot be a {}", other.kind()));
            }
            _ => return Err(format!("save_env has no option {name}")),
        };
    }
    Ok(save)
}

/// How values look to a save.
struct Language;

/// A cell, or the scopes from a function's own to the outermost.
#[derive(Clone)]
enum Handle {
    Cell(CellRc),
    Scopes(Vec<ScopeRc>),
}

enum Guard<'h> {
    Cell(Ref<'h, Object>),
    Scopes(Vec<Ref<'h, Scope>>),
}

impl Lend for Language {
    type Value = Object;
    type Handle = Handle;
    type Guard<'h> = Guard<'h>;

    fn lend<'v>(&self, object: &'v Object, lending: &mut Lending<'_, Handle>) -> ValueRef<'v> {
        match object {
            Object::Null => ValueRef::Null,
            Object::Boolean(boolean) => ValueRef::Boolean(*boolean),
            Object::Number(number) => ValueRef::Number(*number),
            Object::Complex(z) => ValueRef::Complex(Complex128::new(z.re, z.im)),
            Object::Text(text) => ValueRef::String(text),
            Object::Tensor(tensor) => lend_tensor(TensorRef::new(&tensor.data, shape(tensor))),
            Object::ComplexTensor(tensor) => {
                // Not `repr(C)`: converted while it is written, 1 MiB at a time.
                let convert = |z: &HostComplex| Complex128::new(z.re, z.im);
                lend_tensor(TensorRef::converted(&tensor.data, shape(tensor), convert))
            }
            Object::Vector(items) => lending.nested(|lending| {
                ValueRef::Vector(items.iter().map(|item| self.lend(item, lending)).collect())
            }),
            Object::Record(fields) => {
                lending.nested(|lending| self.bindings(fields.iter().collect(), lending))
            }
            Object::Cell(cell) => {
                lending.cell(SharedId::of(&**cell), &Handle::Cell(Rc::clone(cell)))
            }
            Object::Function(function) => {
                let scope = function.scope.as_ref();
                UserFunctionRef {
                    name: function.name.as_deref().map(Into::into),
                    parameters: function.parameters.iter().map(|p| (**p).into()).collect(),
                    source: (*function.source).into(),
                    scope: scope.map(|own| lending.scope(SharedId::of(&**own), || outwards(own))),
                    ..UserFunctionRef::default()
                }
                .into()
            }
            Object::Builtin(name) => FunctionRef::Builtin((**name).into()).into(),
            Object::Generator(_) => {
                ValueRef::unsupported("generator", "a computation under way cannot be saved")
            }
            Object::Foreign(value) => ValueRef::Value(value),
        }
    }

    fn open<'h>(&self, handle: &'h Handle) -> Result<Guard<'h>, String> {
        let writing = |_| "it is being written".to_owned();
        Ok(match handle {
            Handle::Cell(cell) => Guard::Cell(cell.try_borrow().map_err(writing)?),
            Handle::Scopes(scopes) => {
                let scopes = scopes.iter().map(|scope| scope.try_borrow());
                Guard::Scopes(scopes.collect::<Result<_, _>>().map_err(writing)?)
            }
        })
    }

    fn contents<'g>(
        &self,
        guard: &'g Guard<'_>,
        lending: &mut Lending<'_, Handle>,
    ) -> ValueRef<'g> {
        match guard {
            Guard::Cell(content) => self.lend(content, lending),
            Guard::Scopes(scopes) => {
                // One record: of a name in several of the scopes, the innermost counts.
                let mut variables = std::collections::HashMap::new();
                for scope in scopes.iter().rev() {
                    variables.extend(scope.variables.iter());
                }
                self.bindings(variables.into_iter().collect(), lending)
            }
        }
    }
}

impl Language {
    /// A record, sorted by name: a `HashMap` has another order every time.
    fn bindings<'v>(
        &self,
        mut fields: Vec<(&'v String, &'v Object)>,
        lending: &mut Lending<'_, Handle>,
    ) -> ValueRef<'v> {
        fields.sort_by_key(|(name, _)| *name);
        let fields = fields.into_iter();
        let fields = fields.map(|(name, value)| (name.into(), self.lend(value, lending)));
        ValueRef::Record(fields.collect())
    }
}

fn outwards(scope: &ScopeRc) -> Handle {
    let parents = std::iter::successors(Some(Rc::clone(scope)), |scope| {
        scope.borrow().parent.clone()
    });
    Handle::Scopes(parents.collect())
}

fn shape<T>(tensor: &HostTensor<T>) -> Vec<u64> {
    tensor.shape.iter().map(|n| *n as u64).collect()
}

fn lend_tensor(tensor: EnvResult<TensorRef<'_>>) -> ValueRef<'_> {
    match tensor {
        Ok(tensor) => tensor.into(),
        Err(error) => ValueRef::unsupported("tensor", error.to_string()),
    }
}

/// How values are made.
struct Maker<'i> {
    interpreter: &'i Interpreter,
}

impl Adopt for Maker<'_> {
    type Value = Object;
    type Cell = CellRc;
    type Scope = ScopeRc;

    fn adopt(&mut self, parts: Parts<Self>, notes: &mut Notes) -> Result<Object, Refusal> {
        Ok(match parts {
            Parts::Null => Object::Null,
            Parts::Boolean(boolean) => Object::Boolean(boolean),
            Parts::Integer(n) if n.unsigned_abs() <= 1 << 53 => Object::Number(n as f64),
            Parts::Integer(_) => return Err("numbers have 53 bits here".into()),
            Parts::Number(number) => Object::Number(number),
            Parts::Complex(z) => Object::Complex(HostComplex { re: z.re, im: z.im }),
            Parts::String(text) => Object::Text((*text).into()),
            Parts::Vector(items) => Object::Vector(Rc::new(items)),
            Parts::Record(fields) => Object::Record(Rc::new(own(fields).collect())),
            Parts::Tensor(tensor) => {
                let shape = tensor.shape().iter().map(|n| *n as usize).collect();
                // The one copy: this language's tensors own their elements.
                if tensor.dtype() == DType::Complex128 {
                    let elements = tensor.as_slice::<Complex128>()?.iter();
                    let data = elements.map(|z| HostComplex { re: z.re, im: z.im });
                    let tensor = HostTensor::new(data.collect(), shape)?;
                    Object::ComplexTensor(Rc::new(tensor))
                } else {
                    let data = tensor.as_slice::<f64>()?.to_vec();
                    Object::Tensor(Rc::new(HostTensor::new(data, shape)?))
                }
            }
            Parts::Builtin(name) if self.interpreter.has_builtin(&name) => {
                Object::Builtin((*name).into())
            }
            Parts::Builtin(name) => {
                return Err(format!("this interpreter has no builtin {name}").into());
            }
            Parts::User {
                name,
                parameters,
                source,
                scope,
                ..
            } => {
                let body = parse::body(&source);
                if let Err(reason) = &body {
                    // A value of the language all the same: it keeps its scope, and saves again.
                    notes.tell(Outcome::Unresolved, reason);
                }
                Object::Function(Rc::new(Closure {
                    name: name.map(|name| (*name).into()),
                    parameters: parameters.iter().map(|name| (**name).into()).collect(),
                    source: (*source).into(),
                    body,
                    scope,
                }))
            }
            Parts::Cell(cell) => Object::Cell(cell),
            _ => return Err("this language has no such values".into()),
        })
    }

    fn keep(&mut self, value: Value) -> Object {
        Object::Foreign(value)
    }

    fn fill_cell(&mut self, cell: &CellRc, content: Object) {
        *cell.borrow_mut() = content;
    }

    fn fill_scope(&mut self, scope: &ScopeRc, bindings: Vec<(Arc<str>, Object)>) {
        scope.borrow_mut().variables = own(bindings).collect();
    }
}

fn own(fields: Vec<(Arc<str>, Object)>) -> impl Iterator<Item = (String, Object)> {
    let fields = fields.into_iter();
    fields.map(|(name, value)| (name.to_string(), value))
}
