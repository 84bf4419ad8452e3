//! How inputs are changed: half of the time within a window, so that what stands behind it keeps its
//! place. A byte more or less at the front of an archive leaves no offset right, and such a file is
//! refused before anything of interest is read.

use libfuzzer_sys::fuzzer_mutate;

/// Changes the first `size` bytes of `data`, which has room for `max_size`, and gives the new size.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(seed);
    if size < 16 || random.below(2) == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let width = 1 << random.below(7);
    let width = width.min(size);
    let start = random.below(size - width + 1);
    let mut window = data[start..start + width].to_vec();
    fuzzer_mutate(&mut window, width, width);
    data[start..start + width].copy_from_slice(&window);
    size
}

/// A splitmix generator: the seed is libFuzzer's, so a run can be repeated.
struct Random(u32);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9);
        let mut z = self.0;
        z = (z ^ (z >> 16)).wrapping_mul(0x85eb_ca6b);
        z = (z ^ (z >> 13)).wrapping_mul(0xc2b2_ae35);
        (z ^ (z >> 16)) as usize % end
    }
}
