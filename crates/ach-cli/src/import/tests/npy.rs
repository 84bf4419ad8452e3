//! Arrays: dtypes, shapes, strings, times, and headers that lie.

use achronyme_env::{DType, Order, Value};
use proptest::prelude::*;

use super::super::error::Site;
use super::super::npy_header::NpyHeader;
use super::*;

/// An .npy file of version 1.0, as NumPy writes it.
pub(super) fn file(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    raw(
        &format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}"),
        data,
    )
}

fn raw(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut text = dictionary.as_bytes().to_vec();
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(b' ');
    }
    text.push(b'\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text);
    bytes.extend(data);
    bytes
}

fn tensor(value: Value) -> Tensor {
    value.as_tensor().expect("a tensor").clone()
}

#[test]
fn every_numeric_dtype_of_numpy_is_read_in_every_byte_order() {
    let cases = [
        ("?1", DType::Bool, 1),
        ("b1", DType::Bool, 1),
        ("i1", DType::I8, 1),
        ("i2", DType::I16, 2),
        ("i4", DType::I32, 4),
        ("i8", DType::I64, 8),
        ("u1", DType::U8, 1),
        ("u2", DType::U16, 2),
        ("u4", DType::U32, 4),
        ("u8", DType::U64, 8),
        ("f2", DType::F16, 2),
        ("f4", DType::F32, 4),
        ("f8", DType::F64, 8),
        ("c8", DType::Complex64, 4),
        ("c16", DType::Complex128, 8),
    ];
    for (code, dtype, swapped) in cases {
        let mut little: Vec<u8> = (0..3 * dtype.size() as u8).collect();
        if dtype == DType::Bool {
            little = vec![1, 0, 1];
        }
        let mut big = little.clone();
        big.chunks_exact_mut(swapped)
            .for_each(|number| number.reverse());
        for (order, data) in [('<', &little), ('=', &little), ('|', &little), ('>', &big)] {
            let bytes = file(&format!("'{order}{code}'"), false, "(3,)", data);
            let imports = read("x.npy", bytes);
            assert_eq!(imports.values[0].name, "x");
            let noted = imports.values[0].note.is_some();
            assert_eq!(noted, order == '>' && swapped > 1, "{order}{code}");
            let tensor = tensor(only(imports));
            assert_eq!((tensor.dtype(), tensor.shape()), (dtype, &[3][..]));
            assert_eq!(tensor.as_bytes().unwrap(), little, "{order}{code}");
        }
    }
}

#[test]
fn shapes_and_orders_are_kept() {
    let t = tensor(only(read("x.npy", file("'<i2'", true, "(2, 3)", &[0; 12]))));
    assert_eq!((t.order(), t.shape()), (Order::Fortran, &[2, 3][..]));
    let t = tensor(only(read("x.npy", file("'<i2'", false, "()", &[1, 2]))));
    assert_eq!(
        (t.shape(), t.as_slice::<i16>().unwrap()),
        (&[][..], &[0x201][..])
    );
    let t = tensor(only(read("x.npy", file("'<f8'", false, "(0, 5)", &[]))));
    assert_eq!((t.shape(), t.byte_len()), (&[0, 5][..], 0));
    // Python 2 wrote long integers so.
    let t = tensor(only(read(
        "x.npy",
        file("'<i1'", false, "(2L, 1L)", &[1, 2]),
    )));
    assert_eq!(t.shape(), [2, 1]);
}

#[test]
fn versions_2_and_3_have_longer_headers() {
    for version in [2, 3] {
        let mut text = "{'descr': '|u1', 'fortran_order': False, 'shape': (1,)}".to_owned();
        text.push_str(&" ".repeat(70));
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes.push(7);
        assert_eq!(
            tensor(only(read("x.npy", bytes))).as_slice::<u8>().unwrap(),
            [7]
        );
    }
}

