//! CRC-32 of bytes that stand together, from the CRC-32s of their parts.
//!
//! A CRC-32 is the remainder of a polynomial over GF(2); appending `n` zero bytes multiplies it by
//! x^(8n) modulo the CRC polynomial (as zlib's `crc32_combine` does). Bits are reflected: bit 31 is
//! the coefficient of x^0.

/// The CRC-32 polynomial of IEEE 802.3, reflected.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// The product of two polynomials modulo the CRC polynomial.
fn multiply(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, 32);
    while bit > 0 {
        bit -= 1;
        if a & (1 << bit) != 0 {
            product ^= b;
        }
        b = match b & 1 {
            0 => b >> 1,
            _ => (b >> 1) ^ POLYNOMIAL,
        };
    }
    product
}

/// What a CRC-32 is multiplied with when `len` bytes follow.
pub(crate) fn shift(len: u64) -> u32 {
    // x^8 to the power of `len`, by squaring.
    let (mut factor, mut square, mut rest) = (1 << 31, 1 << 23, len);
    while rest > 0 {
        if rest & 1 != 0 {
            factor = multiply(square, factor);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    factor
}

/// The CRC-32 of bytes with `first`, followed by bytes with `second` whose length `shift` stands for.
pub(crate) fn join(first: u32, second: u32, shift: u32) -> u32 {
    multiply(shift, first) ^ second
}

/// The CRC-32 of an array from those of its blocks: each `block_len` bytes long, but the last.
pub(crate) fn of_blocks(blocks: &[u32], block_len: u64, len: u64) -> u32 {
    let Some((last, others)) = blocks.split_last() else {
        return 0;
    };
    let whole = shift(block_len);
    let before = others.iter().fold(0, |crc, block| join(crc, *block, whole));
    join(before, *last, shift(len - others.len() as u64 * block_len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_join_to_the_sum_of_the_whole() {
        let bytes: Vec<u8> = (0..200_000u32).map(|n| (n * 7 + n / 251) as u8).collect();
        let whole = crc32fast::hash(&bytes);
        for cut in [0, 1, 63, 64, 65_536, 199_999, 200_000] {
            let (a, b) = bytes.split_at(cut);
            let joined = join(
                crc32fast::hash(a),
                crc32fast::hash(b),
                shift(b.len() as u64),
            );
            assert_eq!(joined, whole, "cut at {cut}");
        }
        for block in [1_000, 65_536, 200_000, 300_000] {
            let sums: Vec<u32> = bytes.chunks(block).map(crc32fast::hash).collect();
            assert_eq!(of_blocks(&sums, block as u64, bytes.len() as u64), whole);
        }
        assert_eq!(of_blocks(&[], 64, 0), crc32fast::hash(b""));
    }
}
