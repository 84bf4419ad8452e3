//! Foreign files, read into named values: .npy, .npz, .safetensors, .csv, .tsv, .json, and tables in
//! .arrow, .feather and .parquet.
//!
//! Nothing large is read here. The tensors that come out read their bytes from the file when they
//! are saved, piece by piece ([`file_range`]); what has to be decompressed or converted goes through
//! bounded buffers into a temporary file ([`scratch`]). So packing takes little memory however large
//! the files are. What does not fit is an error that names the place ([`ImportError`]): no value is
//! dropped, rounded or guessed without a note.

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
mod arrow_guard;
#[cfg(feature = "arrow")]
mod arrow_lazy;
#[cfg(feature = "arrow")]
mod arrow_messages;
mod csv;
mod csv_columns;
mod csv_guess;
mod csv_rows;
mod elsewhere;
mod error;
mod file_range;
mod json;
mod json_numbers;
mod npy;
mod npy_dtype;
mod npy_header;
mod npy_strings;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_schema;
mod safetensors;
mod scratch;
mod source;

use std::path::{Path, PathBuf};

use achronyme_env::{Record, Value, check_name};

use error::{Result, Site};

pub(crate) use error::ImportError;
pub(crate) use json::json_value;

/// How foreign files are read.
#[derive(Clone, Debug)]
pub(crate) struct ImportOptions {
    /// The name of a value that stands under the stem of its file; the stem when it is not given.
    pub(crate) name: Option<String>,
    /// Whether the first line of a table names its columns; otherwise they are `c0`, `c1`, ...
    pub(crate) header: bool,
    /// What separates the fields of a table: a comma (a tab for .tsv) when it is not given.
    pub(crate) delimiter: Option<u8>,
    /// Columns of tables that are text whatever they hold.
    pub(crate) strings: Vec<String>,
    /// Where temporary files are made: where the system makes them when it is not given.
    pub(crate) scratch_directory: Option<PathBuf>,
    /// Most bytes one compressed member may have uncompressed.
    pub(crate) max_member_bytes: u64,
}

impl Default for ImportOptions {
    fn default() -> Self {
        ImportOptions {
            name: None,
            header: true,
            delimiter: None,
            strings: Vec::new(),
            scratch_directory: None,
            max_member_bytes: achronyme_env::Limits::default().max_extent_raw_bytes,
        }
    }
}

/// One value out of a foreign file.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    /// Its name: the member's, the key's, or the file's stem.
    pub(crate) name: String,
    /// The value. Its tensors may read from the file until they are saved.
    pub(crate) value: Value,
    /// What the file says about this value.
    pub(crate) attributes: Record,
    /// What was decided or converted on the way, when there is something to say.
    pub(crate) note: Option<String>,
}

/// Where the names of the values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// There is one value, under the stem of the file or [`ImportOptions::name`].
    Stem,
    /// The file names its values itself.
    Members,
}

/// What a foreign file holds.
#[derive(Clone, Debug)]
pub(crate) struct Imports {
    /// The values, in the order of the file. No two have the same name.
    pub(crate) values: Vec<Imported>,
    /// Where their names come from.
    pub(crate) naming: Naming,
    /// What the file says about itself, such as `__metadata__` of a .safetensors.
    pub(crate) metadata: Record,
    /// Lines to tell the user, each beginning with the file.
    pub(crate) notes: Vec<String>,
    /// Those of [`ImportOptions::strings`] that are columns of this table.
    pub(crate) strings_found: Vec<String>,
}

impl Imports {
    /// A file that holds one value under its stem.
    fn one(value: Imported) -> Imports {
        Imports {
            values: vec![value],
            naming: Naming::Stem,
            metadata: Record::new(),
            notes: Vec::new(),
            strings_found: Vec::new(),
        }
    }

    /// A file that names its values itself.
    fn members(values: Vec<Imported>) -> Imports {
        Imports {
            values,
            naming: Naming::Members,
            metadata: Record::new(),
            notes: Vec::new(),
            strings_found: Vec::new(),
        }
    }
}

impl ImportOptions {
    /// The name of the one value of the file at `path`.
    ///
    /// # Errors
    /// When it is too long, or the file's name is not UTF-8.
    fn stem(&self, path: &Path) -> Result<String> {
        let site = Site::whole(path);
        let name = match &self.name {
            Some(name) => name.clone(),
            None => path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .ok_or_else(|| {
                    let found = "its name is not UTF-8 and cannot name a value";
                    site.unsupported(found, "say which name to use: NAME=PATH")
                })?
                .to_owned(),
        };
        check_name(&name).map_err(|e| site.value(e))?;
        Ok(name)
    }
}

/// Reads the foreign file at `path` into named values.
///
/// # Errors
/// [`ImportError`], when the file cannot be read, is damaged, or holds what no value stands for.
pub(crate) fn import(path: &Path, options: &ImportOptions) -> Result<Imports> {
    let extension = path
        .extension()
        .map(|extension| extension.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    match extension.as_str() {
        "csv" => csv::import(path, options, b','),
        "json" => json::import(path, options),
        "npy" => npy::import(path, options),
        "npz" => npz::import(path, options),
        "safetensors" => safetensors::import(path, options),
        "tsv" => csv::import(path, options, b'\t'),
        // A directory by design.
        "zarr" if path.exists() => Err(unknown(path, &extension)),
        #[cfg(feature = "arrow")]
        "arrow" | "feather" | "ipc" | "arrows" | "parquet" => arrow::import(path, options),
        _ => {
            // What is missing, or no file at all, is told before its extension is.
            let source = source::SourceFile::open(path)?;
            // Under another name, or none, a table is known by its first bytes.
            #[cfg(feature = "arrow")]
            if arrow::is_named_otherwise(&source)? {
                return arrow::import(path, options);
            }
            let _ = source;
            Err(unknown(path, &extension))
        }
    }
}

/// The error for an extension that is none of ours.
fn unknown(path: &Path, extension: &str) -> ImportError {
    let found = match extension {
        "" => "a file without an extension is".to_owned(),
        extension => format!(".{extension} files are"),
    };
    ImportError::UnknownFormat {
        path: path.to_path_buf(),
        found,
        advice: elsewhere::advice(path, extension),
    }
}

#[cfg(test)]
mod tests;
