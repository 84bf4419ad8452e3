//! The way of a line through a plot: all its points, or those that show when there are more of them
//! than columns of pixels.
//!
//! Of each column the first, the least, the greatest and the last point are kept ("M4": Jugel,
//! Jerzak, Hackenbroich, Markl, VLDB 2014), so a line looks as it would with all points, and a single
//! one that stands out is seen.

/// A point of the data.
pub(crate) type Point = (f64, f64);

/// What is kept of one column.
#[derive(Clone, Copy, Debug)]
struct Column {
    first: Point,
    least: (u64, Point),
    greatest: (u64, Point),
    last: Point,
    /// Something between the column before and this one is no number.
    gap: bool,
}

/// A line being read.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    columns: Vec<Option<Column>>,
    points: u64,
    gap: bool,
    /// Elements that are NaN or infinite, and those that a logarithmic axis has no place for.
    pub(crate) missing: Missing,
}

/// Elements that are not drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// NaN or infinite.
    pub(crate) not_finite: u64,
    /// Zero or below, where the logarithm is drawn.
    pub(crate) not_positive: u64,
}

impl Missing {
    /// Whether `x` is drawn; counts it if not.
    pub(crate) fn passes(&mut self, x: f64, log: bool) -> bool {
        let (finite, positive) = (x.is_finite(), !log || x > 0.0);
        self.not_finite += u64::from(!finite);
        self.not_positive += u64::from(finite && !positive);
        finite && positive
    }
}

impl Trace {
    /// A line through `columns` columns.
    pub(crate) fn new(columns: usize) -> Trace {
        Trace {
            columns: vec![None; columns],
            points: 0,
            gap: false,
            missing: Missing::default(),
        }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }

    /// The line is interrupted here.
    pub(crate) fn interrupt(&mut self) {
        self.gap = true;
    }

    /// The next point, which falls into `column`.
    pub(crate) fn add(&mut self, column: usize, point: Point) {
        let number = self.points;
        self.points += 1;
        let gap = std::mem::take(&mut self.gap);
        let last = self.columns.len().saturating_sub(1);
        let Some(place) = self.columns.get_mut(column.min(last)) else {
            return;
        };
        match place {
            None => {
                *place = Some(Column {
                    first: point,
                    least: (number, point),
                    greatest: (number, point),
                    last: point,
                    gap,
                });
            }
            Some(column) => {
                if point.1 < column.least.1.1 {
                    column.least = (number, point);
                }
                if point.1 > column.greatest.1.1 {
                    column.greatest = (number, point);
                }
                column.last = point;
            }
        }
    }

    /// Least and greatest, if there is any point.
    pub(crate) fn range(&self) -> Option<(f64, f64)> {
        let columns = self.columns.iter().flatten();
        columns.fold(None, |range, column| {
            let (least, greatest) = range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
            Some((
                least.min(column.least.1.1),
                greatest.max(column.greatest.1.1),
            ))
        })
    }

    /// The line, cut where elements are missing.
    pub(crate) fn pieces(&self) -> Vec<Vec<Point>> {
        let mut pieces: Vec<Vec<Point>> = Vec::new();
        for column in self.columns.iter().flatten() {
            if column.gap || pieces.is_empty() {
                pieces.push(Vec::new());
            }
            let (mut early, mut late) = (column.least, column.greatest);
            if late.0 < early.0 {
                std::mem::swap(&mut early, &mut late);
            }
            for point in [column.first, early.1, late.1, column.last] {
                if let Some(piece) = pieces.last_mut()
                    && piece.last() != Some(&point)
                {
                    piece.push(point);
                }
            }
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spike_among_many_is_kept_with_its_place() {
        let mut trace = Trace::new(100);
        for n in 0..100_000u32 {
            let y = if n == 77_777 { 9.0 } else { f64::from(n % 2) };
            trace.add(n as usize / 1000, (n.into(), y));
        }
        assert_eq!(trace.range(), Some((0.0, 9.0)));
        let points: Vec<Point> = trace.pieces().concat();
        assert!(points.len() <= 400);
        assert!(points.contains(&(77_777.0, 9.0)));
        assert!(
            points.is_sorted_by(|a, b| a.0 <= b.0),
            "in the order of the data"
        );
    }

    #[test]
    fn what_is_no_number_interrupts_the_line() {
        let mut trace = Trace::new(10);
        for (n, y) in [1.0, 2.0, f64::NAN, 3.0, f64::INFINITY]
            .into_iter()
            .enumerate()
        {
            match trace.missing.passes(y, false) {
                true => trace.add(n, (n as f64, y)),
                false => trace.interrupt(),
            }
        }
        assert_eq!(
            trace.pieces(),
            [vec![(0.0, 1.0), (1.0, 2.0)], vec![(3.0, 3.0)]]
        );
        assert_eq!(trace.missing.not_finite, 2);
        assert_eq!(Trace::new(3).range(), None);
    }
}
