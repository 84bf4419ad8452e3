//! Tensors and arrays of strings as nested sequences.

use serde::de::{DeserializeSeed, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::serde_access::{Element, visit_sequence};
use super::serde_depth::Depth;
use super::serde_failure::Failure;
use super::serde_float::{widen_bf16, widen_f16, widen_f32};
use super::serde_from_value::Reader;
use super::serde_names::NameReader;
use super::serde_to_value::extension;
use crate::value::{Complex128, DType, Order, StringArray, Tensor, Value, format_shape};

/// One dimension of a tensor, and what is below it.
#[derive(Clone, Copy)]
pub(super) struct TensorReader<'a> {
    layout: &'a Layout<'a>,
    axis: usize,
    /// Place of its first element, in elements.
    start: u64,
    depth: Depth,
}

impl TensorReader<'_> {
    /// Hands a tensor of at least one dimension to `visitor`.
    ///
    /// Its dimensions take no levels of nesting: there are at most 64, and only at the end.
    pub(super) fn visit<'de, V: Visitor<'de>>(
        tensor: &Tensor,
        depth: Depth,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let numbers = Numbers {
            dtype: tensor.dtype(),
            bytes: tensor.as_bytes()?,
        };
        let layout = Layout::new(tensor.shape(), tensor.order(), Leaves::Numbers(numbers))?;
        layout.reader(depth).deserialize_any(visitor)
    }

    /// The element of a tensor without dimensions.
    pub(super) fn single_element(tensor: &Tensor) -> Result<Value, Failure> {
        let numbers = Numbers {
            dtype: tensor.dtype(),
            bytes: tensor.as_bytes()?,
        };
        numbers.element(0)
    }
}

/// Reads arrays of strings.
pub(super) struct StringsReader;

impl StringsReader {
    /// Hands an array of at least one dimension to `visitor`.
    pub(super) fn visit<'de, V: Visitor<'de>>(
        strings: &StringArray,
        depth: Depth,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let layout = Layout::new(strings.shape(), Order::C, Leaves::Strings(strings))?;
        layout.reader(depth).deserialize_any(visitor)
    }
}

/// A shape, and how far it is from one element to the next along each axis, in elements.
struct Layout<'a> {
    shape: &'a [u64],
    strides: Vec<u64>,
    leaves: Leaves<'a>,
}

#[derive(Clone, Copy)]
enum Leaves<'a> {
    Numbers(Numbers<'a>),
    Strings(&'a StringArray),
}

impl<'a> Layout<'a> {
    fn new(shape: &'a [u64], order: Order, leaves: Leaves<'a>) -> Result<Layout<'a>, Failure> {
        // Without elements, nothing bounds the number of empty sequences but the shape.
        let empty_axis = shape.iter().position(|length| *length == 0);
        let rows = shape[..empty_axis.unwrap_or(0)]
            .iter()
            .fold(1u64, |rows, length| rows.saturating_mul(*length));
        if rows > MAX_EMPTY_ROWS {
            return Err(Failure::message(format!(
                "the shape {} has {rows} rows without elements; at most {MAX_EMPTY_ROWS} are read \
                 as sequences",
                format_shape(shape)
            )));
        }
        let mut strides = vec![0; shape.len()];
        let mut step = 1u64;
        let mut visit = |axis: usize| {
            strides[axis] = step;
            step = step.saturating_mul(shape[axis]);
        };
        match order {
            Order::C => (0..shape.len()).rev().for_each(&mut visit),
            Order::Fortran => (0..shape.len()).for_each(&mut visit),
        }
        Ok(Layout {
            shape,
            strides,
            leaves,
        })
    }

    fn reader(&'a self, depth: Depth) -> TensorReader<'a> {
        TensorReader {
            layout: self,
            axis: 0,
            start: 0,
            depth,
        }
    }
}

const MAX_EMPTY_ROWS: u64 = 1 << 16;

impl Element for TensorReader<'_> {
    fn read<'de, S: DeserializeSeed<'de>>(
        self,
        seed: S,
        depth: Depth,
    ) -> Result<S::Value, Failure> {
        if self.axis < self.layout.shape.len() {
            return seed.deserialize(self);
        }
        match self.layout.leaves {
            Leaves::Numbers(numbers) => {
                seed.deserialize(Reader::owned(numbers.element(self.start)?, depth))
            }
            Leaves::Strings(strings) => {
                seed.deserialize(NameReader::new(strings.get(self.start)?, depth))
            }
        }
    }
}

