//! Files of .npy.

/// Runs one input.
pub fn run(data: &[u8]) {
    super::imports::run("fuzzed.npy", data);
}
