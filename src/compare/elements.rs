//! Tensors of one dtype, shape and order, element by element, in bounded memory.

use super::numbers::{Tally, tally};
use super::options::Rules;
use super::pieces::{each_piece, part};
use super::report::ElementMismatch;
use super::workspace::{Known, known};
use crate::error::Result;
use crate::value::{DType, Order, Tensor, Value};

/// Whether both are known to have the same bytes without reading any: the same memory, or the same
/// recorded digest.
pub(super) fn are_known_same(a: &Tensor, b: &Tensor) -> bool {
    if a.byte_len() != b.byte_len() {
        return false;
    }
    let ((ours, start, _), (theirs, other_start, _)) = (a.storage(), b.storage());
    let here = ours.identity() == theirs.identity() && start == other_start;
    here || (known(a) != Known::Nothing && known(a) == known(b))
}

/// How the elements differ; `None` when they do not. Dtype, shape and order must be the same.
pub(super) fn compare(a: &Tensor, b: &Tensor, rules: &Rules) -> Result<Option<ElementMismatch>> {
    if are_known_same(a, b) {
        return Ok(None);
    }
    let dtype = a.dtype();
    let size = dtype.size() as u64;
    let found = each_piece(a.byte_len(), <[Vec<u8>; 2]>::default, |buffers, at, len| {
        let [ours, theirs] = buffers;
        let (ours, theirs) = (part(a, at, len, ours)?, part(b, at, len, theirs)?);
        let all = tally(dtype, ours, theirs, rules.tolerance);
        Ok(Tally::default().and(all, at / size))
    })?;
    let total = found
        .into_iter()
        .fold(Tally::default(), |sum, (_, tally)| sum.and(tally, 0));
    let Some(first) = total.first else {
        return Ok(None);
    };
    Ok(Some(ElementMismatch {
        differing: total.differing,
        total: a.len(),
        first: index_of(first, a.shape(), a.order()),
        a: element(a, first)?,
        b: element(b, first)?,
        largest_absolute: total.distance.absolute,
        largest_relative: total.distance.relative,
    }))
}

/// Whether any byte differs. Ends with the first that does.
pub(super) fn differ(a: &Tensor, b: &Tensor) -> Result<bool> {
    if are_known_same(a, b) {
        return Ok(false);
    }
    let found = std::sync::atomic::AtomicBool::new(false);
    each_piece(a.byte_len(), <[Vec<u8>; 2]>::default, |buffers, at, len| {
        use std::sync::atomic::Ordering::Relaxed;
        let [ours, theirs] = buffers;
        if !found.load(Relaxed) && part(a, at, len, ours)? != part(b, at, len, theirs)? {
            found.store(true, Relaxed);
        }
        Ok(())
    })?;
    Ok(found.into_inner())
}

/// One element as a tensor of rank 0.
fn element(tensor: &Tensor, number: u64) -> Result<Value> {
    let dtype: DType = tensor.dtype();
    let mut bytes = vec![0; dtype.size()];
    tensor.read_at(number * dtype.size() as u64, &mut bytes)?;
    Ok(Tensor::from_bytes(dtype, [], Order::C, &bytes)?.into())
}

/// The index of the element that stands at place `number` in memory.
pub(super) fn index_of(mut number: u64, shape: &[u64], order: Order) -> Vec<u64> {
    let mut index = vec![0; shape.len()];
    let mut step = |axis: usize| {
        let length = shape.get(axis).copied().unwrap_or(1).max(1);
        if let Some(at) = index.get_mut(axis) {
            *at = number % length;
        }
        number /= length;
    };
    match order {
        Order::C => (0..shape.len()).rev().for_each(&mut step),
        Order::Fortran => (0..shape.len()).for_each(&mut step),
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_memory_have_their_index() {
        assert_eq!(index_of(4, &[2, 3], Order::C), [1, 1]);
        assert_eq!(index_of(4, &[2, 3], Order::Fortran), [0, 2]);
        assert!(index_of(0, &[], Order::C).is_empty());
    }
}
