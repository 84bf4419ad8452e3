//! Records of columns as Arrow record batches, and back (feature `arrow`).
//!
//! A table is a record whose fields are columns of one length. Numbers stay where they are: an Arrow
//! buffer over a tensor keeps the tensor alive, map included, and a tensor over an Arrow buffer keeps
//! that. What has no counterpart is told in a [`Finding`], never dropped in silence. `docs/arrow.md`
//! lists what becomes what.
//!
//! ```
//! use achronyme_env::arrow::{from_batches, to_batch};
//! use achronyme_env::{Record, StringArray, Tensor, Value};
//!
//! let mass = Tensor::from_vec(vec![3.75, 3.8], [2])?;
//! let at = mass.as_slice::<f64>()?.as_ptr();
//! let name = StringArray::new(["ada", "grace"], [2])?;
//! let record = Record::from([("mass", Value::from(mass)), ("name", name.into())]);
//!
//! let table = to_batch(&record, &Record::new())?;
//! assert_eq!(table.batch.num_rows(), 2);
//! let back = from_batches(&table.batch.schema(), &[table.batch])?;
//! let mass = back.record.get("mass").and_then(Value::as_tensor).unwrap();
//! assert_eq!(mass.as_slice::<f64>()?.as_ptr(), at); // there and back without a copy
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod elements;
mod extended;
mod extensions;
mod fixed;
mod formats;
mod memory;
mod nested;
mod reading;
mod strings;
mod unfolding;
mod vectors;
mod writing;

use std::sync::Arc;

/// The version of these crates that this library speaks.
pub use {arrow_array, arrow_buffer, arrow_schema};

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Metadata, Schema};

use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::stack::with_room;
use crate::value::{Record, Storage, Value};

/// The attribute with what a schema says of its columns: a record of records of texts.
const FIELDS: &str = "arrow.fields";

/// A record of columns out of Arrow, with what the schema says about it.
#[derive(Clone, Debug)]
pub struct Table {
    /// The columns, in the order of the schema.
    pub record: Record,
    /// Metadata of the schema, as texts, and metadata of its fields under `arrow.fields`.
    pub attributes: Record,
    /// What could not be carried over. `name` is the column and `path` the place in it.
    pub findings: Vec<Finding>,
}

/// A record batch out of a record of columns.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The batch; its schema has the attributes as metadata.
    pub batch: RecordBatch,
    /// What is not in it. `name` is the column, or the attribute, and `path` the place in it.
    pub findings: Vec<Finding>,
}

/// Caps on what [`from_batches_within`] allocates on behalf of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrowLimits {
    /// Most bytes that may be made of data that stands in few: repeated runs, texts that many views
    /// share, dictionaries that must be written out, rows of lists. Sixty-four times what the arrays
    /// themselves take is allowed on top (default 1 GiB).
    pub max_unfolded_bytes: u64,
}

impl Default for ArrowLimits {
    fn default() -> Self {
        ArrowLimits {
            max_unfolded_bytes: 1 << 30,
        }
    }
}

/// A record of columns over the batches of one table, under the default [`ArrowLimits`].
///
/// The memory of numbers and texts is shared and not copied. Columns of several batches stay in
/// their pieces until somebody asks for a slice over more than one; saving never does.
///
/// # Errors
/// [`EnvError::InvalidValue`] when two columns have one name, a batch has other columns than the
/// schema, or data unfolds beyond the limits.
pub fn from_batches(schema: &Schema, batches: &[RecordBatch]) -> Result<Table> {
    from_batches_within(schema, batches, &ArrowLimits::default())
}

/// As [`from_batches`], within other limits.
///
/// # Errors
/// As [`from_batches`].
pub fn from_batches_within(
    schema: &Schema,
    batches: &[RecordBatch],
    limits: &ArrowLimits,
) -> Result<Table> {
    let mut reading = reading::Reading::new(limits);
    let mut record = Record::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let mut pieces: Vec<ArrayRef> = Vec::with_capacity(batches.len());
        for batch in batches {
            let found = batch.columns().get(index);
            match found.filter(|array| array.data_type() == field.data_type()) {
                Some(array) => pieces.push(Arc::clone(array)),
                None => {
                    return Err(no_table(format!(
                        "its batches differ: the schema has a column '{}' of type {}, and one of them \
                     does not",
                        field.name(),
                        field.data_type()
                    )));
                }
            }
        }
        if pieces.is_empty() {
            pieces.push(arrow_array::new_empty_array(field.data_type()));
        }
        let value = with_room(|| reading.top(field, &pieces))?;
        if record.insert(field.name().as_str(), value).is_some() {
            return Err(no_table(format!(
                "two of its columns have the name '{}'; rename one of them",
                field.name()
            )));
        }
    }
    Ok(Table {
        record,
        attributes: attributes_of(schema),
        findings: reading.findings,
    })
}

/// The value of a column whose elements stand, little-endian and one after the other, in
/// `storages`: of numbers, times and fixed-size lists of them, without nulls. `None` for a type
/// whose elements do not stand so. For a reader that knows where they are in a file and reads none
/// of them.
///
/// # Errors
/// [`EnvError::InvalidValue`] when the storages have not the bytes of `rows` elements.
pub fn column_over(
    field: &Field,
    rows: u64,
    storages: Vec<Arc<dyn Storage>>,
) -> Result<Option<Value>> {
    match fixed::Fixed::of(field) {
        Some(fixed) => fixed.over(rows, storages).map(Some),
        None => Ok(None),
    }
}

