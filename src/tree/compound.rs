//! Building the tree of one structured value: what stays in its node, what is cut off into nodes
//! of its own.

use std::io::{Read, Seek, Write};
use std::sync::Arc;

use super::build::Builder;
use super::extent_source::ExtentSource;
use super::schema::{
    FieldTree, IndexEntry, IndexedRecordTree, Octets, PartTree, TensorTree, Text, Tree,
};
use super::shared::Shared;
use crate::error::{EnvError, Result};
use crate::limits::{LONG_BYTES, MAX_FIELD_NAME_BYTES, MAX_NESTING, MAX_NODE_BYTES};
use crate::value::{Cell, DType, Function, Order, Record, Value, ValueRef};

/// Bytes of an archived tree, field and index entry.
pub(super) const TREE: usize = 24;
const FIELD: usize = 40;
const INDEX_ENTRY: usize = 8;

/// A part of a value larger than this becomes a node of its own.
const SPILL_BYTES: usize = 4096;
/// Elements and fields are gathered up to this many bytes, then become a node: with one more field,
/// its name and the head, the node stays below its limit.
const CHUNK_BYTES: usize = MAX_NODE_BYTES - 4 * SPILL_BYTES;
/// Records from this many fields up have an index by name.
const INDEXED_FROM: usize = 16;

/// A tree, and at most how many bytes its archive takes.
pub(super) type Sized<'t> = (Tree<'t>, usize);

