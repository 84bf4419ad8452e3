//! Tables in the Parquet format. They are decoded batch by batch; what is more than a little goes
//! through a temporary file in Arrow's stream format, from which numbers are read when they are saved.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::sync::Arc;

use achronyme_env::arrow::arrow_array::{Array, RecordBatch};
use achronyme_env::arrow::arrow_schema::{DataType, Field, Schema};
use achronyme_env::arrow::{Table, from_batches};
use arrow_ipc::writer::StreamWriter;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::arrow::{broken, damaged};
use super::arrow_guard::guarded;
use super::arrow_messages::Messages;
use super::error::{Result, Site};
use super::source::SourceFile;
use super::{ImportError, ImportOptions};

/// Rows that are decoded at once.
const ROWS: usize = 32 * 1024;

/// Bytes of batches that stay in memory.
const IN_MEMORY: usize = 128 << 20;

/// Reads a .parquet file.
///
/// # Errors
/// When it is damaged, or becomes more than the limits allow.
pub(super) fn read(
    source: &Arc<SourceFile>,
    site: &Site,
    options: &ImportOptions,
) -> Result<Table> {
    let read = guarded(|| decode(source, site, options));
    let table = read.unwrap_or_else(|panic| Err(damaged(site, &panic)))?;
    let file = source.handle().map_err(|error| site.value(error))?;
    source.check(&file).map_err(|error| site.value(error))?;
    Ok(table)
}

fn decode(source: &Arc<SourceFile>, site: &Site, options: &ImportOptions) -> Result<Table> {
    super::parquet_schema::check(source, site)?;
    let failed = |error: ParquetError| damaged(site, &error.to_string());
    let chunks = || Chunks(Arc::clone(source));
    let metadata = ArrowReaderMetadata::load(&chunks(), Default::default()).map_err(failed)?;
    let narrow = ArrowReaderOptions::new().with_schema(Arc::new(narrow(metadata.schema())));
    let metadata =
        ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), narrow).map_err(failed)?;
    let schema = Arc::clone(metadata.schema());
    let mut batches = Batches::new(&schema, site, options);
    let (mut rows, mut done) = (rows_at_once(&metadata), 0);
    loop {
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunks(), metadata.clone());
        let builder = builder.with_batch_size(rows).with_offset(done);
        let mut overflowed = false;
        for batch in builder.build().map_err(failed)? {
            match batch {
                Ok(batch) => {
                    done += batch.num_rows();
                    batches.add(batch)?;
                }
                // Texts of so many rows are more than offsets of 32 bits tell.
                Err(error) if rows > 1 && error.to_string().contains("overflow") => {
                    overflowed = true;
                    break;
                }
                Err(error) => return Err(broken(site, &error)),
            }
        }
        if !overflowed {
            return batches.finish();
        }
        rows = (rows / 64).max(1);
    }
}

/// Rows that are decoded at once: fewer where each has many bytes by its type.
fn rows_at_once(metadata: &ArrowReaderMetadata) -> usize {
    let columns = metadata.parquet_schema().columns().iter();
    let fixed = columns.filter(|column| column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY);
    let row: u64 = fixed
        .map(|column| u64::try_from(column.type_length()).unwrap_or(0))
        .sum();
    ((IN_MEMORY as u64).checked_div(row)).map_or(ROWS, |rows| rows.clamp(1, ROWS as u64) as usize)
}

/// The schema with offsets of 32 bits for texts and bytes: of few bytes a page may make many, since it
/// says a text once for all rows that have it, and what one batch makes of it then ends at 2 GiB.
fn narrow(schema: &Schema) -> Schema {
    let fields: Vec<Arc<Field>> = schema.fields().iter().map(narrow_field).collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

fn narrow_field(field: &Arc<Field>) -> Arc<Field> {
    let narrow = narrow_type(field.data_type());
    match narrow == *field.data_type() {
        true => Arc::clone(field),
        false => Arc::new(Field::clone(field).with_data_type(narrow)),
    }
}

fn narrow_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::LargeUtf8 => DataType::Utf8,
        DataType::LargeBinary => DataType::Binary,
        DataType::List(item) => DataType::List(narrow_field(item)),
        DataType::LargeList(item) => DataType::LargeList(narrow_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(narrow_field(item), *size),
        DataType::Map(item, sorted) => DataType::Map(narrow_field(item), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(narrow_field).collect()),
        DataType::Dictionary(key, value) => {
            DataType::Dictionary(key.clone(), Box::new(narrow_type(value)))
        }
        other => other.clone(),
    }
}

