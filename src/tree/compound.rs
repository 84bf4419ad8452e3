//! Building the tree of one structured value: what stays in its node, what is cut off into nodes
//! of its own.

use std::io::{Read, Seek, Write};
use std::sync::Arc;

use super::build::{Builder, Shared};
use super::extent_source::ExtentSource;
use super::schema::{
    EdgeTree, ErrorTree, ExtensionTree, FieldTree, FunctionTree, IndexEntry, IndexedRecordTree,
    Octets, PartTree, StringArrayTree, TensorTree, Text, Tree, TypedTree,
};
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::limits::{LONG_BYTES, MAX_FIELD_NAME_BYTES, MAX_NESTING, MAX_NODE_BYTES};
use crate::value::{
    DType, Edge, ErrorValue, Extension, Function, Order, Record, StringArray, Typed, UserFunction,
    Value, ValueRef,
};

/// Bytes of an archived tree, field and index entry.
const TREE: usize = 24;
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
type Sized<'t> = (Tree<'t>, usize);

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
            ValueRef::String(text) => match text.len() {
                0..LONG_BYTES => string(text),
                len => {
                    let bytes = text.as_bytes();
                    let source = ExtentSource::Borrowed {
                        bytes,
                        volatile: false,
                    };
                    (Tree::LongString(self.extent(source, len as u64, 1)?), TREE)
                }
            },
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
            ValueRef::Record(fields) => {
                let mut names = std::collections::HashSet::with_capacity(fields.len());
                if let Some((twice, _)) = fields.iter().find(|(name, _)| !names.insert(&**name)) {
                    return Err(EnvError::DuplicateName {
                        name: twice.to_string(),
                    });
                }
                let fields = fields.iter().map(|(name, value)| (&**name, value));
                self.record(fields, depth, |builder, value, depth| {
                    builder.tree_of_ref(value, depth)
                })?
            }
            ValueRef::Cell(cell) => (Tree::Cell(self.share(Shared::Cell(cell.clone()))?), TREE),
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
            Value::Cell(cell) => (Tree::Cell(self.share(Shared::Cell(cell.clone()))?), TREE),
            Value::Error(error) => self.error(error, depth)?,
            Value::Extension(extension) => self.extension(extension, depth)?,
            Value::Typed(typed) => self.typed(typed)?,
        })
    }

    fn text<'t>(&mut self, text: &'t Arc<str>) -> Result<Sized<'t>> {
        Ok(match text.len() {
            0..LONG_BYTES => string(text),
            len => {
                let source = ExtentSource::Text(Arc::clone(text));
                (Tree::LongString(self.extent(source, len as u64, 1)?), TREE)
            }
        })
    }

    fn vector<'t, T: 't>(
        &mut self,
        elements: impl ExactSizeIterator<Item = &'t T>,
        depth: usize,
        tree_of: impl Fn(&mut Self, &'t T, usize) -> Result<Sized<'t>>,
    ) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let mut chunk = Vec::with_capacity(elements.len().min(CHUNK_BYTES / TREE));
        let (mut size, mut parts) = (0, Vec::new());
        for (index, element) in elements.enumerate() {
            let child =
                tree_of(self, element, depth).map_err(|e| within(e, || format!("[{index}]")))?;
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

    fn plain_record<'t>(&mut self, record: &'t Record, depth: usize) -> Result<Sized<'t>> {
        self.record(record.iter(), depth, |builder, value, depth| {
            builder.tree(value, depth)
        })
    }

    fn record<'t, T: 't>(
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
            let child =
                tree_of(self, value, depth).map_err(|e| within(e, || format!(".{name}")))?;
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

    fn string_array<'t>(&mut self, array: &StringArray) -> Result<Sized<'t>> {
        let tree = StringArrayTree {
            shape: array.shape().to_vec(),
            offsets: self.tensor(array.offsets())?,
            bytes: self.tensor(array.bytes())?,
            byte_len: array.bytes().byte_len(),
        };
        let size = TREE + 32 + tree.shape.len() * 8;
        Ok((Tree::StringArray(Box::new(tree)), size))
    }

    fn edge<'t>(&mut self, edge: &'t Edge, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let from = self.text(&edge.from)?;
        let to = self.text(&edge.to)?;
        let properties = self.plain_record(&edge.properties, depth)?;
        let ([from, to, properties], size) = self.spill_all([from, to, properties])?;
        let edge = EdgeTree {
            from,
            to,
            properties,
            directed: edge.directed.into(),
        };
        Ok((Tree::Edge(Box::new(edge)), TREE + 8 + size))
    }

    fn function<'t>(&mut self, function: &'t UserFunction, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let name = match &function.name {
            Some(name) => self.text(name)?,
            None => (Tree::Null, TREE),
        };
        let parameters = self.vector(function.parameters.iter(), depth, |builder, name, _| {
            builder.text(name)
        })?;
        let details = self.plain_record(&function.details, depth)?;
        let source = self.text(&function.source)?;
        let scope = match &function.scope {
            Some(scope) => self.share(Shared::Scope(scope.clone()))?,
            None => NONE,
        };
        let parts = [name, parameters, details, source];
        let ([name, parameters, details, source], size) = self.spill_all(parts)?;
        let tree = FunctionTree {
            name,
            parameters,
            details,
            source,
            scope: scope.into(),
        };
        Ok((Tree::Function(Box::new(tree)), TREE + 8 + size))
    }

    fn error<'t>(&mut self, error: &'t ErrorValue, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let message = self.text(&error.message)?;
        let kind = match &error.kind {
            Some(kind) => self.text(kind)?,
            None => (Tree::Null, TREE),
        };
        let source = match &error.source {
            Some(source) => self
                .tree(source, depth)
                .map_err(|e| within(e, || ".source".to_owned()))?,
            None => (Tree::Null, TREE),
        };
        let has_source = error.source.is_some().into();
        let ([message, kind, source], size) = self.spill_all([message, kind, source])?;
        let tree = ErrorTree {
            message,
            kind,
            source,
            has_source,
        };
        Ok((Tree::Error(Box::new(tree)), TREE + 8 + size))
    }

    fn extension<'t>(&mut self, extension: &'t Extension, depth: usize) -> Result<Sized<'t>> {
        let depth = deeper(depth)?;
        let type_name = self.text(&extension.type_name)?;
        let parameters = self.tree(&extension.parameters, depth);
        let parameters = parameters.map_err(|e| within(e, || ".parameters".to_owned()))?;
        let storage = self.tree(&extension.storage, depth);
        let storage = storage.map_err(|e| within(e, || ".storage".to_owned()))?;
        let parts = [type_name, parameters, storage];
        let ([type_name, parameters, storage], size) = self.spill_all(parts)?;
        let tree = ExtensionTree {
            type_name,
            parameters,
            storage,
        };
        Ok((Tree::Extension(Box::new(tree)), TREE + size))
    }

    fn typed<'t>(&mut self, typed: &'t Typed) -> Result<Sized<'t>> {
        if !Typed::is_alignment(typed.alignment) {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "the typed value of type {}",
                    crate::name::quoted(&typed.type_name)
                ),
                reason: format!(
                    "its alignment is {}, not a power of two to 64",
                    typed.alignment
                ),
            });
        }
        if typed.bytes.dtype() != DType::U8 || typed.bytes.shape().len() != 1 {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "the typed value of type {}",
                    crate::name::quoted(&typed.type_name)
                ),
                reason: "its bytes are not a rank-1 tensor of uint8".to_owned(),
            });
        }
        let type_name = self.text(&typed.type_name)?;
        let extent = self.tensor(&typed.bytes)?;
        let ([type_name], size) = self.spill_all([type_name])?;
        let tree = TypedTree {
            type_name,
            fingerprint: typed.fingerprint,
            byte_len: typed.bytes.byte_len(),
            version: typed.version,
            alignment: typed.alignment,
            extent,
            zero: 0,
        };
        Ok((Tree::Typed(Box::new(tree)), TREE + 32 + size))
    }

    /// Cuts a large part off into a node of its own.
    fn spill<'t>(&mut self, (tree, size): Sized<'t>) -> Result<Sized<'t>> {
        if size <= SPILL_BYTES {
            return Ok((tree, size));
        }
        Ok((Tree::Node(self.emit(&tree)?), TREE))
    }

    fn spill_all<'t, const N: usize>(
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

fn string(text: &str) -> Sized<'_> {
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
fn text_bytes(text: &str) -> usize {
    if text.len() <= 8 { 0 } else { text.len() + 7 }
}

fn check_field_name(name: &str) -> Result<()> {
    if name.len() <= MAX_FIELD_NAME_BYTES {
        return Ok(());
    }
    Err(EnvError::InvalidValue {
        what: format!("the field {}", crate::name::quoted(name)),
        reason: format!("its name may have {MAX_FIELD_NAME_BYTES} bytes"),
    })
}

fn deeper(depth: usize) -> Result<usize> {
    if depth >= MAX_NESTING {
        return Err(EnvError::NestingTooDeep {
            path: String::new(),
        });
    }
    Ok(depth + 1)
}

/// Puts a step before the path of an error that carries one, so that it names the whole path.
fn within(error: EnvError, step: impl FnOnce() -> String) -> EnvError {
    match error {
        EnvError::NestingTooDeep { path } => {
            let mut whole = step();
            whole.push_str(&path);
            EnvError::NestingTooDeep { path: whole }
        }
        other => other,
    }
}
