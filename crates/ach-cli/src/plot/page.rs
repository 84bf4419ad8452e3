//! A figure as the bytes of a PNG or SVG file.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::prelude::*;

use super::cells::Raster;
use super::draw::{draw, measure};
use super::figure::{Area, Figure, Layout};

/// The kind of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Pixels
    Png,
    /// Lines and text, which stay sharp at any size
    Svg,
}

/// In an SVG lengths are whole numbers of this part of a pixel.
const FINE: u32 = 10;

/// Draws the figure. The text says what failed.
///
/// # Errors
/// What drawing answers: no figure made here should.
pub(crate) fn bytes(figure: &Figure, format: Format) -> Result<Vec<u8>, String> {
    let layout = figure.layout(measure);
    match format {
        Format::Png => png(figure, &layout),
        Format::Svg => svg(figure, &layout).map(String::into_bytes),
    }
}

fn svg(figure: &Figure, layout: &Layout) -> Result<String, String> {
    let (width, height) = figure.size;
    let mut drawn = String::new();
    {
        let page = SVGBackend::with_string(&mut drawn, (width * FINE, height * FINE));
        let page = page.into_drawing_area();
        draw(figure, layout, &page, FINE, true).map_err(|error| error.to_string())?;
        page.present().map_err(|error| error.to_string())?;
    }
    // The head is written again: with the size in pixels, and what is behind everything.
    let (_, body) = drawn.split_once('\n').ok_or("the picture has no head")?;
    let body = body.trim_start();
    let mut page = format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#FFFFFF\"/>\n",
        width * FINE,
        height * FINE
    );
    for (area, raster) in rasters(figure, layout) {
        let Area {
            left,
            top,
            width,
            height,
        } = area;
        page.push_str(&format!(
            "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" preserveAspectRatio=\"none\" \
             style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>\n",
            left * FINE,
            top * FINE,
            width * FINE,
            height * FINE,
            STANDARD.encode(encode(raster.columns, raster.rows, &raster.rgb)?)
        ));
    }
    page.push_str(body);
    // Names hold no such characters where they come from; XML has none of these at all.
    Ok(page.replace(|c| !is_xml(c), "\u{fffd}"))
}

/// The characters of XML 1.0.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn png(figure: &Figure, layout: &Layout) -> Result<Vec<u8>, String> {
    let (width, height) = figure.size;
    // Drawn larger and averaged: plotters has no smooth thick lines of its own.
    let unit = match width * height {
        0..=2_000_000 => 3,
        _ => 2,
    };
    let (wide, high) = (width * unit, height * unit);
    let mut large = vec![255; wide as usize * high as usize * 3];
    for (area, raster) in rasters(figure, layout) {
        fill(&mut large, wide, area, unit, &raster);
    }
    {
        let page = BitMapBackend::with_buffer(&mut large, (wide, high)).into_drawing_area();
        draw(figure, layout, &page, unit, false).map_err(|error| error.to_string())?;
        page.present().map_err(|error| error.to_string())?;
    }
    encode(
        width as usize,
        height as usize,
        &averaged(&large, wide as usize, unit as usize),
    )
}

/// What is behind the lines, and where.
fn rasters(figure: &Figure, layout: &Layout) -> Vec<(Area, Raster)> {
    let mut rasters = Vec::new();
    if let Some(raster) = &figure.raster {
        rasters.push((layout.plot, raster.clone()));
    }
    if let Some(area) = layout.scale {
        rasters.push((area, Raster::scale()));
    }
    rasters
}

/// Puts a raster on the page.
fn fill(page: &mut [u8], page_width: u32, area: Area, unit: u32, raster: &Raster) {
    let (width, height) = (area.width * unit, area.height * unit);
    let start = (area.left * unit) as usize * 3;
    let rows = page.chunks_exact_mut(page_width as usize * 3);
    let rows = rows.skip((area.top * unit) as usize).take(height as usize);
    for (row, pixels) in rows.enumerate() {
        let y = (row as f64 + 0.5) / f64::from(height);
        let pixels = pixels.get_mut(start..).unwrap_or_default();
        for (column, pixel) in pixels.chunks_exact_mut(3).take(width as usize).enumerate() {
            let x = (column as f64 + 0.5) / f64::from(width);
            pixel.copy_from_slice(&raster.at(x, y));
        }
    }
}

/// The page with the mean of `unit` times `unit` pixels as one.
fn averaged(large: &[u8], width: usize, unit: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(large.len() / unit / unit);
    let mut sums = vec![0u32; width / unit * 3];
    for rows in large.chunks_exact(width * unit * 3) {
        sums.fill(0);
        for row in rows.chunks_exact(width * 3) {
            for (sums, block) in sums.chunks_exact_mut(3).zip(row.chunks_exact(unit * 3)) {
                for pixel in block.chunks_exact(3) {
                    for (sum, part) in sums.iter_mut().zip(pixel) {
                        *sum += u32::from(*part);
                    }
                }
            }
        }
        let count = (unit * unit) as u32;
        small.extend(sums.iter().map(|sum| ((sum + count / 2) / count) as u8));
    }
    small
}

/// Colours as the bytes of a PNG file.
///
/// # Errors
/// What the encoder answers: in memory nothing should.
pub(crate) fn encode(width: usize, height: usize, rgb: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(rgb)?;
        writer.finish()
    });
    written.map_err(|error| error.to_string())?;
    Ok(bytes)
}
