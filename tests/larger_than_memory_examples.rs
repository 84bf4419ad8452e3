//! Promise: the examples about data larger than memory work under the limit that they set, and would
//! not without what they show.
//!
//! Runs the examples that `cargo test` builds beside the tests; alone, after
//! `cargo build --examples`.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

fn run(example: &str, arguments: &[&str]) -> Output {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile.join("examples").join(example);
    assert!(
        example.exists(),
        "{} is not there: cargo build --examples",
        example.display()
    );
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(example);
    // In a folder of its own, which is empty again afterwards.
    command.arg(folder.path()).args(arguments);
    let output = command.output().unwrap();
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(
        left == 0 || !output.status.success(),
        "{left} files are left"
    );
    output
}

fn printed(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn statistics_over_an_archive_four_times_larger_than_memory() {
    let text = printed(&run("larger_than_memory_statistics", &[]));
    let expected = "256 MiB of arrays, 64 MiB of memory for data\n\
                    count 33554432  mean 499.496  std 288.675  min 0  max 999\n";
    assert_eq!(text, expected);
    let output = run("larger_than_memory_statistics", &["at-once"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("cannot be allocated"), "{errors}");
}

#[test]
fn a_tensor_four_times_larger_than_memory_is_made_in_place() {
    let text = printed(&run("larger_than_memory_tensor", &[]));
    let expected = "256 MiB in one tensor, 64 MiB of memory for data\nverified: 0 faults\n";
    assert_eq!(text, expected);
    let output = run("larger_than_memory_tensor", &["at-once"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains("cannot be allocated"), "{errors}");
}
