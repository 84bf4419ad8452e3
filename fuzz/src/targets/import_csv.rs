//! Files of .csv.

/// Runs one input.
pub fn run(data: &[u8]) {
    super::imports::run("fuzzed.csv", data);
}
