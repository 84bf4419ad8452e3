//! Promise: what serde can write becomes a value and comes back the same; nothing is rounded,
//! dropped or merged in silence; and an error names the place inside the value.

#![cfg(feature = "serde")]

use std::collections::{BTreeMap, HashMap};

use achronyme_env::{
    BF16, Cell, Complex64, Complex128, DType, EnvError, Extension, F16, Function, Order, Record,
    StringArray, Tensor, Value, from_value, to_value,
};
use proptest::prelude::*;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Tree {
    Nothing,
    Truth(bool),
    Signed(i64),
    Wide(i128),
    Huge(u128),
    Number(f64),
    Short(f32),
    Letter(char),
    Pair(u8, String),
    Plain {
        label: Option<String>,
        twigs: Vec<Tree>,
    },
    Numbered(BTreeMap<i32, Tree>),
    Named(BTreeMap<String, Tree>),
    Placed(BTreeMap<(u8, bool), Option<Box<Tree>>>),
    Wrapped(Wrapper),
    Unit(()),
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Wrapper(Box<Tree>);

fn trees() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        Just(Tree::Nothing),
        Just(Tree::Unit(())),
        any::<bool>().prop_map(Tree::Truth),
        any::<i64>().prop_map(Tree::Signed),
        any::<i128>().prop_map(Tree::Wide),
        any::<u128>().prop_map(Tree::Huge),
        any::<u64>().prop_map(|n| Tree::Huge(n.into())),
        any::<f64>().prop_map(Tree::Number),
        any::<f32>().prop_map(Tree::Short),
        any::<char>().prop_map(Tree::Letter),
        (any::<u8>(), ".*").prop_map(|(n, s)| Tree::Pair(n, s)),
    ];
    leaf.prop_recursive(6, 48, 5, |tree| {
        let twigs = prop::collection::vec(tree.clone(), 0..5);
        prop_oneof![
            (prop::option::of(".*"), twigs).prop_map(|(label, twigs)| Tree::Plain { label, twigs }),
            prop::collection::btree_map(any::<i32>(), tree.clone(), 0..4).prop_map(Tree::Numbered),
            prop::collection::btree_map(".*", tree.clone(), 0..4).prop_map(Tree::Named),
            prop::collection::btree_map(
                any::<(u8, bool)>(),
                prop::option::of(tree.clone().prop_map(Box::new)),
                0..4
            )
            .prop_map(Tree::Placed),
            tree.prop_map(|tree| Tree::Wrapped(Wrapper(Box::new(tree)))),
        ]
    })
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<u64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        ".*".prop_map(Into::into),
    ];
    leaf.prop_recursive(6, 64, 6, |json| {
        prop_oneof![
            prop::collection::vec(json.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(".*", json, 0..6)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_tree_comes_back(tree in trees()) {
        let value = to_value(&tree).unwrap();
        prop_assert_eq!(from_value::<Tree>(&value).unwrap(), tree);
    }

    #[test]
    fn any_json_comes_back(json in json()) {
        let value = to_value(&json).unwrap();
        prop_assert_eq!(from_value::<serde_json::Value>(&value).unwrap(), json);
    }

    #[test]
    fn any_float_comes_back_bit_for_bit(short in any::<u32>(), long in any::<u64>()) {
        let value = to_value(&(f32::from_bits(short), f64::from_bits(long))).unwrap();
        let (back_short, back_long) = from_value::<(f32, f64)>(&value).unwrap();
        prop_assert_eq!((back_short.to_bits(), back_long.to_bits()), (short, long));
    }

    #[test]
    fn a_tensor_is_its_elements_in_either_order(
        rows in 1usize..5, columns in 1usize..5, numbers in prop::collection::vec(any::<i16>(), 16)
    ) {
        let shape = [rows as u64, columns as u64];
        let by_rows: Vec<Vec<i16>> =
            numbers.chunks_exact(columns).take(rows).map(<[i16]>::to_vec).collect();
        let c = Tensor::from_vec(by_rows.concat(), shape).unwrap();
        let by_columns = (0..columns).flat_map(|j| by_rows.iter().map(move |row| row[j])).collect();
        let fortran = Tensor::from_vec_in_order(by_columns, shape, Order::Fortran).unwrap();
        prop_assert_eq!(&from_value::<Vec<Vec<i16>>>(&c.into()).unwrap(), &by_rows);
        prop_assert_eq!(&from_value::<Vec<Vec<i16>>>(&fortran.into()).unwrap(), &by_rows);
    }
}

#[test]
fn each_rust_type_becomes_the_kind_the_docs_say() {
    #[derive(Serialize)]
    struct Unit;
    #[derive(Serialize)]
    struct Newtype(u8);
    #[derive(Serialize)]
    struct Point(u8, u8);
    #[derive(Serialize)]
    struct Named {
        b: u8,
        a: u8,
    }
    #[derive(Serialize)]
    enum Choice {
        Bare,
        One(u8),
        Two(u8, u8),
        Fields { x: u8 },
    }
    struct Bytes;
    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(b"raw")
        }
    }
    let pair = || Value::vector([1i64, 2]);
    becomes(&(), Value::Null);
    becomes(&Unit, Value::Null);
    becomes(&None::<u8>, Value::Null);
    becomes(&Some(7u8), Value::Integer(7));
    becomes(&Newtype(7), Value::Integer(7));
    becomes(&i64::MIN, Value::Integer(i64::MIN));
    becomes(&(i64::MAX as u64), Value::Integer(i64::MAX));
    becomes(&u64::MAX, extension("integer", "18446744073709551615"));
    becomes(&-3i128, Value::Integer(-3));
    let least = "-170141183460469231731687303715884105728";
    becomes(&i128::MIN, extension("integer", least));
    becomes(&0.1f32, Value::Number(0.100_000_001_490_116_12));
    becomes(&-0.0f64, Value::Number(-0.0));
    becomes(&'ß', "ß".into());
    becomes(&Bytes, Value::Bytes((*b"raw").into()));
    becomes(&[1u8, 2], pair());
    becomes(&Point(1, 2), pair());
    becomes(
        &Named { b: 1, a: 2 },
        Record::from([("b", 1i64), ("a", 2)]).into(),
    );
    becomes(&Choice::Bare, "Bare".into());
    becomes(&Choice::One(1), Record::from([("One", 1i64)]).into());
    becomes(&Choice::Two(1, 2), Record::from([("Two", pair())]).into());
    becomes(
        &Choice::Fields { x: 1 },
        Record::from([("Fields", Record::from([("x", 1i64)]))]).into(),
    );
    becomes(
        &BTreeMap::from([('a', 1), ('b', 2)]),
        Record::from([("a", 1i64), ("b", 2)]).into(),
    );
    becomes(
        &BTreeMap::from([(1, 2)]),
        extension("map", Value::vector([pair()])),
    );
    becomes(&BTreeMap::<i32, i32>::new(), Record::new().into());
}

#[test]
fn an_option_in_an_option_loses_which_was_empty() {
    assert_eq!(there_and_back(&Some(None::<u8>)), None);
    assert_eq!(there_and_back(&Some(())), None);
    assert_eq!(there_and_back(&Some(Some(3u8))), Some(Some(3)));
}

#[test]
fn keys_of_any_type_come_back() {
    #[derive(Serialize, Deserialize, PartialEq, Eq, Hash, Debug, Clone, PartialOrd, Ord)]
    struct Name(String);
    #[derive(Serialize, Deserialize, PartialEq, Eq, Hash, Debug, Clone, PartialOrd, Ord)]
    enum Axis {
        Row,
        Column,
    }
    same(&BTreeMap::from([(Name("n".into()), 1)]));
    same(&BTreeMap::from([(Axis::Row, 1), (Axis::Column, 2)]));
    same(&BTreeMap::from([('x', 1)]));
    same(&BTreeMap::from([(true, 1)]));
    same(&BTreeMap::from([(u128::MAX, 1), (0, 2)]));
    same(&BTreeMap::from([(None, 1), (Some("s".to_owned()), 2)]));
    same(&BTreeMap::from([(vec![1, 2], 1), (vec![], 2)]));
    same(&BTreeMap::from([(Some("only strings".to_owned()), 2)]));
}

#[test]
fn a_key_given_twice_is_an_error() {
    struct Twice<K>(K);
    impl<K: Serialize> Serialize for Twice<K> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(None)?;
            map.serialize_entry(&self.0, &1)?;
            map.serialize_entry(&self.0, &2)?;
            map.end()
        }
    }
    let named = HashMap::from([("table", Twice("lr"))]);
    let text = to_value(&named).unwrap_err().to_string();
    assert_eq!(text, "table: the key 'lr' is given twice");
    let text = to_value(&[Twice(3)]).unwrap_err().to_string();
    assert_eq!(text, "[0][1]: this key is given twice");

    // The same from a value that another program made.
    let entry = || Value::vector([1i64, 2]);
    let twice = extension("map", Value::vector([entry(), entry()]));
    refused::<BTreeMap<i32, i32>>(
        &twice,
        "[1]: the key of this entry of the map is there twice",
    );
}

