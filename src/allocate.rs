//! Space in a file before it is mapped: a write through a map cannot answer that the disk is full,
//! it ends the process with a signal.

use std::fs::File;
use std::io;

/// Zeros written with one call where the system reserves no space.
const PIECE_BYTES: u64 = 1 << 20;

/// Makes bytes `offset..offset + len` of `file`, which end at or behind its end, zero and sure to be
/// there: reserved where the file system can do that, else written.
pub(crate) fn allocate(file: &File, offset: u64, len: u64) -> io::Result<()> {
    if len == 0 {
        return Ok(());
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{FallocateFlags, fallocate};
        use rustix::io::Errno;
        match fallocate(file, FallocateFlags::empty(), offset, len) {
            Ok(()) => return Ok(()),
            // Not every file system reserves.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(e) => return Err(e.into()),
        }
    }
    write_zeros(file, offset, len)
}

/// Bytes that the file system of `file` has for this user, where it can be asked.
pub(crate) fn free_bytes(file: &File) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::fstatvfs(file).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        None
    }
}

fn write_zeros(file: &File, offset: u64, len: u64) -> io::Result<()> {
    use std::io::{Read, Seek, SeekFrom};
    let mut file = file;
    file.seek(SeekFrom::Start(offset))?;
    let mut left = len;
    while left > 0 {
        let now = left.min(PIECE_BYTES);
        io::copy(&mut io::repeat(0).take(now), &mut file)?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_allocated_is_zero_whether_it_is_reserved_or_written() {
        for way in [allocate, write_zeros] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), b"before").unwrap();
            way(file.as_file(), 6, (3 << 20) + 1).unwrap();
            let bytes = std::fs::read(file.path()).unwrap();
            assert_eq!(&bytes[..6], b"before");
            assert_eq!(bytes.len(), 6 + (3 << 20) + 1);
            assert!(bytes[6..].iter().all(|byte| *byte == 0));
        }
    }
}
