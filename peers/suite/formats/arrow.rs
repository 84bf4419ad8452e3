//! Arrow IPC, mapped. Many variables of one shape are a table of names and values, sorted; large ones a
//! batch each, whose names stand in the schema.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, Float64Array, RecordBatch, StringArray};
use arrow_buffer::{Buffer, ScalarBuffer};
use arrow_ipc::convert::try_fb_to_schema;
use arrow_ipc::reader::{FileDecoder, read_footer_length};
use arrow_ipc::writer::FileWriter;
use arrow_ipc::{Block, root_as_footer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;

use crate::data::{Tensors, sum};
use crate::mapping::map;

/// Length of the file's end: the footer's length and the magic.
const TRAILER: usize = 10;

fn numbers(bytes: &Bytes) -> Float64Array {
    let buffer = Buffer::from(bytes.clone());
    Float64Array::new(ScalarBuffer::from(buffer), None)
}

/// A table of two columns, `name` and `value`.
pub(crate) fn table(names: Vec<String>, values: ArrayRef) -> RecordBatch {
    let names: ArrayRef = Arc::new(StringArray::from(names));
    RecordBatch::try_from_iter([("name", names), ("value", values)]).expect("a batch")
}

/// Many small tensors of one shape as a table.
pub(crate) fn many(tensors: &Tensors) -> RecordBatch {
    let all: Vec<f64> = tensors.iter().flat_map(|(_, n)| n).copied().collect();
    let item = Arc::new(Field::new_list_field(DataType::Float64, false));
    let values = Arc::new(Float64Array::from(all));
    let values = FixedSizeListArray::new(item, tensors.elements as i32, values, None);
    table(tensors.names.clone(), Arc::new(values))
}

/// Large tensors, a batch each.
pub(crate) fn large(tensors: &Tensors) -> Vec<RecordBatch> {
    let places = tensors.names.iter().enumerate();
    let places: HashMap<String, String> = places
        .map(|(n, name)| (name.clone(), n.to_string()))
        .collect();
    let field = Field::new("value", DataType::Float64, false);
    let schema = Arc::new(Schema::new_with_metadata(vec![field], places));
    let batch = |bytes| {
        let column: ArrayRef = Arc::new(numbers(bytes));
        RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("a batch")
    };
    tensors.data.iter().map(batch).collect()
}

pub(crate) fn save(path: &Path, batches: &[RecordBatch]) {
    let file = File::create(path).expect("a file");
    let mut writer = FileWriter::try_new_buffered(file, &batches[0].schema()).expect("room");
    for batch in batches {
        writer.write(batch).expect("room");
    }
    writer.finish().expect("room");
}

/// An open file.
pub(crate) struct Opened {
    map: Buffer,
    pub(crate) schema: SchemaRef,
    decoder: FileDecoder,
    blocks: Vec<Block>,
}

/// Maps a file, and validates its footer.
pub(crate) fn open(path: &Path) -> Opened {
    let map = Buffer::from(Bytes::from_owner(map(path)));
    let trailer = map.len() - TRAILER;
    let end = map[trailer..].try_into().expect("a trailer");
    let footer = read_footer_length(end).expect("a footer");
    let footer = root_as_footer(&map[trailer - footer..trailer]).expect("a footer");
    let schema = try_fb_to_schema(footer.schema().expect("a schema")).expect("a schema");
    let schema = Arc::new(schema);
    let blocks = footer.recordBatches().expect("batches");
    let blocks = blocks.iter().copied().collect();
    Opened {
        decoder: FileDecoder::new(Arc::clone(&schema), footer.version()),
        schema,
        blocks,
        map,
    }
}

impl Opened {
    /// A batch, validated.
    pub(crate) fn batch(&self, n: usize) -> RecordBatch {
        let block = &self.blocks[n];
        let len = block.bodyLength() as usize + block.metaDataLength() as usize;
        let bytes = self.map.slice_with_length(block.offset() as usize, len);
        let batch = self.decoder.read_record_batch(block, &bytes);
        batch.expect("a batch").expect("a batch")
    }
}

/// Place of a name in a sorted column.
pub(crate) fn find(names: &StringArray, name: &str) -> usize {
    let (mut low, mut high) = (0, names.len());
    while low < high {
        let middle = low.midpoint(high);
        match names.value(middle) < name {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    assert_eq!(names.value(low), name);
    low
}

/// Opens, and adds up one of many small tensors.
pub(crate) fn one_of_many(path: &Path, name: &str) -> f64 {
    let batch = open(path).batch(0);
    let place = find(batch.column(0).as_string(), name);
    let value = batch.column(1).as_fixed_size_list().value(place);
    let numbers = value.as_primitive::<Float64Type>().values();
    sum(bytemuck::cast_slice(numbers))
}

/// Opens, and adds up one of the large tensors.
pub(crate) fn one_of_large(path: &Path, name: &str) -> f64 {
    let opened = open(path);
    let place = &opened.schema.metadata()[name];
    let batch = opened.batch(place.parse().expect("a place"));
    let numbers = batch.column(0).as_primitive::<Float64Type>().values();
    sum(bytemuck::cast_slice(numbers))
}

/// Opens, and takes one number of a table.
pub(crate) fn number(path: &Path, name: &str) -> f64 {
    let batch = open(path).batch(0);
    let place = find(batch.column(0).as_string(), name);
    batch.column(1).as_primitive::<Float64Type>().value(place)
}

/// Opens, and takes one text of a table.
pub(crate) fn text(path: &Path, name: &str) -> usize {
    let batch = open(path).batch(0);
    let place = find(batch.column(0).as_string(), name);
    batch.column(1).as_string::<i32>().value(place).len()
}
