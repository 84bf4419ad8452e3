//! Tensors that are computed in the file they will be read from: reserved, mapped, and summed when
//! the archive is published.

use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::archive::ArchiveWriter;
use super::areas::{aligned, extent_alignment};
use super::binding_options::BindingOptions;
use super::cancel::Cancel;
use super::destination::Destination;
use super::emit::threads;
use super::options::Progress;
use super::stream::Stream;
use super::written::WrittenExtent;
use crate::error::{EnvError, Origin, Result};
use crate::format::extent::{Codec, DigestKind, ExtentRecord};
use crate::format::sums::{PIECE_BYTES, combine, piece_digest};
use crate::format::{AREA_ALIGNMENT, TRAILER_LEN};
use crate::limits::HOT_BLOCK_BYTES;
use crate::mapped::{MappedRange, ReservedMemory};
use crate::name::check_name;
use crate::value::{DType, Element, TensorRef, ValueRef, byte_len, format_shape};

/// A tensor of an archive that is being written, in C order: its elements are a map of the file and
/// zero until they are written, so that they may be more than memory holds.
///
/// Given by [`ArchiveWriter::reserve_tensor`]. It is borrowed from the writer: once the archive is
/// finished nobody can write to it.
#[derive(Debug)]
pub struct ReservedTensor {
    name: String,
    dtype: DType,
    shape: Box<[u64]>,
    /// Number of its extent, and the map of that; none without elements.
    mapped: Option<(usize, MappedRange)>,
    /// Where it stands in the file.
    offset: u64,
    file: Arc<File>,
    path: Origin,
    /// What was handed out by [`ReservedTensor::memory`].
    memory: Option<Arc<ReservedMemory>>,
}

impl ReservedTensor {
    /// The name of the binding.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The lengths of the dimensions, in elements.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Number of elements.
    pub fn len(&self) -> u64 {
        self.byte_len() / self.dtype.size() as u64
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.mapped.is_none()
    }

    /// Number of bytes of all elements.
    pub fn byte_len(&self) -> u64 {
        self.as_bytes().len() as u64
    }

    /// The bytes of the elements, little-endian.
    pub fn as_bytes(&self) -> &[u8] {
        self.mapped.as_ref().map_or(&[], |(_, map)| map.bytes())
    }

    /// The bytes of the elements for writing. Those of a boolean must be 0 or 1: others are an error
    /// when the archive is finished.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        self.mapped
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
        if self.is_empty() {
            return Ok(&[]);
        }
        bytemuck::checked::try_cast_slice(self.as_bytes()).map_err(|e| self.not_elements(&e))
    }

    /// The elements for writing; [`slice::split_at_mut`] and [`slice::chunks_mut`] share them out to
    /// threads.
    ///
    /// # Errors
    /// [`EnvError::DTypeMismatch`] when `T` is not the element type, about the variable.
    pub fn as_mut_slice<T: Element + bytemuck::AnyBitPattern>(&mut self) -> Result<&mut [T]> {
        self.check_dtype::<T>()?;
        let Some((_, map)) = &mut self.mapped else {
            return Ok(&mut []);
        };
        let elements = bytemuck::try_cast_slice_mut(map.bytes_mut());
        elements.map_err(|e| not_elements(self.dtype, &e).of_variable(&self.name))
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
        let rows = self.shape.first().copied().unwrap_or_default();
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
        if let (None, Some((_, map))) = (&self.memory, &self.mapped) {
            let memory = ReservedMemory::beside(map, &self.file, self.offset);
            let failed = |e| EnvError::io("map", self.path.clone(), e).of_variable(&self.name);
            self.memory = Some(Arc::new(memory.map_err(failed)?));
        }
        Ok(self.memory.clone())
    }

    /// Sees to it that nobody writes to the file any more.
    fn set_free(&mut self, directory: &Path) -> Result<()> {
        // Nobody but the host can make it more than one, and only of one that it holds.
        match self.memory.take().filter(|m| Arc::strong_count(m) > 1) {
            Some(memory) => memory.set_free(directory).map_err(|e| {
                EnvError::io("set free memory of", self.path.clone(), e).of_variable(&self.name)
            }),
            None => Ok(()),
        }
    }

    fn check_dtype<T: Element>(&self) -> Result<()> {
        if T::DTYPE == self.dtype {
            return Ok(());
        }
        let error = EnvError::DTypeMismatch {
            asked: T::DTYPE.name(),
            found: self.dtype.name(),
        };
        Err(error.of_variable(&self.name))
    }

    fn out_of_range(&self, what: &str, start: u64, len: u64, there: u64) -> EnvError {
        let error = EnvError::SliceOutOfRange {
            slice: format!("{len} {what} from {start} on"),
            shape: format_shape(&self.shape),
            reason: format!("there are {there} {what}"),
        };
        error.of_variable(&self.name)
    }

    fn not_elements(&self, reason: &dyn fmt::Display) -> EnvError {
        not_elements(self.dtype, reason).of_variable(&self.name)
    }
}

