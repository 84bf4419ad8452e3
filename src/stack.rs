//! Room on the stack for values of 128 levels.
//!
//! Optimized code takes less than 4 KiB a level, and so has room on any thread that the library
//! promises to work on. Code that is not takes up to 24, such as in the debug build of a program
//! that uses the library: there the work moves to a stack of its own when what is left is too small.

/// What 128 levels need without optimization, in bytes, and as much again: most is taken by a load
/// of records with an index, 3 MiB on x86-64.
#[cfg(unoptimized)]
const NEEDED: usize = 6 << 20;

/// A stack of its own, in bytes: room, and some for what is begun inside.
#[cfg(unoptimized)]
const OWN: usize = 8 << 20;

/// Does `work`, which goes down at most 128 levels, on a stack with room for it. Costs a new stack,
/// some 30 microseconds, where there is none: to be called around loops, not in them.
#[cfg(unoptimized)]
pub(crate) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(NEEDED, OWN, work)
}

/// Does `work`: optimized, it has room.
#[cfg(not(unoptimized))]
pub(crate) fn with_room<T>(work: impl FnOnce() -> T) -> T {
    work()
}
