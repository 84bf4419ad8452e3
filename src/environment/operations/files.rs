//! Operations on files of saved environments.

use super::Arguments;
use crate::environment::given;
use crate::environment::info::env_info;
use crate::environment::load::{env_load_var, env_load_vars};
use crate::environment::report_record::count;
use crate::environment::restore::restore_into;
use crate::environment::restore_options::RestoreOptions;
use crate::environment::save::save_environment;
use crate::environment::variables::Environment;
use crate::error::Result;
use crate::value::{Kind, Record, Value};
use crate::write::SaveOptions;

pub(super) fn info(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    if given.get(0).is_some() {
        return Ok(env_info(given.text(0, "path")?)?.to_record().into());
    }
    let constants = environment.iter().filter(|(_, v)| v.constant).count();
    let mutable = environment.iter().filter(|(_, v)| v.mutable).count();
    let functions = environment
        .iter()
        .filter(|(_, v)| v.value.kind() == Kind::Function);
    let functions = functions.count();
    Ok(Value::from(Record::from([
        ("num_bindings", count(environment.len() as u64)),
        ("num_constants", count(constants as u64)),
        ("num_functions", count(functions as u64)),
        ("num_mutable", count(mutable as u64)),
        ("bindings", Value::vector(environment.names())),
    ])))
}

pub(super) fn load_var(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let value = env_load_var(given.text(0, "path")?, given.text(1, "name")?)?;
    environment.resolve_functions(&value)?;
    Ok(value)
}

pub(super) fn load_vars(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let path = given.text(0, "path")?;
    let names = given.read(1, "names", given::texts)?;
    let values = env_load_vars(path, &names)?;
    let record: Record = names.into_iter().zip(values).collect();
    let value = Value::from(record);
    environment.resolve_functions(&value)?;
    Ok(value)
}

pub(super) fn save(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let (path, options) = given.path_and_options()?;
    let options = SaveOptions::from_record(&options)?;
    let report = save_environment(environment, path, options)?;
    Ok(report.to_record().into())
}

pub(super) fn restore(environment: &mut Environment, given: &Arguments<'_>) -> Result<Value> {
    let (path, options) = given.path_and_options()?;
    let options = RestoreOptions::from_record(&options)?;
    Ok(restore_into(environment, path, options)?.to_record().into())
}
