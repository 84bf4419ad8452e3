//! Array data that has its place in a file before everything else of a save is known.

use std::io::{Read, Seek, Write};
use std::sync::Arc;

use super::build::{Builder, count};
use super::extent_source::{ExtentSource, PlannedExtent};
use crate::error::Result;
use crate::format::NONE;
use crate::format::records::Slot;
use crate::value::{DType, Order, Storage};

impl<S: Read + Write + Seek> Builder<'_, S> {
    /// A tensor whose bytes stand at a place of their own: nothing else is stored with them.
    pub(crate) fn placed_tensor(
        &mut self,
        dtype: DType,
        shape: &[u64],
        storage: Arc<dyn Storage>,
    ) -> Result<Slot> {
        let raw_len = storage.byte_len();
        let extent = match raw_len {
            0 => NONE,
            _ => count("extents", self.extents.len())?,
        };
        let slot = self.tensor_slot(dtype, Order::C, shape, extent)?;
        if raw_len > 0 {
            self.extents.push(PlannedExtent {
                source: ExtentSource::Stored { storage, start: 0 },
                raw_len,
                width: dtype.component_size(),
                cold: false,
                keep_coding: false,
            });
        }
        Ok(slot)
    }

    /// Lets go of the sources of the extents from `first` on, which are written: `written` says where
    /// their bytes can be read again, in the order of their numbers.
    pub(crate) fn release(&mut self, first: usize, written: Vec<Arc<dyn Storage>>) {
        for (extent, storage) in self.extents[first..].iter_mut().zip(written) {
            extent.source = ExtentSource::Stored { storage, start: 0 };
        }
        let extents = &self.extents;
        let is_closed = |number: u32| extents[number as usize].source.is_volatile();
        self.duplicates.forget_memory(is_closed);
    }
}
