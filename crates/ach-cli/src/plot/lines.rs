//! Lines of vectors, over their index or over another vector.

use achronyme_env::EnvError;

use super::axis::Axis;
use super::choose::{Chosen, Series, Source};
use super::colours;
use super::figure::{Figure, Form, Marks};
use super::numbers::Numbers;
use super::trace::Trace;
use super::{Wish, counted, tell_missing, united};
use crate::error::{Failure, Result};

/// Points of a line that goes to and fro: they are all kept.
const MOST_LOOPING: u64 = 1_000_000;

/// What is known of the numbers along the lower edge.
struct Along {
    range: (f64, f64),
    /// They never fall.
    rising: bool,
}

/// Draws lines.
///
/// # Errors
/// What reading answers; when nothing can be drawn.
pub(crate) fn figure(source: &Source, chosen: Chosen, wish: &Wish) -> Result<(Figure, String)> {
    let along = match &chosen.x {
        Some(x) => Some(along(source, x, wish)?),
        None => None,
    };
    let columns = wish.size.0 as usize;
    let (mut range, mut longest) = (None, 0);
    let mut traces = Vec::new();
    for series in &chosen.series {
        let trace = match (&chosen.x, &along) {
            (Some(x), Some(along)) => over_x(series, &x.numbers, along, columns, wish.log)?,
            _ => over_index(&series.numbers, columns, wish.log)?,
        };
        let drawn = trace.range();
        let alone = chosen.series.len() == 1;
        tell_missing(
            series,
            trace.missing,
            drawn.is_some() || !alone,
            " and left out",
        )?;
        range = united(range, drawn);
        longest = longest.max(series.numbers.len());
        traces.push(trace);
    }
    let Some(range) = range else {
        return Err(Failure::refused(
            "none of these has a finite number: there is nothing to draw",
        ));
    };
    let x = match (&chosen.x, along) {
        (Some(x), Some(along)) => Axis::exactly(along.range, false).labelled(x.labelled()),
        _ => Axis::exactly((0.0, longest.saturating_sub(1) as f64), false)
            .whole()
            .labelled("index"),
    };
    let mut figure = Figure::new(wish.size, x, Axis::around(range, wish.log));
    label(&mut figure, &chosen);
    for (number, trace) in traces.iter().enumerate() {
        figure.marks.push(Marks {
            colour: colours::line(number),
            form: Form::Line(trace.pieces()),
        });
    }
    let lines = counted(traces.len() as u64, "line");
    let each = if traces.len() == 1 { "" } else { " each" };
    Ok((
        figure,
        format!("{lines} of {}{each}", counted(longest, "point")),
    ))
}

/// Title, legend and what stands beside the y axis.
pub(crate) fn label(figure: &mut Figure, chosen: &Chosen) {
    let units: Vec<&String> = chosen
        .series
        .iter()
        .filter_map(|s| s.units.as_ref())
        .collect();
    if let [series] = chosen.series.as_slice() {
        figure.title = match &chosen.table {
            Some(table) => format!("{table}.{}", series.name),
            None => series.name.clone(),
        };
    } else {
        figure.title = chosen.table.clone().unwrap_or_default();
        let named = chosen.series.iter().enumerate();
        let named = named.map(|(n, series)| (series.name.clone(), colours::line(n)));
        figure.legend = named.collect();
    }
    // Beside the axis only what holds for all.
    if let Some(first) = units.first()
        && units.len() == chosen.series.len()
        && units.iter().all(|unit| unit == first)
    {
        figure.y.label = (*first).clone();
    }
}

fn along(source: &Source, x: &Series, wish: &Wish) -> Result<Along> {
    let (mut range, mut rising, mut before) = (None, true, f64::NEG_INFINITY);
    x.numbers.each_block(|_, block| {
        for x in block.iter().filter(|x| x.is_finite()) {
            range = united(range, Some((*x, *x)));
            rising &= *x >= before;
            before = *x;
        }
        Ok::<(), EnvError>(())
    })?;
    let name = wish.x.as_deref().unwrap_or_default();
    let Some(range) = range else {
        return Err(source.refusal(name, "has no finite number to be the x of anything"));
    };
    if !rising && x.numbers.len() > MOST_LOOPING {
        let text = format!(
            "goes to and fro over {} elements, more than {MOST_LOOPING} that a line can follow; use \
             --scatter, or slices",
            x.numbers.len()
        );
        return Err(source.refusal(name, &text));
    }
    Ok(Along { range, rising })
}

/// Columns of a line of `len` points: one for each point where that is not too many.
fn room(len: u64, columns: usize) -> usize {
    match len <= 2 * columns as u64 {
        true => len as usize,
        false => columns,
    }
}

fn over_index(numbers: &Numbers, columns: usize, log: bool) -> Result<Trace> {
    let len = numbers.len();
    let mut trace = Trace::new(room(len, columns));
    let width = trace.width() as u128;
    numbers.each_block(|start, block| {
        for (index, y) in (start..).zip(block) {
            match trace.missing.passes(*y, log) {
                true => {
                    let column = u128::from(index) * width / u128::from(len);
                    trace.add(column as usize, (index as f64, *y));
                }
                false => trace.interrupt(),
            }
        }
        Ok::<(), EnvError>(())
    })?;
    Ok(trace)
}

fn over_x(series: &Series, x: &Numbers, along: &Along, columns: usize, log: bool) -> Result<Trace> {
    let len = x.len();
    let width = match along.rising {
        true => room(len, columns),
        false => len as usize,
    };
    let each = width as u64 == len;
    let mut trace = Trace::new(width);
    let axis = Axis::exactly(along.range, false);
    series.numbers.each_pair(x, |start, ys, xs| {
        for (index, (y, x)) in (start..).zip(ys.iter().zip(xs)) {
            let mut passes = trace.missing.passes(*y, log);
            if passes && !x.is_finite() {
                trace.missing.not_finite += 1;
                passes = false;
            }
            if !passes {
                trace.interrupt();
                continue;
            }
            let column = match each {
                true => index as usize,
                false => (axis.place(*x) * width as f64) as usize,
            };
            trace.add(column, (*x, *y));
        }
        Ok::<(), EnvError>(())
    })?;
    Ok(trace)
}
