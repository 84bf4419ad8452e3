//! The object behind a tag: fields that are known by name, in any order.

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::read::{Context, ValueSeed};
use super::scalars::Scalar;
use crate::name::quoted;
use crate::value::Value;

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Flag,
    Number,
    Texts,
    Numbers,
    Scalars,
    Value,
    Contents,
}

/// What was found in a field.
pub(super) enum Part {
    Text(String),
    Flag(bool),
    Number(u64),
    Texts(Vec<String>),
    Numbers(Vec<u64>),
    Scalars(Vec<Scalar>),
    Value(Value),
    Contents(Vec<Content>),
}

/// Whether it is of a scope, and what it holds.
pub(super) type Content = (bool, Value);

/// The fields a payload may have.
pub(super) type Fields = &'static [(&'static str, Form)];

/// The fields that a payload has.
pub(super) struct Payload(Vec<(&'static str, Part)>);

macro_rules! take {
    ($($name:ident, $optional:ident, $form:ident, $ty:ty;)*) => {$(
        #[allow(dead_code)] // Not every form is left out somewhere.
        pub(super) fn $optional(&mut self, name: &str) -> Option<$ty> {
            let place = self.0.iter().position(|(known, _)| *known == name)?;
            match self.0.swap_remove(place).1 {
                Part::$form(part) => Some(part),
                _ => None,
            }
        }

        #[allow(dead_code)] // Not every form must be there somewhere.
        pub(super) fn $name<E: de::Error>(&mut self, name: &'static str) -> Result<$ty, E> {
            self.$optional(name).ok_or_else(|| E::missing_field(name))
        }
    )*};
}

impl Payload {
    take! {
        text, optional_text, Text, String;
        flag, optional_flag, Flag, bool;
        number, optional_number, Number, u64;
        texts, optional_texts, Texts, Vec<String>;
        numbers, optional_numbers, Numbers, Vec<u64>;
        scalars, optional_scalars, Scalars, Vec<Scalar>;
        value, optional_value, Value, Value;
        contents, optional_contents, Contents, Vec<Content>;
    }

    /// Whether all fields are taken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a payload whose values stand at `depth` levels of nesting.
pub(super) struct PayloadSeed<'c> {
    pub(super) context: &'c Context,
    pub(super) depth: usize,
    pub(super) fields: Fields,
}

impl<'de> DeserializeSeed<'de> for PayloadSeed<'_> {
    type Value = Payload;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Payload, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PayloadSeed<'_> {
    type Value = Payload;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with ")?;
        let names = self.fields.iter().map(|(name, _)| *name);
        f.write_str(&names.collect::<Vec<_>>().join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Payload, A::Error> {
        let mut parts: Vec<(&'static str, Part)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let field = self.fields.iter().find(|(known, _)| *known == name);
            let Some((name, form)) = field else {
                let message = format!("unknown field {}", quoted(&name));
                return Err(de::Error::custom(message));
            };
            if parts.iter().any(|(known, _)| known == name) {
                return Err(de::Error::duplicate_field(name));
            }
            let part = match form {
                Form::Text => Part::Text(map.next_value()?),
                Form::Flag => Part::Flag(map.next_value()?),
                Form::Number => Part::Number(map.next_value()?),
                Form::Texts => Part::Texts(map.next_value()?),
                Form::Numbers => Part::Numbers(numbers(map.next_value()?)?),
                Form::Scalars => Part::Scalars(map.next_value()?),
                Form::Contents => Part::Contents(map.next_value_seed(Contents(self.context))?),
                Form::Value => {
                    let seed = ValueSeed::inside(self.context, self.depth);
                    Part::Value(map.next_value_seed(seed)?)
                }
            };
            parts.push((name, part));
        }
        Ok(Payload(parts))
    }
}

/// Numbers that may be texts, since they may be beyond 2^53.
fn numbers<E: de::Error>(scalars: Vec<Scalar>) -> Result<Vec<u64>, E> {
    let numbers = scalars.iter().map(Scalar::integer::<u64>);
    let numbers: Option<Vec<u64>> = numbers.collect();
    numbers.ok_or_else(|| E::custom("a length is no integer of 64 bits"))
}

/// Reads the contents of cells and scopes, where nesting begins anew.
struct Contents<'c>(&'c Context);

/// The fields of a content, of which it has one.
const CONTENT: Fields = &[("cell", Form::Value), ("scope", Form::Value)];

impl<'de> DeserializeSeed<'de> for Contents<'_> {
    type Value = Vec<Content>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Contents<'_> {
    type Value = Vec<Content>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of contents of cells and scopes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut contents = Vec::new();
        loop {
            let seed = PayloadSeed {
                context: self.0,
                depth: 0,
                fields: CONTENT,
            };
            let Some(mut payload) = list.next_element_seed(seed)? else {
                return Ok(contents);
            };
            let cell = payload.optional_value("cell");
            contents.push(match (cell, payload.optional_value("scope")) {
                (Some(content), None) => (false, content),
                (None, Some(content)) => (true, content),
                _ => return Err(de::Error::custom("a content is of a cell or of a scope")),
            });
        }
    }
}