#[test]
fn numbers_are_converted_only_exactly() {
    assert_eq!(
        from_value::<f64>(&Value::Integer(1 << 53)).unwrap(),
        2f64.powi(53)
    );
    assert_eq!(
        from_value::<f32>(&Value::Integer(1 << 24)).unwrap(),
        2f32.powi(24)
    );
    refused::<f64>(
        &Value::Integer((1 << 53) + 1),
        "the value: the integer 9007199254740993 is not exactly a float; read it as an integer",
    );
    refused::<f32>(
        &Value::Integer((1 << 24) + 1),
        "16777217 is not exactly an `f32`",
    );
    refused::<f32>(
        &Value::Number(0.1),
        "0.1 is not exactly an `f32`; read it as an `f64`",
    );
    refused::<i32>(&Value::Number(1.0), "expected i32");
    refused::<u8>(&Value::Integer(256), "expected u8");
    refused::<u8>(&Value::Integer(-1), "expected u8");

    let two_to_64 = extension("integer", "18446744073709551616");
    assert_eq!(from_value::<f64>(&two_to_64).unwrap(), 2f64.powi(64));
    assert_eq!(from_value::<u128>(&two_to_64).unwrap(), 1 << 64);
    refused::<u64>(&two_to_64, "expected u64");
    refused::<f64>(
        &extension("integer", "18446744073709551617"),
        "not exactly a float",
    );
    let long = extension("integer", "9".repeat(60));
    refused::<u128>(&long, "does not fit 128 bits");
    refused::<u128>(&extension("integer", "1e5"), "decimal digits");
    refused::<u128>(&extension("integer", 5i64), "decimal digits");
}