#[test]
fn unicode_strings_lose_only_their_padding() {
    let words = ["a", "", "日本", "😀é"];
    for (order, big) in [('<', false), ('>', true)] {
        let mut data = Vec::new();
        for word in words {
            let mut points: Vec<u32> = word.chars().map(u32::from).collect();
            points.resize(3, 0);
            for point in points {
                data.extend(if big {
                    point.to_be_bytes()
                } else {
                    point.to_le_bytes()
                });
            }
        }
        let value = only(read(
            "x.npy",
            file(&format!("'{order}U3'"), false, "(2, 2)", &data),
        ));
        assert_eq!(strings(&value), words);
        let Value::StringArray(array) = value else {
            unreachable!()
        };
        assert_eq!(array.shape(), [2, 2]);
    }
}

#[test]
fn byte_strings_are_text_when_they_are_utf8() {
    let imports = read("x.npy", file("'|S3'", false, "(2,)", b"ab\0\xc3\xa9\0"));
    assert!(
        imports.values[0]
            .note
            .as_deref()
            .unwrap()
            .contains("byte strings '|S3'")
    );
    assert_eq!(strings(&only(imports)), ["ab", "é"]);
    let text = refusal("x.npy", file("'|S1'", false, "(2,)", b"a\xff"));
    assert_eq!(
        text,
        "x.npy: string 1 is not UTF-8 (byte 0); save byte strings that are no text as uint8 numbers"
    );
    let text = refusal(
        "x.npy",
        file("'<U1'", false, "(1,)", &0xd800_u32.to_le_bytes()),
    );
    assert!(
        text.contains("string 0 holds U+D800, which is no character"),
        "{text}"
    );
}

#[test]
fn many_strings_go_through_bounded_room() {
    let count = 300_000;
    let data: Vec<u8> = (0..count)
        .flat_map(|n| format!("{n:06}").into_bytes())
        .collect();
    let files = Files::new();
    let path = files.add("x.npy", file("'|S6'", false, &format!("({count},)"), &data));
    let imports = import(&path, &ImportOptions::default()).unwrap();
    let Value::StringArray(array) = only(imports) else {
        panic!()
    };
    assert_eq!(array.get(0).unwrap(), "000000");
    assert_eq!(array.get(299_999).unwrap(), "299999");
}

#[test]
fn a_width_or_a_count_that_the_file_has_not_is_not_allocated() {
    let text = refusal("x.npy", file("'|S0'", false, "(1000000000000,)", b""));
    assert!(text.contains("its strings take 0 bytes each"), "{text}");
    let text = refusal("x.npy", file("'<U4000000000'", false, "(1,)", b""));
    assert!(
        text.contains("16000000000 bytes of data, but only 0 bytes follow"),
        "{text}"
    );
    let value = only(read("x.npy", file("'<U9000000'", false, "(0, 4)", b"")));
    assert!(strings(&value).is_empty());
}

#[test]
fn times_keep_their_unit_and_not_a_time() {
    let data = [i64::MIN.to_be_bytes(), 5_i64.to_be_bytes()].concat();
    let Value::Extension(times) = only(read("t.npy", file("'>M8[ns]'", false, "(2,)", &data)))
    else {
        panic!("not an extension")
    };
    assert_eq!(&*times.type_name, "datetime64");
    let parameters = times.parameters.as_record().unwrap();
    assert_eq!(parameters.get("unit").unwrap().as_str(), Some("ns"));
    assert!(parameters.get("count").is_none());
    let tensor = times.storage.as_tensor().unwrap();
    assert_eq!(tensor.as_slice::<i64>().unwrap(), [i64::MIN, 5]);

    let Value::Extension(times) = only(read("t.npy", file("'<m8[25s]'", false, "()", &[0; 8])))
    else {
        panic!("not an extension")
    };
    assert_eq!(&*times.type_name, "timedelta64");
    let parameters = times.parameters.as_record().unwrap();
    assert_eq!(parameters.get("count").unwrap().as_i64(), Some(25));
}

#[test]
fn what_no_value_stands_for_is_told_with_a_way_out() {
    let cases = [
        (
            "'|O'",
            "Python objects (pickle), which are not read; save it as numbers or strings",
        ),
        (
            "'|V2'",
            "how NumPy writes bfloat16 and 8-bit floats of ml_dtypes; save it with astype",
        ),
        (
            "'|V7'",
            "bytes without a meaning; save it with view('uint8')",
        ),
        (
            "'<f16'",
            "a long double, which differs from machine to machine",
        ),
        ("'<x9'", "its dtype is '<x9', which is not known"),
        ("'<i3'", "its dtype is '<i3', which is not known"),
        ("'<M8[fortnight]'", "which is not known"),
        (
            "[('a', '<i4'), ('b', '<f8', (2,))]",
            "its dtype has fields ('a', 'b'), which are not read",
        ),
        ("('<f8', (2,))", "its elements are arrays themselves"),
    ];
    for (descr, expected) in cases {
        let text = refusal("x.npy", file(descr, false, "(1,)", &[0; 16]));
        assert!(text.contains(expected), "{descr}: {text}");
    }
}

