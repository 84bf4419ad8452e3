//! Promise: an environment is restored from a version 1 file as from any other, what it had lost
//! is told, and a broken one leaves the environment as it was.
#![cfg(feature = "zstd")]

use std::path::PathBuf;
use std::sync::Arc;

use achronyme_env::{
    EnvError, Environment, Finding, Function, FunctionRegistry, Kind, Limits, Outcome, Record,
    RestoreMode, RestoreOptions, SaveOptions, Value, Variable, env_info, env_load_var,
    env_load_vars, get_metadata, restore_environment, restore_into, save_environment,
};

fn sample(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/data/version1").join(name)
}

const FUNCTIONS: &str = "12_functions_z3.ach";

/// Findings but the one about the version, which every restore of an old file has.
fn told(findings: &[Finding]) -> Vec<&Finding> {
    let told = findings.iter().filter(|finding| !finding.name.is_empty());
    told.collect()
}

fn function_name(value: &Value) -> Option<&str> {
    match value {
        Value::Function(callable) => match callable.function() {
            Function::Builtin { name } => Some(name),
            Function::User(_) => None,
        },
        _ => None,
    }
}

#[test]
fn every_sample_is_restored_and_saved_again_in_the_present_format() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bindings) in [
        ("01_one_number_raw.ach", 1),
        ("03_booleans_null_z1.ach", 4),
        ("15_metadata_z3.ach", 3),
    ] {
        let restored = restore_environment(sample(name), RestoreOptions::new()).unwrap();
        assert_eq!(restored.report.format, (1, 0), "{name}");
        assert_eq!(restored.environment.len(), bindings, "{name}");
        assert_eq!(restored.report.bindings, bindings, "{name}");
        assert_eq!(told(&restored.report.findings).len(), 0, "{name}");
        let path = dir.path().join(name);
        save_environment(&restored.environment, &path, SaveOptions::new()).unwrap();
        let again = restore_environment(&path, RestoreOptions::new()).unwrap();
        for (name, variable) in restored.environment.iter() {
            let found = again.environment.get(name).unwrap();
            assert!(found.identical(&variable.value).unwrap(), "{name}");
        }
    }
}

#[test]
fn builtins_that_version_1_never_gave_back_come_back_and_are_called() {
    type Native = fn(f64) -> f64;
    let names = ["sin", "cos", "sqrt", "abs", "exp"];
    let registry = names
        .iter()
        .fold(FunctionRegistry::new(), |registry, name| {
            registry.builtin(*name, Arc::new(f64::sqrt as Native))
        });
    let options = RestoreOptions::new().functions(Arc::new(registry));
    let restored = restore_environment(sample(FUNCTIONS), options).unwrap();
    let functions: Vec<_> = restored
        .environment
        .iter()
        .filter_map(|(_, variable)| function_name(&variable.value))
        .collect();
    assert!(!functions.is_empty(), "{}", restored.report);
    let resolved = restored.environment.iter().filter(|(_, variable)| {
        matches!(&variable.value, Value::Function(callable) if callable.handle::<Native>().is_some())
    });
    assert!(resolved.count() > 0);
}

#[test]
fn what_version_1_stored_as_unsupported_is_told_once_with_its_path() {
    let restored = restore_environment(sample(FUNCTIONS), RestoreOptions::new()).unwrap();
    let findings = restored.report.findings.iter();
    let lost: Vec<_> = findings
        .filter(|finding| finding.outcome == Outcome::Lost)
        .collect();
    assert!(!lost.is_empty(), "{}", restored.report);
    for (n, finding) in lost.iter().enumerate() {
        assert!(!lost[..n].contains(finding), "{finding} is told twice");
    }
    let strict = RestoreOptions::new().strict(true);
    let error = restore_environment(sample(FUNCTIONS), strict).unwrap_err();
    assert!(matches!(error, EnvError::Lossy { .. }), "{error}");
    // What is not asked for, or stays the environment's own, is nobody's loss.
    let taken = lost[0].name.clone();
    let without = RestoreOptions::new().exclude(taken.as_str());
    let report = restore_environment(sample(FUNCTIONS), without)
        .unwrap()
        .report;
    assert!(report.findings.iter().all(|f| f.name != taken), "{report}");
    let mut env = Environment::new();
    env.set(&taken, 1i64).unwrap();
    let report = restore_into(&mut env, sample(FUNCTIONS), RestoreOptions::new()).unwrap();
    let own = report.findings.iter().filter(|f| f.name == taken);
    assert!(own.clone().count() == 1 && own.clone().all(|f| f.outcome == Outcome::Kept));
    assert_eq!(env.get(&taken).unwrap().as_i64(), Some(1));
}

