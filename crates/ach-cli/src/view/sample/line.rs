//! A line: the numbers themselves where there are few, otherwise the least and the greatest for each
//! column of pixels.

use serde_json::{Value as Json, json};

use super::{MOST_ELEMENTS, MOST_READ, Picked};
use crate::view::column::Column;
use crate::view::look::Place;
use crate::view::numbers::{ComplexPart, numbers};
use crate::view::query::Query;
use crate::view::refusal::{Refusal, Result};
use crate::view::snapshot::Snapshot;
use crate::view::table::Table;

/// Columns of pixels.
const MOST_COLUMNS: u64 = 4096;

/// Elements read at once.
const PIECE: u64 = 1 << 18;

/// Values of a vector that are looked at: each is a small tree of its own.
const MOST_VALUES: u64 = 1 << 18;

/// Numbers along a line.
trait Series {
    fn len(&self) -> u64;

    /// Elements that may be looked at one by one, `step` apart.
    fn budget(&self, step: u64) -> u64;

    /// Elements that are read about as cheaply as one.
    fn run(&self) -> u64;

    fn read(&self, from: u64, count: u64, step: u64) -> Result<Vec<f64>>;
}

/// An axis of an array.
struct OfArray {
    picked: Picked,
    axis: usize,
}

impl Series for OfArray {
    fn len(&self) -> u64 {
        self.picked.length(self.axis).unwrap_or(0)
    }

    fn budget(&self, step: u64) -> u64 {
        let apart = self.picked.stride(self.axis).saturating_mul(step);
        // Elements further apart than what is read together cost that much each.
        (MOST_READ / apart.clamp(1, self.picked.unit())).min(MOST_ELEMENTS)
    }

    fn run(&self) -> u64 {
        (self.picked.unit() / self.picked.stride(self.axis).max(1)).max(1)
    }

    fn read(&self, from: u64, count: u64, step: u64) -> Result<Vec<f64>> {
        let block = self.picked.block(&[(self.axis, from, count, step)])?;
        let dtype = block.tensor.dtype();
        Ok(numbers(dtype, block.tensor.as_bytes()?, self.picked.part))
    }
}

/// A column of a table.
struct OfColumn<'a> {
    column: Column<'a>,
    len: u64,
    part: ComplexPart,
}

impl Series for OfColumn<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn budget(&self, _step: u64) -> u64 {
        match self.column {
            Column::Elements(_) => MOST_VALUES,
            _ => MOST_ELEMENTS,
        }
    }

    fn run(&self) -> u64 {
        match self.column {
            Column::Elements(_) => 16,
            _ => 8192,
        }
    }

    fn read(&self, from: u64, count: u64, step: u64) -> Result<Vec<f64>> {
        self.column.numbers(from, count, step, self.part)
    }
}

/// A field of each of the records of a vector.
struct OfField<'a> {
    records: crate::view::look::Look<'a>,
    field: std::sync::Arc<str>,
    len: u64,
}

impl Series for OfField<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn budget(&self, _step: u64) -> u64 {
        MOST_VALUES / 4
    }

    fn run(&self) -> u64 {
        4
    }

    fn read(&self, from: u64, count: u64, step: u64) -> Result<Vec<f64>> {
        let number = |n: u64| {
            let record = self.records.part(from + n * step)?.1;
            let value = record.field(&self.field)?;
            Ok(value.and_then(|value| value.number()).unwrap_or(f64::NAN))
        };
        (0..count).map(number).collect()
    }
}

