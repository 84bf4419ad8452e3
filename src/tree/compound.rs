//! Building the tree of one structured value: what stays in its node, what is cut off into nodes
//! of its own.

use std::io::{Read, Seek, Write};
use std::sync::Arc;

use super::build::Builder;
use super::extent_source::ExtentSource;
use super::node_bytes::{Mark, Part, Root, tag};
use super::schema::{IndexEntry, PartTree};
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

/// A tree, and at most how many bytes it takes in a node.
pub(super) type Sized = (Root, usize);

impl<'a, S: Read + Write + Seek> Builder<'a, S> {
    /// The tree of a borrowed value at `depth` levels of nesting.
    pub(super) fn tree_of_ref(&mut self, value: &ValueRef<'a>, depth: usize) -> Result<Sized> {
        Ok(match value {
            ValueRef::Null => (Root::NULL, TREE),
            ValueRef::Boolean(boolean) => (Root::boolean(*boolean), TREE),
            ValueRef::Integer(integer) => (Root::integer(*integer), TREE),
            ValueRef::Number(number) => (Root::number(*number), TREE),
            ValueRef::Complex(z) => (Root::complex(z.re, z.im), TREE),
            ValueRef::String(text) => self.borrowed_text(text)?,
            ValueRef::Bytes(bytes) => match bytes.len() {
                0..LONG_BYTES => self.octets(bytes),
                len => {
                    let source = ExtentSource::Borrowed {
                        bytes,
                        volatile: false,
                    };
                    let extent = self.extent(source, len as u64, 1)?;
                    (Root::numbered(tag::LONG_BYTES, extent), TREE)
                }
            },
            ValueRef::Tensor(tensor) => {
                let extent = self.borrowed_tensor(tensor)?;
                self.tensor_tree(tensor.dtype, tensor.order, &tensor.shape, extent)
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
                (Root::numbered(tag::CELL, number), TREE)
            }
            ValueRef::Unsupported { kind, reason } => self.unsupported(kind, reason, depth)?,
            ValueRef::Value(value) => self.tree(value, depth)?,
            ValueRef::Owned(value) => self.tree(value, depth)?,
        })
    }

    /// The tree of a value at `depth` levels of nesting.
    pub(super) fn tree(&mut self, value: &Value, depth: usize) -> Result<Sized> {
        Ok(match value {
            Value::Null => (Root::NULL, TREE),
            Value::Boolean(boolean) => (Root::boolean(*boolean), TREE),
            Value::Integer(integer) => (Root::integer(*integer), TREE),
            Value::Number(number) => (Root::number(*number), TREE),
            Value::Complex(z) => (Root::complex(z.re, z.im), TREE),
            Value::String(text) => self.text(text)?,
            Value::Bytes(bytes) => match bytes.len() {
                0..LONG_BYTES => self.octets(bytes),
                len => {
                    let source = ExtentSource::Bytes(Arc::clone(bytes));
                    let extent = self.extent(source, len as u64, 1)?;
                    (Root::numbered(tag::LONG_BYTES, extent), TREE)
                }
            },
            Value::Vector(elements) => {
                self.vector(elements.iter(), depth, |builder, element, depth| {
                    builder.tree(element, depth)
                })?
            }
            Value::Tensor(tensor) => {
                let extent = self.tensor(tensor)?;
                self.tensor_tree(tensor.dtype(), tensor.order(), tensor.shape(), extent)
            }
            Value::StringArray(array) => self.string_array(array)?,
            Value::Record(record) => self.plain_record(record, depth)?,
            Value::Edge(edge) => self.edge(edge, depth)?,
            Value::Function(function) => match &**function {
                Function::Builtin { name } => self.builtin(name)?,
                Function::User(function) => self.function(function, depth)?,
            },
            Value::Cell(cell) => self.cell(cell)?,
            Value::Error(error) => self.error(error, depth)?,
            Value::Extension(extension) => self.extension(extension, depth)?,
            Value::Typed(typed) => self.typed(typed)?,
        })
    }

    fn cell(&mut self, cell: &Cell) -> Result<Sized> {
        let (number, _) = self.share(Shared::Cell(cell.clone()))?;
        Ok((Root::numbered(tag::CELL, number), TREE))
    }

    pub(super) fn borrowed_text(&mut self, text: &'a str) -> Result<Sized> {
        Ok(match text.len() {
            0..LONG_BYTES => self.string(text),
            len => {
                let source = ExtentSource::Borrowed {
                    bytes: text.as_bytes(),
                    volatile: false,
                };
                let extent = self.extent(source, len as u64, 1)?;
                (Root::numbered(tag::LONG_STRING, extent), TREE)
            }
        })
    }

    pub(super) fn text(&mut self, text: &Arc<str>) -> Result<Sized> {
        Ok(match text.len() {
            0..LONG_BYTES => self.string(text),
            len => {
                let source = ExtentSource::Text(Arc::clone(text));
                let extent = self.extent(source, len as u64, 1)?;
                (Root::numbered(tag::LONG_STRING, extent), TREE)
            }
        })
    }

