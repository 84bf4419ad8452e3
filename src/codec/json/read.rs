//! A value from JSON. Nothing of it is trusted: nesting is counted, numbers of cells must lead
//! somewhere, and nothing is allocated by a size that the text declares.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::kinds::{
    EDGE, ERROR, EXTENSION, FUNCTION, STRINGS, TENSOR, TYPED, decoded, edge, error, extension,
    function, strings, tensor, typed, wrong,
};
use super::payload::{Fields, Form, PayloadSeed};
use super::scalars::Scalar;
use crate::limits::MAX_NESTING;
use crate::name::quoted;
use crate::value::{Cell, Complex128, SharedHandle, Value};

/// The value of a JSON document.
pub(super) fn document(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    let context = Context::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // The seeds count levels themselves, and ours have more levels of JSON than of values.
    reader.disable_recursion_limit();
    let seed = ValueSeed {
        is_root: true,
        ..ValueSeed::inside(&context, 0)
    };
    let value = seed.deserialize(&mut reader)?;
    reader.end()?;
    if let Some(number) = context.shared.borrow().keys().next() {
        // A document with contents has taken them all.
        let message = format!("cell {number} has no content");
        return Err(de::Error::custom(message));
    }
    Ok(value)
}

/// What all values of a document share.
#[derive(Default)]
pub(super) struct Context {
    /// Cells and scopes by their numbers, as they are met.
    shared: RefCell<BTreeMap<u64, SharedHandle>>,
}

impl Context {
    pub(super) fn shared<E: de::Error>(
        &self,
        number: u64,
        is_scope: bool,
    ) -> Result<SharedHandle, E> {
        let mut shared = self.shared.borrow_mut();
        let handle = shared.entry(number);
        let handle = handle.or_insert_with(|| SharedHandle::new(is_scope));
        match matches!(handle, SharedHandle::Scope(_)) == is_scope {
            true => Ok(handle.clone()),
            false => Err(E::custom(format!("{number} is a cell and a scope"))),
        }
    }

    /// Gives all that were met their contents.
    fn fill<E: de::Error>(&self, contents: Vec<(bool, Value)>) -> Result<(), E> {
        let shared = std::mem::take(&mut *self.shared.borrow_mut());
        let numbers = shared.keys().copied();
        if !numbers.eq(0..contents.len() as u64) {
            let (cells, contents) = (shared.len(), contents.len());
            let message = format!("{cells} cells and scopes are named, {contents} have a content");
            return Err(E::custom(message));
        }
        for (handle, (is_scope, content)) in shared.values().zip(&contents) {
            let fits = matches!(handle, SharedHandle::Scope(_)) == *is_scope
                && (!is_scope || matches!(content, Value::Record(_)));
            if !fits {
                return Err(E::custom("a content is not that of what it stands for"));
            }
        }
        for (handle, (_, content)) in shared.into_values().zip(contents) {
            handle.set_content(content);
        }
        Ok(())
    }
}

/// Reads a value that stands at `depth` levels of nesting.
#[derive(Clone, Copy)]
pub(super) struct ValueSeed<'c> {
    pub(super) context: &'c Context,
    depth: usize,
    /// Whether it is the document itself, which alone may hold contents of cells.
    is_root: bool,
}

impl<'c> ValueSeed<'c> {
    pub(super) fn inside(context: &'c Context, depth: usize) -> ValueSeed<'c> {
        ValueSeed {
            context,
            depth,
            is_root: false,
        }
    }

    pub(super) fn deeper<E: de::Error>(self) -> Result<ValueSeed<'c>, E> {
        match self.depth < MAX_NESTING {
            true => Ok(ValueSeed::inside(self.context, self.depth + 1)),
            false => Err(E::custom(format!(
                "it is nested deeper than {MAX_NESTING} levels"
            ))),
        }
    }

    fn payload(self, fields: Fields) -> PayloadSeed<'c> {
        PayloadSeed {
            context: self.context,
            depth: self.depth,
            fields,
        }
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, boolean: bool) -> Result<Value, E> {
        Ok(boolean.into())
    }

    fn visit_i64<E: de::Error>(self, integer: i64) -> Result<Value, E> {
        Ok(integer.into())
    }

    fn visit_u64<E: de::Error>(self, integer: u64) -> Result<Value, E> {
        let integer = i64::try_from(integer);
        integer.map(Value::from).map_err(|_| {
            E::custom("an integer beyond 64 bits with a sign; make it an extension, or a number")
        })
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let inside = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = elements.next_element_seed(inside)? {
            values.push(value);
        }
        Ok(Value::Vector(values.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Vec::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if let Some(tag) = name.strip_prefix('$') {
                if !fields.is_empty() {
                    let message = format!("{} stands beside other fields", quoted(&name));
                    return Err(de::Error::custom(message));
                }
                let value = tagged(self, tag, &mut map)?;
                return match map.next_key::<String>()? {
                    None => Ok(value),
                    Some(_) => Err(de::Error::custom(format!(
                        "fields stand beside {}",
                        quoted(&name)
                    ))),
                };
            }
            let name: Arc<str> = name.into();
            push(&mut fields, &mut names, name, || {
                map.next_value_seed(self.deeper()?)
            })?;
        }
        self.deeper::<A::Error>()?;
        Ok(Value::Record(fields.into_iter().collect()))
    }
}

