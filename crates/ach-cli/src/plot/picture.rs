//! Matrices as heat maps, and images.

use achronyme_env::format_shape;

use super::axis::Axis;
use super::cells::Cells;
use super::choose::{Series, Source, is_image, white};
use super::draw::measure;
use super::figure::Figure;
use super::numbers::Part;
use super::{Wish, not_a_vector, tell_missing};
use crate::error::{Failure, Result};

/// How many times longer a side of a matrix may be than the other, for its cells to be squares.
const SQUARE_UP_TO: f64 = 4.0;

/// Draws a matrix.
///
/// # Errors
/// What reading answers; what is no matrix, and what has no finite number.
pub(crate) fn heat_map(source: &Source, series: &Series, wish: &Wish) -> Result<(Figure, String)> {
    let mut series = series.clone();
    let shape = series.numbers.shape();
    let [rows, columns] = shape.as_slice() else {
        return Err(match shape.len() {
            1 => source.refusal(
                &wish.names[0],
                "is a vector; a heat map is drawn of a matrix",
            ),
            _ => source.refusal(&wish.names[0], &not_a_vector(&wish.names[0], &shape)),
        });
    };
    if series.numbers.is_complex() {
        series.name = format!("|{}|", series.name);
        series.numbers = series.numbers.part(Part::Absolute);
    }
    let mut figure = page(&series, (*rows, *columns), wish);
    let shown = *columns as f64 / *rows as f64;
    if (1.0 / SQUARE_UP_TO..=SQUARE_UP_TO).contains(&shown) {
        figure.aspect = Some(shown);
    }
    // A scale for now: the room it takes is always the same.
    let units = series.units.clone().unwrap_or_default();
    figure.scale = Some(Axis::exactly((0.0, 1.0), false).labelled(units.clone()));
    let cells = fill(&mut figure, &series, wish)?;
    let range = cells.range();
    tell_missing(&series, cells.missing, range.is_some(), " and left out")?;
    let scale = Axis::exactly(range.unwrap_or_default(), wish.log);
    figure.raster = Some(cells.heat(&scale));
    figure.scale = Some(scale.labelled(units));
    Ok((
        figure,
        format!("heat map of shape {}", format_shape(&shape)),
    ))
}

/// Draws an image.
///
/// # Errors
/// What reading answers; what is no image.
pub(crate) fn image(source: &Source, series: &Series, wish: &Wish) -> Result<(Figure, String)> {
    let shape = series.numbers.shape();
    let name = &wish.names[0];
    if !is_image(&shape) {
        let text = format!(
            "is no image: its shape is {}, and an image has rows, columns, and 1 to 4 channels if any",
            format_shape(&shape)
        );
        return Err(source.refusal(name, &text));
    }
    if series.numbers.is_complex() {
        return Err(source.refusal(name, "is complex and no image; --heatmap draws it"));
    }
    if wish.log {
        return Err(Failure::refused(
            "an image has no logarithmic scale; use --heatmap with --log",
        ));
    }
    let mut figure = page(series, (shape[0], shape[1]), wish);
    figure.aspect = Some(shape[1] as f64 / shape[0] as f64);
    let cells = fill(&mut figure, series, wish)?;
    let drawn = cells.range().is_some();
    tell_missing(series, cells.missing, drawn, " and left white")?;
    figure.raster = Some(cells.image(white(&series.numbers)));
    Ok((
        figure,
        format!("image of {} x {} pixels", shape[1], shape[0]),
    ))
}

fn page(series: &Series, (rows, columns): (u64, u64), wish: &Wish) -> Figure {
    let (x, y) = (Axis::of_cells(columns), Axis::of_cells(rows).flipped());
    let mut figure = Figure::new(wish.size, x, y);
    figure.title = series.name.clone();
    figure.subtitle = " ".to_owned();
    figure
}

/// Reads no more cells than there will be pixels, and says when they are fewer than elements.
fn fill(figure: &mut Figure, series: &Series, wish: &Wish) -> Result<Cells> {
    let plot = figure.layout(measure).plot;
    let most = (plot.width as usize, plot.height as usize);
    let cells = Cells::read(&series.numbers, most, wish.log)?;
    let shape = series.numbers.shape();
    let kind = format!("{} {}", series.numbers.dtype(), format_shape(&shape));
    let by = |count: u64, cells: usize| {
        let share = count as f64 / cells.max(1) as f64;
        match share.fract() == 0.0 {
            true => format!("{share}"),
            false => format!("{share:.1}"),
        }
    };
    figure.subtitle = match (cells.rows as u64, cells.columns as u64) == (shape[0], shape[1]) {
        true => kind,
        false => format!(
            "{kind}, each pixel the mean of {} x {}",
            by(shape[0], cells.rows),
            by(shape[1], cells.columns)
        ),
    };
    Ok(cells)
}
