//! Elements of any dtype as numbers to draw.

use achronyme_env::DType;
use half::{bf16, f16};

/// Which part of a complex number is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum ComplexPart {
    /// The absolute value.
    #[default]
    Absolute,
    /// The angle, in radians.
    Angle,
    /// The real part.
    Real,
    /// The imaginary part.
    Imaginary,
}

impl ComplexPart {
    /// The part of that name: `re`, `im`, `arg`; otherwise the absolute value.
    pub(super) fn named(name: &str) -> ComplexPart {
        match name {
            "re" => ComplexPart::Real,
            "im" => ComplexPart::Imaginary,
            "arg" => ComplexPart::Angle,
            _ => ComplexPart::Absolute,
        }
    }

    fn of(self, re: f64, im: f64) -> f64 {
        match self {
            ComplexPart::Absolute => re.hypot(im),
            ComplexPart::Angle => im.atan2(re),
            ComplexPart::Real => re,
            ComplexPart::Imaginary => im,
        }
    }
}

/// The elements in `bytes`, one number each. A boolean that is neither 0 nor 1, and an element of a
/// dtype that is not known, is NaN.
pub(super) fn numbers(dtype: DType, bytes: &[u8], part: ComplexPart) -> Vec<f64> {
    fn each<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|element| number(*element)).collect()
    }
    match dtype {
        DType::Bool => each(bytes, |[x]| if x <= 1 { x.into() } else { f64::NAN }),
        DType::I8 => each(bytes, |x| i8::from_le_bytes(x).into()),
        DType::I16 => each(bytes, |x| i16::from_le_bytes(x).into()),
        DType::I32 => each(bytes, |x| i32::from_le_bytes(x).into()),
        DType::I64 => each(bytes, |x| i64::from_le_bytes(x) as f64),
        DType::U8 => each(bytes, |[x]| x.into()),
        DType::U16 => each(bytes, |x| u16::from_le_bytes(x).into()),
        DType::U32 => each(bytes, |x| u32::from_le_bytes(x).into()),
        DType::U64 => each(bytes, |x| u64::from_le_bytes(x) as f64),
        DType::F16 => each(bytes, |x| f16::from_le_bytes(x).into()),
        DType::BF16 => each(bytes, |x| bf16::from_le_bytes(x).into()),
        DType::F32 => each(bytes, |x| f32::from_le_bytes(x).into()),
        DType::F64 => each(bytes, f64::from_le_bytes),
        DType::Complex64 => each(bytes, |[a, b, c, d, e, f, g, h]| {
            let (re, im) = (
                f32::from_le_bytes([a, b, c, d]),
                f32::from_le_bytes([e, f, g, h]),
            );
            part.of(re.into(), im.into())
        }),
        DType::Complex128 => each(bytes, |element: [u8; 16]| {
            let both = u128::from_le_bytes(element);
            part.of(
                f64::from_bits(both as u64),
                f64::from_bits((both >> 64) as u64),
            )
        }),
        DType::F8E4M3 => each(bytes, |[x]| small_float(x, 4)),
        DType::F8E5M2 => each(bytes, |[x]| small_float(x, 5)),
        _ => vec![f64::NAN; bytes.len() / dtype.size().max(1)],
    }
}

/// A float of one byte with so many bits of exponent (OCP 8-bit floating point, 2023): with 4, no
/// infinities, and NaN only where all bits but the sign are set; with 5 as IEEE 754 has it.
fn small_float(byte: u8, exponent_bits: u32) -> f64 {
    let mantissa_bits = 7 - exponent_bits;
    let mantissa = u32::from(byte) & ((1 << mantissa_bits) - 1);
    let exponent = (u32::from(byte) >> mantissa_bits) & ((1 << exponent_bits) - 1);
    let bias = (1i32 << (exponent_bits - 1)) - 1;
    let sign = if byte & 0x80 == 0 { 1.0 } else { -1.0 };
    let top = (1 << exponent_bits) - 1;
    let fraction = f64::from(mantissa) / f64::from(1u32 << mantissa_bits);
    let magnitude = match (exponent, exponent_bits) {
        (15, 4) if mantissa == 7 => f64::NAN,
        (e, 5) if e == top && mantissa == 0 => f64::INFINITY,
        (e, 5) if e == top => f64::NAN,
        (0, _) => fraction * 2f64.powi(1 - bias),
        (e, _) => (1.0 + fraction) * 2f64.powi(e as i32 - bias),
    };
    sign * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_gives_a_number_for_each_element() {
        for dtype in DType::ALL {
            let ones = numbers(dtype, &vec![0; dtype.size() * 3], ComplexPart::Real);
            assert_eq!(ones, [0.0; 3], "{dtype}");
        }
    }

    #[test]
    fn floats_of_one_byte_are_what_their_standard_says() {
        let four = |byte| small_float(byte, 4);
        assert_eq!(
            (four(0x38), four(0x7e), four(0x01)),
            (1.0, 448.0, 2f64.powi(-9))
        );
        assert!(four(0x7f).is_nan() && four(0xb8) == -1.0);
        let five = |byte| small_float(byte, 5);
        assert_eq!(
            (five(0x3c), five(0x7b), five(0x01)),
            (1.0, 57344.0, 2f64.powi(-16))
        );
        assert!(five(0x7c).is_infinite() && five(0x7d).is_nan());
    }

    #[test]
    fn parts_of_complex_numbers_are_told_apart() {
        let bytes: Vec<u8> = [3.0f64, -4.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let of = |part| numbers(DType::Complex128, &bytes, part)[0];
        assert_eq!(of(ComplexPart::Absolute), 5.0);
        assert_eq!(
            (of(ComplexPart::Real), of(ComplexPart::Imaginary)),
            (3.0, -4.0)
        );
        assert_eq!(of(ComplexPart::Angle), (-4.0f64).atan2(3.0));
    }
}
