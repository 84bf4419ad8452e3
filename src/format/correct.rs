//! One wrong byte found by the sum over it: where it stands and how it is wrong.

/// CRC-32 (reflected, polynomial 0xEDB88320) of each byte alone, before the final inversion.
const STEPS: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut step = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            step = (step >> 1) ^ ((step & 1) * 0xEDB8_8320);
            bit += 1;
        }
        table[byte] = step;
        byte += 1;
    }
    table
};

/// The byte whose step has this last byte: no two have the same.
const BY_TOP: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[(STEPS[byte] >> 24) as usize] = byte as u8;
        byte += 1;
    }
    table
};

/// The place of the only byte of `bytes` by which, being wrong, it would have another CRC-32 than
/// `expected`, and what it must be; `None` when there is no such byte, or several.
///
/// More damage than one byte looks like a wrong byte at one of `n` places in `n` cases of 17
/// million: another sum or digest must say that what is made of it is right.
pub(crate) fn wrong_byte(bytes: &[u8], expected: u32) -> Option<(usize, u8)> {
    let mut difference = crc32fast::hash(bytes) ^ expected;
    if difference == 0 {
        return None;
    }
    let mut found = None;
    // A sum is linear: the difference is that of the wrong bits alone, carried on by a step for each
    // byte behind them. Taking these steps back leads to the byte.
    for (place, byte) in bytes.iter().enumerate().rev() {
        let wrong = BY_TOP[(difference >> 24) as usize];
        if STEPS[usize::from(wrong)] == difference {
            if found.is_some() {
                return None;
            }
            found = Some((place, byte ^ wrong));
        }
        difference = (difference ^ STEPS[usize::from(wrong)]) << 8 | u32::from(wrong);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_byte_is_found() {
        let bytes: Vec<u8> = (0..700u32).map(|n| ((n * n) >> 3) as u8).collect();
        let sum = crc32fast::hash(&bytes);
        assert_eq!(wrong_byte(&bytes, sum), None);
        let mut damaged = bytes.clone();
        for place in 0..bytes.len() {
            for wrong in [1, 0x80, 0xff, 0x5a] {
                damaged[place] ^= wrong;
                assert_eq!(wrong_byte(&damaged, sum), Some((place, bytes[place])));
                damaged[place] ^= wrong;
            }
        }
    }

    #[test]
    fn two_wrong_bytes_are_not_taken_for_one() {
        let bytes = vec![7; 200];
        let sum = crc32fast::hash(&bytes);
        for first in 0..199 {
            let mut damaged = bytes.clone();
            damaged[first] ^= 0x10;
            damaged[199] ^= 0x21;
            assert_eq!(wrong_byte(&damaged, sum), None);
        }
    }
}