    pub(super) fn vector<'t, T: 't>(
        &mut self,
        elements: impl ExactSizeIterator<Item = &'t T>,
        depth: usize,
        tree_of: impl Fn(&mut Self, &'t T, usize) -> Result<Sized>,
    ) -> Result<Sized> {
        let depth = deeper(depth)?;
        let begin = self.bytes.mark();
        let (mut size, mut count, mut parts) = (0, 0, Vec::new());
        for (index, element) in elements.enumerate() {
            let marks = self.marks.len();
            let before = self.bytes.mark();
            let child = self.spilled(|builder| tree_of(builder, element, depth));
            let (mut tree, child_size) = child.map_err(|e| within(e, || format!("[{index}]")))?;
            self.marks.step(marks, || format!("[{index}]"));
            if size + child_size > CHUNK_BYTES {
                self.bytes.set_aside(before);
                let node = self.vector_node(begin)?;
                parts.push(PartTree {
                    end: index as u64,
                    node,
                });
                tree.move_back(self.bytes.put_back(before));
                size = 0;
            }
            self.bytes.push_element(tree);
            size += child_size;
            count = index as u64 + 1;
        }
        if parts.is_empty() {
            let elements = self.bytes.elements(begin);
            return Ok((Root::list(tag::VECTOR, elements), TREE + size));
        }
        let node = self.vector_node(begin)?;
        parts.push(PartTree { end: count, node });
        let parts = self.fold(parts, false)?;
        let size = TREE + size_of_val(&parts[..]);
        Ok((self.parts_tree(&parts, &[], false), size))
    }

    /// Makes a node of the elements since `begin`.
    fn vector_node(&mut self, begin: Mark) -> Result<u64> {
        let elements = self.bytes.elements(begin);
        let node = self.emit(begin, Root::list(tag::VECTOR, elements))?;
        Ok(node.into())
    }

    pub(super) fn plain_record(&mut self, record: &Record, depth: usize) -> Result<Sized> {
        self.record(record.iter(), depth, |builder, value, depth| {
            builder.tree(value, depth)
        })
    }

    pub(super) fn record<'t, T: 't + ?::core::marker::Sized>(
        &mut self,
        fields: impl ExactSizeIterator<Item = (&'t str, &'t T)>,
        depth: usize,
        tree_of: impl Fn(&mut Self, &'t T, usize) -> Result<Sized>,
    ) -> Result<Sized> {
        let depth = deeper(depth)?;
        let count = fields.len();
        let indexed = count >= INDEXED_FROM;
        let mut index = Vec::with_capacity(if indexed { count } else { 0 });
        let begin = self.bytes.mark();
        let (mut size, mut parts) = (0, Vec::new());
        for (ordinal, (name, value)) in fields.enumerate() {
            check_field_name(name)?;
            let marks = self.marks.len();
            let before = self.bytes.mark();
            let mut text = self.bytes.text(name);
            let child = self.spilled(|builder| tree_of(builder, value, depth));
            let (mut tree, child_size) = child.map_err(|e| within(e, || format!(".{name}")))?;
            self.marks.step(marks, || format!(".{name}"));
            let field_size = FIELD - TREE + text_bytes(name) + child_size + INDEX_ENTRY;
            if size + field_size > CHUNK_BYTES {
                self.bytes.set_aside(before);
                let node = self.record_node(begin)?;
                parts.push(PartTree {
                    end: ordinal as u64,
                    node,
                });
                let moved = self.bytes.put_back(before);
                text.move_back(moved);
                tree.move_back(moved);
                size = 0;
            }
            self.bytes.push_field(text, tree);
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
            let fields = self.bytes.fields(begin);
            if !indexed {
                return Ok((Root::list(tag::RECORD, fields), TREE + size));
            }
            index.sort_unstable();
            let index = self.bytes.index(&index);
            let record = self.bytes.object(&[Part::List(fields), Part::List(index)]);
            return Ok((Root::boxed(tag::INDEXED_RECORD, record), TREE + 32 + size));
        }
        let node = self.record_node(begin)?;
        let end = count as u64;
        parts.push(PartTree { end, node });
        let (tree, size) = self.record_parts(parts, index)?;
        Ok((tree, TREE + 32 + size))
    }

    /// Makes a node of the fields since `begin`.
    fn record_node(&mut self, begin: Mark) -> Result<u64> {
        let fields = self.bytes.fields(begin);
        let node = self.emit(begin, Root::list(tag::RECORD, fields))?;
        Ok(node.into())
    }

    /// Builds a part of a value, and cuts it off into a node of its own when it is large.
    #[inline]
    pub(super) fn spilled(
        &mut self,
        build: impl FnOnce(&mut Self) -> Result<Sized>,
    ) -> Result<Sized> {
        let begin = self.bytes.mark();
        let (tree, size) = build(self)?;
        if size <= SPILL_BYTES {
            return Ok((tree, size));
        }
        let node = self.emit(begin, tree)?;
        Ok((Root::numbered(tag::NODE, node), TREE))
    }

    pub(super) fn string(&mut self, text: &str) -> Sized {
        let size = TREE + text_bytes(text);
        (Root::text(tag::STRING, self.bytes.text(text)), size)
    }

    pub(super) fn builtin(&mut self, name: &str) -> Result<Sized> {
        check_field_name(name)?;
        let size = TREE + text_bytes(name);
        Ok((Root::text(tag::BUILTIN, self.bytes.text(name)), size))
    }

    fn octets(&mut self, bytes: &[u8]) -> Sized {
        let size = TREE + bytes.len() + 7;
        (Root::list(tag::BYTES, self.bytes.octets(bytes)), size)
    }

    fn tensor_tree(&mut self, dtype: DType, order: Order, shape: &[u64], extent: u32) -> Sized {
        let list = self.bytes.shape(shape);
        let kind = u32::from_le_bytes([dtype.code(), order.code(), 0, 0]);
        let tensor = self
            .bytes
            .object(&[Part::List(list), Part::pair(extent, kind)]);
        (
            Root::boxed(tag::TENSOR, tensor),
            TREE + 24 + shape.len() * 8,
        )
    }
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
