//! Deltas, opened and applied.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::delta::run);
