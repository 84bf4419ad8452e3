//! Parquet: one record of columns, compressed with zstd.

use std::io::Write;

use achronyme_env::{Record, Value};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use super::ExportError;
use super::arrow::{batch, unfit};
use crate::output_file::OutputFile;

/// Writes `value` as a Parquet file. Answers what was left out, as lines for the user.
///
/// # Errors
/// [`ExportError`] for values that are no table or have types that Parquet has not, and when reading
/// or writing fails.
pub(crate) fn write(
    name: &str,
    value: &Value,
    attributes: &Record,
    out: &mut OutputFile,
) -> Result<Vec<String>, ExportError> {
    const FORMAT: &str = "a Parquet file";
    let (batch, notes) = batch(name, value, attributes, FORMAT)?;
    let failed = |error: ParquetError| match error {
        ParquetError::External(source) => match source.downcast::<std::io::Error>() {
            Ok(source) => ExportError::Output(*source),
            Err(other) => unfit(name, FORMAT, other.to_string()),
        },
        other => unfit(name, FORMAT, other.to_string()),
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .build();
    let writer = ArrowWriter::try_new(&mut *out, batch.schema(), Some(properties));
    let mut writer = writer.map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.close().map_err(failed)?;
    out.flush()?;
    Ok(notes)
}