impl<'a, S: Read + Write + Seek> Builder<'a, S> {
    /// The tree of a borrowed value at `depth` levels of nesting.
    pub(super) fn tree_of_ref<'t>(
        &mut self,
        value: &'t ValueRef<'a>,
        depth: usize,
    ) -> Result<Sized<'t>> {
        Ok(match value {
            ValueRef::Null => (Tree::Null, TREE),
            ValueRef::Boolean(boolean) => (Tree::Boolean(*boolean), TREE),
            ValueRef::Integer(integer) => (Tree::Integer(*integer), TREE),
            ValueRef::Number(number) => (Tree::Number(*number), TREE),
            ValueRef::Complex(z) => (Tree::Complex(z.re, z.im), TREE),
            ValueRef::String(text) => self.borrowed_text(text)?,
            ValueRef::Bytes(bytes) => match bytes.len() {
                0..LONG_BYTES => octets(bytes),
                len => {
                    let source = ExtentSource::Borrowed {
                        bytes,
                        volatile: false,
                    };
                    (Tree::LongBytes(self.extent(source, len as u64, 1)?), TREE)
                }
            },
            ValueRef::Tensor(tensor) => {
                let extent = self.borrowed_tensor(tensor)?;
                tensor_tree(tensor.dtype, tensor.order, &tensor.shape, extent)
            }
            ValueRef::Vector(elements) => {
                let elements = elements.iter();
                self.vector(elements, depth, |builder, element, depth| {
                    builder.tree_of_ref(element, depth)
                })?
            }
            ValueRef::Record(fields) => self.lent_record(fields, depth)?,
            ValueRef::Edge(edge) => self.lent_edge(edge, depth)?,
            ValueRef::Function(function) => self.lent_function(function, depth)?,
            ValueRef::Error(error) => self.lent_error(error, depth)?,
            ValueRef::Extension(extension) => self.lent_extension(extension, depth)?,
            ValueRef::Cell(cell) => self.cell(cell)?,
            ValueRef::HostCell(id) => {
                let number = self.share_lent(Shared::HostCell(*id))?;
                (Tree::Cell(number), TREE)
            }
            ValueRef::Unsupported { kind, reason } => self.unsupported(kind, reason, depth)?,
            ValueRef::Value(value) => self.tree(value, depth)?,
            ValueRef::Owned(value) => self.tree(value, depth)?,
        })
    }

    /// The tree of a value at `depth` levels of nesting.
    pub(super) fn tree<'t>(&mut self, value: &'t Value, depth: usize) -> Result<Sized<'t>> {
        Ok(match value {
            Value::Null => (Tree::Null, TREE),
            Value::Boolean(boolean) => (Tree::Boolean(*boolean), TREE),
            Value::Integer(integer) => (Tree::Integer(*integer), TREE),
            Value::Number(number) => (Tree::Number(*number), TREE),
            Value::Complex(z) => (Tree::Complex(z.re, z.im), TREE),
            Value::String(text) => self.text(text)?,
            Value::Bytes(bytes) => match bytes.len() {
                0..LONG_BYTES => octets(bytes),
                len => {
                    let source = ExtentSource::Bytes(Arc::clone(bytes));
                    (Tree::LongBytes(self.extent(source, len as u64, 1)?), TREE)
                }
            },
            Value::Vector(elements) => {
                self.vector(elements.iter(), depth, |builder, element, depth| {
                    builder.tree(element, depth)
                })?
            }
            Value::Tensor(tensor) => {
                let extent = self.tensor(tensor)?;
                tensor_tree(tensor.dtype(), tensor.order(), tensor.shape(), extent)
            }
            Value::StringArray(array) => self.string_array(array)?,
            Value::Record(record) => self.plain_record(record, depth)?,
            Value::Edge(edge) => self.edge(edge, depth)?,
            Value::Function(function) => match &**function {
                Function::Builtin { name } => {
                    check_field_name(name)?;
                    (Tree::Builtin(Text(name)), TREE + text_bytes(name))
                }
                Function::User(function) => self.function(function, depth)?,
            },
            Value::Cell(cell) => self.cell(cell)?,
            Value::Error(error) => self.error(error, depth)?,
            Value::Extension(extension) => self.extension(extension, depth)?,
            Value::Typed(typed) => self.typed(typed)?,
        })
    }

    fn cell<'t>(&mut self, cell: &Cell) -> Result<Sized<'t>> {
        let (number, _) = self.share(Shared::Cell(cell.clone()))?;
        Ok((Tree::Cell(number), TREE))
    }

    pub(super) fn borrowed_text(&mut self, text: &'a str) -> Result<Sized<'a>> {
        Ok(match text.len() {
            0..LONG_BYTES => string(text),
            len => {
                let source = ExtentSource::Borrowed {
                    bytes: text.as_bytes(),
                    volatile: false,
                };
                (Tree::LongString(self.extent(source, len as u64, 1)?), TREE)
            }
        })
    }

    pub(super) fn text<'t>(&mut self, text: &'t Arc<str>) -> Result<Sized<'t>> {
        Ok(match text.len() {
            0..LONG_BYTES => string(text),
            len => {
                let source = ExtentSource::Text(Arc::clone(text));
                (Tree::LongString(self.extent(source, len as u64, 1)?), TREE)
            }
        })
    }

    pub(super) fn vector<'t, T: 't>(
        &mut self,
        elements: impl ExactSizeIterator<Item = &'t T>,
        depth: usize,
        tree_of: impl Fn(&mut Self, &'t T, usize) -> Result<Sized<'t>>,
    ) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let mut chunk = Vec::with_capacity(elements.len().min(CHUNK_BYTES / TREE));
        let (mut size, mut parts) = (0, Vec::new());
        for (index, element) in elements.enumerate() {
            let marks = self.marks.len();
            let child =
                tree_of(self, element, depth).map_err(|e| within(e, || format!("[{index}]")))?;
            self.marks.step(marks, || format!("[{index}]"));
            let (tree, child_size) = self.spill(child)?;
            if size + child_size > CHUNK_BYTES {
                let node = self.emit(&Tree::Vector(std::mem::take(&mut chunk)))?;
                parts.push(PartTree {
                    end: index as u64,
                    node: node.into(),
                });
                size = 0;
            }
            chunk.push(tree);
            size += child_size;
        }
        if parts.is_empty() {
            return Ok((Tree::Vector(chunk), TREE + size));
        }
        let before = parts.last().map_or(0, |part| part.end);
        let end = before + chunk.len() as u64;
        let node = self.emit(&Tree::Vector(chunk))?;
        parts.push(PartTree {
            end,
            node: node.into(),
        });
        let parts = self.fold(parts, false)?;
        let size = TREE + parts.len() * size_of::<PartTree>();
        Ok((Tree::VectorParts(parts), size))
    }

    pub(super) fn plain_record<'t>(
        &mut self,
        record: &'t Record,
        depth: usize,
    ) -> Result<Sized<'t>> {
        self.record(record.iter(), depth, |builder, value, depth| {
            builder.tree(value, depth)
        })
    }

    pub(super) fn record<'t, T: 't + ?::core::marker::Sized>(
        &mut self,
        fields: impl ExactSizeIterator<Item = (&'t str, &'t T)>,
        depth: usize,
        tree_of: impl Fn(&mut Self, &'t T, usize) -> Result<Sized<'t>>,
    ) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let indexed = fields.len() >= INDEXED_FROM;
        let mut index = Vec::with_capacity(if indexed { fields.len() } else { 0 });
        let mut chunk = Vec::with_capacity(fields.len().min(CHUNK_BYTES / FIELD));
        let (mut size, mut parts) = (0, Vec::new());
        for (ordinal, (name, value)) in fields.enumerate() {
            check_field_name(name)?;
            let marks = self.marks.len();
            let child =
                tree_of(self, value, depth).map_err(|e| within(e, || format!(".{name}")))?;
            self.marks.step(marks, || format!(".{name}"));
            let (value, child_size) = self.spill(child)?;
            let field_size = FIELD - TREE + text_bytes(name) + child_size + INDEX_ENTRY;
            if size + field_size > CHUNK_BYTES {
                let node = self.emit(&Tree::Record(std::mem::take(&mut chunk)))?;
                parts.push(PartTree {
                    end: ordinal as u64,
                    node: node.into(),
                });
                size = 0;
            }
            chunk.push(FieldTree {
                name: Text(name),
                value,
            });
            size += field_size;
            if indexed {
                let ordinal = u32::try_from(ordinal).map_err(|_| EnvError::InvalidValue {
                    what: "a record".to_owned(),
                    reason: "it has more than 4,294,967,295 fields".to_owned(),
                })?;
                index.push(IndexEntry {
                    hash: crc32fast::hash(name.as_bytes()),
                    ordinal,
                });
            }
        }
        if parts.is_empty() {
            if !indexed {
                return Ok((Tree::Record(chunk), TREE + size));
            }
            index.sort_unstable();
            let record = Box::new(IndexedRecordTree {
                fields: chunk,
                index,
            });
            return Ok((Tree::IndexedRecord(record), TREE + 32 + size));
        }
        let before = parts.last().map_or(0, |part| part.end);
        let end = before + chunk.len() as u64;
        let node = self.emit(&Tree::Record(chunk))?;
        parts.push(PartTree {
            end,
            node: node.into(),
        });
        let tree = self.record_parts(parts, index)?;
        let size =
            TREE + 32 + tree.parts.len() * size_of::<PartTree>() + tree.index.len() * INDEX_ENTRY;
        Ok((Tree::RecordParts(Box::new(tree)), size))
    }

    /// Cuts a large part off into a node of its own.
    fn spill<'t>(&mut self, (tree, size): Sized<'t>) -> Result<Sized<'t>> {
        if size <= SPILL_BYTES {
            return Ok((tree, size));
        }
        Ok((Tree::Node(self.emit(&tree)?), TREE))
    }

    pub(super) fn spill_all<'t, const N: usize>(
        &mut self,
        parts: [Sized<'t>; N],
    ) -> Result<([Tree<'t>; N], usize)> {
        let mut size = 0;
        let mut trees = [const { Tree::Null }; N];
        for (tree, part) in trees.iter_mut().zip(parts) {
            let (part, part_size) = self.spill(part)?;
            *tree = part;
            size += part_size;
        }
        Ok((trees, size))
    }
}

