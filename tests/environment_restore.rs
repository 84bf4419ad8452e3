//! Promise: a restore brings everything back bit for bit, on both roads; its options do what they
//! say; it is all or nothing; and what it does not bring is told.

mod environment;
mod reseal;
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Cell, Check, DType, EnvError, Environment, Extension, Order, Outcome, Part, Record,
    RestoreMode, RestoreOptions, Tensor, Value, Variable, env_info, restore_environment,
    restore_from, restore_into, save_environment,
};
use environment::{ROADS, assert_same, environment, lambda, quick, told};
use reseal::Patch;

fn saved(dir: &Path, env: &Environment) -> PathBuf {
    let path = dir.join("saved.ach");
    save_environment(env, &path, quick().include_builtins(true)).unwrap();
    path
}

fn restore() -> RestoreOptions {
    RestoreOptions::new()
}

/// An environment to restore into: a number, a text, and a constant.
fn own() -> Environment {
    let mut own = environment([("x", Value::from(1i64)), ("mine", "kept".into())]);
    own.define("pi", Variable::new(3.25).constant()).unwrap();
    own
}

fn names(env: &Environment) -> Vec<&str> {
    env.names().collect()
}

#[test]
fn every_kind_comes_back_bit_for_bit_with_order_attributes_and_marks() {
    let dir = tempfile::tempdir().unwrap();
    let env = environment::every_kind();
    let path = saved(dir.path(), &env);
    for (road, open) in ROADS {
        let back = open(&path, &restore()).unwrap();
        assert_same(&back.environment, &env, road);
        assert_eq!(back.report.bindings, env.len());
        assert_eq!(back.report.omitted, 0);
        // Nobody gave functions: that is told, and nothing else.
        assert!(!back.report.findings.is_empty());
        let data =
            |f: &achronyme_env::Finding| f.outcome == Outcome::Warning && f.kind == "function";
        assert!(back.report.findings.iter().all(data), "{}", back.report);
    }
}

#[test]
fn the_bits_of_numbers_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let patterns = [
        0x7ff0_0000_0000_0001, // A signalling NaN.
        0xfff8_0000_dead_beef,
        0x8000_0000_0000_0000,
        0x0000_0000_0000_0001,
        0x7ff0_0000_0000_0000,
        u64::MAX,
    ];
    let numbers: Vec<f64> = patterns.into_iter().map(f64::from_bits).collect();
    let tensor = Tensor::from_vec(numbers.clone(), [6]).unwrap();
    let env = environment([
        ("scalar", numbers[0].into()),
        ("zero", (-0.0f64).into()),
        ("vector", Value::vector(numbers.clone())),
        ("tensor", tensor.into()),
    ]);
    let path = saved(dir.path(), &env);
    for (_, open) in ROADS {
        let back = open(&path, &restore()).unwrap().environment;
        let bits = |value: &Value| value.as_f64().unwrap().to_bits();
        assert_eq!(bits(back.get("scalar").unwrap()), patterns[0]);
        assert_eq!(bits(back.get("zero").unwrap()), 1 << 63);
        let vector = back.get("vector").unwrap().as_vector().unwrap();
        assert!(vector.iter().map(bits).eq(patterns));
        let tensor = back.get("tensor").unwrap().as_tensor().unwrap();
        let tensor = tensor
            .as_slice::<u64>()
            .err()
            .map(|_| tensor.as_slice::<f64>().unwrap());
        assert!(tensor.unwrap().iter().map(|n| n.to_bits()).eq(patterns));
    }
}

#[test]
fn merging_keeps_what_is_there_and_tells() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(
        dir.path(),
        &environment([("x", 2i64.into()), ("new", 3i64.into())]),
    );
    let mut env = own();
    let report = restore_into(&mut env, &path, restore()).unwrap();
    assert_eq!(names(&env), ["x", "mine", "pi", "new"]);
    assert_eq!(env.get("x").unwrap().as_i64(), Some(1));
    assert_eq!(report.bindings, 1);
    assert_eq!(
        told(&report.findings),
        [
            "x (integer) is kept as it was: the environment has a variable of this name; `overwrite` is off"
        ]
    );
}

