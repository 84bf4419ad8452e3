//! Tensors that are computed in the file they will be read from.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use crate::error::{EnvError, Origin, Result};
use crate::mapped::{MappedRange, ReservedMemory};
use crate::value::{DType, Element, format_shape};

/// A tensor of an archive that is being written, in C order: its elements are a map of the file and
/// zero until they are written, so that they may be more than memory holds.
///
/// Given by [`ArchiveWriter::reserve_tensor`](super::ArchiveWriter::reserve_tensor). It borrows from
/// the writer: once the archive is finished nobody can write to it.
#[derive(Debug)]
pub struct ReservedTensor<'w> {
    /// Borrowed here and not handed out as it is: two of them that change places would outlive the
    /// publishing of one.
    pub(super) place: &'w mut Reserved,
}

/// What a writer knows of a tensor that it reserved.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Box<[u64]>,
    /// Number of its extent, and the map of that; none without elements.
    pub(super) mapped: Option<(usize, MappedRange)>,
    /// Where it stands in the file.
    pub(super) offset: u64,
    pub(super) file: Arc<File>,
    pub(super) path: Origin,
    /// What was handed out by [`ReservedTensor::memory`].
    pub(super) memory: Option<Arc<ReservedMemory>>,
}

impl Reserved {
    pub(super) fn bytes(&self) -> &[u8] {
        self.mapped.as_ref().map_or(&[], |(_, map)| map.bytes())
    }

    /// Sees to it that nobody writes to the file any more.
    pub(super) fn set_free(&mut self, directory: &Path) -> Result<()> {
        // Nobody but the host can make it more than one, and only of one that it holds.
        match self.memory.take().filter(|m| Arc::strong_count(m) > 1) {
            Some(memory) => memory.set_free(directory).map_err(|e| {
                EnvError::io("set free memory of", self.path.clone(), e).of_variable(&self.name)
            }),
            None => Ok(()),
        }
    }

    /// Refuses bytes that are no elements.
    pub(super) fn check(&self) -> Result<()> {
        match self.dtype {
            DType::Bool => self.elements::<bool>().map(drop),
            _ => Ok(()),
        }
    }

    fn elements<T: Element>(&self) -> Result<&[T]> {
        if self.mapped.is_none() {
            return Ok(&[]);
        }
        let elements = bytemuck::checked::try_cast_slice(self.bytes());
        elements.map_err(|e| not_elements(self.dtype, &e).of_variable(&self.name))
    }
}

