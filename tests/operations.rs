//! Promise: what a language offers its users of an environment is one table, which a host
//! registers; every operation says how it is called, checks what it is given, does the whole or
//! nothing, and loses nothing in silence.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use achronyme_env::{
    Archive, Cell, EnvError, Environment, Extension, Function, FunctionRegistry, Operation, Record,
    Result, SaveOptions, StringArray, Tensor, Value, Variable, operations, save_environment,
};

fn operation(name: &str) -> &'static Operation {
    let found = operations().iter().find(|operation| operation.name == name);
    found.unwrap_or_else(|| panic!("there is no {name}"))
}

fn call(env: &mut Environment, name: &str, arguments: &[Value]) -> Result<Value> {
    operation(name).call(env, arguments)
}

/// Saves the session with the defaults.
fn save(env: &mut Environment, path: &Value) {
    call(env, "save_env", std::slice::from_ref(path)).unwrap();
}

/// The text of the error that a call answers with.
#[track_caller]
fn refused(env: &mut Environment, name: &str, arguments: &[Value]) -> String {
    match call(env, name, arguments) {
        Err(error) => error.to_string(),
        Ok(value) => panic!("{name} answers {value:?}"),
    }
}

fn session() -> Environment {
    let mut env = Environment::new();
    let layers = Value::vector([Record::from([("w", 1.0)]), Record::from([("w", 2.0)])]);
    let model = Record::from([("layers", layers), ("rate", 0.1.into())]);
    env.set("model", model).unwrap();
    let elements: Vec<f64> = (0..12).map(f64::from).collect();
    env.set("data", Tensor::from_vec(elements, [3, 4]).unwrap())
        .unwrap();
    env.set("words", StringArray::new(["a", "b", "c"], [3]).unwrap())
        .unwrap();
    env.set("a.b", 7i64).unwrap();
    env.set("count", Cell::new(Record::from([("n", 5i64)])))
        .unwrap();
    env.define("pi", Variable::new(3.25).constant()).unwrap();
    env.define("step", Variable::new(1i64).mutable()).unwrap();
    env
}

fn names(value: &Value) -> Vec<&str> {
    let elements = value.as_vector().unwrap();
    elements.iter().map(|name| name.as_str().unwrap()).collect()
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.as_record().unwrap().get(name).unwrap()
}

fn integer(value: &Value, name: &str) -> i64 {
    field(value, name).as_i64().unwrap()
}

fn file(dir: &tempfile::TempDir) -> (PathBuf, Value) {
    let path = dir.path().join("session.ach");
    let text = path.to_str().unwrap().into();
    (path, text)
}

/// Names and values of the session, to be compared after something failed.
fn contents(env: &Environment) -> Value {
    let fields = env.iter().map(|(name, v)| (name, v.value.clone()));
    fields.collect::<Record>().into()
}

#[test]
fn every_operation_says_how_it_is_called() {
    for operation in operations() {
        let signature = operation.signature();
        let (least, most) = operation.arity;
        let inside = signature
            .strip_prefix(operation.name)
            .and_then(|rest| rest.strip_prefix('('))
            .and_then(|rest| rest.strip_suffix(')'))
            .unwrap_or_else(|| panic!("{signature}"));
        let (needed, optional) = match inside.split_once('[') {
            Some((needed, optional)) => (needed, optional.matches(']').count()),
            None => (inside, 0),
        };
        let needed = needed.split(',').filter(|name| !name.trim().is_empty());
        assert_eq!(
            (needed.count(), optional),
            (least, most - least),
            "{signature}"
        );
        let told = operation.doc.strip_prefix(signature).unwrap();
        assert!(
            told.starts_with(": ") && told.ends_with('.'),
            "{}",
            operation.doc
        );
        assert!(!operation.doc.contains("  "), "{}", operation.doc);
    }
    let mut names: Vec<&str> = operations().iter().map(|o| o.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), operations().len());
}

#[test]
fn too_many_and_too_few_arguments_are_errors_that_show_the_call() {
    let mut env = session();
    for operation in operations() {
        let (least, most) = operation.arity;
        for count in (0..least).chain(most + 1..most + 3) {
            let error = operation
                .call(&mut env, &vec![Value::Null; count])
                .unwrap_err();
            assert!(matches!(error, EnvError::WrongArity { found, .. } if found == count));
            assert!(error.to_string().contains(operation.signature()), "{error}");
        }
    }
    assert_eq!(
        refused(&mut env, "env_get", &[]),
        "env_get takes 1 or 2 arguments, 0 are given; it is env_get(name[, default])"
    );
    assert_eq!(
        refused(&mut env, "env_clear", &[]),
        "env_clear takes 1 argument, 0 are given; it is env_clear(confirm)"
    );
}

