//! Nodes of structured values.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::nodes::run);