/// The batches so far: in memory, or in a file.
struct Batches<'a> {
    schema: &'a Schema,
    site: &'a Site,
    options: &'a ImportOptions,
    held: Vec<RecordBatch>,
    bytes: u64,
    file: Option<StreamWriter<BufWriter<File>>>,
}

impl<'a> Batches<'a> {
    fn new(schema: &'a Schema, site: &'a Site, options: &'a ImportOptions) -> Self {
        Batches {
            schema,
            site,
            options,
            held: Vec::new(),
            bytes: 0,
            file: None,
        }
    }

    fn add(&mut self, batch: RecordBatch) -> Result<()> {
        let columns = batch.columns().iter();
        let bytes: usize = columns.map(|column| column.get_buffer_memory_size()).sum();
        self.bytes = self.bytes.saturating_add(bytes as u64);
        if self.bytes > self.options.max_member_bytes {
            return Err(self.site.unsupported(
                format!(
                    "it becomes more than {} bytes",
                    self.options.max_member_bytes
                ),
                "save the table in parts",
            ));
        }
        self.held.push(batch);
        if self.bytes > IN_MEMORY as u64 {
            self.spill()?;
        }
        Ok(())
    }

    /// Moves what is held to the file.
    fn spill(&mut self) -> Result<()> {
        let failed = |error: io::Error| self.site.io("write the temporary file for", error);
        let mut writer = match self.file.take() {
            Some(writer) => writer,
            None => {
                let file = match &self.options.scratch_directory {
                    Some(directory) => tempfile::tempfile_in(directory),
                    None => tempfile::tempfile(),
                };
                let file = BufWriter::with_capacity(1 << 20, file.map_err(failed)?);
                StreamWriter::try_new(file, self.schema).map_err(|e| broken(self.site, &e))?
            }
        };
        for batch in self.held.drain(..) {
            writer
                .write(&batch)
                .map_err(|error| spilling(self.site, error))?;
        }
        self.file = Some(writer);
        Ok(())
    }

    fn finish(mut self) -> Result<Table> {
        let Some(mut writer) = self.file.take() else {
            return from_batches(self.schema, &self.held).map_err(|error| self.site.value(error));
        };
        let failed = |error: io::Error| self.site.io("write the temporary file for", error);
        writer
            .finish()
            .map_err(|error| spilling(self.site, error))?;
        let mut file = writer
            .into_inner()
            .map_err(|error| spilling(self.site, error))?;
        file.flush().map_err(failed)?;
        let file = file
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let len = file.metadata().map_err(failed)?.len();
        let source = Arc::new(SourceFile::anonymous(file, self.site.path()));
        let messages = Messages::of_stream(&source, len, self.site)?;
        super::arrow::read(&messages, self.site, self.options)
    }
}

/// The error of writing the temporary file.
fn spilling(site: &Site, error: achronyme_env::arrow::arrow_schema::ArrowError) -> ImportError {
    use achronyme_env::arrow::arrow_schema::ArrowError;
    match error {
        ArrowError::IoError(_, source) => site.io("write the temporary file for", source),
        other => broken(site, &other),
    }
}

/// A file in pieces, none of which may end beyond it.
struct Chunks(Arc<SourceFile>);

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for Chunks {
    type T = Reading;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Reading> {
        Ok(Reading {
            source: Arc::clone(&self.0),
            at: start,
            piece: Vec::new(),
            taken: 0,
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.0.len()) {
            return Err(ParquetError::EOF("a part ends beyond the file".to_owned()));
        }
        let mut bytes = vec![0; length];
        self.0
            .read_exact_at(start, &mut bytes)
            .map_err(|error| ParquetError::External(Box::new(error)))?;
        Ok(bytes.into())
    }
}

/// The file from one place on, read in pieces.
struct Reading {
    source: Arc<SourceFile>,
    at: u64,
    piece: Vec<u8>,
    taken: usize,
}

impl Read for Reading {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.piece.len() {
            let left = self.source.len().saturating_sub(self.at);
            self.piece.resize(left.min(64 * 1024) as usize, 0);
            self.taken = 0;
            self.source
                .read_exact_at(self.at, &mut self.piece)
                .map_err(io::Error::other)?;
            self.at += self.piece.len() as u64;
        }
        let count = out.len().min(self.piece.len() - self.taken);
        out[..count].copy_from_slice(&self.piece[self.taken..][..count]);
        self.taken += count;
        Ok(count)
    }
}
