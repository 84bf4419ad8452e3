//! Promise (feature `arrow`): a record of columns is an Arrow record batch over the same memory, and
//! the other way round; types and nulls come back; what is not kept is told.
#![cfg(feature = "arrow")]

use std::sync::Arc;

use achronyme_env::arrow::arrow_array::builder::{
    FixedSizeBinaryBuilder, Int32Builder, LargeListBuilder, ListBuilder, MapBuilder, StringBuilder,
    StringViewBuilder,
};
use achronyme_env::arrow::arrow_array::cast::AsArray;
use achronyme_env::arrow::arrow_array::types::*;
use achronyme_env::arrow::arrow_array::*;
use achronyme_env::arrow::arrow_buffer::{
    BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer,
};
use achronyme_env::arrow::arrow_schema::{DataType, Field, Schema, TimeUnit, UnionFields};
use achronyme_env::arrow::{ArrowLimits, from_batches, from_batches_within, to_batch};
use achronyme_env::{
    Archive, Axis, BF16, Complex64, Complex128, DType, Element, Extension, F8E4M3, F8E5M2, F16,
    Order, Outcome, Record, SaveOptions, Slice, StringArray, Tensor, Value, save,
};

/// A batch of one nullable column.
fn batch(array: impl Array + 'static) -> RecordBatch {
    let array: ArrayRef = Arc::new(array);
    let field = Field::new("c", array.data_type().clone(), true);
    RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![array]).unwrap()
}

/// The column of a batch as a value.
fn value(batch: &RecordBatch) -> Value {
    let table = from_batches(&batch.schema(), std::slice::from_ref(batch)).unwrap();
    assert_eq!(table.findings, []);
    table.record.get("c").unwrap().clone()
}

/// The array that a value is a column of.
fn array(value: &Value) -> ArrayRef {
    let record = Record::from([("c", value.clone())]);
    let table = to_batch(&record, &Record::new()).unwrap();
    assert_eq!(table.findings, []);
    table.batch.column(0).clone()
}

/// The same value after a save and an open.
fn saved(value: &Value) -> Value {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    save(&path, [("c", value.clone())], &SaveOptions::new()).unwrap();
    let loaded = Archive::open(&path).unwrap().get("c").unwrap();
    assert!(loaded.identical(value).unwrap(), "{value:?}");
    loaded
}

/// Comes back as the very array, through a file too.
#[track_caller]
fn comes_back(array_of: impl Array + 'static) -> Value {
    let expected: ArrayRef = Arc::new(array_of);
    comes_back_as(&expected, &expected)
}

#[track_caller]
fn comes_back_as(given: &ArrayRef, expected: &ArrayRef) -> Value {
    let value = value(&batch(make_array(given.to_data())));
    let back = array(&saved(&value));
    assert_eq!(back.data_type(), expected.data_type());
    assert_eq!(&back, expected);
    back.to_data().validate_full().unwrap();
    value
}

fn extension(value: &Value) -> &Extension {
    match value {
        Value::Extension(extension) => extension,
        other => panic!("no extension: {other:?}"),
    }
}

fn part<'v>(record: &'v Value, name: &str) -> &'v Value {
    record
        .as_record()
        .and_then(|record| record.get(name))
        .unwrap()
}

#[test]
fn a_tensor_is_the_memory_of_its_column_there_and_back() {
    fn check<T: Element>(elements: Vec<T>) {
        let count = elements.len() as u64;
        let at = elements.as_ptr().addr();
        let tensor = Tensor::from_vec(elements, [count]).unwrap();
        let record = Record::from([("c", Value::from(tensor))]);
        let table = to_batch(&record, &Record::new()).unwrap();
        assert_eq!(table.findings, []);
        drop(record);
        let data = table.batch.column(0).to_data();
        let data = data.child_data().first().cloned().unwrap_or(data);
        assert_eq!(data.buffers()[0].as_ptr().addr(), at, "{}", T::DTYPE);
        let back = value(&table.batch);
        drop((data, table));
        let back = back.as_tensor().unwrap();
        assert_eq!((back.dtype(), back.shape()), (T::DTYPE, &[count][..]));
        assert_eq!(back.as_bytes().unwrap().as_ptr().addr(), at, "{}", T::DTYPE);
    }
    check(vec![1i8, -2]);
    check(vec![1i16, -2]);
    check(vec![1i32, -2]);
    check(vec![1i64, -2]);
    check(vec![1u8, 2]);
    check(vec![1u16, 2]);
    check(vec![1u32, 2]);
    check(vec![1u64, u64::MAX]);
    check(vec![F16(0x3c00), F16(0x7e00)]);
    check(vec![BF16(0x3f80), BF16(0)]);
    check(vec![1.5f32, f32::NAN]);
    check(vec![1.5f64, -0.0]);
    check(vec![F8E4M3(1), F8E4M3(255)]);
    check(vec![F8E5M2(1), F8E5M2(255)]);
    check(vec![Complex64 { re: 1.0, im: -1.0 }; 3]);
    check(vec![Complex128::new(1.0, -1.0); 3]);
}

