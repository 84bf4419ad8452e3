//! The values of version 1: each is a map of one entry, from the name of its kind to its content;
//! null is its name alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::decoder::{Decoder, Step};
use super::messagepack::Item;
use crate::error::{EnvError, Result};
use crate::finding::Outcome;
use crate::limits::{MAX_NESTING, MAX_RANK};
use crate::value::{
    Complex128, Edge, Element, Extension, Function, Record, Tensor, Value, format_shape,
};

/// Why something that was a function, a generator or the like is not there.
pub(super) const WITHOUT_CONTENT: &str = "version 1 had stored it without its content";

/// Why a value of a later kind is not there.
const UNKNOWN_KIND: &str = "it is of a kind that this reader of version 1 files does not know";

/// Longest name of a kind.
const KIND_BYTES: usize = 15;
/// Bytes of the name of an unknown kind that are kept.
const UNKNOWN_KIND_BYTES: u32 = 80;
/// Elements a tensor has room for before they arrive.
const FIRST_ELEMENTS: u64 = 8192;
/// Bytes a field takes beside its name and its value, about.
const FIELD_BYTES: usize = 64;

/// The kinds of version 1.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    BuiltinFunction,
    Boolean,
    Complex,
    ComplexTensor,
    Edge,
    Null,
    Number,
    Record,
    String,
    Tensor,
    Unsupported,
    Vector,
    /// A kind that version 1 did not have when this was written. Its name is in
    /// [`Decoder::unknown`], and its content was passed over.
    Unknown,
}

impl Kind {
    fn named(name: &[u8]) -> Option<Kind> {
        Some(match name {
            b"BuiltinFunction" => Kind::BuiltinFunction,
            b"Boolean" => Kind::Boolean,
            b"Complex" => Kind::Complex,
            b"ComplexTensor" => Kind::ComplexTensor,
            b"Edge" => Kind::Edge,
            b"Null" => Kind::Null,
            b"Number" => Kind::Number,
            b"Record" => Kind::Record,
            b"String" => Kind::String,
            b"Tensor" => Kind::Tensor,
            b"Unsupported" => Kind::Unsupported,
            b"Vector" => Kind::Vector,
            _ => return None,
        })
    }
}

