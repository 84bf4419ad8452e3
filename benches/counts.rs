//! Instructions of the paths that must stay short, counted by valgrind's callgrind and compared with
//! `benches/counts/accepted.txt`: `cargo bench --bench counts`. A path that takes over 10 % more than
//! was accepted is an error; `cargo bench --bench counts -- --accept` writes the file anew.
//!
//! Instructions repeat from run to run, where times do not, so this runs with the tests. What does not
//! repeat on another processor is left out: see `counts/profile.rs`.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod counts {
    pub(super) mod accepted;
    pub(super) mod cases;
    pub(super) mod profile;
    pub(super) mod run;
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    counts::run::main()
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("instructions are counted on Linux, x86-64");
}
