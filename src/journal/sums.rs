//! Sums of many short parts, compared together: long bytes are summed several times faster than short
//! ones.
//!
//! While a CRC-32 is computed its state is 32 bits. Behind bytes with the right sum, the complement of
//! that sum brings the state to zero, from which [`TO_START`] brings it to where every sum begins. So the
//! parts stand one behind the other, each between these two, and the state is zero in the end if each
//! has its sum; otherwise it is not, as likely as for one CRC-32.

/// Brings the state from zero to all ones.
const TO_START: [u8; 4] = 0x9226_f562_u32.to_le_bytes();
/// What a CRC-32 is whose state is zero.
const AT_ZERO: u32 = u32::MAX;

/// Parts whose sums were not compared yet.
#[derive(Debug, Default)]
pub(super) struct Sums {
    bytes: Vec<u8>,
}

impl Sums {
    /// Adds bytes, and the CRC-32 that they should have.
    #[inline]
    pub(super) fn add(&mut self, bytes: &[u8], sum: u32) {
        self.bytes.reserve(bytes.len() + 8);
        self.bytes.extend_from_slice(&TO_START);
        self.bytes.extend_from_slice(bytes);
        self.bytes.extend_from_slice(&(!sum).to_le_bytes());
    }

    /// Whether all that were added since this was last asked have their sums.
    pub(super) fn hold(&mut self) -> bool {
        let mut sum = crc32fast::Hasher::new_with_initial(AT_ZERO);
        sum.update(&self.bytes);
        self.bytes.clear();
        sum.finalize() == AT_ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_if_each_has_its_sum() {
        let bytes: Vec<u8> = (0..5000u32).map(|n| (n * 7 + n / 251) as u8).collect();
        let lengths = [0, 1, 3, 4, 56, 64, 300, 4096];
        let mut sums = Sums::default();
        assert!(sums.hold());
        for wrong in 0..=lengths.len() {
            for (number, len) in lengths.into_iter().enumerate() {
                let part = &bytes[number..number + len];
                sums.add(part, crc32fast::hash(part) ^ u32::from(number == wrong));
            }
            assert_eq!(sums.hold(), wrong == lengths.len(), "{wrong}");
        }
        assert!(sums.hold());
    }
}
