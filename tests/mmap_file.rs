//! Promises: a file mapped for writing holds what was written; its ranges are checked, and its space
//! is there before it is written.
#![allow(unsafe_code)]

use std::fs;
use std::path::Path;

use achronyme_env::{EnvError, MmapFile, Result};

fn create(path: &Path, len: u64) -> Result<MmapFile> {
    // SAFETY: nobody else knows the folder of the test.
    unsafe { MmapFile::create(path, len) }
}

fn open(path: &Path) -> Result<MmapFile> {
    // SAFETY: as above; one map at a time writes.
    unsafe { MmapFile::open(path) }
}

#[test]
fn what_is_written_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("scratch.bin");
    let mut file = create(&path, 100_000).unwrap();
    assert_eq!(file.len(), 100_000);
    assert!(file.as_slice().iter().all(|byte| *byte == 0));
    file.range_mut(4095, 3).unwrap().copy_from_slice(b"abc");
    file.as_mut_slice()[99_999] = 7;
    file.flush().unwrap();
    drop(file);
    let bytes = fs::read(&path).unwrap();
    assert_eq!((&bytes[4095..4098], bytes[99_999]), (&b"abc"[..], 7));
    let mut file = open(&path).unwrap();
    assert_eq!(file.range(4095, 3).unwrap(), b"abc");
    file.range_mut(0, 1).unwrap()[0] = 9;
    drop(file);
    assert_eq!(fs::read(&path).unwrap()[0], 9);
}

#[test]
fn ranges_that_are_not_there_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = create(&dir.path().join("scratch.bin"), 10).unwrap();
    assert_eq!(file.range_mut(0, 10).unwrap().len(), 10);
    assert_eq!(file.range_mut(10, 0).unwrap().len(), 0);
    for (offset, len) in [(0, 11), (10, 1), (11, 0), (u64::MAX, 1), (1, u64::MAX)] {
        let error = file.range_mut(offset, len).unwrap_err();
        assert!(matches!(error, EnvError::SliceOutOfRange { .. }), "{error}");
        assert!(
            error.to_string().contains("scratch.bin has 10 bytes"),
            "{error}"
        );
        assert!(file.range(offset, len).is_err());
    }
}

#[test]
fn an_empty_file_is_one_without_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty");
    assert!(create(&path, 0).unwrap().is_empty());
    assert!(open(&path).unwrap().as_mut_slice().is_empty());
}

#[test]
fn what_cannot_be_mapped_is_an_error_and_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("there");
    fs::write(&path, "old").unwrap();
    let error = create(&path, 10).unwrap_err();
    assert!(matches!(error, EnvError::AlreadyExists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"old");
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, EnvError::NotAFile { .. }), "{error}");
    let missing = open(&dir.path().join("missing")).unwrap_err().to_string();
    assert!(missing.contains("missing"), "{missing}");
    #[cfg(target_os = "linux")]
    {
        let large = dir.path().join("large");
        let error = create(&large, 8 << 40).unwrap_err();
        assert!(matches!(error, EnvError::DiskFull { .. }), "{error}");
        assert!(!large.exists());
    }
}

#[test]
#[ignore = "started by `a_full_disk_is_an_error_of_creating_and_no_signal`"]
fn child_creates_more_than_it_may() {
    let path = std::env::var_os("BIG_FILE").unwrap();
    let error = create(Path::new(&path), 1 << 20).unwrap_err();
    println!("refused: {error}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_of_creating_and_no_signal() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new("sh");
    let script = "trap '' XFSZ && ulimit -f 200 && exec \"$0\" --exact child_creates_more_than_it_may --ignored --nocapture";
    command
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap());
    let out = command
        .env("BIG_FILE", dir.path().join("large"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success() && text.contains("refused: "), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}
