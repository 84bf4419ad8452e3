//! Promise: functions come back through the host, and as they were where it has no way; what was
//! shared is shared; cells stay mutable; nesting ends in an error and never in a crash.

mod environment;
mod samples;
mod small_stack;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use achronyme_env::{
    Callable, Cell, EnvError, Environment, Function, FunctionRegistry, Outcome, Record,
    RestoreOptions, Scope, UserFunction, Value, Variable, restore_environment, save_environment,
};
use environment::{ROADS, assert_same, builtin, environment, lambda, quick, told};
use small_stack::on_small_stack;

type Native = fn(f64) -> f64;

fn saved(dir: &Path, env: &Environment) -> PathBuf {
    let path = dir.join("saved.ach");
    let options = quick().include_builtins(true).created_at(1);
    save_environment(env, &path, options).unwrap();
    path
}

/// A host with `sin` and `cos` that compiles what does not begin with an exclamation mark.
fn host() -> Arc<FunctionRegistry> {
    let registry = FunctionRegistry::new()
        .builtin("sin", Arc::new(f64::sin as Native))
        .builtin("cos", Arc::new(f64::cos as Native))
        .compile(|function| match function.source.starts_with('!') {
            true => Err("it cannot be parsed".to_owned()),
            false => Ok(Arc::new(function.source.to_string())),
        });
    Arc::new(registry)
}

fn with_host() -> RestoreOptions {
    RestoreOptions::new().functions(host())
}

#[track_caller]
fn function(value: &Value) -> &Callable {
    match value {
        Value::Function(function) => function,
        other => panic!("{other:?}"),
    }
}

fn user(value: &Value) -> &UserFunction {
    match function(value).function() {
        Function::User(user) => user,
        builtin => panic!("{builtin:?}"),
    }
}

fn closure(source: &str, scope: &Scope) -> Value {
    UserFunction {
        source: source.into(),
        scope: Some(scope.clone()),
        ..UserFunction::default()
    }
    .into()
}

fn cell(value: &Value) -> &Cell {
    match value {
        Value::Cell(cell) => cell,
        other => panic!("{other:?}"),
    }
}

fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.as_record().unwrap().get(name).unwrap()
}

fn in_scope(function: &Value, name: &str) -> Value {
    let scope = user(function).scope.as_ref().unwrap();
    scope.bindings().get(name).unwrap().clone()
}

#[test]
fn builtins_come_back_through_the_host_nested_ones_too() {
    let dir = tempfile::tempdir().unwrap();
    let table = Record::from([("fs", Value::vector([builtin("sin"), builtin("cos")]))]);
    let mut env = environment([("f", builtin("sin")), ("table", table.into())]);
    let attributes = Record::from([("inverse", builtin("cos"))]);
    let variable = Variable::new(Cell::new(builtin("cos"))).attributes(attributes);
    env.define("c", variable).unwrap();
    let path = saved(dir.path(), &env);
    for (road, open) in ROADS {
        let back = open(&path, &with_host().strict(true)).unwrap();
        assert!(back.report.findings.is_empty(), "{road}: {}", back.report);
        let env = &back.environment;
        let call = |value: &Value, x: f64| function(value).handle::<Native>().unwrap()(x);
        assert_eq!(call(env.get("f").unwrap(), 0.5), 0.5f64.sin());
        let fs = field(env.get("table").unwrap(), "fs").as_vector().unwrap();
        assert_eq!(call(&fs[1], 0.5), 0.5f64.cos());
        assert_eq!(call(&cell(env.get("c").unwrap()).get(), 0.0), 1.0);
        let attributes = &env.variable("c").unwrap().attributes;
        assert_eq!(call(attributes.get("inverse").unwrap(), 0.0), 1.0);
    }
}

