//! A matrix or an image on a grid that is no finer than the plot: what falls into one cell of it is
//! averaged.

use achronyme_env::{EnvError, Order};

use super::axis::Axis;
use super::colours::{over_white, viridis};
use super::numbers::Numbers;
use super::trace::Missing;

/// Sums of the elements that fall into each cell.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    channels: usize,
    sums: Vec<f64>,
    counts: Vec<u32>,
    pub(crate) missing: Missing,
}

/// Colours on a grid, the first row on top.
#[derive(Clone, Debug)]
pub(crate) struct Raster {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Red, green, blue of each cell, row by row.
    pub(crate) rgb: Vec<u8>,
}

impl Cells {
    /// Reads rows and columns, and channels when there is a third axis, into at most `most` columns and
    /// rows.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn read(
        numbers: &Numbers,
        most: (usize, usize),
        log: bool,
    ) -> Result<Cells, EnvError> {
        let shape = numbers.shape();
        let axis = |n: usize| shape.get(n).copied().unwrap_or(1);
        let (height, width, depth) = (axis(0), axis(1), axis(2));
        let mut cells = Cells::new(
            fewer(height, most.1),
            fewer(width, most.0),
            depth.min(4) as usize,
        );
        let place = |index: u64| match numbers.order() {
            Order::C => (index / depth / width, index / depth % width, index % depth),
            Order::Fortran => (
                index % height,
                index / height % width,
                index / height / width,
            ),
        };
        let (rows, columns) = (cells.rows as u64, cells.columns as u64);
        numbers.each_block(|start, block| {
            for (index, x) in (start..).zip(block) {
                let (row, column, channel) = place(index);
                // A grid has at most a few thousand rows: no product overflows for what fits a disk.
                let row = u128::from(row) * u128::from(rows) / u128::from(height);
                let column = u128::from(column) * u128::from(columns) / u128::from(width);
                cells.add(row as usize, column as usize, channel as usize, *x, log);
            }
            Ok::<(), EnvError>(())
        })?;
        Ok(cells)
    }

    fn new(rows: usize, columns: usize, channels: usize) -> Cells {
        let places = rows * columns * channels;
        Cells {
            rows,
            columns,
            channels,
            sums: vec![0.0; places],
            counts: vec![0; places],
            missing: Missing::default(),
        }
    }

    fn add(&mut self, row: usize, column: usize, channel: usize, x: f64, log: bool) {
        if !self.missing.passes(x, log) {
            return;
        }
        let place = (row * self.columns + column) * self.channels + channel;
        if let (Some(sum), Some(count)) = (self.sums.get_mut(place), self.counts.get_mut(place)) {
            // A running mean: the sum of great doubles would be infinite.
            *count = count.saturating_add(1);
            *sum += (x / 2.0 - *sum / 2.0) / f64::from(*count) * 2.0;
        }
    }

    /// The mean of a cell; none where nothing is.
    fn mean(&self, cell: usize, channel: usize) -> Option<f64> {
        let place = cell * self.channels + channel;
        let count = self.counts.get(place).copied().unwrap_or(0);
        self.sums.get(place).copied().filter(|_| count > 0)
    }

    /// Least and greatest mean, if there is any.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let all = (0..self.rows * self.columns).filter_map(|cell| self.mean(cell, 0));
        all.fold(None, |range, x| {
            let (least, greatest) = range.unwrap_or((x, x));
            Some((least.min(x), greatest.max(x)))
        })
    }

    /// Numbers as colours, by their place on `scale`; white where nothing is.
    pub(crate) fn heat(&self, scale: &Axis) -> Raster {
        let colour = |cell| match self.mean(cell, 0) {
            Some(x) => viridis(scale.place(x)),
            None => [255; 3],
        };
        self.raster(colour)
    }

    /// One channel as grey, three as colours, two and four with opacity over white; the greatest
    /// brightness is `white`.
    pub(crate) fn image(&self, white: f64) -> Raster {
        let colour = |cell| {
            let channel = |n| self.mean(cell, n).map(|x| (x / white).clamp(0.0, 1.0));
            let colours = if self.channels < 3 { [0; 3] } else { [0, 1, 2] };
            let opaque = match self.channels {
                2 => channel(1),
                4 => channel(3),
                _ => Some(1.0),
            };
            match (colours.map(channel), opaque) {
                ([Some(r), Some(g), Some(b)], Some(opaque)) => {
                    over_white([r * 255.0, g * 255.0, b * 255.0], opaque)
                }
                _ => [255; 3],
            }
        };
        self.raster(colour)
    }

    fn raster(&self, colour: impl Fn(usize) -> [u8; 3]) -> Raster {
        Raster {
            rows: self.rows,
            columns: self.columns,
            rgb: (0..self.rows * self.columns).flat_map(colour).collect(),
        }
    }
}