#[test]
fn a_hint_reaches_through_cells_extensions_and_rank_0() {
    let inexact = Value::Integer(i64::MAX);
    let within = [
        Value::Cell(Cell::new(inexact.clone())),
        extension("seconds", inexact.clone()),
        Tensor::from_vec(vec![i64::MAX], []).unwrap().into(),
    ];
    for value in within {
        assert_eq!(from_value::<i64>(&value).unwrap(), i64::MAX);
        assert_eq!(from_value::<Option<i64>>(&value).unwrap(), Some(i64::MAX));
        refused::<f64>(&value, "not exactly a float");
        refused::<Option<f64>>(&value, "not exactly a float");
    }
    let empty = Value::Cell(Cell::new(Value::Null));
    assert_eq!(from_value::<Option<i64>>(&empty).unwrap(), None);
    let name = StringArray::new(["Nothing"], []).unwrap().into();
    assert_eq!(from_value::<Tree>(&name).unwrap(), Tree::Nothing);
}

#[test]
fn tensors_of_every_dtype_are_sequences() {
    let read = |tensor: achronyme_env::Result<Tensor>| -> Value { tensor.unwrap().into() };
    let bits = read(Tensor::from_vec(vec![true, false], [2]));
    assert_eq!(from_value::<Vec<bool>>(&bits).unwrap(), [true, false]);
    let integers = read(Tensor::from_vec(vec![u64::MAX, 1], [2]));
    assert_eq!(from_value::<Vec<u64>>(&integers).unwrap(), [u64::MAX, 1]);
    refused::<Vec<f64>>(
        &integers,
        "[0]: the integer 18446744073709551615 is not exactly",
    );
    let bytes = read(Tensor::from_vec(vec![1u8, 2, 3], [3]));
    assert_eq!(from_value::<[u8; 3]>(&bytes).unwrap(), [1, 2, 3]);
    let singles = read(Tensor::from_vec(vec![0.1f32, f32::NAN], [2]));
    assert_eq!(from_value::<Vec<f32>>(&singles).unwrap()[0], 0.1);
    assert_eq!(
        from_value::<Vec<f64>>(&singles).unwrap()[0],
        f64::from(0.1f32)
    );
    let halves = read(Tensor::from_vec(vec![F16(0x3e00)], [1]));
    assert_eq!(from_value::<Vec<f32>>(&halves).unwrap(), [1.5]);
    let brains = read(Tensor::from_vec(vec![BF16(0xbf80)], [1]));
    assert_eq!(from_value::<Vec<f64>>(&brains).unwrap(), [-1.0]);
    let complex = read(Tensor::from_vec(vec![Complex64::new(0.1, 2.0)], [1]));
    assert_eq!(
        from_value::<Vec<(f32, f32)>>(&complex).unwrap(),
        [(0.1, 2.0)]
    );
    let complex = Value::Complex(Complex128::new(0.1, 2.0));
    assert_eq!(from_value::<(f64, f64)>(&complex).unwrap(), (0.1, 2.0));
    let opaque = read(Tensor::from_bytes(DType::F8E4M3, [1], Order::C, &[1]));
    refused::<Vec<f64>>(&opaque, "[0]: elements of dtype float8_e4m3 are opaque");
    let broken = read(Tensor::from_bytes(DType::Bool, [2], Order::C, &[1, 7]));
    refused::<Vec<bool>>(&broken, "[1]: the byte 7 is no boolean");
    let words = Value::from(StringArray::new(["a", "b", "c", "d"], [2, 2]).unwrap());
    assert_eq!(from_value::<[[String; 2]; 2]>(&words).unwrap()[1][0], "c");
    refused::<Vec<Vec<u8>>>(&words, "[0][0]: invalid type: string \"a\"");
}

