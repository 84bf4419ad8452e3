//! Tables of the Arrow and Parquet formats: what a file is, is told by its first bytes.
//!
//! Columns of numbers and times without nulls stay in an uncompressed Arrow file and are read when
//! they are saved; the rest goes through memory.

use std::path::Path;
use std::sync::Arc;

use achronyme_env::arrow::arrow_schema::{ArrowError, Schema};
use achronyme_env::arrow::{Table, attributes_of, column_over, from_batches};
use achronyme_env::{Record, Value};

use super::arrow_guard::guarded;
use super::arrow_lazy::Columns;
use super::arrow_messages::{Layout, Messages};
use super::error::{Place, Result, Site};
use super::source::SourceFile;
use super::{ImportError, ImportOptions, Imported, Imports};

/// Whether a file of another name is one of these formats by its first bytes. Streams are not looked
/// for: they begin with no more than a mark.
///
/// # Errors
/// When it cannot be read.
pub(super) fn is_named_otherwise(source: &SourceFile) -> Result<bool> {
    let head = head(source).map_err(|error| Site::whole(source.path()).value(error))?;
    Ok(Kind::of(&head).is_some_and(|kind| kind != Kind::Stream))
}

/// What a file is by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Arrow's file format, version 2 of Feather.
    File,
    /// Arrow's stream format.
    Stream,
    Parquet,
    /// Version 1 of Feather.
    Feather1,
}

impl Kind {
    fn of(head: &[u8]) -> Option<Kind> {
        match head {
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Some(Kind::File),
            // A continuation mark, and a schema of less than 16 MiB.
            [0xff, 0xff, 0xff, 0xff, _, _, _, 0, ..] => Some(Kind::Stream),
            [b'P', b'A', b'R', b'1', ..] => Some(Kind::Parquet),
            [b'F', b'E', b'A', b'1', ..] => Some(Kind::Feather1),
            _ => None,
        }
    }
}

/// Reads an .arrow, .feather or .parquet file.
///
/// # Errors
/// When the file is damaged or of none of these formats, or unfolds to more than the limits allow.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Imports> {
    let site = Site::whole(path);
    let name = options.stem(path)?;
    let source = Arc::new(SourceFile::open(path)?);
    let len = source.len();
    let head = head(&source).map_err(|error| site.value(error))?;
    let table = match Kind::of(&head) {
        Some(Kind::File) => {
            let messages = Messages::of_file(&source, len, &site)?;
            read(&messages, &site, options)?
        }
        Some(Kind::Stream) => {
            let messages = Messages::of_stream(&source, len, &site)?;
            read(&messages, &site, options)?
        }
        #[cfg(feature = "parquet")]
        Some(Kind::Parquet) => super::parquet::read(&source, &site, options)?,
        #[cfg(not(feature = "parquet"))]
        Some(Kind::Parquet) => {
            return Err(site.unsupported(
                "it is a Parquet file, and this program was built without the feature parquet",
                "build it with that feature, or save the table as .arrow",
            ));
        }
        Some(Kind::Feather1) => {
            return Err(site.unsupported(
                "it is a Feather file of version 1",
                "save it as version 2, which is an Arrow file, or as .parquet",
            ));
        }
        None if len == 0 => {
            return Err(site.damaged("the file is empty", "save it again"));
        }
        None => {
            return Err(site.damaged(
                "it begins neither as an Arrow nor as a Parquet file",
                "it is damaged, or of another format than its name says",
            ));
        }
    };
    let mut imports = Imports::one(Imported {
        name,
        value: table.record.into(),
        attributes: table.attributes,
        note: None,
    });
    let file = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let file = achronyme_env::escape_for_terminal(&file);
    imports.notes = table
        .findings
        .iter()
        .map(|finding| format!("{file}: {finding}"))
        .collect();
    Ok(imports)
}

/// The first bytes of a file: eight, or as many as there are.
fn head(source: &SourceFile) -> Result<Vec<u8>, achronyme_env::EnvError> {
    let mut head = vec![0; source.len().min(8) as usize];
    source.read_exact_at(0, &mut head)?;
    Ok(head)
}

/// The table of Arrow messages: columns that stand in the file as they are, and the rest decoded.
///
/// # Errors
/// When something in it contradicts itself.
pub(super) fn read(messages: &Messages, site: &Site, options: &ImportOptions) -> Result<Table> {
    let schema = messages.schema();
    let layout = Layout::of(messages, site, options)?;
    let lazy = Columns::find(messages, &layout, site)?;
    let eager: Vec<usize> = (0..schema.fields().len())
        .filter(|index| !lazy.has(*index))
        .collect();
    let mut decoded = decode(messages, &layout, &eager, site)?;
    let mut record = Record::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let site = site.at(Place::Column(field.name().clone()));
        let value = match lazy.storages(index) {
            None => decoded.record.remove(field.name()),
            Some((rows, storages)) => {
                column_over(field, rows, storages).map_err(|error| site.value(error))?
            }
        };
        let value: Value = value.unwrap_or_default();
        if record.insert(field.name().as_str(), value).is_some() {
            return Err(site.damaged("another column has the same name", "rename one of them"));
        }
    }
    decoded.record = record;
    decoded.attributes = attributes_of(schema);
    Ok(decoded)
}

/// The columns of those numbers, decoded in memory.
fn decode(messages: &Messages, layout: &Layout, eager: &[usize], site: &Site) -> Result<Table> {
    let schema: Schema = messages
        .schema()
        .project(eager)
        .map_err(|error| broken(site, &error))?;
    if eager.is_empty() {
        return from_batches(&schema, &[]).map_err(|error| site.value(error));
    }
    let table = guarded(|| {
        let batches = messages.decode(layout, eager, site)?;
        from_batches(&schema, &batches).map_err(|error| site.value(error))
    });
    table.unwrap_or_else(|panic| Err(damaged(site, &panic)))
}

/// The error for what Arrow's crates say of a file.
pub(super) fn broken(site: &Site, error: &ArrowError) -> ImportError {
    damaged(site, &error.to_string())
}

/// The error for a file that contradicts itself.
pub(super) fn damaged(site: &Site, reason: &str) -> ImportError {
    let mut reason: String = reason.chars().take(300).collect();
    if reason.is_empty() {
        reason.push_str("its parts contradict each other");
    }
    site.damaged(
        format!("it cannot be read: {reason}"),
        "the file is damaged; copy or save it again",
    )
}
