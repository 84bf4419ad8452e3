//! Floats between widths, exactly: every step here keeps the value, and a NaN its payload.

/// A binary16, given by its bits, as an `f64`.
pub(super) fn widen_f16(bits: u16) -> f64 {
    widen(u32::from(bits), 5, 10)
}

/// A bfloat16, given by its bits, as an `f64`.
pub(super) fn widen_bf16(bits: u16) -> f64 {
    widen(u32::from(bits), 8, 7)
}

/// An `f32` as an `f64`. Unlike `as`, it promises the payload of a NaN.
pub(super) fn widen_f32(number: f32) -> f64 {
    widen(number.to_bits(), 8, 23)
}

/// The `f32` that is exactly `number`, when there is one. A NaN stays a NaN, with the upper 23 bits
/// of its payload.
pub(super) fn narrow_to_f32(number: f64) -> Option<f32> {
    if !number.is_nan() {
        let narrow = number as f32;
        return (f64::from(narrow) == number).then_some(narrow);
    }
    let sign = u32::from(number.is_sign_negative()) << 31;
    let payload = (number.to_bits() >> 29) as u32 & 0x007f_ffff;
    // Without payload it would be an infinity.
    let payload = if payload == 0 { 0x0040_0000 } else { payload };
    Some(f32::from_bits(sign | 0x7f80_0000 | payload))
}

/// The `f64` that is exactly `integer`, when there is one.
pub(super) fn exact_f64(integer: i64) -> Option<f64> {
    let number = integer as f64;
    // In 128 bits, because 2^63 as a float does not fit `i64`.
    (number as i128 == i128::from(integer)).then_some(number)
}

/// The float of one sign bit, `exponent_bits` and `fraction_bits`, as an `f64`.
fn widen(bits: u32, exponent_bits: u32, fraction_bits: u32) -> f64 {
    let fraction = u64::from(bits & ((1 << fraction_bits) - 1));
    let exponent_mask = (1 << exponent_bits) - 1;
    let exponent = (bits >> fraction_bits) & exponent_mask;
    let sign = u64::from(bits >> (fraction_bits + exponent_bits) & 1) << 63;
    let bias = u64::from(exponent_mask / 2);
    let wide_fraction = fraction << (52 - fraction_bits);
    if exponent == exponent_mask {
        return f64::from_bits(sign | 0x7ff << 52 | wide_fraction);
    }
    if exponent == 0 {
        // Subnormal: the fraction counts units of 2^(1 - bias - fraction_bits), a normal `f64`.
        let unit = f64::from_bits((1023 + 1 - bias - u64::from(fraction_bits)) << 52);
        let magnitude = fraction as f64 * unit;
        return f64::from_bits(sign | magnitude.to_bits());
    }
    f64::from_bits(sign | (u64::from(exponent) + 1023 - bias) << 52 | wide_fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f32_widens_and_narrows_to_the_same_bits() {
        let mut bits = 0u32;
        loop {
            let number = f32::from_bits(bits);
            let wide = widen_f32(number);
            assert!(number.is_nan() || wide == f64::from(number), "{bits:#x}");
            assert_eq!(narrow_to_f32(wide).map(f32::to_bits), Some(bits));
            match bits.checked_add(0x0000_0fff) {
                Some(next) => bits = next,
                None => break,
            }
        }
        for bits in [1, 0x8000_0001, 0x7f80_0001, 0xffc0_1234, 0x7f80_0000] {
            let wide = widen_f32(f32::from_bits(bits));
            assert_eq!(narrow_to_f32(wide).map(f32::to_bits), Some(bits));
        }
    }

    #[test]
    fn what_no_f32_is_does_not_narrow() {
        assert_eq!(narrow_to_f32(0.1), None);
        assert_eq!(narrow_to_f32(1e300), None);
        assert_eq!(narrow_to_f32(5e-324), None);
        assert_eq!(narrow_to_f32(f64::NEG_INFINITY), Some(f32::NEG_INFINITY));
        let small_payload = f64::from_bits(0x7ff0_0000_0000_0001);
        assert!(narrow_to_f32(small_payload).is_some_and(f32::is_nan));
    }

    #[test]
    fn integers_become_floats_only_exactly() {
        assert_eq!(exact_f64(1 << 53), Some(9_007_199_254_740_992.0));
        assert_eq!(exact_f64((1 << 53) + 1), None);
        assert_eq!(exact_f64(i64::MIN), Some(-9_223_372_036_854_775_808.0));
        assert_eq!(exact_f64(i64::MAX), None);
    }

    #[test]
    fn half_floats_widen_to_known_numbers() {
        assert_eq!(widen_f16(0x3c00), 1.0);
        assert_eq!(widen_f16(0xc000), -2.0);
        assert_eq!(widen_f16(0x7bff), 65504.0);
        assert_eq!(widen_f16(0x0001), 2f64.powi(-24));
        assert_eq!(widen_f16(0x8000).to_bits(), (-0.0f64).to_bits());
        assert_eq!(widen_f16(0xfc00), f64::NEG_INFINITY);
        assert!(widen_f16(0x7e00).is_nan());
        assert_eq!(widen_bf16(0x3f80), 1.0);
        assert_eq!(widen_bf16(0x0001), 2f64.powi(-133));
        assert!(widen_bf16(0x7fc0).is_nan());
    }

    #[cfg(feature = "half")]
    #[test]
    fn every_half_float_widens_as_the_crate_half_says() {
        for bits in 0..=u16::MAX {
            let (f16, bf16) = (half::f16::from_bits(bits), half::bf16::from_bits(bits));
            assert!(f16.is_nan() && widen_f16(bits).is_nan() || f16.to_f64() == widen_f16(bits));
            assert!(
                bf16.is_nan() && widen_bf16(bits).is_nan() || bf16.to_f64() == widen_bf16(bits)
            );
        }
    }
}
