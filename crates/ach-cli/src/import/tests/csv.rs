//! Tables: types, notes, and what broken ones are told as.

use achronyme_env::{DType, Record, Value};
use proptest::prelude::*;

use super::super::Naming;
use super::*;

fn table(name: &str, text: impl AsRef<[u8]>) -> (Record, String) {
    let imports = read(name, text);
    assert_eq!(imports.naming, Naming::Stem);
    let note = imports.notes[0].clone();
    (only(imports).as_record().unwrap().clone(), note)
}

fn floats(record: &Record, column: &str) -> Vec<f64> {
    let tensor = record.get(column).unwrap().as_tensor().unwrap();
    tensor.as_slice::<f64>().unwrap().to_vec()
}

fn integers(record: &Record, column: &str) -> Vec<i64> {
    let tensor = record.get(column).unwrap().as_tensor().unwrap();
    tensor.as_slice::<i64>().unwrap().to_vec()
}

#[test]
fn columns_get_their_types_and_the_note_says_which() {
    let (record, note) = table("t.csv", "n,x,s,id\n1,0.5,a,007\n-2,,\"b,\n\"\"c\",8\n");
    assert_eq!(record.names().collect::<Vec<_>>(), ["n", "x", "s", "id"]);
    assert_eq!(integers(&record, "n"), [1, -2]);
    let x = floats(&record, "x");
    assert!(x[0] == 0.5 && x[1].is_nan());
    assert_eq!(strings(record.get("s").unwrap()), ["a", "b,\n\"c"]);
    assert_eq!(strings(record.get("id").unwrap()), ["007", "8"]);
    assert_eq!(
        note,
        "t.csv: 2 rows; n int64, x float64 (1 empty = NaN), s text, id text (leading zeros)"
    );
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_content() {
    let (record, _) = table("t.csv", "\u{feff}a,b\r\n1,x\r\n2,y\r\n");
    assert_eq!(integers(&record, "a"), [1, 2]);
    assert_eq!(strings(record.get("b").unwrap()), ["x", "y"]);
}

#[test]
fn options_choose_header_delimiter_and_text() {
    let options = ImportOptions {
        header: false,
        delimiter: Some(b';'),
        strings: vec!["c1".to_owned(), "absent".to_owned()],
        ..ImportOptions::default()
    };
    let imports = read_with("t.csv", "1;2\n3;4\n", &options);
    assert_eq!(imports.strings_found, ["c1"]);
    assert_eq!(
        imports.notes,
        ["t.csv: 2 rows; c0 int64, c1 text (as asked)"]
    );
    let record = only(imports);
    let record = record.as_record().unwrap();
    assert_eq!(integers(record, "c0"), [1, 3]);
    assert_eq!(strings(record.get("c1").unwrap()), ["2", "4"]);
    let (record, _) = table("t.TSV", "a\tb\n1\t2\n");
    assert_eq!(integers(&record, "b"), [2]);
}

#[test]
fn a_table_without_rows_has_empty_columns() {
    let (record, note) = table("t.csv", "a,two words\n");
    assert!(strings(record.get("a").unwrap()).is_empty());
    assert_eq!(
        note,
        "t.csv: 0 rows; a text (all empty), 'two words' text (all empty)"
    );
}

#[test]
fn broken_tables_are_told_with_the_line() {
    assert_eq!(
        refusal("t.csv", "a,b\n1,2\n\n3,4,5\n"),
        "t.csv: line 4: the row has 3 fields, but the first one has 2; \
         correct the row, or quote fields that hold the delimiter"
    );
    // Whatever ends the lines, and however many lines a quoted field has.
    for end in ["\n", "\r\n", "\r"] {
        let text = ["\u{feff}a,b", "\"x", "y\",2", "", "3,4,5", ""].join(end);
        let text = refusal("t.csv", text);
        assert!(text.contains("line 5: the row has 3 fields"), "{text}");
    }
    assert_eq!(
        refusal("t.csv", "a,b,a\n1,2,3\n"),
        "t.csv: columns 1 and 3 have the same name, 'a'; \
         rename one of them, or read the file with --no-header"
    );
    let text = refusal("t.csv", b"a,b\n1,2\n\"x\ny\",\xff\n");
    assert!(
        text.contains("field 2 of the row is not UTF-8; save the file as UTF-8"),
        "{text}"
    );
    assert!(text.contains("line 3"), "{text}");
    assert!(refusal("t.csv", b"\xff\xfea\0").contains("UTF-16"));
    assert!(refusal("t.csv", b"").contains("the file is empty"));
}

#[test]
fn a_quote_that_is_never_closed_does_not_swallow_the_rows_behind_it() {
    for text in [
        "a,b\n1,\"x\n2,y\n3,z\n",
        "a,b\n1,\"",
        "a\n\"",
        "a,b\n1,\"x\"\"\n",
        "\"a",
    ] {
        let refused = refusal("t.csv", text);
        assert!(
            refused.contains("is never closed; close it, or double it"),
            "{text}: {refused}"
        );
    }
    // Ends that look like it.
    for text in [
        "a\n\"x\"",
        "a\n\"x\n\"",
        "a\nx\"",
        "a\nE",
        "a\nE\n\n",
        "E",
        "\u{feff}a\r\nx\r\n",
    ] {
        table("t.csv", text);
    }
    let (record, _) = table("t.csv", "a\nE\nE");
    assert_eq!(strings(record.get("a").unwrap()), ["E", "E"]);
}

#[test]
fn a_row_that_never_ends_is_not_held_in_memory() {
    let mut text = b"a,b\n1,\"".to_vec();
    text.resize(18 << 20, b'x');
    let text = refusal("t.csv", text);
    assert!(
        text.contains("line 2: the row that begins here is longer than 16777216"),
        "{text}"
    );
}

#[test]
fn long_tables_go_through_scratch_room() {
    let rows = 200_000;
    let mut text = "n,s\n".to_owned();
    for n in 0..rows {
        text.push_str(&format!("{n},row {n}\n"));
    }
    let imports = read("t.csv", text);
    let record = only(imports);
    let record = record.as_record().unwrap();
    let n = integers(record, "n");
    assert!(n.len() == rows && n.iter().enumerate().all(|(index, n)| *n == index as i64));
    let Some(Value::StringArray(s)) = record.get("s") else {
        panic!("no text")
    };
    assert_eq!(s.get(199_999).unwrap(), "row 199999");
}

#[test]
fn the_example_is_read_as_its_readme_says() {
    let imports = import(&example("penguins.csv"), &ImportOptions::default()).unwrap();
    assert_eq!(
        imports.notes,
        [
            "penguins.csv: 344 rows; species text, island text, bill_length_mm float64 (2 empty = NaN), \
          bill_depth_mm float64 (2 empty = NaN), flipper_length_mm float64 (2 empty = NaN), \
          body_mass_g float64 (2 empty = NaN), sex text, year int64"
        ]
    );
    let record = only(imports);
    let record = record.as_record().unwrap();
    let year = record.get("year").unwrap().as_tensor().unwrap();
    assert_eq!((year.dtype(), year.shape()), (DType::I64, &[344][..]));
    assert_eq!(
        floats(record, "body_mass_g")
            .iter()
            .filter(|x| x.is_nan())
            .count(),
        2
    );
}

proptest! {
    #[test]
    fn text_leads_back_whatever_it_holds(
        rows in prop::collection::vec(prop::array::uniform2("[a-c0-9,;\"\r\n é😀]{0,6}"), 1..8),
    ) {
        let mut writer = ::csv::Writer::from_writer(Vec::new());
        writer.write_record(["a", "b"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let options = ImportOptions {
            strings: vec!["a".to_owned(), "b".to_owned()],
            ..ImportOptions::default()
        };
        let record = only(read_with("t.csv", writer.into_inner().unwrap(), &options));
        for (index, name) in ["a", "b"].into_iter().enumerate() {
            let column = strings(record.as_record().unwrap().get(name).unwrap());
            let written: Vec<String> = rows.iter().map(|row| row[index].clone()).collect();
            prop_assert_eq!(column, written);
        }
    }

    #[test]
    fn no_table_is_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let files = Files::new();
        let _ = import(&files.add("t.csv", bytes), &ImportOptions::default());
    }

    #[test]
    fn every_float_leads_back(numbers in prop::collection::vec(any::<f64>(), 1..20)) {
        let text: String = numbers.iter().map(|x| format!("{x:?}\n")).collect();
        let (record, _) = table("t.csv", format!("x\n{text}"));
        for (found, expected) in floats(&record, "x").iter().zip(&numbers) {
            prop_assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()));
        }
    }
}
