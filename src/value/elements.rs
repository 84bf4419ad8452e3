//! Array data that is not in memory as the file wants it, and is made piece by piece.

use std::fmt;
use std::marker::PhantomData;

use super::element::Element;

/// Elements that are turned into the bytes of a tensor while it is written: the road for a host
/// whose elements lie in memory in another way than the file wants them, such as a complex number
/// that is not `repr(C)`. Nothing of the size of the tensor is copied at once.
///
/// Several threads ask, each for pieces of its own. An implementation answers the same bytes
/// whenever it is asked; sources are not recognised by their address, so that a tensor under two
/// names is converted twice and compared to be stored once.
///
/// [`TensorRef::converted`](super::TensorRef::converted) makes one of a slice and a function.
pub trait ElementSource: Send + Sync {
    /// Number of bytes of all elements.
    fn byte_len(&self) -> u64;

    /// Fills `out` with the little-endian bytes from byte `start` on. Both `start` and the length
    /// of `out` are multiples of the size of an element, at most 1 MiB is asked for at once, and
    /// never beyond the end.
    fn fill(&self, start: u64, out: &mut [u8]);
}

impl<T: ElementSource + ?Sized> ElementSource for &T {
    fn byte_len(&self) -> u64 {
        (**self).byte_len()
    }

    fn fill(&self, start: u64, out: &mut [u8]) {
        (**self).fill(start, out);
    }
}

/// The elements of a slice, each turned into a `T`.
pub(crate) struct Converted<'a, S, T, F> {
    pub(crate) elements: &'a [S],
    pub(crate) convert: F,
    pub(crate) element: PhantomData<fn() -> T>,
}

impl<S: Sync, T: Element, F: Fn(&S) -> T + Send + Sync> ElementSource for Converted<'_, S, T, F> {
    fn byte_len(&self) -> u64 {
        self.elements.len() as u64 * size_of::<T>() as u64
    }

    fn fill(&self, start: u64, out: &mut [u8]) {
        let width = size_of::<T>();
        let first = start as usize / width;
        let elements = self.elements[first..].iter();
        for (place, element) in out.chunks_exact_mut(width).zip(elements) {
            place.copy_from_slice(bytemuck::bytes_of(&(self.convert)(element)));
        }
    }
}

impl fmt::Debug for dyn ElementSource + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ElementSource({} bytes)", self.byte_len())
    }
}
