//! Checked trees to values. Recursion is bounded by the nesting limit; cells and scopes wait in a
//! queue, so that chains of them need no stack; no node is read twice, so that a small file cannot
//! unfold into a large value.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use super::node::Node;
use super::runs::Run;
use super::schema::{Archived, ArchivedTree};
use crate::error::{EnvError, Result};
use crate::format::NONE;
use crate::limits::MAX_NESTING;
use crate::stack::with_room;
use crate::value::{
    Complex128, DType, Edge, ErrorValue, Extension, Function, Order, Record, Scope, SharedHandle,
    StringArray, Tensor, Typed, UserFunction, Value,
};

/// Where trees find what they name by number.
pub(crate) trait TreeSource {
    /// The node of that number, checked.
    fn node(&self, number: u32) -> Result<Arc<Node>>;
    /// The node number of a shared number.
    fn shared_node(&self, shared: u32) -> Result<u32>;
    /// A tensor over an extent. Codes, shape and size are checked.
    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor>;
    /// All bytes of an extent, copied.
    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>>;
    /// The cell or scope of a shared number that is known beyond this source: whoever knows it fills
    /// it. The others are made and filled here.
    fn known_shared(&self, shared: u32, is_scope: bool) -> Result<Option<SharedHandle>> {
        let _ = (shared, is_scope);
        Ok(None)
    }
    /// The error for a node whose tree does not hold together.
    fn damaged(&self, node: u32, what: &str) -> EnvError;
}

impl<S: TreeSource + ?Sized> TreeSource for &S {
    fn node(&self, number: u32) -> Result<Arc<Node>> {
        (**self).node(number)
    }

    fn shared_node(&self, shared: u32) -> Result<u32> {
        (**self).shared_node(shared)
    }

    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor> {
        (**self).tensor(dtype, order, shape, extent)
    }

    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>> {
        (**self).extent_bytes(extent)
    }

    fn known_shared(&self, shared: u32, is_scope: bool) -> Result<Option<SharedHandle>> {
        (**self).known_shared(shared, is_scope)
    }

    fn damaged(&self, node: u32, what: &str) -> EnvError {
        (**self).damaged(node, what)
    }
}

/// The value of the node `number`.
pub(crate) fn restore(source: &dyn TreeSource, number: u32) -> Result<Value> {
    let mut values = restore_many(source, &[number], &|_| ())?;
    values
        .pop()
        .ok_or_else(|| source.damaged(number, "it holds no value"))
}

/// The values of several nodes, in order: what is one cell or scope in the file is one in all of
/// them. A node asked for twice gives the same value twice. `begin` is told the place of each
/// before it is read; and before the content of a cell or scope is, the place of the first that
/// leads there.
pub(crate) fn restore_many(
    source: &dyn TreeSource,
    numbers: &[u32],
    begin: &dyn Fn(usize),
) -> Result<Vec<Value>> {
    with_room(|| make(source, numbers, begin))
}

fn make(source: &dyn TreeSource, numbers: &[u32], begin: &dyn Fn(usize)) -> Result<Vec<Value>> {
    let mut restorer = Restorer::new(Rc::new(source));
    let mut values = Vec::with_capacity(numbers.len());
    for (place, number) in numbers.iter().enumerate() {
        begin(place);
        restorer.place = place;
        values.push(restorer.root(*number)?);
    }
    restorer.fill_shared(begin)?;
    Ok(values)
}

/// The value of `tree`, which stands in the node `own`.
pub(crate) fn restore_tree(source: &dyn TreeSource, tree: &Archived, own: u32) -> Result<Value> {
    with_room(|| {
        let mut restorer = Restorer::new(Rc::new(source));
        let value = restorer.tree(tree, own, 0)?;
        restorer.fill_shared(&|_| ())?;
        Ok(value)
    })
}

/// Makes the values of one source.
pub(crate) struct Restorer<'s> {
    pub(super) source: Rc<dyn TreeSource + 's>,
    read: HashSet<u32>,
    roots: HashMap<u32, Value>,
    shared: HashMap<u32, SharedHandle>,
    /// Numbers of cells and scopes to fill, each with the place of the value that led there.
    waiting: VecDeque<(u32, usize)>,
    /// Place of the value that is being made, or that led to the content that is.
    place: usize,
    long: HashMap<u32, Value>,
    /// Names met, so that a million records of three fields share three names.
    names: HashSet<Arc<str>>,
}

