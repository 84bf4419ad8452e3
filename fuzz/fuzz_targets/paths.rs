//! Paths into values, slices, and patterns of names.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::paths::run);