/// Elements `from..to` of a line: of an array along `axis`, of a vector, or of column `column` of a table.
///
/// # Errors
/// [`Refusal`].
pub(in crate::view) fn line(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let series = series(&place, query)?;
    let len = series.len();
    let from = query.number("from", 0)?.min(len);
    let to = query.number("to", len)?.clamp(from, len);
    let pixels = query.count("pixels", 800, MOST_COLUMNS)?;
    let mut seen = Seen::default();
    let sampled = sample(&*series, from, to, pixels, &mut seen)?;
    let mut answer = json!({
        "len": len,
        "from": from,
        "to": to,
        "nan": seen.nan,
        "infinite": seen.infinite,
        "looked_at": seen.count,
    });
    match sampled {
        Sampled::Values(values) => answer["values"] = json!(values),
        Sampled::Ranges(ranges) => {
            let (least, most): (Vec<f64>, Vec<f64>) = ranges.into_iter().unzip();
            // JSON has no NaN: what is none is null, and a gap.
            answer["least"] = json!(least);
            answer["most"] = json!(most);
        }
    }
    Ok(answer)
}

fn series<'a>(place: &Place<'a>, query: &Query) -> Result<Box<dyn Series + 'a>> {
    let part = ComplexPart::named(query.text("part"));
    if query.find("column").is_some() {
        let index = query.number("column", 0)? as usize;
        let none = || Refusal::told("the table has no such column");
        match Table::of(&place.look)?.ok_or_else(none)? {
            Table::Columns(columns, len) => {
                let (_, look) = columns.into_iter().nth(index).ok_or_else(none)?;
                let column = Column::of(&look)?.ok_or_else(none)?;
                return Ok(Box::new(OfColumn { column, len, part }));
            }
            Table::Records(records, fields) => {
                let field = fields.into_iter().nth(index).ok_or_else(none)?;
                let len = records.len()?;
                return Ok(Box::new(OfField {
                    records,
                    field,
                    len,
                }));
            }
            _ => return Err(none()),
        }
    }
    let (_, standing) = place.look.standing()?;
    if standing.tensor()?.is_none() {
        let column = Column::of(&place.look)?;
        let column = column.ok_or_else(|| Refusal::told("there is nothing to draw here"))?;
        let len = column.len()?;
        return Ok(Box::new(OfColumn { column, len, part }));
    }
    let picked = Picked::of(place, query)?;
    let rank = picked.tensor.shape().len() as u64;
    let axis = query.number("axis", rank.saturating_sub(1))? as usize;
    picked.length(axis)?;
    Ok(Box::new(OfArray { picked, axis }))
}

/// What was met on the way.
#[derive(Debug, Default)]
struct Seen {
    count: u64,
    nan: u64,
    infinite: u64,
}

impl Seen {
    /// The least and the greatest finite number; NaN when there is none.
    fn range(&mut self, numbers: &[f64]) -> (f64, f64) {
        let mut range = (f64::NAN, f64::NAN);
        for x in numbers {
            self.note(*x);
            if x.is_finite() {
                // `min` and `max` prefer a number to NaN.
                range = (range.0.min(*x), range.1.max(*x));
            }
        }
        range
    }

    fn note(&mut self, x: f64) {
        self.count += 1;
        self.nan += u64::from(x.is_nan());
        self.infinite += u64::from(x.is_infinite());
    }
}

/// What is drawn.
#[derive(Debug, PartialEq)]
enum Sampled {
    Values(Vec<f64>),
    Ranges(Vec<(f64, f64)>),
}

