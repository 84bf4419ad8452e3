//! Memory shared both ways: Arrow buffers over tensors, tensors over Arrow buffers and over several
//! storages one after the other.

use std::fmt;
use std::sync::{Arc, OnceLock};

use arrow_buffer::{BooleanBuffer, Buffer as ArrowBuffer, NullBuffer};

use crate::error::Result;
use crate::value::{Buffer, DType, Order, Storage, Tensor};

/// A tensor's bytes as the owner of an Arrow buffer.
struct Lent(Tensor);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes().unwrap_or_default()
    }
}

/// The elements of `tensor` in C order as an Arrow buffer for numbers of `width` bytes, which keeps
/// the tensor alive. Copied only when they stand in Fortran order or at an odd address.
///
/// # Errors
/// What reading and checking the bytes answers.
pub(super) fn lend(tensor: &Tensor, width: usize) -> Result<ArrowBuffer> {
    let tensor = in_c_order(tensor)?;
    let bytes = tensor.as_bytes()?;
    let aligned = bytes.as_ptr().addr().is_multiple_of(width.min(16));
    if bytes.is_empty() || !aligned {
        return Ok(ArrowBuffer::from(bytes));
    }
    let len = bytes.len();
    let lent = ArrowBuffer::from(bytes::Bytes::from_owner(Lent(tensor.clone())));
    // A storage that answers otherwise the second time is not relied on.
    match lent.len() == len {
        true => Ok(lent),
        false => Ok(ArrowBuffer::from(tensor.as_bytes()?)),
    }
}

/// The same elements in C order; a copy when they are in another.
///
/// # Errors
/// What reading answers, and when memory cannot be had.
pub(super) fn in_c_order(tensor: &Tensor) -> Result<Tensor> {
    let shape = tensor.shape();
    if tensor.order() == Order::C {
        return Ok(tensor.clone());
    }
    let (size, strides) = (tensor.dtype().size(), tensor.strides());
    let from = tensor.as_bytes()?;
    let mut buffer = Buffer::zeroed(tensor.byte_len())?;
    let mut index = vec![0u64; shape.len()];
    for element in buffer.as_bytes_mut().chunks_exact_mut(size) {
        let at: u64 = index.iter().zip(&strides).map(|(i, step)| i * step).sum();
        element.copy_from_slice(&from[at as usize..][..size]);
        for (i, length) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *length {
                break;
            }
            *i = 0;
        }
    }
    Tensor::from_storage(tensor.dtype(), shape, Order::C, Arc::new(buffer))
}

/// An Arrow buffer as the storage of a tensor.
pub(super) struct ArrowBytes(pub(super) ArrowBuffer);

impl fmt::Debug for ArrowBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ArrowBytes({} bytes)", self.0.len())
    }
}

impl Storage for ArrowBytes {
    fn byte_len(&self) -> u64 {
        self.0.len() as u64
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        Ok(&self.0[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.0[start as usize..][..out.len()]);
        Ok(())
    }

    fn resident(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// An Arrow buffer as a storage for numbers of `width` bytes: copied when it is not aligned.
///
/// # Errors
/// When memory for the copy cannot be had.
pub(super) fn storage(buffer: ArrowBuffer, width: usize) -> Result<Arc<dyn Storage>> {
    match buffer.as_ptr().addr().is_multiple_of(width.min(8)) {
        true => Ok(Arc::new(ArrowBytes(buffer))),
        false => Ok(Arc::new(Buffer::copied(&buffer)?)),
    }
}

/// Storages one after the other. They are put together when a range over more than one of them is
/// asked for; reading copies from each.
struct Chain {
    /// Where each ends, and it.
    parts: Vec<(u64, Arc<dyn Storage>)>,
    whole: OnceLock<Buffer>,
}

/// One storage of all `parts`, in their order.
pub(super) fn chain(mut parts: Vec<Arc<dyn Storage>>) -> Arc<dyn Storage> {
    parts.retain(|part| part.byte_len() > 0);
    match parts.pop() {
        Some(only) if parts.is_empty() => return only,
        Some(last) => parts.push(last),
        None => return Arc::new(ArrowBytes(ArrowBuffer::from(&[]))),
    }
    let mut end = 0;
    let parts = parts.into_iter().map(|part| {
        end += part.byte_len();
        (end, part)
    });
    Arc::new(Chain {
        parts: parts.collect(),
        whole: OnceLock::new(),
    })
}

impl Chain {
    /// The number of the part with byte `at`, and where it begins.
    fn part(&self, at: u64) -> (usize, u64) {
        let number = self.parts.partition_point(|(end, _)| *end <= at);
        let before = number
            .checked_sub(1)
            .and_then(|before| self.parts.get(before));
        (number, before.map_or(0, |(end, _)| *end))
    }
}

impl fmt::Debug for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Chain({} parts, {} bytes)",
            self.parts.len(),
            self.byte_len()
        )
    }
}

impl Storage for Chain {
    fn byte_len(&self) -> u64 {
        self.parts.last().map_or(0, |(end, _)| *end)
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        let (number, begin) = self.part(start);
        if let Some((end, part)) = self.parts.get(number)
            && start + len <= *end
        {
            return part.range(start - begin, len);
        }
        if self.whole.get().is_none() {
            let mut buffer = Buffer::zeroed(self.byte_len())?;
            self.read_at(0, buffer.as_bytes_mut())?;
            // Another thread may have been first: its bytes are the same.
            let _ = self.whole.set(buffer);
        }
        let bytes = self.whole.get().map_or(&[][..], Buffer::as_bytes);
        Ok(&bytes[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let (first, mut begin) = self.part(start);
        let (mut at, mut out) = (start, out);
        for (end, part) in &self.parts[first..] {
            if out.is_empty() {
                break;
            }
            let take = out.len().min((end - at) as usize);
            let (now, rest) = out.split_at_mut(take);
            part.read_at(at - begin, now)?;
            (at, begin, out) = (at + take as u64, *end, rest);
        }
        Ok(())
    }

    fn read_unit(&self) -> u64 {
        let units = self.parts.iter().map(|(_, part)| part.read_unit());
        units.max().unwrap_or(1)
    }
}

/// Booleans as a tensor of rank 1.
///
/// # Errors
/// When they are too many.
pub(super) fn booleans(elements: Vec<bool>) -> Result<Tensor> {
    let count = elements.len() as u64;
    Tensor::from_vec(elements, [count])
}

/// The nulls that a tensor of booleans marks with `true`; `None` when there are none.
///
/// # Errors
/// What reading answers; when it is no tensor of booleans.
pub(super) fn nulls(missing: &Tensor) -> Result<Option<NullBuffer>> {
    let missing = in_c_order(missing)?;
    let missing = missing.as_slice::<bool>()?;
    if !missing.contains(&true) {
        return Ok(None);
    }
    let valid = BooleanBuffer::collect_bool(missing.len(), |index| !missing[index]);
    Ok(Some(NullBuffer::new(valid)))
}

/// Bytes that the numbers of a dtype are aligned to.
pub(super) fn width(dtype: DType) -> usize {
    dtype.component_size()
}
