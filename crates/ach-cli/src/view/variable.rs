//! What there is to know of a value before any of it is shown, and the ways to show it.

use achronyme_env::{DType, Kind, Tensor};
use serde_json::{Value as Json, json};

use super::look::{Place, binding};
use super::parts::{brief, cut, label_json};
use super::query::Query;
use super::refusal::Result;
use super::snapshot::Snapshot;
use super::table::Table;
use crate::listing::short_digest;

/// A value: what the table of contents says of the variable, and which ways of showing it there are,
/// the best first.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn variable(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let kind = place.look.kind()?;
    let brief = brief(&place.look)?;
    let (outer, standing) = place.look.standing()?;
    let tensor = standing.tensor()?;
    let table = match tensor {
        Some(_) if outer.is_none() => None,
        _ => Table::of(&place.look)?,
    };
    let series = table.as_ref().map(Table::series).transpose()?;
    let series = series.unwrap_or_default();
    let mut ways: Vec<&str> = Vec::new();
    match (&tensor, &table) {
        (Some(tensor), _) => ways_of(tensor, &mut ways),
        (None, Some(Table::Elements(look))) => {
            if look.len()? > 1 && look.part(0)?.1.number().is_some() {
                ways.push("line");
            }
            ways.extend(["table", "parts"]);
        }
        (None, Some(_)) => {
            ways.push("table");
            if !series.is_empty() {
                ways.push("line");
            }
            if kind != Kind::StringArray {
                ways.push("parts");
            }
        }
        (None, None) => match kind {
            Kind::String => ways.extend(["text", "bytes"]),
            Kind::Bytes => ways.push("bytes"),
            Kind::Null | Kind::Boolean | Kind::Integer | Kind::Number | Kind::Complex => {
                ways.push("scalar");
            }
            _ => ways.push("parts"),
        },
    }
    if kind == Kind::Extension && !ways.contains(&"parts") {
        ways.push("parts");
    }
    let binding = &place.binding;
    let labels = place.labels.iter().map(label_json);
    let type_name = outer.or(place.look.type_name()?);
    Ok(json!({
        "name": binding.name(),
        "labels": labels.collect::<Vec<_>>(),
        "kind": kind.name(),
        "type": type_name.map(|name| cut(&name).unwrap_or(&name).to_owned()),
        "brief": brief.text,
        "len": place.look.len()?,
        "array": tensor.as_ref().map(array),
        "series": series,
        "ways": ways,
        "constant": binding.is_constant(),
        "mutable": binding.is_mutable(),
        "journal": binding.is_in_journal(),
        "attributes": binding.has_attributes(),
    }))
}

fn array(tensor: &Tensor) -> Json {
    json!({
        "dtype": tensor.dtype().name(),
        "shape": tensor.shape(),
        "order": match tensor.order() {
            achronyme_env::Order::C => "C",
            achronyme_env::Order::Fortran => "Fortran",
        },
        "bytes": tensor.byte_len(),
        "is_complex": is_complex(tensor.dtype()),
        "offset": tensor.file_offset(),
    })
}

fn is_complex(dtype: DType) -> bool {
    matches!(dtype, DType::Complex64 | DType::Complex128)
}

/// The ways to show an array, the best first.
fn ways_of(tensor: &Tensor, ways: &mut Vec<&'static str>) {
    let (shape, dtype) = (tensor.shape(), tensor.dtype());
    if tensor.is_empty() {
        return;
    }
    let [longest, shortest] = [shape.iter().max(), shape.iter().min()].map(|n| *n.unwrap_or(&1));
    let has_plane = shape.iter().filter(|length| **length > 1).count() > 1;
    let colours = image_colours(tensor);
    let picture = match (shape, colours) {
        ([.., h, w, _], Some(3 | 4)) => *h.min(w) >= 8,
        ([.., h, w], Some(1)) => *h.min(w) >= 16 && dtype == DType::U8,
        _ => false,
    };
    let has_lines = longest > 1;
    let is_small = longest <= 12;
    let is_bundle = shape.len() == 2 && shortest <= 8 && longest >= 16;
    let mut push = |way, when| {
        if when && !ways.contains(&way) {
            ways.push(way);
        }
    };
    push("image", picture);
    push("line", has_lines && (is_bundle || shape.len() == 1));
    push("table", is_small && !shape.is_empty());
    push("heat", has_plane);
    push("line", has_lines);
    push("image", colours.is_some());
    push("table", !shape.is_empty());
    let is_opaque = matches!(dtype, DType::F8E4M3 | DType::F8E5M2);
    push("statistics", !is_opaque);
    push("scalar", shape.is_empty());
}

/// Numbers to a pixel, when the array may be an image: 1, 3 or 4.
pub(super) fn image_colours(tensor: &Tensor) -> Option<u64> {
    let real = !is_complex(tensor.dtype()) && tensor.dtype() != DType::Bool;
    match tensor.shape() {
        [.., h, w, colours @ (3 | 4)] if real && *h > 1 && *w > 1 => Some(*colours),
        [.., h, w] if real && *h > 1 && *w > 1 => Some(1),
        _ => None,
    }
}

/// What a variable takes in memory and in the file, and where its arrays stand. Of a structured value
/// this reads its nodes.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn sizes(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    const SHOWN: usize = 20;
    let binding = binding(&snapshot.archive, query)?;
    let sizes = binding.sizes()?;
    let extents = binding.extents()?;
    let is_placed = snapshot.is_placed && !binding.is_in_journal();
    let shown = extents.iter().take(SHOWN).map(|extent| {
        json!({
            "offset": is_placed.then_some(extent.offset),
            "stored": extent.stored_len,
            "raw": extent.raw_len,
            "digest": short_digest(extent),
        })
    });
    Ok(json!({
        "raw": sizes.raw,
        "stored": sizes.stored,
        "cold": sizes.cold,
        "extents": extents.len(),
        "shown": shown.collect::<Vec<_>>(),
    }))
}
