//! A tensor of which some blocks are damaged: other elements stand in their places.

use std::sync::Arc;

use crate::error::{EnvError, Result};
use crate::value::{DType, Storage, Tensor};

/// The bytes of a tensor, with a pattern where they cannot be read.
#[derive(Debug)]
struct Filled {
    inner: Arc<dyn Storage>,
    /// Where the tensor begins in `inner`, and its length in bytes.
    start: u64,
    len: u64,
    /// One element.
    pattern: Vec<u8>,
}

impl Filled {
    /// Calls `put` with each run of bytes that is read together: its place, its length, and
    /// whether it can be read.
    fn units(&self, from: u64, len: u64, put: &mut dyn FnMut(u64, u64) -> bool) -> Vec<(u64, u64)> {
        let unit = self.inner.read_unit().max(1);
        let mut lost: Vec<(u64, u64)> = Vec::new();
        let mut at = from;
        while at < from + len {
            let place = self.start + at;
            let end = (place / unit + 1) * unit - self.start;
            let now = end.min(from + len) - at;
            if !put(at, now) {
                match lost.last_mut() {
                    Some((start, len)) if *start + *len == at => *len += now,
                    _ => lost.push((at, now)),
                }
            }
            at += now;
        }
        lost
    }
}

impl Storage for Filled {
    fn byte_len(&self) -> u64 {
        self.len
    }

    fn range(&self, _: u64, _: u64) -> Result<&[u8]> {
        Err(EnvError::InvalidValue {
            what: "a tensor with damaged blocks".to_owned(),
            reason: "its bytes are not in memory".to_owned(),
        })
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        if self.inner.read_at(self.start + start, out).is_ok() {
            return Ok(());
        }
        let len = out.len() as u64;
        self.units(start, len, &mut |at, now| {
            let from = (at - start) as usize;
            let part = &mut out[from..from + now as usize];
            let read = self.inner.read_at(self.start + at, part).is_ok();
            if !read {
                for (byte, place) in part.iter_mut().zip(at..) {
                    *byte = self.pattern[(place % self.pattern.len() as u64) as usize];
                }
            }
            read
        });
        Ok(())
    }
}

/// A tensor with the blocks that can be read, and what it lost; `None` when there are none, or none
/// is lost.
pub(super) fn filled(tensor: &Tensor) -> Option<(Tensor, String)> {
    let dtype = tensor.dtype();
    let (inner, start, len) = tensor.storage();
    let filled = Filled {
        inner: Arc::clone(inner),
        start,
        len,
        pattern: pattern(dtype),
    };
    let mut buffer = Vec::new();
    let lost = filled.units(0, len, &mut |at, now| {
        buffer.resize(now as usize, 0);
        inner.read_at(start + at, &mut buffer).is_ok()
    });
    let bytes: u64 = lost.iter().map(|(_, len)| len).sum();
    if bytes == 0 || bytes == len {
        return None;
    }
    let width = dtype.size() as u64;
    let places: Vec<String> = lost
        .iter()
        .take(4)
        .map(|(at, len)| format!("{}..{}", at / width, (at + len).div_ceil(width)))
        .collect();
    let more = match lost.len().saturating_sub(4) {
        0 => String::new(),
        more => format!(" and {more} more ranges"),
    };
    let what = match filled.pattern.iter().all(|byte| *byte == 0) {
        true => "zero",
        false => "NaN",
    };
    let reason = format!(
        "{bytes} of {len} bytes are damaged: elements {}{more}, counted as they are stored, are \
         {what} now",
        places.join(", ")
    );
    let (shape, order) = (tensor.shape().to_vec(), tensor.order());
    let tensor = Tensor::from_storage(dtype, shape, order, Arc::new(filled)).ok()?;
    Some((tensor, reason))
}

/// The bytes of NaN, or of zero.
fn pattern(dtype: DType) -> Vec<u8> {
    let twice = |bytes: &[u8]| [bytes, bytes].concat();
    match dtype {
        DType::F16 => vec![0x00, 0x7e],
        DType::BF16 => vec![0xc0, 0x7f],
        DType::F32 => f32::NAN.to_le_bytes().to_vec(),
        DType::F64 => f64::NAN.to_le_bytes().to_vec(),
        DType::Complex64 => twice(&f32::NAN.to_le_bytes()),
        DType::Complex128 => twice(&f64::NAN.to_le_bytes()),
        // The formats E4M3 and E5M2 of the OCP: all bits of exponent and mantissa.
        DType::F8E4M3 | DType::F8E5M2 => vec![0x7f],
        other => vec![0; other.size()],
    }
}
