//! Files of .json.

/// Runs one input.
pub fn run(data: &[u8]) {
    super::imports::run("fuzzed.json", data);
}
