//! Promise: every option of a save does what it says, and what it leaves out is told.

mod environment;
mod samples;

use std::fs;
use std::path::Path;

use achronyme_env::{
    Archive, Codec, DType, EnvError, Environment, Extension, Order, Outcome, Record,
    RestoreOptions, SaveOptions, Tensor, Value, Variable, env_info, get_metadata,
    restore_environment, save_environment,
};
use environment::{assert_same, builtin, environment, files, lambda, quick, told};

fn names(path: &Path) -> Vec<String> {
    env_info(path).unwrap().bindings
}

fn numbers(names: &[&str]) -> Environment {
    environment(names.iter().map(|name| (*name, Value::from(1i64))))
}

#[test]
fn include_only_takes_names_and_patterns_and_tells_how_many_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let env = numbers(&["model/w", "model/b", "score", "tmp_1", "w[0]", ""]);
    let options = quick().include_only(["model/*", "w[0]"]);
    let report = save_environment(&env, &path, options).unwrap();
    assert_eq!(names(&path), ["model/w", "model/b", "w[0]"]);
    assert_eq!((report.bindings, report.omitted), (3, 3));
    assert!(report.findings.is_empty(), "{report}");
    let none: [&str; 0] = [];
    let report = save_environment(&env, &path, quick().include_only(none)).unwrap();
    assert_eq!((report.bindings, report.omitted), (0, 6));
}

#[test]
fn an_exact_name_beats_a_pattern_and_exclude_beats_include() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let env = numbers(&["a_raw", "keep_raw", "b", "both"]);
    let options = quick().exclude("*_raw").exclude("both");
    let options = options.include_only(["keep_raw", "b*", "a*"]);
    save_environment(&env, &path, options).unwrap();
    assert_eq!(names(&path), ["keep_raw", "b"]);
    let options = quick().include_only(["both"]).exclude("both");
    save_environment(&env, &path, options).unwrap();
    assert!(names(&path).is_empty());
}

#[test]
fn a_mistyped_name_is_told_with_the_one_it_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let env = numbers(&["weights", "bias"]);
    let options = quick().include_only(["wieghts", "zzz*"]);
    let report = save_environment(&env, &path, options).unwrap();
    assert_eq!(
        told(&report.findings),
        [
            "wieghts is not there: no variable matches; did you mean 'weights'?",
            "'zzz*' is not there: no variable has this name or matches this pattern",
        ]
    );
    let report = save_environment(&env, &path, quick().exclude("biass")).unwrap();
    assert_eq!(report.findings[0].outcome, Outcome::Unknown);
    assert_eq!(report.bindings, 2);
    assert!(report.to_string().contains("'bias'"), "{report}");
}

#[test]
fn a_pattern_that_is_none_is_refused_before_a_file_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    for options in [quick().include_only(["a{b"]), quick().exclude("[")] {
        let error = save_environment(&numbers(&["a"]), &path, options).unwrap_err();
        assert!(matches!(error, EnvError::Syntax { .. }), "{error}");
        assert!(files(dir.path()).is_empty());
    }
}

#[test]
fn constants_functions_and_builtins_are_left_out_only_as_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut env = environment([
        ("x", Value::from(1.0)),
        ("f", lambda("x => x")),
        ("sin", builtin("sin")),
        (
            "table",
            Record::from([("sin", builtin("sin")), ("f", lambda("x"))]).into(),
        ),
    ]);
    let pi = Variable::new(std::f64::consts::PI).constant();
    env.define("pi", pi).unwrap();
    let saved = |options: SaveOptions| {
        let report = save_environment(&env, &path, options).unwrap();
        (names(&path), told(&report.findings))
    };
    let (by_default, findings) = saved(quick());
    assert_eq!(by_default, ["x", "f", "table", "pi"]);
    assert_eq!(
        findings,
        ["sin (function) is left out: `include_builtins` is off"]
    );
    let (all, findings) = saved(quick().include_builtins(true));
    assert_eq!(all, ["x", "f", "sin", "table", "pi"]);
    assert!(findings.is_empty(), "{findings:?}");
    let (least, findings) = saved(quick().include_constants(false).include_functions(false));
    // Functions inside other values always go with them.
    assert_eq!(least, ["x", "table"]);
    assert_eq!(
        findings,
        [
            "f (function) is left out: `include_functions` is off",
            "sin (function) is left out: `include_builtins` is off",
            "pi (number) is left out: `include_constants` is off",
        ]
    );
}

