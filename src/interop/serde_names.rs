//! A text on its own: the name of a field, read as a key, or one of an array of strings.

use serde::de::{Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::serde_depth::Depth;
use super::serde_failure::Failure;

/// Deserializes a text that is not in a value of its own.
pub(super) struct NameReader<'a> {
    name: &'a str,
    depth: Depth,
}

impl<'a> NameReader<'a> {
    pub(super) fn new(name: &'a str, depth: Depth) -> NameReader<'a> {
        NameReader { name, depth }
    }
}

impl<'de> Deserializer<'de> for NameReader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_str(self.name)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Failure> {
        self.depth = self.depth.wrapper()?;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.depth = self.depth.wrapper()?;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_enum(self.name.into_deserializer())
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
