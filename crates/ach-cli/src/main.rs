//! The command `ach`.

// Read by `ach pack`, which is not written yet.
#[allow(dead_code)]
mod import;

fn main() {}
