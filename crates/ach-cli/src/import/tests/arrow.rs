//! Tables of pyarrow's making, whole, damaged and made to harm.

use achronyme_env::arrow::arrow_array::cast::AsArray;
use achronyme_env::arrow::arrow_array::types::{Float64Type, Int64Type};
use achronyme_env::arrow::arrow_array::{Array, RecordBatch};
use achronyme_env::arrow::to_batch;
use achronyme_env::{DType, Record};

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tables")
        .join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}

fn table(name: &str) -> Imports {
    let imports = import(&fixture(name), &ImportOptions::default()).unwrap();
    assert_eq!(imports.notes, Vec::<String>::new());
    imports
}

fn batch(imports: Imports) -> RecordBatch {
    let value = only(imports);
    let batch = to_batch(value.as_record().unwrap(), &Record::new()).unwrap();
    assert_eq!(batch.findings, []);
    batch.batch
}

#[test]
fn every_type_of_pyarrow_is_there() {
    let imports = table("plain.arrow");
    let attributes = &imports.values[0].attributes;
    assert_eq!(
        attributes.get("origin").and_then(Value::as_str),
        Some("pyarrow")
    );
    assert_eq!(imports.values[0].name, "plain");
    let value = only(imports);
    let column = |name: &str| value.as_record().unwrap().get(name).unwrap().clone();
    let extension = |name: &str| match column(name) {
        Value::Extension(extension) => extension.type_name.to_string(),
        other => other.kind().to_string(),
    };
    let tensor = |name: &str| column(name).as_tensor().unwrap().clone();
    assert_eq!(tensor("i8").as_slice::<i8>().unwrap(), [1, -2, 3, 4]);
    assert_eq!(
        tensor("u64").as_slice::<u64>().unwrap(),
        [1, 2, u64::MAX, 0]
    );
    assert!(tensor("f64").as_slice::<f64>().unwrap()[1].is_nan());
    assert_eq!(tensor("f16").dtype(), DType::F16);
    assert_eq!(tensor("pair").shape(), [4, 2]);
    let kinds = [
        ("gaps", "numpy.masked"),
        ("flag", "numpy.masked"),
        ("word", "numpy.strings"),
        ("view", "numpy.strings"),
        ("raw", "vector"),
        ("city", "pandas.Categorical"),
        ("when", "numpy.datetime64"),
        ("zoned", "pandas.DatetimeTZ"),
        ("day", "numpy.datetime64"),
        ("noon", "arrow.array"),
        ("span", "numpy.timedelta64"),
        ("price", "arrow.array"),
        ("tags", "vector"),
        ("runs", "vector"),
        ("point", "record"),
        ("talk", "vector"),
    ];
    for (name, kind) in kinds {
        assert_eq!(extension(name), kind, "{name}");
    }
    let talk = column("talk").as_vector().unwrap()[0].clone();
    let said = talk.as_vector().unwrap()[0].as_record().unwrap().clone();
    assert_eq!(said.get("role").and_then(Value::as_str), Some("a"));
}

#[test]
fn compressed_or_not_the_table_is_the_same() {
    let plain = only(table("plain.arrow"));
    for name in ["zstd.arrow", "lz4.feather"] {
        assert!(plain.identical(&only(table(name))).unwrap(), "{name}");
    }
}

#[test]
fn file_stream_and_parquet_of_several_batches_are_the_same_table() {
    let twice = batch(table("twice.arrow"));
    assert_eq!(twice.num_rows(), 6);
    assert_eq!(twice, batch(table("stream.arrow")));
    for codec in ["zstd", "snappy", "gzip", "lz4", "none"] {
        let found = batch(table(&format!("{codec}.parquet")));
        assert_eq!(found.num_rows(), 6);
        for (field, column) in found.schema().fields().iter().zip(found.columns()) {
            let expected = twice.column_by_name(field.name()).unwrap();
            assert_eq!(column, expected, "{codec} {}", field.name());
        }
    }
}

#[test]
fn numbers_without_nulls_stay_in_the_file() {
    let value = only(table("twice.arrow"));
    let record = value.as_record().unwrap();
    for name in ["i8", "u64", "f64", "f16", "pair"] {
        let tensor = record.get(name).and_then(Value::as_tensor).unwrap();
        // What is read on demand is read together; memory lends any range.
        let mut byte = [0];
        tensor.read_at(tensor.byte_len() - 1, &mut byte).unwrap();
        assert!(format!("{tensor:?}").contains("6"), "{tensor:?}");
    }
    let files = Files::new();
    let path = files.add("t.arrow", bytes("twice.arrow"));
    let value = only(import(&path, &ImportOptions::default()).unwrap());
    std::fs::write(&path, b"gone").unwrap();
    let record = value.as_record().unwrap();
    let text = record
        .get("u64")
        .and_then(Value::as_tensor)
        .unwrap()
        .as_bytes()
        .unwrap_err();
    assert!(text.to_string().contains("was changed in place"), "{text}");
}