#[test]
fn an_argument_of_another_type_is_an_error_that_names_it() {
    let mut env = session();
    let before = contents(&env);
    for operation in operations()
        .iter()
        .filter(|operation| operation.arity.1 > 0)
    {
        let (_, most) = operation.arity;
        let arguments = vec![Value::from(1.5); most];
        let error = operation.call(&mut env, &arguments).unwrap_err();
        assert!(matches!(error, EnvError::WrongArgument { .. }), "{error:?}");
        assert!(
            error.to_string().starts_with(operation.signature()),
            "{error}"
        );
    }
    assert!(contents(&env).identical(&before).unwrap());
    assert_eq!(
        refused(&mut env, "env_get", &[7i64.into()]),
        "env_get(name[, default]): name is the integer 7, where a string is expected"
    );
    let names = Value::vector([Value::from("a"), Value::Null]);
    let text = refused(&mut env, "env_load_vars", &["x.ach".into(), names]);
    assert!(text.contains("names[1] is null, where a string"), "{text}");
    let text = refused(&mut env, "env_load_vars", &["x.ach".into(), "a".into()]);
    assert!(
        text.contains("names is the string 'a', where a list of strings"),
        "{text}"
    );
}

#[test]
fn bindings_are_listed_in_order_and_by_pattern() {
    let mut env = session();
    let all = call(&mut env, "env_bindings", &[]).unwrap();
    assert_eq!(
        names(&all),
        ["model", "data", "words", "a.b", "count", "pi", "step"]
    );
    let some = call(&mut env, "env_bindings", &["*o*".into()]).unwrap();
    assert_eq!(names(&some), ["model", "words", "count"]);
    let none = call(&mut env, "env_bindings", &["zz".into()]).unwrap();
    assert!(names(&none).is_empty());
    assert!(refused(&mut env, "env_bindings", &["a[".into()]).contains("a pattern"));
}

#[test]
fn a_value_or_a_part_of_it_is_got_by_its_path() {
    let mut env = session();
    let mut get = |path: &str| call(&mut env, "env_get", &[path.into()]).unwrap();
    assert_eq!(get("pi").as_f64(), Some(3.25));
    assert_eq!(get("a.b").as_i64(), Some(7));
    assert_eq!(get("model.layers[-1].w").as_f64(), Some(2.0));
    let row = get("data[1, 1:3]");
    assert_eq!(
        row.as_tensor().unwrap().as_slice::<f64>().unwrap(),
        [5.0, 6.0]
    );
    assert_eq!(get("count.n").as_i64(), Some(5));
}

#[test]
fn the_default_stands_for_what_is_missing_and_hides_no_other_error() {
    let mut env = session();
    let mut or = |path: &str| call(&mut env, "env_get", &[path.into(), "d".into()]);
    for missing in ["zz", "zz.y[3]", "model.zz", "model.layers[9]", "data[7, 0]"] {
        assert_eq!(or(missing).unwrap().as_str(), Some("d"), "{missing}");
    }
    assert_eq!(or("a.b").unwrap().as_i64(), Some(7));
    for broken in ["model..rate", "model.layers[", "pi.x", "model.rate[0]"] {
        assert!(or(broken).is_err(), "{broken}");
    }
    let text = refused(&mut env, "env_get", &["modle".into()]);
    assert_eq!(
        text,
        "the environment has no variable 'modle'; did you mean 'model'?"
    );
}

