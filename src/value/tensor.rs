//! Tensors: a dtype, a shape, an order, and contiguous little-endian bytes that may live anywhere.

use std::fmt;
use std::sync::Arc;

use super::blocks::Blocks;
use super::dtype::{DType, Order};
use super::element::Element;
use super::storage::{Buffer, Elements, Storage};
use crate::error::{EnvError, Result};
use crate::limits::MAX_RANK;

/// An array of one element type. Cheap to clone; the bytes are shared and copied on write.
///
/// The bytes may be owned, the caller's own vector, borrowed from a map, or read from a file when
/// they are first looked at: so access returns a [`Result`].
///
/// ```
/// use achronyme_env::{DType, Tensor};
///
/// let t = Tensor::from_vec(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
/// assert_eq!(t.dtype(), DType::F64);
/// assert_eq!(t.as_slice::<f64>()?[4], 5.0);
/// assert!(t.as_slice::<f32>().is_err()); // never a silent cast
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct Tensor(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    dtype: DType,
    order: Order,
    shape: Box<[u64]>,
    storage: Arc<dyn Storage>,
    /// First byte in the storage.
    start: u64,
    byte_len: u64,
}

/// Bytes that a tensor of `shape` needs.
///
/// # Errors
/// [`EnvError::InvalidValue`] when the rank is above 64 or the size does not fit 63 bits.
pub fn byte_len(dtype: DType, shape: &[u64]) -> Result<u64> {
    let refused = |reason: String| EnvError::InvalidValue {
        what: format!("a tensor of shape {}", format_shape(shape)),
        reason,
    };
    if shape.len() > MAX_RANK {
        return Err(refused(format!(
            "it has {} dimensions; {MAX_RANK} are allowed",
            shape.len()
        )));
    }
    checked_byte_len(dtype, shape)
        .ok_or_else(|| refused("its size in bytes does not fit 63 bits".to_owned()))
}

/// As [`byte_len`], for any rank; `None` when the size does not fit 63 bits. Apart from it so that
/// opening a file, which asks this for each binding, finds no text to be made on its way.
#[inline]
pub(crate) fn checked_byte_len(dtype: DType, shape: &[u64]) -> Option<u64> {
    let bytes = shape
        .iter()
        .try_fold(dtype.size() as u64, |product, n| product.checked_mul(*n));
    match bytes {
        Some(bytes) => i64::try_from(bytes).is_ok().then_some(bytes),
        // A dimension of 0 makes the product 0, whatever the others are.
        None => shape.contains(&0).then_some(0),
    }
}

/// A shape as text: `(2, 3)`, `(5,)`, `()`.
pub fn format_shape(shape: &[u64]) -> String {
    match shape {
        [n] => format!("({n},)"),
        _ => {
            let parts: Vec<String> = shape.iter().map(u64::to_string).collect();
            format!("({})", parts.join(", "))
        }
    }
}

