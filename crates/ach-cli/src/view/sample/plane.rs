//! Two axes of an array, reduced to as many cells as there are pixels for.

use super::{MOST_ELEMENTS, MOST_READ, Picked, Range};
use crate::view::query::Query;
use crate::view::refusal::{Refusal, Result};

/// Everything that one answer may cost.
const WHOLE: u128 = 1 << 20;

/// A stretch of one axis, and how many cells it becomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) axis: usize,
    pub(super) from: u64,
    pub(super) to: u64,
    /// Cells it becomes: not more than elements are looked at.
    pub(super) cells: u64,
    /// Every how manieth element is looked at.
    pub(super) step: u64,
}

impl Side {
    fn of(picked: &Picked, axis: usize, bounds: (u64, u64), cells: u64) -> Result<Side> {
        let length = picked.length(axis)?;
        let from = bounds.0.min(length.saturating_sub(1));
        let to = bounds.1.clamp(from + 1, length.max(from + 1));
        Ok(Side {
            axis,
            from,
            to,
            cells: cells.min(to - from),
            step: 1,
        })
    }

    /// Elements that are looked at.
    pub(super) fn count(&self) -> u64 {
        (self.to - self.from).div_ceil(self.step)
    }

    /// The same with fewer elements looked at, when there is more than one.
    fn thinner(self) -> Side {
        match self.count() {
            1 => self,
            _ => Side {
                step: self.step + self.step.div_ceil(2),
                ..self
            },
        }
    }

    /// The cell that the element looked at as number `n` belongs to.
    pub(super) fn cell(&self, n: u64) -> u64 {
        n * self.cells / self.count()
    }

    /// What is taken of the axis for the elements looked at from number `first` on.
    pub(super) fn range(&self, first: u64, count: u64) -> Range {
        (self.axis, self.from + first * self.step, count, self.step)
    }
}

/// Two sides, and what is read of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub(super) down: Side,
    pub(super) across: Side,
}

impl Plane {
    /// The plane a question is about: `axes=down.across`, `down=from.to`, `across=from.to`, at most
    /// `height` and `width` cells, of which each element is `depth` numbers.
    pub(super) fn of(
        picked: &Picked,
        query: &Query,
        default: (usize, usize),
        most: u64,
        depth: u64,
    ) -> Result<Plane> {
        let (down, across) = match *query.numbers("axes")? {
            [down, across] => (down as usize, across as usize),
            _ => default,
        };
        if down == across {
            return Err(Refusal::question("an axis is named twice"));
        }
        let bounds = |name: &str| -> Result<(u64, u64)> {
            Ok(match *query.numbers(name)? {
                [from, to] => (from, to),
                _ => (0, u64::MAX),
            })
        };
        let height = query.count("height", 256, most)?;
        let width = query.count("width", 256, most)?;
        let mut plane = Plane {
            down: Side::of(picked, down, bounds("down")?, height)?,
            across: Side::of(picked, across, bounds("across")?, width)?,
        };
        plane.thin(picked, depth);
        Ok(plane)
    }

    /// Looks at fewer elements until it is few enough: first at those that there are no cells for, and
    /// always where that saves most.
    fn thin(&mut self, picked: &Picked, depth: u64) {
        while !self.is_affordable(picked, depth) {
            let thinner = [
                Plane {
                    down: self.down.thinner(),
                    ..*self
                },
                Plane {
                    across: self.across.thinner(),
                    ..*self
                },
            ];
            let spare = [&self.down, &self.across].map(|side| side.count() > side.cells);
            let cost = self.cost(picked, depth);
            let costs = [0, 1].map(|n: usize| thinner[n].cost(picked, depth));
            let saves = [0, 1].map(|n: usize| costs[n] < cost);
            let is_down = match (saves, spare) {
                ([true, false], _) => true,
                ([false, true], _) => false,
                ([true, true], [true, false]) => true,
                ([true, true], [false, true]) => false,
                ([true, true], _) if costs[0] != costs[1] => costs[0] < costs[1],
                _ => self.down.count() >= self.across.count(),
            };
            *self = thinner[usize::from(!is_down)];
        }
        for side in [&mut self.down, &mut self.across] {
            side.cells = side.cells.min(side.count());
        }
    }

    fn is_affordable(&self, picked: &Picked, depth: u64) -> bool {
        let is_one = self.down.count() == 1 && self.across.count() == 1;
        is_one || self.cost(picked, depth) <= WHOLE
    }