#[test]
fn what_cannot_be_resolved_is_told_with_name_and_path_and_saves_again_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope::new(Record::from([("helper", builtin("sine"))]));
    let model = Record::from([("hooks", Value::vector([lambda("! x"), lambda("fine")]))]);
    let env = environment([
        ("f", builtin("sni")),
        ("model", model.into()),
        ("g", closure("! y", &scope)),
    ]);
    let path = saved(dir.path(), &env);
    let first = fs::read(&path).unwrap();
    for (road, open) in ROADS {
        let back = open(&path, &with_host()).unwrap();
        assert_eq!(
            told(&back.report.findings),
            [
                "f (function) is kept unresolved: this host has no builtin 'sni'; the nearest is 'sin'",
                "model.hooks[0] (function) is kept unresolved: it cannot be parsed",
                "g (function) is kept unresolved: it cannot be parsed",
                "g<scope>.helper (function) is kept unresolved: this host has no builtin 'sine'; the nearest is 'sin'",
            ],
            "{road}"
        );
        assert!(!function(back.environment.get("f").unwrap()).is_resolved());
        assert_same(&back.environment, &env, road);
        assert!(fs::read(saved(dir.path(), &back.environment)).unwrap() == first);
        let error = open(&path, &with_host().strict(true)).unwrap_err();
        assert!(matches!(error, EnvError::Lossy { .. }), "{error}");
        assert!(error.to_string().contains("model.hooks[0]"), "{error}");
    }
}

#[test]
fn without_a_host_functions_are_kept_and_that_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let env = environment([("f", lambda("x")), ("sin", builtin("sin"))]);
    let path = saved(dir.path(), &env);
    let back = restore_environment(&path, RestoreOptions::new()).unwrap();
    assert_eq!(back.report.findings.len(), 2);
    assert!(
        back.report
            .findings
            .iter()
            .all(|f| f.outcome == Outcome::Warning)
    );
    assert_same(&back.environment, &env, "without a host");
    // Whoever has no functions to call loses none.
    let strict = RestoreOptions::new().strict(true);
    assert!(restore_environment(&path, strict).is_ok());
}

#[test]
fn the_compiler_sees_the_whole_scope_and_the_function_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope::default();
    let factorial = closure("x < 2 ? 1 : x * factorial(x - 1)", &scope);
    let limit = Cell::new(samples::record(20));
    scope.set_bindings(Record::from([
        ("factorial", factorial.clone()),
        ("limit", limit.into()),
        ("sin", builtin("sin")),
    ]));
    let env = environment([("factorial", factorial)]);
    let path = saved(dir.path(), &env);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let registry = FunctionRegistry::new()
        .builtin("sin", Arc::new(f64::sin as Native))
        .compile({
            let seen = Arc::clone(&seen);
            move |function| {
                let bindings = function.scope.as_ref().unwrap().bindings();
                let names: Vec<String> = bindings.names().map(str::to_owned).collect();
                let limit = cell(bindings.get("limit").unwrap()).get();
                let fields = limit.as_record().map_or(0, Record::len);
                let own = user(bindings.get("factorial").unwrap()).source.to_string();
                seen.lock().unwrap().push((names.join(" "), fields, own));
                Ok(Arc::new(()))
            }
        });
    let options = RestoreOptions::new()
        .functions(Arc::new(registry))
        .strict(true);
    let back = restore_environment(&path, options).unwrap().environment;
    let source = "x < 2 ? 1 : x * factorial(x - 1)".to_owned();
    // The one of the variable and the one in its scope, which are two values over one scope.
    let expected = ("factorial limit sin".to_owned(), 20, source);
    assert_eq!(*seen.lock().unwrap(), [expected.clone(), expected]);
    let outer = back.get("factorial").unwrap();
    assert!(function(outer).is_resolved());
    // It is called again and again: the one inside is resolved and has the same scope.
    let inner = in_scope(outer, "factorial");
    let scopes = [outer, &inner].map(|f| user(f).scope.clone().unwrap());
    assert!(scopes[0].same(&scopes[1]));
    assert!(function(&inner).is_resolved());
}

