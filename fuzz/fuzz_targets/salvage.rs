//! What is left of a damaged archive.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::salvage::run);
