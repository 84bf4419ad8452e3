//! Promise: two workspaces are compared down to the leaves, each difference with its place; equal
//! digests are not read; tolerances are the rule of `numpy.isclose`; shared cells count; values of
//! any depth that can be saved are compared on a small stack.

mod arbitrary;
mod samples;
mod small;

use achronyme_env::{
    Archive, Cell, Complex64, Complex128, DType, Diff, DiffOptions, Difference, Edge, Environment,
    ErrorValue, Extension, F16, Function, Kind, Mismatch, Order, Record, SaveOptions, Scope,
    StringArray, Tensor, Typed, UserFunction, Value, Variable, diff, differs, save,
};
use proptest::prelude::*;
use small::ROADS;

fn environment<V: Into<Value>, const N: usize>(variables: [(&str, V); N]) -> Environment {
    let mut env = Environment::new();
    for (name, value) in variables {
        env.set(name, value).unwrap();
    }
    env
}

fn one(value: impl Into<Value>) -> Environment {
    environment([("x", value.into())])
}

fn exact(a: &Environment, b: &Environment) -> Diff {
    diff(a, b, &DiffOptions::new()).unwrap()
}

/// The differences between two values, with their paths.
fn between(a: impl Into<Value>, b: impl Into<Value>) -> Vec<Difference> {
    let mut found = exact(&one(a), &one(b));
    assert!(found.changed.len() <= 1);
    found
        .changed
        .pop()
        .map_or(Vec::new(), |changed| changed.value)
}

/// Path and a word for each difference.
fn told(differences: &[Difference]) -> Vec<(String, String)> {
    let word = |mismatch: &Mismatch| match mismatch {
        Mismatch::Added(summary) => format!("added {}", summary.kind),
        Mismatch::Removed(summary) => format!("removed {}", summary.kind),
        Mismatch::DType { a, b } => format!("{a} {b}"),
        Mismatch::Elements(found) => format!("{} of {}", found.differing, found.total),
        Mismatch::FieldOrder => "order of fields".to_owned(),
        Mismatch::Kind { a, b } => format!("{a} {b}"),
        Mismatch::Length { a, b } => format!("{a} {b}"),
        Mismatch::Order { .. } => "order".to_owned(),
        Mismatch::Shape { a, b } => format!("{a:?} {b:?}"),
        Mismatch::Shared { name } => format!("with {name}"),
        Mismatch::Sharing => "sharing".to_owned(),
        Mismatch::Values { .. } => "values".to_owned(),
        other => format!("{other:?}"),
    };
    let one = |d: &Difference| (d.path.clone(), word(&d.mismatch));
    differences.iter().map(one).collect()
}

fn assert_told(a: impl Into<Value>, b: impl Into<Value>, expected: &[(&str, &str)]) {
    let found = told(&between(a, b));
    let found: Vec<(&str, &str)> = found.iter().map(|(p, w)| (&**p, &**w)).collect();
    assert_eq!(found, expected);
}

fn numbers(numbers: &[f64]) -> Tensor {
    Tensor::from_vec(numbers.to_vec(), [numbers.len() as u64]).unwrap()
}

#[test]
fn every_value_is_the_same_as_itself_and_as_what_was_saved_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.ach");
    let all = samples::every_kind();
    let mut env = Environment::new();
    for (name, value) in &all {
        env.set(name, value.clone()).unwrap();
    }
    save(
        &path,
        all.iter().map(|(n, v)| (n.as_str(), v)),
        &SaveOptions::new(),
    )
    .unwrap();
    for (road, open) in ROADS {
        let archive = open(&path).unwrap();
        let found = diff(&env, &archive, &DiffOptions::new()).unwrap();
        assert!(found.is_same(), "{road}: {found:?}");
        assert_eq!(found.unchanged, all.len());
        let found = diff(&archive, &env, &DiffOptions::new()).unwrap();
        assert!(found.is_same(), "{road}: {found:?}");
        assert!(!differs(&archive, &archive, &DiffOptions::new()).unwrap());
    }
    // And no two of them are the same.
    for (n, (a_name, a)) in all.iter().enumerate() {
        for (b_name, b) in &all[n + 1..] {
            let differ = !between(a.clone(), b.clone()).is_empty();
            assert_eq!(differ, !a.identical(b).unwrap(), "{a_name} {b_name}");
        }
    }
}