/// Paths mean in memory what they mean in a file, errors included.
#[test]
fn paths_into_an_environment_are_those_of_an_archive() {
    let env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = file(&dir);
    save_environment(&env, &path, SaveOptions::new()).unwrap();
    let archive = Archive::open(&path).unwrap();
    let paths = [
        "model",
        "'model'",
        "model.rate",
        "model.'rate'",
        "model.layers",
        "model.layers[0]",
        "model.layers[-2].w",
        "model.layers[0:1]",
        "model.layers[::-1]",
        "model.layers[0:1].w",
        "model.layers[5]",
        "model.layers[0, 0]",
        "model.layers[...]",
        "model.layers.w",
        "model.raet",
        "model.raet.x",
        "model.rate.x",
        "model.rate[0]",
        "model[0]",
        "model.",
        "model..x",
        "model.layers[",
        "model.layers[x]",
        "model.layers[0]x",
        "data",
        "data[0]",
        "data[0, 0]",
        "data[:, 1]",
        "data[::2, ::-1]",
        "data[3]",
        "data[0][0]",
        "data[0].x",
        "data.x",
        "data[0, 0, 0]",
        "words",
        "words[1]",
        "words[::2]",
        "words[9]",
        "words[0][0]",
        "a.b",
        "a.b.c",
        "a.c",
        "a",
        "'a.b'",
        "count",
        "count.n",
        "count.m",
        "count[0]",
        "pi.x",
        "zz",
        "zz.y",
        "modle",
        "modle.rate",
        "mod",
        "",
        "'",
        "'zz'.x",
        ".",
        "[0]",
        "step[0]",
    ];
    let shown = path.display().to_string();
    for path in paths {
        match (env.at(path), archive.at(path)) {
            (Ok(here), Ok(there)) => assert!(here.identical(&there).unwrap(), "{path}"),
            (Err(here), Err(there)) => assert_eq!(
                here.to_string(),
                there.to_string().replace(&shown, "the environment"),
                "{path}"
            ),
            (here, there) => panic!("{path}: {here:?}, {there:?}"),
        }
    }
}

#[test]
fn setting_gives_the_old_value_and_keeps_what_is_said_of_it() {
    let mut env = session();
    let new = call(&mut env, "env_set", &["x".into(), 1.0.into()]).unwrap();
    assert!(matches!(new, Value::Null));
    let old = call(&mut env, "env_set", &["step".into(), 2i64.into()]).unwrap();
    assert_eq!(old.as_i64(), Some(1));
    assert!(env.variable("step").unwrap().mutable);
    // The name is a name, not a path.
    call(&mut env, "env_set", &["model.rate".into(), 9.0.into()]).unwrap();
    assert_eq!(env.at("model").unwrap().as_record().unwrap().len(), 2);
    assert_eq!(env.at("model.rate").unwrap().as_f64(), Some(9.0));
    let text = refused(&mut env, "env_set", &["pi".into(), 3.0.into()]);
    assert!(text.contains("'pi' is a constant"), "{text}");
}

#[test]
fn removing_gives_the_value_and_refuses_what_is_not_there() {
    let mut env = session();
    let removed = call(&mut env, "env_remove", &["a.b".into()]).unwrap();
    assert_eq!(removed.as_i64(), Some(7));
    assert!(env.get("a.b").is_none());
    let text = refused(&mut env, "env_remove", &["dta".into()]);
    assert!(text.ends_with("did you mean 'data'?"), "{text}");
    assert!(refused(&mut env, "env_remove", &["pi".into()]).contains("constant"));
}

#[test]
fn clearing_needs_a_literal_true() {
    let mut env = session();
    let before = env.len();
    for no in [
        false.into(),
        Value::Null,
        1.0.into(),
        "true".into(),
        1i64.into(),
    ] {
        let text = refused(&mut env, "env_clear", &[no]);
        assert!(
            text.contains("where true (this removes every variable)"),
            "{text}"
        );
    }
    assert_eq!(env.len(), before);
    let cleared = call(&mut env, "env_clear", &[true.into()]).unwrap();
    assert_eq!(cleared.as_i64(), Some(before as i64 - 1));
    assert_eq!(env.names().collect::<Vec<_>>(), ["pi"]);
}

