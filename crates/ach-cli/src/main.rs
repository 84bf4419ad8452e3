//! The command `ach`.

// The commands that use these come next.
#[allow(dead_code)]
mod export;
#[allow(dead_code)]
mod import;
#[allow(dead_code)]
mod term;

fn main() {}