fn not_elements(dtype: DType, reason: &dyn fmt::Display) -> EnvError {
    EnvError::InvalidValue {
        what: format!("the elements of a tensor of dtype {dtype}"),
        reason: reason.to_string(),
    }
}

impl ArchiveWriter<'_> {
    /// Adds a tensor whose elements are computed in place, in C order: what is returned is a map of
    /// the unpublished file, zero at first, and may be larger than memory. Its space is reserved
    /// before, so that a full disk is an error here. [`ArchiveWriter::finish`] sums it block by block
    /// and publishes it with everything else; until then nobody sees the file, and dropping the
    /// writer leaves nothing.
    ///
    /// From the first reserved tensor on the archive is written as with
    /// [`SaveOptions::streaming`](crate::SaveOptions::streaming). Several may be reserved;
    /// [`ArchiveWriter::reserved`] and [`ArchiveWriter::all_reserved`] hand them out again.
    ///
    /// ```
    /// use achronyme_env::{Archive, ArchiveWriter, DType, SaveOptions};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("field.ach");
    ///
    /// let mut writer = ArchiveWriter::create(&path, &SaveOptions::new())?;
    /// let field = writer.reserve_tensor("field", DType::F64, &[1000, 50])?;
    /// for row in 0..1000 {
    ///     field.rows_mut::<f64>(row, 1)?.fill(row as f64);
    /// }
    /// writer.add("steps", 1000i64)?;
    /// writer.finish()?;
    ///
    /// let field = Archive::open(&path)?.tensor("field")?;
    /// assert_eq!(field.as_slice::<f64>()?[50 * 999], 999.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError::DiskFull`] and [`EnvError::Io`]; [`EnvError::FileTooLarge`]; about the variable
    /// [`EnvError::InvalidValue`] for a shape whose size in bytes is too large, and for a binding that
    /// the options leave out or compress; [`EnvError::DuplicateName`], [`EnvError::NameTooLong`]. The
    /// archive goes on without it after an error.
    pub fn reserve_tensor(
        &mut self,
        name: &str,
        dtype: DType,
        shape: &[u64],
    ) -> Result<&mut ReservedTensor> {
        self.reserve_tensor_with(name, dtype, shape, &BindingOptions::default())
    }

    /// As [`ArchiveWriter::reserve_tensor`], with attributes or marks.
    ///
    /// # Errors
    /// As [`ArchiveWriter::reserve_tensor`].
    pub fn reserve_tensor_with(
        &mut self,
        name: &str,
        dtype: DType,
        shape: &[u64],
        options: &BindingOptions,
    ) -> Result<&mut ReservedTensor> {
        check_name(name)?;
        if self.entries.names().any(|known| known == name) {
            let name = name.to_owned();
            return Err(EnvError::DuplicateName { name });
        }
        let of_variable = |e: EnvError| e.of_variable(name);
        let raw_len = byte_len(dtype, shape).map_err(of_variable)?;
        self.refuse_unreservable(name, options)
            .map_err(of_variable)?;
        if self.stream.is_none() {
            self.stream = Some(Stream::new(&self.destination)?);
        }
        self.stream_waiting(0)?;
        let Some(mut stream) = self.stream.take() else {
            unreachable!("it was made above");
        };
        let reserved = self.reserve(&mut stream, (name, dtype, shape, raw_len), options);
        let stream = self.stream.insert(stream);
        stream.reserved.push(reserved?);
        match stream.reserved.last_mut() {
            Some(reserved) => Ok(reserved),
            None => unreachable!("one was pushed"),
        }
    }

    /// The tensor that was reserved under that name.
    pub fn reserved(&mut self, name: &str) -> Option<&mut ReservedTensor> {
        self.all_reserved().find(|reserved| reserved.name == name)
    }

    /// All tensors that were reserved, in that order, to be written at once: by several threads, or
    /// one from the other.
    pub fn all_reserved(&mut self) -> impl Iterator<Item = &mut ReservedTensor> {
        let stream = self.stream.iter_mut();
        stream.flat_map(|stream| stream.reserved.iter_mut())
    }

    /// Refuses another binding of the name of a reserved tensor, which would cost what was computed.
    pub(super) fn refuse_reserved(&self, name: &str) -> Result<()> {
        let mut reserved = self.stream.iter().flat_map(|stream| &stream.reserved);
        match reserved.any(|reserved| reserved.name == name) {
            true => Err(EnvError::DuplicateName {
                name: name.to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// What the options say of a binding must be possible in place.
    fn refuse_unreservable(&mut self, name: &str, options: &BindingOptions) -> Result<()> {
        let refuse = |reason: &str| {
            Err(EnvError::InvalidValue {
                what: "a reserved tensor".to_owned(),
                reason: reason.to_owned(),
            })
        };
        if self.is_cold(name) {
            return refuse(
                "it is computed in place and cannot be compressed; leave its name out of `cold`, or add it as a value",
            );
        }
        let none = TensorRef::new::<u8>(&[], &[0])?;
        if !self.takes(name, &ValueRef::Tensor(none), options) {
            return refuse("the options leave it out of the archive");
        }
        Ok(())
    }

    fn reserve(
        &mut self,
        stream: &mut Stream,
        (name, dtype, shape, raw_len): (&str, DType, &[u64], u64),
        options: &BindingOptions,
    ) -> Result<ReservedTensor> {
        let offset = aligned(stream.end, extent_alignment(raw_len));
        let mut record =
            ExtentRecord::blank(raw_len, Codec::Raw, HOT_BLOCK_BYTES, self.digest_kind());
        record.offset = offset;
        let mut mapped = None;
        if raw_len > 0 {
            let end = offset.saturating_add(raw_len);
            let needed = aligned(end, AREA_ALIGNMENT)
                .saturating_add(record.sums_len())
                .saturating_add(TRAILER_LEN);
            if let Some(max) = self.options.max_file_size.filter(|max| needed > *max) {
                return Err(EnvError::FileTooLarge {
                    path: self.destination.origin(),
                    needed,
                    max,
                });
            }
            let Destination::Replacement(replacement) = &self.destination else {
                unreachable!("writers in memory are not handed out");
            };
            replacement.allocate(stream.end, end)?;
            let map = replacement.map(offset, raw_len)?;
            mapped = Some((stream.records.len(), map));
        }
        let storage = Arc::new(WrittenExtent {
            file: Arc::clone(&stream.file),
            path: self.destination.origin(),
            offset,
            raw_len,
            closed: true,
        });
        let slot = self.builder.placed_tensor(dtype, shape, storage)?;
        if raw_len > 0 {
            stream.end = offset + raw_len;
            stream.records.push(record);
            stream.lists.push(Vec::new());
        }
        self.note_large(name, "tensor", raw_len);
        self.push_entry(name, slot, options)?;
        Ok(ReservedTensor {
            name: name.to_owned(),
            dtype,
            shape: shape.into(),
            mapped,
            offset,
            file: Arc::clone(&stream.file),
            path: self.destination.origin(),
            memory: None,
        })
    }

    /// Sums the reserved tensors: nobody writes to them any more.
    pub(super) fn sum_reserved(&self, stream: &mut Stream) -> Result<()> {
        if let Destination::Replacement(replacement) = &self.destination {
            for reserved in &mut stream.reserved {
                reserved.set_free(replacement.directory())?;
            }
        }
        let reserved_bytes: u64 = stream.reserved.iter().map(ReservedTensor::byte_len).sum();
        let mut before = stream.raw_bytes;
        for reserved in &stream.reserved {
            let Some((number, map)) = &reserved.mapped else {
                continue;
            };
            if reserved.dtype == DType::Bool {
                reserved.as_slice::<bool>()?;
            }
            let summing = Summing {
                bytes: map.bytes(),
                digest: self.digest_kind(),
                cancel: self.cancel(),
                progress: self.options.progress.as_ref(),
                before,
                total: stream.raw_bytes + reserved_bytes,
                done: Mutex::new(0),
            };
            let (sums, digest) = summing.run()?;
            stream.records[*number].digest = digest;
            stream.lists[*number] = bytemuck::cast_slice(&sums).to_vec();
            before += reserved.byte_len();
        }
        Ok(())
    }
}

/// Array data that is in its place, and is summed on all cores.
struct Summing<'s> {
    bytes: &'s [u8],
    digest: DigestKind,
    cancel: Cancel,
    progress: Option<&'s Progress>,
    /// Bytes of array data done before this one, and of all.
    before: u64,
    total: u64,
    done: Mutex<u64>,
}

/// CRC-32 of the blocks of a piece, and its digest.
type PieceSums = (Vec<u32>, [u8; 32]);

impl Summing<'_> {
    /// CRC-32 of every block, and the digest.
    fn run(&self) -> Result<(Vec<u32>, [u8; 32])> {
        let pieces: Vec<&[u8]> = self.bytes.chunks(PIECE_BYTES).collect();
        let results: Vec<Mutex<PieceSums>> = pieces.iter().map(|_| Mutex::default()).collect();
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let work = || -> Result<()> {
            loop {
                let number = next.fetch_add(1, Relaxed);
                let (Some(piece), Some(result)) = (pieces.get(number), results.get(number)) else {
                    return Ok(());
                };
                if stop.load(Relaxed) {
                    return Ok(());
                }
                if let Err(error) = self.cancel.check() {
                    stop.store(true, Relaxed);
                    return Err(error);
                }
                let blocks = piece.chunks(HOT_BLOCK_BYTES as usize);
                let sums = blocks.map(crc32fast::hash).collect();
                let digest = piece_digest(self.digest, piece);
                *result.lock().unwrap_or_else(PoisonError::into_inner) = (sums, digest);
                self.report(piece.len() as u64);
            }
        };
        std::thread::scope(|scope| {
            let others = 1..threads().min(pieces.len());
            let others: Vec<_> = others.map(|_| scope.spawn(work)).collect();
            let mut result = work();
            for other in others {
                let other = other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                result = result.and(other);
            }
            result
        })?;
        let (mut sums, mut digests) = (Vec::new(), Vec::with_capacity(pieces.len()));
        for result in results {
            let (of_blocks, digest) = result.into_inner().unwrap_or_else(PoisonError::into_inner);
            sums.extend(of_blocks);
            digests.push(digest);
        }
        Ok((sums, combine(self.digest, &digests)))
    }

    fn report(&self, bytes: u64) {
        let Some(progress) = self.progress else {
            return;
        };
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += bytes;
        progress(self.before + *done, self.total);
    }
}
