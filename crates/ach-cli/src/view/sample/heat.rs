//! A heat map: the mean of each block of elements.

use serde_json::json;

use super::Picked;
use super::plane::Plane;
use crate::view::answers::{Answer, numbers as answered};
use crate::view::look::Place;
use crate::view::numbers::numbers;
use crate::view::query::Query;
use crate::view::refusal::{Refusal, Result};
use crate::view::snapshot::Snapshot;

/// Cells of a side.
const MOST_CELLS: u64 = 512;

/// Elements read at once.
const PIECE: u64 = 1 << 18;

/// The cells of a plane of an array, row by row: float64, NaN where there is no finite number.
///
/// # Errors
/// [`Refusal`].
pub(in crate::view) fn heat(snapshot: &Snapshot, query: &Query) -> Result<Answer> {
    let place = Place::find(snapshot, query)?;
    let picked = Picked::of(&place, query)?;
    let rank = picked.tensor.shape().len();
    if rank < 2 {
        return Err(Refusal::told("a heat map needs two axes"));
    }
    let plane = Plane::of(&picked, query, (rank - 2, rank - 1), MOST_CELLS, 1)?;
    let Plane { down, across } = plane;
    let cells = (down.cells * across.cells) as usize;
    let (mut sums, mut counts) = (vec![0.0; cells], vec![0u32; cells]);
    let (mut nan, mut infinite) = (0u64, 0u64);
    let mut range: Option<(f64, f64)> = None;
    let together = (PIECE / across.count().max(1)).clamp(1, down.count());
    let mut first = 0;
    while first < down.count() {
        let count = together.min(down.count() - first);
        let block = picked.block(&[down.range(first, count), across.range(0, across.count())])?;
        let elements = numbers(block.tensor.dtype(), block.tensor.as_bytes()?, picked.part);
        for row in 0..count {
            let start = down.cell(first + row) * across.cells;
            for column in 0..across.count() {
                let at = row * block.strides[0] + column * block.strides[1];
                let x = elements.get(at as usize).copied().unwrap_or(f64::NAN);
                if !x.is_finite() {
                    nan += u64::from(x.is_nan());
                    infinite += u64::from(x.is_infinite());
                    continue;
                }
                let (least, most) = range.unwrap_or((x, x));
                range = Some((least.min(x), most.max(x)));
                let cell = (start + across.cell(column)) as usize;
                counts[cell] += 1;
                // A running mean: a sum of great numbers would be infinite.
                sums[cell] += (x - sums[cell]) / f64::from(counts[cell]);
            }
        }
        first += count;
    }
    let (least, most) = range.unzip();
    let head = json!({
        "height": down.cells,
        "width": across.cells,
        "down": [down.from, down.to],
        "across": [across.from, across.to],
        "least": least,
        "most": most,
        "nan": nan,
        "infinite": infinite,
        "one_in": plane.one_in(),
        "elements": (down.to - down.from) * (across.to - across.from),
    });
    let means = sums.iter().zip(&counts);
    let means = means.map(|(mean, count)| if *count > 0 { *mean } else { f64::NAN });
    Ok(answered(&head, means.flat_map(f64::to_le_bytes)))
}
