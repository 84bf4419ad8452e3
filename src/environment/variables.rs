//! The environment: names to values, with what a host keeps beside them.

use std::sync::Arc;

use indexmap::IndexMap;

use super::functions::FunctionRegistry;
use super::recorder::{Change, Recorder};
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
    /// The session that is told of changes. Not that of clones.
    pub(super) recorder: Attached,
}

/// Who is told of changes; a clone tells nobody.
#[derive(Debug, Default)]
pub(super) struct Attached(Option<Arc<Recorder>>);

impl Clone for Attached {
    fn clone(&self) -> Self {
        Attached(None)
    }
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

    /// Whether both are the same in memory, so that nothing need be compared.
    pub(crate) fn is_same(&self, other: &Variable) -> bool {
        self.mutable == other.mutable
            && self.constant == other.constant
            && self.attributes.is_same(&other.attributes)
            && self.value.is_same(&other.value)
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
            let old = std::mem::replace(&mut variable.value, value.into());
            self.note_set(name);
            return Ok(Some(old));
        }
        check_name(name)?;
        self.variables.insert(name.into(), Variable::new(value));
        self.note_set(name);
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
        let old = self.variables.insert(name.into(), variable);
        self.note_set(name);
        Ok(old)
    }

    /// Removes a variable, and keeps the order of the others. Returns it.
    ///
    /// # Errors
    /// [`EnvError::Constant`].
    pub fn remove(&mut self, name: &str) -> Result<Option<Variable>> {
        self.changeable(name)?;
        let removed = self.variables.shift_remove(name);
        if removed.is_some() {
            self.note(|| Change::Remove(name.into()));
        }
        Ok(removed)
    }

    /// Gives a variable another name; it keeps its place. Whether there was one.
    ///
    /// # Errors
    /// [`EnvError::Constant`]; [`EnvError::NameTaken`] when there is one of the new name;
    /// [`EnvError::NameTooLong`].
    pub fn rename(&mut self, old: &str, new: &str) -> Result<bool> {
        check_name(new)?;
        if self.changeable(old)?.is_none() {
            return Ok(false);
        }
        if old == new {
            return Ok(true);
        }
        if self.variables.contains_key(new) {
            return Err(EnvError::NameTaken { name: new.into() });
        }
        if let Some((place, _, variable)) = self.variables.shift_remove_full(old) {
            self.variables.shift_insert(place, new.into(), variable);
            self.note(|| Change::Rename(old.into(), new.into()));
        }
        Ok(true)
    }

    /// Removes all variables but the constants. Returns how many.
    pub fn clear(&mut self) -> usize {
        let before = self.len();
        if self.variables.values().any(|variable| variable.constant) {
            let going = self.variables.iter();
            let going = going.filter(|(_, variable)| !variable.constant);
            going.for_each(|(name, _)| self.note(|| Change::Remove(Arc::clone(name))));
        } else if before > 0 {
            self.note(|| Change::Clear);
        }
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
                self.note_set(name);
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

    /// Tells a session of every change from now on.
    pub(crate) fn record_to(&mut self, recorder: Arc<Recorder>) {
        self.recorder = Attached(Some(recorder));
    }

    /// Sets and removes variables, constants too, of which the session knows already.
    pub(crate) fn replace_unrecorded(&mut self, variables: Vec<(Arc<str>, Option<Variable>)>) {
        for (name, variable) in variables {
            match variable {
                Some(variable) => {
                    self.variables.insert(name, variable);
                }
                None => {
                    self.variables.shift_remove(&name);
                }
            }
        }
    }

    /// Puts a variable in, whatever was there.
    pub(super) fn put(&mut self, name: Arc<str>, variable: Variable) {
        self.variables.insert(Arc::clone(&name), variable);
        self.note_set(&name);
    }

    /// Replaces all variables, constants too; only what differs is told.
    pub(super) fn replace_all(&mut self, variables: IndexMap<Arc<str>, Variable>) {
        let old = std::mem::replace(&mut self.variables, variables);
        if self.recorder.0.is_none() {
            return;
        }
        for name in old.keys() {
            if !self.variables.contains_key(name) {
                self.note(|| Change::Remove(Arc::clone(name)));
            }
        }
        for (name, variable) in &self.variables {
            let same = old.get(name).is_some_and(|old| old.is_same(variable));
            if !same {
                self.note_set(name);
            }
        }
    }

    fn note_set(&self, name: &str) {
        if let Some((name, variable)) = self.variables.get_key_value(name) {
            self.note(|| Change::Set(Arc::clone(name), Box::new(variable.clone())));
        }
    }

    fn note(&self, change: impl FnOnce() -> Change) {
        if let Some(recorder) = &self.recorder.0 {
            recorder.note(change());
        }
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
