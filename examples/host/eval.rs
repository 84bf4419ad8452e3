//! Expressions to values.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;

use crate::builtins;
use crate::parse::{Expr, Statement};
use crate::value::{Closure, HostComplex, HostTensor, Object, Scope, ScopeRc};

/// A session: its variables, and the builtins it has.
pub(crate) struct Interpreter {
    pub(crate) globals: ScopeRc,
    /// Builtins that this interpreter does as if it had not.
    pub(crate) without: HashSet<String>,
    /// Whether a save or restore that loses something is an error.
    pub(crate) strict: bool,
    depth: usize,
}

/// Levels of expressions and calls under way; `main` gives the stack for it.
const MAX_DEPTH: usize = 10_000;

impl Interpreter {
    pub(crate) fn new(without: HashSet<String>, strict: bool) -> Interpreter {
        Interpreter {
            globals: ScopeRc::default(),
            without,
            strict,
            depth: 0,
        }
    }

    /// Whether there is a builtin of that name.
    pub(crate) fn has_builtin(&self, name: &str) -> bool {
        builtins::NAMES.contains(&name) && !self.without.contains(name)
    }

    /// Runs a program in the session; the value of the last statement, if it is an expression.
    pub(crate) fn run(&mut self, text: &str) -> Result<Option<Object>, String> {
        self.depth = 0;
        let globals = Rc::clone(&self.globals);
        let statements = crate::parse::program(text)?;
        self.statements(&statements, &globals)
    }

    fn statements(
        &mut self,
        statements: &[Statement],
        scope: &ScopeRc,
    ) -> Result<Option<Object>, String> {
        let mut last = None;
        for statement in statements {
            last = match statement {
                Statement::Let {
                    name,
                    mutable,
                    value,
                } => {
                    let value = self.named(value, name, scope)?;
                    let value = if *mutable { cell(value) } else { value };
                    let mut scope = scope.borrow_mut();
                    scope.variables.insert(name.to_string(), value);
                    None
                }
                Statement::Assign(place, value) => {
                    self.assign(place, value, scope)?;
                    None
                }
                Statement::Expr(expr) => Some(self.eval(expr, scope)?),
            };
        }
        Ok(last)
    }

    /// The value of `expr`; a function learns the name it is given.
    fn named(&mut self, expr: &Expr, name: &Rc<str>, scope: &ScopeRc) -> Result<Object, String> {
        match self.eval(expr, scope)? {
            Object::Function(mut function) if matches!(expr, Expr::Lambda { .. }) => {
                if let Some(function) = Rc::get_mut(&mut function) {
                    function.name = Some(Rc::clone(name));
                }
                Ok(Object::Function(function))
            }
            value => Ok(value),
        }
    }

    fn assign(&mut self, place: &Expr, value: &Expr, scope: &ScopeRc) -> Result<(), String> {
        let (name, found) = match place {
            Expr::Name(name) => (name, self.look_up(name, scope)),
            Expr::Field(record, name) => match self.eval(record, scope)? {
                Object::Record(fields) => (name, fields.get(&**name).cloned()),
                other => return Err(format!("a {} has no fields", other.kind())),
            },
            _ => return Err("only a variable or a field can be assigned to".to_owned()),
        };
        let value = self.eval(value, scope)?;
        match found {
            Some(Object::Cell(cell)) => {
                // The old content may hold the last handle of this cell: dropped after the borrow.
                let old = cell.replace(value);
                drop(old);
                Ok(())
            }
            Some(_) => Err(format!(
                "{name} cannot be assigned to: declare it with `mut`"
            )),
            None => Err(format!("there is no {name}")),
        }
    }

    /// A variable as it is stored: of the scope, of those around it, of the session, or a builtin.
    fn look_up(&self, name: &str, scope: &ScopeRc) -> Option<Object> {
        let mut here = Some(Rc::clone(scope));
        while let Some(scope) = here {
            let scope = scope.borrow();
            if let Some(value) = scope.variables.get(name) {
                return Some(value.clone());
            }
            here = scope.parent.clone();
        }
        let globals = self.globals.borrow();
        let builtin = || self.has_builtin(name).then(|| Object::Builtin(name.into()));
        globals.variables.get(name).cloned().or_else(builtin)
    }

    fn eval(&mut self, expr: &Expr, scope: &ScopeRc) -> Result<Object, String> {
        if self.depth >= MAX_DEPTH {
            return Err(format!(
                "more than {MAX_DEPTH} levels of calls and expressions"
            ));
        }
        self.depth += 1;
        let value = self.eval_here(expr, scope);
        self.depth -= 1;
        value
    }