#[test]
#[allow(unsafe_code)]
fn a_mapped_archive_lends_its_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.ach");
    let tensor = Tensor::from_vec((0..5000).map(f64::from).collect(), [5000]).unwrap();
    let names = StringArray::new((0..5000).map(|n| n.to_string()), [5000]).unwrap();
    let record = Record::from([("x", Value::from(tensor)), ("name", names.into())]);
    save(&path, [("t", Value::from(record))], &SaveOptions::new()).unwrap();
    // SAFETY: nobody else knows the file.
    let archive = unsafe { Archive::open_mmap(&path) }.unwrap();
    let record = archive.get("t").unwrap().as_record().unwrap().clone();
    let tensor = record.get("x").and_then(Value::as_tensor).unwrap();
    let at = tensor.as_bytes().unwrap().as_ptr();
    let batch = to_batch(&record, &Record::new()).unwrap().batch;
    assert_eq!(batch.column(0).to_data().buffers()[0].as_ptr(), at);
    let Some(Value::StringArray(strings)) = record.get("name") else {
        panic!("no strings")
    };
    let text = strings.bytes().as_bytes().unwrap().as_ptr();
    assert_eq!(batch.column(1).as_string::<i64>().values().as_ptr(), text);
    drop((record, archive));
    // The batch keeps the map.
    assert_eq!(
        batch.column(0).as_primitive::<Float64Type>().value(4999),
        4999.0
    );
    assert_eq!(batch.column(1).as_string::<i64>().value(4999), "4999");
}

#[test]
fn arrays_of_several_dimensions_are_lists_of_fixed_size_over_the_same_memory() {
    let elements: Vec<f32> = (0..24).map(|n| n as f32).collect();
    let at = elements.as_ptr();
    let tensor = Tensor::from_vec(elements, [2, 3, 4]).unwrap();
    let column = array(&tensor.clone().into());
    let rows = column.as_fixed_size_list();
    assert_eq!((rows.len(), rows.value_length()), (2, 3));
    let back = value(&batch(rows.clone()));
    let back = back.as_tensor().unwrap();
    assert_eq!(back.shape(), [2, 3, 4]);
    assert_eq!(back.as_slice::<f32>().unwrap().as_ptr(), at);
    // A slice of rows is a slice of the memory.
    let second = value(&batch(rows.slice(1, 1)));
    let second = second.as_tensor().unwrap();
    assert_eq!(second.shape(), [1, 3, 4]);
    assert_eq!(second.as_slice::<f32>().unwrap()[0], 12.0);

    let elements: Vec<i32> = (0..6).collect();
    let fortran = Tensor::from_vec_in_order(elements, [2, 3], Order::Fortran).unwrap();
    let back = value(&batch(array(&fortran.into()).as_fixed_size_list().clone()));
    assert_eq!(
        back.as_tensor().unwrap().as_slice::<i32>().unwrap(),
        [0, 2, 4, 1, 3, 5]
    );

    let empty = Tensor::from_vec(Vec::<i8>::new(), [3, 0]).unwrap();
    let back = value(&batch(array(&empty.into()).as_fixed_size_list().clone()));
    assert_eq!(back.as_tensor().unwrap().shape(), [3, 0]);
    let complex = Tensor::from_vec(vec![Complex128::new(1.0, 2.0); 6], [3, 2]).unwrap();
    let back = value(&batch(array(&complex.into()).as_fixed_size_list().clone()));
    let back = back.as_tensor().unwrap();
    assert_eq!(
        (back.dtype(), back.shape()),
        (DType::Complex128, &[3, 2][..])
    );
    let words = StringArray::new(["a", "b", "c", "d"], [2, 2]).unwrap();
    let column = array(&words.into());
    let Value::StringArray(back) = value(&batch(column.as_fixed_size_list().clone())) else {
        panic!("no strings")
    };
    assert_eq!((back.shape(), back.get(2).unwrap()), (&[2, 2][..], "c"));
}

#[test]
fn integers_keep_their_nulls_and_never_become_numbers() {
    let value = comes_back(Int64Array::from(vec![Some(i64::MAX), None, Some(0)]));
    let masked = extension(&value);
    assert_eq!(&*masked.type_name, "numpy.masked");
    let data = part(&masked.storage, "data").as_tensor().unwrap();
    assert_eq!(data.dtype(), DType::I64);
    let mask = part(&masked.storage, "mask").as_tensor().unwrap();
    assert_eq!(mask.as_slice::<bool>().unwrap(), [false, true, false]);
    comes_back(Int8Array::from(vec![None, Some(-1)]));
    comes_back(UInt64Array::from(vec![Some(u64::MAX), None]));
    comes_back(Float32Array::from(vec![None, Some(f32::INFINITY)]));
    comes_back(Float64Array::from(vec![None::<f64>; 3]));
    comes_back(BooleanArray::from(vec![Some(true), None, Some(false)]));
    comes_back(Float16Array::from_iter([None, Some(half(1.5))]));
}

/// All rows from one on.
fn from_row(start: i64) -> Slice {
    Slice::new([Axis::Range {
        start: Some(start),
        stop: None,
        step: 1,
    }])
}

fn half(x: f32) -> <Float16Type as ArrowPrimitiveType>::Native {
    <Float16Type as ArrowPrimitiveType>::Native::from_f32(x)
}

#[test]
fn booleans_are_bits_there_and_bytes_here() {
    let bits: Vec<bool> = (0..77).map(|n| n % 3 == 0).collect();
    let value = comes_back(BooleanArray::from(bits.clone()));
    assert_eq!(value.as_tensor().unwrap().as_slice::<bool>().unwrap(), bits);
}

