//! Single variables of a file, by its path.

use std::path::Path;

use super::version1::either;
use crate::error::Result;
use crate::read::{Archive, OpenOptions};
use crate::value::Value;
use crate::version1::Version1;

/// One variable of the file at `path`, or a part of one by a path into its value; the others are
/// not touched. Array data is read when it is first looked at, whatever happens to the file
/// meanwhile.
///
/// Opens the file each time: for several, take [`env_load_vars`], or keep an [`Archive`].
///
/// ```
/// use achronyme_env::{env_load_var, save, SaveOptions, Value};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
/// save(&path, [("scores", &Value::vector([0.5, 0.75]))], &SaveOptions::new())?;
/// assert_eq!(env_load_var(&path, "scores[1]")?.as_f64(), Some(0.75));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Archive::open`] and [`Archive::at`].
pub fn env_load_var(path: impl AsRef<Path>, name: &str) -> Result<Value> {
    archive(path.as_ref())?.at(name)
}

/// Several variables of the file at `path`, in the order asked for. What was one cell or scope
/// under two of the names is one again.
///
/// # Errors
/// As [`Archive::open`] and [`Archive::load_vars`].
pub fn env_load_vars<S: AsRef<str>>(path: impl AsRef<Path>, names: &[S]) -> Result<Vec<Value>> {
    archive(path.as_ref())?.load_vars(names)
}

/// The archive at `path`; a version 1 file, read as a whole, becomes one in memory.
fn archive(path: &Path) -> Result<Archive> {
    either(OpenOptions::new().journal(true).open(path), || {
        Version1::open(path)?.to_archive()
    })
}
