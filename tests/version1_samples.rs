//! Promise: every real version 1 file holds, bit for bit, what the JSON beside it says; also what
//! version 1 itself never gave back; and the same as an archive.
#![cfg(feature = "zstd")]

use std::path::{Path, PathBuf};

use achronyme_env::{Extension, Function, Outcome, Record, Value, Version1};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

fn samples() -> Vec<(PathBuf, Json)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/version1");
    let mut samples = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "ach") {
            let text = std::fs::read(path.with_extension("json")).unwrap();
            samples.push((path, serde_json::from_slice(&text).unwrap()));
        }
    }
    assert!(samples.len() >= 6);
    samples
}

#[test]
fn every_sample_holds_what_its_json_says() {
    for (path, json) in samples() {
        let old = Version1::open(&path).unwrap();
        let bindings = json["bindings"].as_object().unwrap();
        assert!(old.bindings().map(|(name, _)| name).eq(bindings.keys()));
        let mut lost = Vec::new();
        for (name, expected) in bindings {
            let value = old.get(name).unwrap();
            assert_value(value, expected, name, &mut lost);
        }
        let mut found: Vec<(String, String)> = old
            .findings()
            .iter()
            .map(|finding| {
                assert_eq!(finding.outcome, Outcome::Lost, "{path:?}: {finding}");
                (
                    format!("{}{}", finding.name, finding.path),
                    finding.kind.clone(),
                )
            })
            .collect();
        found.sort();
        lost.sort();
        assert_eq!(found, lost, "{path:?}");

        let bytes = std::fs::read(&path).unwrap();
        let in_memory = Version1::from_bytes(&bytes).unwrap();
        assert_eq!(in_memory.metadata(), old.metadata());
        assert_eq!(in_memory.findings(), old.findings());
        for ((name, value), (same, again)) in old.bindings().zip(in_memory.bindings()) {
            assert_eq!(name, same);
            assert!(value.identical(again).unwrap(), "{name}");
        }
    }
}

#[test]
fn every_sample_says_of_itself_what_its_json_says() {
    for (path, json) in samples() {
        let old = Version1::open(&path).unwrap();
        let (metadata, expected) = (old.metadata(), &json["metadata"]);
        assert_eq!(metadata.created_by, expected["created_by"]);
        assert_eq!(metadata.created_at, expected["created_at"]);
        assert_eq!(metadata.platform, expected["platform"]);
        assert_eq!(metadata.num_bindings, expected["num_bindings"]);
        assert_eq!(
            metadata.description.as_deref(),
            expected["description"].as_str()
        );
        assert_eq!(Json::from(metadata.tags.clone()), expected["tags"]);
        assert_eq!(
            Json::from(metadata.binding_names.clone()),
            expected["binding_names"]
        );
        assert!(metadata.custom.is_empty());
        assert_eq!(metadata.compressed, json["compressed"]);
        assert_eq!((metadata.major, metadata.minor), (1, 0));
        assert_eq!(metadata.writer, "0.6.1");
        let header = json["header_hex"].as_str().unwrap();
        let created = u64::from_str_radix(&header[24..40], 16)
            .unwrap()
            .swap_bytes();
        assert_eq!(metadata.created, created);
        assert_eq!(old.file_len(), json["bytes"]);
        assert_eq!(old.body_len(), json["body_bytes_decompressed"]);
    }
}

#[test]
fn every_sample_is_the_same_as_an_archive() {
    for (path, _) in samples() {
        let old = Version1::open(&path).unwrap();
        let archive = old.to_archive().unwrap();
        assert_eq!(archive.origin(), old.origin());
        assert!(archive.verify().unwrap().is_ok());
        assert_eq!(archive.len(), old.len());
        for (name, value) in old.bindings() {
            assert!(
                archive.get(name).unwrap().identical(value).unwrap(),
                "{name}"
            );
        }
        let (metadata, said) = (archive.metadata().unwrap(), old.metadata());
        assert_eq!(metadata.description, said.description);
        assert_eq!(metadata.tags, said.tags);
        assert_eq!(metadata.created_at, said.created);
        let kept = [
            ("version1.created_by", &said.created_by),
            ("version1.created_at", &said.created_at),
            ("version1.platform", &said.platform),
        ];
        let kept = kept.map(|(key, value)| (key.to_owned(), value.clone()));
        assert_eq!(metadata.custom, kept);
    }
}

/// Compares a value with its JSON; what is unsupported is added to `lost`, with its path.
#[track_caller]
fn assert_value(value: &Value, json: &Json, path: &str, lost: &mut Vec<(String, String)>) {
    let kind = json["type"].as_str().unwrap();
    match (kind, value) {
        ("null", Value::Null) => {}
        ("boolean", Value::Boolean(boolean)) => assert_eq!(*boolean, json["value"], "{path}"),
        ("number", Value::Number(number)) => assert_bits(*number, &json["bits"], path),
        ("string", Value::String(text)) => {
            assert_eq!(text.len(), json["utf8_len"].as_u64().unwrap() as usize);
            assert_eq!(&**text, json["value"], "{path}");
        }
        ("complex", Value::Complex(number)) => {
            assert_bits(number.re, &json["re_bits"], path);
            assert_bits(number.im, &json["im_bits"], path);
        }
        ("vector", Value::Vector(elements)) => {
            assert_eq!(elements.len(), json["len"].as_u64().unwrap() as usize);
            for (index, item) in json["items"].as_array().unwrap().iter().enumerate() {
                assert_value(&elements[index], item, &format!("{path}[{index}]"), lost);
            }
        }
        ("record", Value::Record(record)) => assert_record(record, json, path, lost),
        ("tensor" | "complex_tensor", Value::Tensor(tensor)) => {
            let (dtype, digest) = match kind {
                "tensor" => ("float64", "data_le_f64_sha256"),
                _ => ("complex128", "data_le_f64_pairs_sha256"),
            };
            assert_eq!(tensor.dtype().name(), dtype);
            assert_eq!(Json::from(tensor.shape()), json["shape"], "{path}");
            let sum = Sha256::digest(tensor.as_bytes().unwrap());
            let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(sum, json[digest], "{path}");
        }
        ("builtin_function", Value::Function(function)) => {
            let Function::Builtin { name } = &**function else {
                panic!("{path}: {function:?}");
            };
            assert_eq!(**name, *json["name"].as_str().unwrap());
        }
        ("unsupported", Value::Extension(extension)) => {
            assert_eq!(&*extension.type_name, Extension::UNSUPPORTED);
            let parameters = extension.parameters.as_record().unwrap();
            let what = json["what"].as_str().unwrap();
            assert_eq!(parameters.get("kind").unwrap().as_str(), Some(what));
            lost.push((path.to_owned(), what.to_owned()));
        }
        (kind, value) => panic!("{path}: {kind} is {value:?}"),
    }
}

fn assert_record(record: &Record, json: &Json, path: &str, lost: &mut Vec<(String, String)>) {
    let fields = json["fields"].as_object().unwrap();
    assert!(record.names().eq(fields.keys()), "{path}: sorted by name");
    for (name, field) in fields {
        assert_value(
            record.get(name).unwrap(),
            field,
            &format!("{path}.{name}"),
            lost,
        );
    }
}

#[track_caller]
fn assert_bits(number: f64, bits: &Json, path: &str) {
    assert_eq!(format!("{:016x}", number.to_bits()), *bits, "{path}");
}
