//! What tests of environments share.
#![allow(dead_code)]

use std::path::Path;

use achronyme_env::{
    Archive, Environment, Finding, Function, Record, RestoreOptions, Restored, SaveOptions,
    UserFunction, Value, Variable, restore_environment, restore_from,
};

use crate::samples;

/// Saves that replace, and do not wait for the disk.
pub(crate) fn quick() -> SaveOptions {
    SaveOptions::new().durable(false).allow_overwrite(true)
}

pub(crate) fn environment<'n>(
    variables: impl IntoIterator<Item = (&'n str, Value)>,
) -> Environment {
    let mut environment = Environment::new();
    for (name, value) in variables {
        environment.set(name, value).unwrap();
    }
    environment
}

/// A variable of every kind, some with attributes, some mutable, some constant.
pub(crate) fn every_kind() -> Environment {
    let mut environment = Environment::new();
    for (n, (name, value)) in samples::every_kind().into_iter().enumerate() {
        let mut variable = Variable::new(value);
        if n % 3 == 0 {
            let units = Value::from(format!("unit {n}"));
            let weights = samples::tensor(achronyme_env::DType::F32, &[3], achronyme_env::Order::C);
            let attributes = Record::from([("units", units), ("weights", weights.into())]);
            variable = variable.attributes(attributes);
        }
        if n % 4 == 1 {
            variable = variable.mutable();
        }
        if n % 5 == 2 {
            variable = variable.constant();
        }
        environment.define(&name, variable).unwrap();
    }
    environment
}

pub(crate) fn builtin(name: &str) -> Value {
    Function::Builtin { name: name.into() }.into()
}

pub(crate) fn lambda(source: &str) -> Value {
    UserFunction {
        source: source.into(),
        ..UserFunction::default()
    }
    .into()
}

/// Everything of an environment as one value: so that cells of two variables are compared too.
fn as_value(environment: &Environment) -> Value {
    let variables = environment.iter().map(|(name, variable)| {
        let parts: [Value; 4] = [
            variable.value.clone(),
            variable.attributes.clone().into(),
            variable.mutable.into(),
            variable.constant.into(),
        ];
        (name, Value::vector(parts))
    });
    variables.collect::<Record>().into()
}

/// Asserts that both have the same names in the same order, with the same values, attributes and
/// marks, bit for bit, and the same cells in common.
#[track_caller]
pub(crate) fn assert_same(found: &Environment, expected: &Environment, what: &str) {
    assert!(found.names().eq(expected.names()), "{what}: other names");
    for ((name, ours), (_, theirs)) in found.iter().zip(expected.iter()) {
        assert!(
            ours.value.identical(&theirs.value).unwrap(),
            "{what}: {name}"
        );
    }
    let (found, expected) = (as_value(found), as_value(expected));
    assert!(found.identical(&expected).unwrap(), "{what}");
}

pub(crate) fn told(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// Names in a directory, sorted.
pub(crate) fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A way to restore a file, and its name.
pub(crate) type Road = (
    &'static str,
    fn(&Path, &RestoreOptions) -> achronyme_env::Result<Restored>,
);

/// The roads of a restore.
pub(crate) const ROADS: [Road; 2] = [
    ("open", |path, options| restore_environment(path, options)),
    ("open_mmap", |path, options| {
        restore_from(&mapped(path)?, options)
    }),
];

#[allow(unsafe_code)]
pub(crate) fn mapped(path: &Path) -> achronyme_env::Result<Archive> {
    // SAFETY: tests that call this do not write to the file in place while the archive is open.
    unsafe { Archive::open_mmap(path) }
}
