//! The elements of tensors as lists of numbers, and back.

use std::fmt::Write;

use super::scalars::{Scalar, put_f32, put_f64, put_integer};
use crate::error::{EnvError, Result};
use crate::value::{DType, Tensor};

/// Writes the elements, separated by commas, in the order they stand in: complex ones as two
/// numbers, floats of 8 and 16 bits as the integers of their bits.
pub(super) fn put_elements(out: &mut String, tensor: &Tensor) -> Result<()> {
    let bytes = tensor.as_bytes()?;
    match tensor.dtype() {
        DType::Bool => {
            if let Some(at) = bytes.iter().position(|byte| *byte > 1) {
                return Err(EnvError::InvalidValue {
                    what: format!("element {at} of a tensor of dtype bool"),
                    reason: format!("it is {}, neither 0 nor 1", bytes[at]),
                });
            }
            each(out, bytes, |out, [byte]| {
                out.push_str(if byte == 1 { "true" } else { "false" })
            });
        }
        DType::I8 => each(out, bytes, |out, b| put(out, i8::from_le_bytes(b))),
        DType::I16 => each(out, bytes, |out, b| put(out, i16::from_le_bytes(b))),
        DType::I32 => each(out, bytes, |out, b| put(out, i32::from_le_bytes(b))),
        DType::I64 => each(out, bytes, |out, b| {
            put_integer(out, i64::from_le_bytes(b).into())
        }),
        DType::U8 | DType::F8E4M3 | DType::F8E5M2 => each(out, bytes, |out, [byte]| put(out, byte)),
        DType::U16 | DType::F16 | DType::BF16 => {
            each(out, bytes, |out, b| put(out, u16::from_le_bytes(b)))
        }
        DType::U32 => each(out, bytes, |out, b| put(out, u32::from_le_bytes(b))),
        DType::U64 => each(out, bytes, |out, b| {
            put_integer(out, u64::from_le_bytes(b).into())
        }),
        DType::F32 | DType::Complex64 => {
            each(out, bytes, |out, b| put_f32(out, f32::from_le_bytes(b)))
        }
        DType::F64 | DType::Complex128 => {
            each(out, bytes, |out, b| put_f64(out, f64::from_le_bytes(b)))
        }
    }
    Ok(())
}

fn put(out: &mut String, number: impl std::fmt::Display) {
    let _ = write!(out, "{number}");
}

/// Writes each of the numbers that `bytes` are.
fn each<const N: usize>(out: &mut String, bytes: &[u8], put: impl Fn(&mut String, [u8; N])) {
    for (n, number) in bytes.as_chunks::<N>().0.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        put(out, *number);
    }
}

/// The bytes of elements that [`put_elements`] wrote.
///
/// # Errors
/// The place of one that is no element of that type.
pub(super) fn bytes_of(dtype: DType, elements: &[Scalar]) -> Result<Vec<u8>, usize> {
    let mut bytes = Vec::with_capacity(elements.len() * dtype.component_size());
    let out = &mut bytes;
    match dtype {
        DType::Bool => gather(out, elements, |scalar| match scalar {
            Scalar::Flag(flag) => Some([u8::from(*flag)]),
            _ => None,
        }),
        DType::I8 => gather(out, elements, |s| Some(s.integer::<i8>()?.to_le_bytes())),
        DType::I16 => gather(out, elements, |s| Some(s.integer::<i16>()?.to_le_bytes())),
        DType::I32 => gather(out, elements, |s| Some(s.integer::<i32>()?.to_le_bytes())),
        DType::I64 => gather(out, elements, |s| Some(s.integer::<i64>()?.to_le_bytes())),
        DType::U8 | DType::F8E4M3 | DType::F8E5M2 => {
            gather(out, elements, |s| Some([s.integer::<u8>()?]))
        }
        DType::U16 | DType::F16 | DType::BF16 => {
            gather(out, elements, |s| Some(s.integer::<u16>()?.to_le_bytes()))
        }
        DType::U32 => gather(out, elements, |s| Some(s.integer::<u32>()?.to_le_bytes())),
        DType::U64 => gather(out, elements, |s| Some(s.integer::<u64>()?.to_le_bytes())),
        DType::F32 | DType::Complex64 => gather(out, elements, |s| Some(s.f32()?.to_le_bytes())),
        DType::F64 | DType::Complex128 => gather(out, elements, |s| Some(s.f64()?.to_le_bytes())),
    }?;
    Ok(bytes)
}

fn gather<const N: usize>(
    out: &mut Vec<u8>,
    elements: &[Scalar],
    bytes: impl Fn(&Scalar) -> Option<[u8; N]>,
) -> Result<(), usize> {
    for (place, scalar) in elements.iter().enumerate() {
        out.extend_from_slice(&bytes(scalar).ok_or(place)?);
    }
    Ok(())
}
