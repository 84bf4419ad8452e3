//! Files for what reads only files: in memory where the system has a place for that.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A directory of this process, which is never removed as a whole: libFuzzer ends it where it stands.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = Path::new("/dev/shm");
    let parent = match memory.is_dir() {
        true => memory.to_owned(),
        false => std::env::temp_dir(),
    };
    let directory = parent.join(format!("ach-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory for the files of a try");
    directory
});

/// The directory of this process for files of a try.
pub fn directory() -> &'static Path {
    &DIRECTORY
}

/// The place of a file of that name.
pub fn path(name: &str) -> PathBuf {
    directory().join(name)
}

/// Writes a file of that name, in place of one that may be there.
///
/// # Panics
/// When it cannot be written.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = path(name);
    std::fs::write(&path, bytes).expect("a file of a try");
    path
}

/// Removes all that is there.
///
/// # Panics
/// When that fails.
pub fn clear() {
    for entry in std::fs::read_dir(directory()).expect("the directory of a try") {
        let path = entry.expect("the directory of a try").path();
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).expect("a directory of a try"),
            false => std::fs::remove_file(path).expect("a file of a try"),
        }
    }
}
