//! Reserving tensors in an archive that is being written, and summing them when it is published.

use std::sync::{Arc, Mutex};

use super::archive::ArchiveWriter;
use super::areas::{aligned, extent_alignment};
use super::binding_options::BindingOptions;
use super::destination::Destination;
use super::in_place::Summing;
use super::reserved::{Reserved, ReservedTensor};
use super::stream::Stream;
use super::written::WrittenExtent;
use crate::error::{EnvError, Result};
use crate::format::extent::{Codec, ExtentRecord};
use crate::format::records::Slot;
use crate::format::{AREA_ALIGNMENT, TRAILER_LEN};
use crate::limits::HOT_BLOCK_BYTES;
use crate::name::check_name;
use crate::value::{DType, TensorRef, ValueRef, byte_len};

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
    /// let mut field = writer.reserve_tensor("field", DType::F64, &[1000, 50])?;
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
    ) -> Result<ReservedTensor<'_>> {
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
    ) -> Result<ReservedTensor<'_>> {
        check_name(name)?;
        if self.entries.names().any(|known| known == name) {
            let name = name.to_owned();
            return Err(EnvError::DuplicateName { name });
        }
        let of_variable = |e: EnvError| e.of_variable(name);
        let raw_len = byte_len(dtype, shape).map_err(of_variable)?;
        self.refuse_unreservable(name, options)
            .map_err(of_variable)?;
        // First, since they may be refused, and their arrays stand in the file before this one.
        let attributes = self.attributes_node(name, options)?;
        if self.stream.is_none() {
            self.stream = Some(Stream::new(&self.destination)?);
        }
        self.stream_waiting(0)?;
        let Some(mut stream) = self.stream.take() else {
            unreachable!("it was made above");
        };
        let reserved = self.reserve(&mut stream, (name, dtype, shape, raw_len));
        let reserved = reserved.map(|(reserved, slot)| {
            stream.reserved.push(reserved);
            self.note_large(name, "tensor", raw_len);
            self.push_entry(name, slot, attributes, options);
        });
        let stream = self.stream.insert(stream);
        reserved?;
        match stream.reserved.last_mut() {
            Some(place) => Ok(ReservedTensor { place }),
            None => unreachable!("one was pushed"),
        }
    }

    /// The tensor that was reserved under that name.
    pub fn reserved(&mut self, name: &str) -> Option<ReservedTensor<'_>> {
        self.all_reserved().find(|reserved| reserved.name() == name)
    }

    /// All tensors that were reserved, in that order, to be written at once: by several threads, or
    /// one from the other.
    pub fn all_reserved(&mut self) -> impl Iterator<Item = ReservedTensor<'_>> {
        let stream = self.stream.iter_mut();
        let places = stream.flat_map(|stream| stream.reserved.iter_mut());
        places.map(|place| ReservedTensor { place })
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
    ) -> Result<(Reserved, Slot)> {
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
        let reserved = Reserved {
            name: name.to_owned(),
            dtype,
            shape: shape.into(),
            mapped,
            offset,
            file: Arc::clone(&stream.file),
            path: self.destination.origin(),
            memory: None,
        };
        Ok((reserved, slot))
    }

    /// Sums the reserved tensors: nobody writes to them any more.
    pub(super) fn sum_reserved(&self, stream: &mut Stream) -> Result<()> {
        if let Destination::Replacement(replacement) = &self.destination {
            for reserved in &mut stream.reserved {
                reserved.set_free(replacement.directory())?;
            }
        }
        let bytes = |reserved: &Reserved| reserved.bytes().len() as u64;
        let reserved_bytes: u64 = stream.reserved.iter().map(bytes).sum();
        let mut before = stream.raw_bytes;
        for reserved in &stream.reserved {
            let Some((number, map)) = &reserved.mapped else {
                continue;
            };
            reserved.check()?;
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
            before += bytes(reserved);
        }
        Ok(())
    }
}