#[test]
fn captures_stay_shared_between_functions_of_different_variables() {
    let dir = tempfile::tempdir().unwrap();
    let scope = Scope::new(Record::from([("count", Cell::new(3i64))]));
    let env = environment([
        ("up", closure("count = count + 1", &scope)),
        (
            "down",
            Record::from([("f", closure("count = count - 1", &scope))]).into(),
        ),
        ("count", scope.bindings().get("count").unwrap().clone()),
    ]);
    let path = saved(dir.path(), &env);
    for (road, open) in ROADS {
        let back = open(&path, &with_host()).unwrap().environment;
        let up = back.get("up").unwrap();
        let down = field(back.get("down").unwrap(), "f");
        let scopes = [up, down].map(|f| user(f).scope.clone().unwrap());
        assert!(scopes[0].same(&scopes[1]), "{road}");
        let count = in_scope(up, "count");
        cell(&count).set(4i64);
        assert_eq!(cell(&in_scope(down, "count")).get().as_i64(), Some(4));
        assert_eq!(cell(back.get("count").unwrap()).get().as_i64(), Some(4));
    }
}

#[test]
fn cells_stay_mutable_aliases_and_cycles() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Cell::new(1i64);
    let own = Cell::default();
    own.set(Record::from([
        ("me", Value::from(own.clone())),
        ("n", 1i64.into()),
    ]));
    let mut env = environment([
        ("b", Value::vector([shared.clone()])),
        ("own", own.clone().into()),
        ("equal", Cell::new(1i64).into()),
    ]);
    let attributes = Record::from([("watched", shared.clone())]);
    let variable = Variable::new(shared).attributes(attributes).mutable();
    env.define("a", variable).unwrap();
    let path = saved(dir.path(), &env);
    for (road, open) in ROADS {
        let back = open(&path, &RestoreOptions::new()).unwrap().environment;
        assert_same(&back, &env, road);
        let a = back.variable("a").unwrap();
        cell(&a.value).set("changed");
        let b = back.get("b").unwrap().as_vector().unwrap();
        assert_eq!(cell(&b[0]).get().as_str(), Some("changed"), "{road}");
        let watched = a.attributes.get("watched").unwrap();
        assert_eq!(cell(watched).get().as_str(), Some("changed"), "{road}");
        assert_eq!(cell(back.get("equal").unwrap()).get().as_i64(), Some(1));
        let cycle = cell(back.get("own").unwrap());
        let content = cycle.get();
        assert!(cell(field(&content, "me")).same(cycle), "{road}");
        cycle.set(());
        // And again: what was changed after the restore is what is saved.
        let again = restore_environment(saved(dir.path(), &back), RestoreOptions::new());
        assert_same(&again.unwrap().environment, &back, road);
        saved(dir.path(), &env);
    }
    own.set(());
}

#[test]
fn only_some_of_the_variables_share_what_they_share() {
    let dir = tempfile::tempdir().unwrap();
    let shared = Cell::new(1i64);
    let env = environment([
        ("a", shared.clone().into()),
        ("b", Value::vector([shared.clone()])),
        ("c", shared.into()),
    ]);
    let path = saved(dir.path(), &env);
    let options = RestoreOptions::new().include_only(["b", "c"]);
    let back = restore_environment(&path, options).unwrap().environment;
    cell(back.get("c").unwrap()).set(2i64);
    let b = back.get("b").unwrap().as_vector().unwrap();
    assert_eq!(cell(&b[0]).get().as_i64(), Some(2));
}

