//! Every format against files built here, byte by byte, and against the example data.

#[cfg(feature = "parquet")]
mod arrow;
mod csv;
mod dispatch;
mod json;
mod npy;
mod npz;
mod safetensors;

use std::path::{Path, PathBuf};

use achronyme_env::{Tensor, Value};

use super::{ImportOptions, Imports, import};

/// A directory with files, deleted at the end.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        Files(tempfile::tempdir().unwrap())
    }

    fn add(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// What a file of these bytes holds. It is read to the end here, as the file goes away.
fn read(name: &str, bytes: impl AsRef<[u8]>) -> Imports {
    read_with(name, bytes, &ImportOptions::default())
}

fn read_with(name: &str, bytes: impl AsRef<[u8]>, options: &ImportOptions) -> Imports {
    let files = Files::new();
    let mut imports = import(&files.add(name, bytes), options).unwrap();
    for imported in &mut imports.values {
        imported.value = load(&imported.value);
    }
    imports
}

/// The error for a file of these bytes, without the directory.
fn refusal(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let files = Files::new();
    let path = files.add(name, bytes);
    let text = import(&path, &ImportOptions::default())
        .unwrap_err()
        .to_string();
    let directory = format!("{}/", files.0.path().display());
    assert!(text.contains(&directory), "names no file: {text}");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    text.replace(&directory, "")
}

/// The same value with its tensors in memory.
fn load(value: &Value) -> Value {
    match value {
        Value::Tensor(t) => {
            Tensor::from_bytes(t.dtype(), t.shape(), t.order(), t.as_bytes().unwrap())
                .unwrap()
                .into()
        }
        Value::Extension(extension) => {
            let mut extension = (**extension).clone();
            extension.storage = load(&extension.storage);
            extension.into()
        }
        Value::Record(record) => Value::Record(
            record
                .iter()
                .map(|(name, value)| (name, load(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The strings of a string array.
fn strings(value: &Value) -> Vec<String> {
    let Value::StringArray(array) = value else {
        panic!("not a string array: {value:?}")
    };
    array.iter().map(|s| s.unwrap().to_owned()).collect()
}

/// The only value of a file.
fn only(imports: Imports) -> Value {
    assert_eq!(imports.values.len(), 1);
    imports.values.into_iter().next().unwrap().value
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/data")
        .join(name)
}
