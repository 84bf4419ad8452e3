//! Sequences, structs, maps and the variants that hold them, while their parts come in.

use std::sync::Arc;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::serde_depth::Depth;
use super::serde_failure::Failure;
use super::serde_keys::Keys;
use super::serde_to_value::{Writer, extension, variant_record};
use crate::name::quoted;
use crate::value::{Record, Value};

/// The elements of a vector.
pub(super) struct Elements {
    elements: Vec<Value>,
    inside: Depth,
}

impl Elements {
    pub(super) fn new(len: Option<usize>, depth: Depth) -> Result<Elements, Failure> {
        Ok(Elements {
            elements: Vec::with_capacity(capacity(len)),
            inside: depth.container()?,
        })
    }

    fn push<T: Serialize + ?Sized>(&mut self, element: &T) -> Result<(), Failure> {
        let index = self.elements.len() as u64;
        let element = element
            .serialize(Writer::at(self.inside))
            .map_err(|failure| failure.in_element(index))?;
        self.elements.push(element);
        Ok(())
    }

    fn finish(self) -> Value {
        self.elements.into()
    }
}

/// The fields of a struct.
pub(super) struct Fields {
    record: Record,
    inside: Depth,
}

impl Fields {
    pub(super) fn new(len: usize, depth: Depth) -> Result<Fields, Failure> {
        Ok(Fields {
            record: Record::with_capacity(capacity(Some(len))),
            inside: depth.container()?,
        })
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: &'static str, field: &T) -> Result<(), Failure> {
        let field = field
            .serialize(Writer::at(self.inside))
            .map_err(|failure| failure.in_field(name))?;
        match self.record.insert(name, field) {
            None => Ok(()),
            Some(_) => Err(Failure::message(format!(
                "the field {} is given twice",
                quoted(name)
            ))),
        }
    }

    fn finish(self) -> Value {
        self.record.into()
    }
}

/// The entries of a map, which is a record if its keys turn out to be strings.
pub(super) struct Entries {
    entries: Vec<(Value, Value)>,
    key: Option<Value>,
    inside: Depth,
}

impl Entries {
    pub(super) fn new(len: Option<usize>, depth: Depth) -> Result<Entries, Failure> {
        Ok(Entries {
            entries: Vec::with_capacity(capacity(len)),
            key: None,
            inside: depth.container()?,
        })
    }

    fn set_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        let index = self.entries.len() as u64;
        let depth = inside_pairs(self.inside);
        let key = key
            .serialize(Writer::at(depth))
            .map_err(|failure| failure.in_element(index))?;
        self.key = Some(key);
        Ok(())
    }

    fn set_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let index = self.entries.len() as u64;
        let Some(key) = self.key.take() else {
            return Err(Failure::message("the map has a value without a key"));
        };
        let value = match &key {
            Value::String(name) => value
                .serialize(Writer::at(self.inside))
                .map_err(|failure| failure.in_field(name)),
            _ => value
                .serialize(Writer::at(inside_pairs(self.inside)))
                .map_err(|failure| failure.in_element(index)),
        };
        self.entries.push((key, value?));
        Ok(())
    }

    fn finish(self) -> Result<Value, Failure> {
        if self.key.is_some() {
            return Err(Failure::message("the map has a key without a value"));
        }
        let strings = |(key, _): &(Value, Value)| matches!(key, Value::String(_));
        if self.entries.iter().all(strings) {
            self.into_record()
        } else {
            self.into_pairs()
        }
    }

    fn into_record(self) -> Result<Value, Failure> {
        let mut record = Record::with_capacity(self.entries.len());
        for (key, value) in self.entries {
            let Value::String(name) = key else { continue };
            if record.insert(Arc::clone(&name), value).is_some() {
                return Err(Failure::message(format!(
                    "the key {} is given twice",
                    quoted(&name)
                )));
            }
        }
        Ok(record.into())
    }

    fn into_pairs(self) -> Result<Value, Failure> {
        let depth = inside_pairs(self.inside).checked()?;
        let mut keys = Keys::default();
        let mut pairs = Vec::with_capacity(self.entries.len());
        for (index, (key, value)) in self.entries.into_iter().enumerate() {
            let in_this = |failure: Failure| failure.in_element(index as u64);
            if !keys.add(&key) {
                return Err(in_this(Failure::message("this key is given twice")));
            }
            // A value under a string was allowed as deep as a record's field is.
            depth
                .unchecked_containers(nesting(&value))
                .checked()
                .map_err(in_this)?;
            pairs.push(Value::vector([key, value]));
        }
        Ok(extension("map", pairs.into()))
    }
}

/// The depth of a key or value in the extension `map`, from the depth inside the extension.
fn inside_pairs(inside: Depth) -> Depth {
    inside.unchecked_containers(2)
}

/// Levels of nesting of a value that was made here.
fn nesting(value: &Value) -> usize {
    let deepest = match value {
        Value::Vector(elements) => elements.iter().map(nesting).max(),
        Value::Record(record) => record.iter().map(|(_, field)| nesting(field)).max(),
        Value::Extension(extension) => Some(nesting(&extension.storage)),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

/// A variant that holds a tuple or a struct.
pub(super) struct Variant<C> {
    name: &'static str,
    content: C,
}

impl<C> Variant<C> {
    pub(super) fn new(
        name: &'static str,
        content: Result<C, Failure>,
    ) -> Result<Variant<C>, Failure> {
        match content {
            Ok(content) => Ok(Variant { name, content }),
            Err(failure) => Err(failure.in_field(name)),
        }
    }
}

impl SerializeSeq for Elements {
    type Ok = Value;
    type Error = Failure;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(self.finish())
    }
}

impl SerializeTuple for Elements {
    type Ok = Value;
    type Error = Failure;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(self.finish())
    }
}

impl SerializeTupleStruct for Elements {
    type Ok = Value;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(self.finish())
    }
}

impl SerializeTupleVariant for Variant<Elements> {
    type Ok = Value;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let pushed = self.content.push(value);
        pushed.map_err(|failure| failure.in_field(self.name))
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(variant_record(self.name, self.content.finish()))
    }
}

impl SerializeStruct for Fields {
    type Ok = Value;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        self.add(key, value)
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(self.finish())
    }
}

impl SerializeStructVariant for Variant<Fields> {
    type Ok = Value;
    type Error = Failure;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        let added = self.content.add(key, value);
        added.map_err(|failure| failure.in_field(self.name))
    }

    fn end(self) -> Result<Value, Failure> {
        Ok(variant_record(self.name, self.content.finish()))
    }
}

impl SerializeMap for Entries {
    type Ok = Value;
    type Error = Failure;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Failure> {
        self.set_key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        self.set_value(value)
    }

    fn end(self) -> Result<Value, Failure> {
        self.finish()
    }
}

/// Room to begin with: a length is only a hint, and a wrong one must not cost memory.
fn capacity(len: Option<usize>) -> usize {
    len.unwrap_or(0).min(4096)
}