type Field = (Arc<str>, Value);

/// Adds a field that is not there yet.
fn push<E: de::Error>(
    fields: &mut Vec<Field>,
    names: &mut HashSet<Arc<str>>,
    name: Arc<str>,
    value: impl FnOnce() -> Result<Value, E>,
) -> Result<(), E> {
    if !names.insert(Arc::clone(&name)) {
        let message = format!("the field {} is given twice", quoted(&name));
        return Err(E::custom(message));
    }
    fields.push((name, value()?));
    Ok(())
}

const SHARED: Fields = &[("value", Form::Value), ("contents", Form::Contents)];
/// Reads what stands behind a tag. Apart from [`ValueSeed::visit_map`], so that a level of records
/// does not pay for it on the stack.
#[inline(never)]
fn tagged<'de, A: MapAccess<'de>>(
    seed: ValueSeed<'_>,
    tag: &str,
    map: &mut A,
) -> Result<Value, A::Error> {
    match tag {
        "integer" => {
            let scalar = map.next_value::<Scalar>()?;
            let integer = scalar.integer::<i64>();
            integer.map(Value::from).ok_or_else(|| wrong("$integer"))
        }
        "number" => {
            let number = map.next_value::<Scalar>()?.f64();
            number.map(Value::from).ok_or_else(|| wrong("$number"))
        }
        "complex" => {
            let parts = map.next_value::<[Scalar; 2]>()?;
            match (parts[0].f64(), parts[1].f64()) {
                (Some(re), Some(im)) => Ok(Complex128::new(re, im).into()),
                _ => Err(wrong("$complex")),
            }
        }
        "bytes" => {
            let bytes = decoded(&map.next_value::<String>()?)?;
            Ok(Value::Bytes(bytes.into()))
        }
        "record" => {
            let fields = map.next_value_seed(Pairs(seed.deeper()?))?;
            Ok(Value::Record(fields.into_iter().collect()))
        }
        "cell" => {
            let number = map.next_value::<u64>()?;
            match seed.context.shared(number, false)? {
                SharedHandle::Cell(cell) => Ok(Cell::into(cell)),
                SharedHandle::Scope(_) => Err(wrong("$cell")),
            }
        }
        "tensor" => tensor(map.next_value_seed(seed.payload(TENSOR))?),
        "strings" => strings(map.next_value_seed(seed.payload(STRINGS))?),
        "typed" => typed(map.next_value_seed(seed.payload(TYPED))?),
        "edge" => edge(map.next_value_seed(seed.deeper()?.payload(EDGE))?),
        "error" => error(map.next_value_seed(seed.deeper()?.payload(ERROR))?),
        "extension" => extension(map.next_value_seed(seed.deeper()?.payload(EXTENSION))?),
        "function" => {
            // A builtin is no level of nesting, and has no values in it; one in it is too deep.
            if seed.depth > MAX_NESTING {
                seed.deeper()?;
            }
            let inside = ValueSeed::inside(seed.context, seed.depth + 1);
            let payload = map.next_value_seed(inside.payload(FUNCTION))?;
            function(seed, payload)
        }
        "shared" if seed.is_root => {
            let mut payload = map.next_value_seed(seed.payload(SHARED))?;
            let value = payload.value("value")?;
            seed.context.fill(payload.contents("contents")?)?;
            Ok(value)
        }
        _ => Err(de::Error::custom(format!(
            "the tag {} is not known here",
            quoted(&format!("${tag}"))
        ))),
    }
}

/// The fields of a record as pairs of name and value, which stand at the depth of the seed.
struct Pairs<'c>(ValueSeed<'c>);

impl<'de> DeserializeSeed<'de> for Pairs<'_> {
    type Value = Vec<Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pairs<'_> {
    type Value = Vec<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of names and values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pairs: A) -> Result<Self::Value, A::Error> {
        let (mut fields, mut names) = (Vec::new(), HashSet::new());
        while let Some((name, value)) = pairs.next_element_seed(Pair(self.0))? {
            push(&mut fields, &mut names, name, || Ok(value))?;
        }
        Ok(fields)
    }
}

struct Pair<'c>(ValueSeed<'c>);

impl<'de> DeserializeSeed<'de> for Pair<'_> {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Pair<'_> {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name and a value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pair: A) -> Result<Field, A::Error> {
        // A third element is an error of the reader's.
        let name = pair.next_element::<String>()?;
        let name = name.ok_or_else(|| de::Error::invalid_length(0, &self))?;
        let value = pair.next_element_seed(self.0)?;
        let value = value.ok_or_else(|| de::Error::invalid_length(1, &self))?;
        Ok((name.into(), value))
    }
}