#[test]
fn nothing_is_compressed_unless_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let zeros = Tensor::from_vec(vec![0.0f64; 100_000], [100_000]).unwrap();
    let env = environment([("zeros", zeros.into())]);
    let report = save_environment(&env, &path, quick()).unwrap();
    assert_eq!(report.stored_bytes, 800_000);
    assert!(!env_info(&path).unwrap().compressed);
}

#[cfg(feature = "zstd")]
#[test]
fn compress_makes_all_array_data_and_long_strings_cold() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let tensor = samples::tensor(DType::F64, &[100, 100], Order::C);
    let env = environment([
        ("small", samples::tensor(DType::U8, &[3], Order::C).into()),
        ("tensor", tensor.clone().into()),
        ("record", Record::from([("w", tensor)]).into()),
        ("text", "words and words ".repeat(10_000).into()),
        ("n", 1.0.into()),
    ]);
    save_environment(&env, &path, quick().compress(true)).unwrap();
    let archive = Archive::open(&path).unwrap();
    let mut extents = 0;
    for binding in archive.bindings() {
        for extent in binding.extents().unwrap() {
            assert_eq!(extent.codec, Some(Codec::Zstd), "{}", binding.name());
            extents += 1;
        }
    }
    assert_eq!(extents, 4);
    assert!(env_info(&path).unwrap().compressed);
    let back = restore_environment(&path, RestoreOptions::new()).unwrap();
    assert_same(&back.environment, &env, "cold");
}

#[cfg(feature = "zstd")]
#[test]
fn levels_are_1_to_22_and_others_are_refused_before_a_file_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let text = Value::from("a text that repeats itself, ".repeat(5000));
    let env = environment([("text", text)]);
    fs::write(&path, "old").unwrap();
    for level in [0, 23, -1, i32::MAX, i32::MIN] {
        let options = quick().compress(true).compression_level(level);
        let error = save_environment(&env, &path, options).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&level.to_string()) && text.contains("1 to 22"),
            "{text}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(files(dir.path()), ["a.ach"]);
    }
    for level in [1, 22] {
        let options = quick().compress(true).compression_level(level);
        save_environment(&env, &path, options).unwrap();
        let back = restore_environment(&path, RestoreOptions::new()).unwrap();
        assert_same(&back.environment, &env, "a level");
    }
    // A higher level is smaller, and the default is 3.
    let lines: Vec<String> = (0..20_000)
        .map(|n| format!("{} {n}", n * n % 997))
        .collect();
    let env = environment([("lines", lines.join("\n").into())]);
    let stored = |options: SaveOptions| {
        let report = save_environment(&env, &path, options.compress(true)).unwrap();
        report.stored_bytes
    };
    let of_level = |level| stored(quick().compression_level(level));
    assert!(of_level(22) < of_level(1));
    assert_eq!(stored(quick()), of_level(3));
    assert_ne!(of_level(1), of_level(3));
}

#[cfg(feature = "zstd")]
mod auto_cold {
    use super::*;

    /// Bytes of which one half is noise.
    fn half() -> Tensor {
        let mut bytes = samples::noise(5, 1 << 20);
        bytes.chunks_mut(64).for_each(|chunk| chunk[..32].fill(0));
        Tensor::from_vec(bytes, [1 << 20]).unwrap()
    }

    fn codec(path: &Path, name: &str) -> (Codec, u8) {
        let archive = Archive::open(path).unwrap();
        let extent = archive.binding(name).unwrap().extents().unwrap()[0];
        (extent.codec.unwrap(), extent.shuffle)
    }

