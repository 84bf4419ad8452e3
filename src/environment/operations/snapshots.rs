//! Operations on snapshots kept in memory.

use super::Arguments;
use crate::environment::report_record::count;
use crate::environment::variables::Environment;
use crate::error::Result;
use crate::value::Value;

pub(super) fn keep(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let name = match given.get(0) {
        Some(_) => given.text(0, "name")?.to_owned(),
        None => unused(environment),
    };
    environment.keep_snapshot(&name)?;
    Ok(name.into())
}

pub(super) fn restore(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    environment.restore_snapshot(given.text(0, "name")?)?;
    Ok(count(environment.len() as u64))
}

pub(super) fn list(environment: &mut Environment, _: &Arguments<'_>) -> Result<Value> {
    Ok(Value::vector(environment.snapshots().map(|(name, _)| name)))
}

pub(super) fn drop(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    environment.drop_snapshot(given.text(0, "name")?)?;
    Ok(count(environment.snapshots().len() as u64))
}

/// The first of `snapshot_1`, `snapshot_2` and so on that is not kept.
fn unused(environment: &Environment) -> String {
    let mut number = environment.snapshots().len() + 1;
    loop {
        let name = format!("snapshot_{number}");
        if environment.kept_snapshot(&name).is_err() {
            return name;
        }
        number += 1;
    }
}
