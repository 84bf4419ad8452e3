//! The content hash: what names values whatever file they are in. `docs/format.md` specifies it.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use super::groups::Groups;
use super::loading::Loading;
use super::pieces::{each_piece, part};
use super::strings::out_of_order;
use super::workspace::{Content, Head, Side, WorkspaceRef};
use crate::error::Result;
use crate::format::extent::DigestKind;
use crate::format::records::{FLAG_CONSTANT, FLAG_MUTABLE, Slot};
use crate::format::sums::{combine, piece_digest};
use crate::value::SharedHandle;
use crate::value::walk::Trail;
use crate::value::{Function, Record, StringArray, Tensor, UserFunction, Value};

/// The first bytes of what is hashed: of a workspace, and of one variable.
const WORKSPACE: [u8; 8] = *b"ACHC\x01\0\0\0";
const VARIABLE: [u8; 8] = *b"ACHC\x01\0\0\x01";

/// What names the content of a workspace: a SHA-256 over names, values, attributes, marks, and which
/// cells are shared.
///
/// It does not depend on times, on what wrote an archive, on its metadata, on the order in which
/// variables were defined, on what is compressed or sealed, nor on whether the values stand in an
/// archive or in memory. Numbers count by their bits. Reads everything: no digest that a file
/// records is believed. Arrays are hashed on all cores. `docs/format.md` has the rule, for other
/// languages.
///
/// Saving an environment leaves out its builtin functions unless told otherwise; its archive then
/// has another hash.
///
/// # Errors
/// What reading answers, with the name of the variable; [`crate::EnvError::Unsupported`] for a
/// value of a later version; [`crate::EnvError::NestingTooDeep`].
pub fn content_hash<'w>(workspace: impl Into<WorkspaceRef<'w>>) -> Result<[u8; 32]> {
    let side = Side::new(workspace.into())?;
    let groups = Groups::of(&side)?;
    let order: Vec<usize> = (0..side.len()).collect();
    let mut loading = Loading::new(&side, &groups, &order);
    let mut stream = Stream::new(WORKSPACE);
    stream.count(side.len());
    for index in order.iter().copied() {
        let head = side.head(index)?;
        stream.text(side.name(index));
        let shares = groups.around(index).is_some();
        stream
            .variable(&head, || loading.take(index), shares)
            .map_err(|e| e.of_variable(side.name(index)))?;
    }
    Ok(stream.finish())
}

/// What names the content of one variable: as [`content_hash`], of its value, attributes and marks,
/// and not of its name.
///
/// # Errors
/// As [`content_hash`]; [`crate::EnvError::NotFound`] with the nearest name.
pub fn variable_hash<'w>(workspace: impl Into<WorkspaceRef<'w>>, name: &str) -> Result<[u8; 32]> {
    let side = Side::new(workspace.into())?;
    let index = side.find(name)?;
    let mut stream = Stream::new(VARIABLE);
    let load = || Ok(side.load(&[index])?.pop().unwrap_or_default());
    stream
        .variable(&side.head(index)?, load, false)
        .map_err(|e| e.of_variable(name))?;
    Ok(stream.finish())
}

/// Bytes on their way into the hash.
struct Stream {
    hasher: Sha256,
    buffer: Vec<u8>,
    /// Numbers of the cells and scopes that may be met again, by their addresses.
    numbers: HashMap<usize, u64>,
    /// Keeps those from going, so that no other takes the address of one.
    held: Vec<SharedHandle>,
    /// Met, and their contents not yet hashed.
    waiting: VecDeque<SharedHandle>,
    met: u64,
}

/// Bytes gathered before they are hashed.
const BUFFER_BYTES: usize = 1 << 16;

/// Items, by the tags that trees have for them.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const BOOLEAN: u8 = 1;
    pub(super) const INTEGER: u8 = 2;
    pub(super) const NUMBER: u8 = 3;
    pub(super) const COMPLEX: u8 = 4;
    pub(super) const STRING: u8 = 5;
    pub(super) const BYTES: u8 = 6;
    pub(super) const VECTOR: u8 = 9;
    pub(super) const RECORD: u8 = 11;
    pub(super) const TENSOR: u8 = 16;
    pub(super) const STRING_ARRAY: u8 = 17;
    pub(super) const EDGE: u8 = 18;
    pub(super) const BUILTIN: u8 = 19;
    pub(super) const FUNCTION: u8 = 20;
    pub(super) const CELL: u8 = 21;
    pub(super) const ERROR: u8 = 22;
    pub(super) const EXTENSION: u8 = 23;
    pub(super) const TYPED: u8 = 24;
}

impl Stream {
    fn new(start: [u8; 8]) -> Stream {
        let mut stream = Stream {
            hasher: Sha256::new(),
            buffer: Vec::with_capacity(2 * BUFFER_BYTES),
            numbers: HashMap::new(),
            held: Vec::new(),
            waiting: VecDeque::new(),
            met: 0,
        };
        stream.put(&start);
        stream
    }

