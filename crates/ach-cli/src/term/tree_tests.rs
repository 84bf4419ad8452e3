//! Trees as they look, and what no value may do to a terminal.

use achronyme_env::limits::MAX_NESTING;
use achronyme_env::{
    Cell, DType, Edge, ErrorValue, Extension, Function, Order, Record, Scope, StringArray, Tensor,
    Typed, UserFunction, Value,
};
use proptest::prelude::*;

use super::layout::{Segment, draw};
use super::size::Sizes;
use super::table::{Align, Table, TableCell};
use super::text::tests::shown;
use super::{Paint, Screen, json};

fn extension(type_name: &str, parameters: Value, storage: impl Into<Value>) -> Value {
    Value::from(Extension {
        type_name: type_name.into(),
        parameters,
        storage: storage.into(),
    })
}

#[test]
fn a_record_is_an_indented_tree() {
    let record = Record::from([
        ("lr", Value::Number(0.001)),
        ("name", Value::from("adam")),
        ("betas", Value::vector([0.9, 0.999])),
        (
            "weights",
            Tensor::from_vec(vec![0f32; 640], [64, 10]).unwrap().into(),
        ),
        (
            "bias",
            Tensor::from_vec((0..100).map(f64::from).collect(), [100])
                .unwrap()
                .into(),
        ),
        ("empty", Record::new().into()),
        ("inner", Record::from([("a", 1i64)]).into()),
        (
            "",
            Value::vector([Value::Null, Value::from(Record::from([("b", true)]))]),
        ),
    ]);
    assert_eq!(
        shown(record),
        "record, 8 fields
  lr       0.001
  name     'adam'
  betas    [0.9, 0.999]
  weights  float32 (64, 10)  2.5 KiB
  bias     float64 (100,)  800 B  [ 0.  1.  2. ... 97. 98. 99.]
  empty    {}
  inner    record, 1 field
    a  1
  ''       vector, 2 elements
    [0]  null
    [1]  record, 1 field
      b  true
"
    );
}

#[test]
fn long_records_and_vectors_are_elided() {
    let record: Record = (0..1000).map(|n| (format!("k{n}"), i64::from(n))).collect();
    let text = shown(record);
    assert_eq!(text.lines().count(), 52);
    assert!(text.ends_with("\n  ... 950 more\n"), "{text}");
    let vector = Value::vector(0..1000i64);
    assert!(shown(vector).ends_with("  [49]  49\n  ... 950 more\n"));
}

#[test]
fn the_deepest_value_a_file_may_hold_is_shown_whole() {
    let mut value = Value::from("deep");
    for level in 0..MAX_NESTING {
        value = match level % 3 {
            0 => Record::from([("r", value)]).into(),
            1 => Value::vector([value, Value::Null]),
            _ => Cell::new(value).into(),
        };
    }
    // The smallest stack the library promises to work on.
    let thread = std::thread::Builder::new().stack_size(512 * 1024);
    let text = thread.spawn(move || shown(value)).unwrap().join().unwrap();
    assert!(text.contains("'deep'"), "{text}");
}

#[test]
fn a_value_that_multiplies_itself_ends() {
    let mut value = Value::vector([Value::from(Record::from([("x", 1i64)]))]);
    for _ in 0..60 {
        value = Value::vector([value.clone(), value]);
    }
    let text = shown(value);
    assert!(text.ends_with("... cut after 10000 lines; ask for a part by its path\n"));
}

#[test]
fn a_cell_that_holds_itself_ends() {
    let cell = Cell::new(1i64);
    assert_eq!(shown(cell.clone()), "mut 1\n");
    cell.set(Record::from([("me", cell.clone())]));
    assert_eq!(
        shown(cell.clone()),
        "mut record, 1 field\n  me  mut <itself>\n"
    );
    cell.set(());
}

#[test]
fn the_values_of_a_language_are_told_in_one_line() {
    let edge = |directed, properties| Edge {
        from: "a".into(),
        to: "b".into(),
        directed,
        properties,
    };
    assert_eq!(shown(edge(false, Record::new())), "a -- b\n");
    assert_eq!(
        shown(edge(true, Record::from([("weight", 0.5)]))),
        "a -> b {weight: 0.5}\n"
    );
    let error = ErrorValue {
        message: "no such file".into(),
        kind: Some("io".into()),
        source: None,
    };
    assert_eq!(shown(error.clone()), "<error io: no such file>\n");
    let outer = ErrorValue {
        message: "cannot load".into(),
        kind: None,
        source: Some(error.into()),
    };
    assert_eq!(
        shown(outer),
        "<error: cannot load>\n  caused by  <error io: no such file>\n"
    );
    let typed = Typed {
        type_name: "game.State".into(),
        version: 3,
        alignment: 8,
        fingerprint: 0,
        bytes: Tensor::from_vec(vec![0u8; 120], [120]).unwrap(),
    };
    assert_eq!(shown(typed), "<typed game.State v3, 120 bytes>\n");
}

