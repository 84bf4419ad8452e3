use super::*;
use achronyme_env::{Complex128, DType, Edge, ErrorValue, Extension, Scope, StringArray, Tensor};

fn json(value: impl Into<Value>) -> String {
    let mut out = Vec::new();
    write(&value.into(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    serde_json::from_str::<serde_json::Value>(&text).expect(&text);
    text
}

fn extension(type_name: &str, storage: impl Into<Value>) -> Extension {
    Extension {
        type_name: type_name.into(),
        parameters: Value::Null,
        storage: storage.into(),
    }
}

#[test]
fn scalars_keep_their_kind_and_every_digit() {
    assert_eq!(json(()), "null");
    assert_eq!(json(true), "true");
    assert_eq!(json(i64::MIN), "-9223372036854775808");
    assert_eq!(json(1.0), "1.0");
    assert_eq!(json(-0.0), "-0.0");
    assert_eq!(json(0.1 + 0.2), "0.30000000000000004");
    assert_eq!(json(f64::NAN), "\"NaN\"");
    assert_eq!(json(f64::INFINITY), "\"Infinity\"");
    assert_eq!(json(f64::NEG_INFINITY), "\"-Infinity\"");
    assert_eq!(
        json(Complex128::new(1.0, f64::NAN)),
        r#"{"re":1.0,"im":"NaN"}"#
    );
    assert_eq!(json("a\"\\\n"), r#""a\"\\\n""#);
    let bytes = Value::Bytes(b"abcd".as_slice().into());
    assert_eq!(json(bytes), r#"{"$kind":"bytes","base64":"YWJjZA=="}"#);
}

#[test]
fn strings_are_harmless_on_a_terminal_and_the_same_when_read() {
    let text = "\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{e0041}é";
    let written = json(text);
    assert_eq!(written, r#""\u001b[2J\u007f\u009b\u202e\udb40\udc41é""#);
    assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
}

#[test]
fn tensors_are_nested_by_index_whatever_their_order() {
    let c = Tensor::from_vec(vec![1i32, 2, 3, 4, 5, 6], [2, 3]).unwrap();
    assert_eq!(
        json(c),
        r#"{"dtype":"int32","shape":[2,3],"order":"C","data":[[1,2,3],[4,5,6]]}"#
    );
    let elements = vec![1i32, 4, 2, 5, 3, 6];
    let f = Tensor::from_vec_in_order(elements, [2, 3], Order::Fortran).unwrap();
    assert_eq!(
        json(f),
        r#"{"dtype":"int32","shape":[2,3],"order":"Fortran","data":[[1,2,3],[4,5,6]]}"#
    );
    let cube = Tensor::from_vec((0..8u8).collect(), [2, 2, 2]).unwrap();
    assert!(json(cube).ends_with(r#""data":[[[0,1],[2,3]],[[4,5],[6,7]]]}"#));
    let alone = Tensor::from_vec(vec![2.5f32], []).unwrap();
    assert!(json(alone).ends_with(r#""shape":[],"order":"C","data":2.5}"#));
    let empty = Tensor::from_vec(Vec::<f64>::new(), [1 << 40, 0]).unwrap();
    assert!(json(empty).ends_with(r#""data":[]}"#));
}

#[test]
fn narrow_floats_have_their_own_digits() {
    let t = Tensor::from_vec(vec![0.1f32, f32::NAN, 1e30], [3]).unwrap();
    assert!(json(t).ends_with(r#""data":[0.1,"NaN",1e+30]}"#));
    let t = Tensor::from_vec(vec![half::f16::from_f32(0.1)], [1]).unwrap();
    assert!(json(t).ends_with(r#""data":[0.1]}"#));
    let t = Tensor::from_bytes(DType::F8E4M3, [2], Order::C, &[1, 255]).unwrap();
    assert!(json(t).ends_with(r#""data":[1,255]}"#));
    let t = Tensor::from_vec(vec![true, false], [2]).unwrap();
    assert!(json(t).ends_with(r#""data":[true,false]}"#));
}

#[test]
fn string_arrays_are_arrays_of_the_dtype_string() {
    let array = StringArray::new(["a", "b\""], [2, 1]).unwrap();
    assert_eq!(
        json(array),
        r#"{"dtype":"string","shape":[2,1],"order":"C","data":[["a"],["b\""]]}"#
    );
}

#[test]
fn records_keep_their_order_and_never_look_like_something_else() {
    assert_eq!(
        json(Record::from([("b", 1i64), ("a", 2)])),
        r#"{"b":1,"a":2}"#
    );
    for fields in [
        vec!["$kind"],
        vec!["im", "re"],
        vec!["data", "dtype", "order", "shape"],
    ] {
        let record: Record = fields.iter().map(|name| (*name, 0i64)).collect();
        assert!(json(record).starts_with(r#"{"$kind":"record","fields":[[""#));
    }
}

#[test]
fn a_large_integer_is_a_number() {
    let digits = "123456789012345678901234567890";
    assert_eq!(json(extension("integer", digits)), digits);
    let hostile = json(extension("integer", "1,\"x\":2"));
    assert!(hostile.starts_with(r#"{"$kind":"extension""#), "{hostile}");
    let date = json(extension("date", "2024-01-01"));
    let expected =
        r#"{"$kind":"extension","type":"date","parameters":null,"storage":"2024-01-01"}"#;
    assert_eq!(date, expected);
}

#[test]
fn the_values_of_a_language_have_a_kind() {
    let edge = Edge {
        from: "a".into(),
        to: "b".into(),
        directed: true,
        properties: Record::from([("weight", 0.5)]),
    };
    assert_eq!(
        json(edge),
        r#"{"$kind":"edge","from":"a","to":"b","directed":true,"properties":{"weight":0.5}}"#
    );
    let error = ErrorValue {
        message: "no".into(),
        kind: None,
        source: Some(Value::Integer(1)),
    };
    assert_eq!(
        json(error),
        r#"{"$kind":"error","message":"no","kind":null,"source":1}"#
    );
    let function = UserFunction {
        name: Some("f".into()),
        parameters: vec!["x".into()],
        source: "x".into(),
        scope: Some(Scope::new(Record::from([("k", 1.0)]))),
        ..UserFunction::default()
    };
    assert_eq!(
        json(function),
        r#"{"$kind":"function","name":"f","parameters":["x"],"source":"x","details":{},"captures":["k"]}"#
    );
    let typed = Typed {
        type_name: "t".into(),
        version: 3,
        alignment: 8,
        fingerprint: 255,
        bytes: Tensor::from_vec(vec![1u8, 2, 3], [3]).unwrap(),
    };
    assert_eq!(
        json(typed),
        r#"{"$kind":"typed","type":"t","version":3,"alignment":8,"fingerprint":"00000000000000ff","base64":"AQID"}"#
    );
}

#[test]
fn a_cell_in_itself_ends() {
    let cell = Cell::new(());
    cell.set(Value::vector([Value::Cell(cell.clone())]));
    let cycle = r#"{"$kind":"cell","content":[{"$kind":"cell","cycle":true}]}"#;
    assert_eq!(json(cell.clone()), cycle);
    cell.set(());
}

#[test]
fn what_no_file_can_hold_is_an_error_and_no_overflow() {
    let mut deep = Value::Null;
    for _ in 0..10_000 {
        deep = Value::vector([deep]);
    }
    assert!(write(&deep, &mut Vec::new()).is_err());
    while let Value::Vector(inside) = deep {
        deep = inside[0].clone();
    }
}
