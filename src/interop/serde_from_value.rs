//! Any `Deserialize` comes from a [`Value`].

use std::borrow::Cow;

use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::serde_access::{FieldAccess, PairAccess, VariantReader, visit_sequence};
use super::serde_depth::Depth;
use super::serde_failure::Failure;
use super::serde_float::{exact_f64, narrow_to_f32};
use super::serde_tensor::{StringsReader, TensorReader};
use crate::error::Result;
use crate::stack::with_room;
use crate::value::{Complex128, DType, Extension, Value};

/// Anything that implements `serde::Deserialize`, from the value that stands for it.
///
/// It takes what [`to_value`](crate::to_value) gives, and beyond that:
///
/// - a tensor is a sequence of its elements, of rank `n` a sequence of sequences in the order of
///   the indices, whatever the order in memory; of rank 0 its one element. So a `Vec<f64>` or a
///   `Vec<Vec<u8>>` comes from one. `float16` and `bfloat16` are widened exactly;
/// - an array of strings is a sequence in the same way;
/// - a complex number is a sequence of its two parts;
/// - bytes, and a tensor of `uint8` of rank 1, are bytes or a sequence, as the type asks;
/// - a cell is its content, and an extension unknown here is its storage value.
///
/// Numbers are never rounded: an integer becomes a float, and a number an `f32`, only when it is
/// exactly one. The type must say which float it wants; types that look at the value first
/// (`#[serde(untagged)]`, `#[serde(flatten)]`) convert by serde's own rules, which do round. A NaN
/// that came from an `f32` goes back with the same bits.
///
/// # Errors
/// [`EnvError::InvalidValue`](crate::EnvError::InvalidValue) when the value does not fit the type,
/// [`EnvError::NoSuchPart`](crate::EnvError::NoSuchPart) when a field is missing,
/// [`EnvError::NestingTooDeep`](crate::EnvError::NestingTooDeep) beyond
/// [`limits::MAX_NESTING`](crate::limits::MAX_NESTING) levels; they name the path inside the value.
/// What reading a tensor answers. Edges, functions, errors and typed values are no serde values and
/// are an error unless the type ignores them.
///
/// ```
/// use achronyme_env::{Record, Tensor, from_value};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Model {
///     bias: Vec<f64>,
/// }
///
/// let bias = Tensor::from_vec(vec![0.5, 1.0], [2])?;
/// let model: Model = from_value(&Record::from([("bias", bias)]).into())?;
/// assert_eq!(model.bias, [0.5, 1.0]);
///
/// let wrong = Record::from([("bias", "none")]).into();
/// let text = from_value::<Model>(&wrong).err().unwrap().to_string();
/// assert!(text.starts_with("bias: invalid type: string"));
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    let reader = Reader::new(value, Depth::default());
    with_room(|| T::deserialize(reader)).map_err(Failure::into_error)
}

/// Deserializes one value, at its depth.
pub(super) struct Reader<'a> {
    /// Owned where it was made on the way: the content of a cell, an element of a tensor.
    value: Cow<'a, Value>,
    depth: Depth,
}

impl<'a> Reader<'a> {
    pub(super) fn new(value: &'a Value, depth: Depth) -> Reader<'a> {
        Reader {
            value: Cow::Borrowed(value),
            depth,
        }
    }

    pub(super) fn owned(value: Value, depth: Depth) -> Reader<'static> {
        Reader {
            value: Cow::Owned(value),
            depth,
        }
    }

