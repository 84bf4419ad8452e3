//! Pictures of variables: `choose` finds what names mean, `numbers` reads it some at a time, `trace`,
//! `cells`, `scatter` and `histogram` keep of it what a picture shows, `figure` and `axis` say where
//! it stands, `draw` draws it with plotters, and `page` makes a file of it.

mod axis;
mod cells;
mod choose;
mod colours;
mod draw;
mod figure;
mod histogram;
mod lines;
mod numbers;
mod page;
mod picture;
mod scatter;
mod trace;

use std::path::Path;

use achronyme_env::{Archive, EnvError, format_shape};

use crate::error::{Failure, Result, note};
use choose::{Chosen, Series, Source, is_image};
use figure::Figure;
pub(crate) use page::Format;
use trace::Missing;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    /// Names of variables or parts of them.
    pub(crate) names: Vec<String>,
    /// What stands along the lower edge.
    pub(crate) x: Option<String>,
    /// How it is drawn; by what it is, otherwise.
    pub(crate) kind: Option<Kind>,
    /// Of complex numbers the absolute value.
    pub(crate) absolute: bool,
    /// A logarithmic axis or scale.
    pub(crate) log: bool,
    /// Bars of a histogram.
    pub(crate) bins: usize,
    pub(crate) title: Option<String>,
    /// Width and height in pixels.
    pub(crate) size: (u32, u32),
}

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Heatmap,
    Histogram,
    Image,
    Scatter,
}

/// A picture, and in words what it shows.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) bytes: Vec<u8>,
    pub(crate) shows: String,
}

/// Draws what is asked for.
///
/// # Errors
/// What reading answers; a value that cannot be drawn, or not so.
pub(crate) fn picture(
    archive: &Archive,
    file: &Path,
    wish: &Wish,
    format: Format,
) -> Result<Picture> {
    if !draw::register_font() {
        return Err(Failure::refused("the font in this program cannot be read"));
    }
    let source = Source { archive, file };
    let chosen = source.choose(&wish.names, wish.x.as_deref())?;
    let (mut figure, shows) = figure(&source, chosen, wish).map_err(|failure| match failure {
        // Arrays are read while they are drawn: the error does not know yet of which name.
        Failure::Library(error) if !matches!(error, EnvError::Variable { .. }) => {
            Failure::Library(EnvError::Variable {
                name: wish.names.join(", "),
                source: Box::new(error),
            })
        }
        other => other,
    })?;
    if let Some(title) = &wish.title {
        figure.title = crate::term::escape::escape(title);
    }
    let bytes = page::bytes(&figure, format)
        .map_err(|error| Failure::refused(format!("the picture cannot be drawn: {error}")))?;
    Ok(Picture { bytes, shows })
}

/// What is drawn, and that in words.
fn figure(source: &Source, chosen: Chosen, wish: &Wish) -> Result<(Figure, String)> {
    if wish.kind == Some(Kind::Histogram) {
        return histogram::figure(source, chosen, wish);
    }
    if let ([series], None, None) = (chosen.series.as_slice(), &chosen.x, &chosen.table) {
        let shape = series.numbers.shape();
        let bytes = series.numbers.dtype() == achronyme_env::DType::U8;
        let pixels = bytes && wish.kind.is_none() && (shape.len() == 2 || is_colour(&shape));
        if wish.kind == Some(Kind::Image) || pixels {
            return picture::image(source, series, wish);
        }
        if wish.kind == Some(Kind::Heatmap) || (wish.kind.is_none() && shape.len() == 2) {
            return picture::heat_map(source, series, wish);
        }
    }
    if matches!(wish.kind, Some(Kind::Image | Kind::Heatmap)) {
        return Err(Failure::refused(
            "an image or a heat map is drawn of one name, without --x",
        ));
    }
    for (series, given) in chosen
        .series
        .iter()
        .chain(&chosen.x)
        .zip(given(&chosen, wish))
    {
        let shape = series.numbers.shape();
        if shape.len() != 1 {
            return Err(source.refusal(given, &not_a_vector(given, &shape)));
        }
    }
    let chosen = Chosen {
        series: match wish.kind {
            // The plane of complex numbers.
            Some(Kind::Scatter) if chosen.x.is_none() && chosen.series.len() == 1 => chosen.series,
            _ => parts(chosen.series, wish)?,
        },
        ..chosen
    };
    check_x(source, &chosen, wish)?;
    match wish.kind {
        Some(Kind::Scatter) => scatter::figure(source, chosen, wish),
        _ => lines::figure(source, chosen, wish),
    }
}

