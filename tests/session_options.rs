//! Promise: options that arrive as a record are all read, by the names of the manual; what is not
//! an option, or not of its type, is an error that names it, and never ignored as version 1 did.

use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, DType, DigestKind, EnvError, Environment, Function, Order, Outcome, Record,
    RestoreOptions, SaveOptions, SaveReport, StringArray, Tensor, UserFunction, Value, Variable,
    restore_environment, restore_into, save_environment,
};
use tempfile::TempDir;

fn session() -> Environment {
    let mut env = Environment::new();
    let compressible = Tensor::from_vec(vec![1.0f64; 100_000], [100_000]).unwrap();
    env.set("flat", compressible).unwrap();
    let noise: Vec<u64> = (0..10_000u64).map(scrambled).collect();
    env.set("noise", Tensor::from_vec(noise, [10_000]).unwrap())
        .unwrap();
    let user = UserFunction {
        source: "x + 1".into(),
        ..UserFunction::default()
    };
    env.set("f", user).unwrap();
    let sin = Function::Builtin { name: "sin".into() };
    env.set("sin", sin).unwrap();
    env.define("pi", Variable::new(3.0).constant()).unwrap();
    env
}

fn scrambled(n: u64) -> u64 {
    let n = (n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// The session, saved with one option.
fn saved(option: &str, value: impl Into<Value>) -> (TempDir, PathBuf, SaveReport) {
    saved_with(Record::from([(option, value.into())]))
}

fn saved_with(options: Record) -> (TempDir, PathBuf, SaveReport) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("session.ach");
    let options = SaveOptions::from_record(&options).unwrap();
    let report = save_environment(&session(), &path, options).unwrap();
    (dir, path, report)
}

fn names(path: &Path) -> Vec<String> {
    let archive = Archive::open(path).unwrap();
    let bindings = archive.bindings_as_saved();
    bindings.iter().map(|b| b.name().to_owned()).collect()
}

fn save_error(option: &str, value: impl Into<Value>) -> String {
    let error = SaveOptions::from_record(&Record::from([(option, value.into())])).unwrap_err();
    assert!(matches!(
        error,
        EnvError::WrongOption { .. } | EnvError::UnknownOption { .. }
    ));
    error.to_string()
}

fn restore_error(option: &str, value: impl Into<Value>) -> String {
    let error = RestoreOptions::from_record(&Record::from([(option, value.into())])).unwrap_err();
    assert!(matches!(
        error,
        EnvError::WrongOption { .. } | EnvError::UnknownOption { .. }
    ));
    error.to_string()
}

fn texts(texts: &[&str]) -> Value {
    Value::vector(texts.iter().copied())
}

#[test]
fn no_options_are_the_defaults() {
    let plain = format!("{:?}", SaveOptions::new());
    let read = SaveOptions::from_record(&Record::new()).unwrap();
    assert_eq!(format!("{read:?}"), plain);
    let plain = format!("{:?}", RestoreOptions::new());
    let read = RestoreOptions::from_record(&Record::new()).unwrap();
    assert_eq!(format!("{read:?}"), plain);
}

#[test]
fn null_stands_for_none_where_the_default_is_none() {
    let none =
        |names: &[&str]| -> Record { names.iter().map(|name| (*name, Value::Null)).collect() };
    let save = ["description", "include_only", "max_file_size", "auto_cold"];
    let read = SaveOptions::from_record(&none(&save)).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", SaveOptions::new()));
    let read = RestoreOptions::from_record(&none(&["include_only", "namespace"])).unwrap();
    assert_eq!(format!("{read:?}"), format!("{:?}", RestoreOptions::new()));
    assert!(save_error("compress", ()).contains("'compress' is null"));
}

#[cfg(feature = "zstd")]
#[test]
fn compress_and_its_level_compress_everything() {
    let (_dir, path, report) = saved("compress", true);
    assert!(Archive::open(path).unwrap().header().has_cold);
    assert!(report.stored_bytes < report.raw_bytes);
    let (_dir, path, report) = saved("compress", false);
    assert!(!Archive::open(path).unwrap().header().has_cold);
    assert_eq!(report.stored_bytes, report.raw_bytes);
    // Languages have only f64: a whole number is an integer.
    let level = |level: Value| {
        let options = [
            ("compress", Value::from(true)),
            ("compression_level", level),
        ];
        saved_with(Record::from(options)).2.stored_bytes
    };
    assert_eq!(level(Value::Number(19.0)), level(Value::Integer(19)));
}

#[cfg(feature = "zstd")]
#[test]
fn auto_cold_and_cold_choose_what_is_compressed() {
    let cold = |option: &str, value: Value| {
        let (_dir, path, _) = saved(option, value);
        let archive = Archive::open(path).unwrap();
        let is_cold = |name| archive.binding(name).unwrap().sizes().unwrap();
        ["flat", "noise"].map(|name| is_cold(name).stored < is_cold(name).raw)
    };
    assert_eq!(cold("auto_cold", true.into()), [true, false]);
    assert_eq!(cold("auto_cold", 0.5.into()), [true, false]);
    assert_eq!(cold("auto_cold", false.into()), [false, false]);
    assert_eq!(cold("cold", texts(&["f*"])), [true, false]);
}

#[test]
fn what_a_file_says_of_itself_is_given_by_name() {
    let custom = Record::from([("run", "7"), ("version", "mine")]);
    let attributes = Record::from([("flat", Record::from([("units", "K")]))]);
    let (_dir, path, _) = saved_with(Record::from([
        ("description", Value::from("a run")),
        ("tags", texts(&["one", "two"])),
        ("custom", custom.into()),
        ("attributes", attributes.into()),
    ]));
    let archive = Archive::open(path).unwrap();
    let metadata = archive.metadata().unwrap();
    assert_eq!(metadata.description.as_deref(), Some("a run"));
    assert_eq!(metadata.tags, ["one", "two"]);
    let custom = [("run", "7"), ("version", "mine")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(metadata.custom, custom);
    let units = archive.attributes("flat").unwrap();
    assert_eq!(units.get("units").and_then(Value::as_str), Some("K"));
}

#[test]
fn what_is_saved_is_chosen_by_name() {
    let kept = |option: &str, value: Value| {
        let (_dir, path, _) = saved(option, value);
        names(&path)
    };
    assert_eq!(kept("include_only", texts(&["f*"])), ["flat", "f"]);
    let array = StringArray::new(["pi", "noise"], [2]).unwrap();
    assert_eq!(kept("include_only", array.into()), ["noise", "pi"]);
    assert_eq!(kept("include_only", texts(&[])), [""; 0]);
    assert_eq!(kept("exclude", texts(&["f*", "pi"])), ["noise"]);
    assert_eq!(
        kept("include_constants", false.into()),
        ["flat", "noise", "f"]
    );
    assert_eq!(
        kept("include_functions", false.into()),
        ["flat", "noise", "pi"]
    );
    let with_builtins = ["flat", "noise", "f", "sin", "pi"];
    assert_eq!(kept("include_builtins", true.into()), with_builtins);
}

#[test]
fn overwriting_and_sizes_are_refused_and_allowed_by_name() {
    let (_dir, path, report) = saved("durable", false);
    let save = |options: Record| {
        let options = SaveOptions::from_record(&options).unwrap();
        save_environment(&session(), &path, options)
    };
    let refused = save(Record::new()).unwrap_err();
    assert!(matches!(refused, EnvError::AlreadyExists { .. }));
    save(Record::from([("allow_overwrite", true)])).unwrap();
    let capped = |bytes: f64| {
        let allow = ("allow_overwrite", Value::from(true));
        save(Record::from([allow, ("max_file_size", bytes.into())]))
    };
    let error = capped(1000.0).unwrap_err();
    assert!(matches!(error, EnvError::FileTooLarge { max: 1000, .. }));
    assert!(capped(report.file_len as f64).is_ok());
}

#[test]
fn large_values_are_told_from_the_size_asked_for() {
    let told = |value: Value| {
        let findings = saved("warn_large_values", value).2.findings;
        let warnings = findings.iter().filter(|f| f.outcome == Outcome::Warning);
        warnings.map(|f| f.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told(100_000.0.into()), ["flat"]);
    assert_eq!(told(1i64.into()), ["flat", "noise", "f"]);
    assert_eq!(told(false.into()), [""; 0]);
    assert_eq!(told(Value::Null), [""; 0]);
}

#[test]
fn strict_seal_and_durable_are_options_too() {
    let (_dir, path, _) = saved("seal", true);
    let archive = Archive::open(path).unwrap();
    let extents = archive.binding("flat").unwrap().extents().unwrap();
    assert!(
        extents
            .iter()
            .all(|e| e.digest_kind == Some(DigestKind::Sha256))
    );

    let set = |options: &[(&'static str, bool)]| -> String {
        let record: Record = options.iter().copied().collect();
        format!("{:?}", SaveOptions::from_record(&record).unwrap())
    };
    let meant = SaveOptions::new().strict(true).durable(false);
    assert_eq!(
        set(&[("strict", true), ("durable", false)]),
        format!("{meant:?}")
    );
}

#[test]
fn an_unknown_option_names_the_nearest() {
    assert_eq!(
        save_error("compres", true),
        "there is no save option 'compres'; did you mean 'compress'?"
    );
    assert_eq!(
        restore_error("everything", true),
        "there is no restore option 'everything'; the options are mode, overwrite, namespace, \
         include_only, exclude, verify_checksum, strict_version, strict"
    );
    assert!(restore_error("include", true).ends_with("did you mean 'exclude'?"));
    assert!(restore_error("Overwrite", true).ends_with("did you mean 'overwrite'?"));
    // An option of the other operation is none here.
    assert!(restore_error("compress", true).contains("no restore option 'compress'"));
    assert!(save_error("\x1b[2J", true).contains("\\u{1b}"));
}

#[test]
fn a_string_where_a_list_is_asked_for_is_an_error() {
    assert_eq!(
        restore_error("include_only", "a"),
        "the option 'include_only' is the string 'a', where a list of strings is expected"
    );
    for option in ["include_only", "exclude", "cold", "tags"] {
        let text = save_error(option, "t");
        assert!(
            text.contains(option) && text.contains("a list of strings"),
            "{text}"
        );
    }
    let numbers = Tensor::from_bytes(DType::F64, [0], Order::C, &[]).unwrap();
    assert!(save_error("tags", numbers).contains("is a tensor"));
    let matrix = StringArray::new(["a", "b"], [1, 2]).unwrap();
    assert!(save_error("tags", matrix).contains("is a string array"));
    let mixed = Value::vector([Value::from("a"), 2.0.into()]);
    assert_eq!(
        save_error("tags", mixed),
        "the option 'tags[1]' is the number 2, where a string is expected"
    );
}

#[test]
fn a_value_of_another_type_is_an_error_for_every_option() {
    assert_eq!(
        save_error("compress", "no"),
        "the option 'compress' is the string 'no', where true or false is expected"
    );
    let cell = || Value::from(achronyme_env::Cell::new(true));
    let all = [
        "compress",
        "compression_level",
        "auto_cold",
        "cold",
        "description",
        "tags",
        "custom",
        "attributes",
        "include_only",
        "exclude",
        "include_constants",
        "include_functions",
        "include_builtins",
        "allow_overwrite",
        "max_file_size",
        "warn_large_values",
        "strict",
        "seal",
        "durable",
    ];
    for option in all {
        assert!(
            save_error(option, cell()).contains("is a cell, where"),
            "{option}"
        );
    }
    let all = [
        "mode",
        "overwrite",
        "namespace",
        "include_only",
        "exclude",
        "verify_checksum",
        "strict_version",
        "strict",
    ];
    for option in all {
        assert!(
            restore_error(option, cell()).contains("is a cell, where"),
            "{option}"
        );
    }
}

#[test]
fn parts_of_records_are_named() {
    let custom = Record::from([("run", Value::from(7.0))]);
    assert_eq!(
        save_error("custom", custom),
        "the option 'custom.run' is the number 7, where a string is expected"
    );
    let attributes = Record::from([("x", "K")]);
    assert_eq!(
        save_error("attributes", attributes),
        "the option 'attributes.x' is the string 'K', where a record is expected"
    );
    assert_eq!(
        save_error("exclude", texts(&["a", "b[c"])),
        "the option 'exclude[1]' is the string 'b[c' (unclosed character class; missing ']'), \
         where a name or a pattern is expected"
    );
}

#[test]
fn numbers_with_a_fraction_or_out_of_range_are_errors() {
    for level in [0.0, 23.0, 3.5, f64::NAN, f64::INFINITY, -3.0] {
        let text = save_error("compression_level", level);
        assert!(text.contains("a whole number from 1 to 22"), "{text}");
    }
    assert!(save_error("compression_level", 40i64).contains("the integer 40"));
    for bytes in [-1.0, 0.5, f64::NAN, f64::INFINITY, 1e19] {
        assert!(save_error("max_file_size", bytes).contains("a whole number of bytes"));
        assert!(save_error("warn_large_values", bytes).contains("a whole number of bytes"));
    }
    assert!(save_error("warn_large_values", true).contains("is true"));
    for share in [0.0, 1.0, -0.1, 2.0, f64::NAN] {
        assert!(save_error("auto_cold", share).contains("a share between 0 and 1"));
    }
}

#[test]
fn restore_options_do_what_their_names_say() {
    let (_dir, path, _) = saved("description", "x");
    let restore = |options: Record| {
        let mut env = Environment::new();
        env.set("flat", 1.0).unwrap();
        env.set("mine", 2.0).unwrap();
        let options = RestoreOptions::from_record(&options).unwrap();
        let report = restore_into(&mut env, &path, options).unwrap();
        (env, report)
    };
    let one = |name: &str, value: Value| restore(Record::from([(name, value)]));

    let (env, report) = one("mode", "merge".into());
    assert_eq!(env.get("flat").and_then(Value::as_f64), Some(1.0));
    assert!(report.findings.iter().any(|f| f.outcome == Outcome::Kept));
    let (env, _) = one("overwrite", true.into());
    assert!(env.get("flat").unwrap().as_tensor().is_some() && env.get("mine").is_some());
    let (env, _) = one("mode", "replace".into());
    assert_eq!(
        env.names().collect::<Vec<_>>(),
        ["flat", "noise", "f", "pi"]
    );
    let (env, _) = one("namespace", "old".into());
    assert_eq!(env.names().collect::<Vec<_>>(), ["flat", "mine", "old"]);
    let both = [("mode", "namespace"), ("namespace", "old")];
    assert!(restore(Record::from(both)).0.get("old").is_some());
    let (env, _) = one("include_only", texts(&["no*"]));
    assert_eq!(env.names().collect::<Vec<_>>(), ["flat", "mine", "noise"]);
    let (env, report) = one("exclude", texts(&["no*", "f"]));
    assert_eq!(env.names().collect::<Vec<_>>(), ["flat", "mine", "pi"]);
    assert_eq!(report.omitted, 2);
    for strict in ["strict_version", "strict"] {
        assert!(one(strict, true.into()).0.get("noise").is_some());
    }
}

#[test]
fn a_namespace_and_its_mode_must_agree() {
    let error = |options: Record| {
        RestoreOptions::from_record(&options)
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error(Record::from([("mode", "namespace")])),
        "the option 'namespace' is missing, where the name of a variable (the mode is \
         'namespace') is expected"
    );
    let text = error(Record::from([("namespace", "n"), ("mode", "merge")]));
    assert!(text.contains("'mode' is the string 'merge'"), "{text}");
    assert!(restore_error("mode", "wipe").contains("'merge', 'replace' or 'namespace'"));
}

#[test]
fn verify_checksum_finds_damage_when_it_is_asked_to() {
    let (_dir, path, _) = saved("durable", false);
    let archive = Archive::open(&path).unwrap();
    let offset = archive.binding("noise").unwrap().extents().unwrap()[0].offset;
    drop(archive);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[offset as usize] ^= 1;
    std::fs::write(&path, bytes).unwrap();

    let restore = |check: Value| {
        let options = Record::from([("verify_checksum", check)]);
        restore_environment(&path, RestoreOptions::from_record(&options).unwrap())
    };
    for at_open in [Value::from(true), "at_open".into()] {
        let error = restore(at_open).unwrap_err();
        assert!(error.fault().is_some(), "{error:?}");
    }
    for on_touch in ["auto", "always"] {
        let env = restore(on_touch.into()).unwrap().environment;
        assert!(
            env.get("noise")
                .unwrap()
                .as_tensor()
                .unwrap()
                .as_bytes()
                .is_err()
        );
    }
    for never in [Value::from(false), "never".into()] {
        let env = restore(never).unwrap().environment;
        assert!(
            env.get("noise")
                .unwrap()
                .as_tensor()
                .unwrap()
                .as_bytes()
                .is_ok()
        );
    }
    assert!(restore_error("verify_checksum", "yes").contains("'at_open'"));
}
