//! A tensor of any size, walked through a buffer of a given size.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;

use super::element::Element;
use super::storage::Buffer;
use super::tensor::{Tensor, not_elements};
use crate::error::{EnvError, Result};

/// The elements of a tensor in order, some at a time: see [`Tensor::blocks`].
pub struct Blocks<'t, T> {
    tensor: &'t Tensor,
    /// Most bytes that are handed out together; a multiple of an element.
    most: u64,
    /// First byte that was not handed out.
    next: u64,
    buffer: Option<Buffer>,
    /// Which bytes of the tensor the buffer holds.
    held: Range<u64>,
    elements: PhantomData<fn() -> T>,
}

impl<'t, T: Element> Blocks<'t, T> {
    pub(super) fn new(tensor: &'t Tensor, max_bytes: u64) -> Result<Blocks<'t, T>> {
        if T::DTYPE != tensor.dtype() {
            return Err(EnvError::DTypeMismatch {
                asked: T::DTYPE.name(),
                found: tensor.dtype().name(),
            });
        }
        let size = T::DTYPE.size() as u64;
        if max_bytes < size {
            return Err(EnvError::InvalidValue {
                what: format!("blocks of {max_bytes} bytes"),
                reason: format!("an element of dtype {} has {size}", T::DTYPE),
            });
        }
        Ok(Blocks {
            tensor,
            most: max_bytes - max_bytes % size,
            next: 0,
            buffer: None,
            held: 0..0,
            elements: PhantomData,
        })
    }

    /// The next block: the index of its first element, counted through all dimensions in
    /// [`Tensor::order`], and its elements. `None` after the last.
    ///
    /// # Errors
    /// What reading and checking answers, about the variable; [`EnvError::InvalidValue`] for a
    /// boolean that is neither 0 nor 1. Asked again, the same block is tried again.
    pub fn next_block(&mut self) -> Result<Option<(u64, &[T])>> {
        let len = self.tensor.byte_len();
        if self.next >= len {
            return Ok(None);
        }
        let start = self.next;
        let (storage, first, _) = self.tensor.storage();
        // A whole large array may be lent without its check, a part of it never is.
        let whole = |end: u64| first == 0 && start == 0 && end == storage.byte_len();
        let end = start + self.most.min(len - start);
        let lends = storage.read_unit() == 1 && !storage.is_volatile();
        let (bytes, end) = match lends && (!whole(end) || storage.resident().is_some()) {
            true => (storage.range(first + start, end - start)?, end),
            false => {
                if !self.held.contains(&start) {
                    self.fill(start)?;
                }
                let end = end.min(self.held.end);
                let from = (start - self.held.start) as usize;
                let bytes = self.buffer.as_ref().map_or(&[][..], Buffer::as_bytes);
                (&bytes[from..][..(end - start) as usize], end)
            }
        };
        let elements = bytemuck::checked::try_cast_slice(bytes)
            .map_err(|e| not_elements(self.tensor.dtype(), &e))?;
        self.next = end;
        Ok(Some((start / T::DTYPE.size() as u64, elements)))
    }

    /// Reads bytes from `start` on, up to the end of a unit of reading.
    fn fill(&mut self, start: u64) -> Result<()> {
        let (storage, first, len) = self.tensor.storage();
        let unit = storage.read_unit().max(T::DTYPE.size() as u64);
        // Where the place is in its unit: a part of a tensor may begin anywhere in one.
        let before = (first + start) % unit;
        let room = (self.most - self.most % unit).max(unit) - before;
        let now = room.min(len - start);
        self.held = 0..0;
        let size = (self.most.max(unit)).min(len);
        let buffer = match &mut self.buffer {
            Some(buffer) => buffer,
            none => none.insert(Buffer::zeroed(size)?),
        };
        self.tensor
            .read_at(start, &mut buffer.as_bytes_mut()[..now as usize])?;
        self.held = start..start + now;
        Ok(())
    }
}

impl<T> fmt::Debug for Blocks<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocks")
            .field("tensor", &self.tensor)
            .field("max_bytes", &self.most)
            .field("next_byte", &self.next)
            .finish()
    }
}
