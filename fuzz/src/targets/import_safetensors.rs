//! Files of .safetensors.

/// Runs one input.
pub fn run(data: &[u8]) {
    super::imports::run("fuzzed.safetensors", data);
}
