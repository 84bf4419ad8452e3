//! Which file is read as what, and what is no file at all.

use super::*;

#[test]
fn extensions_decide_in_any_case() {
    assert_eq!(
        only(read("X.JSON", "[]")).as_vector().map(<[_]>::len),
        Some(0)
    );
    assert_eq!(
        refusal("model.gguf", "x"),
        "model.gguf: .gguf files are not read; what is read: .npy, .npz, .safetensors, .csv, .tsv, \
         .json, .arrow, .feather, .parquet and .ach; save its tensors as .safetensors or .npz first"
    );
    assert!(refusal("a.H5", "x").contains(".h5 files are not read"));
    for name in ["a.H5", "a.mat", "a.pt"] {
        let text = refusal(name, "x");
        assert!(
            text.contains("; run `python -m achronyme_env convert "),
            "{text}"
        );
    }
    assert!(refusal("a.rds", "x").contains("save its arrays as .npz or .npy first"));
    assert!(refusal("a.xlsx", "x").contains("save the table as .csv"));
    assert!(refusal("README", "x").contains("a file without an extension is not read"));
    assert!(refusal("a.\x1b[31m", "x").contains(".\\u{1b}[31m files are"));
}

#[test]
fn what_is_missing_or_no_file_is_told_first() {
    let files = Files::new();
    let options = ImportOptions::default();
    for name in [
        "a.npy",
        "a.npz",
        "a.safetensors",
        "a.csv",
        "a.tsv",
        "a.json",
        "a.xyz",
    ] {
        let path = files.0.path().join(name);
        let text = import(&path, &options).unwrap_err().to_string();
        assert!(
            text.starts_with("cannot open ") && text.contains(name),
            "{text}"
        );
        std::fs::create_dir(&path).unwrap();
        let text = import(&path, &options).unwrap_err().to_string();
        assert!(
            text.contains("is a directory, not a regular file"),
            "{text}"
        );
    }
    std::fs::create_dir(files.0.path().join("a.zarr")).unwrap();
    let text = import(&files.0.path().join("a.zarr"), &options)
        .unwrap_err()
        .to_string();
    assert!(text.contains(".zarr files are not read"), "{text}");
}

#[test]
fn a_name_can_be_given_and_is_checked() {
    let options = ImportOptions {
        name: Some("other".to_owned()),
        ..ImportOptions::default()
    };
    assert_eq!(read_with("a.json", "1", &options).values[0].name, "other");
    let files = Files::new();
    let options = ImportOptions {
        name: Some("n".repeat(4097)),
        ..ImportOptions::default()
    };
    let text = import(&files.add("a.json", "1"), &options)
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("has 4097 bytes; a name may have 4096"),
        "{text}"
    );
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_has_to_be_given() {
    use std::os::unix::ffi::OsStrExt;
    let files = Files::new();
    let path = files
        .0
        .path()
        .join(std::ffi::OsStr::from_bytes(b"\xff.json"));
    std::fs::write(&path, "1").unwrap();
    let text = import(&path, &ImportOptions::default())
        .unwrap_err()
        .to_string();
    assert!(text.contains("say which name to use: NAME=PATH"), "{text}");
}
