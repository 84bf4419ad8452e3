//! NumPy arrays.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::import_npy::run);
