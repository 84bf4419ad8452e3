//! What a crash leaves behind, tried out: a child process is killed at the entry of its n-th system
//! call for every n ([`kills`]), and a recorded run is cut off at every point with whatever was not
//! yet synced lost in part ([`cuts`]). Afterwards the directory must hold the state that was last
//! promised, or the one that was being committed.
//!
//! The first sees what the code does in which order; it cannot see a missing `fsync`, because the
//! page cache outlives the process. The second can, and needs no root.
//!
//! A [`Scenario`] is what the child does; `scenarios/` has them all, and those with planted bugs that
//! prove the rig. It needs Linux on x86-64 or aarch64, and leave to trace one's own children.
#![cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

mod calls;
mod cut;
mod disk;
mod kill;
mod loss;
mod options;
mod record;
mod report;
mod scenario;
pub mod scenarios;
mod stage;
mod told;
mod trace;

pub use cut::cuts;
pub use kill::kills;
pub use options::{Extent, Options};
pub use report::Report;
pub use scenario::{Play, Promise, Result, Scenario, child};
pub use told::Told;
