//! Formats that are not read here, and what to do about each: the one table of these hints.

use std::path::Path;

/// What leads from a file of some extensions to an archive.
enum Way {
    /// The Python package converts it, with this library of Python's.
    Python(&'static str),
    /// Advice in words.
    Advice(&'static str),
}

use Way::{Advice, Python};

/// Extensions in small letters, and the way. None of them may be read by [`super::import`].
const WAYS: &[(&[&str], Way)] = &[
    (
        &["h5", "hdf5", "he5", "hdf", "nc", "nc4", "cdf"],
        Python("h5py"),
    ),
    (&["mat"], Python("scipy, or h5py for version 7.3")),
    (
        &["parquet", "pq", "arrow", "arrows", "ipc", "feather"],
        Python("pyarrow"),
    ),
    (&["pt", "pth"], Python("torch")),
    (&["zarr"], Python("zarr")),
    (
        &["rds", "rdata"],
        Advice("save its arrays as .npz or .npy first"),
    ),
    (
        &["ckpt", "bin", "onnx", "gguf", "pb", "keras"],
        Advice("save its tensors as .safetensors or .npz first"),
    ),
    (
        &["pkl", "pickle", "joblib", "dill"],
        Advice("pickles can run programs; save the arrays as .npz and the rest as .json first"),
    ),
    (
        &["xlsx", "xls", "ods"],
        Advice("save the table as .csv, or its columns as .npz first"),
    ),
    (
        &["gz", "bz2", "xz", "zst", "zip", "tar", "7z"],
        Advice("unpack it first"),
    ),
    (
        &["jsonl", "ndjson"],
        Advice("write its lines as one .json array"),
    ),
];

/// What to do with the file at `path`, whose extension (in small letters) is none that is read.
pub(super) fn advice(path: &Path, extension: &str) -> String {
    let found = WAYS.iter().find(|(known, _)| known.contains(&extension));
    match found {
        Some((_, Advice(words))) => (*words).to_owned(),
        Some((_, Python(library))) => format!(
            "run `python -m achronyme_env convert {} -o {}` (the Python package, with {library})",
            in_a_shell(path),
            in_a_shell(&path.with_extension("ach")),
        ),
        None => "save it as one of these, or give it the extension of what it is".to_owned(),
    }
}

/// A path as a word of a command.
fn in_a_shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |letter: char| letter.is_alphanumeric() || "._-/\\:,+=@%".contains(letter);
    match text.chars().all(plain) && !text.starts_with('-') {
        true => text.into_owned(),
        false => {
            // A word that begins with a dash would be an option.
            let dash = if text.starts_with('-') { "./" } else { "" };
            format!("'{dash}{}'", text.replace('\'', r"'\''"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_extension_has_one_way() {
        let mut seen = Vec::new();
        for (extensions, _) in WAYS {
            for extension in *extensions {
                assert!(!seen.contains(extension), "{extension}");
                assert_eq!(*extension, extension.to_ascii_lowercase());
                seen.push(extension);
            }
        }
    }

    #[test]
    fn the_line_can_be_run_whatever_the_name() {
        let line = |path: &str| {
            let advice = advice(Path::new(path), "h5");
            advice.split('`').nth(1).unwrap_or_default().to_owned()
        };
        let run = "python -m achronyme_env convert";
        assert_eq!(line("a/x.h5"), format!("{run} a/x.h5 -o a/x.ach"));
        assert_eq!(line("x.y.H5"), format!("{run} x.y.H5 -o x.y.ach"));
        assert_eq!(
            line("my run's.h5"),
            format!(r"{run} 'my run'\''s.h5' -o 'my run'\''s.ach'")
        );
        assert_eq!(line("-x.h5"), format!("{run} './-x.h5' -o './-x.ach'"));
    }
}
