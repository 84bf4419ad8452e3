//! Tables of text.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::import_csv::run);
