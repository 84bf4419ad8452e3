//! The bytes of a tensor in a foreign file, read when they are asked for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use achronyme_env::{Buffer, EnvError, Result, Storage};

use super::source::SourceFile;

/// What has to be done to the bytes on their way out of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// Every byte is checked to be 0 or 1.
    Booleans,
    /// Nothing.
    #[default]
    None,
    /// The bytes of each number of this many bytes (2, 4 or 8) are reversed: the file is big-endian.
    Swap(usize),
}

/// Bytes read at once for a slice, so that one does not load its whole file.
const READ_UNIT: u64 = 64 * 1024;

/// A range of a file as the storage of a tensor.
///
/// [`Storage::read_at`] reads from the file each time and keeps nothing, so that a writer copies a
/// file of any size through its own buffer. [`Storage::range`] loads the whole range once.
pub(crate) struct FileRange {
    source: Arc<SourceFile>,
    start: u64,
    len: u64,
    conversion: Conversion,
    loaded: OnceLock<Buffer>,
}

impl FileRange {
    /// Bytes `start..start + len` of `source`, which the caller knows to be there.
    pub(crate) fn new(
        source: Arc<SourceFile>,
        start: u64,
        len: u64,
        conversion: Conversion,
    ) -> FileRange {
        FileRange {
            source,
            start,
            len,
            conversion,
            loaded: OnceLock::new(),
        }
    }

    /// Reads whole numbers: `start` and the length of `out` are multiples of `width`.
    fn read_swapped(&self, start: u64, out: &mut [u8], width: usize) -> Result<()> {
        self.source.read_exact_at(self.start + start, out)?;
        for number in out.chunks_exact_mut(width) {
            number.reverse();
        }
        Ok(())
    }

    fn read_converted(&self, start: u64, out: &mut [u8]) -> Result<()> {
        match self.conversion {
            Conversion::None => self.source.read_exact_at(self.start + start, out),
            Conversion::Booleans => {
                self.source.read_exact_at(self.start + start, out)?;
                match out.iter().position(|byte| *byte > 1) {
                    None => Ok(()),
                    Some(at) => Err(EnvError::InvalidValue {
                        what: format!("byte {} of booleans", start + at as u64),
                        reason: format!("it is {}, neither 0 nor 1", out[at]),
                    }),
                }
            }
            Conversion::Swap(width) => {
                let skew = (start % width as u64) as usize;
                if skew == 0 && out.len().is_multiple_of(width) {
                    return self.read_swapped(start, out, width);
                }
                // A piece that begins or ends inside a number: read the numbers around it.
                let mut whole = vec![0; (skew + out.len()).next_multiple_of(width)];
                self.read_swapped(start - skew as u64, &mut whole, width)?;
                out.copy_from_slice(&whole[skew..][..out.len()]);
                Ok(())
            }
        }
    }
}

impl fmt::Debug for FileRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FileRange({} bytes at {} of {:?}, {:?})",
            self.len,
            self.start,
            self.source.path(),
            self.conversion
        )
    }
}

impl Storage for FileRange {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        if self.loaded.get().is_none() {
            let mut buffer = Buffer::zeroed(self.len)?;
            self.read_converted(0, buffer.as_bytes_mut())?;
            // Another thread may have been first: its bytes are the same.
            let _ = self.loaded.set(buffer);
        }
        let bytes = self.loaded.get().map_or(&[][..], Buffer::as_bytes);
        Ok(&bytes[start as usize..][..len as usize])
    }

    fn read_unit(&self) -> u64 {
        READ_UNIT
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        match self.loaded.get() {
            Some(buffer) => buffer.read_at(start, out),
            None => self.read_converted(start, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(bytes: &[u8], conversion: Conversion) -> (tempfile::TempDir, FileRange) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("bytes");
        std::fs::write(&path, bytes).unwrap();
        let source = Arc::new(SourceFile::open(&path).unwrap());
        let len = bytes.len() as u64 - 1;
        (dir, FileRange::new(source, 1, len, conversion))
    }

    #[test]
    fn any_piece_of_swapped_numbers_is_the_piece_of_the_whole() {
        let (_dir, range) = range(b"xABCDEFGHabcdefgh", Conversion::Swap(8));
        let whole = b"HGFEDCBAhgfedcba";
        for start in 0..=16 {
            for end in start..=16 {
                let mut out = vec![0; end - start];
                range.read_at(start as u64, &mut out).unwrap();
                assert_eq!(out, whole[start..end], "{start}..{end}");
            }
        }
        assert_eq!(range.range(0, 16).unwrap(), whole);
        assert_eq!(range.range(5, 3).unwrap(), &whole[5..8]);
    }

    #[test]
    fn a_boolean_of_another_byte_is_an_error_that_says_where() {
        let (_dir, good) = range(&[9, 0, 1, 1], Conversion::Booleans);
        assert_eq!(good.range(0, 3).unwrap(), [0, 1, 1]);
        let (_dir, bad) = range(&[9, 0, 1, 7], Conversion::Booleans);
        let text = bad.read_at(0, &mut [0; 3]).unwrap_err().to_string();
        assert!(
            text.contains("byte 2 of booleans: it is 7, neither 0 nor 1"),
            "{text}"
        );
    }
}