const MAX_KEPT_NAMES: usize = 4096;

impl<'s> Restorer<'s> {
    pub(crate) fn new(source: Rc<dyn TreeSource + 's>) -> Self {
        Restorer {
            source,
            read: HashSet::new(),
            roots: HashMap::new(),
            shared: HashMap::new(),
            waiting: VecDeque::new(),
            place: 0,
            long: HashMap::new(),
            names: HashSet::new(),
        }
    }

    /// The value of a node; the same one when it is asked for again. Cells and scopes in it that
    /// its source does not know from elsewhere are empty before [`Restorer::fill_shared`].
    pub(crate) fn root(&mut self, number: u32) -> Result<Value> {
        if let Some(known) = self.roots.get(&number) {
            return Ok(known.clone());
        }
        let value = self.node(number, u32::MAX, 0)?;
        self.roots.insert(number, value.clone());
        Ok(value)
    }

    /// Fills cells and scopes with their contents, and those met on the way.
    pub(crate) fn fill_shared(&mut self, begin: &dyn Fn(usize)) -> Result<()> {
        while let Some((number, place)) = self.waiting.pop_front() {
            begin(place);
            self.place = place;
            let node = self.source.shared_node(number)?;
            let content = self.node(node, u32::MAX, 0)?;
            let filled = self
                .shared
                .get(&number)
                .map(|shared| shared.set_content(content));
            if filled != Some(true) {
                return Err(self.source.damaged(node, "a scope is not a record"));
            }
        }
        Ok(())
    }

    /// Reads a node that must have a lower number than `above`, and none twice.
    pub(super) fn open(&mut self, number: u32, above: u32) -> Result<Arc<Node>> {
        if number >= above {
            return Err(self
                .source
                .damaged(above, "it names a node that is not lower"));
        }
        if !self.read.insert(number) {
            return Err(self.source.damaged(number, "it is named twice"));
        }
        self.source.node(number)
    }

    fn node(&mut self, number: u32, above: u32, depth: usize) -> Result<Value> {
        let node = self.open(number, above)?;
        if matches!(node.root(), ArchivedTree::Node(_)) {
            return Err(self.source.damaged(number, "it only names another node"));
        }
        self.tree(node.root(), number, depth)
    }