#[test]
fn modes_patterns_and_constants_work_as_for_any_file() {
    let tensors = sample("08_tensors_z3.ach");
    let all = restore_environment(&tensors, RestoreOptions::new()).unwrap();
    let first = all.environment.names().next().unwrap().to_owned();
    let options = RestoreOptions::new().include_only([first.as_str(), "no such*"]);
    let one = restore_environment(&tensors, options).unwrap();
    assert_eq!((one.environment.len(), one.report.bindings), (1, 1));
    assert_eq!(one.report.omitted, all.environment.len() - 1);
    let unknown = told(&one.report.findings);
    assert_eq!((unknown.len(), unknown[0].outcome), (1, Outcome::Unknown));

    let mut env = Environment::new();
    env.define(&first, Variable::new(0.0).constant()).unwrap();
    env.set("old", 1i64).unwrap();
    let options = RestoreOptions::new().mode(RestoreMode::Replace);
    restore_into(&mut env, &tensors, options).unwrap();
    assert_eq!(env.get(&first).unwrap().as_f64(), Some(0.0));
    assert!(env.get("old").is_none());
    restore_into(&mut env, &tensors, RestoreOptions::new().namespace("v1")).unwrap();
    let record = env.get("v1").and_then(Value::as_record).map(Record::len);
    assert_eq!(record, Some(all.environment.len()));
}

#[test]
fn a_broken_file_leaves_the_environment_as_it_was() {
    for name in [
        "bad/b03_flipped_body_byte_z.ach",
        "bad/b05_newer_major.ach",
        "bad/b11_header_only.ach",
    ] {
        let mut env = Environment::new();
        env.set("x", 1i64).unwrap();
        for options in [
            RestoreOptions::new(),
            RestoreOptions::new().mode(RestoreMode::Replace),
            // Version 1 could be told not to look; what it then gave back was wrong.
            RestoreOptions::new().verify_checksum(false),
        ] {
            assert!(restore_into(&mut env, sample(name), options).is_err());
            assert_eq!((env.len(), env.get("x").unwrap().as_i64()), (1, Some(1)));
        }
        assert!(get_metadata(sample(name)).is_err(), "{name}");
        assert!(env_info(sample(name)).is_err(), "{name}");
    }
}

#[test]
fn the_writers_version_is_compared() {
    let path = sample("01_one_number_raw.ach");
    let report = restore_environment(&path, RestoreOptions::new())
        .unwrap()
        .report;
    assert!(report.to_string().contains("format 1.0"), "{report}");
    let strict = RestoreOptions::new().strict_version(true);
    let error = restore_environment(&path, strict).unwrap_err();
    assert!(matches!(error, EnvError::WriterDiffers { .. }), "{error}");
}

#[test]
fn caps_on_memory_reach_the_old_reader() {
    let limits = Limits {
        max_version1_bytes: 100,
        ..Limits::default()
    };
    let options = RestoreOptions::new().limits(limits);
    let error = restore_environment(sample("08_tensors_z3.ach"), options).unwrap_err();
    assert!(error.to_string().contains("cap"), "{error}");
}

#[test]
fn information_and_single_variables_come_from_old_files_too() {
    let path = sample("15_metadata_z3.ach");
    let info = env_info(&path).unwrap();
    assert_eq!(info.version, (1, 0));
    assert!(info.compressed && info.file_size > 100);
    assert_eq!(info.bindings.len(), info.num_bindings);
    let metadata = get_metadata(&path).unwrap();
    assert_eq!(metadata.description, info.description);
    assert!(info.description.is_some() && !info.tags.is_empty());
    assert_eq!(metadata.tags, info.tags);
    assert!(info.created_by.starts_with("Achronyme v"), "{info:?}");
    let name = &info.bindings[0];
    let value = env_load_var(&path, name).unwrap();
    let values = env_load_vars(&path, &[name]).unwrap();
    assert!(values[0].identical(&value).unwrap());
    let functions = env_info(sample(FUNCTIONS)).unwrap().num_functions;
    let restored = restore_environment(sample(FUNCTIONS), RestoreOptions::new()).unwrap();
    let found = restored.environment.iter();
    let found = found.filter(|(_, variable)| variable.value.kind() == Kind::Function);
    assert_eq!(functions, found.count());
}