#[test]
fn texts_of_every_layout_come_back_and_their_bytes_stay() {
    let words = ["", "é", "a longer one than twelve bytes", "z"];
    let large: ArrayRef = Arc::new(LargeStringArray::from_iter_values(words));
    let value = comes_back_as(&large, &large);
    let Value::StringArray(strings) = &value else {
        panic!("no strings: {value:?}")
    };
    let at = large.as_string::<i64>().values().as_ptr();
    let shared = self::value(&batch(large.as_string::<i64>().clone()));
    let Value::StringArray(shared) = &shared else {
        panic!("no strings")
    };
    assert_eq!(shared.bytes().as_bytes().unwrap().as_ptr(), at);
    let offsets = large.as_string::<i64>().offsets().as_ptr().addr();
    assert_eq!(
        shared.offsets().as_bytes().unwrap().as_ptr().addr(),
        offsets
    );
    assert_eq!(strings.get(2).unwrap(), words[2]);

    let small: ArrayRef = Arc::new(arrow_strings(&words));
    comes_back_as(&small, &large);
    let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(words));
    comes_back_as(&views, &large);
    comes_back_as(&small.slice(1, 2), &large.slice(1, 2));
    comes_back_as(&large.slice(1, 2), &large.slice(1, 2));

    let gaps = [Some("a"), None, Some(""), None];
    let large: ArrayRef = Arc::new(LargeStringArray::from_iter(gaps));
    let value = comes_back_as(&large, &large);
    let strings = extension(&value);
    assert_eq!(&*strings.type_name, "numpy.strings");
    assert!(matches!(part(&strings.parameters, "na"), Value::Null));
    let views: ArrayRef = Arc::new(StringViewArray::from_iter(gaps));
    comes_back_as(&views, &large);
}

fn arrow_strings(words: &[&str]) -> achronyme_env::arrow::arrow_array::StringArray {
    words.to_vec().into()
}

#[test]
fn bytes_are_a_vector_of_them() {
    let bytes = [Some(&b"\x00\xff"[..]), None, Some(b"")];
    let large: ArrayRef = Arc::new(LargeBinaryArray::from_iter(bytes));
    let value = comes_back_as(&large, &large);
    assert!(matches!(&value.as_vector().unwrap()[0], Value::Bytes(b) if **b == [0, 255]));
    comes_back_as(
        &(Arc::new(BinaryArray::from_iter(bytes)) as ArrayRef),
        &large,
    );
    comes_back_as(
        &(Arc::new(BinaryViewArray::from_iter(bytes)) as ArrayRef),
        &large,
    );
}

#[test]
fn times_are_those_of_numpy_and_keep_their_memory() {
    let stamps = TimestampMicrosecondArray::from(vec![0, 1_700_000_000_000_000, -1]);
    let at = stamps.values().as_ptr().addr();
    let value = value(&batch(stamps.clone()));
    let times = extension(&value);
    assert_eq!(&*times.type_name, "numpy.datetime64");
    assert_eq!(part(&times.parameters, "unit").as_str(), Some("us"));
    assert_eq!(part(&times.parameters, "count").as_i64(), Some(1));
    let tensor = times.storage.as_tensor().unwrap();
    assert_eq!(tensor.as_bytes().unwrap().as_ptr().addr(), at);
    assert_eq!(array(&value).to_data().buffers()[0].as_ptr().addr(), at);
    comes_back(stamps);
    comes_back(TimestampSecondArray::from(vec![Some(1), None]));
    comes_back(TimestampMillisecondArray::from(vec![Some(1), None]));
    comes_back(TimestampNanosecondArray::from(vec![Some(1), None]));
    comes_back(Date32Array::from(vec![
        Some(19_000),
        None,
        Some(-1),
        Some(i32::MIN),
    ]));
    comes_back(DurationNanosecondArray::from(vec![Some(1), None]));
    comes_back(DurationSecondArray::from(vec![1, 2]));
    let zoned = TimestampNanosecondArray::from(vec![Some(1), None]).with_timezone("Europe/Berlin");
    let value = comes_back(zoned);
    assert_eq!(&*extension(&value).type_name, "pandas.DatetimeTZ");
    comes_back(TimestampSecondArray::from(vec![1, 2]).with_timezone("+07:30"));
}

#[test]
fn units_of_numpy_that_arrow_has_not_are_counted_out_or_told() {
    let of = |unit: &str, count: i64, times: Vec<i64>| {
        let parameters = Record::from([("unit", Value::from(unit)), ("count", count.into())]);
        let rows = times.len() as u64;
        Value::from(Extension {
            type_name: "numpy.datetime64".into(),
            parameters: parameters.into(),
            storage: Tensor::from_vec(times, [rows]).unwrap().into(),
        })
    };
    let hours = array(&of("h", 2, vec![1, i64::MIN]));
    assert_eq!(
        &hours,
        &(Arc::new(TimestampSecondArray::from(vec![Some(7200), None])) as ArrayRef)
    );
    let weeks = array(&of("W", 1, vec![2]));
    assert_eq!(&weeks, &(Arc::new(Date32Array::from(vec![14])) as ArrayRef));
    let far = array(&of("D", 1, vec![i64::from(i32::MAX) + 1]));
    assert_eq!(
        far.data_type(),
        &DataType::Timestamp(TimeUnit::Second, None)
    );
    for lost in [of("M", 1, vec![1]), of("h", 1, vec![i64::MAX])] {
        let table = to_batch(&Record::from([("c", lost)]), &Record::new()).unwrap();
        assert_eq!(
            table.findings[0].outcome,
            Outcome::Lost,
            "{:?}",
            table.findings
        );
    }
}

