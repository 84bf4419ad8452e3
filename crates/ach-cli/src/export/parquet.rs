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

/// Rows without bytes that are still written: nulls, and lists of no elements.
const MOST_EMPTY_ROWS: usize = 1 << 28;

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
    let (rows, bytes) = (batch.num_rows(), batch.get_array_memory_size());
    if rows > MOST_EMPTY_ROWS && bytes < rows / 8 {
        let reason = format!("its {rows} rows hold next to nothing, and each of them is written");
        return Err(unfit(name, FORMAT, reason));
    }
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
