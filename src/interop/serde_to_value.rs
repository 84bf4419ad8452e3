//! Any `Serialize` becomes a [`Value`].

use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::serde_compound::{Elements, Entries, Fields, Variant};
use super::serde_depth::Depth;
use super::serde_failure::Failure;
use super::serde_float::widen_f32;
use crate::error::Result;
use crate::stack::with_room;
use crate::value::{Extension, Record, Value};

/// The value that stands for anything that implements `serde::Serialize`.
///
/// | of Rust | becomes |
/// |---|---|
/// | `()`, unit structs, `None` | null |
/// | `Some(x)`, newtype structs | what `x` becomes |
/// | `bool` | boolean |
/// | integers that fit `i64` | integer |
/// | larger `u64`, `i128`, `u128` | extension `integer`, its storage the decimal text |
/// | `f32`, `f64` | number; `f32` is widened exactly, a NaN with its payload |
/// | `char`, strings | string |
/// | bytes (as `serde_bytes` gives them) | bytes |
/// | sequences, tuples, tuple structs | vector |
/// | structs, maps whose keys all become strings | record, in the order given |
/// | other maps | extension `map`, its storage a vector of `[key, value]` vectors |
/// | unit variants | string, the variant's name |
/// | other variants | record of one field, named as the variant |
///
/// An option inside an option, and an option of a unit, lose which of them was empty: `Some(None)`
/// and `Some(())` become null as `None` does, and come back as `None`. An empty map is an empty
/// record whatever its keys are. A sequence of numbers becomes a vector of values; for an array
/// that is mapped and sliced, make a [`Tensor`](crate::Tensor).
///
/// Formats that ask are told that this one is for people (`is_human_readable`), so addresses and
/// dates become text. `Value` itself implements neither `Serialize` nor `Deserialize`: a tensor
/// would lose its dtype and order on the way, a cell its identity, a function everything.
///
/// # Errors
/// [`InvalidValue`](crate::EnvError::InvalidValue) when a map or struct has a key twice, or the type
/// refuses to be serialized; [`NestingTooDeep`](crate::EnvError::NestingTooDeep) beyond
/// [`limits::MAX_NESTING`](crate::limits::MAX_NESTING) levels. Both name the path.
///
/// ```
/// use achronyme_env::{from_value, to_value};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, PartialEq, Debug)]
/// struct Run {
///     name: String,
///     rates: Vec<f64>,
///     seed: Option<u64>,
/// }
///
/// let run = Run { name: "warm-up".into(), rates: vec![0.1, 0.01], seed: None };
/// let value = to_value(&run)?;
/// let record = value.as_record().unwrap();
/// assert_eq!(record.names().collect::<Vec<_>>(), ["name", "rates", "seed"]);
/// assert_eq!(from_value::<Run>(&value)?, run);
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value> {
    with_room(|| value.serialize(Writer::at(Depth::default()))).map_err(Failure::into_error)
}

/// Serializes one value, at its depth.
pub(super) struct Writer {
    depth: Depth,
}

impl Writer {
    pub(super) fn at(depth: Depth) -> Writer {
        Writer { depth }
    }

    /// An integer beyond 64 bits, which is nested one level.
    fn wide_integer(self, decimal: String) -> Result<Value, Failure> {
        self.depth.container()?;
        Ok(extension("integer", decimal.into()))
    }
}

/// An extension without parameters.
pub(super) fn extension(type_name: &str, storage: Value) -> Value {
    Value::Extension(Arc::new(Extension {
        type_name: type_name.into(),
        parameters: Value::Null,
        storage,
    }))
}

/// A record of one field: how a variant that holds something is kept.
pub(super) fn variant_record(variant: &'static str, content: Value) -> Value {
    Value::Record(Record::from([(variant, content)]))
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Failure;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Variant<Elements>;
    type SerializeMap = Entries;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Variant<Fields>;

    fn serialize_bool(self, v: bool) -> Result<Value, Failure> {
        Ok(Value::Boolean(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_i16(self, v: i16) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_i32(self, v: i32) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_i64(self, v: i64) -> Result<Value, Failure> {
        Ok(Value::Integer(v))
    }

    fn serialize_i128(self, v: i128) -> Result<Value, Failure> {
        match i64::try_from(v) {
            Ok(v) => Ok(Value::Integer(v)),
            Err(_) => self.wide_integer(v.to_string()),
        }
    }

    fn serialize_u8(self, v: u8) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_u16(self, v: u16) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_u32(self, v: u32) -> Result<Value, Failure> {
        Ok(Value::Integer(v.into()))
    }

    fn serialize_u64(self, v: u64) -> Result<Value, Failure> {
        self.serialize_u128(v.into())
    }

    fn serialize_u128(self, v: u128) -> Result<Value, Failure> {
        match i64::try_from(v) {
            Ok(v) => Ok(Value::Integer(v)),
            Err(_) => self.wide_integer(v.to_string()),
        }
    }

    fn serialize_f32(self, v: f32) -> Result<Value, Failure> {
        Ok(Value::Number(widen_f32(v)))
    }

    fn serialize_f64(self, v: f64) -> Result<Value, Failure> {
        Ok(Value::Number(v))
    }

    fn serialize_char(self, v: char) -> Result<Value, Failure> {
        self.serialize_str(v.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, v: &str) -> Result<Value, Failure> {
        Ok(v.into())
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, Failure> {
        Ok(Value::Bytes(v.into()))
    }

    fn serialize_none(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Failure> {
        value.serialize(Writer::at(self.depth.wrapper()?))
    }

    fn serialize_unit(self) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, Failure> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, Failure> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<Value, Failure> {
        value.serialize(Writer::at(self.depth.wrapper()?))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, Failure> {
        let content = value
            .serialize(Writer::at(self.depth.container()?))
            .map_err(|failure| failure.in_field(variant))?;
        Ok(variant_record(variant, content))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Elements, Failure> {
        Elements::new(len, self.depth)
    }

    fn serialize_tuple(self, len: usize) -> Result<Elements, Failure> {
        Elements::new(Some(len), self.depth)
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Elements, Failure> {
        Elements::new(Some(len), self.depth)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<Elements>, Failure> {
        let content = Elements::new(Some(len), self.depth.container()?);
        Variant::new(variant, content)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries, Failure> {
        Entries::new(len, self.depth)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields, Failure> {
        Fields::new(len, self.depth)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Variant<Fields>, Failure> {
        let content = Fields::new(len, self.depth.container()?);
        Variant::new(variant, content)
    }
}