#[test]
fn types_that_only_arrow_has_come_back() {
    comes_back(Date64Array::from(vec![Some(1), None]));
    comes_back(Time32SecondArray::from(vec![1, 2]));
    comes_back(Time32MillisecondArray::from(vec![Some(1), None]));
    comes_back(Time64MicrosecondArray::from(vec![1, 2]));
    comes_back(Time64NanosecondArray::from(vec![Some(1), None]));
    let decimals = Decimal128Array::from(vec![Some(123), None, Some(-1)]);
    let value = comes_back(decimals.with_precision_and_scale(20, 3).unwrap());
    assert_eq!(
        part(&extension(&value).parameters, "format").as_str(),
        Some("d:20,3")
    );
    comes_back(Decimal256Array::from(vec![None, Some(7.into())]));
    comes_back(
        Decimal32Array::from(vec![1, 2])
            .with_precision_and_scale(5, 1)
            .unwrap(),
    );
    comes_back(
        Decimal64Array::from(vec![1, 2])
            .with_precision_and_scale(15, 1)
            .unwrap(),
    );
    comes_back(IntervalYearMonthArray::from(vec![Some(1), None]));
    comes_back(IntervalDayTimeArray::from(vec![
        IntervalDayTimeType::make_value(1, 2),
    ]));
    comes_back(IntervalMonthDayNanoArray::from(vec![
        Some(IntervalMonthDayNanoType::make_value(1, 2, 3)),
        None,
    ]));
    let mut uuids = FixedSizeBinaryBuilder::new(3);
    uuids.append_value(b"abc").unwrap();
    uuids.append_null();
    comes_back(uuids.finish());
    comes_back(NullArray::new(4));
}

#[test]
fn dictionaries_are_categories_and_keep_their_codes() {
    let words: ArrayRef = Arc::new(LargeStringArray::from_iter_values(["x", "y"]));
    let codes = Int32Array::from(vec![1, 0, 1]);
    let at = codes.values().as_ptr().addr();
    let value = comes_back(DictionaryArray::new(codes.clone(), words.clone()));
    let categories = extension(&value);
    assert_eq!(&*categories.type_name, "pandas.Categorical");
    let direct = self::value(&batch(DictionaryArray::new(codes, words.clone())));
    let direct = part(&extension(&direct).storage, "codes").clone();
    assert_eq!(
        direct
            .as_tensor()
            .unwrap()
            .as_bytes()
            .unwrap()
            .as_ptr()
            .addr(),
        at
    );
    comes_back(DictionaryArray::new(
        Int8Array::from(vec![Some(1), None]),
        words.clone(),
    ));

    // Unsigned keys become signed ones of the same size, in place.
    let unsigned: ArrayRef = Arc::new(DictionaryArray::new(
        UInt16Array::from(vec![1, 0]),
        words.clone(),
    ));
    let signed: ArrayRef = Arc::new(DictionaryArray::new(Int16Array::from(vec![1, 0]), words));
    comes_back_as(&unsigned, &signed);

    // What pandas has no categories for is written out.
    let twice: ArrayRef = Arc::new(LargeStringArray::from_iter([Some("x"), Some("x"), None]));
    let keys = Int8Array::from(vec![Some(0), Some(1), Some(2), None]);
    let doubled: ArrayRef = Arc::new(DictionaryArray::new(keys, twice));
    let plain = LargeStringArray::from_iter([Some("x"), Some("x"), None, None]);
    comes_back_as(&doubled, &(Arc::new(plain) as ArrayRef));
}

#[test]
fn two_hundred_categories_under_bytes_are_not_negative() {
    let words = (0..200).map(|n| n.to_string());
    let words: ArrayRef = Arc::new(LargeStringArray::from_iter_values(words));
    let keys = UInt8Array::from(vec![Some(199), None, Some(0)]);
    let given: ArrayRef = Arc::new(DictionaryArray::new(keys, words.clone()));
    let keys = Int16Array::from(vec![Some(199), None, Some(0)]);
    let expected: ArrayRef = Arc::new(DictionaryArray::new(keys, words));
    comes_back_as(&given, &expected);
}

#[test]
fn runs_are_written_out() {
    let ends = Int32Array::from(vec![2, 5]);
    let values = Int64Array::from(vec![Some(7), None]);
    let runs: ArrayRef = Arc::new(RunArray::try_new(&ends, &values).unwrap());
    let plain: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), Some(7), None, None, None]));
    comes_back_as(&runs, &plain);
    comes_back_as(&runs.slice(1, 2), &plain.slice(1, 2));
}

#[test]
fn lists_are_vectors_of_arrays() {
    let mut lists = LargeListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), Some(2)]);
    lists.append_null();
    lists.append_value([None, Some(3)]);
    lists.append_value([]);
    let lists = lists.finish();
    let value = comes_back(lists.clone());
    let rows = value.as_vector().unwrap();
    assert_eq!(
        rows[0].as_tensor().unwrap().as_slice::<i32>().unwrap(),
        [1, 2]
    );
    assert!(matches!(rows[1], Value::Null));
    assert_eq!(&*extension(&rows[2]).type_name, "numpy.masked");
    let mut small = ListBuilder::new(Int32Builder::new());
    small.append_value([Some(1), Some(2)]);
    small.append_null();
    small.append_value([None, Some(3)]);
    small.append_value([]);
    comes_back_as(
        &(Arc::new(small.finish()) as ArrayRef),
        &(Arc::new(lists) as ArrayRef),
    );

    // Lists of lists of text.
    let mut deep = LargeListBuilder::new(LargeListBuilder::new(
        achronyme_env::arrow::arrow_array::builder::LargeStringBuilder::new(),
    ));
    deep.values().append_value([Some("a"), None]);
    deep.values().append_null();
    deep.append(true);
    deep.append(false);
    comes_back(deep.finish());
}

