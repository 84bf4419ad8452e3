//! What the fuzz targets of `fuzz/` drive: whole commands and imports, in this process.

use std::ffi::OsString;
use std::path::Path;

use achronyme_env::Value;
use clap::Parser;

use crate::import::{ImportOptions, import};
use crate::term::Screen;
use crate::{Cli, dispatch};

/// What a command wrote to standard output, with the sentence that ended it on standard error when it
/// failed. Colours are off. `Err` is for arguments that are none.
///
/// # Errors
/// What is wrong with the arguments, as the command would show it.
pub fn run<A: Into<OsString> + Clone>(
    arguments: impl IntoIterator<Item = A>,
    width: usize,
) -> Result<(Vec<u8>, Option<String>), String> {
    let cli = Cli::try_parse_from(arguments).map_err(|error| error.render().to_string())?;
    let mut out = Vec::new();
    let result = dispatch(&cli.command, &Screen::plain(width), &mut out);
    Ok((out, result.err().map(|failure| failure.to_string())))
}

/// The values of the foreign file at `path`, with their names. A compressed member may unpack to
/// `max_member_bytes`; temporary files go to `scratch`.
///
/// # Errors
/// The sentence a user sees.
pub fn imported(
    path: &Path,
    max_member_bytes: u64,
    scratch: &Path,
) -> Result<Vec<(String, Value)>, String> {
    let options = ImportOptions {
        max_member_bytes,
        scratch_directory: Some(scratch.to_owned()),
        ..ImportOptions::default()
    };
    let imports = import(path, &options).map_err(|error| error.to_string())?;
    let values = imports.values.into_iter();
    Ok(values
        .map(|imported| (imported.name, imported.value))
        .collect())
}
