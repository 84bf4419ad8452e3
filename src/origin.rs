//! Where bytes come from, for messages.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where bytes came from: a file, or memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file on disk, under the path it was opened by.
    File(PathBuf),
    /// Bytes handed over by the caller.
    Memory,
    /// A stream of messages.
    Stream,
    /// No file: an environment.
    Environment,
    /// Several archives that were merged, in their order.
    Merged(Vec<Origin>),
}

impl Origin {
    /// The path, when there is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Origin::File(path) => Some(path),
            Origin::Memory | Origin::Stream | Origin::Environment | Origin::Merged(_) => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File(path) => {
                write!(
                    f,
                    "{}",
                    crate::name::escape_for_terminal(&path.to_string_lossy())
                )
            }
            Origin::Memory => f.write_str("the bytes in memory"),
            Origin::Stream => f.write_str("the stream of messages"),
            Origin::Environment => f.write_str("the environment"),
            Origin::Merged(origins) => {
                let (shown, more) = origins.split_at(origins.len().min(3));
                for (n, origin) in shown.iter().enumerate() {
                    let between = match n {
                        0 => "",
                        n if n + 1 == origins.len() => " and ",
                        _ => ", ",
                    };
                    write!(f, "{between}{origin}")?;
                }
                match (shown, more.len()) {
                    ([], _) => f.write_str("no archive"),
                    (_, 0) => Ok(()),
                    (_, more) => write!(f, " and {more} more"),
                }
            }
        }
    }
}

impl From<&Path> for Origin {
    fn from(path: &Path) -> Self {
        Origin::File(path.to_path_buf())
    }
}
