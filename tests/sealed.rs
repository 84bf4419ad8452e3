//! Promise: a sealed memory file opens safely and without a copy; one that could still change does
//! not open.
#![cfg(target_os = "linux")]

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;

use achronyme_env::{Archive, EnvError, SaveOptions, Tensor, Value, save};
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

const ALL: SealFlags = SealFlags::WRITE
    .union(SealFlags::SHRINK)
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// A memory file that holds an archive of one tensor, sealed with `seals`.
fn sealed(seals: SealFlags) -> OwnedFd {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("one.ach");
    let tensor = Tensor::from_vec((0..100_000u32).collect::<Vec<_>>(), [100_000]).unwrap();
    save(&path, [("x", &Value::from(tensor))], &SaveOptions::new()).unwrap();
    let fd = memfd_create("ach", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    let mut file = File::from(fd);
    file.write_all(&std::fs::read(&path).unwrap()).unwrap();
    fcntl_add_seals(&file, seals).unwrap();
    file.into()
}

#[test]
fn a_sealed_memory_file_opens_and_tensors_lie_in_its_pages() {
    let archive = Archive::from_sealed_fd(sealed(ALL)).unwrap();
    let (a, b) = (archive.tensor("x").unwrap(), archive.tensor("x").unwrap());
    let numbers = a.as_slice::<u32>().unwrap();
    assert!(numbers.iter().copied().eq(0..100_000));
    // No copy: both tensors are the same memory, on a page.
    assert_eq!(numbers.as_ptr(), b.as_slice::<u32>().unwrap().as_ptr());
    assert_eq!(numbers.as_ptr().addr() % 4096, 0);
    assert!(archive.verify().unwrap().is_ok());
}

#[test]
fn a_memory_file_that_could_change_is_refused() {
    for missing in [
        SealFlags::WRITE,
        SealFlags::SHRINK,
        SealFlags::GROW,
        SealFlags::SEAL,
    ] {
        let error = Archive::from_sealed_fd(sealed(ALL.difference(missing))).unwrap_err();
        assert!(matches!(error, EnvError::Io { .. }), "{error}");
        assert!(error.to_string().contains("not sealed"), "{error}");
    }
}