#[test]
fn overwriting_replaces_in_place_with_marks_and_attributes() {
    let dir = tempfile::tempdir().unwrap();
    let units = Record::from([("units", "K")]);
    let mut arriving = Environment::new();
    let variable = Variable::new(2i64).mutable().attributes(units);
    arriving.define("x", variable).unwrap();
    let path = saved(dir.path(), &arriving);
    let mut env = own();
    let report = restore_into(&mut env, &path, restore().overwrite(true)).unwrap();
    assert_eq!(names(&env), ["x", "mine", "pi"]);
    let x = env.variable("x").unwrap();
    assert!(x.mutable && !x.constant && x.value.as_i64() == Some(2));
    assert_eq!(x.attributes.get("units").and_then(Value::as_str), Some("K"));
    assert!(report.findings.is_empty(), "{report}");
}

#[test]
fn replacing_really_clears_all_but_the_constants() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(
        dir.path(),
        &environment([("new", 3i64.into()), ("x", 2i64.into())]),
    );
    let mut env = own();
    let options = restore().mode(RestoreMode::Replace);
    let report = restore_into(&mut env, &path, &options).unwrap();
    assert_eq!(names(&env), ["pi", "new", "x"]);
    assert_eq!(env.get("x").unwrap().as_i64(), Some(2));
    assert_eq!(report.bindings, 2);
    // Also when nothing is taken.
    restore_into(&mut env, &path, options.exclude("*")).unwrap();
    assert_eq!(names(&env), ["pi"]);
}

#[test]
fn no_mode_replaces_a_constant_of_the_host() {
    let dir = tempfile::tempdir().unwrap();
    let mut arriving = Environment::new();
    arriving
        .define("pi", Variable::new(3i64).constant())
        .unwrap();
    arriving
        .define("e", Variable::new(2.75).constant())
        .unwrap();
    let path = saved(dir.path(), &arriving);
    for options in [
        restore(),
        restore().overwrite(true),
        restore().mode(RestoreMode::Replace),
        restore().mode(RestoreMode::Replace).overwrite(true),
    ] {
        let mut env = own();
        let report = restore_into(&mut env, &path, &options).unwrap();
        assert_eq!(env.get("pi").unwrap().as_f64(), Some(3.25));
        assert_eq!(
            told(&report.findings),
            ["pi (integer) is kept as it was: it is a constant of this environment"]
        );
        // Constants that are new come as constants.
        assert!(env.variable("e").unwrap().constant);
        assert!(matches!(env.set("e", 1.0), Err(EnvError::Constant { .. })));
        // The same again is nothing to tell of.
        let again = restore_into(&mut env, &path, options.exclude("pi")).unwrap();
        assert!(again.findings.is_empty(), "{again}");
    }
    let mut env = own();
    let options = restore().namespace("pi").overwrite(true);
    let error = restore_into(&mut env, &path, options).unwrap_err();
    assert!(matches!(error, EnvError::Constant { .. }), "{error}");
    assert_same(&env, &own(), "a constant");
}

#[test]
fn constants_with_array_data_are_not_read_to_compare_them() {
    let dir = tempfile::tempdir().unwrap();
    let tensor = samples::tensor(DType::F64, &[100_000], Order::C);
    let record = Record::from([("w", tensor)]);
    let mut env = Environment::new();
    env.define("model", Variable::new(record).constant())
        .unwrap();
    let path = saved(dir.path(), &env);
    let archive = Archive::open(&path).unwrap();
    let report = env.restore_from(&archive, restore()).unwrap();
    assert_eq!(report.findings[0].outcome, Outcome::Kept);
    assert!(!archive.is_checked("model").unwrap());
}