    /// What it takes of what may be looked at and read: all of it is [`WHOLE`].
    fn cost(&self, picked: &Picked, depth: u64) -> u128 {
        let elements = u128::from(self.down.count()) * u128::from(self.across.count());
        let elements =
            elements.saturating_mul(u128::from(depth) * WHOLE) / u128::from(MOST_ELEMENTS);
        let bytes = self.bytes(picked).saturating_mul(WHOLE) / u128::from(MOST_READ);
        elements.max(bytes)
    }

    /// Bytes that are read, about.
    fn bytes(&self, picked: &Picked) -> u128 {
        let unit = u128::from(picked.unit());
        let apart = |side: &Side| u128::from(picked.stride(side.axis)) * u128::from(side.step);
        let (slow, fast) = match apart(&self.down) >= apart(&self.across) {
            true => (&self.down, &self.across),
            false => (&self.across, &self.down),
        };
        let along = |side: &Side| u128::from(side.count());
        // A row, and all rows where they share what is read together.
        let row = along(fast) * apart(fast).min(unit) + unit;
        (along(slow) * row).min(along(slow) * apart(slow) + unit)
    }

    /// Of how many elements one was looked at.
    pub(super) fn one_in(&self) -> u64 {
        self.down.step * self.across.step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::numbers::ComplexPart;
    use achronyme_env::{Order, Tensor};
    use std::sync::Arc;

    /// Storage of any size without a byte behind it.
    #[derive(Debug)]
    struct Endless(u64);

    impl achronyme_env::Storage for Endless {
        fn byte_len(&self) -> u64 {
            self.0
        }
        fn range(&self, _start: u64, _len: u64) -> achronyme_env::Result<&[u8]> {
            Ok(&[])
        }
        fn read_at(&self, _start: u64, out: &mut [u8]) -> achronyme_env::Result<()> {
            out.fill(0);
            Ok(())
        }
    }

    fn picked(shape: [u64; 3], order: Order) -> Picked {
        let bytes = shape.iter().product::<u64>() * 8;
        let storage = Arc::new(Endless(bytes));
        let tensor = Tensor::from_storage(achronyme_env::DType::F64, shape, order, storage);
        Picked {
            tensor: tensor.unwrap(),
            fixed: vec![0; 3],
            part: ComplexPart::Real,
        }
    }

    #[test]
    fn what_is_read_of_any_plane_is_bounded() {
        for shape in [
            [1 << 20, 1 << 20, 1 << 10],
            [1 << 40, 2, 3],
            [3, 1 << 40, 1],
            [512, 512, 2],
        ] {
            for order in [Order::C, Order::Fortran] {
                for axes in ["0.1", "1.0", "0.2", "2.1"] {
                    let picked = picked(shape, order);
                    let query = Query::parse(&format!("axes={axes}&height=300&width=300")).unwrap();
                    let plane = Plane::of(&picked, &query, (0, 1), 512, 1).unwrap();
                    assert!(
                        plane.is_affordable(&picked, 1),
                        "{shape:?} {order:?} {axes}"
                    );
                    for side in [plane.down, plane.across] {
                        assert!(side.cells >= 1 && side.cells <= side.count(), "{side:?}");
                        assert_eq!(side.cell(side.count() - 1), side.cells - 1, "{side:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_plane_across_a_large_array_keeps_the_cells_that_cost_nothing() {
        let picked = picked([64, 1024, 2048], Order::C);
        let query = Query::parse("axes=0.1&height=500&width=500").unwrap();
        let plane = Plane::of(&picked, &query, (0, 1), 512, 1).unwrap();
        // To read a row costs what it costs whatever is looked at of it: rows are left out.
        assert!(
            plane.across.cells >= 300 && plane.down.cells >= 6,
            "{plane:?}"
        );
    }

    #[test]
    fn a_small_plane_is_shown_as_it_is() {
        let picked = picked([4, 5, 6], Order::C);
        let query = Query::parse("axes=0.2&down=1.3&across=2.9").unwrap();
        let plane = Plane::of(&picked, &query, (0, 1), 512, 1).unwrap();
        assert_eq!((plane.down.cells, plane.across.cells), (2, 4));
        assert_eq!(plane.one_in(), 1);
        assert!(Plane::of(&picked, &Query::parse("axes=1.1").unwrap(), (0, 1), 512, 1).is_err());
    }
}