#[test]
fn info_is_of_the_environment_or_of_a_file() {
    let mut env = session();
    let here = call(&mut env, "env_info", &[]).unwrap();
    assert_eq!(integer(&here, "num_bindings"), 7);
    assert_eq!(integer(&here, "num_constants"), 1);
    assert_eq!(integer(&here, "num_functions"), 0);
    assert_eq!(integer(&here, "num_mutable"), 1);
    assert_eq!(names(field(&here, "bindings"))[0], "model");

    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    let options = Record::from([("description", "a run")]);
    call(&mut env, "save_env", &[text.clone(), options.into()]).unwrap();
    let there = call(&mut env, "env_info", &[text]).unwrap();
    let fields: Vec<&str> = there.as_record().unwrap().names().collect();
    assert_eq!(
        fields,
        [
            "version",
            "created_at",
            "created_by",
            "num_bindings",
            "num_constants",
            "num_functions",
            "compressed",
            "file_size",
            "description",
            "tags",
            "custom",
            "bindings",
        ]
    );
    assert_eq!(field(&there, "version").as_str(), Some("2.0"));
    assert_eq!(field(&there, "description").as_str(), Some("a run"));
    assert_eq!(integer(&there, "num_bindings"), 7);
    let length = std::fs::metadata(path).unwrap().len();
    assert_eq!(integer(&there, "file_size"), length as i64);
}

#[test]
fn a_custom_key_does_not_shadow_a_field_of_env_info() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = file(&dir);
    let custom = Record::from([("file_size", "0"), ("version", "mine")]);
    let options = Record::from([("custom", custom)]);
    call(&mut env, "save_env", &[text.clone(), options.into()]).unwrap();
    let info = call(&mut env, "env_info", &[text]).unwrap();
    assert_eq!(field(&info, "version").as_str(), Some("2.0"));
    assert!(integer(&info, "file_size") > 0);
    let custom = field(&info, "custom");
    assert_eq!(field(custom, "version").as_str(), Some("mine"));
}

#[test]
fn one_variable_is_loaded_without_the_others() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    save(&mut env, &text);
    let mut empty = Environment::new();
    let mut load = |name: &str| call(&mut empty, "env_load_var", &[text.clone(), name.into()]);
    assert_eq!(load("pi").unwrap().as_f64(), Some(3.25));
    assert_eq!(load("a.b").unwrap().as_i64(), Some(7));
    assert_eq!(load("model.layers[1].w").unwrap().as_f64(), Some(2.0));
    let data = load("data").unwrap();
    let text = load("dta").unwrap_err().to_string();
    assert!(text.contains("session.ach has no variable 'dta'; did you mean 'data'?"));
    assert!(empty.is_empty());
    // The file may go while what was loaded from it lives.
    std::fs::remove_file(path).unwrap();
    assert_eq!(
        data.as_tensor().unwrap().as_slice::<f64>().unwrap()[11],
        11.0
    );
}

#[test]
fn variables_loaded_together_share_their_cells() {
    let cell = Cell::new(1i64);
    let mut env = Environment::new();
    env.set("a", cell.clone()).unwrap();
    env.set("b", Value::vector([Value::from(cell), 2i64.into()]))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = file(&dir);
    save(&mut env, &text);
    let asked = Value::vector(["b", "a"]);
    let loaded = call(&mut env, "env_load_vars", &[text.clone(), asked]).unwrap();
    let fields: Vec<&str> = loaded.as_record().unwrap().names().collect();
    assert_eq!(fields, ["b", "a"]);
    let (Value::Cell(a), Value::Cell(b)) = (
        field(&loaded, "a"),
        &field(&loaded, "b").as_vector().unwrap()[0],
    ) else {
        panic!("{loaded:?}");
    };
    assert!(a.same(b));
    let asked = StringArray::new(["a", "zz"], [2]).unwrap();
    let text = refused(&mut env, "env_load_vars", &[text, asked.into()]);
    assert!(text.contains("no variable 'zz'"), "{text}");
}