    fn eval_here(&mut self, expr: &Expr, scope: &ScopeRc) -> Result<Object, String> {
        Ok(match expr {
            Expr::Null => Object::Null,
            Expr::Boolean(boolean) => Object::Boolean(*boolean),
            Expr::Number(number) => Object::Number(*number),
            Expr::Imaginary(im) => Object::Complex(HostComplex { re: 0.0, im: *im }),
            Expr::Text(text) => Object::Text(Rc::clone(text)),
            Expr::Name(name) => {
                let found = self.look_up(name, scope);
                found.ok_or_else(|| format!("there is no {name}"))?.read()
            }
            Expr::Vector(items) => {
                let items = items.iter().map(|item| self.eval(item, scope));
                Object::Vector(Rc::new(items.collect::<Result<_, _>>()?))
            }
            Expr::Record(fields) => {
                let fields = fields.iter().map(|(name, mutable, value)| {
                    let value = self.named(value, name, scope)?;
                    let value = if *mutable { cell(value) } else { value };
                    Ok((name.to_string(), value))
                });
                Object::Record(Rc::new(fields.collect::<Result<_, String>>()?))
            }
            Expr::Lambda {
                parameters,
                body,
                source,
            } => Object::Function(Rc::new(Closure {
                name: None,
                parameters: parameters.clone(),
                source: Rc::clone(source),
                body: Ok(Rc::clone(body)),
                scope: (!Rc::ptr_eq(scope, &self.globals)).then(|| Rc::clone(scope)),
            })),
            Expr::Call(function, arguments) => self.eval_call(function, arguments, scope)?,
            Expr::Field(record, name) => field(&self.eval(record, scope)?, name)?,
            Expr::Index(value, index) => {
                let value = self.eval(value, scope)?;
                builtins::index(&value, &self.eval(index, scope)?)?
            }
            Expr::Unary(operator, operand) => {
                let operand = self.eval(operand, scope)?;
                match (*operator, &operand) {
                    ("not", Object::Boolean(boolean)) => Object::Boolean(!boolean),
                    ("-", _) => builtins::arithmetic("*", &Object::Number(-1.0), &operand)?,
                    _ => return Err(format!("cannot {operator} a {}", operand.kind())),
                }
            }
            Expr::Binary("and", left, right) => {
                Object::Boolean(self.condition(left, scope)? && self.condition(right, scope)?)
            }
            Expr::Binary("or", left, right) => {
                Object::Boolean(self.condition(left, scope)? || self.condition(right, scope)?)
            }
            Expr::Binary(operator, left, right) => {
                let left = self.eval(left, scope)?;
                builtins::arithmetic(operator, &left, &self.eval(right, scope)?)?
            }
            Expr::If(condition, yes, no) => match self.condition(condition, scope)? {
                true => self.eval(yes, scope)?,
                false => self.eval(no, scope)?,
            },
            Expr::Block(statements) => {
                let inner = inside(Some(Rc::clone(scope)), &self.globals);
                self.statements(statements, &inner)?.unwrap_or_default()
            }
        })
    }

    fn condition(&mut self, expr: &Expr, scope: &ScopeRc) -> Result<bool, String> {
        match self.eval(expr, scope)? {
            Object::Boolean(boolean) => Ok(boolean),
            other => Err(format!("a {} is not a condition", other.kind())),
        }
    }

    fn eval_call(
        &mut self,
        function: &Expr,
        arguments: &[Expr],
        scope: &ScopeRc,
    ) -> Result<Object, String> {
        // A method: its record is the first argument when the first parameter is `self`.
        let (function, me) = match function {
            Expr::Field(record, name) => {
                let record = self.eval(record, scope)?;
                let function = field(&record, name)?;
                let is_method = matches!(&function, Object::Function(function)
                    if function.parameters.first().is_some_and(|name| &**name == "self"));
                (function, is_method.then_some(record))
            }
            other => (self.eval(other, scope)?, None),
        };
        let mut values: Vec<Object> = me.into_iter().collect();
        for argument in arguments {
            values.push(self.eval(argument, scope)?);
        }
        self.call(&function, values)
    }

    pub(crate) fn call(
        &mut self,
        function: &Object,
        arguments: Vec<Object>,
    ) -> Result<Object, String> {
        let function = match function {
            Object::Function(function) => function,
            Object::Builtin(name) => return builtins::call(self, name, arguments),
            other => return Err(format!("{other} cannot be called")),
        };
        let body = function.body.as_ref();
        let body = body.map_err(|reason| format!("the function is unresolved: {reason}"))?;
        if arguments.len() != function.parameters.len() {
            return Err(format!(
                "{} takes {} arguments, {} are given",
                function.name.as_deref().unwrap_or("the function"),
                function.parameters.len(),
                arguments.len()
            ));
        }
        let scope = inside(function.scope.clone(), &self.globals);
        let names = function.parameters.iter().map(|name| name.to_string());
        scope.borrow_mut().variables = names.zip(arguments).collect();
        self.eval(body, &scope)
    }
}

/// A scope within `parent`. The session's own is not named: it is looked into last anyway.
fn inside(parent: Option<ScopeRc>, globals: &ScopeRc) -> ScopeRc {
    Rc::new(RefCell::new(Scope {
        parent: parent.filter(|parent| !Rc::ptr_eq(parent, globals)),
        ..Scope::default()
    }))
}

fn cell(value: Object) -> Object {
    Object::Cell(Rc::new(RefCell::new(value)))
}

fn field(record: &Object, name: &str) -> Result<Object, String> {
    match record {
        Object::Record(fields) => match fields.get(name) {
            Some(value) => Ok(value.read()),
            None => Err(format!("the record has no field {name}")),
        },
        Object::Complex(z) if name == "re" => Ok(Object::Number(z.re)),
        Object::Complex(z) if name == "im" => Ok(Object::Number(z.im)),
        Object::Tensor(tensor) if name == "shape" => Ok(shape(tensor)),
        Object::ComplexTensor(tensor) if name == "shape" => Ok(shape(tensor)),
        other => Err(format!("a {} has no field {name}", other.kind())),
    }
}

fn shape<T>(tensor: &HostTensor<T>) -> Object {
    let lengths = tensor.shape.iter().map(|n| Object::Number(*n as f64));
    Object::Vector(Rc::new(lengths.collect()))
}
