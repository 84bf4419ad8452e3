//! A file read and written at offsets. Where a test asks for it, it fails as a disk would.

use std::fs::File;
use std::io;

/// An open segment.
#[derive(Debug)]
pub(super) struct JournalFile {
    file: File,
}
