//! How the numbers of arrays are spread: bars of one, outlines of several over the same ranges.

use achronyme_env::EnvError;

use super::axis::Axis;
use super::choose::{Chosen, Source};
use super::colours;
use super::figure::{Figure, Form, Marks};
use super::numbers::Numbers;
use super::trace::{Missing, Point};
use super::{Wish, counted, lines, parts, tell_missing, united};
use crate::error::{Failure, Result};

/// Draws a histogram.
///
/// # Errors
/// What reading answers; when nothing is finite.
pub(crate) fn figure(_: &Source, chosen: Chosen, wish: &Wish) -> Result<(Figure, String)> {
    if wish.x.is_some() {
        return Err(Failure::refused("a histogram has no --x"));
    }
    let chosen = Chosen {
        series: parts(chosen.series, wish)?,
        ..chosen
    };
    let mut range = None;
    for series in &chosen.series {
        let (own, missing) = spread(&series.numbers)?;
        tell_missing(series, missing, own.is_some(), " and in no bar")?;
        range = united(range, own);
    }
    let (from, to) = range.unwrap_or_default();
    let x = Axis::exactly((from, to), false);
    // Of a single number there is one bar, as wide as the axis.
    let (from, to, bins) = match from == to {
        true => (
            from - 0.05 * from.abs().max(1.0),
            to + 0.05 * to.abs().max(1.0),
            1,
        ),
        false => (from, to, wish.bins),
    };
    let mut all = Vec::new();
    for series in &chosen.series {
        all.push(counts(&series.numbers, (from, to), bins)?);
    }
    let most = all.iter().flatten().copied().max().unwrap_or(1).max(1) as f64;
    let y = match wish.log {
        true => Axis::exactly((0.5, most * 1.5), true),
        false => Axis::exactly((0.0, most * 1.05), false),
    };
    let mut figure = Figure::new(wish.size, x, y.whole());
    lines::label(&mut figure, &chosen);
    // The units are those of the numbers, which stand along the lower edge here.
    figure.x.label = std::mem::replace(&mut figure.y.label, "count".to_owned());
    let alone = all.len() == 1;
    for (number, counts) in all.into_iter().enumerate() {
        let form = match alone {
            true => Form::Bars { from, to, counts },
            false => Form::Line(vec![outline((from, to), &counts, wish.log)]),
        };
        let colour = colours::line(number);
        figure.marks.push(Marks { colour, form });
    }
    let elements: u64 = chosen
        .series
        .iter()
        .map(|series| series.numbers.len())
        .sum();
    let (elements, bars) = (counted(elements, "element"), counted(bins as u64, "bar"));
    Ok((figure, format!("histogram of {elements} in {bars}")))
}

fn spread(numbers: &Numbers) -> Result<(Option<(f64, f64)>, Missing), EnvError> {
    let (mut range, mut missing) = (None, Missing::default());
    numbers.each_block(|_, block| {
        for x in block.iter().filter(|x| missing.passes(**x, false)) {
            range = united(range, Some((*x, *x)));
        }
        Ok::<(), EnvError>(())
    })?;
    Ok((range, missing))
}

fn counts(numbers: &Numbers, (from, to): (f64, f64), bins: usize) -> Result<Vec<u64>, EnvError> {
    let axis = Axis::exactly((from, to), false);
    let mut counts = vec![0; bins];
    numbers.each_block(|_, block| {
        for x in block.iter().filter(|x| x.is_finite()) {
            let bin = ((axis.place(*x) * bins as f64) as usize).min(bins - 1);
            counts[bin] += 1;
        }
        Ok::<(), EnvError>(())
    })?;
    Ok(counts)
}

/// The steps over the bars.
fn outline((from, to): (f64, f64), counts: &[u64], log: bool) -> Vec<Point> {
    let floor = if log { 0.5 } else { 0.0 };
    let bins = counts.len() as f64;
    let mut points = vec![(from, floor)];
    for (n, count) in counts.iter().enumerate() {
        let edge = |n: usize| {
            let share = n as f64 / bins;
            from * (1.0 - share) + to * share
        };
        let height = (*count as f64).max(floor);
        points.extend([(edge(n), height), (edge(n + 1), height)]);
    }
    points.push((to, floor));
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_in_one_bar() {
        let numbers = Numbers::of_vec(vec![0.0, 0.1, 0.5, 0.99, 1.0, f64::NAN]).unwrap();
        let (range, missing) = spread(&numbers).unwrap();
        assert_eq!((range, missing.not_finite), (Some((0.0, 1.0)), 1));
        assert_eq!(counts(&numbers, (0.0, 1.0), 2).unwrap(), [2, 3]);
        let extremes = Numbers::of_vec(vec![f64::MIN, 0.0, f64::MAX]).unwrap();
        assert_eq!(
            counts(&extremes, (f64::MIN, f64::MAX), 3).unwrap(),
            [1, 1, 1]
        );
    }
}
