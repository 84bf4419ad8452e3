//! Headers and tables of contents.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::header_table::run);
