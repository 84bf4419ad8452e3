//! The JSON of a value.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::json_codec::run);