/// The names as they were given, for those series that were named one by one.
fn given<'a>(chosen: &Chosen, wish: &'a Wish) -> impl Iterator<Item = &'a str> {
    let names = match chosen.series.len() == wish.names.len() {
        true => wish.names.as_slice(),
        false => &[],
    };
    let names = names.iter().map(String::as_str);
    names.chain(wish.x.as_deref())
}

fn is_colour(shape: &[u64]) -> bool {
    is_image(shape) && matches!(shape, [_, _, 3 | 4])
}

fn not_a_vector(name: &str, shape: &[u64]) -> String {
    let shown = format_shape(shape);
    let part = |axes: &str| crate::term::escape::name(&format!("{name}[{axes}]"));
    match shape.len() {
        2 => format!(
            "is a matrix of shape {shown}, which is drawn alone; name a row or a column of it, as {} \
             or {}",
            part("0"),
            part(":, 0")
        ),
        rank => {
            let zeros = vec!["0"; rank.saturating_sub(2)].join(", ");
            format!(
                "has {rank} axes, of shape {shown}; name a part with one or two, as {} or {}{}",
                part(&format!("{zeros}, 0")),
                part(&zeros),
                match is_image(shape) {
                    true => "; --image draws it as an image",
                    false => "",
                }
            )
        }
    }
}

/// The lines that are drawn of each.
fn parts(series: Vec<Series>, wish: &Wish) -> Result<Vec<Series>> {
    let all = series
        .into_iter()
        .flat_map(|series| series.parts(wish.absolute));
    let all: Vec<Series> = all.collect();
    match all.len() <= colours::MOST_LINES {
        true => Ok(all),
        false => Err(Failure::refused(format!(
            "{} lines cannot be told apart; choose at most {}, by name or as NAME.FIELD",
            all.len(),
            colours::MOST_LINES
        ))),
    }
}

/// Whether there is an x for each element.
fn check_x(source: &Source, chosen: &Chosen, wish: &Wish) -> Result<()> {
    let (Some(x), Some(name)) = (&chosen.x, &wish.x) else {
        return Ok(());
    };
    if x.numbers.is_complex() {
        return Err(source.refusal(name, "is complex and cannot be the x of anything"));
    }
    for series in &chosen.series {
        let (these, those) = (series.numbers.len(), x.numbers.len());
        if these != those {
            let text = format!("has {those} elements, and {} has {these}", series.name);
            return Err(source.refusal(name, &format!("{text}: each element needs its x")));
        }
    }
    Ok(())
}

/// Tells what was not drawn of a series; an error if that was all of it.
fn tell_missing(series: &Series, missing: Missing, drawn: bool, as_what: &str) -> Result<()> {
    let Missing {
        not_finite,
        not_positive,
    } = missing;
    let name = &series.name;
    if !drawn {
        return Err(Failure::refused(match (not_positive, not_finite) {
            (1.., 0) => format!("no element of {name} is positive: --log has nothing to draw"),
            (1.., _) => {
                format!("no element of {name} is positive and finite: --log has nothing to draw")
            }
            _ => format!("no element of {name} is a finite number: there is nothing to draw"),
        }));
    }
    let count = series.numbers.len();
    let are = |n: u64| if n == 1 { "is" } else { "are" };
    if not_finite > 0 {
        let are = are(not_finite);
        note(&format!(
            "{not_finite} of {count} elements of {name} {are} NaN or infinite{as_what}"
        ));
    }
    if not_positive > 0 {
        let are = are(not_positive);
        note(&format!(
            "{not_positive} of {count} elements of {name} {are} not positive{as_what}"
        ));
    }
    Ok(())
}

/// The least and the greatest of two ranges.
fn united(a: Option<(f64, f64)>, b: Option<(f64, f64)>) -> Option<(f64, f64)> {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        (a, b) => a.or(b),
    }
}

/// `1 line`, `2 lines`.
fn counted(count: u64, one: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {one}{ending}")
}
