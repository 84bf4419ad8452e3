//! Strings and bytes, a piece at a time.

use achronyme_env::{Kind, Tensor};
use serde_json::{Value as Json, json};

use super::look::Place;
use super::query::Query;
use super::refusal::{Refusal, Result};
use super::snapshot::Snapshot;

/// Bytes of text in one answer.
const MOST_TEXT: u64 = 256 << 10;

/// Bytes shown as such in one answer.
const MOST_BYTES: u64 = 16 << 10;

/// A piece of a string: from byte `from` on. It ends between two characters, and says where.
///
/// # Errors
/// [`Refusal`].
pub(super) fn text(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    if place.look.kind()? != Kind::String {
        return Err(Refusal::told("this is no text"));
    }
    let bytes = written(&place)?;
    let from = query.number("from", 0)?;
    let most = query.count("count", 16 << 10, MOST_TEXT)?;
    let piece = piece(&bytes, from, most.max(4))?;
    let text = match std::str::from_utf8(&piece) {
        Ok(text) => text,
        // A character that goes on behind the piece.
        Err(error) if error.error_len().is_none() => {
            let (whole, _) = piece.split_at(error.valid_up_to());
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return Err(Refusal::told("this piece of the text is not UTF-8")),
    };
    Ok(json!({
        "text": text,
        "from": from,
        "next": from + text.len() as u64,
        "bytes": bytes.len(),
    }))
}

/// A piece of bytes, or of what a string consists of, as hexadecimal digits.
///
/// # Errors
/// [`Refusal`].
pub(super) fn bytes(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let bytes = written(&place)?;
    let from = query.number("from", 0)?;
    let piece = piece(&bytes, from, query.count("count", 1024, MOST_BYTES)?)?;
    Ok(json!({
        "hex": crate::listing::hex(&piece),
        "from": from,
        "next": from + piece.len() as u64,
        "bytes": bytes.len(),
    }))
}

fn written(place: &Place<'_>) -> Result<Tensor> {
    let bytes = place.look.written()?;
    bytes.ok_or_else(|| Refusal::told("this is neither text nor bytes"))
}

fn piece(bytes: &Tensor, from: u64, most: u64) -> Result<Vec<u8>> {
    let from = from.min(bytes.len());
    let mut piece = vec![0; (bytes.len() - from).min(most) as usize];
    bytes.read_at(from, &mut piece)?;
    Ok(piece)
}
