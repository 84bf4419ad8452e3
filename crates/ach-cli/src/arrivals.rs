//! The inputs of `ach pack`, from arguments to files: `NAME=PATH`, and directories walked.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::error::{Failure, Result, shown};
use crate::export::filename::name_of;

/// The extensions that are looked for in directories.
const EXTENSIONS: [&str; 10] = [
    "ach",
    "arrow",
    "csv",
    "feather",
    "json",
    "npy",
    "npz",
    "parquet",
    "safetensors",
    "tsv",
];

/// A file to read values from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The file.
    pub(crate) path: PathBuf,
    /// The name of a value that has none of its own; the file's stem when it is not given.
    pub(crate) name: Option<String>,
    /// What the names of its members are put below, with a slash between.
    pub(crate) below: Option<String>,
}

/// The files that the inputs name, in their order, and notes on what was left out.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// The files.
    pub(crate) files: Vec<Arrival>,
    /// Lines for the user.
    pub(crate) notes: Vec<String>,
}

/// How inputs are taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    /// Whether directories are walked.
    pub(crate) recursive: bool,
    /// Whether file names are decoded as `ach extract` encoded them.
    pub(crate) decode: bool,
}

impl Arrivals {
    /// Finds the files that `inputs` name.
    ///
    /// # Errors
    /// A refusal for a directory without `-r` or without anything to read, and for a file in one
    /// whose name cannot name a value; what walking answers.
    pub(crate) fn find(inputs: &[OsString], walk: Walk) -> Result<Arrivals> {
        let mut arrivals = Arrivals::default();
        for input in inputs {
            let (name, path) = split(input);
            // A store that is a directory is read as one thing, or refused as one.
            let store = path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("zarr"));
            if path.is_dir() && (walk.recursive || !store) {
                arrivals.walk(&path, name.as_deref(), walk)?;
                continue;
            }
            let decoded = || path.file_name()?.to_str().and_then(name_of);
            let stem = name.clone().or_else(|| decoded().filter(|_| walk.decode));
            arrivals.files.push(Arrival {
                name: stem,
                below: name,
                path,
            });
        }
        Ok(arrivals)
    }

    fn walk(&mut self, root: &Path, below: Option<&str>, walk: Walk) -> Result<()> {
        if !walk.recursive {
            return Err(Failure::refused(format!(
                "{} is a directory; use -r to pack the files in it",
                shown(root)
            )));
        }
        let mut left_out = LeftOut::default();
        let before = self.files.len();
        let visible = |name: &OsStr| !name.as_encoded_bytes().starts_with(b".");
        let entries = WalkDir::new(root)
            .sort_by_file_name()
            .into_iter()
            .filter_entry(|entry| entry.depth() == 0 || visible(entry.file_name()));
        for entry in entries {
            let entry = entry.map_err(|error| {
                let path = error.path().unwrap_or(root).to_path_buf();
                let source = error.into_io_error();
                let source = source.unwrap_or_else(|| std::io::Error::other("a loop of links"));
                let action = "read";
                Failure::Write {
                    action,
                    path,
                    source,
                }
            })?;
            let path = entry.path();
            if entry.file_type().is_dir() {
                continue;
            }
            let known = path.extension().is_some_and(|extension| {
                let extension = extension.to_string_lossy().to_ascii_lowercase();
                EXTENSIONS.contains(&&*extension)
            });
            if !known || !path.is_file() {
                left_out.note(path);
                continue;
            }
            let name = relative_name(root, path, walk.decode)?;
            let name = match below {
                Some(below) => format!("{below}/{name}"),
                None => name,
            };
            self.files.push(Arrival {
                path: path.to_path_buf(),
                name: Some(name.clone()),
                below: Some(name),
            });
        }
        if self.files.len() == before {
            return Err(Failure::refused(format!(
                "{} has no file to pack; what is read: .npy, .npz, .safetensors, .csv, .tsv, .json, \
                 .arrow, .feather, .parquet and .ach",
                shown(root)
            )));
        }
        self.notes.extend(left_out.text(root));
        Ok(())
    }
}

/// `NAME=PATH`, unless a file or directory of that very name exists. Where there are several `=`,
/// the first one counts that has something that exists behind it.
fn split(input: &OsStr) -> (Option<String>, PathBuf) {
    let whole = PathBuf::from(input);
    let Some(text) = input.to_str().filter(|_| !whole.exists()) else {
        return (None, whole);
    };
    let cuts = || text.match_indices('=').map(|(at, _)| at);
    let real = cuts().find(|at| Path::new(&text[at + 1..]).exists());
    match real.or_else(|| cuts().next()) {
        Some(at) => (Some(text[..at].to_owned()), PathBuf::from(&text[at + 1..])),
        None => (None, whole),
    }
}

/// The path from `root` to a file, with slashes and without the extension.
fn relative_name(root: &Path, path: &Path, decode: bool) -> Result<String> {
    let unfit = || {
        Failure::refused(format!(
            "{}: its name is not UTF-8 and cannot name a value; rename it, or pack it as NAME=PATH",
            shown(path)
        ))
    };
    let relative = path.strip_prefix(root).unwrap_or(path);
    let mut parts = Vec::new();
    for part in relative.parent().into_iter().flat_map(Path::components) {
        parts.push(part.as_os_str().to_str().ok_or_else(unfit)?.to_owned());
    }
    let file = relative.file_name().and_then(OsStr::to_str);
    let decoded = file.filter(|_| decode).and_then(name_of);
    let stem = relative.file_stem().and_then(OsStr::to_str);
    parts.push(match decoded {
        Some(name) => name,
        None => stem.ok_or_else(unfit)?.to_owned(),
    });
    Ok(parts.join("/"))
}

/// Files of a directory that were not read.
#[derive(Debug, Default)]
struct LeftOut {
    count: usize,
    first: Vec<String>,
}

impl LeftOut {
    fn note(&mut self, path: &Path) {
        self.count += 1;
        if self.first.len() < 3 {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.first.push(name.into_owned());
        }
    }

    fn text(&self, root: &Path) -> Option<String> {
        let more = match self.count - self.first.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (self.count > 0).then(|| {
            format!(
                "{}: left out, since no values are read from them: {}{more}",
                shown(root),
                self.first.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_that_very_name_is_a_path() {
        let dir = tempfile::tempdir().unwrap();
        let odd = dir.path().join("a=b.npy");
        std::fs::write(&odd, b"").unwrap();
        assert_eq!(split(odd.as_os_str()), (None, odd.clone()));
        let mut named = OsString::from("x=");
        named.push(&odd);
        assert_eq!(split(&named), (Some("x".to_owned()), odd.clone()));
        let mut twice = OsString::from("x=y=");
        twice.push(&odd);
        assert_eq!(split(&twice), (Some("x=y".to_owned()), odd));
        let none = (Some("x".to_owned()), PathBuf::from("no=file"));
        assert_eq!(split(OsStr::new("x=no=file")), none);
    }

    #[test]
    fn names_in_a_directory_are_paths_without_extensions() {
        let name = |path: &str, decode| relative_name(Path::new("d"), Path::new(path), decode);
        assert_eq!(name("d/a.b.npy", false).unwrap(), "a.b");
        assert_eq!(name("d/e/f/g.csv", false).unwrap(), "e/f/g");
        assert_eq!(name("d/a%2Fb.npy", true).unwrap(), "a/b");
        assert_eq!(name("d/a%2Fb.npy", false).unwrap(), "a%2Fb");
    }
}