impl ReservedTensor<'_> {
    /// The name of the binding.
    pub fn name(&self) -> &str {
        &self.place.name
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.place.dtype
    }

    /// The lengths of the dimensions, in elements.
    pub fn shape(&self) -> &[u64] {
        &self.place.shape
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.byte_len() / self.place.dtype.size() as u64
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.place.mapped.is_none()
    }

    /// Number of bytes of all elements.
    pub fn byte_len(&self) -> u64 {
        self.place.bytes().len() as u64
    }

    /// The bytes of the elements, little-endian.
    pub fn as_bytes(&self) -> &[u8] {
        self.place.bytes()
    }

    /// The bytes of the elements for writing. Those of a boolean must be 0 or 1: others are an error
    /// when the archive is finished.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.place
            .mapped
            .as_mut()
            .map_or(&mut [], |(_, map)| map.bytes_mut())
    }

    /// The elements.
    ///
    /// # Errors
    /// [`EnvError::DTypeMismatch`] when `T` is not the element type; [`EnvError::InvalidValue`] for a
    /// boolean that is neither 0 nor 1. Each is about the variable.
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.check_dtype::<T>()?;
        self.place.elements()
    }

    /// The elements for writing; [`slice::split_at_mut`] and [`slice::chunks_mut`] share them out to
    /// threads.
    ///
    /// # Errors
    /// [`EnvError::DTypeMismatch`] when `T` is not the element type, about the variable.
    pub fn as_mut_slice<T: Element + bytemuck::AnyBitPattern>(&mut self) -> Result<&mut [T]> {
        self.check_dtype::<T>()?;
        let Some((_, map)) = &mut self.place.mapped else {
            return Ok(&mut []);
        };
        let elements = bytemuck::try_cast_slice_mut(map.bytes_mut());
        elements.map_err(|e| not_elements(self.place.dtype, &e).of_variable(&self.place.name))
    }

    /// Elements `start..start + len` for writing, counted through all dimensions.
    ///
    /// # Errors
    /// [`EnvError::SliceOutOfRange`] when there are not so many; as
    /// [`ReservedTensor::as_mut_slice`].
    pub fn range_mut<T: Element + bytemuck::AnyBitPattern>(
        &mut self,
        start: u64,
        len: u64,
    ) -> Result<&mut [T]> {
        let (first, end) = (usize::try_from(start), start.checked_add(len));
        let fits = end.is_some_and(|end| end <= self.len());
        if !fits {
            return Err(self.out_of_range("elements", start, len, self.len()));
        }
        let all = self.as_mut_slice()?;
        Ok(&mut all[first.unwrap_or_default()..][..len as usize])
    }

    /// Rows `start..start + count` for writing: all elements whose first index lies there.
    ///
    /// # Errors
    /// As [`ReservedTensor::range_mut`]. A tensor of rank 0 has no rows.
    pub fn rows_mut<T: Element + bytemuck::AnyBitPattern>(
        &mut self,
        start: u64,
        count: u64,
    ) -> Result<&mut [T]> {
        let rows = self.place.shape.first().copied().unwrap_or_default();
        let end = start.checked_add(count);
        if end.is_none_or(|end| end > rows) {
            return Err(self.out_of_range("rows", start, count, rows));
        }
        // In a tensor with elements no product of dimensions overflows.
        let row = self.len().checked_div(rows).unwrap_or_default();
        self.range_mut(start * row, count * row)
    }

    /// The same bytes as memory of its own, for a host whose arrays hold on to what they stand on:
    /// an array of NumPy may be alive when the archive is finished. It then keeps its contents and
    /// no longer writes to the file; see [`ReservedMemory`]. `None` without elements. Asked again, it
    /// is the same memory.
    ///
    /// A forked process shares it, and is not set free from the file: it must not write when the
    /// archive is finished.
    ///
    /// # Errors
    /// [`EnvError::Io`], about the variable, when the system does not map.
    pub fn memory(&mut self) -> Result<Option<Arc<ReservedMemory>>> {
        let place = &mut *self.place;
        if let (None, Some((_, map))) = (&place.memory, &place.mapped) {
            let memory = ReservedMemory::beside(map, &place.file, place.offset);
            let failed = |e| EnvError::io("map", place.path.clone(), e).of_variable(&place.name);
            place.memory = Some(Arc::new(memory.map_err(failed)?));
        }
        Ok(place.memory.clone())
    }

    fn check_dtype<T: Element>(&self) -> Result<()> {
        if T::DTYPE == self.place.dtype {
            return Ok(());
        }
        let error = EnvError::DTypeMismatch {
            asked: T::DTYPE.name(),
            found: self.place.dtype.name(),
        };
        Err(error.of_variable(&self.place.name))
    }

    fn out_of_range(&self, what: &str, start: u64, len: u64, there: u64) -> EnvError {
        let error = EnvError::SliceOutOfRange {
            slice: format!("{len} {what} from {start} on"),
            shape: format_shape(&self.place.shape),
            reason: format!("there are {there} {what}"),
        };
        error.of_variable(&self.place.name)
    }
}

fn not_elements(dtype: DType, reason: &dyn fmt::Display) -> EnvError {
    EnvError::InvalidValue {
        what: format!("the elements of a tensor of dtype {dtype}"),
        reason: reason.to_string(),
    }
}
