//! Files of this program, mapped and read.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use memmap2::Mmap;
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate};

/// A map of a file that this program has written.
#[allow(unsafe_code)]
pub(crate) fn map(path: &Path) -> Mmap {
    let file = File::open(path).expect("a file");
    // SAFETY: every file of this program stands in a directory of its own, and is removed or written
    // anew only after its maps are dropped.
    unsafe { Mmap::map(&file) }.expect("a map")
}

/// A new file with room for `bytes` bytes.
pub(crate) fn reserved(path: &Path, bytes: u64) -> File {
    let file = File::create(path).expect("a file");
    fallocate(&file, FallocateFlags::empty(), 0, bytes).expect("room");
    file
}

/// Removes files and directories, where there are any.
pub(crate) fn remove<P: AsRef<Path>>(paths: impl IntoIterator<Item = P>) {
    for path in paths {
        let path = path.as_ref();
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).expect("a directory"),
            false => drop(std::fs::remove_file(path)),
        }
    }
}

/// Writes what of a file is not yet on the disk.
pub(crate) fn sync(path: &Path) {
    File::open(path)
        .and_then(|file| file.sync_all())
        .expect("a sync");
}

/// Drops what the page cache has of a file that is on the disk and of which no page is mapped.
pub(crate) fn drop_cache(file: impl AsFd) {
    fadvise(file, 0, None, Advice::DontNeed).expect("advice");
}