#[test]
fn a_length_that_is_not_the_headers_is_told_with_both_numbers() {
    let text = refusal("x.npy", file("'<f8'", false, "(3, 4)", &[0; 90]));
    assert_eq!(
        text,
        "x.npy: its header says shape (3, 4) of '<f8', 96 bytes of data, but only 90 bytes follow; \
         the file was cut short; copy or save it again"
    );
    let text = refusal("x.npy", file("'<f8'", false, "(1,)", &[0; 9]));
    assert!(
        text.contains("8 bytes of data, but 9 bytes follow; something was appended"),
        "{text}"
    );
    let text = refusal(
        "x.npy",
        file("'<f8'", false, "(4294967296, 4294967296)", b""),
    );
    assert!(text.contains("more than 2^63 bytes"), "{text}");
}

#[test]
fn broken_headers_are_errors_at_once() {
    let whole = file("'<f8'", false, "(1,)", &[0; 8]);
    for end in 0..whole.len() {
        refusal("x.npy", &whole[..end]);
    }
    assert!(refusal("x.npy", b"").contains("the file is empty"));
    assert!(refusal("x.npy", b"hello world").contains("does not begin as an .npy file"));
    assert!(refusal("x.npy", b"\x93NUMPY\x09\x00").contains("version is 9.0"));
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert!(refusal("x.npy", long).contains("4294967295 bytes long; 10000 are read"));
    // The parser behind would need a time exponential in these.
    for bracket in ["[", "(", "{"] {
        let text = refusal("x.npy", raw(&bracket.repeat(5000), b""));
        assert!(text.contains("nests deeper than 8 brackets"), "{text}");
        refusal("x.npy", raw(&bracket.repeat(8), b""));
    }
    for wrong in [
        "{'descr': '<f8', 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': ()}",
        "{'descr': 5, 'fortran_order': False, 'shape': ()}",
        "[]",
        "",
    ] {
        let text = refusal("x.npy", raw(wrong, &[0; 8]));
        assert!(
            text.contains("its header is not what NumPy writes"),
            "{text}"
        );
    }
    let many = "1, ".repeat(65);
    let text = refusal("x.npy", file("'|u1'", false, &format!("({many})"), &[0]));
    assert!(text.contains("65 dimensions"), "{text}");
}

#[test]
fn the_example_is_read() {
    let imports = import(&example("chelsea.npy"), &ImportOptions::default()).unwrap();
    assert_eq!(imports.values[0].name, "chelsea");
    let tensor = tensor(only(imports));
    assert_eq!(
        (tensor.dtype(), tensor.shape()),
        (DType::U8, &[240, 320, 3][..])
    );
    assert_eq!(tensor.as_bytes().unwrap().len(), 230_400);
}

proptest! {
    #[test]
    fn any_shape_leads_back(shape in prop::collection::vec(0_u64..5, 0..6), fortran: bool) {
        let lengths: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let data: Vec<u8> = (0..shape.iter().product::<u64>()).map(|n| n as u8).collect();
        let t = tensor(only(read("x.npy", file("'|u1'", fortran, &format!("({lengths})"), &data))));
        prop_assert_eq!(t.shape(), &shape[..]);
        prop_assert_eq!(t.order() == Order::Fortran, fortran);
        prop_assert_eq!(t.as_bytes().unwrap(), data);
    }

    #[test]
    fn no_dictionary_is_a_panic(text in "[{}()\\[\\]',:0-9a-zL<>|\" \\\\-]{0,200}") {
        let site = Site::whole(Path::new("x.npy"));
        let bytes = raw(&text, b"");
        let _ = NpyHeader::read(&bytes[..], bytes.len() as u64, &site);
    }
}
