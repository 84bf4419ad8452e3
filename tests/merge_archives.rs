//! Promise: several archives become one environment by a stated policy; whatever was not taken is
//! told with the file it is in, and nothing is read before it is looked at.

mod samples;
mod small;

use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, Clash, EnvError, Environment, Extension, Function, Outcome, Record, RestoreMode,
    RestoreOptions, Restored, SaveOptions, Tensor, Value, Variable, merge, save, save_environment,
};
use small::ROADS;
use tempfile::TempDir;

fn tensor(start: f64) -> Value {
    let elements = vec![start, start + 1.0, start + 2.0];
    Tensor::from_vec(elements, [3]).unwrap().into()
}

fn saved(path: &Path, variables: Vec<(&str, Variable)>) -> Archive {
    let mut env = Environment::new();
    for (name, variable) in variables {
        env.define(name, variable).unwrap();
    }
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    save_environment(&env, path, SaveOptions::new().created_at(7)).unwrap();
    Archive::open(path).unwrap()
}

/// Two runs that share `loss`, `weights` and `pi`; only `loss` and `weights` differ.
fn runs() -> (TempDir, [PathBuf; 2], [Archive; 2]) {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["a.ach", "b.ach"].map(|name| dir.path().join(name));
    let run = |path: &Path, start: f64, own: &str| {
        let variables = vec![
            ("loss", Variable::new(start)),
            ("pi", Variable::new(3.0).constant()),
            (own, Variable::new("own").mutable()),
            ("weights", Variable::new(tensor(start))),
        ];
        saved(path, variables)
    };
    let archives = [run(&paths[0], 1.0, "x"), run(&paths[1], 2.0, "y")];
    (dir, paths, archives)
}

fn merged(archives: &[Archive], clash: Clash) -> Restored {
    merge(archives, clash, &RestoreOptions::new()).unwrap()
}

fn told(restored: &Restored) -> Vec<String> {
    let findings = restored.report.findings.iter();
    findings.map(|finding| finding.to_string()).collect()
}

fn names(restored: &Restored) -> Vec<&str> {
    restored.environment.names().collect()
}

fn first_weight(restored: &Restored) -> f64 {
    let weights = restored.environment.get("weights").unwrap();
    weights.as_tensor().unwrap().as_slice::<f64>().unwrap()[0]
}

#[test]
fn the_first_or_the_last_wins_and_the_other_is_told_with_its_file() {
    let (_dir, paths, archives) = runs();
    let [a, b] = paths.map(|path| path.display().to_string());
    let first = merged(&archives, Clash::First);
    assert_eq!(names(&first), ["loss", "pi", "x", "weights", "y"]);
    assert_eq!(
        first.environment.get("loss").and_then(Value::as_f64),
        Some(1.0)
    );
    assert_eq!(first_weight(&first), 1.0);
    let reason = format!("is kept as it was: that of {a} is taken, that of {b} is not");
    assert_eq!(
        told(&first),
        [
            format!("loss (number) {reason}"),
            format!("weights (tensor) {reason}")
        ]
    );
    assert!(
        first
            .report
            .findings
            .iter()
            .all(|f| f.outcome == Outcome::Kept)
    );

    let last = merged(&archives, Clash::Last);
    assert_eq!(names(&last), ["loss", "pi", "x", "weights", "y"]);
    assert_eq!(
        last.environment.get("loss").and_then(Value::as_f64),
        Some(2.0)
    );
    assert_eq!(first_weight(&last), 2.0);
    assert!(told(&last)[0].ends_with(&format!("that of {b} is taken, that of {a} is not")));
    assert_eq!(last.report.bindings, 5);
    assert_eq!(last.report.path.to_string(), format!("{a} and {b}"));
}

#[test]
fn of_three_archives_each_loser_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let archives: Vec<Archive> = (1..=4)
        .map(|n| {
            let path = dir.path().join(format!("{n}.ach"));
            saved(&path, vec![("x", Variable::new(f64::from(n)))])
        })
        .collect();
    let first = merged(&archives[..3], Clash::First);
    assert_eq!(
        first.environment.get("x").and_then(Value::as_f64),
        Some(1.0)
    );
    let reasons = told(&first);
    assert!(reasons[0].contains("1.ach is taken") && reasons[0].contains("2.ach is not"));
    assert!(reasons[1].contains("1.ach is taken") && reasons[1].contains("3.ach is not"));
    let last = merged(&archives[..3], Clash::Last);
    assert_eq!(last.environment.get("x").and_then(Value::as_f64), Some(3.0));
    let reasons = told(&last);
    assert!(reasons[0].contains("2.ach is taken") && reasons[0].contains("1.ach is not"));
    assert!(reasons[1].contains("3.ach is taken") && reasons[1].contains("2.ach is not"));
    assert!(
        merged(&archives, Clash::First)
            .report
            .path
            .to_string()
            .ends_with("3.ach and 1 more")
    );
}

