//! Samples of arrays: as much as there are pixels for, and no more read than is bounded here.

pub(super) mod heat;
pub(super) mod image;
pub(super) mod line;
mod plane;
pub(super) mod statistics;

use achronyme_env::{Axis, Slice, Tensor};

use super::look::Place;
use super::numbers::ComplexPart;
use super::query::Query;
use super::refusal::{Refusal, Result};

/// Elements looked at for one answer.
const MOST_ELEMENTS: u64 = 4 << 20;

/// Bytes read for one answer, about: what is read together counts as a whole.
const MOST_READ: u64 = 128 << 20;

/// An array of which a part is shown.
pub(super) struct Picked {
    /// The array.
    pub(super) tensor: Tensor,
    /// The index at which each axis stands that is not shown.
    fixed: Vec<u64>,
    /// Which part of complex numbers is shown.
    pub(super) part: ComplexPart,
}

/// Elements of a part of an array.
pub(super) struct Block {
    /// The elements.
    pub(super) tensor: Tensor,
    /// Distance from one element to the next along each axis asked for, in elements.
    pub(super) strides: Vec<u64>,
}

/// What is taken of an axis: its number, the first index, how many, and the distance between them.
pub(super) type Range = (usize, u64, u64, u64);

/// `count` indices from `from` on, `step` apart.
pub(super) fn range(from: u64, count: u64, step: u64) -> Axis {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let span = count.saturating_sub(1).saturating_mul(step);
    let stop = match count {
        0 => from,
        _ => from.saturating_add(span).saturating_add(1),
    };
    Axis::Range {
        start: Some(number(from)),
        stop: Some(number(stop)),
        step: number(step.max(1)),
    }
}

impl Picked {
    /// The array at a place; `fix` is the index of each axis, `part` of complex numbers.
    ///
    /// # Errors
    /// When there is no array, or no such index.
    pub(super) fn of(place: &Place<'_>, query: &Query) -> Result<Picked> {
        let (_, standing) = place.look.standing()?;
        let tensor = standing.tensor()?;
        let tensor = tensor.ok_or_else(|| Refusal::told("this is no array"))?;
        let mut fixed = query.numbers("fix")?;
        fixed.resize(tensor.shape().len(), 0);
        for (index, length) in fixed.iter().zip(tensor.shape()) {
            if index >= length {
                return Err(Refusal::told("the array has no such index, or is empty"));
            }
        }
        Ok(Picked {
            tensor,
            fixed,
            part: ComplexPart::named(query.text("part")),
        })
    }

    /// The length of an axis.
    ///
    /// # Errors
    /// When there is no such axis.
    pub(super) fn length(&self, axis: usize) -> Result<u64> {
        let length = self.tensor.shape().get(axis).copied();
        length.ok_or_else(|| Refusal::question("the array has no such axis"))
    }

    /// The elements of some axes, the others being fixed.
    ///
    /// # Errors
    /// When an axis is named twice or is not there; what reading answers.
    pub(super) fn block(&self, ranges: &[Range]) -> Result<Block> {
        let mut axes: Vec<Axis> = self
            .fixed
            .iter()
            .map(|at| Axis::Index(*at as i64))
            .collect();
        for (axis, from, count, step) in ranges {
            let place = axes.get_mut(*axis);
            let place = place.ok_or_else(|| Refusal::question("the array has no such axis"))?;
            if !matches!(place, Axis::Index(_)) {
                return Err(Refusal::question("an axis is named twice"));
            }
            *place = range(*from, *count, *step);
        }
        let tensor = self.tensor.slice(&Slice::new(axes))?;
        let size = tensor.dtype().size() as u64;
        let strides = tensor.strides();
        // What stays of the axes is in their order, and not in that they were asked for.
        let stride_of = |axis: usize| {
            let before = ranges.iter().filter(|range| range.0 < axis).count();
            strides.get(before).map_or(0, |stride| stride / size)
        };
        Ok(Block {
            strides: ranges.iter().map(|range| stride_of(range.0)).collect(),
            tensor,
        })
    }

    /// Bytes that are read together, about.
    pub(super) fn unit(&self) -> u64 {
        match self.tensor.file_offset() {
            Some(_) => 64 << 10,
            None => 256 << 10,
        }
    }

    /// Bytes from one element to the next along an axis.
    pub(super) fn stride(&self, axis: usize) -> u64 {
        self.tensor.strides().get(axis).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_come_back_in_the_order_they_were_asked_for() {
        let numbers: Vec<i32> = (0..2 * 3 * 4).collect();
        for order in [achronyme_env::Order::C, achronyme_env::Order::Fortran] {
            let tensor = Tensor::from_vec_in_order(numbers.clone(), [2, 3, 4], order).unwrap();
            let whole = tensor.as_slice::<i32>().unwrap();
            let strides: Vec<u64> = tensor.strides().iter().map(|s| s / 4).collect();
            let picked = Picked {
                tensor: tensor.clone(),
                fixed: vec![1, 0, 0],
                part: ComplexPart::Real,
            };
            let block = picked.block(&[(2, 1, 2, 2), (1, 0, 3, 1)]).unwrap();
            let elements = block.tensor.as_slice::<i32>().unwrap();
            for last in 0..2 {
                for middle in 0..3 {
                    let found =
                        elements[(last * block.strides[0] + middle * block.strides[1]) as usize];
                    let at = strides[0] + middle * strides[1] + (1 + last * 2) * strides[2];
                    assert_eq!(found, whole[at as usize], "{order:?} {last} {middle}");
                }
            }
            assert!(picked.block(&[(1, 0, 1, 1), (1, 0, 1, 1)]).is_err());
            assert!(picked.block(&[(3, 0, 1, 1)]).is_err());
        }
    }
}
