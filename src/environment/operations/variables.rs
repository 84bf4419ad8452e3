//! Operations on the variables of the environment.

use super::Arguments;
use crate::environment::given;
use crate::environment::report_record::count;
use crate::environment::variables::Environment;
use crate::error::{EnvError, Result};
use crate::pattern::Patterns;
use crate::value::Value;

pub(super) fn bindings(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    if given.get(0).is_none() {
        return Ok(Value::vector(environment.names()));
    }
    let pattern = Patterns::new([given.text(0, "pattern")?])?;
    let names = environment.names().filter(|name| pattern.matches(name));
    Ok(Value::vector(names))
}

pub(super) fn get(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    match (environment.at(given.text(0, "name")?), given.get(1)) {
        (Err(error), Some(default)) if says_it_is_not_there(&error) => Ok(default.clone()),
        (answer, _) => answer,
    }
}

pub(super) fn set(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let name = given.text(0, "name")?;
    let value = given.read(1, "value", |value| Ok(value.clone()))?;
    Ok(environment.set(name, value)?.unwrap_or_default())
}

pub(super) fn remove(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let name = given.text(0, "name")?;
    match environment.remove(name)? {
        Some(variable) => Ok(variable.value),
        None => Err(environment.not_found(name)),
    }
}

pub(super) fn clear(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    given.read(0, "confirm", |value| match value {
        Value::Boolean(true) => Ok(()),
        other => given::mismatch(other, "true (this removes every variable)"),
    })?;
    Ok(count(environment.clear() as u64))
}

/// Whether a variable, a field or an element is missing; not that a path is broken, that there is
/// something of another kind on the way, or that data cannot be read.
fn says_it_is_not_there(error: &EnvError) -> bool {
    match error {
        EnvError::NotFound { .. } | EnvError::NoSuchPart { .. } => true,
        EnvError::SliceOutOfRange { .. } => true,
        EnvError::Variable { source, .. } => says_it_is_not_there(source),
        _ => false,
    }
}