#[test]
fn a_namespace_is_one_record_and_never_takes_a_name_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let mut arriving = environment([("a.b", Value::from(2i64)), ("x", 5i64.into())]);
    let marked = Variable::new(1.5).mutable();
    arriving.define("m", marked).unwrap();
    let units = Record::from([("units", "K")]);
    let marked = Variable::new(2.5).constant().attributes(units);
    arriving.define("c", marked).unwrap();
    let path = saved(dir.path(), &arriving);
    let mut env = own();
    let report = restore_into(&mut env, &path, restore().namespace("run 1")).unwrap();
    assert_eq!(names(&env), ["x", "mine", "pi", "run 1"]);
    let record = env.get("run 1").unwrap().as_record().unwrap();
    assert!(record.names().eq(["a.b", "x", "m", "c"]));
    assert_eq!(env.get("x").unwrap().as_i64(), Some(1));
    assert_eq!(report.bindings, 4);
    assert_eq!(
        told(&report.findings),
        [
            "m (number) is kept, but: without its mark as mutable: a field of a record has none",
            "c (number) is kept, but: without its attributes and its mark as a constant: a field of a record has none",
        ]
    );
    for taken in ["x", "run 1"] {
        let before = env.clone();
        let error = restore_into(&mut env, &path, restore().namespace(taken)).unwrap_err();
        assert!(matches!(error, EnvError::NameTaken { .. }), "{error}");
        assert!(error.to_string().contains(taken), "{error}");
        assert_same(&env, &before, "a namespace");
    }
    let options = restore().namespace("x").overwrite(true);
    restore_into(&mut env, &path, options).unwrap();
    assert!(env.get("x").unwrap().as_record().is_some());
}

#[test]
fn options_that_cannot_be_are_refused_before_a_file_is_opened() {
    for options in [
        restore().mode(RestoreMode::Namespace),
        restore().namespace("n").mode(RestoreMode::Merge),
        restore().namespace("n".repeat(4097)),
        restore().include_only(["a{b"]),
        restore().exclude("["),
    ] {
        let error = restore_environment("there is no such file", &options).unwrap_err();
        assert!(!matches!(error, EnvError::Io { .. }), "{error}");
    }
}

#[test]
fn patterns_choose_and_unknown_names_are_told_with_the_nearest() {
    let dir = tempfile::tempdir().unwrap();
    let all = ["model/w", "model/b", "score", "tmp", "both"].map(|n| (n, Value::from(1i64)));
    let path = saved(dir.path(), &environment(all));
    let options = restore().include_only(["model/*", "tmp", "both", "scroe"]);
    let options = options.exclude("t*").exclude("both").exclude("modle/*");
    for (road, open) in ROADS {
        let back = open(&path, &options).unwrap();
        assert_eq!(
            names(&back.environment),
            ["model/w", "model/b", "tmp"],
            "{road}"
        );
        assert_eq!((back.report.bindings, back.report.omitted), (3, 2));
        assert_eq!(
            told(&back.report.findings),
            [
                "scroe is not there: no variable matches; did you mean 'score'?",
                "'modle/*' is not there: no variable matches; did you mean 'model/b'?",
            ]
        );
    }
}

/// A tensor `x` and a tensor in a cell `c`, each with a flipped bit.
fn flipped(dir: &Path) -> (PathBuf, Environment) {
    let x = samples::tensor(DType::F64, &[20_000], Order::C);
    let inner = samples::tensor(DType::F32, &[20_000], Order::C);
    let env = environment([
        ("n", 1.0.into()),
        ("x", x.into()),
        ("c", Value::vector([Cell::new(inner)])),
    ]);
    let path = saved(dir, &env);
    let mut bytes = fs::read(&path).unwrap();
    let patch = Patch::of(bytes.clone());
    for extent in 0..2 {
        let at = patch.u64_at(patch.extent(extent, 0)) as usize;
        bytes[at + 70_000] ^= 4;
    }
    fs::write(&path, bytes).unwrap();
    (path, env)
}

#[test]
fn a_flipped_bit_is_found_at_the_first_touch_and_names_the_variable() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = flipped(dir.path());
    for options in [restore(), restore().verify_checksum(Check::Always)] {
        for (road, open) in ROADS {
            let back = open(&path, &options).unwrap();
            assert!(back.report.findings.is_empty());
            let x = back.environment.get("x").unwrap().as_tensor().unwrap();
            let error = x.as_slice::<f64>().unwrap_err();
            let block = Part::Block {
                extent: 0,
                block: 1,
            };
            assert_eq!(error.fault().unwrap().part, block, "{road}");
            assert!(error.to_string().starts_with("variable 'x': "), "{error}");
            let c = back.environment.get("c").unwrap().as_vector().unwrap();
            let Value::Cell(cell) = &c[0] else {
                panic!("{c:?}");
            };
            let inner = cell.get();
            let error = inner.as_tensor().unwrap().as_bytes().unwrap_err();
            assert!(error.to_string().starts_with("variable 'c': "), "{error}");
        }
    }
}

