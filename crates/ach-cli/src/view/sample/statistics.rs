//! What the numbers of an array are like, and how they are spread.

use achronyme_env::{DType, Tensor};
use serde_json::{Value as Json, json};

use super::Picked;
use crate::term::spread::spread;
use crate::view::column::Column;
use crate::view::look::Place;
use crate::view::query::Query;
use crate::view::refusal::{Refusal, Result};
use crate::view::snapshot::Snapshot;

/// Bytes of an array that is looked at as a whole.
const MOST_WHOLE: u64 = 32 << 20;

/// Bytes read together of one that is not.
const RUN: u64 = 64 << 10;

/// Bars of the histogram.
const BINS: usize = 40;

/// Figures and a histogram: of the whole array when it is small, else of stretches of it.
///
/// # Errors
/// [`Refusal`].
pub(in crate::view) fn statistics(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let tensor = match Column::of(&place.look)? {
        Some(Column::Numbers(tensor)) => tensor,
        _ => Picked::of(&place, query)?.tensor,
    };
    if matches!(tensor.dtype(), DType::F8E4M3 | DType::F8E5M2) {
        return Err(Refusal::told("there are no figures of floats of one byte"));
    }
    let looked_at = sample(&tensor)?;
    let mut answer = spread(&looked_at, BINS)?.to_json();
    answer["elements"] = json!(tensor.len());
    answer["looked_at"] = json!(looked_at.len());
    Ok(answer)
}

fn sample(tensor: &Tensor) -> Result<Tensor> {
    let len = tensor.byte_len();
    if len <= MOST_WHOLE {
        return Ok(tensor.clone());
    }
    let runs = MOST_WHOLE / RUN;
    let units = len / RUN;
    let mut bytes = vec![0; MOST_WHOLE as usize];
    for (n, run) in (0..runs).zip(bytes.chunks_exact_mut(RUN as usize)) {
        let unit = (u128::from(units) * u128::from(n) / u128::from(runs)) as u64;
        tensor.read_at(unit * RUN, run)?;
    }
    let size = tensor.dtype().size() as u64;
    let order = achronyme_env::Order::C;
    Ok(Tensor::from_bytes(
        tensor.dtype(),
        [MOST_WHOLE / size],
        order,
        &bytes,
    )?)
}