#[test]
fn a_clash_can_be_an_error_that_names_both_files() {
    let (_dir, [a, b], archives) = runs();
    let error = merge(&archives, Clash::Error, &RestoreOptions::new()).unwrap_err();
    assert!(matches!(&error, EnvError::NameClash { name, .. } if name == "loss"));
    assert_eq!(
        error.to_string(),
        format!(
            "{} and {} both have a variable 'loss'; say whether the first or the last counts, or \
             give each archive a namespace",
            a.display(),
            b.display()
        )
    );
    let options = RestoreOptions::new().exclude("loss").exclude("weights");
    let restored = merge(&archives, Clash::Error, &options).unwrap();
    assert_eq!(names(&restored), ["pi", "x", "y"]);
    assert_eq!(restored.report.omitted, 4);
}

#[test]
fn the_same_scalar_in_two_files_is_no_clash() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, units: &str, mutable: bool| {
        let attributes = Record::from([("units", units)]);
        let mut n = Variable::new(f64::NAN).attributes(attributes);
        n.mutable = mutable;
        let record = Record::from([("pi", Value::from(3.0)), ("names", Value::vector(["a"]))]);
        let variables = vec![("n", n), ("constants", Variable::new(record).constant())];
        saved(&dir.path().join(name), variables)
    };
    let same = [run("a.ach", "K", false), run("b.ach", "K", false)];
    let restored = merged(&same, Clash::Error);
    assert_eq!(
        (names(&restored), told(&restored).len()),
        (vec!["n", "constants"], 0)
    );
    for other in [run("c.ach", "m", false), run("d.ach", "K", true)] {
        let archives = [same[0].clone(), other];
        let error = merge(&archives, Clash::Error, &RestoreOptions::new()).unwrap_err();
        assert!(matches!(error, EnvError::NameClash { .. }));
    }
}

#[test]
fn each_file_can_be_a_record_named_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let run = |name: &str, loss: f64| {
        let attributes = Record::from([("units", "K")]);
        let loss = Variable::new(loss).attributes(attributes);
        saved(&dir.path().join(name), vec![("loss", loss)])
    };
    let archives = [
        run("1/a.ach", 1.0),
        run("2/a.ach", 2.0),
        run("3/a_2.ach", 3.0),
    ];
    let restored = merged(&archives, Clash::Namespace);
    assert_eq!(names(&restored), ["a", "a_2", "a_2_2"]);
    for (path, loss) in [("a.loss", 1.0), ("a_2.loss", 2.0), ("a_2_2.loss", 3.0)] {
        assert_eq!(restored.environment.at(path).unwrap().as_f64(), Some(loss));
    }
    let reason = "(number) is kept, but: without its attributes: a field of a record has none";
    assert_eq!(
        told(&restored),
        ["a.loss", "a_2.loss", "a_2_2.loss"].map(|path| format!("{path} {reason}"))
    );
}

#[test]
fn marks_and_attributes_come_along() {
    let (_dir, _, archives) = runs();
    let environment = merged(&archives, Clash::First).environment;
    assert!(environment.variable("pi").unwrap().constant);
    assert!(
        environment.variable("x").unwrap().mutable && environment.variable("y").unwrap().mutable
    );
}

#[test]
fn a_pattern_is_unknown_only_when_no_file_has_it() {
    let (_dir, _, archives) = runs();
    let options = RestoreOptions::new().include_only(["x", "y", "wieghts"]);
    let restored = merge(&archives, Clash::Error, &options).unwrap();
    assert_eq!(names(&restored), ["x", "y"]);
    assert_eq!(
        told(&restored),
        ["wieghts is not there: no variable matches; did you mean 'weights'?"]
    );
}