/// Bytes of one row of a column that [`column_over`] makes a value of; `None` for other types, and
/// for rows of more than 63 bits of bytes.
pub fn row_bytes(field: &Field) -> Option<u64> {
    fixed::Fixed::of(field)?.row_bytes()
}

/// What a schema says beside its columns: its metadata as texts, and those of fields under
/// `arrow.fields`, each in the order of their names.
pub fn attributes_of(schema: &Schema) -> Record {
    let mut attributes = texts(schema.metadata(), |_| true);
    let mut fields = Record::new();
    for field in schema.fields() {
        let own = fixed::dtype_of(field).is_some();
        let said = texts(field.metadata(), |key| !(own && is_extension(key)));
        if !said.is_empty() {
            fields.insert(field.name().as_str(), Value::Record(said));
        }
    }
    if !fields.is_empty() {
        attributes.insert(FIELDS, Value::Record(fields));
    }
    attributes
}

/// Whether a key of a field's metadata names its extension type.
fn is_extension(key: &str) -> bool {
    key == arrow_schema::extension::EXTENSION_TYPE_NAME_KEY
        || key == arrow_schema::extension::EXTENSION_TYPE_METADATA_KEY
}

fn texts(metadata: &Metadata, takes: impl Fn(&str) -> bool) -> Record {
    let pairs = metadata.iter().filter(|(key, _)| takes(key));
    pairs
        .map(|(key, text)| (key.as_str(), text.as_str()))
        .collect()
}

/// A record batch over the columns of `record`, with the texts among `attributes` as metadata of its
/// schema.
///
/// Fields that are no columns are left out with a finding, and so are attributes that are no texts.
///
/// # Errors
/// [`EnvError::InvalidValue`] when columns differ in length; what reading their bytes answers.
///
/// ```
/// use achronyme_env::{Record, Tensor, Value, arrow::to_batch};
///
/// let x = Tensor::from_vec(vec![1i32, 2], [2])?;
/// let record = Record::from([("x", Value::from(x)), ("note", "no column".into())]);
/// let table = to_batch(&record, &Record::new())?;
/// assert_eq!(table.batch.num_columns(), 1);
/// assert_eq!(
///     table.findings[0].to_string(),
///     "note (string) is lost: it is no column: one value and not one for each row"
/// );
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn to_batch(record: &Record, attributes: &Record) -> Result<Batch> {
    let mut findings = Vec::new();
    let (metadata, said) = metadata_of(attributes, &mut findings);
    let (mut fields, mut arrays) = (Vec::new(), Vec::<ArrayRef>::new());
    let mut first: Option<(&str, usize)> = None;
    for (name, value) in record.iter() {
        let column = match with_room(|| writing::column(value)) {
            Ok(column) => column,
            Err(writing::Refused::Read(error)) => return Err(error),
            Err(writing::Refused::Unfit { path, kind, reason }) => {
                findings.push(Finding::new(name, kind, Outcome::Lost, reason).at(path));
                continue;
            }
        };
        let rows = column.array.len();
        let (before, expected) = *first.get_or_insert((name, rows));
        if rows != expected {
            return Err(no_table(format!(
                "its column '{before}' has {expected} rows and '{name}' has {rows}"
            )));
        }
        let mut field = column.field(name);
        if let Some(Value::Record(more)) = said.get(name) {
            let mut metadata = field.metadata().clone();
            for (key, text) in more.iter() {
                match text {
                    Value::String(text) => {
                        metadata.insert(key, &**text);
                    }
                    other => findings.push(no_text(FIELDS, other).at(format!(".{name}.{key}"))),
                }
            }
            field.set_metadata(metadata);
        }
        fields.push(field);
        arrays.push(column.array);
    }
    let rows = first.map_or(0, |(_, rows)| rows);
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    let batch = RecordBatch::try_new_with_options(schema, arrays, &options)
        .map_err(|error| no_table(error.to_string()))?;
    Ok(Batch { batch, findings })
}

/// The texts of `attributes` for a schema, and what they say of its fields.
fn metadata_of(attributes: &Record, findings: &mut Vec<Finding>) -> (Metadata, Record) {
    let (mut metadata, mut said) = (Metadata::new(), Record::new());
    for (key, value) in attributes.iter() {
        match value {
            Value::String(text) => {
                metadata.insert(key, &**text);
            }
            Value::Record(fields) if key == FIELDS => said = fields.clone(),
            other => findings.push(no_text(key, other)),
        }
    }
    (metadata, said)
}

/// The finding that an attribute is not in the schema.
fn no_text(key: &str, value: &Value) -> Finding {
    let reason = "what an Arrow schema says beside its columns is text";
    Finding::new(key, value.kind().name(), Outcome::Omitted, reason)
}

fn no_table(reason: String) -> EnvError {
    EnvError::InvalidValue {
        what: "a table".to_owned(),
        reason,
    }
}
