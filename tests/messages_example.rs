//! Promise: `examples/messages.rs` sends a tensor from one process to another and back comes its sum.

use std::path::Path;
use std::process::Command;

#[test]
fn a_tensor_goes_from_process_to_process() {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.parent().and_then(Path::parent).unwrap();
    let example = profile
        .join("examples/messages")
        .with_extension(std::env::consts::EXE_EXTENSION);
    let output = Command::new(example).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    // What the head of the example shows.
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/messages.rs");
    let source = std::fs::read_to_string(source).unwrap();
    for line in text.lines() {
        assert!(source.contains(&format!("//! {line}\n")), "{line}");
    }
    assert_eq!(text.lines().count(), 2);
}
