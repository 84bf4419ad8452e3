//! The command `ach`.

// Nothing uses these yet: the commands come next.
#[allow(dead_code)]
mod export;
#[allow(dead_code)]
mod term;

fn main() {}