#[test]
fn options_of_a_restore_hold_for_a_merge() {
    let (_dir, _, archives) = runs();
    let options = RestoreOptions::new().namespace("runs");
    let restored = merge(&archives, Clash::Namespace, &options).unwrap();
    assert_eq!(names(&restored), ["runs"]);
    assert_eq!(
        restored.environment.at("runs.b.loss").unwrap().as_f64(),
        Some(2.0)
    );
    assert_eq!(restored.report.bindings, 8);
    let restored = merged(&archives, Clash::Namespace);
    assert_eq!(
        (names(&restored), restored.report.bindings),
        (vec!["a", "b"], 8)
    );
    let broken = RestoreOptions::new().mode(RestoreMode::Namespace);
    assert!(merge(&archives, Clash::First, &broken).is_err());

    let mut env = Environment::new();
    env.set("g", Extension::unsupported("generator", "it runs"))
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("g.ach");
    save_environment(&env, &path, SaveOptions::new()).unwrap();
    let archives = [archives[0].clone(), Archive::open(&path).unwrap()];
    let strict = RestoreOptions::new().strict(true);
    let error = merge(&archives, Clash::First, &strict).unwrap_err();
    assert!(matches!(error, EnvError::Lossy { .. }));
    let mut lost = told(&merged(&archives, Clash::Namespace));
    lost.retain(|finding| finding.contains("lost"));
    assert_eq!(lost, ["g.g (generator) is lost: it runs"]);
}

#[test]
fn what_clashes_and_is_not_taken_is_not_lost() {
    let dir = tempfile::tempdir().unwrap();
    let lost = Variable::new(Extension::unsupported("generator", "it runs"));
    let archives = [
        saved(&dir.path().join("a.ach"), vec![("x", Variable::new(1.0))]),
        saved(&dir.path().join("b.ach"), vec![("x", lost)]),
    ];
    let strict = RestoreOptions::new().strict(true);
    let restored = merge(&archives, Clash::First, &strict).unwrap();
    assert_eq!(
        restored.environment.get("x").and_then(Value::as_f64),
        Some(1.0)
    );
    assert!(merge(&archives, Clash::Last, &strict).is_err());
}

#[test]
fn tensors_stay_in_their_files_until_they_are_looked_at() {
    let (_dir, paths, _) = runs();
    for (road, open) in ROADS {
        let archives = [open(&paths[0]).unwrap(), open(&paths[1]).unwrap()];
        let restored = merged(&archives, Clash::Namespace);
        for (archive, run) in archives.iter().zip(names(&restored)) {
            assert!(!archive.is_checked("weights").unwrap(), "{road}");
            let weights = restored.environment.at(&format!("{run}.weights")).unwrap();
            assert!(weights.as_tensor().unwrap().as_slice::<f64>().is_ok());
            assert!(archive.is_checked("weights").unwrap(), "{road}");
        }
    }
    // Looking for clashes reads no array either.
    let archives = paths.map(|path| Archive::open(path).unwrap());
    merged(&archives, Clash::Last);
    for archive in &archives {
        assert!(!archive.is_checked("weights").unwrap());
    }
}

#[test]
fn a_damaged_file_is_found_when_all_is_to_be_checked() {
    let (_dir, paths, archives) = runs();
    let offset = archives[1].binding("weights").unwrap().extents().unwrap()[0].offset;
    let mut bytes = std::fs::read(&paths[1]).unwrap();
    bytes[offset as usize] ^= 1;
    std::fs::write(&paths[1], bytes).unwrap();
    let archives = paths.map(|path| Archive::open(path).unwrap());
    let checked = RestoreOptions::new().verify_checksum(true);
    let error = merge(&archives, Clash::First, &checked).unwrap_err();
    assert!(error.to_string().contains("b.ach is damaged"), "{error}");
}

#[test]
fn archives_in_memory_and_none_at_all_are_merged_too() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |value: f64| {
        let path = dir.path().join(format!("{value}.ach"));
        let sin = Value::from(Function::Builtin { name: "sin".into() });
        let bindings = [("x", &Value::from(value)), ("sin", &sin)];
        save(&path, bindings, &SaveOptions::new()).unwrap();
        std::fs::read(path).unwrap()
    };
    let archives = [1.0, 2.0].map(|value| Archive::from_bytes(bytes(value)).unwrap());
    let restored = merged(&archives, Clash::Namespace);
    assert_eq!(names(&restored), ["memory", "memory_2"]);
    // The same builtin is no clash.
    let restored = merged(&archives, Clash::First);
    let clashes = restored.report.findings.iter();
    let clashes = clashes.filter(|finding| finding.outcome == Outcome::Kept);
    assert_eq!(
        clashes.map(|finding| &finding.name).collect::<Vec<_>>(),
        ["x"]
    );

    let nothing = merged(&[], Clash::Error);
    assert!(nothing.environment.is_empty());
    assert_eq!(
        nothing.report.to_string(),
        "restored 0 bindings from no archive"
    );
}