#[test]
fn checking_everything_refuses_a_flipped_bit_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let (path, _) = flipped(dir.path());
    let options = restore().verify_checksum(true);
    let mut env = own();
    let error = restore_into(&mut env, &path, &options).unwrap_err();
    assert!(error.to_string().contains("'x'"), "{error}");
    let archive = Archive::open(&path).unwrap();
    let error = env.restore_from(&archive, &options).unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    let error = restore_from(&environment::mapped(&path).unwrap(), &options).unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert_same(&env, &own(), "a damaged file");
}

#[test]
fn never_checking_gives_wrong_numbers_as_documented() {
    let dir = tempfile::tempdir().unwrap();
    let (path, env) = flipped(dir.path());
    let back = restore_environment(&path, restore().verify_checksum(false)).unwrap();
    let bytes = |env: &Environment| {
        let x = env.get("x").unwrap().as_tensor().unwrap();
        x.as_bytes().unwrap().to_vec()
    };
    let (found, expected) = (bytes(&back.environment), bytes(&env));
    let differing = found.iter().zip(&expected).filter(|(a, b)| a != b);
    assert_eq!(differing.count(), 1);
}

/// The file as another version would have written it.
fn written_by(path: &Path, version: &str) {
    let mut patch = Patch::of(fs::read(path).unwrap());
    patch.put(20, &[0; 16]).put(20, version.as_bytes());
    fs::write(path, patch.seal()).unwrap();
}

#[test]
fn another_writer_is_a_warning_and_an_error_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let env = own();
    let path = saved(dir.path(), &env);
    let strict = restore().strict_version(true);
    assert_same(
        &restore_environment(&path, &strict).unwrap().environment,
        &env,
        "ours",
    );
    written_by(&path, "9.8.7");
    let back = restore_environment(&path, restore().strict(true)).unwrap();
    assert_same(&back.environment, &env, "another writer");
    assert_eq!(back.report.created_by, "9.8.7");
    let ours = env!("CARGO_PKG_VERSION");
    let expected = format!(
        "the file is format 2.0, written by version 9.8.7; this is format 2.0, version {ours}"
    );
    assert_eq!(told(&back.report.findings), [expected]);
    let mut env = own();
    let error = restore_into(&mut env, &path, &strict).unwrap_err();
    assert!(matches!(error, EnvError::WriterDiffers { .. }), "{error}");
    assert!(error.to_string().contains("9.8.7"), "{error}");
    assert_same(&env, &own(), "another writer");
}

#[test]
fn another_minor_version_of_the_format_is_a_warning_and_an_error_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(dir.path(), &own());
    let mut patch = Patch::of(fs::read(&path).unwrap());
    patch.put(6, &1u16.to_le_bytes());
    fs::write(&path, patch.seal()).unwrap();
    let back = restore_environment(&path, restore()).unwrap();
    assert_same(&back.environment, &own(), "a minor version");
    assert_eq!(back.report.format, (2, 1));
    let told = told(&back.report.findings);
    assert!(told[0].starts_with("the file is format 2.1, "), "{told:?}");
    let strict = restore().strict_version(true);
    let error = restore_environment(&path, strict).unwrap_err();
    assert!(matches!(error, EnvError::WriterDiffers { .. }), "{error}");
    assert!(error.to_string().contains("format 2.1"), "{error}");
}

fn placeholder() -> Value {
    Extension::unsupported("generator", "it was running").into()
}

