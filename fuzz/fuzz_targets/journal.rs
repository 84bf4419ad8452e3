//! Journals beside an archive, read and taken up by a writer.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::journal::run);
