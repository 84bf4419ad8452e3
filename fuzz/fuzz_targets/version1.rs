//! Version 1 files.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::version1::run);