impl Tensor {
    /// A tensor that takes over `elements`, in C order, without a copy.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the number of elements is not the product of `shape`.
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl AsRef<[u64]>) -> Result<Tensor> {
        Tensor::from_storage(T::DTYPE, shape, Order::C, Arc::new(Elements(elements)))
    }

    /// As [`Tensor::from_vec`], with the elements in the given order.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_vec_in_order<T: Element>(
        elements: Vec<T>,
        shape: impl AsRef<[u64]>,
        order: Order,
    ) -> Result<Tensor> {
        Tensor::from_storage(T::DTYPE, shape, order, Arc::new(Elements(elements)))
    }

    /// A tensor with a copy of little-endian `bytes`.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the number of bytes is not what `dtype` and `shape` need.
    pub fn from_bytes(
        dtype: DType,
        shape: impl AsRef<[u64]>,
        order: Order,
        bytes: &[u8],
    ) -> Result<Tensor> {
        Tensor::from_storage(dtype, shape, order, Arc::new(Buffer::copied(bytes)?))
    }

    /// A tensor over a storage: memory of the caller's, or bytes read on demand.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the storage has not exactly the bytes needed.
    pub fn from_storage(
        dtype: DType,
        shape: impl AsRef<[u64]>,
        order: Order,
        storage: Arc<dyn Storage>,
    ) -> Result<Tensor> {
        let shape = shape.as_ref();
        let needed = byte_len(dtype, shape)?;
        let found = storage.byte_len();
        if needed != found {
            return Err(EnvError::InvalidValue {
                what: format!(
                    "a tensor of shape {} and dtype {dtype}",
                    format_shape(shape)
                ),
                reason: format!("it needs {needed} bytes, {found} are given"),
            });
        }
        Ok(Tensor(Arc::new(Inner {
            dtype,
            order,
            shape: shape.into(),
            storage,
            start: 0,
            byte_len: needed,
        })))
    }

    /// The same storage seen as another, contiguous tensor: `start` bytes into this one.
    pub(crate) fn part(&self, shape: Vec<u64>, start: u64, byte_len: u64) -> Tensor {
        debug_assert!(start + byte_len <= self.0.byte_len);
        Tensor(Arc::new(Inner {
            dtype: self.0.dtype,
            order: self.0.order,
            shape: shape.into(),
            storage: Arc::clone(&self.0.storage),
            start: self.0.start + start,
            byte_len,
        }))
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// The order of the elements.
    pub fn order(&self) -> Order {
        self.0.order
    }

    /// The lengths of the dimensions, in elements. Empty for a single element (rank 0).
    pub fn shape(&self) -> &[u64] {
        &self.0.shape
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.0.byte_len / self.0.dtype.size() as u64
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.0.byte_len == 0
    }

    /// Number of bytes of all elements.
    pub fn byte_len(&self) -> u64 {
        self.0.byte_len
    }

    /// The elements, in [`Tensor::order`], borrowed from wherever they are.
    ///
    /// # Errors
    /// [`EnvError::DTypeMismatch`] when `T` is not the element type;
    /// [`EnvError::InvalidValue`] for a boolean that is neither 0 nor 1;
    /// what reading and checking the bytes answers.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        if T::DTYPE != self.0.dtype {
            return Err(EnvError::DTypeMismatch {
                asked: T::DTYPE.name(),
                found: self.0.dtype.name(),
            });
        }
        if self.is_empty() {
            return Ok(&[]);
        }
        bytemuck::checked::try_cast_slice(self.as_bytes()?)
            .map_err(|e| not_elements(self.0.dtype, &e))
    }

    /// The bytes of the elements, little-endian, in [`Tensor::order`].
    ///
    /// # Errors
    /// What reading and checking the bytes answers.
    pub fn as_bytes(&self) -> Result<&[u8]> {
        if self.is_empty() {
            return Ok(&[]);
        }
        self.0.storage.range(self.0.start, self.0.byte_len)
    }

    /// Whether both are the same tensor in memory.
    pub(crate) fn is_same(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Where the elements stand in the file they come from, when they stand there as they are:
    /// neither compressed nor in memory only. For a host that maps that part of the file on its
    /// own, for example to change it privately; such a map sees bytes that nothing has checked.
    ///
    /// ```
    /// use achronyme_env::{Archive, SaveOptions, Tensor, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let tensor = Tensor::from_vec(vec![1u8, 2, 3], [3])?;
    /// assert_eq!(tensor.file_offset(), None);
    /// save(&path, [("tensor", tensor)], &SaveOptions::new())?;
    /// let saved = Archive::open(&path)?.tensor("tensor")?;
    /// let offset = saved.file_offset().unwrap() as usize;
    /// assert_eq!(std::fs::read(&path)?[offset..][..3], [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn file_offset(&self) -> Option<u64> {
        let start = self.0.storage.file_offset()?;
        start.checked_add(self.0.start)
    }

    /// Fills `out` with the bytes from byte `start` of this tensor on, without keeping them.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the range ends beyond the tensor; what reading answers.
    pub fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        let end = start.checked_add(out.len() as u64);
        if end.is_none_or(|end| end > self.0.byte_len) {
            return Err(EnvError::InvalidValue {
                what: format!("bytes {start}.. of a tensor"),
                reason: format!("it has {} bytes", self.0.byte_len),
            });
        }
        if out.is_empty() {
            return Ok(());
        }
        self.0.storage.read_at(self.0.start + start, out)
    }

    /// Walks the elements in order, in blocks of at most `max_bytes`, so that a tensor larger than
    /// memory is looked at as a whole. Every block is checked against its sums, whether the archive is
    /// mapped or read, as for [`Tensor::read_at`], and nothing of it is kept.
    ///
    /// Memory is needed for one block, which has a multiple of the bytes that are read together: 64 KiB
    /// of an array that stands in a file as it is, 256 KiB of a compressed one. With a smaller
    /// `max_bytes` one such unit is held, and handed out in several blocks. What is in memory or mapped
    /// is lent as it is.
    ///
    /// ```
    /// use achronyme_env::Tensor;
    ///
    /// let tensor = Tensor::from_vec((0..1000).map(f64::from).collect(), [10, 100])?;
    /// let (mut sum, mut blocks) = (0.0, tensor.blocks::<f64>(1024)?);
    /// while let Some((first, elements)) = blocks.next_block()? {
    ///     assert_eq!(elements[0], first as f64);
    ///     sum += elements.iter().sum::<f64>();
    /// }
    /// assert_eq!(sum, 499_500.0);
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError::DTypeMismatch`] when `T` is not the element type; [`EnvError::InvalidValue`] when
    /// `max_bytes` are less than an element.
    pub fn blocks<T: Element>(&self, max_bytes: u64) -> Result<Blocks<'_, T>> {
        Blocks::new(self, max_bytes)
    }

    /// The elements for writing. Memory that is shared or not writable is copied first.
    ///
    /// # Errors
    /// As [`Tensor::as_slice`], and when memory for the copy cannot be had.
    pub fn as_mut_slice<T: Element + bytemuck::AnyBitPattern>(&mut self) -> Result<&mut [T]> {
        if T::DTYPE != self.0.dtype {
            return Err(EnvError::DTypeMismatch {
                asked: T::DTYPE.name(),
                found: self.0.dtype.name(),
            });
        }
        self.make_unique()?;
        let dtype = self.0.dtype;
        let inner = Arc::make_mut(&mut self.0);
        let (start, len) = (inner.start as usize, inner.byte_len as usize);
        let bytes = Arc::get_mut(&mut inner.storage).and_then(|storage| storage.bytes_mut());
        match bytes {
            Some(bytes) => {
                let bytes = &mut bytes[start..start + len];
                bytemuck::try_cast_slice_mut(bytes).map_err(|e| not_elements(dtype, &e))
            }
            None => Ok(&mut []),
        }
    }

    /// Gives the tensor memory of its own, unless it has it already.
    fn make_unique(&mut self) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let unique = Arc::get_mut(&mut self.0)
            .and_then(|inner| Arc::get_mut(&mut inner.storage))
            .is_some_and(|storage| storage.bytes_mut().is_some());
        if !unique {
            let mut buffer = Buffer::zeroed(self.0.byte_len)?;
            self.0
                .storage
                .read_at(self.0.start, buffer.as_bytes_mut())?;
            let mut inner = (*self.0).clone();
            inner.storage = Arc::new(buffer);
            inner.start = 0;
            self.0 = Arc::new(inner);
        }
        Ok(())
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when the number of elements differs.
    pub fn reshape(&self, shape: impl AsRef<[u64]>) -> Result<Tensor> {
        let shape = shape.as_ref();
        if byte_len(self.0.dtype, shape)? != self.0.byte_len {
            return Err(EnvError::InvalidValue {
                what: format!("a tensor of shape {}", format_shape(self.shape())),
                reason: format!("cannot be given the shape {}", format_shape(shape)),
            });
        }
        let mut inner = (*self.0).clone();
        inner.shape = shape.into();
        Ok(Tensor(Arc::new(inner)))
    }

    /// Distance from one element to the next along each axis, in bytes.
    pub fn strides(&self) -> Vec<u64> {
        let rank = self.0.shape.len();
        let mut strides = vec![0; rank];
        let mut step = self.0.dtype.size() as u64;
        let mut visit = |axis: usize| {
            strides[axis] = step;
            step = step.saturating_mul(self.0.shape[axis]);
        };
        match self.0.order {
            Order::C => (0..rank).rev().for_each(&mut visit),
            Order::Fortran => (0..rank).for_each(&mut visit),
        }
        strides
    }

    /// The storage, and the place of this tensor in it: first byte and number of bytes.
    pub(crate) fn storage(&self) -> (&Arc<dyn Storage>, u64, u64) {
        (&self.0.storage, self.0.start, self.0.byte_len)
    }
}

pub(super) fn not_elements(dtype: DType, reason: &dyn fmt::Display) -> EnvError {
    EnvError::InvalidValue {
        what: format!("the elements of a tensor of dtype {dtype}"),
        reason: reason.to_string(),
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor({} {}", self.0.dtype, format_shape(&self.0.shape))?;
        if self.0.order == Order::Fortran {
            f.write_str(", Fortran order")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_of_elements_is_refused() {
        let text = Tensor::from_vec(vec![1u8, 2], [3]).unwrap_err().to_string();
        assert!(text.contains("needs 3 bytes, 2 are given"), "{text}");
    }

    #[test]
    fn a_product_that_overflows_is_refused_unless_it_is_zero() {
        assert!(byte_len(DType::F64, &[1 << 32, 1 << 32]).is_err());
        assert_eq!(byte_len(DType::F64, &[1 << 32, 1 << 32, 0]).unwrap(), 0);
        assert!(byte_len(DType::U8, &[1; 65]).is_err());
        assert_eq!(byte_len(DType::U8, &[1; 64]).unwrap(), 1);
    }

    #[test]
    fn writing_copies_only_what_is_shared() {
        let mut a = Tensor::from_vec(vec![1.0f64, 2.0], [2]).unwrap();
        let before = a.as_slice::<f64>().unwrap().as_ptr();
        a.as_mut_slice::<f64>().unwrap()[0] = 5.0;
        assert_eq!(a.as_slice::<f64>().unwrap().as_ptr(), before);
        let b = a.clone();
        a.as_mut_slice::<f64>().unwrap()[0] = 7.0;
        assert_eq!(b.as_slice::<f64>().unwrap(), [5.0, 2.0]);
        assert_eq!(a.as_slice::<f64>().unwrap(), [7.0, 2.0]);
    }

    #[test]
    fn a_boolean_of_another_byte_is_an_error() {
        let t = Tensor::from_bytes(DType::Bool, [2], Order::C, &[1, 2]).unwrap();
        assert!(t.as_slice::<bool>().is_err());
    }

    #[test]
    fn strides_follow_the_order() {
        let c = Tensor::from_vec(vec![0f32; 6], [2, 3]).unwrap();
        assert_eq!(c.strides(), [12, 4]);
        let f = Tensor::from_vec_in_order(vec![0f32; 6], [2, 3], Order::Fortran).unwrap();
        assert_eq!(f.strides(), [4, 8]);
    }
}
