//! What can go wrong when a foreign file is read: which file, which part of it, what was found
//! there, and what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, escape_for_terminal};

/// The result of everything that reads a foreign file.
pub(crate) type Result<T, E = ImportError> = std::result::Result<T, E>;

/// An error about one foreign file.
///
/// The text is one sentence. Nothing from a file or its name reaches it unescaped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The bytes contradict themselves or their format: cut short, damaged, or made to harm.
    #[error(
        "{site}{}; {}",
        escape_for_terminal(found),
        escape_for_terminal(advice)
    )]
    Damaged {
        /// The file and the part of it.
        site: Box<Site>,
        /// What was found there.
        found: String,
        /// What to do.
        advice: String,
    },

    /// Opening or reading failed.
    #[error("cannot {action} {}: {source}", shown(path))]
    Io {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },

    /// The path names a directory, a FIFO, a device or a socket.
    #[error(
        "{} is {found}, not a regular file; name the files to read",
        shown(path)
    )]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },

    /// The file's extension is none that is read.
    #[error(
        "{}: {} not read; what is read: .npy, .npz, .safetensors, .csv, .tsv, .json, .arrow, .feather, .parquet and .ach; {}",
        shown(path),
        escape_for_terminal(found),
        escape_for_terminal(advice)
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// What the file is, with its verb: ".h5 files are", "a name without an extension is".
        found: String,
        /// How to get there.
        advice: String,
    },

    /// The file is well-formed, but holds something that no value stands for.
    #[error(
        "{site}{}; {}",
        escape_for_terminal(found),
        escape_for_terminal(advice)
    )]
    Unsupported {
        /// The file and the part of it.
        site: Box<Site>,
        /// What was found there.
        found: String,
        /// What to do.
        advice: String,
    },

    /// The library refused a name or a value, or could not read its bytes.
    #[error("{site}{source}")]
    Value {
        /// The file and the part of it.
        site: Box<Site>,
        /// What the library answered.
        source: Box<EnvError>,
    },
}

/// A part of a foreign file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Place {
    /// A column of a table.
    Column(String),
    /// The path to a value in JSON, and its line and column there.
    Key {
        /// The path, such as `runs[2].loss`; empty for the top level.
        path: String,
        /// Line, counted from 1.
        line: usize,
        /// Column in bytes, counted from 1.
        column: usize,
    },
    /// A line, counted from 1.
    Line(u64),
    /// A member of an .npz.
    Member(String),
    /// A tensor of a .safetensors.
    Tensor(String),
    /// The whole file, or its beginning.
    #[default]
    Whole,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Column(name) => write!(f, "column {}: ", quoted(name)),
            Place::Key { path, line, column } if path.is_empty() => {
                write!(f, "line {line}, column {column}: ")
            }
            Place::Key { path, line, column } => {
                write!(f, "{} (line {line}, column {column}): ", quoted(path))
            }
            Place::Line(line) => write!(f, "line {line}: "),
            Place::Member(name) => write!(f, "member {}: ", quoted(name)),
            Place::Tensor(name) => write!(f, "tensor {}: ", quoted(name)),
            Place::Whole => Ok(()),
        }
    }
}

/// A file and a part of it: makes the errors about that part.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    path: PathBuf,
    place: Place,
}

impl Site {
    /// The whole of a file.
    pub(crate) fn whole(path: &Path) -> Site {
        Site {
            path: path.to_path_buf(),
            place: Place::Whole,
        }
    }

    /// A part of the same file.
    pub(crate) fn at(&self, place: Place) -> Site {
        Site {
            path: self.path.clone(),
            place,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes contradict their format.
    pub(crate) fn damaged(
        &self,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> ImportError {
        ImportError::Damaged {
            site: Box::new(self.clone()),
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// The content is well-formed, but not for us.
    pub(crate) fn unsupported(
        &self,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> ImportError {
        ImportError::Unsupported {
            site: Box::new(self.clone()),
            found: found.into(),
            advice: advice.into(),
        }
    }

    /// The library refused.
    pub(crate) fn value(&self, source: EnvError) -> ImportError {
        ImportError::Value {
            site: Box::new(self.clone()),
            source: Box::new(source),
        }
    }

    /// The operating system refused.
    pub(crate) fn io(&self, action: &'static str, source: io::Error) -> ImportError {
        ImportError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", shown(&self.path), self.place)
    }
}

/// A path for a message, without anything that could act on a terminal.
fn shown(path: &Path) -> String {
    escape_for_terminal(&path.to_string_lossy())
}

/// A name for a message: escaped, shortened beyond 80 characters, in single quotes.
pub(crate) fn quoted(name: &str) -> String {
    let escaped = escape_for_terminal(name);
    if escaped.chars().count() <= 80 {
        return format!("'{escaped}'");
    }
    let head: String = escaped.chars().take(60).collect();
    format!("'{head}...' ({} bytes)", name.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_reaches_the_text_unescaped() {
        let site = Site::whole(Path::new("a\x1b[2J.npz")).at(Place::Member("\x07m".to_owned()));
        let text = site.damaged("found \x1b[31m", "do \n that").to_string();
        assert!(!text.chars().any(char::is_control), "{text}");
        assert!(text.starts_with("a\\u{1b}[2J.npz: member '\\u{7}m': found"));
    }

    #[test]
    fn long_names_are_shortened() {
        let text = Place::Column("x".repeat(5000)).to_string();
        assert!(text.len() < 100 && text.contains("(5000 bytes)"), "{text}");
    }
}