#[test]
fn the_first_bytes_decide_and_not_the_name() {
    for (name, other) in [
        ("none.parquet", "t.arrow"),
        ("plain.arrow", "t.parquet"),
        ("stream.arrow", "t.feather"),
        ("plain.arrow", "t.bin"),
        ("none.parquet", "t"),
    ] {
        assert_eq!(
            read(other, bytes(name)).values[0].name,
            "t",
            "{name} as {other}"
        );
    }
    assert!(refusal("a.arrow", "").contains("the file is empty"));
    assert!(refusal("a.arrow", "col1,col2\n1,2\n").contains("begins neither as an Arrow nor"));
    assert!(refusal("a.feather", "FEA1....FEA1").contains("Feather file of version 1"));
    assert!(refusal("a.arrow", "ARROW1\0\0").contains("does not end as an Arrow file"));
    assert!(refusal("a.parquet", "PAR1").contains("cannot be read"));
}

#[test]
fn a_table_that_goes_through_a_temporary_file_is_the_same() {
    use achronyme_env::arrow::arrow_array::{Float64Array, LargeStringArray};
    use achronyme_env::arrow::arrow_schema::{DataType, Field, Schema};
    use std::sync::Arc;
    // More than stays in memory: 20 million doubles, of which Parquet stores one.
    let rows = 20_000_000;
    let schema = Arc::new(Schema::new(vec![
        Field::new("x", DataType::Float64, false),
        Field::new("s", DataType::LargeUtf8, false),
    ]));
    let dir = Files::new();
    let path = dir.0.path().join("big.parquet");
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ::parquet::arrow::ArrowWriter::try_new(file, schema.clone(), None).unwrap();
    let step = 1_000_000;
    for _ in 0..rows / step {
        let x = Float64Array::from(vec![1.5; step]);
        let s = LargeStringArray::from_iter_values((0..step).map(|_| "a"));
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(x), Arc::new(s)]).unwrap();
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    let options = ImportOptions {
        scratch_directory: Some(dir.0.path().to_path_buf()),
        ..ImportOptions::default()
    };
    let value = only(import(&path, &options).unwrap());
    let batch = to_batch(value.as_record().unwrap(), &Record::new())
        .unwrap()
        .batch;
    assert_eq!(batch.num_rows(), rows);
    let x = batch.column(0).as_primitive::<Float64Type>();
    assert!(x.values().iter().all(|x| *x == 1.5));
    assert_eq!(batch.column(1).as_string::<i64>().value(rows - 1), "a");

    let options = ImportOptions {
        max_member_bytes: 1 << 20,
        ..options
    };
    let text = import(&path, &options).unwrap_err().to_string();
    assert!(
        text.contains("it becomes more than 1048576 bytes"),
        "{text}"
    );
}

#[test]
fn gaps_are_nulls_on_the_way_back() {
    let batch = batch(table("plain.arrow"));
    let gaps = batch
        .column_by_name("gaps")
        .unwrap()
        .as_primitive::<Int64Type>();
    assert_eq!(
        gaps.iter().collect::<Vec<_>>(),
        [Some(1), None, Some(3), None]
    );
    for name in [
        "flag", "word", "view", "raw", "city", "when", "zoned", "day", "span", "price",
    ] {
        assert_eq!(
            batch.column_by_name(name).unwrap().null_count(),
            1,
            "{name}"
        );
    }
}

/// Imports damaged bytes and reads all that comes out.
fn survives(name: &str, bytes: &[u8]) {
    let files = Files::new();
    let path = files.add(name, bytes);
    if let Ok(imports) = import(&path, &ImportOptions::default()) {
        for imported in &imports.values {
            // Values may be wrong; they must be values.
            let record = imported.value.as_record().unwrap();
            let _ = to_batch(record, &Record::new());
        }
    }
}

const DAMAGED: [&str; 6] = [
    "plain.arrow",
    "stream.arrow",
    "zstd.arrow",
    "lz4.feather",
    "none.parquet",
    "zstd.parquet",
];

/// Every `step`th byte of a file is changed, one at a time.
fn flipped(name: &str, step: usize) {
    let whole = bytes(name);
    for at in (0..whole.len()).step_by(step) {
        let mut damaged = whole.clone();
        damaged[at] ^= [0xff, 0x80, 0x01][at % 3];
        survives(name, &damaged);
    }
}

#[test]
fn any_byte_of_an_arrow_file_may_be_wrong() {
    flipped("plain.arrow", 1);
    for name in ["stream.arrow", "zstd.arrow", "lz4.feather"] {
        flipped(name, 5);
    }
}

#[test]
fn any_byte_of_a_parquet_file_may_be_wrong() {
    flipped("zstd.parquet", 1);
    flipped("none.parquet", 5);
}

#[test]
fn any_end_may_be_missing() {
    for name in DAMAGED {
        let whole = bytes(name);
        for end in (0..whole.len()).step_by(7) {
            let files = Files::new();
            let path = files.add(name, &whole[..end]);
            // A stream may end after any of its messages.
            let found = import(&path, &ImportOptions::default());
            assert!(
                found.is_err() || name == "stream.arrow",
                "{name} cut at {end}"
            );
        }
    }
}

#[test]
fn a_message_of_many_gigabytes_that_is_not_there_is_an_error() {
    // The length of the body of the last block in the footer, and of the first buffer.
    let mut bytes = bytes("stream.arrow");
    let at = bytes.windows(4).position(|mark| mark == [0xff; 4]).unwrap();
    bytes[at + 4..at + 8].copy_from_slice(&0x7fff_fff0_u32.to_le_bytes());
    let files = Files::new();
    let path = files.add("a.arrow", &bytes);
    let text = import(&path, &ImportOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("begins neither") || text.contains("cut short"),
        "{text}"
    );
}
