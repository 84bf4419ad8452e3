//! Zip archives of NumPy arrays.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::import_npz::run);