#[test]
fn structs_are_records_and_maps_lists_of_them() {
    let child = |name: &str, array: ArrayRef| {
        (
            Arc::new(Field::new(name, array.data_type().clone(), true)),
            array,
        )
    };
    let x: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]));
    let y: ArrayRef = Arc::new(LargeStringArray::from_iter_values(["a", "b", "c"]));
    let whole = StructArray::from(vec![child("x", x.clone()), child("y", y.clone())]);
    let value = comes_back(whole.clone());
    assert_eq!(
        value.as_record().unwrap().names().collect::<Vec<_>>(),
        ["x", "y"]
    );
    let nulls = Some(NullBuffer::from(vec![true, false, true]));
    comes_back(StructArray::new(whole.fields().clone(), vec![x, y], nulls));

    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("k");
    maps.values().append_value(5);
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    let value = self::value(&batch(maps.finish()));
    let rows = value.as_vector().unwrap();
    let entry = &rows[0].as_vector().unwrap()[0];
    assert_eq!(part(entry, "key").as_str(), Some("k"));
    assert_eq!(part(entry, "value").as_i64(), Some(5));
    assert!(matches!(rows[1], Value::Null));
    let back = array(&value);
    assert_eq!(
        back.as_list::<i64>().value(0).as_struct().column(1).len(),
        1
    );
}

#[test]
fn times_and_texts_in_structs_of_lists_come_back() {
    let when: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(5), None]));
    let who: ArrayRef = Arc::new(LargeStringArray::from_iter_values(["a", "b"]));
    let x: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5]));
    let fields = vec![
        Field::new("when", when.data_type().clone(), true),
        Field::new("who", DataType::LargeUtf8, true),
        Field::new("x", DataType::Float64, true),
    ];
    let entries = StructArray::new(fields.into(), vec![when, who, x], None);
    let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0i64, 2, 2].into());
    comes_back(LargeListArray::new(item, offsets, Arc::new(entries), None));
}

#[test]
fn rows_of_lists_have_one_type_though_some_show_less_of_it() {
    let talk = |n: Value| Value::vector([Record::from([("role", Value::from("a")), ("n", n)])]);
    let rows = Value::vector([
        talk(1i64.into()),
        Value::Null,
        talk(Value::Null),
        Value::vector::<Value>([]),
    ]);
    let column = array(&rows);
    let lists = column.as_list::<i64>();
    assert_eq!(
        (lists.len(), lists.null_count(), lists.values().len()),
        (4, 1, 2)
    );
    let n = lists
        .values()
        .as_struct()
        .column(1)
        .as_primitive::<Int64Type>();
    assert_eq!(n.iter().collect::<Vec<_>>(), [Some(1), None]);
}

#[test]
fn lists_of_fixed_size_keep_nulls_of_rows_and_of_items() {
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4)]));
    let within = FixedSizeListArray::new(item.clone(), 2, values, None);
    let value = comes_back(within);
    assert_eq!(&*extension(&value).type_name, "numpy.masked");
    let data = part(&extension(&value).storage, "data")
        .as_tensor()
        .unwrap()
        .clone();
    assert_eq!(data.shape(), [2, 2]);
    let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3, 4]));
    let nulls = Some(NullBuffer::from(vec![false, true]));
    let value = comes_back(FixedSizeListArray::new(item, 2, values, nulls));
    assert_eq!(
        part(&extension(&value).parameters, "format").as_str(),
        Some("+w:2")
    );
}

