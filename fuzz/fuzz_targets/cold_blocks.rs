//! Compressed blocks that need not be what they claim.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::cold_blocks::run);
