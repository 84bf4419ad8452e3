//! Promises of codecs: every value comes back bit for bit from rkyv and from JSON; a codec is found by
//! content type or by what is accepted, with a reason when it is not the one wanted; hostile text is
//! an error.

mod arbitrary;
mod samples;
mod small_stack;

use std::sync::Arc;

use achronyme_env::codec::{Codec, Codecs, Encoder, Json, Rkyv};
use achronyme_env::{
    BufferPool, Cell, Complex64, DType, EnvError, ErrorValue, Extension, Order, Record, Tensor,
    Value,
};
use arbitrary::value;
use proptest::prelude::*;
use small_stack::on_small_stack;

fn codecs() -> [Box<dyn Codec>; 3] {
    [
        Box::new(Rkyv),
        Box::new(Json::new()),
        Box::new(Json::new().base64(true)),
    ]
}

fn text(value: &Value) -> String {
    String::from_utf8(Json::new().encode(value).unwrap()).unwrap()
}

fn read(text: &str) -> Value {
    Json::new().decode(text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    let error = Json::new().decode(text.as_bytes());
    error.expect_err(text).to_string()
}

fn comes_back(value: &Value) {
    for codec in codecs() {
        let bytes = codec.encode(value).unwrap();
        let back = codec.decode(&bytes).unwrap();
        assert!(value.identical(&back).unwrap(), "{codec:?}: {value:?}");
        // The same value gives the same bytes.
        assert!(codec.encode(&back).unwrap() == bytes, "{codec:?}");
        if codec.content_type() == "application/json" {
            // It is JSON to others, too.
            serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_value_comes_back_bit_for_bit(value in value()) {
        comes_back(&value);
    }

    #[test]
    fn singles_and_doubles_come_back_from_their_shortest_text(bits in any::<(u32, u64)>()) {
        let single = Tensor::from_vec(vec![f32::from_bits(bits.0)], [1]).unwrap();
        comes_back(&single.into());
        comes_back(&Value::from(f64::from_bits(bits.1)));
    }

    #[test]
    fn any_text_is_a_value_or_an_error(text in ".{0,60}") {
        let _ = Json::new().decode(text.as_bytes());
    }

    #[test]
    fn any_tokens_are_a_value_or_an_error(tokens in prop::collection::vec(
        prop::sample::select(TOKENS), 0..40,
    )) {
        if let Ok(value) = Json::new().decode(tokens.concat().as_bytes()) {
            comes_back(&value);
        }
    }
}

/// What documents are made of: any of them may follow any other.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "-1.5",
    "1e400",
    r#""a""#,
    r#""""#,
    r#"{"$integer":"9"}"#,
    r#"{"$number":"nan"}"#,
    r#"{"$complex":[1,2]}"#,
    r#"{"$bytes":"AAA="}"#,
    r#"{"$record":[["a","#,
    "]]}",
    r#"{"$cell":0}"#,
    r#"{"$cell":1}"#,
    r#"{"$tensor":{"dtype":"float64","shape":[2],"data":[1,2]}}"#,
    r#"{"$tensor":{"dtype":"bool","shape":["#,
    r#"],"data":["#,
    r#"{"$strings":{"shape":[1],"data":["x"]}}"#,
    r#"{"$function":{"builtin":"sin"}}"#,
    r#"{"$function":{"source":"x","parameters":[],"details":"#,
    r#"{"$error":{"message":"m","source":"#,
    r#"{"$edge":{"from":"#,
    r#","to":"#,
    r#"{"$extension":{"type":"t","storage":"#,
    r#"{"$shared":{"value":"#,
    r#","contents":["#,
    "}}",
];

#[test]
fn every_kind_and_dtype_comes_back_with_its_sharing() {
    let all = samples::every_kind();
    for (_, value) in &all {
        comes_back(value);
    }
    // Together: cells and scopes under two names are one.
    comes_back(&Record::from_iter(all).into());
}

#[test]
fn what_json_has_is_written_plainly_and_the_rest_behind_a_tag() {
    let cell = Cell::new(1i64);
    let complex = vec![Complex64::new(1.0, f32::NEG_INFINITY)];
    let nan = f64::from_bits(0x7ff4_dead_beef_0001);
    let half = Tensor::from_bytes(DType::F16, [1], Order::C, &[0, 0x3c]).unwrap();
    let fortran = Tensor::from_vec_in_order(vec![1i64, 1 << 60], [2, 1], Order::Fortran).unwrap();
    let pairs: [(Value, &str); 17] = [
        (Value::Null, "null"),
        (3i64.into(), "3"),
        (3.0.into(), "3.0"),
        ((-0.0).into(), "-0.0"),
        (1e300.into(), "1e300"),
        ((1i64 << 53).into(), "9007199254740992"),
        (i64::MIN.into(), r#"{"$integer":"-9223372036854775808"}"#),
        (f64::INFINITY.into(), r#"{"$number":"inf"}"#),
        (nan.into(), r#"{"$number":"0x7ff4deadbeef0001"}"#),
        (Value::Bytes([1, 2, 3].into()), r#"{"$bytes":"AQID"}"#),
        (
            Record::from([("b", Value::from("\u{0}")), ("a", Value::vector([true]))]).into(),
            r#"{"b":"\u0000","a":[true]}"#,
        ),
        (
            Record::from([("$b", 1i64), ("a", 2i64)]).into(),
            r#"{"$record":[["$b",1],["a",2]]}"#,
        ),
        (
            Tensor::from_vec(vec![0.1f32, f32::NAN], [2])
                .unwrap()
                .into(),
            r#"{"$tensor":{"dtype":"float32","shape":[2],"data":[0.1,"nan"]}}"#,
        ),
        (
            Tensor::from_vec(complex, [1]).unwrap().into(),
            r#"{"$tensor":{"dtype":"complex64","shape":[1],"data":[1.0,"-inf"]}}"#,
        ),
        (
            half.into(),
            r#"{"$tensor":{"dtype":"float16","shape":[1],"data":[15360]}}"#,
        ),
        (
            fortran.into(),
            r#"{"$tensor":{"dtype":"int64","shape":[2,1],"order":"Fortran","data":[1,"1152921504606846976"]}}"#,
        ),
        (
            Value::vector([Value::from(cell.clone()), cell.into()]),
            r#"{"$shared":{"value":[{"$cell":0},{"$cell":0}],"contents":[{"cell":1}]}}"#,
        ),
    ];
    for (value, expected) in pairs {
        let written = text(&value);
        // Exponents are spelt in several ways.
        assert_eq!(written.replace("e+", "e"), expected);
        assert!(read(expected).identical(&value).unwrap(), "{expected}");
    }
}

#[test]
fn fields_may_stand_in_any_order_and_numbers_be_written_by_others() {
    let tensor = read(r#" {"$tensor": {"data": [1, 2.5], "shape": [2], "dtype": "float64"}} "#);
    assert_eq!(
        tensor.as_tensor().unwrap().as_slice::<f64>().unwrap(),
        [1.0, 2.5]
    );
    let shared = read(r#"{"$shared":{"contents":[{"cell":[]}],"value":{"$cell":0}}}"#);
    let Value::Cell(cell) = shared else { panic!() };
    assert_eq!(cell.get().as_vector().unwrap().len(), 0);
}

#[test]
fn text_that_does_not_hold_together_is_an_error_that_says_where() {
    let cases = [
        ("", "EOF"),
        ("1 2", "trailing"),
        ("{\"a\":1,\"a\":2}", "given twice"),
        (r#"{"$record":[["a",1],["a",2]]}"#, "given twice"),
        (r#"{"$record":[["a",1,2]]}"#, "trailing"),
        (r#"{"$unheard":1}"#, "'$unheard' is not known"),
        (r#"{"a":1,"$integer":"1"}"#, "beside"),
        (r#"{"$integer":"1","a":1}"#, "beside"),
        (r#"{"$integer":"9223372036854775808"}"#, "$integer"),
        ("9223372036854775808", "beyond 64 bits"),
        (r#"{"$number":"0x1"}"#, "$number"),
        (r#"{"$complex":[1]}"#, "invalid length"),
        (r#"{"$bytes":"A"}"#, "base64"),
        (r#"{"$cell":0}"#, "cell 0 has no content"),
        (r#"[{"$shared":{"value":1,"contents":[]}}]"#, "not known"),
        (
            r#"{"$shared":{"value":{"$cell":1},"contents":[{"cell":1},{"cell":1}]}}"#,
            "named",
        ),
        (
            r#"{"$shared":{"value":{"$cell":0},"contents":[{"scope":{}}]}}"#,
            "stands for",
        ),
        (
            r#"{"$shared":{"value":{"$cell":18446744073709551615},"contents":[]}}"#,
            "named",
        ),
        (
            r#"{"$shared":{"value":1,"contents":[{"cell":1}]}}"#,
            "named",
        ),
        (
            r#"{"$tensor":{"dtype":"float65","shape":[],"data":[1]}}"#,
            "no dtype 'float65'",
        ),
        (
            r#"{"$tensor":{"dtype":"float64","shape":[3],"data":[1]}}"#,
            "needs 24 bytes",
        ),
        (
            r#"{"$tensor":{"dtype":"float64","shape":[1],"data":[null]}}"#,
            "null",
        ),
        (
            r#"{"$tensor":{"dtype":"float32","shape":[1],"data":[1e300]}}"#,
            "number 0",
        ),
        (
            r#"{"$tensor":{"dtype":"int8","shape":[2],"data":[1,128]}}"#,
            "number 1",
        ),
        (
            r#"{"$tensor":{"dtype":"bool","shape":[1],"base64":"Ag=="}}"#,
            "boolean",
        ),
        (
            r#"{"$tensor":{"dtype":"uint8","shape":[9223372036854775807,9],"data":[]}}"#,
            "63 bits",
        ),
        (
            r#"{"$tensor":{"dtype":"uint8","shape":[0],"data":[],"base64":""}}"#,
            "either",
        ),
        (
            r#"{"$tensor":{"dtype":"uint8","shape":[0],"data":[],"x":1}}"#,
            "unknown field 'x'",
        ),
        (r#"{"$tensor":{"dtype":"uint8","shape":[0]}}"#, "either"),
        (r#"{"$tensor":{"dtype":"uint8","data":[]}}"#, "shape"),
        (
            r#"{"$strings":{"shape":[18446744073709551615],"data":[]}}"#,
            "63 bits",
        ),
        (
            r#"{"$edge":{"from":"a","to":"b","directed":true,"properties":[]}}"#,
            "record",
        ),
        (
            r#"{"$function":{"builtin":"sin","source":""}}"#,
            "nothing else",
        ),
        (
            r#"{"$typed":{"type":"t","version":1,"alignment":3,"fingerprint":"0","base64":""}}"#,
            "alignment",
        ),
        ("\"\\ud800\"", "hex escape"),
        ("\"\u{1}\"", "control character"),
    ];
    for (text, expected) in cases {
        let error = refused(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(error.contains("the JSON of a value"), "{error}");
    }
    let error = Json::new().decode(b"\"\xff\"").unwrap_err().to_string();
    assert!(error.contains("line 1 column"), "{error}");
    let escaped = refused("{\"$\u{1b}[31m\":1}");
    assert!(!escaped.contains('\u{1b}'), "{escaped}");
}

#[test]
fn every_prefix_and_every_changed_byte_is_a_value_or_an_error() {
    let value = Value::from(Record::from_iter(
        samples::every_kind()
            .into_iter()
            .filter(|(name, _)| !name.contains("long") && !name.contains("5000"))
            .filter(|(name, _)| !name.contains("block") && !name.contains("large")),
    ));
    let whole = Json::new().encode(&value).unwrap();
    for len in (0..whole.len()).step_by(37) {
        assert!(Json::new().decode(&whole[..len]).is_err());
    }
    for at in (0..whole.len()).step_by(11) {
        let mut changed = whole.clone();
        for byte in [b'0', b'"', b'}', 0xff] {
            changed[at] = byte;
            let _ = Json::new().decode(&changed);
        }
    }
}

/// Each of the ways to go a level down, as a value and as JSON that never ends.
#[test]
fn depth_is_128_levels_on_a_small_stack() {
    let wrap: [fn(Value) -> Value; 4] = [
        |inner| Value::vector([inner]),
        |inner| Record::from([("$tag", inner)]).into(),
        |storage| {
            let parameters = Value::Null;
            let type_name = "level".into();
            Extension {
                type_name,
                parameters,
                storage,
            }
            .into()
        },
        |source| {
            let (message, kind) = ("".into(), None);
            let source = Some(source);
            ErrorValue {
                message,
                kind,
                source,
            }
            .into()
        },
    ];
    for wrap in wrap {
        on_small_stack(move || {
            let nested = |levels| (0..levels).fold(Value::from(1i64), |inner, _| wrap(inner));
            comes_back(&nested(128));
            let error = Json::new().encode(&nested(129)).unwrap_err();
            assert!(matches!(error, EnvError::NestingTooDeep { .. }), "{error}");
        });
    }
    let levels = "128 levels";
    for (open, expected) in [
        ("[", levels),
        (r#"{"a":"#, levels),
        (r#"{"$record":[["a","#, levels),
        (r#"{"$extension":{"storage":"#, levels),
        (r#"{"$error":{"source":"#, levels),
        (r#"{"$edge":{"properties":{"a":"#, levels),
        (r#"{"$function":{"details":{"a":"#, levels),
        (r#"{"$function":{"details":"#, levels),
        (r#"{"$shared":{"value":"#, "'$shared' is not known"),
        (r#"{"$tensor":{"data":["#, "invalid type: map"),
        (r#"{"$bytes":["#, "invalid type: sequence"),
    ] {
        on_small_stack(move || {
            let error = refused(&open.repeat(100_000));
            assert!(error.contains(expected), "{open}: {error}");
        });
    }
    // Chains of cells have no limit.
    let chain = (0..5000).fold(Cell::new(1i64), |inner, _| Cell::new(inner));
    on_small_stack(move || comes_back(&chain.into()));
}

#[test]
fn an_encoder_takes_the_room_that_its_values_took_before() {
    for json in [false, true] {
        let pool = BufferPool::new(1 << 24);
        let encoder = match json {
            true => Encoder::new(Json::new(), pool.clone()),
            false => Encoder::new(Rkyv, pool.clone()),
        };
        let value = Value::vector((0..5000i64).map(|n| n * n));
        let first = encoder.encode("squares", &value).unwrap();
        let expected = encoder.codec().encode(&value).unwrap();
        assert!(first.as_bytes() == expected);
        let back = encoder.codec().decode(first.as_bytes()).unwrap();
        assert!(back.identical(&value).unwrap());
        // The first one grew: it was not known what it needs.
        let before = pool.counts();
        assert!(before.taken > 1);
        let second = encoder.encode("squares", &value).unwrap();
        assert_eq!(pool.counts().taken, before.taken + 1);
        assert!(second.as_bytes() == first.as_bytes());
        let len = expected.len() as u64;
        let of_type = encoder.statistics().get("squares").unwrap();
        assert_eq!(
            (of_type.count, of_type.bytes, of_type.largest),
            (2, 2 * len, len)
        );
    }
    let small = Encoder::new(Rkyv, BufferPool::new(8192));
    let error = small.encode("x", &Value::vector([0.5; 5000])).unwrap_err();
    assert!(matches!(error, EnvError::PoolExhausted { .. }), "{error}");
    assert_eq!(small.pool().counts().lent, 0);
    assert!(small.statistics().get("x").is_none());
}

#[test]
fn a_codec_is_found_by_its_content_type() {
    let codecs = Codecs::default();
    let known: Vec<_> = codecs.content_types().collect();
    assert_eq!(known, ["application/rkyv", "application/json"]);
    let json = codecs.get("Application/JSON; charset=utf-8").unwrap();
    assert_eq!(json.content_type(), "application/json");
    let error = codecs.get("application/cbor").unwrap_err().to_string();
    let expected =
        "no codec is known for 'application/cbor'; known are: application/rkyv, application/json";
    assert_eq!(error, expected);
    // One of the program's own takes the place of another.
    let codecs = Codecs::none()
        .with(Json::new())
        .with(Json::new().base64(true));
    assert_eq!(codecs.content_types().count(), 1);
}

#[test]
fn what_is_accepted_chooses_and_falls_back_with_a_reason() {
    let codecs = Codecs::default();
    let chosen = |accept: &str| {
        let choice = codecs.choose(accept).unwrap();
        (choice.codec.content_type().to_owned(), choice.fell_back)
    };
    let plainly = |accept: &str, expected: &str| {
        assert_eq!(chosen(accept), (expected.to_owned(), None), "{accept}");
    };
    plainly(
        "application/rkyv, application/json;q=0.5",
        "application/rkyv",
    );
    plainly(
        "application/rkyv;q=0.5, application/json",
        "application/json",
    );
    plainly("application/json, application/rkyv", "application/json");
    plainly("", "application/rkyv");
    plainly("*/*", "application/rkyv");
    plainly("*/*, application/rkyv;q=0.1", "application/json");
    plainly("application/*, application/rkyv;q=0", "application/json");
    plainly(
        "application/json, application/cbor;q=0.2",
        "application/json",
    );
    let (codec, why) = chosen("application/cbor, text/plain;q=0.9, application/json;q=0.5");
    assert_eq!(codec, "application/json");
    assert_eq!(
        why.unwrap(),
        "application/cbor, text/plain is not known here (application/rkyv, application/json are)"
    );
    let error = codecs
        .choose("application/cbor, application/json;q=0")
        .unwrap_err();
    assert!(
        matches!(error, EnvError::UnknownContentType { .. }),
        "{error}"
    );
    for q in ["2", "-1", "nan", "x", ""] {
        let error = codecs
            .choose(&format!("application/json;q={q}"))
            .unwrap_err();
        assert!(matches!(error, EnvError::Syntax { .. }), "{error}");
    }
}

#[test]
fn codecs_are_shared_between_threads() {
    let codec: Arc<dyn Codec> = Arc::clone(Codecs::default().get("application/json").unwrap());
    let encoded = std::thread::spawn(move || codec.encode(&Value::from(1i64)).unwrap());
    assert_eq!(encoded.join().unwrap(), b"1");
}

#[test]
fn a_guess_of_room_is_no_reason_to_refuse_a_value() {
    let encoder = Encoder::new(Rkyv, BufferPool::new(3 << 20));
    let large = Value::Bytes(vec![7; 1_500_000].into());
    // Values of this type take two megabytes of room.
    drop(encoder.encode("t", &large).unwrap());
    let lent = encoder.pool().take(2 << 20).unwrap();
    // One that is small has enough in what is left.
    let small = encoder.encode("t", &Value::from(1i64)).unwrap();
    assert!(small.len() < 1000);
    assert!(encoder.encode("t", &large).is_err());
    drop(lent);
}
