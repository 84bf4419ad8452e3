//! Taking a slice of a tensor: the part itself where it is contiguous and lent, a copy of just its
//! elements otherwise.

use std::sync::Arc;

use super::dtype::Order;
use super::storage::{Buffer, Storage};
use super::tensor::{Tensor, byte_len};
use crate::error::Result;
use crate::slice::{Slice, Taken};

impl Tensor {
    /// The elements a slice names, as a tensor of the same order. Borrowed when they are contiguous
    /// and in memory or mapped; otherwise copied, reading only the blocks they stand in.
    ///
    /// # Errors
    /// [`crate::EnvError::SliceOutOfRange`]; what reading and checking answers.
    pub fn slice(&self, slice: &Slice) -> Result<Tensor> {
        let taken = slice.resolve(self.shape())?;
        let shape: Vec<u64> = taken
            .iter()
            .filter(|axis| axis.stays)
            .map(|axis| axis.count)
            .collect();
        let len = byte_len(self.dtype(), &shape)?;
        if len == 0 {
            return Tensor::from_bytes(self.dtype(), shape, self.order(), &[]);
        }
        // With an element in it, no step leads beyond the tensor: offsets do not overflow.
        let walk = Walk::new(self, &taken);
        let (storage, start, _) = self.storage();
        if walk.outer.is_empty() && storage.read_unit() == 1 {
            return Ok(self.part(shape, walk.first, len));
        }
        let mut out = Buffer::zeroed(len)?;
        let mut window = Window::new(storage, start);
        let mut left = out.as_bytes_mut();
        let run = walk.run as usize;
        walk.for_each_run(|offset| {
            let (now, later) = std::mem::take(&mut left).split_at_mut(run);
            left = later;
            window.copy(offset, now)
        })?;
        Tensor::from_storage(self.dtype(), shape, self.order(), Arc::new(out))
    }
}

/// The runs of contiguous bytes a slice consists of, in the order of the result.
struct Walk {
    /// First byte of the first run.
    first: u64,
    /// Bytes of each run.
    run: u64,
    /// Axes outside the runs, slowest first: how often, and bytes from one to the next.
    outer: Vec<(u64, i64)>,
}

impl Walk {
    fn new(tensor: &Tensor, taken: &[Taken]) -> Walk {
        let strides = tensor.strides();
        // Slowest axis first, whatever the order of the elements.
        let mut axes: Vec<(Taken, u64, u64)> = taken
            .iter()
            .zip(strides)
            .zip(tensor.shape())
            .map(|((axis, stride), length)| (*axis, stride, *length))
            .collect();
        if tensor.order() == Order::Fortran {
            axes.reverse();
        }
        let first = axes
            .iter()
            .map(|(axis, stride, _)| axis.start * stride)
            .sum();
        let mut run = tensor.dtype().size() as u64;
        // The fastest axes belong to the run while they are taken whole; the next one does when
        // its elements follow each other.
        while let Some((axis, _, length)) = axes.last() {
            if axis.step != 1 && axis.count != 1 {
                break;
            }
            run *= axis.count;
            let whole = axis.count == *length;
            axes.pop();
            if !whole {
                break;
            }
        }
        let outer = axes.iter().filter(|(axis, ..)| axis.count != 1);
        let outer = outer.map(|(axis, stride, _)| (axis.count, axis.step * *stride as i64));
        Walk {
            first,
            run,
            outer: outer.collect(),
        }
    }

    fn for_each_run(&self, mut visit: impl FnMut(u64) -> Result<()>) -> Result<()> {
        let mut counters = vec![0u64; self.outer.len()];
        let mut offset = self.first as i64;
        loop {
            visit(offset as u64)?;
            // An odometer: the fastest axis turns first.
            let mut axis = self.outer.len();
            loop {
                let Some(next) = axis.checked_sub(1) else {
                    return Ok(());
                };
                axis = next;
                let (count, step) = self.outer[axis];
                counters[axis] += 1;
                offset += step;
                if counters[axis] < count {
                    break;
                }
                offset -= step * count as i64;
                counters[axis] = 0;
            }
        }
    }
}

/// Copies runs out of a storage; keeps the last unit that was read, since the next run often
/// stands in it.
struct Window<'s> {
    storage: &'s dyn Storage,
    /// First byte of the tensor in the storage.
    base: u64,
    unit: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl<'s> Window<'s> {
    fn new(storage: &'s Arc<dyn Storage>, base: u64) -> Self {
        Window {
            storage: &**storage,
            base,
            unit: storage.read_unit(),
            start: 0,
            bytes: Vec::new(),
        }
    }

    fn copy(&mut self, offset: u64, out: &mut [u8]) -> Result<()> {
        let start = self.base + offset;
        if self.unit == 1 {
            out.copy_from_slice(self.storage.range(start, out.len() as u64)?);
            return Ok(());
        }
        if out.len() as u64 >= self.unit {
            return self.storage.read_at(start, out);
        }
        let end = start + out.len() as u64;
        if start < self.start || end > self.start + self.bytes.len() as u64 {
            self.start = start - start % self.unit;
            let until = end.next_multiple_of(self.unit).min(self.storage.byte_len());
            self.bytes.resize((until - self.start) as usize, 0);
            self.storage.read_at(self.start, &mut self.bytes)?;
        }
        out.copy_from_slice(&self.bytes[(start - self.start) as usize..][..out.len()]);
        Ok(())
    }
}
