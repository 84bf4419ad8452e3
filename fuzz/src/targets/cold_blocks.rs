//! Compressed blocks: frames that need not be what they claim, shuffled or not. What is read must be what
//! zstd itself makes of each frame.
//!
//! An input is the width of the shuffled elements and the length of the last block (four bytes), and then
//! frames, each behind its length (two bytes).

use achronyme_env::OpenOptions;

use crate::reseal::{Extent, Handmade, U8};
use crate::{look, measure, scratch};

const BLOCK: usize = 1 << 18;
const WIDTHS: [u8; 6] = [0, 2, 4, 8, 16, 3];

/// Runs one input.
pub fn run(data: &[u8]) {
    let Some(([width, a, b, c], mut rest)) = data.split_first_chunk() else {
        return;
    };
    let width = WIDTHS[usize::from(*width) % WIDTHS.len()];
    let last = u32::from_le_bytes([*a, *b, *c, 0]) as usize % BLOCK + 1;
    let mut frames = Vec::new();
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_le_bytes(*len)).clamp(1, after.len().max(1));
        let Some((frame, after)) = after.split_at_checked(len) else {
            break;
        };
        frames.push(frame.to_vec());
        rest = after;
    }
    if frames.is_empty() || frames.len() > 4 {
        return;
    }
    let raw_len = ((frames.len() - 1) * BLOCK + last) as u64;
    let extent = Extent {
        shuffle: width,
        ..Extent::cold(&frames, raw_len)
    };
    let bytes = Handmade::of_tensor(U8, &[raw_len], extent).bytes();
    let path = scratch::file("cold.ach", &bytes);
    let options = OpenOptions::new().limits(look::limits());
    for opened in [options.from_bytes(&bytes), options.open(&path)] {
        let Ok(archive) = opened else {
            assert!(width == 3, "only the width can be wrong");
            continue;
        };
        // What is unpacked, and a block of it on the way.
        let declared = raw_len + BLOCK as u64;
        measure::bounded(bytes.len(), declared, || {
            let tensor = archive.tensor("x").expect("the table is right");
            let mut first = [0];
            let alone = tensor.read_at(0, &mut first);
            if let Ok(read) = tensor.as_bytes() {
                assert!(
                    read == expected(&frames, last, width),
                    "other bytes than zstd gives"
                );
                alone.expect("a part of what is read");
                assert_eq!(first[0], read[0]);
            }
        });
    }
}

/// What the blocks hold, unpacked and put in order one byte after the other.
fn expected(frames: &[Vec<u8>], last: usize, width: u8) -> Vec<u8> {
    let mut raw = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let len = if number + 1 == frames.len() {
            last
        } else {
            BLOCK
        };
        let unpacked = zstd::bulk::decompress(frame, len).expect("what was read is a frame");
        let width = usize::from(width).max(1);
        let count = len / width;
        let mut block = unpacked.clone();
        for element in 0..count {
            for byte in 0..width {
                block[element * width + byte] = unpacked[byte * count + element];
            }
        }
        raw.extend(block);
    }
    raw
}