#[test]
fn several_batches_are_one_table_and_stay_in_their_pieces() {
    let dictionary = |words: &[&'static str], codes: Vec<i8>| {
        let words: ArrayRef = Arc::new(LargeStringArray::from_iter_values(words));
        DictionaryArray::new(Int8Array::from(codes), words)
    };
    let piece = |x: Vec<i64>, s: Vec<Option<&str>>, d: DictionaryArray<Int8Type>| {
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(x)),
            Arc::new(achronyme_env::arrow::arrow_array::StringArray::from(s)),
            Arc::new(d),
        ];
        let names = ["x", "s", "d"].into_iter().zip(&arrays);
        let fields: Vec<Field> = names
            .map(|(name, array)| Field::new(name, array.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
    };
    let batches = [
        piece(
            vec![1, 2],
            vec![Some("a"), None],
            dictionary(&["u", "v"], vec![0, 1]),
        ),
        piece(vec![3], vec![Some("bc")], dictionary(&["w"], vec![0])),
        piece(vec![], vec![], dictionary(&["u"], vec![])),
        piece(
            vec![4, 5],
            vec![Some(""), Some("d")],
            dictionary(&["v", "u"], vec![1, 0]),
        ),
    ];
    let table = from_batches(&batches[0].schema(), &batches).unwrap();
    let x = table
        .record
        .get("x")
        .and_then(Value::as_tensor)
        .unwrap()
        .clone();
    let mut part = [0; 16];
    x.read_at(12, &mut part).unwrap();
    let whole: Vec<u8> = (1..=5i64).flat_map(i64::to_le_bytes).collect();
    assert_eq!(part, whole[12..28]);
    // A slice within a piece is that piece.
    let slice = from_row(3);
    let Value::Tensor(rest) = x.slice(&slice).map(Value::from).unwrap() else {
        panic!("no tensor")
    };
    assert_eq!(rest.as_slice::<i64>().unwrap(), [4, 5]);
    let record = Value::Record(table.record.clone());
    let loaded = saved(&record);
    let batch = to_batch(loaded.as_record().unwrap(), &Record::new())
        .unwrap()
        .batch;
    assert_eq!(
        batch.column(0).as_primitive::<Int64Type>().values(),
        &[1, 2, 3, 4, 5]
    );
    let texts: Vec<Option<&str>> = batch.column(1).as_string::<i64>().iter().collect();
    assert_eq!(texts, [Some("a"), None, Some("bc"), Some(""), Some("d")]);
    let categories = batch.column(2).as_dictionary::<Int8Type>();
    let words = categories.values().as_string::<i64>();
    let found: Vec<&str> = categories
        .keys()
        .values()
        .iter()
        .map(|k| words.value(*k as usize))
        .collect();
    assert_eq!(found, ["u", "v", "w", "u", "v"]);
    assert_eq!(x.as_slice::<i64>().unwrap(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_table_without_batches_keeps_its_columns() {
    let schema = Schema::new(vec![
        Field::new("x", DataType::Int32, true),
        Field::new("s", DataType::Utf8, true),
    ]);
    let table = from_batches(&schema, &[]).unwrap();
    assert_eq!(
        table.record.get("x").unwrap().as_tensor().unwrap().shape(),
        [0]
    );
    let batch = to_batch(&table.record, &Record::new()).unwrap().batch;
    assert_eq!((batch.num_rows(), batch.num_columns()), (0, 2));
}

#[test]
fn memory_at_an_odd_address_is_copied() {
    let bytes: Vec<u8> = (0..=32).collect();
    let odd = Buffer::from_vec(bytes).slice(1);
    let names = Arc::new(Tensor::from_bytes(DType::U8, [33], Order::C, &[0; 33]).unwrap());
    assert!(names.as_bytes().unwrap().len() == 33);
    // Bytes of a fixed size, which need no alignment, lend theirs.
    let binary = FixedSizeBinaryArray::new(4, odd.clone(), None);
    let value = value(&batch(binary));
    let tensor = extension(&value).storage.as_tensor().unwrap();
    assert_eq!(tensor.as_bytes().unwrap().as_ptr(), odd.as_ptr());

    // A slice of a tensor that starts between numbers of the buffer's own alignment.
    let tensor = Tensor::from_bytes(DType::U8, [9], Order::C, &[1; 9]).unwrap();
    let part = tensor.slice(&from_row(1)).unwrap();
    assert_eq!(array(&part.into()).len(), 8);
}

#[test]
fn what_the_schema_says_comes_back() {
    let field = Field::new("c", DataType::Int32, true).with_metadata([("unit", "kg")]);
    let schema = Schema::new_with_metadata(vec![field], [("b", "2"), ("a", "1")]);
    let column: ArrayRef = Arc::new(Int32Array::from(vec![1]));
    let batch = RecordBatch::try_new(Arc::new(schema.clone()), vec![column]).unwrap();
    let table = from_batches(&schema, &[batch]).unwrap();
    assert_eq!(
        table.attributes.names().collect::<Vec<_>>(),
        ["a", "b", "arrow.fields"]
    );
    let back = to_batch(&table.record, &table.attributes).unwrap();
    assert_eq!(
        (back.findings, back.batch.schema().as_ref()),
        (vec![], &schema)
    );
    let attributes = Record::from([("n", 1i64)]);
    let told = to_batch(&table.record, &attributes).unwrap().findings;
    assert_eq!(told[0].outcome, Outcome::Omitted);
}

#[test]
fn what_is_no_column_is_told_with_its_place() {
    let lost = |value: Value| {
        let table = to_batch(&Record::from([("c", value)]), &Record::new()).unwrap();
        assert_eq!(table.batch.num_columns(), 0);
        table.findings[0].to_string()
    };
    assert_eq!(
        lost(1.5.into()),
        "c (number) is lost: it is no column: one value and not one for each row"
    );
    assert_eq!(
        lost(Value::from(vec![Value::from(1i64), "a".into()])),
        "c[1] (string) is lost: the elements before it are of another kind"
    );
    let deep = Record::from([("x", Value::from(vec![Value::from(1i64), 2.0.into()]))]);
    assert_eq!(
        lost(deep.into()),
        "c.x[1] (number) is lost: the elements before it are of another kind"
    );
    let rows = Value::vector([
        Record::from([("n", Value::from(1i64))]),
        Record::from([("n", Value::from("a"))]),
    ]);
    assert_eq!(
        lost(rows),
        "c[1].n (string) is lost: the elements before it are of another kind"
    );
    let rows = Value::vector([Value::vector([1i64, 2]), Value::Null, Value::vector(["a"])]);
    assert_eq!(
        lost(rows),
        "c[2][0] (string) is lost: the elements before it are of another kind"
    );
    assert!(lost(Tensor::from_vec(vec![1u8], []).unwrap().into()).contains("single element"));
    assert!(lost(Record::new().into()).contains("a record without fields"));
    assert!(lost(Extension::unsupported("x", "y").into()).contains("c (unsupported) is lost"));
    let mut nested = Value::vector([1i64]);
    for _ in 0..300 {
        nested = Value::vector([nested]);
    }
    assert!(lost(nested).contains("nested too deeply"));

    let uneven = Record::from([
        ("a", Value::from(Tensor::from_vec(vec![1u8], [1]).unwrap())),
        ("b", Tensor::from_vec(vec![1u8, 2], [2]).unwrap().into()),
    ]);
    let text = to_batch(&uneven, &Record::new()).unwrap_err().to_string();
    assert_eq!(text, "a table: its column 'a' has 1 rows and 'b' has 2");
}

#[test]
fn a_type_without_a_value_leaves_a_mark_and_a_finding() {
    let fields = UnionFields::try_new([0], [Field::new("i", DataType::Int32, false)]).unwrap();
    let children: Vec<ArrayRef> = vec![Arc::new(Int32Array::from(vec![1, 2]))];
    let types = ScalarBuffer::from(vec![0i8, 0]);
    let union = UnionArray::try_new(fields, types, None, children).unwrap();
    let batch = batch(union);
    let table = from_batches(&batch.schema(), &[batch]).unwrap();
    assert_eq!(table.findings.len(), 1);
    assert_eq!(
        (&*table.findings[0].name, &*table.findings[0].kind),
        ("c", "union")
    );
    assert_eq!(
        &*extension(table.record.get("c").unwrap()).type_name,
        "unsupported"
    );
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let schema = Schema::new(vec![
        Field::new("x", DataType::Int32, true),
        Field::new("x", DataType::Int32, true),
    ]);
    let text = from_batches(&schema, &[]).unwrap_err().to_string();
    assert!(
        text.contains("two of its columns have the name 'x'"),
        "{text}"
    );
}

#[test]
fn what_unfolds_from_few_bytes_is_bounded() {
    let limits = ArrowLimits {
        max_unfolded_bytes: 1 << 20,
    };
    let refused = |batch: RecordBatch| {
        let text = from_batches_within(&batch.schema(), &[batch], &limits)
            .unwrap_err()
            .to_string();
        assert!(
            text.contains("column 'c'") && text.contains("unfolds to more than 1048576"),
            "{text}"
        );
    };
    // One run of a quintillion rows.
    let ends = Int64Array::from(vec![1i64 << 60]);
    refused(batch(
        RunArray::try_new(&ends, &Int8Array::from(vec![1])).unwrap(),
    ));
    // A list of as many nulls, and of as many structs of nothing.
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0i64, 1 << 60]));
    let nulls: ArrayRef = Arc::new(NullArray::new(1 << 60));
    let item = Arc::new(Field::new("item", DataType::Null, true));
    refused(batch(LargeListArray::new(
        item,
        offsets.clone(),
        nulls.clone(),
        None,
    )));
    let fields = vec![Field::new("n", DataType::Null, true)];
    let records: ArrayRef = Arc::new(StructArray::new(fields.into(), vec![nulls], None));
    let item = Arc::new(Field::new("item", records.data_type().clone(), true));
    refused(batch(LargeListArray::new(item, offsets, records, None)));
    // Ten thousand views of one text.
    let text = "x".repeat(1 << 20);
    let mut views = StringViewBuilder::new();
    let block = views.append_block(Buffer::from(text.as_bytes()));
    for _ in 0..10_000 {
        views.try_append_view(block, 0, 1 << 20).unwrap();
    }
    refused(batch(views.finish()));
    // A million rows of nothing are a number.
    let value = value(&batch(NullArray::new(1 << 60)));
    assert_eq!(extension(&value).storage.as_i64(), Some(1 << 60));
}

