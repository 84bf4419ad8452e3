//! A writer of version 1 files for tests, and of files that only look like it.
#![allow(dead_code)]

use sha2::{Digest, Sha256};

/// The header of a version 1 file made at second 1,700,000,000 by 0.6.1.
pub(crate) fn header(compressed: bool) -> [u8; 64] {
    let mut header = [0; 64];
    header[..6].copy_from_slice(b"ACH\0\x01\0");
    header[8] = compressed.into();
    header[12..20].copy_from_slice(&1_700_000_000u64.to_le_bytes());
    header[20..25].copy_from_slice(b"0.6.1");
    header[36] = compressed.into();
    header
}

/// A file of this header and this body as stored, with the right sum.
pub(crate) fn sealed(header: [u8; 64], stored: &[u8]) -> Vec<u8> {
    let sum = Sha256::digest(stored);
    [&header[..], stored, &sum[..]].concat()
}

/// A file whose body is not compressed.
pub(crate) fn raw(body: &[u8]) -> Vec<u8> {
    sealed(header(false), body)
}

/// A file whose body is one zstd frame without its size, as version 1 wrote it.
pub(crate) fn packed(body: &[u8]) -> Vec<u8> {
    sealed(header(true), &frame(body))
}

pub(crate) fn frame(body: &[u8]) -> Vec<u8> {
    zstd::encode_all(body, 3).unwrap()
}

/// A body with metadata that agree.
pub(crate) fn body(bindings: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let names: Vec<&str> = bindings.iter().map(|(name, _)| *name).collect();
    [array(2), metadata(&names), bindings_map(bindings)].concat()
}

/// The metadata of version 1 for these names.
pub(crate) fn metadata(names: &[&str]) -> Vec<u8> {
    let mut bytes = array(8);
    bytes.extend(first_fields(names.len()));
    bytes.extend([0xc0]);
    bytes.extend(array(0));
    bytes.extend(map(0));
    bytes.extend(array(names.len()));
    bytes.extend(names.iter().flat_map(|name| text(name)));
    bytes
}

/// The four fields of the metadata that must be there.
pub(crate) fn first_fields(count: usize) -> Vec<u8> {
    [
        text("Achronyme v0.6.1"),
        text("2023-11-14T22:13:20+00:00"),
        text("linux x86_64"),
        unsigned(count as u64),
    ]
    .concat()
}

pub(crate) fn bindings_map(bindings: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = map(bindings.len());
    for (name, value) in bindings {
        bytes.extend(text(name));
        bytes.extend(value);
    }
    bytes
}

/// A file with one variable `x`.
pub(crate) fn one(value: Vec<u8>) -> Vec<u8> {
    raw(&body(&[("x", value)]))
}

/// A value of a kind with this content.
pub(crate) fn kind(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    [map(1), text(name), content.as_ref().to_vec()].concat()
}

pub(crate) fn number(number: f64) -> Vec<u8> {
    kind("Number", float(number))
}

pub(crate) fn null() -> Vec<u8> {
    text("Null")
}

pub(crate) fn vector(elements: &[Vec<u8>]) -> Vec<u8> {
    kind(
        "Vector",
        [array(elements.len()), elements.concat()].concat(),
    )
}

pub(crate) fn record(fields: &[(&str, Vec<u8>)]) -> Vec<u8> {
    kind("Record", bindings_map(fields))
}

pub(crate) fn unsupported(what: &str) -> Vec<u8> {
    kind("Unsupported", text(what))
}

pub(crate) fn builtin(name: &str) -> Vec<u8> {
    kind("BuiltinFunction", text(name))
}

pub(crate) fn edge(properties: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let parts = [
        array(4),
        text("a"),
        text("b"),
        vec![0xc3],
        bindings_map(properties),
    ];
    kind("Edge", parts.concat())
}

pub(crate) fn tensor(shape: &[u64], elements: &[f64]) -> Vec<u8> {
    let elements = elements.iter().flat_map(|element| float(*element));
    let elements: Vec<u8> = elements.collect();
    tensor_of(shape, array(elements.len() / 9), &elements)
}

/// A tensor with a marker of its own before the bytes of its elements.
pub(crate) fn tensor_of(shape: &[u64], marker: Vec<u8>, elements: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|len| unsigned(*len)).collect();
    let parts = [
        array(2),
        array(shape.len()),
        dims,
        marker,
        elements.to_vec(),
    ];
    kind("Tensor", parts.concat())
}

/// `levels` vectors, one in the other.
pub(crate) fn nested_vectors(levels: usize) -> Vec<u8> {
    let opening = kind("Vector", array(1));
    [opening.repeat(levels), number(1.0)].concat()
}

/// `levels` records, one in the other.
pub(crate) fn nested_records(levels: usize) -> Vec<u8> {
    let opening = kind("Record", [map(1), text("in")].concat());
    [opening.repeat(levels), number(1.0)].concat()
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    let head = match text.len() {
        len @ 0..32 => vec![0xa0 | len as u8],
        len @ 32..256 => vec![0xd9, len as u8],
        len => [&[0xdb][..], &(len as u32).to_be_bytes()].concat(),
    };
    [&head, text.as_bytes()].concat()
}

pub(crate) fn float(number: f64) -> Vec<u8> {
    [&[0xcb][..], &number.to_be_bytes()].concat()
}

pub(crate) fn unsigned(number: u64) -> Vec<u8> {
    match number {
        0..128 => vec![number as u8],
        _ => [&[0xcf][..], &number.to_be_bytes()].concat(),
    }
}

pub(crate) fn array(len: usize) -> Vec<u8> {
    match len {
        0..16 => vec![0x90 | len as u8],
        _ => [&[0xdd][..], &(len as u32).to_be_bytes()].concat(),
    }
}

pub(crate) fn map(len: usize) -> Vec<u8> {
    match len {
        0..16 => vec![0x80 | len as u8],
        _ => [&[0xdf][..], &(len as u32).to_be_bytes()].concat(),
    }
}