    /// The value behind cells, extensions unknown here, and arrays of rank 0.
    ///
    /// It is looked for before every hint, so that a hint reaches what is inside.
    fn unwrapped(mut self) -> Result<Reader<'a>, Failure> {
        loop {
            let content = match &self.value {
                Cow::Borrowed(value) => content(value)?,
                Cow::Owned(value) => content(value)?.map(|inner| Cow::Owned(inner.into_owned())),
            };
            let Some(value) = content else {
                return Ok(self);
            };
            let depth = self.depth.wrapper()?;
            self = Reader { value, depth };
        }
    }

    /// The number as an `f64`, when it is one exactly. Nothing when it is no number.
    fn exact_f64(&self) -> Result<Option<f64>, Failure> {
        let (number, shown) = match &*self.value {
            Value::Number(number) => return Ok(Some(*number)),
            Value::Integer(integer) => (exact_f64(*integer), integer.to_string()),
            Value::Extension(extension) if &*extension.type_name == "integer" => {
                let decimal = decimal(extension)?;
                // The nearest float is the integer only if it prints the same digits.
                let number = decimal.parse::<f64>().ok();
                let exact = number.filter(|number| format!("{number:.0}") == decimal);
                (exact, decimal.to_owned())
            }
            _ => return Ok(None),
        };
        match number {
            Some(number) => Ok(Some(number)),
            None => Err(Failure::message(format!(
                "the integer {shown} is not exactly a float; read it as an integer"
            ))),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        let depth = this.depth;
        match &*this.value {
            Value::Null => visitor.visit_unit(),
            Value::Boolean(boolean) => visitor.visit_bool(*boolean),
            Value::Integer(integer) => visitor.visit_i64(*integer),
            Value::Number(number) => visitor.visit_f64(*number),
            Value::String(text) => visitor.visit_str(text),
            Value::Bytes(bytes) => visitor.visit_bytes(bytes),
            Value::Complex(z) => visit_complex(*z, depth, visitor),
            Value::Vector(elements) => visit_sequence(elements.iter(), depth.container()?, visitor),
            Value::Record(record) => FieldAccess::visit(record, depth, visitor),
            Value::Extension(extension) => visit_extension(extension, depth, visitor),
            Value::Tensor(tensor) => TensorReader::visit(tensor, depth, visitor),
            Value::StringArray(strings) => StringsReader::visit(strings, depth, visitor),
            other => Err(not_for_serde(other)),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        match this.exact_f64()? {
            None => this.deserialize_any(visitor),
            Some(number) => match narrow_to_f32(number) {
                Some(narrow) => visitor.visit_f32(narrow),
                None => Err(Failure::message(format!(
                    "the number {number} is not exactly an `f32`; read it as an `f64`"
                ))),
            },
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        match this.exact_f64()? {
            None => this.deserialize_any(visitor),
            Some(number) => visitor.visit_f64(number),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        match &*this.value {
            Value::Tensor(tensor) if tensor.dtype() == DType::U8 && tensor.shape().len() == 1 => {
                visitor.visit_bytes(tensor.as_bytes()?)
            }
            _ => this.deserialize_any(visitor),
        }
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let mut this = self.unwrapped()?;
        if matches!(*this.value, Value::Null) {
            return visitor.visit_none();
        }
        this.depth = this.depth.wrapper()?;
        visitor.visit_some(this)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.depth = self.depth.wrapper()?;
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        match &*this.value {
            Value::Bytes(bytes) => {
                visit_sequence(bytes.iter().copied(), this.depth.wrapper()?, visitor)
            }
            _ => this.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let this = self.unwrapped()?;
        match &*this.value {
            Value::String(variant) => visitor.visit_enum((&**variant).into_deserializer()),
            Value::Record(record) => visitor.visit_enum(VariantReader::new(record, this.depth)?),
            other => Err(Failure::message(format!(
                "expected the name of a variant, or a record with one field, found {}",
                other.kind()
            ))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 char str string
        unit unit_struct map struct identifier
    }
}

/// What a value is read as, when it is read as something inside it.
fn content(value: &Value) -> Result<Option<Cow<'_, Value>>, Failure> {
    Ok(match value {
        Value::Cell(cell) => Some(Cow::Owned(cell.get())),
        Value::Extension(extension) if !matches!(&*extension.type_name, "integer" | "map") => {
            Some(Cow::Borrowed(&extension.storage))
        }
        Value::Tensor(tensor) if tensor.shape().is_empty() => {
            Some(Cow::Owned(TensorReader::single_element(tensor)?))
        }
        Value::StringArray(strings) if strings.shape().is_empty() => {
            Some(Cow::Owned(strings.get(0)?.into()))
        }
        _ => None,
    })
}

// The rare arms are functions of their own: without optimisation each costs every level its
// temporaries on the stack.

fn visit_complex<'de, V: Visitor<'de>>(
    z: Complex128,
    depth: Depth,
    visitor: V,
) -> Result<V::Value, Failure> {
    let parts = [Value::Number(z.re), Value::Number(z.im)];
    visit_sequence(parts.iter(), depth.wrapper()?, visitor)
}

fn not_for_serde(value: &Value) -> Failure {
    Failure::message(format!(
        "the kind {} is no serde value; take it from the `Value` itself",
        value.kind()
    ))
}

/// The extensions that this crate's serde mapping writes.
fn visit_extension<'de, V: Visitor<'de>>(
    extension: &Extension,
    depth: Depth,
    visitor: V,
) -> Result<V::Value, Failure> {
    if &*extension.type_name == "map" {
        return visitor.visit_map(PairAccess::new(extension, depth)?);
    }
    let decimal = decimal(extension)?;
    if let Ok(integer) = decimal.parse::<i64>() {
        visitor.visit_i64(integer)
    } else if let Ok(integer) = decimal.parse::<u64>() {
        visitor.visit_u64(integer)
    } else if let Ok(integer) = decimal.parse::<i128>() {
        visitor.visit_i128(integer)
    } else if let Ok(integer) = decimal.parse::<u128>() {
        visitor.visit_u128(integer)
    } else {
        Err(Failure::message(
            "the integer does not fit 128 bits; take its digits from the `Value` itself",
        ))
    }
}

/// The digits of an extension `integer`.
fn decimal(extension: &Extension) -> Result<&str, Failure> {
    let text = extension.storage.as_str().unwrap_or_default();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Failure::message(
            "an extension `integer` must be stored as decimal digits in a string",
        ));
    }
    Ok(text)
}