impl Decoder<'_> {
    /// The value of a variable; none when version 1 had stored it without its content.
    pub(super) fn binding(&mut self) -> Result<Option<Value>> {
        match self.kind()? {
            Kind::Unsupported => {
                let what = self.text("the kind of an unsupported value")?;
                self.find(&what, Outcome::Lost, WITHOUT_CONTENT.to_owned())?;
                Ok(None)
            }
            Kind::Unknown => {
                let what = std::mem::take(&mut self.unknown);
                self.find(&what, Outcome::Lost, UNKNOWN_KIND.to_owned())?;
                Ok(None)
            }
            kind => self.content(kind, 0).map(Some),
        }
    }

    /// The content of a value inside `depth` others. What recurses is this and the three kinds
    /// that nest: their frames are kept small, and everything else stays out of them.
    fn content(&mut self, kind: Kind, depth: usize) -> Result<Value> {
        match kind {
            Kind::Edge => self.edge(depth),
            Kind::Record => self.record_value(depth),
            Kind::Vector => self.vector(depth),
            Kind::Unsupported => {
                let what = self.text("the kind of an unsupported value")?;
                self.placeholder(&what, WITHOUT_CONTENT, depth)
            }
            Kind::Unknown => {
                let what = std::mem::take(&mut self.unknown);
                self.placeholder(&what, UNKNOWN_KIND, depth)
            }
            other => self.leaf(other),
        }
    }

    /// The kind of the value at `step` of the one that is being read. [`Decoder::leave`] follows
    /// its content.
    #[inline(never)]
    fn enter(&mut self, step: Step) -> Result<Kind> {
        self.path.push(step);
        self.charge(size_of::<Value>() as u64)?;
        self.kind()
    }

    fn deeper(&self, depth: usize) -> Result<usize> {
        if depth < MAX_NESTING {
            return Ok(depth + 1);
        }
        Err(EnvError::NestingTooDeep { path: self.path() })
    }

    /// The kind of the next value. Of null nothing is left to read then.
    #[inline(never)]
    fn kind(&mut self) -> Result<Kind> {
        match self.stream.item()? {
            // One entry: version 1 took an array of one in its place.
            Item::Map(1) | Item::Array(1) => {}
            Item::Text(len) | Item::Bytes(len) => {
                return match self.kind_of(len)? {
                    kind @ (Kind::Null | Kind::Unknown) => Ok(kind),
                    kind => Err(self.wrong(&format!("a value of the kind {kind:?} is empty"))),
                };
            }
            found => return Err(self.expected("a value, a map of one entry,", found)),
        }
        let kind = match self.stream.item()? {
            Item::Text(len) | Item::Bytes(len) => self.kind_of(len)?,
            found => return Err(self.expected("the kind of a value", found)),
        };
        match kind {
            Kind::Null => match self.stream.item()? {
                Item::Null => {}
                found => return Err(self.expected("nil", found)),
            },
            // The rest of the file can be had all the same: MessagePack tells where it ends.
            Kind::Unknown => self.stream.skip_value()?,
            _ => {}
        }
        Ok(kind)
    }

    /// The kind whose name has `len` bytes.
    fn kind_of(&mut self, len: u32) -> Result<Kind> {
        let mut short = [0; KIND_BYTES];
        let mut long = Vec::new();
        let name: &[u8] = match short.get_mut(..len as usize) {
            Some(name) => {
                self.stream.read(name)?;
                name
            }
            None => {
                let shown = len.min(UNKNOWN_KIND_BYTES);
                long.extend(self.stream.bytes(shown.into())?);
                self.stream.skip((len - shown).into())?;
                &long
            }
        };
        Ok(Kind::named(name).unwrap_or_else(|| {
            self.unknown = String::from_utf8_lossy(name).into_owned();
            Kind::Unknown
        }))
    }

    /// A value that holds no others.
    #[inline(never)]
    fn leaf(&mut self, kind: Kind) -> Result<Value> {
        Ok(match kind {
            Kind::Boolean => Value::Boolean(self.boolean()?),
            Kind::BuiltinFunction => {
                let name = self.text("the name of a builtin function")?.into();
                Value::from(Function::Builtin { name })
            }
            Kind::Complex => {
                self.array_of(2, "a complex number")?;
                Value::Complex(Complex128::new(self.number()?, self.number()?))
            }
            Kind::ComplexTensor => self.tensor(Decoder::complexes)?,
            Kind::Number => Value::Number(self.number()?),
            Kind::String => Value::from(self.text("text")?),
            Kind::Tensor => self.tensor(Decoder::numbers)?,
            Kind::Null => Value::Null,
            Kind::Edge | Kind::Record | Kind::Unsupported | Kind::Unknown | Kind::Vector => {
                return Err(self.wrong("a value that nests stands where none may"));
            }
        })
    }

    /// What stands for a value that cannot be had.
    #[inline(never)]
    fn placeholder(&mut self, what: &str, reason: &str, depth: usize) -> Result<Value> {
        self.find(what, Outcome::Lost, reason.to_owned())?;
        if depth + 2 > MAX_NESTING {
            // The placeholder and its record would be too deep.
            return Ok(Value::Null);
        }
        Ok(Extension::unsupported(what, reason).into())
    }

    fn vector(&mut self, depth: usize) -> Result<Value> {
        let (inner, len) = self.vector_head(depth)?;
        let mut elements = Vec::new();
        for index in 0..len as usize {
            let kind = self.enter(Step::Index(index))?;
            elements.push(self.content(kind, inner)?);
            self.leave();
        }
        elements.shrink_to_fit();
        Ok(Value::from(elements))
    }

    #[inline(never)]
    fn vector_head(&mut self, depth: usize) -> Result<(usize, u32)> {
        let inner = self.deeper(depth)?;
        match self.stream.item()? {
            Item::Array(len) => Ok((inner, len)),
            found => Err(self.expected("a vector, an array,", found)),
        }
    }

    fn record_value(&mut self, depth: usize) -> Result<Value> {
        let inner = self.deeper(depth)?;
        self.record(inner).map(Value::Record)
    }

    /// Fields, sorted by name: version 1 kept no order. Of a name given twice the last counts.
    fn record(&mut self, inner: usize) -> Result<Record> {
        let len = self.record_head()?;
        let mut fields: BTreeMap<Arc<str>, Value> = BTreeMap::new();
        for _ in 0..len {
            let (key, kind) = self.field_head()?;
            let value = self.content(kind, inner)?;
            self.leave();
            self.put(&mut fields, key, value)?;
        }
        Ok(fields.into_iter().collect())
    }

    #[inline(never)]
    fn record_head(&mut self) -> Result<u32> {
        match self.stream.item()? {
            Item::Map(len) => Ok(len),
            found => Err(self.expected("a record, a map,", found)),
        }
    }

    /// The name of a field, and the kind of its value, which is entered.
    #[inline(never)]
    fn field_head(&mut self) -> Result<(Arc<str>, Kind)> {
        let name = self.text("the name of a field")?;
        self.charge((name.len() + FIELD_BYTES) as u64)?;
        let key = name.as_str().into();
        Ok((key, self.enter(Step::Field(name))?))
    }

    #[inline(never)]
    fn put(
        &mut self,
        fields: &mut BTreeMap<Arc<str>, Value>,
        key: Arc<str>,
        value: Value,
    ) -> Result<()> {
        match fields.insert(Arc::clone(&key), value) {
            Some(_) => self.twice(&key),
            None => Ok(()),
        }
    }

    fn twice(&mut self, key: &str) -> Result<()> {
        let reason = "the file gives this field more than once; the last one counts".to_owned();
        self.path.push(Step::Field(key.to_owned()));
        self.find("", Outcome::Warning, reason)?;
        self.leave();
        Ok(())
    }

    fn edge(&mut self, depth: usize) -> Result<Value> {
        let (inner, mut edge) = self.edge_head(depth)?;
        edge.properties = self.record(inner)?;
        self.leave();
        Ok(Value::from(edge))
    }

    /// An edge without its properties, which are entered.
    #[inline(never)]
    fn edge_head(&mut self, depth: usize) -> Result<(usize, Edge)> {
        let inner = self.deeper(depth)?;
        self.array_of(4, "an edge")?;
        let edge = Edge {
            from: self.text("the beginning of an edge")?.into(),
            to: self.text("the end of an edge")?.into(),
            directed: self.boolean()?,
            properties: Record::new(),
        };
        self.path.push(Step::Field("properties".to_owned()));
        Ok((inner, edge))
    }

    /// A tensor: its shape, and its elements in C order, whose number must be the shape's product
    /// before any of them is read.
    #[inline(never)]
    fn tensor<T: Element>(
        &mut self,
        elements: impl FnOnce(&mut Self, u32) -> Result<Vec<T>>,
    ) -> Result<Value> {
        self.array_of(2, "a tensor")?;
        let rank = match self.stream.item()? {
            Item::Array(rank) if rank as usize <= MAX_RANK => rank,
            Item::Array(rank) => {
                let text = format!("a tensor has {rank} dimensions; {MAX_RANK} are allowed");
                return Err(self.wrong(&text));
            }
            found => return Err(self.expected("a shape, an array,", found)),
        };
        let mut shape = Vec::with_capacity(rank as usize);
        for _ in 0..rank {
            shape.push(self.unsigned("the length of a dimension")?);
        }
        let len = match self.stream.item()? {
            Item::Array(len) => len,
            found => return Err(self.expected("the elements of a tensor, an array,", found)),
        };
        if element_count(&shape) != Some(len.into()) {
            let shape = format_shape(&shape);
            let text = format!("a tensor of shape {shape} has {len} elements");
            return Err(self.wrong(&text));
        }
        let elements = elements(self, len)?;
        Ok(Value::Tensor(Tensor::from_vec(elements, shape)?))
    }

    fn numbers(&mut self, len: u32) -> Result<Vec<f64>> {
        let quick = |bytes: &[u8; 9]| match bytes {
            [0xcb, number @ ..] => Some(f64::from_be_bytes(*number)),
            _ => None,
        };
        self.elements(len, quick, Decoder::number)
    }

    fn complexes(&mut self, len: u32) -> Result<Vec<Complex128>> {
        let quick = |bytes: &[u8; 19]| match bytes {
            [0x92, 0xcb, a, b, c, d, e, f, g, h, 0xcb, im @ ..] => {
                let re = f64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
                Some(Complex128::new(re, f64::from_be_bytes(*im)))
            }
            _ => None,
        };
        self.elements(len, quick, |decoder| {
            decoder.array_of(2, "a complex number")?;
            Ok(Complex128::new(decoder.number()?, decoder.number()?))
        })
    }

    /// Elements: those at hand that look as version 1 wrote them (`quick`) by the piece, others,
    /// and those that cross the end of the buffer, one by one.
    fn elements<T, const WIDTH: usize>(
        &mut self,
        len: u32,
        quick: impl Fn(&[u8; WIDTH]) -> Option<T>,
        slow: impl Fn(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let len = u64::from(len);
        let present = match self.stream.at_most() / WIDTH as u64 {
            // A compressed body may hold far less than it may hold at most.
            _ if self.stream.is_compressed() => FIRST_ELEMENTS,
            count => count,
        };
        let mut elements = Vec::with_capacity(len.min(present) as usize);
        while (elements.len() as u64) < len {
            let left = (len - elements.len() as u64).min(usize::MAX as u64) as usize;
            let before = elements.len();
            let (pieces, _) = self.stream.at_hand()?.as_chunks::<WIDTH>();
            elements.extend(pieces.iter().take(left).map_while(&quick));
            let count = elements.len() - before;
            self.stream.take(count * WIDTH);
            self.charge((count * size_of::<T>()) as u64)?;
            if count == 0 {
                elements.push(slow(self)?);
                self.charge(size_of::<T>() as u64)?;
            }
        }
        elements.shrink_to_fit();
        Ok(elements)
    }
}

/// The product of a shape, when it can be the length of an array.
fn element_count(shape: &[u64]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1u64, |product, len| product.checked_mul(*len))
}
