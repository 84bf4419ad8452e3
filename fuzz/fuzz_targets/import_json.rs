//! JSON documents.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::import_json::run);