#[test]
fn records_keep_their_methods_and_self() {
    let dir = tempfile::tempdir().unwrap();
    // An object: a cell with a record, whose method captured the cell as `self`.
    let object = Cell::default();
    let scope = Scope::new(Record::from([("self", object.clone())]));
    object.set(Record::from([
        ("v", Value::from(1i64)),
        ("inc", closure("self.v = self.v + 1", &scope)),
    ]));
    let plain = Record::from([("v", Value::from(1i64)), ("double", lambda("x => 2 * x"))]);
    let env = environment([("counter", object.clone().into()), ("plain", plain.into())]);
    let path = saved(dir.path(), &env);
    for (road, open) in ROADS {
        let back = open(&path, &with_host().strict(true)).unwrap().environment;
        assert_same(&back, &env, road);
        let counter = cell(back.get("counter").unwrap());
        let method = field(&counter.get(), "inc").clone();
        assert!(function(&method).is_resolved(), "{road}");
        let own = in_scope(&method, "self");
        assert!(cell(&own).same(counter), "{road}");
        let double = field(back.get("plain").unwrap(), "double");
        let compiled = function(double).handle::<String>().unwrap();
        assert_eq!(compiled, "x => 2 * x");
        counter.set(());
    }
    object.set(());
}

#[test]
fn nesting_beyond_128_levels_is_an_error_that_names_the_path() {
    on_small_stack(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep.ach");
        let env = environment([
            ("fine", samples::nested(128)),
            ("b", samples::record(3).into()),
        ]);
        save_environment(&env, &path, quick()).unwrap();
        for (road, open) in ROADS {
            let back = open(&path, &with_host()).unwrap();
            assert_same(&back.environment, &env, road);
        }
        let old = fs::read(&path).unwrap();
        for what in [samples::nested(129), samples::nested(1000)] {
            let in_attributes = Record::from([("a", what.clone())]);
            let with_attributes = Variable::new(1.0).attributes(in_attributes);
            let in_a_cell = Variable::new(Cell::new(what.clone()));
            for variable in [Variable::new(what), with_attributes, in_a_cell] {
                let mut env = Environment::new();
                env.define("deep", variable).unwrap();
                let error = save_environment(&env, &path, quick()).unwrap_err();
                let text = error.to_string();
                assert!(text.starts_with("variable 'deep': "), "{text}");
                assert!(text.contains("[0].inner[0]"), "{text}");
                assert!(fs::read(&path).unwrap() == old);
                assert_eq!(environment::files(dir.path()), ["deep.ach"]);
            }
        }
    });
}

/// A list of a million, each link a record in a cell of the one before.
#[test]
fn a_chain_of_a_million_cells_is_saved_and_restored() {
    on_small_stack(|| {
        const LINKS: i64 = 1_000_000;
        let dir = tempfile::tempdir().unwrap();
        let chain = (0..LINKS).fold(Value::from("end"), |next, n| {
            let link = [("n", Value::from(n)), ("next", Cell::new(next).into())];
            Record::from(link).into()
        });
        let env = environment([("list", chain)]);
        let path = saved(dir.path(), &env);
        drop(env);
        for (road, open) in ROADS {
            let back = open(&path, &with_host()).unwrap();
            let mut value = back.environment.get("list").unwrap().clone();
            let mut links = LINKS;
            while let Some(link) = value.as_record() {
                links -= 1;
                assert_eq!(link.get("n").and_then(Value::as_i64), Some(links), "{road}");
                value = cell(link.get("next").unwrap()).get();
            }
            assert_eq!((links, value.as_str()), (0, Some("end")), "{road}");
        }
    });
}

/// Functions at the end of a long chain are found; their paths in the report stay short.
#[test]
fn what_stands_far_along_a_chain_is_told_in_one_short_line() {
    let dir = tempfile::tempdir().unwrap();
    let chain = (0..50_000).fold(builtin("unknown"), |next, _| {
        Record::from([("next", Cell::new(next))]).into()
    });
    let path = saved(dir.path(), &environment([("list", chain)]));
    let back = restore_environment(&path, with_host()).unwrap();
    let [finding] = back.report.findings.as_slice() else {
        panic!("{}", back.report);
    };
    assert!(
        finding.path.starts_with(".next<cell>.next<cell>"),
        "{finding}"
    );
    assert!(
        finding.path.ends_with(".next<cell>") && finding.path.len() < 500,
        "{finding}"
    );
}