#[test]
fn saving_and_restoring_answer_with_a_report() {
    let mut env = session();
    let lost = Extension::unsupported("generator", "it runs");
    env.set("g", Record::from([("next", Value::from(lost))]))
        .unwrap();
    let sin = Function::Builtin { name: "sin".into() };
    env.set("sin", sin).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    let options = Record::from([("exclude", Value::vector(["a.b"]))]);
    let report = call(&mut env, "save_env", &[text.clone(), options.into()]).unwrap();
    assert_eq!(field(&report, "path").as_str(), path.to_str());
    assert_eq!(integer(&report, "bindings"), 7);
    assert_eq!(integer(&report, "omitted"), 1);
    let length = std::fs::metadata(&path).unwrap().len();
    assert_eq!(integer(&report, "file_size"), length as i64);
    let told = |report: &Value| {
        let findings = field(report, "findings").as_vector().unwrap().to_vec();
        let told = findings.iter().map(|finding| {
            let text = |name: &str| field(finding, name).as_str().unwrap().to_owned();
            assert!(!text("reason").is_empty());
            [text("name"), text("path"), text("kind"), text("outcome")]
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(told(&report), [["sin", "", "function", "omitted"]]);

    let mut other = Environment::new();
    other.set("data", 1.0).unwrap();
    let options = Record::from([("exclude", Value::vector(["w*"]))]);
    let report = call(&mut other, "restore_env", &[text, options.into()]).unwrap();
    assert_eq!(field(&report, "path").as_str(), path.to_str());
    assert_eq!(integer(&report, "bindings"), 5);
    assert_eq!(integer(&report, "omitted"), 1);
    assert_eq!(
        told(&report),
        [
            ["data", "", "tensor", "kept"],
            ["g", ".next", "generator", "lost"]
        ]
    );
    assert_eq!(other.get("data").and_then(Value::as_f64), Some(1.0));
    assert!(other.variable("pi").unwrap().constant && other.variable("step").unwrap().mutable);
}

#[test]
fn the_path_may_stand_among_the_options() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    let options = Record::from([("path", text.clone()), ("description", "d".into())]);
    call(&mut env, "save_env", &[options.into()]).unwrap();
    assert_eq!(description(&path), "d");
    let mut other = Environment::new();
    let options = Record::from([("path", text.clone()), ("namespace", "old".into())]);
    call(&mut other, "restore_env", &[options.into()]).unwrap();
    assert_eq!(other.names().collect::<Vec<_>>(), ["old"]);

    let mut refused = |arguments: &[Value]| refused(&mut env, "save_env", arguments);
    let none = refused(&[Record::from([("description", "d")]).into()]);
    assert!(none.contains("path is missing"), "{none}");
    let wrong = refused(&[Record::from([("path", 1.0)]).into()]);
    assert!(wrong.contains("path is the number 1"), "{wrong}");
    let record: Value = Record::from([("path", text.clone())]).into();
    let twice = refused(&[text, record.clone()]);
    assert!(
        twice.contains("options.path is given a second time"),
        "{twice}"
    );
    let twice = refused(&[record.clone(), record]);
    assert!(twice.contains("path is a record"), "{twice}");
}

fn description(path: &Path) -> String {
    let metadata = achronyme_env::get_metadata(path).unwrap();
    metadata.description.unwrap()
}

#[test]
fn unknown_options_and_wrong_types_are_never_ignored() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    let mut with = |name: &str, value: Value| {
        let options = Record::from([(name, value)]);
        refused(&mut env, "save_env", &[text.clone(), options.into()])
    };
    assert!(with("compres", true.into()).ends_with("did you mean 'compress'?"));
    assert!(with("compress", "no".into()).contains("'compress' is the string 'no'"));
    assert!(with("tags", "t".into()).contains("a list of strings"));
    assert!(!path.exists());

    save(&mut env, &text);
    let mut other = Environment::new();
    let options = Record::from([("include_only", "pi")]);
    let error = refused(&mut other, "restore_env", &[text, options.into()]);
    assert!(error.contains("a list of strings") && other.is_empty());
}

#[test]
fn names_to_restore_that_are_not_there_are_told() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = file(&dir);
    save(&mut env, &text);
    let options = Record::from([("include_only", Value::vector(["pi", "dta"]))]);
    let mut other = Environment::new();
    let report = call(&mut other, "restore_env", &[text, options.into()]).unwrap();
    let findings = field(&report, "findings").as_vector().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(field(&findings[0], "outcome").as_str(), Some("unknown"));
    assert!(
        field(&findings[0], "reason")
            .as_str()
            .unwrap()
            .contains("'data'")
    );
}

#[test]
fn replace_really_clears() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = file(&dir);
    save(&mut env, &text);
    let mut other = Environment::new();
    other.set("old", 1.0).unwrap();
    other.set("data", 1.0).unwrap();
    let options = Record::from([("mode", "replace")]);
    call(&mut other, "restore_env", &[text, options.into()]).unwrap();
    assert!(other.get("old").is_none() && other.get("data").unwrap().as_tensor().is_some());
    assert_eq!(other.len(), env.len());
}