    fn finish(mut self) -> [u8; 32] {
        self.hasher.update(&self.buffer);
        self.hasher.finalize().into()
    }

    /// Marks, value, attributes, and the contents of the cells and scopes that are new. Those of a
    /// variable that `shares` may be met again.
    fn variable(
        &mut self,
        head: &Head<'_>,
        load: impl FnOnce() -> Result<(Value, Record)>,
        shares: bool,
    ) -> Result<()> {
        let marks = (head.constant as u8 * FLAG_CONSTANT) | (head.mutable as u8 * FLAG_MUTABLE);
        self.put(&[marks]);
        if let (Content::Scalar(slot), false) = (&head.content, head.has_attributes) {
            self.scalar(*slot);
            self.put(&[tag::RECORD]);
            self.count(0);
            return Ok(());
        }
        let (value, attributes) = load()?;
        let held = self.held.len();
        self.value(&value, &Trail::at("", 0))?;
        self.record(&attributes, &Trail::at("", 0))?;
        while let Some(shared) = self.waiting.pop_front() {
            self.value(&shared.content(), &Trail::at("", 0))?;
        }
        if !shares {
            // Nobody else holds these: their addresses may be another's.
            for part in self.held.drain(held..) {
                self.numbers.remove(&part.address());
            }
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) {
        if bytes.len() >= BUFFER_BYTES {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
            self.hasher.update(bytes);
            return;
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.hasher.update(&self.buffer);
            self.buffer.clear();
        }
    }

    fn number(&mut self, number: u64) {
        self.put(&number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.put(text.as_bytes());
    }

    /// 0, or 1 before what is there.
    fn option<T>(&mut self, option: Option<T>) -> Option<T> {
        self.put(&[option.is_some().into()]);
        option
    }

    fn scalar(&mut self, slot: Slot) {
        match slot {
            Slot::Boolean(boolean) => self.put(&[tag::BOOLEAN, boolean.into()]),
            Slot::Integer(integer) => {
                self.put(&[tag::INTEGER]);
                self.number(integer.cast_unsigned());
            }
            Slot::Number(bits) => {
                self.put(&[tag::NUMBER]);
                self.number(bits);
            }
            Slot::Complex(re, im) => {
                self.put(&[tag::COMPLEX]);
                self.number(re);
                self.number(im);
            }
            // The others hold no scalar.
            Slot::Null | Slot::Tensor(_) | Slot::Node(_) => self.put(&[tag::NULL]),
        }
    }

    fn value(&mut self, value: &Value, at: &Trail<'_>) -> Result<()> {
        match value {
            Value::Vector(elements) => {
                self.put(&[tag::VECTOR]);
                self.count(elements.len());
                for (index, element) in elements.iter().enumerate() {
                    self.value(element, &at.element(index)?)?;
                }
                Ok(())
            }
            Value::Record(record) => self.record(record, at),
            Value::Edge(edge) => {
                self.put(&[tag::EDGE]);
                self.text(&edge.from);
                self.text(&edge.to);
                self.put(&[edge.directed.into()]);
                self.record(&edge.properties, &at.field("properties")?)
            }
            Value::Function(function) => match function.function() {
                Function::Builtin { name } => {
                    self.put(&[tag::BUILTIN]);
                    self.text(name);
                    Ok(())
                }
                Function::User(user) => self.function(user, at),
            },
            Value::Error(error) => {
                self.put(&[tag::ERROR]);
                self.text(&error.message);
                if let Some(kind) = self.option(error.kind.as_ref()) {
                    self.text(kind);
                }
                match self.option(error.source.as_ref()) {
                    Some(source) => self.value(source, &at.field("source")?),
                    None => Ok(()),
                }
            }
            Value::Extension(extension) => {
                self.put(&[tag::EXTENSION]);
                self.text(&extension.type_name);
                self.value(&extension.parameters, &at.field("parameters")?)?;
                self.value(&extension.storage, &at.field("storage")?)
            }
            other => self.leaf(other),
        }
    }

    /// A value of a kind that holds no others. Apart, so that what recurses needs little stack.
    #[inline(never)]
    fn leaf(&mut self, value: &Value) -> Result<()> {
        match value {
            Value::String(text) => {
                self.put(&[tag::STRING]);
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.put(&[tag::BYTES]);
                self.count(bytes.len());
                self.put(bytes);
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
            Value::StringArray(array) => self.strings(array)?,
            Value::Cell(cell) => {
                self.put(&[tag::CELL]);
                self.shared(SharedHandle::Cell(cell.clone()));
            }
            Value::Typed(typed) => {
                self.put(&[tag::TYPED]);
                self.text(&typed.type_name);
                self.number(typed.fingerprint);
                self.put(&typed.version.to_le_bytes());
                self.put(&typed.alignment.to_le_bytes());
                self.number(typed.bytes.byte_len());
                let digest = digest(&typed.bytes, 0, typed.bytes.byte_len())?;
                self.put(&digest);
            }
            other => self.scalar(super::workspace::scalar(other).unwrap_or(Slot::Null)),
        }
        Ok(())
    }

    fn record(&mut self, record: &Record, at: &Trail<'_>) -> Result<()> {
        self.put(&[tag::RECORD]);
        self.count(record.len());
        for (name, value) in record.iter() {
            self.text(name);
            self.value(value, &at.field(name)?)?;
        }
        Ok(())
    }

    fn function(&mut self, function: &UserFunction, at: &Trail<'_>) -> Result<()> {
        self.put(&[tag::FUNCTION]);
        if let Some(name) = self.option(function.name.as_ref()) {
            self.text(name);
        }
        self.count(function.parameters.len());
        for parameter in &function.parameters {
            self.text(parameter);
        }
        self.record(&function.details, &at.field("details")?)?;
        self.text(&function.source);
        if let Some(scope) = self.option(function.scope.as_ref()) {
            self.shared(SharedHandle::Scope(scope.clone()));
        }
        Ok(())
    }

    /// The number of a cell or scope: how many others were met before.
    fn shared(&mut self, part: SharedHandle) {
        let next = self.met;
        let number = *self.numbers.entry(part.address()).or_insert(next);
        if number == next {
            self.met += 1;
            self.held.push(part.clone());
            self.waiting.push_back(part);
        }
        self.number(number);
    }

    fn shape(&mut self, shape: &[u64]) {
        // The rank is at most 64.
        self.put(&[shape.len() as u8]);
        for length in shape {
            self.number(*length);
        }
    }

    fn tensor(&mut self, tensor: &Tensor) -> Result<()> {
        let order = match tensor.shape().len() {
            // The elements of vectors stand alike in both orders.
            0 | 1 => 0,
            _ => tensor.order().code(),
        };
        self.put(&[tag::TENSOR, tensor.dtype().code(), order]);
        self.shape(tensor.shape());
        let digest = digest(tensor, 0, tensor.byte_len())?;
        self.put(&digest);
        Ok(())
    }

    fn strings(&mut self, array: &StringArray) -> Result<()> {
        self.put(&[tag::STRING_ARRAY]);
        self.shape(array.shape());
        let (offsets, first, last) = offsets(array)?;
        self.put(&offsets);
        let text = digest(array.bytes(), first, last - first)?;
        self.put(&text);
        Ok(())
    }
}

/// The SHA-256 digest of `len` bytes of a tensor, in pieces of 1 MiB as those of extents.
fn digest(tensor: &Tensor, start: u64, len: u64) -> Result<[u8; 32]> {
    let mut pieces = each_piece(len, Vec::new, |buffer, at, len| {
        let bytes = part(tensor, start + at, len, buffer)?;
        Ok(piece_digest(DigestKind::Sha256, bytes))
    })?;
    pieces.sort_unstable_by_key(|(piece, _)| *piece);
    let digests: Vec<[u8; 32]> = pieces.into_iter().map(|(_, digest)| digest).collect();
    Ok(combine(DigestKind::Sha256, &digests))
}

/// The digest of the offsets of an array as they are when the first is 0; the first and the last as
/// they are.
fn offsets(array: &StringArray) -> Result<([u8; 32], u64, u64)> {
    let tensor = array.offsets();
    let mut first = [0; 8];
    tensor.read_at(0, &mut first)?;
    let first = u64::from_le_bytes(first);
    let mut pieces = each_piece(
        tensor.byte_len(),
        || (Vec::new(), Vec::new()),
        |(buffer, moved), at, len| {
            moved.clear();
            let (mut lowest, mut before) = (None, 0);
            for (n, offset) in part(tensor, at, len, buffer)?
                .as_chunks::<8>()
                .0
                .iter()
                .enumerate()
            {
                let offset = u64::from_le_bytes(*offset);
                let from_first = offset.checked_sub(first).filter(|offset| *offset >= before);
                before = from_first.ok_or_else(|| out_of_order(at / 8 + n as u64))?;
                lowest.get_or_insert(before);
                moved.extend_from_slice(&before.to_le_bytes());
            }
            let ends = (lowest.unwrap_or_default(), before);
            Ok((piece_digest(DigestKind::Sha256, moved), ends))
        },
    )?;
    pieces.sort_unstable_by_key(|(piece, _)| *piece);
    let mut last = 0;
    let mut digests = Vec::with_capacity(pieces.len());
    for (piece, (digest, (lowest, highest))) in pieces {
        if lowest < last {
            return Err(out_of_order(piece * super::pieces::PIECE_BYTES / 8));
        }
        last = highest;
        digests.push(digest);
    }
    let last = first.saturating_add(last);
    match last <= array.bytes().byte_len() {
        true => Ok((combine(DigestKind::Sha256, &digests), first, last)),
        false => Err(out_of_order(array.len())),
    }
}