    /// The value of `tree`, which stands in node `own`.
    pub(crate) fn tree(&mut self, tree: &Archived, own: u32, depth: usize) -> Result<Value> {
        Ok(match tree {
            ArchivedTree::Null => Value::Null,
            ArchivedTree::Boolean(boolean) => Value::Boolean(*boolean),
            ArchivedTree::Integer(integer) => Value::Integer(integer.to_native()),
            ArchivedTree::Number(number) => Value::Number(number.to_native()),
            ArchivedTree::Complex(re, im) => {
                Value::Complex(Complex128::new(re.to_native(), im.to_native()))
            }
            ArchivedTree::String(text) => Value::String(text.as_str().into()),
            ArchivedTree::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
            ArchivedTree::LongString(extent) => self.long(extent.to_native(), own, true)?,
            ArchivedTree::LongBytes(extent) => self.long(extent.to_native(), own, false)?,
            ArchivedTree::Node(number) => self.node(number.to_native(), own, depth)?,
            ArchivedTree::Vector(elements) => {
                let mut out = Vec::with_capacity(elements.len());
                self.elements(
                    Run::Elements(elements),
                    own,
                    self.deeper(own, depth)?,
                    0,
                    &mut out,
                )?;
                Value::from(out)
            }
            ArchivedTree::VectorParts(parts) => {
                let mut out = Vec::new();
                self.elements(
                    Run::Parts(parts),
                    own,
                    self.deeper(own, depth)?,
                    0,
                    &mut out,
                )?;
                Value::from(out)
            }
            ArchivedTree::Record(fields) => self.record(Run::Fields(fields), own, depth)?,
            ArchivedTree::IndexedRecord(record) => {
                self.record(Run::Fields(&record.fields), own, depth)?
            }
            ArchivedTree::RecordParts(record) => {
                self.record(Run::Parts(&record.parts), own, depth)?
            }
            ArchivedTree::Index(_) => {
                return Err(self
                    .source
                    .damaged(own, "an index stands where a value should"));
            }
            ArchivedTree::Tensor(tensor) => {
                if tensor.zero.to_native() != 0 {
                    return Err(self.source.damaged(own, "reserved bytes are not zero"));
                }
                let shape = native(&tensor.shape);
                let extent = tensor.extent.to_native();
                Value::Tensor(
                    self.source
                        .tensor(tensor.dtype, tensor.order, &shape, extent)?,
                )
            }
            ArchivedTree::StringArray(array) => {
                let array = self.string_array(
                    own,
                    &native(&array.shape),
                    array.offsets.to_native(),
                    array.bytes.to_native(),
                    array.byte_len.to_native(),
                )?;
                Value::from(array)
            }
            ArchivedTree::Edge(edge) => {
                let depth = self.deeper(own, depth)?;
                Value::from(Edge {
                    from: self.text(&edge.from, own, depth)?,
                    to: self.text(&edge.to, own, depth)?,
                    directed: self.flag(edge.directed.to_native(), own)?,
                    properties: self.plain_record(&edge.properties, own, depth)?,
                })
            }
            ArchivedTree::Builtin(name) => {
                let name = name.as_str().into();
                Value::from(Function::Builtin { name })
            }
            ArchivedTree::Function(function) => {
                let depth = self.deeper(own, depth)?;
                let Value::Vector(parameters) = self.tree(&function.parameters, own, depth)? else {
                    return Err(self.source.damaged(own, "parameters are not a vector"));
                };
                let parameters = parameters.iter().map(|name| match name {
                    Value::String(name) => Ok(Arc::clone(name)),
                    _ => Err(self.source.damaged(own, "a parameter is not a string")),
                });
                Value::from(UserFunction {
                    parameters: parameters.collect::<Result<_>>()?,
                    name: self.optional_text(&function.name, own, depth)?,
                    details: self.plain_record(&function.details, own, depth)?,
                    source: self.text(&function.source, own, depth)?,
                    scope: self.scope(function.scope.to_native(), own)?,
                })
            }
            ArchivedTree::Cell(number) => {
                let number = number.to_native();
                match self.shared_value(number, false)? {
                    SharedHandle::Cell(cell) => Value::Cell(cell),
                    SharedHandle::Scope(_) => {
                        return Err(self.source.damaged(own, "a cell and a scope share a node"));
                    }
                }
            }
            ArchivedTree::Error(error) => {
                let depth = self.deeper(own, depth)?;
                let source = self.tree(&error.source, own, depth)?;
                let has_source = self.flag(error.has_source.to_native(), own)?;
                Value::from(ErrorValue {
                    message: self.text(&error.message, own, depth)?,
                    kind: self.optional_text(&error.kind, own, depth)?,
                    source: has_source.then_some(source),
                })
            }
            ArchivedTree::Extension(extension) => {
                let depth = self.deeper(own, depth)?;
                Value::from(Extension {
                    type_name: self.text(&extension.type_name, own, depth)?,
                    parameters: self.tree(&extension.parameters, own, depth)?,
                    storage: self.tree(&extension.storage, own, depth)?,
                })
            }
            ArchivedTree::Typed(typed) => {
                let alignment = typed.alignment.to_native();
                if typed.zero.to_native() != 0 || !Typed::is_alignment(alignment) {
                    return Err(self
                        .source
                        .damaged(own, "a typed value of an alignment there is not"));
                }
                let shape = [typed.byte_len.to_native()];
                let extent = typed.extent.to_native();
                let bytes =
                    self.source
                        .tensor(DType::U8.code(), Order::C.code(), &shape, extent)?;
                Value::from(Typed {
                    type_name: self.text(&typed.type_name, own, depth)?,
                    version: typed.version.to_native(),
                    alignment,
                    fingerprint: typed.fingerprint.to_native(),
                    bytes,
                })
            }
        })
    }