impl Raster {
    /// The colours of a scale, the greatest on top.
    pub(crate) fn scale() -> Raster {
        const STEPS: usize = 256;
        let place = |row: usize| 1.0 - row as f64 / (STEPS - 1) as f64;
        Raster {
            rows: STEPS,
            columns: 1,
            rgb: (0..STEPS).flat_map(|row| viridis(place(row))).collect(),
        }
    }

    /// The colour at a place, from 0 to 1 from the left and from the top.
    pub(crate) fn at(&self, x: f64, y: f64) -> [u8; 3] {
        let cell = |place: f64, count: usize| {
            ((place * count as f64) as usize).min(count.saturating_sub(1))
        };
        let start = (cell(y, self.rows) * self.columns + cell(x, self.columns)) * 3;
        match self.rgb.get(start..start + 3) {
            Some([r, g, b]) => [*r, *g, *b],
            _ => [255; 3],
        }
    }
}

fn fewer(count: u64, most: usize) -> usize {
    usize::try_from(count)
        .unwrap_or(usize::MAX)
        .min(most.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Tensor;

    fn read(tensor: Tensor, most: (usize, usize)) -> Cells {
        let numbers = Numbers::of_tensor(tensor).unwrap();
        Cells::read(&numbers, most, false).unwrap()
    }

    fn means(cells: &Cells) -> Vec<Option<f64>> {
        (0..cells.rows * cells.columns)
            .map(|cell| cells.mean(cell, 0))
            .collect()
    }

    #[test]
    fn blocks_are_averaged_in_both_orders_without_what_is_no_number() {
        let numbers = vec![1.0, 3.0, 5.0, f64::NAN, 1.0, 3.0, 7.0, f64::NAN];
        let rows = Tensor::from_vec(numbers.clone(), [2, 4]).unwrap();
        let cells = read(rows, (2, 1));
        assert_eq!(means(&cells), [Some(2.0), Some(6.0)]);
        assert_eq!(
            (cells.missing.not_finite, cells.range()),
            (2, Some((2.0, 6.0)))
        );
        let turned = Tensor::from_vec_in_order(numbers, [4, 2], Order::Fortran).unwrap();
        assert_eq!(means(&read(turned, (1, 2))), [Some(2.0), Some(6.0)]);
    }

    #[test]
    fn the_greatest_doubles_have_a_mean() {
        let matrix = Tensor::from_vec(vec![f64::MAX, f64::MAX, f64::MIN, f64::MIN], [1, 4]);
        let cells = read(matrix.unwrap(), (1, 1));
        assert!(
            means(&cells)[0].unwrap().abs() < f64::MAX / 1e10,
            "{:?}",
            means(&cells)
        );
    }

    #[test]
    fn opacity_is_over_white_and_grey_has_one_channel() {
        let rgba = Tensor::from_vec(vec![255u8, 0, 0, 255, 0, 0, 0, 0], [1, 2, 4]).unwrap();
        let raster = read(rgba, (9, 9)).image(255.0);
        assert_eq!(raster.rgb, [255, 0, 0, 255, 255, 255]);
        let grey = Tensor::from_vec(vec![0u8, 51, 255], [3, 1]).unwrap();
        assert_eq!(
            read(grey, (9, 9)).image(255.0).rgb,
            [0, 0, 0, 51, 51, 51, 255, 255, 255]
        );
    }
}
