//! Tensors: dtypes, metadata, and offsets that lie.

use achronyme_env::DType;

use super::super::Naming;
use super::*;

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn entry(name: &str, dtype: &str, shape: &str, start: usize, end: usize) -> String {
    format!(
        "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{start},{end}]}}"
    )
}

#[test]
fn tensors_and_metadata_are_read() {
    let header = format!(
        "{{\"__metadata__\":{{\"format\":\"pt\",\"by\":\"us\"}},{},{},{}}}  ",
        entry("b.weight", "F32", "[1,2]", 2, 10),
        entry("a[0]", "BF16", "[]", 0, 2),
        entry("none", "F64", "[0,3]", 10, 10),
    );
    let imports = read(
        "m.safetensors",
        file(&header, &[1, 2, 0, 0, 128, 63, 0, 0, 0, 64]),
    );
    assert_eq!(imports.naming, Naming::Members);
    let names: Vec<&str> = imports.values.iter().map(|v| &*v.name).collect();
    assert_eq!(names, ["a[0]", "b.weight", "none"]);
    let tensor = imports.values[1].value.as_tensor().unwrap();
    assert_eq!(tensor.as_slice::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!(
        imports.values[0].value.as_tensor().unwrap().dtype(),
        DType::BF16
    );
    assert_eq!(imports.values[2].value.as_tensor().unwrap().shape(), [0, 3]);
    assert_eq!(imports.metadata.get("format").unwrap().as_str(), Some("pt"));
    assert_eq!(
        imports.metadata.names().collect::<Vec<_>>(),
        ["by", "format"]
    );
}

#[test]
fn every_dtype_that_archives_have_is_read() {
    let cases = [
        ("BOOL", DType::Bool),
        ("I8", DType::I8),
        ("I16", DType::I16),
        ("I32", DType::I32),
        ("I64", DType::I64),
        ("U8", DType::U8),
        ("U16", DType::U16),
        ("U32", DType::U32),
        ("U64", DType::U64),
        ("F16", DType::F16),
        ("BF16", DType::BF16),
        ("F32", DType::F32),
        ("F64", DType::F64),
        ("C64", DType::Complex64),
        ("F8_E4M3", DType::F8E4M3),
        ("F8_E5M2", DType::F8E5M2),
    ];
    for (name, dtype) in cases {
        let len = 3 * dtype.size();
        let header = format!("{{{}}}", entry("t", name, "[3]", 0, len));
        let value = only(read("m.safetensors", file(&header, &vec![1; len])));
        let tensor = value.as_tensor().unwrap();
        assert_eq!(
            (tensor.dtype(), tensor.as_bytes().unwrap()),
            (dtype, &vec![1; len][..])
        );
    }
    for (name, len) in [("F8_E8M0", 2), ("F4", 1), ("F8_E4M3FNUZ", 2)] {
        let header = format!("{{{}}}", entry("t", name, "[2]", 0, len));
        let text = refusal("m.safetensors", file(&header, &vec![1; len]));
        assert!(
            text.contains("tensor 't': its dtype is ") && text.contains("archives do not have"),
            "{text}"
        );
    }
    let header = format!("{{{}}}", entry("t", "F128", "[2]", 0, 32));
    let text = refusal("m.safetensors", file(&header, &[1; 32]));
    assert!(
        text.contains("'t'") && text.contains("unknown variant `F128`"),
        "{text}"
    );
}

#[test]
fn offsets_that_cannot_be_are_told_with_the_tensor() {
    let two = |a: (usize, usize), b: (usize, usize)| {
        format!(
            "{{{},{}}}",
            entry("a", "U8", "[4]", a.0, a.1),
            entry("b", "U8", "[4]", b.0, b.1)
        )
    };
    let cases = [
        (
            two((0, 4), (2, 6)),
            "tensor 'b': its data starts at byte 2, inside the data before it, which ends at 4",
        ),
        (
            two((0, 4), (5, 9)),
            "tensor 'b': its data starts at byte 5, but the data before it ends at 4: a hole",
        ),
        (
            two((0, 4), (4, 7)),
            "tensor 'b': its shape (4,) of U8 needs 4 bytes, but its data has 3",
        ),
        (
            two((4, 0), (4, 8)),
            "tensor 'a': its data ends at byte 0, before it starts at 4",
        ),
        (
            two((0, 4), (4, 8)),
            "its header says 8 bytes of data, but 9 bytes follow; something was appended",
        ),
        (
            two((0, 4), (4, 18446744073709551615)),
            "needs 4 bytes, but its data has 18446744073709551611",
        ),
    ];
    for (header, expected) in cases {
        let text = refusal("m.safetensors", file(&header, &[0; 9]));
        assert!(text.contains(expected), "{header}: {text}");
    }
    let header = format!("{{{}}}", entry("a", "F64", "[4294967296,4294967296]", 0, 8));
    let text = refusal("m.safetensors", file(&header, &[0; 8]));
    assert!(text.contains("too large to exist"), "{text}");
    let header = format!(
        "{{{}}}",
        entry(
            "a",
            "F64",
            "[0,18446744073709551615,18446744073709551615]",
            0,
            0
        )
    );
    read("m.safetensors", file(&header, &[]));
}

#[test]
fn broken_headers_are_errors() {
    let header = format!("{{{}}}", entry("a", "U8", "[4]", 0, 4));
    let whole = file(&header, &[0; 4]);
    for end in 0..whole.len() {
        refusal("m.safetensors", &whole[..end]);
    }
    let text = refusal("m.safetensors", u64::MAX.to_le_bytes());
    assert!(text.contains("the format allows 100000000"), "{text}");
    let text = refusal("m.safetensors", 1000_u64.to_le_bytes());
    assert!(
        text.contains("a header of 1000 bytes, but 0 follow"),
        "{text}"
    );
    let twice = format!(
        "{{{},{}}}",
        entry("a", "U8", "[0]", 0, 0),
        entry("a", "U8", "[4]", 0, 4)
    );
    let text = refusal("m.safetensors", file(&twice, &[0; 4]));
    assert!(
        text.contains("tensor 'a': the name is given twice"),
        "{text}"
    );
    assert!(refusal("m.safetensors", file("[]", b"")).contains("its header cannot be read"));
    assert!(refusal("m.safetensors", file("{\"__metadata__\":{\"a\":1}}", b"")).contains("header"));
    let long = format!("{{{}}}", entry(&"n".repeat(5000), "U8", "[0]", 0, 0));
    let text = refusal("m.safetensors", file(&long, b""));
    assert!(
        text.contains("has 5000 bytes; a name may have 4096"),
        "{text}"
    );
}

#[test]
fn the_example_is_read() {
    let imports = import(
        &example("digits-mlp.safetensors"),
        &ImportOptions::default(),
    )
    .unwrap();
    assert_eq!(imports.values.len(), 8);
    let weight = imports
        .values
        .iter()
        .find(|v| v.name == "layer1.weight")
        .unwrap();
    let weight = weight.value.as_tensor().unwrap();
    assert_eq!(
        (weight.dtype(), weight.shape()),
        (DType::F16, &[64, 64][..])
    );
    assert_eq!(weight.as_bytes().unwrap().len(), 8192);
    assert!(!imports.metadata.is_empty());
}

#[test]
fn no_flipped_byte_is_a_panic() {
    let header = format!("{{{}}}", entry("a", "U8", "[4]", 0, 4));
    let whole = file(&header, &[0; 4]);
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        let files = Files::new();
        let _ = import(
            &files.add("m.safetensors", bytes),
            &ImportOptions::default(),
        );
    }
}
