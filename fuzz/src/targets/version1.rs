//! Version 1 files, in memory and from a file.

use achronyme_env::Version1;

use crate::{look, measure, scratch, seal};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal::version1(&mut bytes);
    let limits = look::limits();
    let declared = limits.max_version1_bytes;
    let looked = |file: Version1| {
        let bindings = file.bindings();
        let mut lines: Vec<String> = bindings
            .map(|(name, value)| format!("{name:?} {}", look::value(value)))
            .collect();
        lines.extend(file.findings().iter().map(|finding| format!("{finding:?}")));
        lines
    };
    let in_memory = measure::bounded(bytes.len(), declared, || {
        Version1::from_bytes_with(&bytes, &limits).map(looked)
    });
    let path = scratch::file("old.ach", &bytes);
    let from_file = measure::bounded(bytes.len(), declared, || {
        Version1::open_with(&path, &limits).map(looked)
    });
    match (in_memory, from_file) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(_), Err(_)) => {}
        (one, other) => panic!("in memory {one:?}, from a file {other:?}"),
    }
}
