//! Arrow's file format: one record of columns, without compression, so that it can be mapped.

use std::io::Write;

use achronyme_env::arrow::arrow_array::RecordBatch;
use achronyme_env::arrow::arrow_schema::ArrowError;
use achronyme_env::arrow::to_batch;
use achronyme_env::{Record, Value};
use arrow_ipc::writer::FileWriter;

use super::{ExportError, Failure, wrong_kind};
use crate::output_file::OutputFile;
use crate::term::escape;

/// Writes `value` as an Arrow file. Answers what was left out, as lines for the user.
///
/// # Errors
/// [`ExportError`] for values that are no table, and when reading or writing fails.
pub(crate) fn write(
    name: &str,
    value: &Value,
    attributes: &Record,
    out: &mut OutputFile,
) -> Result<Vec<String>, ExportError> {
    const FORMAT: &str = "an Arrow file";
    let (batch, notes) = batch(name, value, attributes, FORMAT)?;
    let failed = |error: ArrowError| match error {
        ArrowError::IoError(_, source) => ExportError::Output(source),
        other => unfit(name, FORMAT, other.to_string()),
    };
    let mut writer = FileWriter::try_new(&mut *out, &batch.schema()).map_err(failed)?;
    writer.write(&batch).map_err(failed)?;
    writer.finish().map_err(failed)?;
    drop(writer);
    out.flush()?;
    Ok(notes)
}

/// The table that `value` is, all of it, and what its schema cannot say.
///
/// # Errors
/// [`ExportError`] when a part of it is no column.
pub(super) fn batch(
    name: &str,
    value: &Value,
    attributes: &Record,
    format: &'static str,
) -> Result<(RecordBatch, Vec<String>), ExportError> {
    let Value::Record(record) = value else {
        let advice = "a table is a record of columns; choose npz or json";
        return Err(wrong_kind(name, value, format, advice));
    };
    let table = to_batch(record, attributes).map_err(|error| Failure::Read(error).about(name))?;
    if let Some(lost) = table
        .findings
        .iter()
        .find(|finding| finding.outcome.is_loss())
    {
        let field = format!(
            "{}{}",
            escape::name(&lost.name),
            achronyme_env::escape_for_terminal(&lost.path)
        );
        return Err(unfit(
            name,
            format,
            format!("its field {field}: {}", lost.reason),
        ));
    }
    if record.is_empty() {
        return Err(unfit(name, format, "it has no fields".to_owned()));
    }
    let notes = table
        .findings
        .iter()
        .map(|finding| format!("{}: attribute {finding}", escape::name(name)));
    Ok((table.batch, notes.collect()))
}

/// The error that a value has another form than a table.
pub(super) fn unfit(name: &str, format: &'static str, reason: String) -> ExportError {
    ExportError::Unfit {
        name: name.to_owned(),
        format,
        reason: format!(
            "{}; choose json",
            achronyme_env::escape_for_terminal(&reason)
        ),
    }
}
