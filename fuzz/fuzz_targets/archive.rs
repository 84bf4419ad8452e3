//! Archives whose sums are right and whose content need not be: everything is read, on every road.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::archive::run);
