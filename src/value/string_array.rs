//! Arrays of strings: a shape, offsets, and the bytes of all strings one after the other.

use std::fmt;

use super::tensor::{Tensor, format_shape};
use crate::error::{EnvError, Result};

/// An array of strings of any rank, in C order. Cheap to clone.
///
/// The layout is Arrow's large UTF-8: `n + 1` offsets and one run of bytes, each an array of its
/// own, so that an array of millions of strings opens at once and one string costs its bytes.
///
/// ```
/// use achronyme_env::StringArray;
///
/// let names = StringArray::new(["ada", "grace"], [2])?;
/// assert_eq!(names.get(1)?, "grace");
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct StringArray {
    shape: Box<[u64]>,
    offsets: Tensor,
    bytes: Tensor,
}

impl StringArray {
    /// An array of `strings` in C order.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when their number is not the product of `shape`.
    pub fn new<S: AsRef<str>>(
        strings: impl IntoIterator<Item = S>,
        shape: impl AsRef<[u64]>,
    ) -> Result<StringArray> {
        let mut offsets = vec![0u64];
        let mut bytes = Vec::new();
        for string in strings {
            bytes.extend_from_slice(string.as_ref().as_bytes());
            offsets.push(bytes.len() as u64);
        }
        let (count, length) = (offsets.len() as u64, bytes.len() as u64);
        let offsets = Tensor::from_vec(offsets, [count])?;
        StringArray::from_parts(shape, offsets, Tensor::from_vec(bytes, [length])?)
    }

    /// An array over its parts: `n + 1` offsets (`uint64`, rank 1) into `bytes` (`uint8`, rank 1).
    /// The offsets and the UTF-8 are checked when a string is asked for.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] when dtypes or lengths do not fit `shape`.
    pub fn from_parts(
        shape: impl AsRef<[u64]>,
        offsets: Tensor,
        bytes: Tensor,
    ) -> Result<StringArray> {
        use super::dtype::DType;
        let shape = shape.as_ref();
        let count = super::tensor::byte_len(DType::U8, shape)?;
        let fits = offsets.dtype() == DType::U64
            && bytes.dtype() == DType::U8
            && offsets.shape() == [count + 1]
            && bytes.shape().len() == 1;
        if !fits {
            return Err(EnvError::InvalidValue {
                what: format!("a string array of shape {}", format_shape(shape)),
                reason: format!("its parts are {offsets:?} and {bytes:?}"),
            });
        }
        Ok(StringArray {
            shape: shape.into(),
            offsets,
            bytes,
        })
    }

    /// The lengths of the dimensions.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Number of strings.
    pub fn len(&self) -> u64 {
        self.offsets.len() - 1
    }

    /// Whether there are no strings.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `index`, counted in C order.
    ///
    /// # Errors
    /// [`EnvError::NoSuchPart`] beyond the end; [`EnvError::InvalidValue`] when the offsets or the
    /// UTF-8 do not hold together; what reading answers.
    pub fn get(&self, index: u64) -> Result<&str> {
        if index >= self.len() {
            return Err(EnvError::NoSuchPart {
                path: format!("[{index}]"),
                reason: format!("the array has {} strings", self.len()),
            });
        }
        let offsets = self.offsets.as_slice::<u64>()?;
        let bytes = self.bytes.as_bytes()?;
        let (start, end) = (offsets[index as usize], offsets[index as usize + 1]);
        let broken = |reason: &str| EnvError::InvalidValue {
            what: format!("string {index} of a string array"),
            reason: reason.to_owned(),
        };
        if start > end || end > bytes.len() as u64 {
            return Err(broken("its offsets are out of order"));
        }
        std::str::from_utf8(&bytes[start as usize..end as usize]).map_err(|_| broken("not UTF-8"))
    }

    /// All strings, in C order.
    pub fn iter(&self) -> impl Iterator<Item = Result<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The strings a slice names: one string, or an array of them.
    ///
    /// # Errors
    /// [`EnvError::SliceOutOfRange`]; as [`StringArray::get`].
    pub fn slice(&self, slice: &crate::slice::Slice) -> Result<super::Value> {
        // The numbers of the strings are sliced as any tensor is; then the strings are fetched.
        let numbers = Tensor::from_vec((0..self.len()).collect::<Vec<u64>>(), &self.shape)?;
        let numbers = numbers.slice(slice)?;
        let strings = numbers
            .as_slice::<u64>()?
            .iter()
            .map(|number| self.get(*number));
        let strings: Vec<&str> = strings.collect::<Result<_>>()?;
        if let ([], [only]) = (numbers.shape(), strings.as_slice()) {
            return Ok((*only).into());
        }
        Ok(StringArray::new(strings, numbers.shape())?.into())
    }

    /// The offsets: `n + 1` of `uint64`.
    pub fn offsets(&self) -> &Tensor {
        &self.offsets
    }

    /// The bytes of all strings.
    pub fn bytes(&self) -> &Tensor {
        &self.bytes
    }
}

impl fmt::Debug for StringArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StringArray({})", format_shape(&self.shape))
    }
}
