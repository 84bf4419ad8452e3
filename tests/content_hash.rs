//! Promise: the content hash names values, names, attributes, marks and sharing, and nothing else;
//! and it is what `docs/format.md` says, as a program in another language finds it.

mod arbitrary;
mod samples;

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use achronyme_env::{
    Archive, Cell, DType, Environment, Order, Record, SaveOptions, StringArray, Tensor, Value,
    Variable, content_hash, save, save_environment, variable_hash,
};
use proptest::prelude::*;

fn everything() -> Environment {
    let mut env = Environment::new();
    for (name, value) in samples::every_kind() {
        env.set(&name, value).unwrap();
    }
    let large = samples::tensor(DType::F32, &[3, 700_000], Order::Fortran);
    env.set("several pieces", large).unwrap();
    let cell = Cell::new(5i64);
    let about = Record::from([("counter", Value::from(cell.clone()))]);
    let counter = Variable::new(cell).constant().attributes(about);
    env.define("z/marked", counter).unwrap();
    env
}

fn hex(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_hash_is_that_of_the_content_wherever_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let env = everything();
    let hash = content_hash(&env).unwrap();
    let mut backwards = Environment::new();
    for (name, variable) in env.iter().rev() {
        backwards.define(name, variable.clone()).unwrap();
    }
    assert_eq!(content_hash(&backwards).unwrap(), hash);
    let options = SaveOptions::new().include_builtins(true);
    let mut ways = vec![
        options.clone().created_at(1),
        options.clone().seal(true),
        options
            .clone()
            .description("text")
            .tag("a")
            .custom("k", "v"),
    ];
    if cfg!(feature = "zstd") {
        ways.push(options.clone().compress(true));
        ways.push(options.auto_cold(0.1).seal(true));
    }
    for (n, options) in ways.into_iter().enumerate() {
        for env in [&env, &backwards] {
            let path = dir.path().join(format!("{n}.ach"));
            save_environment(env, &path, options.clone().allow_overwrite(true)).unwrap();
            let archive = Archive::open(&path).unwrap();
            assert_eq!(content_hash(&archive).unwrap(), hash, "{n}");
            for (name, _) in env.iter() {
                let found = variable_hash(&archive, name).unwrap();
                assert_eq!(found, variable_hash(env, name).unwrap(), "{n}, {name}");
            }
        }
    }
}

#[test]
fn whatever_is_of_the_content_changes_the_hash() {
    let one = |name: &str, variable: Variable| {
        let mut env = Environment::new();
        env.define(name, variable).unwrap();
        env
    };
    let value = |value: Value| one("x", Variable::new(value));
    let tensor = |order, shape: &[u64]| {
        Value::from(Tensor::from_vec_in_order(vec![0u8; 6], shape, order).unwrap())
    };
    let units = |unit: &str| Record::from([("units", unit)]);
    let (a, b) = (Cell::new(1i64), Cell::new(1i64));
    let pair = |a: &Cell, b: &Cell| Value::vector([a.clone(), b.clone()]);
    let mut pairs = Environment::new();
    pairs.set("x", a.clone()).unwrap();
    pairs.set("y", a.clone()).unwrap();
    let mut apart = Environment::new();
    apart.set("x", a.clone()).unwrap();
    apart.set("y", b.clone()).unwrap();
    let record = |names: [&'static str; 2]| Value::from(Record::from(names.map(|n| (n, 1i64))));
    let all = [
        Environment::new(),
        one("y", Variable::new(0i64)),
        one("", Variable::new(0i64)),
        value(0i64.into()),
        value(0.0.into()),
        value((-0.0).into()),
        value(f64::NAN.into()),
        value(f64::from_bits(f64::NAN.to_bits() | 1).into()),
        value(false.into()),
        value(Value::Null),
        value("".into()),
        value(Value::Bytes([].into())),
        one("x", Variable::new(0i64).constant()),
        one("x", Variable::new(0i64).mutable()),
        one("x", Variable::new(0i64).attributes(units("m"))),
        one("x", Variable::new(0i64).attributes(units("km"))),
        value(tensor(Order::C, &[6])),
        value(tensor(Order::C, &[2, 3])),
        value(tensor(Order::Fortran, &[2, 3])),
        value(tensor(Order::C, &[3, 2])),
        value(Tensor::from_vec(vec![0i8; 6], [6]).unwrap().into()),
        value(Tensor::from_vec(vec![0u16; 3], [3]).unwrap().into()),
        value(StringArray::new(["ab", "c"], [2]).unwrap().into()),
        value(StringArray::new(["a", "bc"], [2]).unwrap().into()),
        value(StringArray::new(["a", "bc"], [2, 1]).unwrap().into()),
        value(record(["a", "b"])),
        value(record(["b", "a"])),
        value(Value::vector(["a", "b"])),
        value(Value::vector([Value::vector(["a"]), "b".into()])),
        value(pair(&a, &a)),
        value(pair(&a, &b)),
        pairs,
        apart,
    ];
    let mut seen = HashMap::new();
    for (n, env) in all.iter().enumerate() {
        let before = seen.insert(content_hash(env).unwrap(), n);
        assert_eq!(before, None, "{n}");
    }
    // Equal content, though other cells, and a vector's order, which is nobody's business.
    assert_eq!(
        content_hash(&value(pair(&a, &b))).unwrap(),
        content_hash(&value(pair(&b, &a))).unwrap()
    );
    assert_eq!(
        content_hash(&value(tensor(Order::Fortran, &[6]))).unwrap(),
        content_hash(&value(tensor(Order::C, &[6]))).unwrap()
    );
}

#[test]
fn the_hash_of_a_variable_is_that_of_any_other_of_the_same_content() {
    let mut env = Environment::new();
    let cell = Cell::new(1i64);
    for name in ["a", "b"] {
        env.set(name, Value::vector([cell.clone()])).unwrap();
    }
    env.set("c", Value::vector([Cell::new(1i64)])).unwrap();
    env.set("d", Value::vector([Cell::new(2i64)])).unwrap();
    let hash = |name| variable_hash(&env, name).unwrap();
    assert!(hash("a") == hash("b") && hash("b") == hash("c") && hash("c") != hash("d"));
    let error = variable_hash(&env, "e").unwrap_err().to_string();
    assert!(error.contains("no variable 'e'"), "{error}");
}

#[test]
fn strings_count_and_not_how_they_are_kept() {
    let hash = |array: StringArray| {
        let mut env = Environment::new();
        env.set("x", array).unwrap();
        content_hash(&env)
    };
    let cut = |offsets: [u64; 3]| {
        let offsets = Tensor::from_vec(offsets.to_vec(), [3]).unwrap();
        let bytes = Tensor::from_vec(b"..abc.".to_vec(), [6]).unwrap();
        hash(StringArray::from_parts([2], offsets, bytes).unwrap())
    };
    let plain = hash(StringArray::new(["ab", "c"], [2]).unwrap()).unwrap();
    assert_eq!(cut([2, 4, 5]).unwrap(), plain);
    for wrong in [[2, 1, 5], [2, 4, 3], [2, 4, 7], [0, u64::MAX, 1]] {
        let error = cut(wrong).unwrap_err().to_string();
        assert!(error.contains("out of order"), "{error}");
    }
    // Of several pieces, so that they are compared where pieces meet.
    let many = |turned: bool| {
        let mut offsets: Vec<u64> = (0..300_001).collect();
        if turned {
            offsets.swap(131_071, 131_072);
        }
        let bytes = Tensor::from_vec(vec![b'x'; 300_000], [300_000]).unwrap();
        let offsets = Tensor::from_vec(offsets, [300_001]).unwrap();
        hash(StringArray::from_parts([300_000], offsets, bytes).unwrap())
    };
    assert!(many(false).is_ok());
    assert!(many(true).unwrap_err().to_string().contains("out of order"));
}

/// Digests in the file are not believed: what is damaged has no hash.
#[test]
fn a_damaged_array_is_an_error_and_no_hash() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run.ach");
    let tensor = samples::tensor(DType::F64, &[40_000], Order::C);
    save(
        &path,
        [("x", Value::from(tensor))],
        &SaveOptions::new().seal(true),
    )
    .unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let sound = Archive::from_bytes(&bytes).unwrap();
    let at = sound.binding("x").unwrap().extents().unwrap()[0].offset as usize;
    content_hash(&sound).unwrap();
    bytes[at + 100_000] ^= 1;
    let error = content_hash(&Archive::from_bytes(&bytes).unwrap()).unwrap_err();
    assert!(error.to_string().contains("variable 'x'"), "{error}");
    assert!(error.fault().is_some(), "{error}");
}