#[test]
fn a_tensor_without_elements_does_not_make_endless_rows() {
    let empty = |shape: &[u64]| Value::from(Tensor::from_vec(Vec::<f64>::new(), shape).unwrap());
    assert_eq!(
        from_value::<Vec<Vec<f64>>>(&empty(&[2, 0])).unwrap(),
        [Vec::<f64>::new(), Vec::new()]
    );
    assert!(
        from_value::<Vec<Vec<f64>>>(&empty(&[0, 1 << 60]))
            .unwrap()
            .is_empty()
    );
    refused::<Vec<Vec<f64>>>(&empty(&[1 << 60, 0]), "rows without elements");
}

#[test]
fn bytes_are_bytes_or_a_sequence() {
    let value = Value::Bytes((*b"raw").into());
    assert_eq!(from_value::<Vec<u8>>(&value).unwrap(), b"raw");
    assert_eq!(from_value::<Vec<f64>>(&value).unwrap()[0], 114.0);
    refused::<(u8, u8)>(&value, "it has 3 elements, the type takes 2");
    refused::<String>(&Value::Integer(1), "expected a string");
}

#[test]
fn an_error_names_the_path() {
    #[derive(Deserialize, Debug)]
    struct Run {
        #[expect(dead_code)]
        results: Results,
    }
    #[derive(Deserialize, Debug)]
    struct Results {
        #[expect(dead_code)]
        lr: Vec<f64>,
        #[expect(dead_code)]
        best: Option<Tree>,
    }
    let run = |lr: Value, best: Value| -> Value {
        Record::from([("results", Record::from([("lr", lr), ("best", best)]))]).into()
    };
    let good = || Value::vector([0.1]);
    assert!(from_value::<Run>(&run(good(), Value::Null)).is_ok());
    let bad = Value::vector([0.1.into(), 0.2.into(), 0.3.into(), Value::from("x")]);
    refused::<Run>(
        &run(bad, Value::Null),
        "results.lr[3]: invalid type: string \"x\", expected f64",
    );
    let wrong = Record::from([("Plain", Record::from([("label", "a"), ("twigs", "b")]))]);
    refused::<Run>(
        &run(good(), wrong.into()),
        "results.best.Plain.twigs: invalid type: string \"b\", expected a sequence",
    );
    let full = Record::from([("Nothing", 1i64)]);
    refused::<Run>(
        &run(good(), full.into()),
        "results.best.Nothing: invalid type: integer `1`, expected unit",
    );
    refused::<Run>(
        &run(good(), "\x1b[2J".into()),
        "unknown variant `\\u{1b}[2J`",
    );
    refused::<Tree>(&Value::Integer(1), "expected the name of a variant");
    refused::<Tree>(&Record::new().into(), "found a record with 0");

    let missing = from_value::<Run>(&Record::from([("results", Record::new())]).into());
    let missing = missing.unwrap_err();
    assert!(matches!(missing, EnvError::NoSuchPart { .. }));
    assert_eq!(missing.to_string(), "results.lr: there is no such field");
}

