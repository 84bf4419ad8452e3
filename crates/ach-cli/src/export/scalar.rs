//! One element of a tensor, decoded from its bytes.

use achronyme_env::{DType, EnvError};
use half::{bf16, f16};

/// An element with its own precision: what is printed depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scalar {
    /// `bool`.
    Bool(bool),
    /// `int8` to `int64`.
    Signed(i64),
    /// `uint8` to `uint64`.
    Unsigned(u64),
    /// `float16`.
    Half(f16),
    /// `bfloat16`.
    Brain(bf16),
    /// `float32`.
    Single(f32),
    /// `float64`.
    Double(f64),
    /// `complex64`: real, imaginary.
    Complex64(f32, f32),
    /// `complex128`: real, imaginary.
    Complex128(f64, f64),
    /// A one-byte float, as its byte.
    Opaque(u8),
}

impl Scalar {
    /// The element of `dtype` that `bytes` begin with.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] for a boolean that is neither 0 nor 1, for too few bytes, and for
    /// a dtype this program does not know.
    pub(crate) fn decode(dtype: DType, bytes: &[u8]) -> Result<Scalar, EnvError> {
        Ok(match dtype {
            DType::Bool => match first::<1>(dtype, bytes)? {
                [0] => Scalar::Bool(false),
                [1] => Scalar::Bool(true),
                [other] => return Err(refused(dtype, format!("the byte {other} is no boolean"))),
            },
            DType::I8 => Scalar::Signed(i8::from_le_bytes(first(dtype, bytes)?).into()),
            DType::I16 => Scalar::Signed(i16::from_le_bytes(first(dtype, bytes)?).into()),
            DType::I32 => Scalar::Signed(i32::from_le_bytes(first(dtype, bytes)?).into()),
            DType::I64 => Scalar::Signed(i64::from_le_bytes(first(dtype, bytes)?)),
            DType::U8 => Scalar::Unsigned(u8::from_le_bytes(first(dtype, bytes)?).into()),
            DType::U16 => Scalar::Unsigned(u16::from_le_bytes(first(dtype, bytes)?).into()),
            DType::U32 => Scalar::Unsigned(u32::from_le_bytes(first(dtype, bytes)?).into()),
            DType::U64 => Scalar::Unsigned(u64::from_le_bytes(first(dtype, bytes)?)),
            DType::F16 => Scalar::Half(f16::from_le_bytes(first(dtype, bytes)?)),
            DType::BF16 => Scalar::Brain(bf16::from_le_bytes(first(dtype, bytes)?)),
            DType::F32 => Scalar::Single(f32::from_le_bytes(first(dtype, bytes)?)),
            DType::F64 => Scalar::Double(f64::from_le_bytes(first(dtype, bytes)?)),
            DType::Complex64 => {
                let [a, b, c, d, e, f, g, h] = first(dtype, bytes)?;
                Scalar::Complex64(
                    f32::from_le_bytes([a, b, c, d]),
                    f32::from_le_bytes([e, f, g, h]),
                )
            }
            DType::Complex128 => {
                let both = u128::from_le_bytes(first(dtype, bytes)?);
                // The halves of sixteen little-endian bytes: the low one is the real part.
                let (re, im) = (both as u64, (both >> 64) as u64);
                Scalar::Complex128(f64::from_bits(re), f64::from_bits(im))
            }
            DType::F8E4M3 | DType::F8E5M2 => {
                let [byte] = first(dtype, bytes)?;
                Scalar::Opaque(byte)
            }
            other => return Err(refused(other, "this program does not know it".to_owned())),
        })
    }
}

fn first<const N: usize>(dtype: DType, bytes: &[u8]) -> Result<[u8; N], EnvError> {
    bytes
        .first_chunk()
        .copied()
        .ok_or_else(|| refused(dtype, format!("only {} bytes of it are there", bytes.len())))
}

fn refused(dtype: DType, reason: String) -> EnvError {
    EnvError::InvalidValue {
        what: format!("an element of dtype {dtype}"),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_decodes_its_own_bytes() {
        for dtype in DType::ALL {
            let zeros = vec![0; dtype.size()];
            assert!(Scalar::decode(dtype, &zeros).is_ok(), "{dtype}");
            assert!(Scalar::decode(dtype, &zeros[1..]).is_err(), "{dtype}");
        }
    }

    #[test]
    fn complex_parts_are_not_swapped() {
        let mut bytes = 1.5f64.to_le_bytes().to_vec();
        bytes.extend((-2.0f64).to_le_bytes());
        let z = Scalar::decode(DType::Complex128, &bytes).unwrap();
        assert_eq!(z, Scalar::Complex128(1.5, -2.0));
    }

    #[test]
    fn a_boolean_of_another_byte_is_an_error() {
        let text = Scalar::decode(DType::Bool, &[2]).unwrap_err().to_string();
        assert!(text.contains("the byte 2 is no boolean"), "{text}");
    }
}
