//! String arrays, string by string, in bounded memory.

use super::elements::{are_known_same, index_of};
use super::report::ElementMismatch;
use crate::error::{EnvError, Result};
use crate::value::{Order, StringArray, Tensor, Value};

/// Bytes read ahead.
const WINDOW_BYTES: usize = 1 << 20;
/// Bytes of a string that are taken into a report.
const SHOWN_BYTES: u64 = 1024;

/// How the strings differ; `None` when they do not. The shapes must be the same. With `first_only`
/// those after the first are not looked at.
pub(super) fn compare(
    a: &StringArray,
    b: &StringArray,
    first_only: bool,
) -> Result<Option<ElementMismatch>> {
    if are_known_same(a.offsets(), b.offsets()) && are_known_same(a.bytes(), b.bytes()) {
        return Ok(None);
    }
    let (mut ours, mut theirs) = (Strings::new(a), Strings::new(b));
    let (mut differing, mut first) = (0, None);
    for number in 0..a.len() {
        let ranges = (ours.range(number)?, theirs.range(number)?);
        if !same(&mut ours.bytes, ranges.0, &mut theirs.bytes, ranges.1)? {
            differing += 1;
            if first.is_none() {
                first = Some((number, ours.shown(ranges.0)?, theirs.shown(ranges.1)?));
            }
            if first_only {
                break;
            }
        }
    }
    let Some((number, a_shown, b_shown)) = first else {
        return Ok(None);
    };
    Ok(Some(ElementMismatch {
        differing,
        total: a.len(),
        first: index_of(number, a.shape(), Order::C),
        a: a_shown,
        b: b_shown,
        largest_absolute: None,
        largest_relative: None,
    }))
}

fn same(
    a: &mut Window<'_>,
    ours: (u64, u64),
    b: &mut Window<'_>,
    theirs: (u64, u64),
) -> Result<bool> {
    let len = ours.1 - ours.0;
    if len != theirs.1 - theirs.0 {
        return Ok(false);
    }
    let mut at = 0;
    while at < len {
        let now = (len - at).min(WINDOW_BYTES as u64) as usize;
        if a.get(ours.0 + at, now)? != b.get(theirs.0 + at, now)? {
            return Ok(false);
        }
        at += now as u64;
    }
    Ok(true)
}

/// The strings of an array, which are asked for in order.
pub(super) struct Strings<'s> {
    offsets: Window<'s>,
    bytes: Window<'s>,
}

impl<'s> Strings<'s> {
    pub(super) fn new(array: &'s StringArray) -> Self {
        Strings {
            offsets: Window::new(array.offsets()),
            bytes: Window::new(array.bytes()),
        }
    }

    /// Where string `number` begins and ends in the bytes.
    pub(super) fn range(&mut self, number: u64) -> Result<(u64, u64)> {
        let pair = self.offsets.get(number * 8, 16)?.as_chunks::<8>().0;
        let [start, end] = pair else {
            return Err(out_of_order(number));
        };
        let (start, end) = (u64::from_le_bytes(*start), u64::from_le_bytes(*end));
        match start <= end && end <= self.bytes.tensor.byte_len() {
            true => Ok((start, end)),
            false => Err(out_of_order(number)),
        }
    }

    fn shown(&mut self, (start, end): (u64, u64)) -> Result<Value> {
        let len = (end - start).min(SHOWN_BYTES) as usize;
        let bytes = self.bytes.get(start, len)?;
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            // Cut inside a character, or not UTF-8: what is sound before.
            Err(e) => bytes
                .get(..e.valid_up_to())
                .and_then(|sound| std::str::from_utf8(sound).ok())
                .unwrap_or_default(),
        };
        Ok(text.into())
    }
}

/// The error for offsets that fall, or end beyond the bytes.
pub(super) fn out_of_order(number: u64) -> EnvError {
    EnvError::InvalidValue {
        what: format!("string {number} of a string array"),
        reason: "its offsets are out of order".to_owned(),
    }
}

/// Bytes of a tensor, read ahead.
struct Window<'t> {
    tensor: &'t Tensor,
    start: u64,
    bytes: Vec<u8>,
}

impl<'t> Window<'t> {
    fn new(tensor: &'t Tensor) -> Self {
        Window {
            tensor,
            start: 0,
            bytes: Vec::new(),
        }
    }

    fn get(&mut self, at: u64, len: usize) -> Result<&[u8]> {
        let end = at + len as u64;
        let held = self.start + self.bytes.len() as u64;
        if at < self.start || end > held {
            let ahead = len.max(WINDOW_BYTES) as u64;
            let rest = self.tensor.byte_len().saturating_sub(at);
            self.start = at;
            // A range beyond the end is asked for as it is, and refused by the tensor.
            self.bytes
                .resize(ahead.min(rest.max(len as u64)) as usize, 0);
            self.tensor.read_at(at, &mut self.bytes)?;
        }
        let from = (at - self.start) as usize;
        Ok(self.bytes.get(from..from + len).unwrap_or_default())
    }
}