#[test]
fn validity_starts_anywhere() {
    let whole = Int32Array::from(
        (0..100)
            .map(|n| (n % 7 != 0).then_some(n))
            .collect::<Vec<_>>(),
    );
    for start in [0, 1, 7, 8, 63, 64, 65] {
        let part = whole.slice(start, 30);
        comes_back(part);
    }
    let bits = BooleanArray::new(BooleanBuffer::collect_bool(100, |n| n % 3 == 0), None);
    comes_back(bits.slice(5, 80));
}

#[test]
fn a_text_that_many_rows_name_is_counted_before_it_is_written_out() {
    let limits = ArrowLimits {
        max_unfolded_bytes: 1 << 20,
    };
    let refused = |batch: RecordBatch| {
        let text = from_batches_within(&batch.schema(), &[batch], &limits)
            .unwrap_err()
            .to_string();
        assert!(text.contains("unfolds to more than 1048576"), "{text}");
    };
    // Six hundred gigabytes out of one megabyte: nobody has them.
    let long = "x".repeat(1 << 20);
    let ends = Int32Array::from(vec![600_000]);
    let texts = LargeStringArray::from(vec![long.as_str()]);
    refused(batch(RunArray::try_new(&ends, &texts).unwrap()));
    let nested = LargeListArray::new(
        Arc::new(Field::new("item", DataType::LargeUtf8, true)),
        OffsetBuffer::new(vec![0i64, 1].into()),
        Arc::new(texts),
        None,
    );
    refused(batch(RunArray::try_new(&ends, &nested).unwrap()));
    // One long category among many short ones, all given twice so that they must be written out.
    let mut categories = vec![""; 100_000];
    categories.push(&long);
    let keys = Int32Array::from(vec![100_000; 600_000]);
    let categories = Arc::new(LargeStringArray::from(categories));
    refused(batch(DictionaryArray::try_new(keys, categories).unwrap()));
}

