//! Values as messages and journals carry them.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::value_image::run);
