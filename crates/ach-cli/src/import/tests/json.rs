//! JSON: names, numbers, and where a text goes wrong.

use achronyme_env::Value;
use proptest::prelude::*;

use super::super::Naming;
use super::*;

#[test]
fn keys_at_the_top_become_names_in_order() {
    let imports = read(
        "a.json",
        "\u{feff}{\"b\": 1, \"a\": {\"x\": [null, true, -2.5, \"t\"]}}",
    );
    assert_eq!(imports.naming, Naming::Members);
    let names: Vec<&str> = imports.values.iter().map(|v| &*v.name).collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(imports.values[0].value.as_i64(), Some(1));
    let x = imports.values[1]
        .value
        .as_record()
        .unwrap()
        .get("x")
        .unwrap();
    let x = x.as_vector().unwrap();
    assert!(matches!(x[0], Value::Null));
    assert_eq!(x[1].as_bool(), Some(true));
    assert_eq!(x[2].as_f64(), Some(-2.5));
    assert_eq!(x[3].as_str(), Some("t"));
}

#[test]
fn anything_else_is_one_value_under_the_stem() {
    let imports = read("run.v2.json", "[1, 2]");
    assert_eq!(
        (imports.naming, &*imports.values[0].name),
        (Naming::Stem, "run.v2")
    );
    assert_eq!(only(imports).as_vector().map(<[_]>::len), Some(2));
    assert_eq!(
        only(read("a.json", " \"\\u0041\\ud83d\\ude00\" ")).as_str(),
        Some("A😀")
    );
    let empty = read("a.json", "{}");
    assert_eq!(empty.values.len(), 0);
    assert_eq!(
        empty.notes,
        ["a.json: an object without keys, so without values"]
    );
}

#[test]
fn an_integer_beyond_64_bits_is_not_rounded() {
    let Value::Extension(big) = only(read("a.json", "123456789012345678901234567890")) else {
        panic!("not an extension")
    };
    assert_eq!(big.storage.as_str(), Some("123456789012345678901234567890"));
}

#[test]
fn a_key_given_twice_is_an_error_with_its_path_and_place() {
    assert_eq!(
        refusal("a.json", "{\"a\": 1,\n \"a\": 2}"),
        "a.json: 'a' (line 2, column 7): the key is given twice in one object; \
         give one of them another name"
    );
    let text = refusal(
        "a.json",
        "{\"runs\": [{}, {\"loss\": 1, \"l\\u006fss\": 2}]}",
    );
    assert!(
        text.contains("'runs[1].loss' (line 1, column 40): the key is given twice"),
        "{text}"
    );
}

#[test]
fn nesting_ends_at_the_same_level_as_in_the_archive() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    read("a.json", nested(128));
    read("a.json", format!("{{\"k\": {}}}", nested(128)));
    let text = refusal("a.json", nested(129));
    assert!(
        text.contains("nested deeper than 128 levels; flatten it"),
        "{text}"
    );
    assert!(text.contains("line 1, column 129"), "{text}");
    let text = refusal("a.json", "[".repeat(1_000_000));
    assert!(text.contains("not JSON"), "{text}");
    let text = refusal("a.json", nested(500_000));
    assert!(text.contains("nested deeper than 128 levels"), "{text}");
}

#[test]
fn what_is_not_json_is_told_with_line_and_column() {
    assert_eq!(
        refusal("a.json", "{\n  \"a\": tru\n}"),
        "a.json: line 2, column 11: not JSON: expected ident; correct the text"
    );
    let text = refusal("a.json", "{\"loss\": NaN}");
    assert!(
        text.contains("NaN and Infinity are not JSON; write null"),
        "{text}"
    );
    let text = refusal("a.json", "[1, -Infinity]");
    assert!(text.contains("NaN and Infinity are not JSON"), "{text}");
    assert!(refusal("a.json", "").contains("the file is empty; write at least null"));
    assert!(refusal("a.json", "[1] x").contains("trailing characters"));
    let text = refusal("a.json", "[\n1, 1e400]");
    assert!(
        text.contains("'[1]' (line 2, column 4): the number 1e400 is too large"),
        "{text}"
    );
    let text = refusal("a.json", "{\"a\":\n [\"\\ud800\"]}");
    assert!(
        text.contains("line 2") && text.contains("hex escape"),
        "{text}"
    );
    let text = refusal("a.json", b"[\n\"\xff\"]");
    assert!(text.contains("line 2: the text is not UTF-8"), "{text}");
}

#[test]
fn a_key_that_is_too_long_to_be_a_name_is_refused() {
    let text = refusal("a.json", format!("{{\"{}\": 1}}", "k".repeat(4097)));
    assert!(
        text.contains("has 4097 bytes; a name may have 4096"),
        "{text}"
    );
    // Inside a value it is no name.
    read(
        "a.json",
        format!("{{\"v\": {{\"{}\": 1}}}}", "k".repeat(4097)),
    );
}

#[test]
fn the_example_is_read() {
    let imports = import(&example("run.json"), &ImportOptions::default()).unwrap();
    assert!(imports.values.len() > 5);
    assert_eq!(imports.values[0].name, "name");
    assert_eq!(imports.values[0].value.as_str(), Some("digits-mlp"));
}

proptest! {
    #[test]
    fn no_text_is_a_panic(text in "[{}\\[\\]:,\"\\\\udD8-9eE.+ \nNaé-]{0,80}") {
        let files = Files::new();
        let _ = import(&files.add("a.json", text), &ImportOptions::default());
    }
}
