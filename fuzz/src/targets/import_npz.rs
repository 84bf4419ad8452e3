//! Files of .npz.

/// Runs one input.
pub fn run(data: &[u8]) {
    super::imports::run("fuzzed.npz", data);
}
