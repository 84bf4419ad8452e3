//! Byte shuffle: the first bytes of all elements, then all second bytes, and so on. Exponents then
//! stand beside exponents, which zstd packs better on many arrays of numbers (the filter of HDF5
//! and Blosc).

/// Writes the shuffled form of `raw` to `out`, for elements of `width` bytes. Bytes after the last
/// whole element stay as they are. Both have the same length.
#[cfg_attr(not(feature = "zstd"), allow(dead_code))]
pub(crate) fn shuffle(raw: &[u8], width: usize, out: &mut [u8]) {
    match width {
        2 => shuffle_elements::<2>(raw, out),
        4 => shuffle_elements::<4>(raw, out),
        8 => shuffle_elements::<8>(raw, out),
        16 => shuffle_elements::<16>(raw, out),
        _ => out.copy_from_slice(raw),
    }
}

/// The inverse of [`shuffle`].
#[cfg_attr(not(feature = "zstd"), allow(dead_code))]
pub(crate) fn unshuffle(shuffled: &[u8], width: usize, out: &mut [u8]) {
    match width {
        2 => unshuffle_elements::<2>(shuffled, out),
        4 => unshuffle_elements::<4>(shuffled, out),
        8 => unshuffle_elements::<8>(shuffled, out),
        16 => unshuffle_elements::<16>(shuffled, out),
        _ => out.copy_from_slice(shuffled),
    }
}

fn shuffle_elements<const WIDTH: usize>(raw: &[u8], out: &mut [u8]) {
    let (elements, rest) = raw.as_chunks::<WIDTH>();
    let (planes, tail) = out.split_at_mut(elements.len() * WIDTH);
    if !elements.is_empty() {
        for (byte, plane) in planes.chunks_exact_mut(elements.len()).enumerate() {
            for (out, element) in plane.iter_mut().zip(elements) {
                *out = element[byte];
            }
        }
    }
    tail.copy_from_slice(rest);
}

fn unshuffle_elements<const WIDTH: usize>(shuffled: &[u8], out: &mut [u8]) {
    let (elements, tail) = out.as_chunks_mut::<WIDTH>();
    let (planes, rest) = shuffled.split_at(elements.len() * WIDTH);
    if !elements.is_empty() {
        for (byte, plane) in planes.chunks_exact(elements.len()).enumerate() {
            for (element, value) in elements.iter_mut().zip(plane) {
                element[byte] = *value;
            }
        }
    }
    tail.copy_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_leads_back_for_every_width_and_length() {
        for width in [0, 1, 2, 4, 8, 16] {
            for len in [0, 1, 7, 16, 100, 1000] {
                let raw: Vec<u8> = (0..len).map(|i| (i * 7 + 3) as u8).collect();
                let (mut packed, mut back) = (vec![0; len], vec![0; len]);
                shuffle(&raw, width, &mut packed);
                unshuffle(&packed, width, &mut back);
                assert_eq!(back, raw, "width {width}, length {len}");
            }
        }
    }

    #[test]
    fn first_bytes_come_first() {
        let mut out = [0; 6];
        shuffle(&[1, 2, 3, 4, 5, 6], 2, &mut out);
        assert_eq!(out, [1, 3, 5, 2, 4, 6]);
    }
}
