//! safetensors files.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::import_safetensors::run);
