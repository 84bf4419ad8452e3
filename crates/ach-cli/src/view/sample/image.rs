//! An image: the pixels of an array, reduced by the mean of blocks.

use achronyme_env::DType;
use serde_json::json;

use super::Picked;
use super::plane::Plane;
use crate::view::answers::{Answer, numbers as answered};
use crate::view::look::Place;
use crate::view::numbers::numbers;
use crate::view::query::Query;
use crate::view::refusal::{Refusal, Result};
use crate::view::snapshot::Snapshot;
use crate::view::variable::image_colours;

/// Pixels of a side.
const MOST_PIXELS: u64 = 1024;

/// Elements read at once.
const PIECE: u64 = 1 << 18;

/// The pixels of an array, row by row: red, green, blue, opacity, a byte each.
///
/// # Errors
/// [`Refusal`].
pub(in crate::view) fn image(snapshot: &Snapshot, query: &Query) -> Result<Answer> {
    let place = Place::find(snapshot, query)?;
    let picked = Picked::of(&place, query)?;
    let colours = image_colours(&picked.tensor);
    let colours = colours.ok_or_else(|| Refusal::told("this array is no image"))?;
    let rank = picked.tensor.shape().len();
    let axes = match colours {
        1 => (rank - 2, rank - 1),
        _ => (rank - 3, rank - 2),
    };
    let plane = Plane::of(&picked, query, axes, MOST_PIXELS, colours)?;
    let Plane { down, across } = plane;
    if colours > 1 && [down.axis, across.axis].contains(&(rank - 1)) {
        return Err(Refusal::question("the axis of colours is no side"));
    }
    let means = means(&picked, &plane, colours)?;
    let scale = Scale::of(picked.tensor.dtype(), &means, colours);
    let head = json!({
        "height": down.cells,
        "width": across.cells,
        "down": [down.from, down.to],
        "across": [across.from, across.to],
        "colours": colours,
        "black": scale.black,
        "white": scale.white,
        "is_stretched": scale.is_stretched,
        "not_finite": means.iter().filter(|x| !x.is_finite()).count(),
        "one_in": plane.one_in(),
        "elements": (down.to - down.from) * (across.to - across.from),
    });
    let (pixels, _) = (means.chunks_exact(colours as usize), ());
    let pixels = pixels.flat_map(|pixel| scale.pixel(pixel));
    Ok(answered(&head, pixels))
}

/// The mean of each cell, colour by colour; NaN where no number is finite.
fn means(picked: &Picked, plane: &Plane, colours: u64) -> Result<Vec<f64>> {
    let Plane { down, across } = *plane;
    let last = picked.tensor.shape().len() - 1;
    let cells = (down.cells * across.cells * colours) as usize;
    let (mut sums, mut counts) = (vec![0.0; cells], vec![0u32; cells]);
    let together = (PIECE / (across.count() * colours).max(1)).clamp(1, down.count());
    let mut first = 0;
    while first < down.count() {
        let count = together.min(down.count() - first);
        let mut ranges = vec![down.range(first, count), across.range(0, across.count())];
        if colours > 1 {
            ranges.push((last, 0, colours, 1));
        }
        let block = picked.block(&ranges)?;
        let elements = numbers(block.tensor.dtype(), block.tensor.as_bytes()?, picked.part);
        let stride = |n: usize| block.strides.get(n).copied().unwrap_or(0);
        for row in 0..count {
            let start = down.cell(first + row) * across.cells;
            for column in 0..across.count() {
                let cell = (start + across.cell(column)) * colours;
                let at = row * stride(0) + column * stride(1);
                for colour in 0..colours {
                    let x = elements.get((at + colour * stride(2)) as usize);
                    let x = x.copied().unwrap_or(f64::NAN);
                    if x.is_finite() {
                        let cell = (cell + colour) as usize;
                        counts[cell] += 1;
                        sums[cell] += (x - sums[cell]) / f64::from(counts[cell]);
                    }
                }
            }
        }
        first += count;
    }
    for (sum, count) in sums.iter_mut().zip(counts) {
        if count == 0 {
            *sum = f64::NAN;
        }
    }
    Ok(sums)
}

/// Which numbers are black and white.
#[derive(Debug)]
struct Scale {
    black: f64,
    white: f64,
    /// Whether they are the least and the greatest, since the dtype does not say.
    is_stretched: bool,
}

impl Scale {
    /// Bytes go to 255, floats to 1 as is the custom; what goes beyond is stretched to its range.
    fn of(dtype: DType, means: &[f64], colours: u64) -> Scale {
        let fixed = |white| Scale {
            black: 0.0,
            white,
            is_stretched: false,
        };
        let is_float = matches!(
            dtype,
            DType::F16 | DType::BF16 | DType::F32 | DType::F64 | DType::F8E4M3 | DType::F8E5M2
        );
        let finite = means.iter().filter(|x| x.is_finite());
        let least = finite.clone().copied().fold(f64::INFINITY, f64::min);
        let most = finite.copied().fold(f64::NEG_INFINITY, f64::max);
        match dtype {
            DType::U8 => fixed(255.0),
            _ if is_float && least >= 0.0 && most <= 1.0 && (colours > 1 || most > 0.5) => {
                fixed(1.0)
            }
            _ if least < most => Scale {
                black: least,
                white: most,
                is_stretched: true,
            },
            _ => fixed(if most > 0.0 { most } else { 1.0 }),
        }
    }

    fn byte(&self, x: f64) -> u8 {
        let share = (x / 2.0 - self.black / 2.0) / (self.white / 2.0 - self.black / 2.0);
        // `as` saturates, and makes 0 of NaN.
        (share * 255.0).round() as u8
    }

    /// A pixel; one with a number that is not finite is clear.
    fn pixel(&self, colours: &[f64]) -> [u8; 4] {
        if colours.iter().any(|x| !x.is_finite()) {
            return [0; 4];
        }
        match *colours {
            [r, g, b, a] => [self.byte(r), self.byte(g), self.byte(b), self.byte(a)],
            [r, g, b] => [self.byte(r), self.byte(g), self.byte(b), 255],
            [grey] => [self.byte(grey), self.byte(grey), self.byte(grey), 255],
            _ => [0; 4],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stay_what_they_are_and_floats_go_to_one() {
        let bytes = Scale::of(DType::U8, &[3.0, 7.0], 3);
        assert_eq!(bytes.pixel(&[0.0, 7.0, 255.0]), [0, 7, 255, 255]);
        let floats = Scale::of(DType::F32, &[0.0, 0.9], 3);
        assert_eq!(floats.pixel(&[0.0, 0.5, 1.0]), [0, 128, 255, 255]);
        let wide = Scale::of(DType::F64, &[-f64::MAX, f64::MAX, f64::NAN], 1);
        assert!(wide.is_stretched);
        assert_eq!(wide.pixel(&[f64::MAX]), [255; 4]);
        assert_eq!(wide.pixel(&[-f64::MAX]), [0, 0, 0, 255]);
        assert_eq!(wide.pixel(&[f64::NAN]), [0; 4]);
    }
}
