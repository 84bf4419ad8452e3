//! Streams of messages.
#![no_main]

ach_fuzz::target!(ach_fuzz::targets::message::run);