    #[test]
    fn zeros_become_cold_and_noise_stays_hot() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ach");
        let zeros = Tensor::from_vec(vec![0u8; 1 << 20], [1 << 20]).unwrap();
        let noise = Tensor::from_vec(samples::noise(3, 1 << 20), [1 << 20]).unwrap();
        let few = Tensor::from_vec(vec![0u8; 4095], [4095]).unwrap();
        let env = environment([
            ("zeros", zeros.into()),
            ("noise", noise.into()),
            ("few", few.into()),
        ]);
        let options = quick().auto_cold(0.25).created_at(1);
        save_environment(&env, &path, &options).unwrap();
        assert_eq!(codec(&path, "zeros").0, Codec::Zstd);
        assert_eq!(codec(&path, "noise").0, Codec::Raw);
        assert_eq!(codec(&path, "few").0, Codec::Raw);
        let back = restore_environment(&path, RestoreOptions::new()).unwrap();
        assert_same(&back.environment, &env, "auto");
        // The choice depends on nothing but the bytes.
        let first = fs::read(&path).unwrap();
        save_environment(&back.environment, &path, &options).unwrap();
        assert!(fs::read(&path).unwrap() == first);
    }

    #[test]
    fn the_share_decides_what_becomes_cold() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ach");
        let env = environment([("half", half().into())]);
        for (share, expected) in [(0.25, Codec::Zstd), (0.45, Codec::Zstd), (0.55, Codec::Raw)] {
            save_environment(&env, &path, quick().auto_cold(share)).unwrap();
            assert_eq!(codec(&path, "half").0, expected, "{share}");
        }
        for share in [0.0, 1.0, -0.5, 7.0, f64::NAN] {
            let error = save_environment(&env, &path, quick().auto_cold(share)).unwrap_err();
            assert!(error.to_string().contains("between 0 and 1"), "{error}");
        }
    }

    #[test]
    fn numbers_are_shuffled_and_text_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.ach");
        let ramp: Vec<f64> = (0..200_000).map(|n| f64::from(n) * 0.1).collect();
        let words: Vec<u32> = (0..200_000u32)
            .map(|n| samples::noise(u64::from(n % 50), 4)[0].into())
            .collect();
        let text = "plain words repeat in this text ".repeat(20_000);
        let env = environment([
            ("ramp", Tensor::from_vec(ramp, [200_000]).unwrap().into()),
            ("words", Tensor::from_vec(words, [200_000]).unwrap().into()),
            ("text", text.into()),
        ]);
        save_environment(&env, &path, quick().auto_cold(0.1)).unwrap();
        assert_eq!(codec(&path, "ramp"), (Codec::Zstd, 8));
        assert_eq!(codec(&path, "text"), (Codec::Zstd, 0));
        assert_eq!(codec(&path, "words").0, Codec::Zstd);
        let back = restore_environment(&path, RestoreOptions::new()).unwrap();
        assert_same(&back.environment, &env, "shuffled");
    }
}

#[test]
fn what_is_said_of_the_file_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let options = quick().created_at(1_700_000_000);
    let options = options.description("third run").tag("b").tag("a");
    let options = options
        .custom("run", "6")
        .custom("author", "me")
        .custom("run", "7");
    let mut env = numbers(&["x", "y"]);
    env.define("f", Variable::new(lambda("x"))).unwrap();
    env.define("c", Variable::new(2.0).constant()).unwrap();
    let report = save_environment(&env, &path, options).unwrap();
    let metadata = get_metadata(&path).unwrap();
    assert_eq!(metadata.description.as_deref(), Some("third run"));
    assert_eq!(metadata.tags, ["b", "a"]);
    let custom = [("author", "me"), ("run", "7")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    assert_eq!(metadata.custom, custom);
    let info = env_info(&path).unwrap();
    assert_eq!(info.created_at, 1_700_000_000);
    assert_eq!(info.created_by, env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (info.num_bindings, info.num_constants, info.num_functions),
        (4, 1, 1)
    );
    assert_eq!(info.file_size, report.file_len);
    assert_eq!(info.file_size, fs::metadata(&path).unwrap().len());
    assert_eq!(info.bindings, ["x", "y", "f", "c"]);
    let record = info.to_record();
    let fields = [
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
    ];
    assert!(record.names().eq(fields));
    // A key of `custom` does not pass for a field.
    let forged = quick().custom("num_bindings", "99");
    save_environment(&env, &path, forged).unwrap();
    let record = env_info(&path).unwrap().to_record();
    assert_eq!(record.get("num_bindings").and_then(Value::as_i64), Some(4));
    assert!(matches!(record.get("description"), Some(Value::Null)));
}

#[test]
fn attributes_are_added_to_those_there_and_an_unknown_name_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let mut env = numbers(&["pressure", "other"]);
    let own = Record::from([("units", "Pa"), ("source", "sensor")]);
    env.set_attributes("pressure", own).unwrap();
    let options = quick()
        .attributes("pressure", Record::from([("units", "hPa"), ("axis", "z")]))
        .attributes("presure", Record::from([("units", "?")]));
    let report = save_environment(&env, &path, options).unwrap();
    let back = restore_environment(&path, RestoreOptions::new())
        .unwrap()
        .environment;
    let attributes = &back.variable("pressure").unwrap().attributes;
    let found: Vec<_> = attributes
        .iter()
        .map(|(k, v)| (k, v.as_str().unwrap()))
        .collect();
    assert_eq!(
        found,
        [("units", "hPa"), ("source", "sensor"), ("axis", "z")]
    );
    assert!(back.variable("other").unwrap().attributes.is_empty());
    assert_eq!(
        told(&report.findings),
        [
            "presure is not there: attributes were given for it, and it is not saved; did you mean 'pressure'?"
        ]
    );
    // The environment itself is as it was.
    assert_eq!(env.variable("pressure").unwrap().attributes.len(), 2);
}

