//! The 16-bit floats of the crate `half`, and the types of this crate that hold the same bits.

use crate::value::{BF16, F16};

impl From<half::f16> for F16 {
    fn from(number: half::f16) -> F16 {
        F16(number.to_bits())
    }
}

impl From<F16> for half::f16 {
    fn from(number: F16) -> half::f16 {
        half::f16::from_bits(number.0)
    }
}

impl From<half::bf16> for BF16 {
    fn from(number: half::bf16) -> BF16 {
        BF16(number.to_bits())
    }
}

impl From<BF16> for half::bf16 {
    fn from(number: BF16) -> half::bf16 {
        half::bf16::from_bits(number.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{DType, Tensor};

    #[test]
    fn every_pattern_of_bits_goes_there_and_back() {
        for bits in 0..=u16::MAX {
            assert_eq!(F16::from(half::f16::from(F16(bits))), F16(bits));
            assert_eq!(BF16::from(half::bf16::from(BF16(bits))), BF16(bits));
        }
    }

    #[test]
    fn a_tensor_of_either_type_is_read_as_the_other() {
        let numbers = vec![half::f16::from_f32(1.5), half::f16::NEG_INFINITY];
        let t = Tensor::from_vec(numbers, [2]).unwrap();
        assert_eq!(t.dtype(), DType::F16);
        assert_eq!(t.as_slice::<F16>().unwrap(), [F16(0x3e00), F16(0xfc00)]);

        let t = Tensor::from_vec(vec![BF16(0x3f80)], [1]).unwrap();
        assert_eq!(t.as_slice::<half::bf16>().unwrap(), [half::bf16::ONE]);
        assert!(t.as_slice::<half::f16>().is_err());
    }
}
