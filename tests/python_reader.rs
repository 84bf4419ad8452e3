//! Promise: `docs/format.md` is enough to write a reader. `tests/python_reader/ach_reader.py` was
//! written from it, with the standard library of Python only; it must find in the golden files what
//! the JSON beside each says, and every changed byte.

use std::path::Path;
use std::process::Command;

#[test]
fn a_reader_written_from_the_specification_reads_every_golden_file() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python_reader/check.py");
    let output = Command::new("python3")
        // No compiled files beside the sources.
        .arg("-B")
        .arg(script)
        .output()
        .expect("this test needs python3 (3.9 or newer) on the path");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    print!("{text}");
    assert!(output.status.success(), "{text}\n{errors}");
}
