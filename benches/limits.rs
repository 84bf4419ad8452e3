//! What this machine allows, and how near an archive comes: each case beside the plain call that does
//! the least that is possible, in one process, in turn.
//!
//! `cargo bench --bench limits [CASE..] [--dir DIR] [--rounds N]`. The directory must be on a disk for
//! the cases whose page cache is dropped, and needs 5 GiB. `docs/performance.md` has the figures.

#[cfg(target_os = "linux")]
#[path = "limits/linux.rs"]
mod linux;

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the cases need calls of Linux");
}