#[test]
fn a_kind_serde_does_not_know_is_an_error_unless_ignored() {
    let function = Value::from(Function::Builtin { name: "sin".into() });
    refused::<f64>(&function, "the kind function is no serde value");
    from_value::<IgnoredAny>(&function).unwrap();

    #[derive(Deserialize)]
    struct Some1 {
        x: f64,
    }
    let record = Record::from([("f", function), ("x", Value::Number(1.0))]);
    assert_eq!(from_value::<Some1>(&record.into()).unwrap().x, 1.0);
}

#[test]
fn flattened_and_tagged_types_come_back() {
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(tag = "kind", content = "data")]
    enum Adjacent {
        A(Vec<f64>),
        B { x: Option<u64> },
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(untagged)]
    enum Untagged {
        Number(f64),
        Text(String),
        Many(Vec<Untagged>),
    }
    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Outer {
        id: u64,
        #[serde(flatten)]
        rest: BTreeMap<String, Untagged>,
    }
    same(&Adjacent::A(vec![1.5]));
    same(&Adjacent::B { x: Some(u64::MAX) });
    same(&Outer {
        id: 1,
        rest: BTreeMap::from([(
            "r".to_owned(),
            Untagged::Many(vec![Untagged::Number(0.5), Untagged::Text("t".into())]),
        )]),
    });
    same(&std::net::Ipv6Addr::LOCALHOST);
    same(&std::time::Duration::new(1, 2));
}

fn becomes<T: Serialize + ?Sized>(rust: &T, expected: Value) {
    let value = to_value(rust).unwrap();
    assert!(
        value.identical(&expected).unwrap(),
        "{value:?}, not {expected:?}"
    );
}

fn there_and_back<T: Serialize + DeserializeOwned>(rust: &T) -> T {
    from_value(&to_value(rust).unwrap()).unwrap()
}

fn same<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(rust: &T) {
    assert_eq!(there_and_back(rust), *rust);
}

fn refused<T: DeserializeOwned>(value: &Value, part: &str) {
    let text = from_value::<T>(value).map(|_| ()).unwrap_err().to_string();
    assert!(text.contains(part), "{text}");
}

fn extension(type_name: &str, storage: impl Into<Value>) -> Value {
    Value::from(Extension {
        type_name: type_name.into(),
        parameters: Value::Null,
        storage: storage.into(),
    })
}
