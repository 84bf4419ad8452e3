//! Text of a file on its way to a terminal.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::terminal::run);