#[test]
fn another_language_finds_the_same_hash() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let dir = tempfile::tempdir().unwrap();
    let mut paths = vec![dir.path().join("all.ach")];
    let options = SaveOptions::new().include_builtins(true);
    save_environment(&everything(), &paths[0], options).unwrap();
    for name in ["hot", "marks", "minimal", "names", "sealed", "empty"] {
        paths.push(root.join(format!("data/golden/{name}.ach")));
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(root.join("python_reader/content_hash.py"))
        .args(&paths)
        .output()
        .expect("this test needs python3 (3.9 or newer) on the path");
    assert!(output.status.success(), "{output:?}");
    let told = String::from_utf8(output.stdout).unwrap();
    let mut expected = String::new();
    for path in &paths {
        let archive = Archive::open(path).unwrap();
        let shown = path.display();
        let hash = hex(content_hash(&archive).unwrap());
        expected += &format!("{hash}  {shown}\n");
        for name in archive.names() {
            let hash = hex(variable_hash(&archive, name).unwrap());
            let digits: String = name.bytes().map(|b| format!("{b:02x}")).collect();
            expected += &format!("{hash}  {shown}  {digits}\n");
        }
    }
    for (told, expected) in told.lines().zip(expected.lines()) {
        assert!(told == expected, "{told:.200}\n{expected:.200}");
    }
    assert_eq!(told.len(), expected.len());
}

/// `docs/format.md` gives this one as an example.
#[test]
fn the_smallest_archive_has_the_hash_of_the_specification() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let archive = Archive::open(root.join("tests/data/golden/minimal.ach")).unwrap();
    let hash = hex(content_hash(&archive).unwrap());
    let specification = std::fs::read_to_string(root.join("docs/format.md")).unwrap();
    assert!(specification.contains(&hash), "{hash}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hashes_are_equal_when_values_are_identical(
        a in arbitrary::variables(),
        b in arbitrary::variables(),
    ) {
        let (a, b) = (arbitrary::environment(&a), arbitrary::environment(&b));
        let same = achronyme_env::diff(&a, &b, &achronyme_env::DiffOptions::new()).unwrap();
        let (x, y) = (content_hash(&a).unwrap(), content_hash(&b).unwrap());
        prop_assert_eq!(x == y, same.is_same());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("any.ach");
        let options = SaveOptions::new().include_builtins(true).durable(false);
        save_environment(&a, &path, options).unwrap();
        prop_assert_eq!(content_hash(&Archive::open(&path).unwrap()).unwrap(), x);
    }
}