#[test]
fn placeholders_are_told_wherever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let attributes = Record::from([("hook", placeholder())]);
    let inner = Record::from([("callbacks", Value::vector([1.0.into(), placeholder()]))]);
    let mut env = environment([("model", inner.into()), ("own", placeholder())]);
    let variable = Variable::new(Cell::new(placeholder())).attributes(attributes);
    env.define("c", variable).unwrap();
    let path = saved(dir.path(), &env);
    let lost = "(generator) is lost: it was running";
    for (road, open) in ROADS {
        let back = open(&path, &restore()).unwrap();
        assert_eq!(
            told(&back.report.findings),
            [
                format!("model.callbacks[1] {lost}"),
                format!("own {lost}"),
                format!("c<attributes>.hook {lost}"),
                format!("c<cell> {lost}"),
            ],
            "{road}"
        );
        assert_same(&back.environment, &env, road);
        let error = open(&path, &restore().strict(true)).unwrap_err();
        let EnvError::Lossy { findings, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(findings.len(), 4);
        let text = error.to_string();
        assert!(
            text.contains("callbacks[1]") && text.ends_with("and 1 more"),
            "{text}"
        );
    }
}

#[test]
fn what_is_not_taken_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = saved(
        dir.path(),
        &environment([("x", placeholder()), ("f", lambda("x"))]),
    );
    let mut env = own();
    let options = restore().strict(true).exclude("f");
    let report = restore_into(&mut env, &path, &options).unwrap();
    assert_eq!((report.bindings, report.findings.len()), (0, 1));
    assert_eq!(report.findings[0].outcome, Outcome::Kept);
    let error = restore_into(&mut env, &path, options.overwrite(true)).unwrap_err();
    assert!(matches!(error, EnvError::Lossy { .. }), "{error}");
}

#[test]
fn an_error_leaves_the_environment_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let before = environment::every_kind();
    let mut env = before.clone();
    let check = |env: &mut Environment, path: &Path, options: &RestoreOptions, what: &str| {
        for mode in [RestoreMode::Merge, RestoreMode::Replace] {
            let options = match options.clone() {
                namespaced if what == "namespace" => namespaced,
                options => options.mode(mode).overwrite(true),
            };
            let error = restore_into(env, path, options).unwrap_err();
            assert_same(env, &before, &format!("{what}: {error}"));
        }
    };
    let arriving = environment([
        ("number", Value::from(7i64)),
        ("record", samples::record(3).into()),
        ("new", samples::record(4).into()),
        ("lost", Value::vector([placeholder()])),
    ]);
    let path = saved(dir.path(), &arriving);
    check(&mut env, &path, &restore().strict(true), "a loss");
    check(&mut env, &path, &restore().namespace("vector"), "namespace");
    check(
        &mut env,
        &dir.path().join("none.ach"),
        &restore(),
        "no file",
    );

    // A wrong byte in the node of the last variable.
    let whole = fs::read(&path).unwrap();
    let mut patch = Patch::of(whole.clone());
    let at = patch.u64_at(patch.node(2, 0)) as usize;
    let byte = patch.bytes[at];
    patch.put_u8(at, byte ^ 1);
    fs::write(&path, &patch.bytes).unwrap();
    check(&mut env, &path, &restore(), "a damaged node");
    let error = restore_environment(&path, restore()).unwrap_err();
    assert!(
        error.to_string().starts_with("variable 'lost': "),
        "{error}"
    );
    // Cut short, and of another kind.
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    check(&mut env, &path, &restore(), "cut short");
    fs::write(&path, "print(1)").unwrap();
    check(&mut env, &path, &restore(), "a script");
}

#[test]
fn what_is_left_out_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let all = ["a", "damaged", "z"].map(|name| (name, Value::from(samples::record(4))));
    let path = saved(dir.path(), &environment(all));
    let mut patch = Patch::of(fs::read(&path).unwrap());
    let at = patch.u64_at(patch.node(1, 0)) as usize;
    let byte = patch.bytes[at];
    patch.put_u8(at, byte ^ 1);
    fs::write(&path, &patch.bytes).unwrap();
    let without = restore().exclude("dam*");
    for (road, open) in ROADS {
        assert!(open(&path, &restore()).is_err(), "{road}");
        for options in [&without, &restore().include_only(["a", "z"])] {
            let back = open(&path, options).unwrap();
            assert_eq!(names(&back.environment), ["a", "z"], "{road}");
            assert_eq!((back.report.bindings, back.report.omitted), (2, 1));
        }
    }
}