fn sample(
    series: &dyn Series,
    from: u64,
    to: u64,
    pixels: u64,
    seen: &mut Seen,
) -> Result<Sampled> {
    let count = to - from;
    if count <= (2 * pixels).min(series.budget(1)) {
        let values = series.read(from, count, 1)?;
        values.iter().for_each(|x| seen.note(*x));
        return Ok(Sampled::Values(values));
    }
    let edge =
        |pixel: u64| from + (u128::from(count) * u128::from(pixel) / u128::from(pixels)) as u64;
    let mut ranges = Vec::with_capacity(pixels as usize);
    if count <= series.budget(1) {
        // All of it, in pieces of whole columns of pixels.
        let together = (PIECE / (count / pixels).max(1)).max(1);
        let mut pixel = 0;
        while pixel < pixels {
            let end = (pixel + together).min(pixels);
            let start = edge(pixel);
            let numbers = series.read(start, edge(end) - start, 1)?;
            for pixel in pixel..end {
                let part = (edge(pixel) - start) as usize..(edge(pixel + 1) - start) as usize;
                ranges.push(seen.range(&numbers[part]));
            }
            pixel = end;
        }
        return Ok(Sampled::Ranges(ranges));
    }
    // A run from the middle of each column of pixels, as long as it costs little and all runs are
    // within what may be read.
    let affordable = series.budget(u64::MAX).max(1);
    let pixels_read = pixels.min(affordable);
    let every = pixels.div_ceil(pixels_read);
    let run = series.run().min(MOST_ELEMENTS / pixels).max(1);
    for pixel in 0..pixels {
        if pixel % every != 0 {
            // Too far apart to look at each: the column shows what its neighbour does.
            ranges.push(ranges.last().copied().unwrap_or((f64::NAN, f64::NAN)));
            continue;
        }
        let (start, end) = (edge(pixel), edge(pixel + 1).max(edge(pixel) + 1).min(to));
        let run = run.min(end - start);
        let start = start + (end - start - run) / 2;
        ranges.push(seen.range(&series.read(start, run, 1)?));
    }
    Ok(Sampled::Ranges(ranges))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers 0, 1, 2, ... with a limit to how many may be looked at.
    struct Rising {
        len: u64,
        budget: u64,
    }

    impl Series for Rising {
        fn len(&self) -> u64 {
            self.len
        }
        fn budget(&self, _step: u64) -> u64 {
            self.budget
        }
        fn run(&self) -> u64 {
            8
        }
        fn read(&self, from: u64, count: u64, step: u64) -> Result<Vec<f64>> {
            assert!(from + count <= self.len);
            Ok((0..count).map(|n| (from + n * step) as f64).collect())
        }
    }

    fn sampled(len: u64, budget: u64, pixels: u64) -> (Sampled, Seen) {
        let mut seen = Seen::default();
        let series = Rising { len, budget };
        (sample(&series, 0, len, pixels, &mut seen).unwrap(), seen)
    }

    #[test]
    fn few_numbers_are_drawn_as_they_are() {
        let (values, seen) = sampled(4, 1000, 2);
        assert_eq!(values, Sampled::Values(vec![0.0, 1.0, 2.0, 3.0]));
        assert_eq!(seen.count, 4);
    }

    #[test]
    fn the_least_and_the_greatest_of_every_column_are_kept() {
        let (ranges, seen) = sampled(1000, 1000, 7);
        let Sampled::Ranges(ranges) = ranges else {
            panic!("{ranges:?}")
        };
        assert_eq!((ranges.len(), seen.count), (7, 1000));
        assert_eq!((ranges[0].0, ranges[6].1), (0.0, 999.0));
        for pair in ranges.windows(2) {
            assert_eq!(pair[0].1 + 1.0, pair[1].0);
        }
    }

    #[test]
    fn what_is_looked_at_of_a_long_line_is_bounded() {
        let (ranges, seen) = sampled(1 << 50, 100, 10);
        let Sampled::Ranges(ranges) = ranges else {
            panic!("{ranges:?}")
        };
        assert_eq!((ranges.len(), seen.count), (10, 80));
        let (ranges, seen) = sampled(1 << 50, 5, 10);
        assert!(matches!(ranges, Sampled::Ranges(ranges) if ranges.len() == 10));
        assert_eq!(seen.count, 40);
    }

    #[test]
    fn what_is_no_number_is_counted_and_leaves_the_others() {
        let mut seen = Seen::default();
        let range = seen.range(&[f64::NAN, 2.0, f64::INFINITY, -1.0]);
        assert_eq!(range, (-1.0, 2.0));
        assert_eq!((seen.nan, seen.infinite), (1, 1));
        assert!(seen.range(&[f64::NAN]).0.is_nan());
    }
}
