//! What is handed to a serde visitor: sequences, fields, pairs and variants, one part at a time.

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::serde_depth::Depth;
use super::serde_failure::Failure;
use super::serde_from_value::Reader;
use super::serde_keys::Keys;
use super::serde_names::NameReader;
use crate::value::{Extension, Record, Value};

/// Something that can stand in a sequence.
pub(super) trait Element {
    /// Makes of it what `seed` makes.
    fn read<'de, S: DeserializeSeed<'de>>(self, seed: S, depth: Depth)
    -> Result<S::Value, Failure>;
}

impl Element for &Value {
    fn read<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
        depth: Depth,
    ) -> Result<S::Value, Failure> {
        seed.deserialize(Reader::new(self, depth))
    }
}

impl Element for u8 {
    fn read<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
        depth: Depth,
    ) -> Result<S::Value, Failure> {
        seed.deserialize(Reader::owned(Value::Integer(self.into()), depth))
    }
}

/// Hands `elements` to `visitor`, and sees to it that it takes them all. `inside` is the depth of
/// the elements.
pub(super) fn visit_sequence<'de, I, V>(
    elements: I,
    inside: Depth,
    visitor: V,
) -> Result<V::Value, Failure>
where
    I: ExactSizeIterator<Item: Element>,
    V: Visitor<'de>,
{
    let mut sequence = Sequence {
        elements,
        index: 0,
        inside,
    };
    let made = visitor.visit_seq(&mut sequence)?;
    match sequence.elements.len() as u64 {
        0 => Ok(made),
        left => Err(Failure::message(format!(
            "it has {} elements, the type takes {}",
            sequence.index + left,
            sequence.index
        ))),
    }
}

struct Sequence<I> {
    elements: I,
    /// Elements handed out.
    index: u64,
    inside: Depth,
}

impl<'de, I: ExactSizeIterator<Item: Element>> SeqAccess<'de> for &mut Sequence<I> {
    type Error = Failure;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(element) = self.elements.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        match element.read(seed, self.inside) {
            Ok(made) => Ok(Some(made)),
            Err(failure) => Err(failure.in_element(index)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

/// The fields of a record, as entries of a map.
pub(super) struct FieldAccess<'a> {
    record: &'a Record,
    index: usize,
    inside: Depth,
}

impl FieldAccess<'_> {
    /// Hands the fields of `record`, which stands at `depth`, to `visitor`.
    pub(super) fn visit<'de, V: Visitor<'de>>(
        record: &Record,
        depth: Depth,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(FieldAccess {
            record,
            index: 0,
            inside: depth.container()?,
        })
    }
}

impl<'de> MapAccess<'de> for FieldAccess<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some((name, _)) = self.record.at(self.index) else {
            return Ok(None);
        };
        match seed.deserialize(NameReader::new(name, self.inside)) {
            Ok(key) => Ok(Some(key)),
            Err(failure) => Err(failure.in_field(name)),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let Some((name, value)) = self.record.at(self.index) else {
            return Err(Failure::message("a value was asked for without a key"));
        };
        self.index += 1;
        seed.deserialize(Reader::new(value, self.inside))
            .map_err(|failure| failure.in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.record.len() - self.index)
    }
}

/// The entries of an extension `map`.
pub(super) struct PairAccess<'a> {
    pairs: &'a [Value],
    index: usize,
    inside: Depth,
}

impl<'a> PairAccess<'a> {
    pub(super) fn new(extension: &'a Extension, depth: Depth) -> Result<PairAccess<'a>, Failure> {
        let Value::Vector(pairs) = &extension.storage else {
            return Err(Failure::message(NOT_PAIRS));
        };
        let mut keys = Keys::default();
        for (index, entry) in pairs.iter().enumerate() {
            // A Rust map would keep one of them and drop the other in silence.
            if !keys.add(pair(entry)?.0) {
                let twice = Failure::message("the key of this entry of the map is there twice");
                return Err(twice.in_element(index as u64));
            }
        }
        Ok(PairAccess {
            pairs,
            index: 0,
            inside: depth.wrapper()?.container()?.container()?,
        })
    }
}

impl<'de> MapAccess<'de> for PairAccess<'_> {
    type Error = Failure;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Failure> {
        let Some(entry) = self.pairs.get(self.index) else {
            return Ok(None);
        };
        match seed.deserialize(Reader::new(pair(entry)?.0, self.inside)) {
            Ok(key) => Ok(Some(key)),
            Err(failure) => Err(failure.in_element(self.index as u64)),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Failure> {
        let Some(entry) = self.pairs.get(self.index) else {
            return Err(Failure::message("a value was asked for without a key"));
        };
        let index = self.index as u64;
        self.index += 1;
        seed.deserialize(Reader::new(pair(entry)?.1, self.inside))
            .map_err(|failure| failure.in_element(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.pairs.len() - self.index)
    }
}

fn pair(entry: &Value) -> Result<(&Value, &Value), Failure> {
    match entry.as_vector() {
        Some([key, value]) => Ok((key, value)),
        _ => Err(Failure::message(NOT_PAIRS)),
    }
}

const NOT_PAIRS: &str = "an extension `map` must be stored as a vector of [key, value] vectors";

/// A variant that holds something: a record of one field.
pub(super) struct VariantReader<'a> {
    name: &'a str,
    content: &'a Value,
    inside: Depth,
}

impl<'a> VariantReader<'a> {
    pub(super) fn new(record: &'a Record, depth: Depth) -> Result<VariantReader<'a>, Failure> {
        let inside = depth.container()?;
        match (record.at(0), record.len()) {
            (Some((name, content)), 1) => Ok(VariantReader {
                name,
                content,
                inside,
            }),
            (_, fields) => Err(Failure::message(format!(
                "expected the name of a variant, or a record with one field, \
                 found a record with {fields}"
            ))),
        }
    }

    fn reader(&self) -> Reader<'a> {
        Reader::new(self.content, self.inside)
    }

    fn located(&self) -> impl Fn(Failure) -> Failure {
        |failure| failure.in_field(self.name)
    }
}

impl<'de> EnumAccess<'de> for VariantReader<'_> {
    type Error = Failure;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Failure> {
        let name: serde::de::value::StrDeserializer<'_, Failure> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for VariantReader<'_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        <()>::deserialize(self.reader()).map_err(self.located())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Failure> {
        seed.deserialize(self.reader()).map_err(self.located())
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Failure> {
        self.reader()
            .deserialize_tuple(len, visitor)
            .map_err(self.located())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.reader()
            .deserialize_struct("", fields, visitor)
            .map_err(self.located())
    }
}
