//! Points of two vectors: a dot each, or how many lie where when they are many.

use achronyme_env::EnvError;

use super::axis::Axis;
use super::cells::Raster;
use super::choose::{Chosen, Series, Source};
use super::colours::{self, over_white};
use super::draw::measure;
use super::figure::{Figure, Form, Marks};
use super::numbers::{Numbers, Part};
use super::trace::{Missing, Point};
use super::{Wish, counted, lines, tell_missing, united};
use crate::error::Result;

/// Points that are drawn one by one.
const MOST_DOTS: u64 = 20_000;

/// Pixels of a side of the squares in which more of them are counted.
const SQUARE: u32 = 2;

/// How strong the colour is where a single point lies: it must be seen.
const FAINTEST: f64 = 0.35;

/// Draws points.
///
/// # Errors
/// What reading answers; when nothing can be drawn.
pub(crate) fn figure(_: &Source, mut chosen: Chosen, wish: &Wish) -> Result<(Figure, String)> {
    let mut vertical = String::new();
    if let ([series], None) = (chosen.series.as_mut_slice(), &chosen.x)
        && series.numbers.is_complex()
    {
        let whole = series.numbers.clone();
        chosen.x = Some(Series {
            name: "real part".to_owned(),
            numbers: whole.clone().part(Part::Real),
            units: None,
        });
        series.numbers = whole.part(Part::Imaginary);
        vertical = "imaginary part".to_owned();
    }
    let (mut across, mut up, mut count) = (None, None, 0);
    for series in &chosen.series {
        let mut missing = Missing::default();
        let mut drawn = false;
        each(
            series,
            chosen.x.as_ref(),
            wish.log,
            &mut missing,
            |(x, y)| {
                drawn = true;
                count += 1;
                across = united(across, Some((x, x)));
                up = united(up, Some((y, y)));
            },
        )?;
        tell_missing(series, missing, drawn, " and left out")?;
    }
    let x = Axis::around(across.unwrap_or_default(), false);
    let x = match &chosen.x {
        Some(series) => x.labelled(series.labelled()),
        None => x.whole().labelled("index"),
    };
    let y = Axis::around(up.unwrap_or_default(), wish.log).labelled(vertical);
    let mut figure = Figure::new(wish.size, x, y);
    lines::label(&mut figure, &chosen);
    if count <= MOST_DOTS {
        for (number, series) in chosen.series.iter().enumerate() {
            let mut points = Vec::new();
            let missing = &mut Missing::default();
            each(series, chosen.x.as_ref(), wish.log, missing, |p| {
                points.push(p)
            })?;
            figure.marks.push(Marks {
                colour: colours::line(number),
                form: Form::Dots(points),
            });
        }
    } else {
        figure.subtitle = format!("{count} points, darker where more of them lie");
        figure.raster = Some(density(&figure, &chosen, wish)?);
    }
    Ok((figure, counted(count, "point")))
}

/// Every point that has a place.
fn each(
    series: &Series,
    x: Option<&Series>,
    log: bool,
    missing: &mut Missing,
    mut visit: impl FnMut(Point),
) -> Result<(), EnvError> {
    let mut point = |x: f64, y: f64| {
        if missing.passes(y, log) && missing.passes(x, false) {
            visit((x, y));
        }
    };
    let numbers: &Numbers = &series.numbers;
    match x {
        Some(x) => numbers.each_pair(&x.numbers, |_, ys, xs| {
            xs.iter().zip(ys).for_each(|(x, y)| point(*x, *y));
            Ok(())
        }),
        None => numbers.each_block(|start, ys| {
            (start..)
                .zip(ys)
                .for_each(|(index, y)| point(index as f64, *y));
            Ok(())
        }),
    }
}

/// Where how many points lie, by the strength of the colour: the logarithm of their number.
fn density(figure: &Figure, chosen: &Chosen, wish: &Wish) -> Result<Raster> {
    let plot = figure.layout(measure).plot;
    let columns = (plot.width / SQUARE).max(1) as usize;
    let rows = (plot.height / SQUARE).max(1) as usize;
    let mut rgb = vec![255; rows * columns * 3];
    let place = |share: f64, count: usize| ((share * count as f64) as usize).min(count - 1);
    for (number, series) in chosen.series.iter().enumerate() {
        let mut counts = vec![0u32; rows * columns];
        let missing = &mut Missing::default();
        each(series, chosen.x.as_ref(), wish.log, missing, |(x, y)| {
            let row = place(1.0 - figure.y.place(y), rows);
            let column = place(figure.x.place(x), columns);
            if let Some(count) = counts.get_mut(row * columns + column) {
                *count = count.saturating_add(1);
            }
        })?;
        let most = counts.iter().copied().max().unwrap_or(1);
        let most = f64::from(most).ln_1p().max(f64::MIN_POSITIVE);
        let colour = colours::line(number).map(f64::from);
        for (count, pixel) in counts.iter().zip(rgb.chunks_exact_mut(3)) {
            if *count > 0 {
                let share = f64::from(*count).ln_1p() / most;
                let strength = FAINTEST + (1.0 - FAINTEST) * share;
                pixel.copy_from_slice(&over_white(colour, strength));
            }
        }
    }
    Ok(Raster { rows, columns, rgb })
}