/// The file of version 1 was lost as a whole when it held one value of an unknown kind.
#[test]
fn what_only_a_later_version_knows_costs_its_variable_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let tensor = |len| samples::tensor(DType::F64, &[len], Order::C);
    let all = environment([
        ("a", Value::from(tensor(10))),
        ("b", 5i64.into()),
        ("c", "text".into()),
        ("d", tensor(20).into()),
        ("e", Record::from([("w", tensor(30))]).into()),
        ("f", Record::from([("w", tensor(40))]).into()),
    ]);
    let path = saved(dir.path(), &all);
    let mut patch = Patch::of(fs::read(&path).unwrap());
    patch.put_u8(patch.entry(0, 16), 99); // The dtype of `a`.
    patch.put_u8(patch.entry(2, 6), 200); // The kind of `c`.
    patch.put_u8(patch.extent(1, 36), 7); // The codec of `d`.
    patch.put_u8(patch.extent(2, 36), 8); // And of what is in `e`.
    fs::write(&path, patch.seal()).unwrap();
    for (road, open) in ROADS {
        let back = open(&path, &restore()).unwrap();
        assert_eq!(names(&back.environment), ["b", "f"], "{road}");
        let f = back.environment.at("f.w").unwrap();
        assert!(f.identical(&all.at("f.w").unwrap()).unwrap());
        assert_eq!((back.report.bindings, back.report.omitted), (2, 0));
        let why = "which this version does not know; restore it with a newer one";
        assert_eq!(
            told(&back.report.findings),
            [
                format!("a (tensor) is lost: it uses dtype code 99, {why}"),
                format!("c (unknown) is lost: it uses value kind 200, {why}"),
                format!("d (tensor) is lost: it uses codec 7, {why}"),
                format!("e (record) is lost: it uses codec 8, {why}"),
            ],
            "{road}"
        );
        let error = open(&path, &restore().strict(true)).unwrap_err();
        assert!(matches!(error, EnvError::Lossy { .. }), "{road}: {error}");
        // Whoever leaves them out loses nothing.
        let known = restore().strict(true).include_only(["b", "f"]);
        assert_eq!(open(&path, &known).unwrap().report.findings, []);
    }
    let info = env_info(&path).unwrap();
    assert_eq!(info.bindings, ["a", "b", "c", "d", "e", "f"]);
}

#[test]
fn damage_in_a_cell_names_the_variable_that_leads_there() {
    let dir = tempfile::tempdir().unwrap();
    let cell = Cell::new(Record::from([("deep", Cell::new("content"))]));
    let env = environment([
        ("a", Value::from(Record::from([("n", 1i64)]))),
        ("b", Value::vector([cell.clone()])),
        ("c", Value::vector([cell])),
    ]);
    let path = saved(dir.path(), &env);
    let mut patch = Patch::of(fs::read(&path).unwrap());
    // The nodes of the three, of the cell, and of the cell in it.
    let at = patch.u64_at(patch.node(4, 0)) as usize;
    let byte = patch.bytes[at];
    patch.put_u8(at, byte ^ 1);
    fs::write(&path, &patch.bytes).unwrap();
    for (road, open) in ROADS {
        let error = open(&path, &restore()).unwrap_err();
        assert!(
            error.to_string().starts_with("variable 'b': "),
            "{road}: {error}"
        );
        assert_eq!(error.fault().unwrap().part, Part::Node(4), "{road}");
    }
}

#[test]
fn what_a_namespace_makes_too_deep_to_save_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let deepest = samples::nested(128);
    let path = saved(dir.path(), &environment([("deep", deepest)]));
    let mut env = own();
    let options = restore().namespace("run");
    let error = restore_into(&mut env, &path, options).unwrap_err();
    assert!(
        error.to_string().starts_with("variable 'deep': "),
        "{error}"
    );
    assert!(error.to_string().contains("128 levels"), "{error}");
    assert_same(&env, &own(), "too deep");
    restore_into(&mut env, &path, restore()).unwrap();
    save_environment(&env, &path, quick()).unwrap();
    // One level less fits, and saves again.
    let path = saved(dir.path(), &environment([("deep", samples::nested(127))]));
    restore_into(&mut env, &path, restore().namespace("run")).unwrap();
    save_environment(&env, &path, quick()).unwrap();
}
