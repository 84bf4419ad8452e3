//! The values of the language: full of `Rc`, with tensors and complex numbers of its own.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use achronyme_env::{Extension, Function, Value, escape_for_terminal};

use crate::parse::Expr;

pub(crate) type CellRc = Rc<RefCell<Object>>;
pub(crate) type ScopeRc = Rc<RefCell<Scope>>;

/// A value. Cheap to clone, and `!Send`.
#[derive(Clone, Default)]
pub(crate) enum Object {
    #[default]
    Null,
    Boolean(bool),
    Number(f64),
    Complex(HostComplex),
    Text(Rc<str>),
    Vector(Rc<Vec<Object>>),
    Tensor(Rc<HostTensor<f64>>),
    ComplexTensor(Rc<HostTensor<HostComplex>>),
    Record(Rc<HashMap<String, Object>>),
    Function(Rc<Closure>),
    Builtin(Rc<str>),
    /// What `mut` makes: a variable or a field that can be assigned to.
    Cell(CellRc),
    /// A computation under way: lives in Rust, cannot be saved.
    Generator(Rc<RefCell<Generator>>),
    /// A value of the archive that the language does not have: saved again unchanged.
    Foreign(Value),
}

pub(crate) type Generator = Box<dyn FnMut() -> f64>;

/// Two doubles, in whatever order the compiler likes: not `repr(C)`.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct HostComplex {
    pub(crate) re: f64,
    pub(crate) im: f64,
}

/// A tensor in C order. The strides follow from the shape.
pub(crate) struct HostTensor<T> {
    pub(crate) data: Vec<T>,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

impl<T> HostTensor<T> {
    pub(crate) fn new(data: Vec<T>, shape: Vec<usize>) -> Result<HostTensor<T>, String> {
        let count = shape.iter().try_fold(1, |n: usize, m| n.checked_mul(*m));
        if count != Some(data.len()) {
            return Err(format!(
                "{} elements do not fill the shape {shape:?}",
                data.len()
            ));
        }
        let mut strides = vec![1; shape.len()];
        for axis in (1..shape.len()).rev() {
            strides[axis - 1] = strides[axis] * shape[axis];
        }
        Ok(HostTensor {
            data,
            shape,
            strides,
        })
    }
}

/// A function of the user's.
pub(crate) struct Closure {
    pub(crate) name: Option<Rc<str>>,
    pub(crate) parameters: Vec<Rc<str>>,
    /// Text of the body: what is saved.
    pub(crate) source: Rc<str>,
    /// The body, or why its text could not be understood.
    pub(crate) body: Result<Rc<Expr>, String>,
    /// The scope it was made in; none for the session's own.
    pub(crate) scope: Option<ScopeRc>,
}

/// The variables of one call or block, and where to look for others. After the last parent come the
/// session's variables.
#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) variables: HashMap<String, Object>,
    pub(crate) parent: Option<ScopeRc>,
}

impl Object {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Object::Null => "null",
            Object::Boolean(_) => "boolean",
            Object::Number(_) => "number",
            Object::Complex(_) => "complex",
            Object::Text(_) => "text",
            Object::Vector(_) => "vector",
            Object::Tensor(_) | Object::ComplexTensor(_) => "tensor",
            Object::Record(_) => "record",
            Object::Function(_) | Object::Builtin(_) => "function",
            Object::Cell(_) => "cell",
            Object::Generator(_) => "generator",
            Object::Foreign(value) => value.kind().name(),
        }
    }

    /// What a variable or field gives when it is read: of a cell, its content.
    pub(crate) fn read(&self) -> Object {
        match self {
            Object::Cell(cell) => cell.borrow().clone(),
            other => other.clone(),
        }
    }
}

impl fmt::Display for HostComplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:+}i", self.re, self.im)
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, 0, f)
    }
}

/// Levels and elements shown; cells may hold themselves.
const SHOWN_LEVELS: usize = 4;
const SHOWN_ELEMENTS: usize = 8;

fn show(object: &Object, level: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if level > SHOWN_LEVELS {
        return f.write_str("...");
    }
    match object {
        Object::Null => f.write_str("null"),
        Object::Boolean(boolean) => write!(f, "{boolean}"),
        Object::Number(number) => write!(f, "{number}"),
        Object::Complex(z) => write!(f, "{z}"),
        Object::Text(text) if level == 0 => f.write_str(&escape_for_terminal(text)),
        Object::Text(text) => write!(f, "\"{}\"", escape_for_terminal(text)),
        Object::Vector(items) => {
            f.write_str("[")?;
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    f.write_str(", ")?;
                }
                if n == SHOWN_ELEMENTS {
                    write!(f, "... {} more", items.len() - n)?;
                    break;
                }
                show(item, level + 1, f)?;
            }
            f.write_str("]")
        }
        Object::Tensor(tensor) => show_tensor(tensor, f),
        Object::ComplexTensor(tensor) => show_tensor(tensor, f),
        Object::Record(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            f.write_str("{")?;
            for (n, name) in names.into_iter().enumerate() {
                f.write_str(if n == 0 { "" } else { ", " })?;
                let value = &fields[name];
                if matches!(value, Object::Cell(_)) {
                    f.write_str("mut ")?;
                }
                write!(f, "{}: ", escape_for_terminal(name))?;
                show(value, level + 1, f)?;
            }
            f.write_str("}")
        }
        Object::Function(function) => {
            let source = escape_for_terminal(&function.source);
            let short: String = source.chars().take(40).collect();
            let dots = if short.len() < source.len() { ".." } else { "" };
            write!(f, "({}) => {short}{dots}", function.parameters.join(", "))
        }
        Object::Builtin(name) => write!(f, "<builtin {name}>"),
        Object::Cell(cell) => match cell.try_borrow() {
            Ok(content) => show(&content, level + 1, f),
            Err(_) => f.write_str("<cell>"),
        },
        Object::Generator(_) => f.write_str("<generator>"),
        Object::Foreign(value) => show_foreign(value, f),
    }
}

fn show_tensor<T: fmt::Display>(tensor: &HostTensor<T>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let shape: Vec<String> = tensor.shape.iter().map(usize::to_string).collect();
    write!(f, "tensor {} [", shape.join("x"))?;
    for (n, element) in tensor.data.iter().take(SHOWN_ELEMENTS).enumerate() {
        write!(f, "{}{element}", if n == 0 { "" } else { ", " })?;
    }
    f.write_str(match tensor.data.len() > SHOWN_ELEMENTS {
        true => ", ...]",
        false => "]",
    })
}

fn show_foreign(value: &Value, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Extension(extension) if &*extension.type_name == Extension::UNSUPPORTED => {
            let parameters = extension.parameters.as_record();
            let text = |name| parameters.and_then(|record| record.get(name)?.as_str());
            let kind = escape_for_terminal(text("kind").unwrap_or("value"));
            write!(f, "<{kind} that was not saved>")
        }
        Value::Function(function) => match &**function {
            Function::Builtin { name } => {
                write!(f, "<unknown builtin {}>", escape_for_terminal(name))
            }
            Function::User(_) => f.write_str("<foreign function>"),
        },
        other => write!(f, "<foreign {}>", other.kind()),
    }
}
