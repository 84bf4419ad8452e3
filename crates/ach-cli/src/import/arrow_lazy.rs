//! Columns that stand in an Arrow file as their tensors do: they are named there and not read.

use std::ops::Range;
use std::sync::Arc;

use achronyme_env::Storage;
use achronyme_env::arrow::arrow_schema::{DataType, Field, Schema, UnionMode};
use achronyme_env::arrow::row_bytes;

use super::arrow::damaged;
use super::arrow_messages::{Layout, Messages, Part};
use super::error::{Place, Result, Site};
use super::file_range::{Conversion, FileRange};

/// Which columns stand in the file as they are, and where.
#[derive(Debug)]
pub(super) struct Columns {
    rows: u64,
    /// For each column the ranges of its batches; nothing for one that must be decoded.
    storages: Vec<Option<Vec<Arc<dyn Storage>>>>,
}

impl Columns {
    /// Finds them.
    ///
    /// # Errors
    /// When the batches together are longer than a column can be, or one of their columns is shorter
    /// than its batch.
    pub(super) fn find(messages: &Messages, layout: &Layout, site: &Site) -> Result<Columns> {
        let fields = messages.schema().fields();
        let mut storages: Vec<_> = fields
            .iter()
            .map(|field| row_bytes(field).map(|_| Vec::<Arc<dyn Storage>>::new()))
            .collect();
        let mut rows: u64 = 0;
        for part in layout.parts.iter().filter(|part| !part.is_dictionary) {
            let total = rows.checked_add(part.rows);
            rows = total.ok_or_else(|| damaged(site, "it has too many rows"))?;
            let places = places(part, messages.schema());
            for (index, (field, column)) in fields.iter().zip(&mut storages).enumerate() {
                let place = places.get(index).and_then(Option::as_ref);
                let Some(place) = place.filter(|_| column.is_some()) else {
                    *column = None;
                    continue;
                };
                match in_place(part, field, place) {
                    InPlace::At(start, len) => {
                        let source = Arc::clone(messages.source());
                        let range = FileRange::new(source, start, len, Conversion::None);
                        column.get_or_insert_default().push(Arc::new(range));
                    }
                    InPlace::Not => *column = None,
                    InPlace::Short => {
                        let site = site.at(Place::Column(field.name().clone()));
                        return Err(damaged(&site, "it has fewer rows than its batch says"));
                    }
                }
            }
        }
        Ok(Columns { rows, storages })
    }

    /// Whether the column of that number stands in the file as it is.
    pub(super) fn has(&self, index: usize) -> bool {
        self.storages.get(index).is_some_and(Option::is_some)
    }

    /// Number of rows, and the ranges of that column.
    pub(super) fn storages(&self, index: usize) -> Option<(u64, Vec<Arc<dyn Storage>>)> {
        let storages = self.storages.get(index)?.clone()?;
        Some((self.rows, storages))
    }
}

/// Whether elements stand in the file as they are.
enum InPlace {
    /// From that byte of the file on, and how many bytes.
    At(u64, u64),
    Not,
    Short,
}

fn in_place(part: &Part, field: &Field, place: &Taken) -> InPlace {
    let nodes = part.nodes.get(place.nodes.clone()).unwrap_or_default();
    if part.compressed || nodes.iter().any(|(_, nulls)| *nulls > 0) {
        return InPlace::Not;
    }
    let needed = row_bytes(field).and_then(|bytes| bytes.checked_mul(part.rows));
    let buffer = part
        .buffers
        .get(place.buffers.clone())
        .and_then(<[_]>::last);
    match (nodes.first(), needed, buffer) {
        (Some((rows, _)), Some(needed), Some((start, len)))
            if *rows == part.rows && needed <= *len =>
        {
            InPlace::At(part.body + start, needed)
        }
        _ => InPlace::Short,
    }
}

/// The arrays and buffers of a column in its message.
#[derive(Clone, Debug)]
struct Taken {
    nodes: Range<usize>,
    buffers: Range<usize>,
}

/// Where each column of a batch is; the rest is `None` after a type whose parts are not known.
fn places(part: &Part, schema: &Schema) -> Vec<Option<Taken>> {
    let mut at = At::default();
    let mut known = true;
    let fields = schema.fields().iter();
    fields
        .map(|field| {
            let (nodes, buffers) = (at.nodes, at.buffers);
            known = known && at.pass(field.data_type(), &part.variadic).is_some();
            known.then_some(Taken {
                nodes: nodes..at.nodes,
                buffers: buffers..at.buffers,
            })
        })
        .collect()
}

/// A place among the arrays and buffers of a message.
#[derive(Default)]
struct At {
    nodes: usize,
    buffers: usize,
    variadic: usize,
}

impl At {
    /// Goes past a column of that type: the layout of the format's specification.
    fn pass(&mut self, data_type: &DataType, variadic: &[i64]) -> Option<()> {
        self.nodes += 1;
        let (buffers, children): (usize, Vec<&DataType>) = match data_type {
            DataType::Null => (0, vec![]),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
                (3, vec![])
            }
            DataType::Utf8View | DataType::BinaryView => {
                let count = usize::try_from(*variadic.get(self.variadic)?).ok()?;
                self.variadic += 1;
                (count.checked_add(2)?, vec![])
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::Map(item, _) => {
                (2, vec![item.data_type()])
            }
            DataType::ListView(item) | DataType::LargeListView(item) => (3, vec![item.data_type()]),
            DataType::FixedSizeList(item, _) => (1, vec![item.data_type()]),
            DataType::Struct(fields) => (1, fields.iter().map(|f| f.data_type()).collect()),
            DataType::RunEndEncoded(ends, values) => {
                (0, vec![ends.data_type(), values.data_type()])
            }
            DataType::Union(fields, mode) => {
                let buffers = match mode {
                    UnionMode::Dense => 2,
                    UnionMode::Sparse => 1,
                };
                (buffers, fields.iter().map(|(_, f)| f.data_type()).collect())
            }
            _ => (2, vec![]),
        };
        self.buffers = self.buffers.checked_add(buffers)?;
        for child in children {
            self.pass(child, variadic)?;
        }
        Some(())
    }
}

/// Which buffers of a message belong to the columns that are decoded.
pub(super) struct Wanted {
    ranges: Option<Vec<Range<usize>>>,
}

impl Wanted {
    /// Those of `columns`; all of a dictionary, and all where the place of a column is not known.
    pub(super) fn of(part: &Part, schema: &Schema, columns: &[usize]) -> Wanted {
        if part.is_dictionary {
            return Wanted { ranges: None };
        }
        let places = places(part, schema);
        let ranges = columns.iter().map(|index| {
            let place = places.get(*index).and_then(Option::as_ref)?;
            Some(place.buffers.clone())
        });
        Wanted {
            ranges: ranges.collect(),
        }
    }

    /// Whether a buffer is one of them.
    pub(super) fn takes(&self, buffer: usize) -> bool {
        let ranges = self.ranges.as_ref();
        ranges.is_none_or(|ranges| ranges.iter().any(|range| range.contains(&buffer)))
    }
}