#[test]
fn a_file_is_not_replaced_without_permission() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save_environment(&numbers(&["old"]), &path, SaveOptions::new()).unwrap();
    let old = fs::read(&path).unwrap();
    let error = save_environment(&numbers(&["new"]), &path, SaveOptions::new()).unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error}");
    assert!(error.to_string().contains("a.ach"), "{error}");
    assert!(fs::read(&path).unwrap() == old);
    assert_eq!(files(dir.path()), ["a.ach"]);
    let options = SaveOptions::new().allow_overwrite(true);
    save_environment(&numbers(&["new"]), &path, options).unwrap();
    assert_eq!(names(&path), ["new"]);
}

/// Saves with just enough room, then with a byte less: refused, and nothing is written.
fn bounded(env: &Environment, options: &SaveOptions) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let len = save_environment(env, &path, options).unwrap().file_len;
    let whole = fs::read(&path).unwrap();
    assert_eq!(whole.len() as u64, len);
    fs::write(&path, "old").unwrap();
    let options_of = |max| options.clone().max_file_size(max);
    for max in [len - 1, len / 2, 0] {
        let error = save_environment(env, &path, options_of(max)).unwrap_err();
        let EnvError::FileTooLarge {
            needed, max: told, ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert!(
            told == max && max < needed && needed <= len,
            "{needed} of {len}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(files(dir.path()), ["a.ach"]);
    }
    save_environment(env, &path, options_of(len)).unwrap();
    assert!(fs::read(&path).unwrap() == whole);
}

#[test]
fn max_file_size_is_exact_to_the_byte() {
    let options = quick().created_at(1).include_builtins(true);
    bounded(&environment::every_kind(), &options);
    bounded(&numbers(&["a"]), &options);
    bounded(&Environment::new(), &options.seal(true).description("d"));
}

#[cfg(feature = "zstd")]
#[test]
fn max_file_size_measures_what_compression_makes_of_it() {
    let options = quick().created_at(1).include_builtins(true);
    bounded(&environment::every_kind(), &options.clone().compress(true));
    bounded(&environment::every_kind(), &options.clone().cold("t/*"));
    bounded(&environment::every_kind(), &options.auto_cold(0.1));
}

#[test]
fn large_values_are_told_and_saved() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let of = |len: usize| Tensor::from_vec(vec![0u8; len], [len as u64]).unwrap();
    let env = environment([("just", of(1000).into()), ("more", of(1001).into())]);
    let report = save_environment(&env, &path, quick().warn_large_values(1000)).unwrap();
    assert_eq!(report.bindings, 2);
    assert_eq!(
        told(&report.findings),
        ["more (tensor) is kept, but: it needs 1001 bytes"]
    );
    let strict = quick().warn_large_values(1000).strict(true);
    assert_eq!(save_environment(&env, &path, strict).unwrap().bindings, 2);
    let env = environment([("large", of(100_000_001).into())]);
    let report = save_environment(&env, &path, quick()).unwrap();
    assert_eq!(report.findings.len(), 1, "{report}");
    let report = save_environment(&env, &path, quick().warn_large_values(None)).unwrap();
    assert!(report.findings.is_empty(), "{report}");
}

#[test]
fn a_placeholder_that_came_back_is_no_new_loss() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let placeholder = Value::from(Extension::unsupported("generator", "it was running"));
    let env = environment([("g", Value::vector([placeholder]))]);
    let report = save_environment(&env, &path, quick().strict(true)).unwrap();
    assert!(report.findings.is_empty(), "{report}");
    let back = restore_environment(&path, RestoreOptions::new()).unwrap();
    assert_same(&back.environment, &env, "a placeholder");
}

#[test]
fn the_same_environment_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let bytes = |env: &Environment| {
        let path = dir.path().join("a.ach");
        let options = quick().created_at(7).include_builtins(true);
        save_environment(env, &path, options).unwrap();
        fs::read(path).unwrap()
    };
    let first = bytes(&environment::every_kind());
    assert!(bytes(&environment::every_kind()) == first);
    let back = restore_environment(dir.path().join("a.ach"), RestoreOptions::new()).unwrap();
    assert!(bytes(&back.environment) == first);
}