#[test]
fn names_attributes_and_marks_count_and_the_order_of_definition_does_not() {
    let mut a = environment([
        ("b", 1i64),
        ("a", 2),
        ("gone", 3),
        ("marked", 4),
        ("unit", 5),
    ]);
    let b_only = [("new", 6i64), ("a", 2), ("b", 1)];
    let mut b = environment(b_only);
    b.define("marked", Variable::new(4i64).constant()).unwrap();
    let units = |unit: &str| Record::from([("units", unit)]);
    b.define("unit", Variable::new(5i64).attributes(units("m")))
        .unwrap();
    let found = exact(&a, &b);
    assert_eq!(
        (found.added[0].name.as_str(), found.added.len()),
        ("new", 1)
    );
    assert_eq!(
        (found.removed[0].name.as_str(), found.removed.len()),
        ("gone", 1)
    );
    assert_eq!(found.unchanged, 2);
    let names: Vec<&str> = found.changed.iter().map(|c| &*c.name).collect();
    assert_eq!(names, ["marked", "unit"]);
    assert_eq!(found.changed[0].constant, Some((false, true)));
    assert_eq!(found.changed[0].mutable, None);
    assert!(found.changed[0].value.is_empty());
    assert_eq!(
        told(&found.changed[1].attributes),
        [(".units".to_owned(), "added string".to_owned())]
    );
    a.set_attributes("unit", units("km")).unwrap();
    let found = exact(&a, &b);
    assert_eq!(told(&found.changed[1].attributes)[0].1, "values");
}

