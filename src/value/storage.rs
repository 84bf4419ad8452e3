//! Where a tensor's bytes are: owned memory, the caller's vector, a map, or a file read on demand.

use std::fmt;

use super::element::Element;
use super::held::Held;
use super::stored::StoredExtent;
use crate::error::{EnvError, Result};

/// Bytes behind tensors. An implementation answers the same bytes whenever it is asked.
///
/// Implement it to save from (or hand out) memory of your own without a copy: the writer takes
/// [`Storage::resident`] when there is one and otherwise reads piece by piece into a bounded buffer.
pub trait Storage: Send + Sync + fmt::Debug {
    /// Number of bytes.
    fn byte_len(&self) -> u64;

    /// Bytes `start..start + len`, read or checked first where that is needed.
    ///
    /// # Errors
    /// When reading or checking fails. Ranges beyond the end are an error of the caller and may
    /// panic.
    fn range(&self, start: u64, len: u64) -> Result<&[u8]>;

    /// Fills `out` with the bytes from `start` on, without keeping them in memory.
    ///
    /// # Errors
    /// As [`Storage::range`].
    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()>;

    /// All bytes, when they are in memory (or mapped) already and need no check.
    fn resident(&self) -> Option<&[u8]> {
        None
    }

    /// Bytes that must be read together to get one of them, for example a block with a sum: slices
    /// read whole units. 1 when [`Storage::range`] lends any range without reading.
    fn read_unit(&self) -> u64 {
        1
    }

    /// What tells these bytes from others: storages of equal identity hold the same bytes, which a
    /// save then writes once. By default the address of the storage.
    fn identity(&self) -> (usize, u64) {
        (std::ptr::from_ref(self).addr(), 0)
    }

    /// Where the first byte stands in the file the bytes come from, when they stand there as they
    /// are.
    fn file_offset(&self) -> Option<u64> {
        None
    }

    /// The whole of these bytes as an extent of an archive, when they are one: a save then copies
    /// what stands there. Only this crate's own storages can answer it.
    #[doc(hidden)]
    fn stored(&self) -> Option<StoredExtent<'_>> {
        None
    }

    /// All bytes, to be held apart from the storage, and what was found of them. Only this crate's
    /// own storages can answer it.
    ///
    /// # Errors
    /// As [`Storage::range`].
    #[doc(hidden)]
    fn held(&self) -> Result<Option<Held<'_>>> {
        Ok(None)
    }

    /// All bytes for writing, when this is memory of its own.
    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        None
    }

    /// Whether other threads may be writing these bytes meanwhile. The writer then copies each
    /// piece before it sums it, so that the saved file always verifies.
    fn is_volatile(&self) -> bool {
        false
    }
}

/// Owned memory, aligned to 64 bytes, of a fixed length in bytes.
pub struct Buffer {
    // Words, and no type with the alignment: the allocator clears over-aligned memory byte by
    // byte, while pages of words cost nothing until they are touched. So a file that declares far
    // more than it holds gets addresses and no memory.
    words: Box<[u64]>,
    /// Where the first aligned byte stands.
    start: usize,
    len: usize,
}

const ALIGNMENT: usize = 64;

impl Buffer {
    /// A buffer of `len` zero bytes.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the memory cannot be had.
    pub fn zeroed(len: u64) -> Result<Buffer> {
        let refused = || EnvError::InvalidValue {
            what: "memory".to_owned(),
            reason: format!("{len} bytes cannot be allocated on this machine"),
        };
        let bytes = usize::try_from(len).map_err(|_| refused())?;
        let words = bytes.div_ceil(size_of::<u64>()) + ALIGNMENT / size_of::<u64>() - 1;
        let words: Box<[u64]> =
            bytemuck::allocation::try_zeroed_slice_box(words).map_err(|()| refused())?;
        let address = words.as_ptr().addr();
        Ok(Buffer {
            start: address.next_multiple_of(ALIGNMENT) - address,
            words,
            len: bytes,
        })
    }

    /// A buffer with a copy of `bytes`.
    ///
    /// # Errors
    /// As [`Buffer::zeroed`].
    pub fn copied(bytes: &[u8]) -> Result<Buffer> {
        let mut buffer = Buffer::zeroed(bytes.len() as u64)?;
        buffer.as_bytes_mut().copy_from_slice(bytes);
        Ok(buffer)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[self.start..][..self.len]
    }

    /// The bytes for writing.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[self.start..][..self.len]
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

impl Storage for Buffer {
    fn byte_len(&self) -> u64 {
        self.len as u64
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        Ok(&self.as_bytes()[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.as_bytes()[start as usize..][..out.len()]);
        Ok(())
    }

    fn resident(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        Some(self.as_bytes_mut())
    }
}

/// The caller's own vector, taken over without a copy.
pub(crate) struct Elements<T>(pub(crate) Vec<T>);

impl<T: Element> Elements<T> {
    fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

impl<T: Element> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Elements({} of {})", self.0.len(), T::DTYPE)
    }
}

impl<T: Element> Storage for Elements<T> {
    fn byte_len(&self) -> u64 {
        size_of_val(self.0.as_slice()) as u64
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        Ok(&self.as_bytes()[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.as_bytes()[start as usize..][..out.len()]);
        Ok(())
    }

    fn resident(&self) -> Option<&[u8]> {
        Some(self.as_bytes())
    }

    fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        T::bytes_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_zero_whatever_their_length() {
        for len in (0..300).chain([4095, 4096, 65_537, 1 << 22]) {
            let mut buffer = Buffer::zeroed(len).unwrap();
            assert_eq!(buffer.as_bytes().len() as u64, len);
            assert_eq!(buffer.as_bytes().as_ptr().addr() % ALIGNMENT, 0);
            assert!(buffer.as_bytes().iter().all(|b| *b == 0));
            buffer.as_bytes_mut().fill(7);
            assert!(buffer.as_bytes().iter().all(|b| *b == 7));
        }
        assert!(Buffer::zeroed(u64::MAX).is_err());
    }
}
