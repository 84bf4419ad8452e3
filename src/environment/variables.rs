//! The environment: names to values, with what a host keeps beside them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::functions::FunctionRegistry;
use super::snapshot::Snapshot;
use crate::error::{EnvError, Origin, Result};
use crate::name::{check_name, nearest};
use crate::value::{Record, Value};

/// What a host's session holds: variables in the order they were defined.
///
/// Cheap to clone: values are shared and copied on write; cells and scopes are the same in the
/// clone. Everything is in memory but the array data of restored tensors, which stays in its file
/// until it is looked at.
///
/// ```
/// use achronyme_env::{Environment, Value};
///
/// let mut env = Environment::new();
/// env.set("rate", 0.001)?;
/// env.set("rate", 0.002)?;
/// assert_eq!(env.get("rate").and_then(Value::as_f64), Some(0.002));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub(super) variables: IndexMap<Arc<str>, Variable>,
    /// Snapshots kept under a name.
    pub(super) snapshots: IndexMap<Arc<str>, Snapshot>,
    pub(super) functions: Option<Arc<FunctionRegistry>>,
}

/// A value of an environment, and what is said of it.
#[derive(Clone, Debug, Default)]
pub struct Variable {
    /// The value.
    pub value: Value,
    /// Units, dims, a description, anything.
    pub attributes: Record,
    /// Whether it was declared mutable. Kept for the host; nothing here refuses to change another.
    pub mutable: bool,
    /// Whether it is a constant: never replaced, removed or cleared.
    pub constant: bool,
}

impl Variable {
    /// A value without attributes, neither mutable nor constant.
    pub fn new(value: impl Into<Value>) -> Variable {
        Variable {
            value: value.into(),
            ..Variable::default()
        }
    }

    /// Marks it as declared mutable.
    pub fn mutable(mut self) -> Variable {
        self.mutable = true;
        self
    }

    /// Marks it as a constant.
    pub fn constant(mut self) -> Variable {
        self.constant = true;
        self
    }

    /// Gives it attributes.
    pub fn attributes(mut self, attributes: Record) -> Variable {
        self.attributes = attributes;
        self
    }
}

impl Environment {
    /// An environment without variables.
    pub fn new() -> Environment {
        Environment::default()
    }

    /// Number of variables.
    pub fn len(&self) -> usize {
        self.variables.len()
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.variables.is_empty()
    }

    /// The value of the variable of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.variables.get(name).map(|variable| &variable.value)
    }

    /// The variable of that name.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.get(name)
    }

    /// Names and variables, in the order they were defined.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Variable)> + DoubleEndedIterator {
        self.variables
            .iter()
            .map(|(name, variable)| (&**name, variable))
    }

    /// The names, in the order they were defined.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        self.variables.keys().map(|name| &**name)
    }

    /// Sets the value of a variable; defines it, at the end, when there is none. What is said of
    /// an existing one stays. Returns the old value.
    ///
    /// # Errors
    /// [`EnvError::Constant`], [`EnvError::NameTooLong`].
    pub fn set(&mut self, name: &str, value: impl Into<Value>) -> Result<Option<Value>> {
        if let Some(variable) = self.changeable(name)? {
            return Ok(Some(std::mem::replace(&mut variable.value, value.into())));
        }
        check_name(name)?;
        self.variables.insert(name.into(), Variable::new(value));
        Ok(None)
    }

    /// Defines a variable with all that is said of it, in the place of an old one. Returns the old
    /// one.
    ///
    /// # Errors
    /// As [`Environment::set`].
    pub fn define(&mut self, name: &str, variable: Variable) -> Result<Option<Variable>> {
        self.changeable(name)?;
        check_name(name)?;
        Ok(self.variables.insert(name.into(), variable))
    }

    /// Removes a variable, and keeps the order of the others. Returns it.
    ///
    /// # Errors
    /// [`EnvError::Constant`].
    pub fn remove(&mut self, name: &str) -> Result<Option<Variable>> {
        self.changeable(name)?;
        Ok(self.variables.shift_remove(name))
    }

    /// Removes all variables but the constants. Returns how many.
    pub fn clear(&mut self) -> usize {
        let before = self.len();
        self.variables.retain(|_, variable| variable.constant);
        before - self.len()
    }

    /// Replaces the attributes of a variable.
    ///
    /// # Errors
    /// [`EnvError::NotFound`].
    pub fn set_attributes(&mut self, name: &str, attributes: Record) -> Result<()> {
        match self.variables.get_mut(name) {
            Some(variable) => {
                variable.attributes = attributes;
                Ok(())
            }
            None => Err(self.not_found(name)),
        }
    }

    /// Sets what the host can call: restores into this environment that name no other registry
    /// ([`crate::RestoreOptions::functions`]) resolve functions with it, and so do the
    /// [`crate::operations`].
    pub fn set_functions(&mut self, registry: Arc<FunctionRegistry>) {
        self.functions = Some(registry);
    }

    /// The error for a name that no variable has, with the nearest that one has.
    pub(super) fn not_found(&self, name: &str) -> EnvError {
        EnvError::NotFound {
            path: Origin::Environment,
            name: name.to_owned(),
            nearest: nearest(name, self.names()),
        }
    }

    fn changeable(&mut self, name: &str) -> Result<Option<&mut Variable>> {
        match self.variables.get_mut(name) {
            Some(variable) if variable.constant => Err(EnvError::Constant {
                name: name.to_owned(),
            }),
            variable => Ok(variable),
        }
    }
}
