//! Saving an environment.

use std::borrow::Borrow;
use std::path::Path;

use super::variables::{Environment, Variable};
use crate::error::Result;
use crate::write::{ArchiveWriter, BindingOptions, SaveOptions, SaveReport};

/// Saves the variables of an environment to a file: atomically, in their order, with their
/// attributes and marks. Tensors that are still in a file are read from there piece by piece; the
/// file may be the one that is replaced.
///
/// ```
/// use achronyme_env::{restore_environment, save_environment};
/// use achronyme_env::{Environment, RestoreOptions, SaveOptions};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.ach");
///
/// let mut env = Environment::new();
/// env.set("answer", 42i64)?;
/// let report = save_environment(&env, &path, SaveOptions::new())?;
/// assert_eq!((report.bindings, report.findings.len()), (1, 0));
///
/// let restored = restore_environment(&path, RestoreOptions::new())?;
/// assert_eq!(restored.environment.get("answer").unwrap().as_i64(), Some(42));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`ArchiveWriter`]; [`crate::EnvError::FileTooLarge`], [`crate::EnvError::Lossy`]. The old
/// file, if there is one, is then as it was.
pub fn save_environment(
    environment: &Environment,
    path: impl AsRef<Path>,
    options: impl Borrow<SaveOptions>,
) -> Result<SaveReport> {
    let options = session_options(options.borrow());
    let mut writer = ArchiveWriter::create(path, &options)?;
    add_variables(&mut writer, environment.iter())?;
    writer.finish()
}

/// The options as they are meant for a session: its host has its builtins anyway.
pub(super) fn session_options(options: &SaveOptions) -> SaveOptions {
    let mut options = options.clone();
    options.include_builtins.get_or_insert(false);
    options
}

/// Adds variables to an archive.
pub(super) fn add_variables<'v>(
    writer: &mut ArchiveWriter<'v>,
    variables: impl Iterator<Item = (&'v str, &'v Variable)>,
) -> Result<()> {
    for (name, variable) in variables {
        let options = BindingOptions::new()
            .attributes(variable.attributes.clone())
            .constant(variable.constant)
            .mutable(variable.mutable);
        writer.add_with(name, &variable.value, &options)?;
    }
    Ok(())
}
