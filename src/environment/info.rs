//! What a saved environment says about itself, without loading it.

use std::path::Path;

use super::report_record::count;
use super::version1::{self, either};
use crate::error::Result;
use crate::read::{Archive, Metadata, OpenOptions};
use crate::value::{Kind, Record, Value};

/// What is known of a saved environment without loading it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnvironmentInfo {
    /// Major and minor version of the format.
    pub version: (u16, u16),
    /// When it was made, in seconds since 1970-01-01 00:00 UTC.
    pub created_at: u64,
    /// The version that wrote it.
    pub created_by: String,
    /// Number of bindings.
    pub num_bindings: usize,
    /// Number of bindings that are constants.
    pub num_constants: usize,
    /// Number of bindings that are functions.
    pub num_functions: usize,
    /// Whether some of it is compressed.
    pub compressed: bool,
    /// Length of the file in bytes.
    pub file_size: u64,
    /// A description.
    pub description: Option<String>,
    /// Tags, in order.
    pub tags: Vec<String>,
    /// Anything else, in order.
    pub custom: Vec<(String, String)>,
    /// Names of the bindings, in the order they were saved.
    pub bindings: Vec<String>,
}

impl EnvironmentInfo {
    /// The same as a record, for a language. `description` is null and `tags` empty where there
    /// are none; custom pairs stand in a record of their own, so that none can pass for a field.
    pub fn to_record(&self) -> Record {
        let (major, minor) = self.version;
        let texts = |texts: &[String]| Value::vector(texts.iter().map(String::as_str));
        let custom: Record = self
            .custom
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        Record::from([
            ("version", Value::from(format!("{major}.{minor}"))),
            ("created_at", count(self.created_at)),
            ("created_by", Value::from(self.created_by.as_str())),
            ("num_bindings", count(self.num_bindings as u64)),
            ("num_constants", count(self.num_constants as u64)),
            ("num_functions", count(self.num_functions as u64)),
            ("compressed", Value::from(self.compressed)),
            ("file_size", count(self.file_size)),
            (
                "description",
                self.description.as_deref().map_or(Value::Null, Value::from),
            ),
            ("tags", texts(&self.tags)),
            ("custom", Value::from(custom)),
            ("bindings", texts(&self.bindings)),
        ])
    }
}

/// What the archive at `path` says about itself. Reads header, table, metadata and the heads of
/// structured bindings, all checked; no array data. A version 1 file has no table: it is read as a
/// whole.
///
/// # Errors
/// As [`Archive::open`] and [`Archive::metadata`].
pub fn env_info(path: impl AsRef<Path>) -> Result<EnvironmentInfo> {
    let path = path.as_ref();
    either(
        OpenOptions::new()
            .journal(true)
            .open(path)
            .and_then(|archive| info_of(&archive)),
        || version1::info(path),
    )
}

/// Description, tags and the like of the archive at `path`. Reads header, table and metadata, all
/// checked. A version 1 file has no table: it is read as a whole.
///
/// # Errors
/// As [`Archive::open`] and [`Archive::metadata`].
pub fn get_metadata(path: impl AsRef<Path>) -> Result<Metadata> {
    let path = path.as_ref();
    either(
        Archive::open(path).and_then(|archive| archive.metadata()),
        || version1::metadata(path),
    )
}

pub(super) fn info_of(archive: &Archive) -> Result<EnvironmentInfo> {
    archive.check_table()?;
    let metadata = archive.metadata()?;
    let bindings = archive.bindings_as_saved();
    let mut num_functions = 0;
    for binding in &bindings {
        match binding.kind() {
            Ok(kind) => num_functions += usize::from(kind == Kind::Function),
            // A kind of a later version: a binding all the same.
            Err(error) if error.is_about_the_unknown() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(EnvironmentInfo {
        version: (archive.header().major, archive.header().minor),
        created_at: metadata.created_at,
        created_by: metadata.created_by,
        num_bindings: bindings.len(),
        num_constants: bindings.iter().filter(|b| b.is_constant()).count(),
        num_functions,
        compressed: archive.header().has_cold,
        file_size: archive.file_len(),
        description: metadata.description,
        tags: metadata.tags,
        custom: metadata.custom,
        bindings: bindings.iter().map(|b| b.name().to_owned()).collect(),
    })
}
