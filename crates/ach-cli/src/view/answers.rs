//! What the page can ask, and who answers it.

use serde_json::Value as Json;

use super::query::Query;
use super::refusal::{Refusal, Result};
use super::snapshot::Shelf;
use super::{history, layout, names, overview, parts, sample, table, text, variable};

/// An answer.
pub(super) enum Answer {
    /// For most things.
    Json(Json),
    /// For pixels and cells: see [`numbers`].
    Numbers(Vec<u8>),
}

impl From<Json> for Answer {
    fn from(json: Json) -> Answer {
        Answer::Json(json)
    }
}

/// An answer of many numbers: the length of its JSON head (4 bytes, little-endian), the head, zeros up
/// to a multiple of 8, and the numbers.
pub(super) fn numbers(head: &Json, body: impl IntoIterator<Item = u8>) -> Answer {
    let head = head.to_string().into_bytes();
    let mut bytes = (head.len() as u32).to_le_bytes().to_vec();
    bytes.extend(head);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(body);
    Answer::Numbers(bytes)
}

/// Answers a question.
///
/// # Errors
/// [`Refusal`].
pub(super) fn answer(shelf: &Shelf, question: &str, query: &Query) -> Result<Answer> {
    let snapshot = &*shelf.current();
    Ok(match question {
        "state" => shelf.state().into(),
        "reload" => shelf
            .reload()
            .map_err(|failure| Refusal::told(failure.to_string()))?
            .into(),
        "overview" => overview::overview(snapshot)?.into(),
        "names" => names::level(snapshot, query)?.into(),
        "search" => names::search(snapshot, query)?.into(),
        "variable" => variable::variable(snapshot, query)?.into(),
        "sizes" => variable::sizes(snapshot, query)?.into(),
        "parts" => parts::parts(snapshot, query)?.into(),
        "text" => text::text(snapshot, query)?.into(),
        "bytes" => text::bytes(snapshot, query)?.into(),
        "rows" => table::rows(snapshot, query)?.into(),
        "line" => sample::line::line(snapshot, query)?.into(),
        "heat" => sample::heat::heat(snapshot, query)?,
        "image" => sample::image::image(snapshot, query)?,
        "statistics" => sample::statistics::statistics(snapshot, query)?.into(),
        "layout" => layout::layout(snapshot, query)?.into(),
        "layout/at" => layout::at(snapshot, query)?.into(),
        "history" => history::history(snapshot, query)?.into(),
        _ => return Err(Refusal::question("the page asks no such thing")),
    })
}