#[test]
fn differences_are_told_with_their_place() {
    let record = |rate: f64, tags: &[&str]| {
        let layer = Record::from([
            ("w", Value::from(rate)),
            ("tags", Value::vector(tags.to_vec())),
        ]);
        Record::from([("layers", Value::vector([Value::Null, layer.into()]))])
    };
    assert_told(
        record(0.5, &["a", "b"]),
        record(0.25, &["a", "c", "d"]),
        &[
            (".layers[1].w", "values"),
            (".layers[1].tags", "2 3"),
            (".layers[1].tags[1]", "values"),
        ],
    );
    let fields = |names: [&'static str; 2]| Record::from(names.map(|name| (name, 1i64)));
    assert_told(
        fields(["a", "b"]),
        fields(["b", "a"]),
        &[("", "order of fields")],
    );
    assert_told(
        fields(["a", "b"]),
        fields(["c", "a"]),
        &[(".b", "removed integer"), (".c", "added integer")],
    );
    assert_told(1i64, 1.0, &[("", "integer number")]);
    assert_told(0.0, -0.0, &[("", "values")]);
    assert_told(f64::NAN, f64::NAN, &[]);
    let edge = |to: &str, weight: f64| Edge {
        from: "a".into(),
        to: to.into(),
        directed: true,
        properties: Record::from([("weight", weight)]),
    };
    assert_told(
        edge("b", 1.0),
        edge("c", 2.0),
        &[("", "values"), (".properties.weight", "values")],
    );
    let error = |message: &str, source: Option<Value>| ErrorValue {
        message: message.into(),
        kind: None,
        source,
    };
    assert_told(
        error("x", Some(1i64.into())),
        error("y", None),
        &[(".message", "values"), (".source", "removed integer")],
    );
    let extension = |name: &str, storage: i64| Extension {
        type_name: name.into(),
        parameters: Value::Null,
        storage: storage.into(),
    };
    assert_told(
        extension("a", 1),
        extension("b", 2),
        &[(".type", "values"), (".storage", "values")],
    );
    let typed = |version: u32, bytes: Vec<u8>| Typed {
        type_name: "t".into(),
        version,
        alignment: 8,
        fingerprint: 1,
        bytes: Tensor::from_vec(bytes.clone(), [bytes.len() as u64]).unwrap(),
    };
    assert_told(
        typed(1, vec![1, 2, 3]),
        typed(2, vec![1, 9, 3]),
        &[(".version", "values"), (".bytes", "1 of 3")],
    );
    let builtin = |name: &str| Function::Builtin { name: name.into() };
    assert_told(builtin("sin"), builtin("cos"), &[("", "values")]);
    let user = |source: &str, captured: Option<i64>| UserFunction {
        source: source.into(),
        scope: captured.map(|n| Scope::new(Record::from([("n", n)]))),
        ..UserFunction::default()
    };
    assert_told(
        user("x", Some(1)),
        user("y", Some(2)),
        &[(".source", "values"), ("<scope>.n", "values")],
    );
    assert_told(
        user("x", Some(1)),
        user("x", None),
        &[(".<scope>", "removed record")],
    );
    assert_told(Cell::new(1i64), Cell::new(2i64), &[("<cell>", "values")]);
}

#[test]
fn no_more_than_asked_for_is_listed_and_the_rest_is_counted() {
    let vector = |start: i64| Value::vector((start..start + 100).map(Value::from));
    let (a, b) = (one(vector(0)), one(vector(1)));
    for listed in [0, 1, 7, 100, 1000] {
        let found = diff(&a, &b, &DiffOptions::new().listed(listed)).unwrap();
        let changed = &found.changed[0];
        assert_eq!(changed.value.len(), listed.min(100));
        assert_eq!(changed.unlisted, 100 - listed.min(100) as u64);
    }
}

#[test]
fn tensors_tell_what_differs_how_often_how_far_and_where_first() {
    let shape = [3, 4];
    let tensor = |order, at: usize, x: f64| {
        let mut all = vec![1.0; 12];
        all[at] = x;
        all[11] = 8.0 * x;
        Value::from(Tensor::from_vec_in_order(all, shape, order).unwrap())
    };
    for (order, first) in [(Order::C, [1, 2]), (Order::Fortran, [0, 2])] {
        let found = between(tensor(order, 6, 2.0), tensor(order, 6, 1.5));
        let Mismatch::Elements(found) = &found[0].mismatch else {
            panic!("{found:?}")
        };
        assert_eq!((found.differing, found.total), (2, 12));
        assert_eq!(found.first, first);
        assert_eq!(found.largest_absolute, Some(4.0));
        assert_eq!(found.largest_relative, Some(0.5 / 1.5));
        let element = |value: &Value| value.as_tensor().unwrap().as_slice::<f64>().unwrap()[0];
        assert_eq!((element(&found.a), element(&found.b)), (2.0, 1.5));
    }
    let c = Tensor::from_vec(vec![1i32; 6], [2, 3]).unwrap();
    let f = Tensor::from_vec_in_order(vec![1i32; 6], [2, 3], Order::Fortran).unwrap();
    assert_told(c.clone(), f, &[("", "order")]);
    assert_told(c.clone(), c.reshape([6]).unwrap(), &[("", "[2, 3] [6]")]);
    let wide = Tensor::from_vec(vec![1i64; 6], [2, 3]).unwrap();
    assert_told(c, wide, &[("", "int32 int64")]);
    // The order of a vector is nobody's business.
    let vector = |order| Tensor::from_vec_in_order(vec![1u8; 6], [6], order).unwrap();
    assert_told(vector(Order::C), vector(Order::Fortran), &[]);
}

#[test]
fn tensors_of_many_pieces_are_compared_in_any_order_of_pieces() {
    let mut bytes = samples::noise(5, (9 << 20) + 24);
    let tensor = |bytes: &[u8]| {
        let shape = [bytes.len() as u64 / 8];
        Tensor::from_bytes(DType::U64, shape, Order::C, bytes).unwrap()
    };
    let a = tensor(&bytes);
    let places = [bytes.len() - 8, 5 << 20, (3 << 20) - 8, 3 << 20];
    places.iter().for_each(|at| bytes[*at] ^= 1);
    let found = between(a, tensor(&bytes));
    let Mismatch::Elements(found) = &found[0].mismatch else {
        panic!("{found:?}")
    };
    assert_eq!((found.differing, found.largest_absolute), (4, Some(1.0)));
    assert_eq!(found.first, [((3 << 20) - 8) / 8]);
}

#[test]
fn string_arrays_are_compared_string_by_string() {
    let strings = |all: &[&str]| Value::from(StringArray::new(all, [all.len() as u64]).unwrap());
    let long = "long ".repeat(300_000);
    let found = between(
        strings(&["a", &long, "c", "d"]),
        strings(&["a", "b", "c", "e"]),
    );
    let Mismatch::Elements(found) = &found[0].mismatch else {
        panic!("{found:?}")
    };
    assert_eq!(
        (found.differing, found.total, &*found.first),
        (2, 4, &[1][..])
    );
    assert_eq!(found.a.as_str().unwrap().len(), 1024);
    assert_eq!(found.b.as_str(), Some("b"));
    assert_told(
        strings(&["ab", "c"]),
        strings(&["a", "bc"]),
        &[("", "2 of 2")],
    );
    assert_told(strings(&["a"]), strings(&["a", "b"]), &[("", "[1] [2]")]);
    // The same strings, cut out of more bytes.
    let offsets = Tensor::from_vec(vec![2u64, 4, 5], [3]).unwrap();
    let bytes = Tensor::from_vec(b"..abc.".to_vec(), [6]).unwrap();
    let cut = StringArray::from_parts([2], offsets, bytes).unwrap();
    assert_told(strings(&["ab", "c"]), cut, &[]);
    let wrong = Tensor::from_vec(vec![2u64, 1, 5], [3]).unwrap();
    let bytes = Tensor::from_vec(b"..abc.".to_vec(), [6]).unwrap();
    let wrong = StringArray::from_parts([2], wrong, bytes).unwrap();
    let error = diff(&one(wrong), &one(strings(&["a", "b"])), &DiffOptions::new()).unwrap_err();
    assert!(error.to_string().contains("out of order"), "{error}");
}

#[test]
fn a_difference_in_a_shared_cell_touches_all_who_hold_it() {
    let world = |n: i64| {
        let cell = Cell::new(n);
        let outer = Cell::new(Value::vector([Value::from(cell.clone())]));
        environment([
            ("a", Value::from(cell.clone())),
            ("b", Value::vector([Value::from(cell)])),
            ("c", outer.into()),
            ("d", Cell::new(n / 10).into()),
        ])
    };
    let dir = tempfile::tempdir().unwrap();
    let paths = ["one.ach", "two.ach"].map(|name| dir.path().join(name));
    let worlds = [world(1), world(2)];
    for (path, world) in paths.iter().zip(&worlds) {
        let values = world.iter().map(|(name, v)| (name, &v.value));
        save(path, values, &SaveOptions::new()).unwrap();
    }
    let archives = paths.map(|path| Archive::open(path).unwrap());
    for found in [
        exact(&worlds[0], &worlds[1]),
        diff(&archives[0], &archives[1], &DiffOptions::new()).unwrap(),
        diff(&worlds[0], &archives[1], &DiffOptions::new()).unwrap(),
    ] {
        let all: Vec<_> = found
            .changed
            .iter()
            .map(|c| (&*c.name, told(&c.value)))
            .collect();
        let at = |path: &str, word: &str| vec![(path.to_owned(), word.to_owned())];
        let with_a = || at("", "with a");
        assert_eq!(
            all,
            [
                ("a", at("<cell>", "values")),
                ("b", with_a()),
                ("c", with_a())
            ]
        );
        assert_eq!(found.unchanged, 1);
    }
}

#[test]
fn what_is_one_cell_on_one_side_and_two_on_the_other_differs() {
    let pair = |a: &Cell, b: &Cell| environment([("a", a.clone()), ("b", b.clone())]);
    let (one, other) = (Cell::new(1i64), Cell::new(1i64));
    let found = exact(&pair(&one, &one), &pair(&one, &other));
    assert_eq!(told(&found.changed[0].value)[0].1, "sharing");
    assert!(exact(&pair(&one, &other), &pair(&other, &one)).is_same());
    // Through attributes too.
    let attributed = |a: &Cell, b: &Cell| {
        let mut env = environment([("a", a.clone())]);
        env.set_attributes("a", Record::from([("b", b.clone())]))
            .unwrap();
        env
    };
    assert!(!exact(&attributed(&one, &one), &attributed(&one, &other)).is_same());
}

#[test]
fn cells_that_hold_themselves_and_chains_of_cells_end() {
    let loops = |n: i64| {
        let cell = Cell::default();
        cell.set(Value::vector([Value::from(cell.clone()), n.into()]));
        cell
    };
    assert_told(loops(1), loops(1), &[]);
    assert_told(loops(1), loops(2), &[("<cell>[1]", "values")]);
    let chain = |end: i64| {
        let links = (0..100_000).fold(Value::from(end), |inner, _| Cell::new(inner).into());
        one(links)
    };
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let run = move || {
        let found = exact(&chain(1), &chain(2));
        assert!(found.changed[0].value[0].path.len() < 500);
        assert!(exact(&chain(1), &chain(1)).is_same());
        let hash = |n| achronyme_env::content_hash(&chain(n)).unwrap();
        assert_ne!(hash(1), hash(2));
    };
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn values_of_128_levels_are_compared_and_deeper_ones_are_an_error() {
    fn wrap(level: usize, inner: Value) -> Value {
        match level % 4 {
            0 => Value::vector([inner]),
            1 => Record::from([("inner", inner)]).into(),
            2 => Value::from(Extension {
                type_name: "level".into(),
                parameters: Value::Null,
                storage: inner,
            }),
            _ => Value::from(ErrorValue {
                message: "because".into(),
                kind: None,
                source: Some(inner),
            }),
        }
    }
    let nested = |levels: usize, end: i64| one((0..levels).fold(end.into(), |v, n| wrap(n, v)));
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let run = move || {
        assert_eq!(exact(&nested(128, 1), &nested(128, 2)).changed.len(), 1);
        assert!(exact(&nested(128, 1), &nested(128, 1)).is_same());
        let error = diff(&nested(129, 1), &nested(129, 1), &DiffOptions::new()).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
        let hash = |env: &Environment| achronyme_env::content_hash(env);
        assert_ne!(
            hash(&nested(128, 1)).unwrap(),
            hash(&nested(128, 2)).unwrap()
        );
        let error = hash(&nested(129, 1)).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
    };
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn arrays_of_equal_digest_are_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let paths = ["one.ach", "two.ach", "three.ach"].map(|name| dir.path().join(name));
    let large = samples::tensor(DType::F64, &[40_000], Order::C);
    for (n, path) in paths.iter().enumerate() {
        let inside = Record::from([("w", Value::from(large.clone()))]);
        let other = numbers(&[if n == 2 { 1.0 } else { 0.0 }; 5000]);
        let values: [(&str, Value); 3] = [
            ("inside", inside.into()),
            ("large", large.clone().into()),
            ("other", other.into()),
        ];
        let mut options = SaveOptions::new();
        if n == 1 {
            options = options.compress(cfg!(feature = "zstd"));
        }
        save(path, values, &options).unwrap();
    }
    // A byte of every array of the first file is wrong: whoever reads one finds it.
    let [one, two, three] = paths;
    let mut bytes = std::fs::read(&one).unwrap();
    let archive = Archive::from_bytes(&bytes).unwrap();
    for binding in archive.bindings() {
        for extent in binding.extents().unwrap() {
            bytes[extent.offset as usize] ^= 1;
        }
    }
    std::fs::write(&one, bytes).unwrap();
    let [one, two, three] = [one, two, three].map(|path| Archive::open(path).unwrap());
    assert!(diff(&one, &two, &DiffOptions::new()).unwrap().is_same());
    let error = diff(&one, &three, &DiffOptions::new()).unwrap_err();
    assert!(error.to_string().contains("variable 'other'"), "{error}");
    assert!(error.fault().is_some(), "{error}");
    assert_eq!(
        diff(&two, &three, &DiffOptions::new()).unwrap().unchanged,
        2
    );
}

#[test]
fn a_selection_is_compared_and_names_nobody_has_are_told() {
    let (a, b) = (
        environment([("x", 1i64), ("y", 1), ("tmp_1", 1)]),
        environment([("x", 2i64), ("y", 1), ("tmp_2", 1)]),
    );
    let compared = |options: DiffOptions| diff(&a, &b, &options).unwrap();
    assert!(compared(DiffOptions::new().include_only(["y"])).is_same());
    let found = compared(DiffOptions::new().exclude("tmp_*"));
    assert_eq!(
        (found.changed.len(), found.added.len(), found.unmet.len()),
        (1, 0, 0)
    );
    let found = compared(DiffOptions::new().include_only(["tmp_*", "z"]));
    assert_eq!((found.added.len(), found.removed.len()), (1, 1));
    assert_eq!(found.unmet[0].name, "z");
}

#[test]
fn a_tolerance_that_is_none_is_refused() {
    for bad in [-1.0, f64::NAN] {
        for options in [DiffOptions::new().rtol(bad), DiffOptions::new().atol(bad)] {
            let error = diff(&one(1.0), &one(1.0), &options).unwrap_err();
            assert!(error.to_string().contains("a number from 0 up"), "{error}");
        }
    }
}

#[test]
fn halves_and_integers_have_tolerances_and_bits_have_none() {
    let close = |a: Value, b: Value, atol: f64| {
        !differs(&one(a), &one(b), &DiffOptions::new().atol(atol)).unwrap()
    };
    let tensor = |x: Tensor| Value::from(x);
    let halves = |bits: u16| tensor(Tensor::from_vec(vec![F16(bits)], [1]).unwrap());
    // 1 and the next half after it.
    assert!(close(halves(0x3c00), halves(0x3c01), 0.001));
    assert!(!close(halves(0x3c00), halves(0x3c01), 0.0009));
    let integers = |x: i64| tensor(Tensor::from_vec(vec![x], [1]).unwrap());
    assert!(close(integers(i64::MAX), integers(i64::MAX - 1), 1.0));
    assert!(!close(integers(i64::MAX), integers(i64::MAX - 1), 0.5));
    assert!(close(5i64.into(), 6i64.into(), 1.0));
    let bools = |x: bool| tensor(Tensor::from_vec(vec![x], [1]).unwrap());
    assert!(!close(bools(true), bools(false), 10.0));
    let z = |re: f32, im: f32| tensor(Tensor::from_vec(vec![Complex64 { re, im }], [1]).unwrap());
    assert!(close(z(3.0, 4.0), z(0.0, 0.0), 5.0));
    assert!(!close(z(3.0, 4.0), z(0.0, 0.0), 4.9));
    assert!(close(z(f32::NAN, 1.0), z(2.0, f32::NAN), 0.0));
}

/// The rule as NumPy's documentation has it, with `equal_nan`.
fn is_close(a: f64, b: f64, rtol: f64, atol: f64) -> bool {
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    if a.is_infinite() || b.is_infinite() {
        return a == b;
    }
    (a - b).abs() <= atol + rtol * b.abs()
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -10.0..10.0f64,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0]),
    ]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn tolerances_are_those_of_numpy(
        pairs in proptest::collection::vec((any_number(), any_number()), 1..40),
        near in proptest::collection::vec((any_number(), -1e-3..1e-3f64), 1..40),
        rtol in prop_oneof![Just(0.0), 0.0..1e-2f64],
        atol in prop_oneof![Just(0.0), 0.0..1e-2f64],
    ) {
        let near = near.into_iter().map(|(x, d)| (x, x + d));
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().chain(near).unzip();
        let options = DiffOptions::new().rtol(rtol).atol(atol);
        let far = |x: &f64, y: &f64| !is_close(*x, *y, rtol, atol);
        let expected: Vec<usize> =
            (0..a.len()).filter(|n| far(&a[*n], &b[*n])).collect();
        let found = diff(&one(numbers(&a)), &one(numbers(&b)), &options).unwrap();
        match found.changed.first().map(|changed| &changed.value[0].mismatch) {
            None => prop_assert!(expected.is_empty()),
            Some(Mismatch::Elements(found)) => {
                prop_assert_eq!(found.differing, expected.len() as u64);
                prop_assert_eq!(&found.first, &[expected[0] as u64]);
                let apart = expected.iter().map(|n| (a[*n] - b[*n]).abs());
                let largest = apart.filter(|d| d.is_finite()).reduce(f64::max);
                prop_assert_eq!(found.largest_absolute, largest);
            }
            Some(other) => prop_assert!(false, "{:?}", other),
        }
        // Alone, and inside of others, the rule is the same.
        let alone = |all: &[f64]| {
            one(Value::vector(all.iter().map(|x| Value::from(*x))))
        };
        let found = diff(&alone(&a), &alone(&b), &options.clone().listed(1000)).unwrap();
        let told = found.changed.first().map_or(0, |changed| changed.value.len());
        prop_assert_eq!(told, expected.len());
        let complex = |all: &[f64]| {
            one(Value::vector(all.iter().map(|x| Value::from(Complex128::new(*x, 0.0)))))
        };
        let found = diff(&complex(&a), &complex(&b), &options.listed(1000)).unwrap();
        let told = found.changed.first().map_or(0, |changed| changed.value.len());
        prop_assert_eq!(told, expected.len());
    }
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_value_differs_from_another_unless_they_are_identical(
        a in arbitrary::value(),
        b in arbitrary::value(),
    ) {
        for (x, y) in [(&a, &a), (&a, &b), (&b, &a)] {
            let same = x.identical(y).unwrap();
            let found = exact(&one(x.clone()), &one(y.clone()));
            prop_assert_eq!(found.is_same(), same);
            prop_assert_eq!(
                differs(&one(x.clone()), &one(y.clone()), &DiffOptions::new()).unwrap(),
                !same
            );
        }
    }

    #[test]
    fn the_same_differs_seen_from_both_sides(
        a in arbitrary::variables(),
        b in arbitrary::variables(),
    ) {
        let (a, b) = (arbitrary::environment(&a), arbitrary::environment(&b));
        let (there, back) = (exact(&a, &b), exact(&b, &a));
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        prop_assert_eq!(there.unchanged, back.unchanged);
        let names = |diff: &Diff| -> Vec<String> {
            diff.changed.iter().map(|changed| changed.name.clone()).collect()
        };
        prop_assert_eq!(names(&there), names(&back));
    }
}

#[test]
fn what_only_one_side_has_is_summed_up() {
    let b = environment([
        ("a", Value::from(numbers(&[1.0, 2.0]))),
        ("b", Value::vector([1i64, 2, 3])),
    ]);
    let added = exact(&Environment::new(), &b).added;
    assert_eq!(added[0].summary.dtype, Some(DType::F64));
    assert_eq!(added[0].summary.shape, Some(vec![2]));
    assert_eq!(
        (added[1].summary.kind, added[1].summary.len),
        (Kind::Vector, Some(3))
    );
}