pub(super) fn string(text: &str) -> Sized<'_> {
    (Tree::String(Text(text)), TREE + text_bytes(text))
}

fn octets(bytes: &[u8]) -> Sized<'_> {
    (Tree::Bytes(Octets(bytes)), TREE + bytes.len() + 7)
}

fn tensor_tree<'t>(dtype: DType, order: Order, shape: &[u64], extent: u32) -> Sized<'t> {
    let shape = shape.to_vec();
    let size = TREE + 24 + shape.len() * 8;
    let tree = TensorTree {
        shape,
        extent,
        dtype: dtype.code(),
        order: order.code(),
        zero: 0,
    };
    (Tree::Tensor(Box::new(tree)), size)
}

/// At most how many bytes of text stand outside the archived string, padding included.
pub(super) fn text_bytes(text: &str) -> usize {
    if text.len() <= 8 { 0 } else { text.len() + 7 }
}

pub(super) fn check_field_name(name: &str) -> Result<()> {
    if name.len() <= MAX_FIELD_NAME_BYTES {
        return Ok(());
    }
    Err(EnvError::InvalidValue {
        what: format!("the field {}", crate::name::quoted(name)),
        reason: format!("its name may have {MAX_FIELD_NAME_BYTES} bytes"),
    })
}

pub(super) fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_NESTING {
        return Err(EnvError::NestingTooDeep {
            path: String::new(),
        });
    }
    Ok(depth + 1)
}

/// Puts a step before the path of an error that carries one, so that it names the whole path.
pub(super) fn within(error: EnvError, step: impl FnOnce() -> String) -> EnvError {
    match error {
        EnvError::NestingTooDeep { path } => {
            let mut whole = step();
            whole.push_str(&path);
            EnvError::NestingTooDeep { path: whole }
        }
        other => other,
    }
}