    fn long(&mut self, extent: u32, own: u32, text: bool) -> Result<Value> {
        if let Some(value) = self.long.get(&extent)
            && matches!(value, Value::String(_)) == text
        {
            return Ok(value.clone());
        }
        let bytes = self.source.extent_bytes(extent)?;
        let value = if text {
            let text = String::from_utf8(bytes)
                .map_err(|_| self.source.damaged(own, "a long string is not UTF-8"))?;
            Value::String(text.into())
        } else {
            Value::Bytes(bytes.into())
        };
        self.long.insert(extent, value.clone());
        Ok(value)
    }

    fn string_array(
        &self,
        own: u32,
        shape: &[u64],
        offsets: u32,
        bytes: u32,
        len: u64,
    ) -> Result<StringArray> {
        let count = crate::value::byte_len(DType::U8, shape)
            .map_err(|e| self.source.damaged(own, &e.to_string()))?;
        let c = Order::C.code();
        let offsets = self
            .source
            .tensor(DType::U64.code(), c, &[count + 1], offsets)?;
        let bytes = self.source.tensor(DType::U8.code(), c, &[len], bytes)?;
        StringArray::from_parts(shape, offsets, bytes)
            .map_err(|e| self.source.damaged(own, &e.to_string()))
    }

    fn shared_value(&mut self, number: u32, is_scope: bool) -> Result<SharedHandle> {
        if let Some(known) = self.shared.get(&number) {
            return Ok(known.clone());
        }
        let handle = match self.source.known_shared(number, is_scope)? {
            Some(known) => known,
            None => {
                self.waiting.push_back((number, self.place));
                SharedHandle::new(is_scope)
            }
        };
        self.shared.insert(number, handle.clone());
        Ok(handle)
    }

    fn scope(&mut self, number: u64, own: u32) -> Result<Option<Scope>> {
        if number == u64::from(NONE) {
            return Ok(None);
        }
        let number = u32::try_from(number).map_err(|_| {
            self.source
                .damaged(own, "it names a scope that is not there")
        })?;
        match self.shared_value(number, true)? {
            SharedHandle::Scope(scope) => Ok(Some(scope)),
            SharedHandle::Cell(_) => {
                Err(self.source.damaged(own, "a cell and a scope share a node"))
            }
        }
    }

    fn text(&mut self, tree: &Archived, own: u32, depth: usize) -> Result<Arc<str>> {
        match self.tree(tree, own, depth)? {
            Value::String(text) => Ok(text),
            _ => Err(self.source.damaged(own, "a text is not a string")),
        }
    }

    fn optional_text(
        &mut self,
        tree: &Archived,
        own: u32,
        depth: usize,
    ) -> Result<Option<Arc<str>>> {
        match self.tree(tree, own, depth)? {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(self.source.damaged(own, "a text is not a string")),
        }
    }

    fn plain_record(&mut self, tree: &Archived, own: u32, depth: usize) -> Result<Record> {
        match self.tree(tree, own, depth)? {
            Value::Record(record) => Ok(record),
            _ => Err(self.source.damaged(own, "properties are not a record")),
        }
    }

    fn flag(&self, flag: u64, own: u32) -> Result<bool> {
        match flag {
            0 | 1 => Ok(flag == 1),
            _ => Err(self.source.damaged(own, "a flag is neither 0 nor 1")),
        }
    }

    pub(super) fn deeper(&self, own: u32, depth: usize) -> Result<usize> {
        if depth >= MAX_NESTING {
            return Err(self
                .source
                .damaged(own, "it is nested deeper than 128 levels"));
        }
        Ok(depth + 1)
    }

    pub(super) fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        if self.names.len() < MAX_KEPT_NAMES {
            self.names.insert(Arc::clone(&name));
        }
        name
    }
}

/// Dimensions in memory.
pub(crate) fn native(shape: &[rkyv::rend::u64_le]) -> Vec<u64> {
    shape.iter().map(|n| n.to_native()).collect()
}