#[test]
fn runs_and_dictionaries_of_several_batches_are_written_out() {
    let runs = |text: &str| {
        let ends = Int32Array::from(vec![2, 3]);
        batch(RunArray::try_new(&ends, &LargeStringArray::from(vec![Some(text), None])).unwrap())
    };
    let (a, b) = (runs("a"), runs("b"));
    let table = from_batches(&a.schema(), &[a, b]).unwrap();
    let text = format!("{:?}", array(table.record.get("c").unwrap()));
    assert_eq!(text.matches("\"a\"").count(), 2, "{text}");
    assert_eq!(text.matches("null").count(), 2, "{text}");
    // A hundred categories each: keys of a byte cannot tell all of them apart.
    let codes = |from: i32| {
        let categories = (from..from + 100).map(|n| format!("c{n}"));
        let categories = LargeStringArray::from_iter_values(categories);
        let keys = Int8Array::from((0..100i8).collect::<Vec<_>>());
        batch(DictionaryArray::try_new(keys, Arc::new(categories)).unwrap())
    };
    let (a, b) = (codes(0), codes(100));
    let table = from_batches(&a.schema(), &[a, b]).unwrap();
    let column = array(table.record.get("c").unwrap());
    assert_eq!(column.as_string::<i64>().value(199), "c199");
    // Nobody's categories, and nulls that name them.
    let none = LargeStringArray::from(Vec::<&str>::new());
    let keys = Int8Array::from(vec![None, None]);
    let empty = DictionaryArray::try_new(keys, Arc::new(none)).unwrap();
    assert_eq!(array(&value(&batch(empty))).null_count(), 2);
}

#[test]
fn categories_of_rows_of_lists_are_made_once() {
    let categories = GenericStringArray::<i32>::from_iter_values((0..200).map(|n| format!("c{n}")));
    let keys = Int16Array::from((0..200i16).collect::<Vec<_>>());
    let codes = DictionaryArray::try_new(keys, Arc::new(categories)).unwrap();
    let item = Arc::new(Field::new("item", codes.data_type().clone(), true));
    let offsets = OffsetBuffer::new((0..=200i64).collect::<Vec<_>>().into());
    let lists = batch(LargeListArray::new(item, offsets, Arc::new(codes), None));
    // So that two hundred times the categories would be more than is allowed.
    let limits = ArrowLimits {
        max_unfolded_bytes: 0,
    };
    let table = from_batches_within(&lists.schema(), &[lists], &limits).unwrap();
    let rows = table.record.get("c").unwrap().as_vector().unwrap();
    let place = |row: &Value| match part(&extension(row).storage, "categories") {
        Value::StringArray(texts) => texts.offsets().as_slice::<u64>().unwrap().as_ptr(),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(&rows[0]), place(&rows[199]));
}

#[test]
fn single_elements_of_every_type_come_back_in_structs_of_lists() {
    let decimals = Decimal128Array::from(vec![Some(-7), None, Some(9)])
        .with_precision_and_scale(10, 2)
        .unwrap();
    let zoned = TimestampSecondArray::from(vec![Some(5), None, Some(6)]);
    let bytes = vec![Some([1u8, 2]), None, Some([3, 4])].into_iter();
    let bytes = FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 2).unwrap();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(decimals),
        Arc::new(zoned.with_timezone("Europe/Berlin")),
        Arc::new(bytes),
        Arc::new(Time64MicrosecondArray::from(vec![Some(1), None, Some(2)])),
    ];
    let fields = columns.iter().enumerate();
    let fields: Vec<Field> = fields
        .map(|(n, column)| Field::new(format!("f{n}"), column.data_type().clone(), true))
        .collect();
    let entries = StructArray::new(fields.into(), columns, None);
    let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0i64, 2, 3].into());
    comes_back(LargeListArray::new(item, offsets, Arc::new(entries), None));
}

#[test]
fn a_field_that_is_there_twice_is_told_in_lists_too() {
    let one: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let fields = vec![Field::new("a", DataType::Int64, true); 2];
    let entries = StructArray::new(fields.into(), vec![one.clone(), one], None);
    let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0i64, 2].into());
    let lists = batch(LargeListArray::new(item, offsets, Arc::new(entries), None));
    let table = from_batches(&lists.schema(), &[lists]).unwrap();
    assert_eq!(
        table.findings[0].to_string(),
        "c[] (struct) is lost: two of its fields have one name"
    );
}

#[test]
fn nulls_that_are_only_a_number_are_not_made_in_lists() {
    let nulls = |rows: i64| {
        Value::from(Extension {
            type_name: "arrow.array".into(),
            parameters: Record::from([("format", "n")]).into(),
            storage: rows.into(),
        })
    };
    let number = Value::from(Tensor::from_vec(vec![1i64], [1]).unwrap());
    let wide = Value::from(Tensor::from_vec(Vec::<f64>::new(), [0, 1 << 30]).unwrap());
    for rows in [
        vec![number.clone(), nulls(1 << 40)],
        vec![nulls(i64::MAX), nulls(i64::MAX), nulls(i64::MAX)],
        vec![wide, Value::vector([Value::Null])],
    ] {
        let table = to_batch(&Record::from([("c", Value::from(rows))]), &Record::new()).unwrap();
        let text = table.findings[0].to_string();
        assert!(text.contains("nulls would take more than"), "{text}");
    }
    let few = array(&Value::from(vec![number, nulls(3)]));
    assert_eq!(few.as_list::<i64>().value(1).null_count(), 3);
}

#[test]
fn records_that_share_no_field_are_no_column_when_they_are_many() {
    let record = |n: usize| Record::from([(format!("f{n}").as_str(), Value::from(1i64))]);
    let few = array(&Value::vector((0..50).map(record)));
    assert_eq!(few.as_struct().num_columns(), 50);
    let many = Record::from([("c", Value::vector((0..9000).map(record)))]);
    let table = to_batch(&many, &Record::new()).unwrap();
    let text = table.findings[0].to_string();
    assert!(text.contains("9000 different fields"), "{text}");
}