#[test]
fn a_second_save_is_refused_unless_it_is_allowed() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    save(&mut env, &text);
    let before = std::fs::read(&path).unwrap();
    let error = refused(&mut env, "save_env", std::slice::from_ref(&text));
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
    let options = Record::from([("allow_overwrite", true)]);
    call(&mut env, "save_env", &[text, options.into()]).unwrap();
}

#[test]
fn an_error_leaves_the_environment_as_it_was() {
    let mut env = session();
    let dir = tempfile::tempdir().unwrap();
    let (path, text) = file(&dir);
    save(&mut env, &text);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    std::fs::write(&path, bytes).unwrap();
    let before = contents(&env);
    let options = Record::from([("mode", "replace")]);
    let error = refused(&mut env, "restore_env", &[text, options.into()]);
    assert!(error.contains("damaged"), "{error}");
    assert!(contents(&env).identical(&before).unwrap());
    let error = refused(&mut env, "restore_env", &["no/such.ach".into()]);
    assert!(error.starts_with("cannot open no/such.ach"), "{error}");
}

#[test]
fn a_tilde_is_a_name_like_any_other() {
    let mut env = session();
    let error = refused(&mut env, "env_info", &["~/no-such-file.ach".into()]);
    assert!(
        error.starts_with("cannot open ~/no-such-file.ach"),
        "{error}"
    );
}

#[test]
fn functions_come_back_through_the_registry_of_the_environment() {
    let mut env = Environment::new();
    for name in ["sin", "erf"] {
        let builtin = Function::Builtin { name: name.into() };
        env.set(name, Value::vector([Value::from(builtin)]))
            .unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    let (_, text) = file(&dir);
    save(&mut env, &text);

    type Native = fn(f64) -> f64;
    let registry = FunctionRegistry::new().builtin("sin", Arc::new(f64::sin as Native));
    let mut other = Environment::new();
    other.set_functions(Arc::new(registry));
    let is_resolved = |vector: &Value| match &vector.as_vector().unwrap()[0] {
        Value::Function(callable) => callable.handle::<Native>().is_some(),
        other => panic!("{other:?}"),
    };
    let report = call(&mut other, "restore_env", std::slice::from_ref(&text)).unwrap();
    assert!(is_resolved(other.get("sin").unwrap()) && !is_resolved(other.get("erf").unwrap()));
    let findings = field(&report, "findings").as_vector().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(field(&findings[0], "outcome").as_str(), Some("unresolved"));
    let loaded = call(&mut other, "env_load_var", &[text.clone(), "sin".into()]).unwrap();
    assert!(is_resolved(&loaded));
    let asked = Value::vector(["erf", "sin"]);
    let loaded = call(&mut other, "env_load_vars", &[text, asked]).unwrap();
    assert!(is_resolved(field(&loaded, "sin")) && !is_resolved(field(&loaded, "erf")));
}

#[test]
fn snapshots_are_kept_named_listed_gone_back_to_and_dropped() {
    let mut env = session();
    let before = contents(&env);
    let first = call(&mut env, "snapshot_env", &[]).unwrap();
    assert_eq!(first.as_str(), Some("snapshot_1"));
    env.clear();
    call(&mut env, "snapshot_env", &["empty".into()]).unwrap();
    // A name given by the user is not given again.
    call(&mut env, "snapshot_env", &["snapshot_4".into()]).unwrap();
    let fourth = call(&mut env, "snapshot_env", &[]).unwrap();
    assert_eq!(fourth.as_str(), Some("snapshot_5"));
    let names = call(&mut env, "env_snapshots", &[]).unwrap();
    let names: Vec<_> = names
        .as_vector()
        .unwrap()
        .iter()
        .map(Value::as_str)
        .collect();
    let expected = ["snapshot_1", "empty", "snapshot_4", "snapshot_5"];
    assert_eq!(names, expected.map(Some));
    let count = call(&mut env, "restore_snapshot", &[first]).unwrap();
    assert_eq!(count.as_i64(), Some(env.len() as i64));
    assert!(contents(&env).identical(&before).unwrap());
    let left = call(&mut env, "drop_snapshot", &["empty".into()]).unwrap();
    assert_eq!(left.as_i64(), Some(3));
    for name in ["restore_snapshot", "drop_snapshot"] {
        let error = call(&mut env, name, &["empty".into()]).unwrap_err();
        assert!(matches!(error, EnvError::NoSnapshot { .. }), "{error:?}");
    }
}