impl<'de> Deserializer<'de> for TensorReader<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        let layout = self.layout;
        let (length, stride) = (layout.shape[self.axis], layout.strides[self.axis]);
        let length = usize::try_from(length).map_err(|_| {
            Failure::message(format!(
                "the shape {} does not fit this machine",
                format_shape(layout.shape)
            ))
        })?;
        let parts = (0..length).map(|index| TensorReader {
            axis: self.axis + 1,
            start: self.start + index as u64 * stride,
            ..self
        });
        visit_sequence(parts, self.depth, visitor)
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

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct enum identifier
    }
}

/// The elements of a tensor: its bytes are looked up once, not for every element.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    dtype: DType,
    bytes: &'a [u8],
}

impl Numbers<'_> {
    /// Element `index`, in the order of memory.
    fn element(&self, index: u64) -> Result<Value, Failure> {
        Ok(match self.dtype {
            DType::Bool => match self.at(index)? {
                [byte @ (0 | 1)] => Value::Boolean(byte == 1),
                [byte] => {
                    return Err(Failure::message(format!(
                        "the byte {byte} is no boolean; it must be 0 or 1"
                    )));
                }
            },
            DType::I8 => Value::Integer(i8::from_le_bytes(self.at(index)?).into()),
            DType::I16 => Value::Integer(i16::from_le_bytes(self.at(index)?).into()),
            DType::I32 => Value::Integer(i32::from_le_bytes(self.at(index)?).into()),
            DType::I64 => Value::Integer(i64::from_le_bytes(self.at(index)?)),
            DType::U8 => Value::Integer(u8::from_le_bytes(self.at(index)?).into()),
            DType::U16 => Value::Integer(u16::from_le_bytes(self.at(index)?).into()),
            DType::U32 => Value::Integer(u32::from_le_bytes(self.at(index)?).into()),
            DType::U64 => {
                let integer = u64::from_le_bytes(self.at(index)?);
                match i64::try_from(integer) {
                    Ok(integer) => Value::Integer(integer),
                    Err(_) => extension("integer", integer.to_string().into()),
                }
            }
            DType::F16 => Value::Number(widen_f16(u16::from_le_bytes(self.at(index)?))),
            DType::BF16 => Value::Number(widen_bf16(u16::from_le_bytes(self.at(index)?))),
            DType::F32 => Value::Number(widen_f32(f32::from_le_bytes(self.at(index)?))),
            DType::F64 => Value::Number(f64::from_le_bytes(self.at(index)?)),
            DType::Complex64 => {
                let [re, im] = bytemuck::cast::<[u8; 8], [[u8; 4]; 2]>(self.at(index)?);
                let (re, im) = (f32::from_le_bytes(re), f32::from_le_bytes(im));
                Value::Complex(Complex128::new(widen_f32(re), widen_f32(im)))
            }
            DType::Complex128 => {
                let [re, im] = bytemuck::cast::<[u8; 16], [[u8; 8]; 2]>(self.at(index)?);
                Value::Complex(Complex128::new(
                    f64::from_le_bytes(re),
                    f64::from_le_bytes(im),
                ))
            }
            DType::F8E4M3 | DType::F8E5M2 => {
                return Err(Failure::message(format!(
                    "elements of dtype {} are opaque; take their bytes from the tensor",
                    self.dtype
                )));
            }
        })
    }

    fn at<const SIZE: usize>(&self, index: u64) -> Result<[u8; SIZE], Failure> {
        let start = index as usize * SIZE;
        let bytes = self.bytes.get(start..).and_then(<[u8]>::first_chunk);
        bytes
            .copied()
            .ok_or_else(|| Failure::message("the tensor has fewer bytes than its shape needs"))
    }
}