#[test]
fn known_extensions_are_shown_as_what_they_are() {
    let digits = "-123456789012345678901234567890";
    assert_eq!(
        shown(extension("integer", Value::Null, digits)),
        format!("{digits}\n")
    );
    let unit = Record::from([("unit", "D")]).into();
    assert_eq!(
        shown(extension("datetime64", unit, 19_723i64)),
        "2024-01-01\n"
    );
    assert_eq!(
        shown(extension("datetime64", Value::from("generic"), 5i64)),
        "<datetime64>\n  parameters  'generic'\n  storage     5\n"
    );
    assert_eq!(
        shown(extension("date", Value::Null, "2024-01-01")),
        "<date> '2024-01-01'\n"
    );
}

/// The texts of the arrays were printed by NumPy.
#[test]
fn arrays_of_dates_are_as_numpy_prints_them() {
    let times = |type_name, unit: Value, counts: Vec<i64>| {
        let length = counts.len() as u64;
        extension(type_name, unit, Tensor::from_vec(counts, [length]).unwrap())
    };
    let days = times("datetime64", "D".into(), vec![0, 5, i64::MIN]);
    let text = "['1970-01-01' '1970-01-06'        'NaT']";
    let head = "datetime64[D] (3,)  24 B";
    assert_eq!(shown(days.clone()), format!("{head}\n{text}\n"));
    assert_eq!(
        shown(Record::from([("t", days)])),
        format!("record, 1 field\n  t  {head}  {text}\n")
    );
    let unit = Record::from([("unit", Value::from("s")), ("count", Value::from(25i64))]);
    assert_eq!(
        shown(times("datetime64", unit.into(), vec![0, 5])),
        "datetime64[25s] (2,)  16 B\n['1970-01-01T00:00:00' '1970-01-01T00:02:05']\n"
    );
    assert_eq!(
        shown(times("timedelta64", "s".into(), vec![10, -5, 100])),
        "timedelta64[s] (3,)  24 B\n[ 10  -5 100]\n"
    );
    let far = times("datetime64", "Y".into(), vec![1 << 40]);
    assert!(shown(far).contains("[1099511627776]"));
}

#[test]
fn one_byte_floats_are_raw_bytes_and_say_so() {
    let t = Tensor::from_bytes(DType::F8E5M2, [2], Order::C, &[0, 255]).unwrap();
    assert_eq!(
        shown(t),
        "float8_e5m2 (2,)  2 B  shown as raw bytes\n[0x00 0xff]\n"
    );
}

/// `text` in every place of a value where text can be.
fn everywhere(text: &str) -> Value {
    let record = Record::from([(text, Value::from(text))]);
    let strings = StringArray::new([text, text], [2]).unwrap();
    let function = UserFunction {
        name: Some(text.into()),
        parameters: vec![text.into()],
        details: record.clone(),
        source: text.into(),
        scope: Some(Scope::new(record.clone())),
    };
    let edge = |properties| Edge {
        from: text.into(),
        to: text.into(),
        directed: true,
        properties,
    };
    let error = |source| ErrorValue {
        message: text.into(),
        kind: Some(text.into()),
        source,
    };
    Value::vector([
        Value::from(text),
        record.clone().into(),
        strings.into(),
        function.into(),
        Function::Builtin { name: text.into() }.into(),
        edge(record.clone()).into(),
        edge(Record::from([(text, record.clone())])).into(),
        error(Some(text.into())).into(),
        error(None).into(),
        extension(text, Value::Null, text),
        extension(text, text.into(), text),
        extension("integer", Value::Null, text),
        extension("datetime64", text.into(), 5i64),
        extension(
            "timedelta64",
            text.into(),
            Tensor::from_vec(vec![1i64], [1]).unwrap(),
        ),
        Cell::new(text).into(),
        Value::Bytes(text.as_bytes().into()),
        Value::from(Typed {
            type_name: text.into(),
            version: 1,
            alignment: 1,
            fingerprint: 0,
            bytes: Tensor::from_vec(vec![1u8], [1]).unwrap(),
        }),
    ])
}

fn harmless(text: &str) -> bool {
    text.lines()
        .all(|line| achronyme_env::escape_for_terminal(line) == line)
}

proptest! {
    #[test]
    fn no_text_anywhere_reaches_the_terminal_unescaped(
        text in "(\\PC|[\\x00-\\x1f\\x7f-\\x9f]|[\u{200e}\u{202a}-\u{202e}\u{2066}-\u{2069}]|['\"\\\\]){0,40}",
    ) {
        let value = everywhere(&text);
        let printed = shown(value.clone());
        prop_assert!(harmless(&printed), "{printed:?}");
        for part in value.as_vector().unwrap() {
            prop_assert!(harmless(&shown(part.clone())), "{part:?}");
        }

        let mut out = Vec::new();
        json::write(&value, &mut out).unwrap();
        let written = String::from_utf8(out).unwrap();
        prop_assert!(!written.contains('\n') && harmless(&written), "{written:?}");
        let read: serde_json::Value = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(read[0].as_str(), Some(&*text));

        let mut out = Vec::new();
        let mut table = Table::new([("name", Align::Left)]);
        table.row(vec![TableCell::new(Paint::Name, &text)]);
        let narrow = Screen { terminal: true, ..Screen::plain(20) };
        table.write(&narrow, &mut out).unwrap();
        let segment = Segment { label: text, offset: 0, length: 1 };
        draw(&[segment], 1, Sizes::Short, &narrow, &mut out).unwrap();
        let written = String::from_utf8(out).unwrap();
        prop_assert!(harmless(&written), "{written:?}");
        prop_assert_eq!(written.lines().count(), 5);
    }
}
