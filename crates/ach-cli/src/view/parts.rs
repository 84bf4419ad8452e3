//! The parts of a record, a vector, or whatever else has parts: one level, a page at a time.

use achronyme_env::{Kind, format_shape};
use serde_json::{Value as Json, json};

use super::column;
use super::look::{Label, Look, Place};
use super::query::Query;
use super::refusal::Result;
use super::snapshot::Snapshot;

/// Parts in one answer.
const MOST_PARTS: u64 = 500;

/// Characters of a label or of the beginning of a text.
const MOST_CHARACTERS: usize = 200;

/// Bytes read of a text for its beginning.
const MOST_READ: u64 = 1024;

/// A page of the parts of a value.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn parts(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let place = Place::find(snapshot, query)?;
    let len = place.look.len()?;
    let from = query.number("from", 0)?.min(len);
    let count = query.count("count", 100, MOST_PARTS)?.min(len - from);
    let rows = (from..from + count).map(|index| match place.look.part(index) {
        Ok((label, look)) => row(index, &label, &look),
        Err(error) => Ok(json!({ "index": index, "error": words(error) })),
    });
    Ok(json!({
        "from": from,
        "len": len,
        "rows": rows.collect::<Result<Vec<_>>>()?,
    }))
}

fn words(error: super::refusal::Refusal) -> String {
    match error {
        super::refusal::Refusal::Told(text) | super::refusal::Refusal::Question(text) => text,
    }
}

fn row(index: u64, label: &Label, look: &Look<'_>) -> Result<Json> {
    let mut row = label_json(label);
    row["index"] = json!(index);
    match brief(look) {
        Ok(brief) => {
            row["kind"] = json!(brief.kind);
            row["brief"] = json!(brief.text);
            row["opens"] = json!(brief.opens);
        }
        Err(error) => row["error"] = json!(words(error)),
    }
    Ok(row)
}

/// A label, cut when it is long.
pub(super) fn label_json(label: &Label) -> Json {
    match label {
        Label::Index(index) => json!({ "label": format!("[{index}]"), "is_name": false }),
        Label::Name(name) => match cut(name) {
            Some(head) => json!({ "label": head, "is_name": true, "bytes": name.len() }),
            None => json!({ "label": &**name, "is_name": true }),
        },
    }
}

/// The beginning of a text that is too long for a line.
pub(super) fn cut(text: &str) -> Option<&str> {
    let (at, _) = text.char_indices().nth(MOST_CHARACTERS)?;
    Some(&text[..at])
}

/// A value in a few words.
pub(super) struct Brief {
    /// Its kind.
    pub(super) kind: &'static str,
    /// What it is, or how much of it there is.
    pub(super) text: String,
    /// Whether it has more to show than the words.
    pub(super) opens: bool,
}

/// A value in a few words. Of an array nothing is read, of a text its beginning.
///
/// # Errors
/// What reading answers.
pub(super) fn brief(look: &Look<'_>) -> Result<Brief> {
    let kind = look.kind()?;
    let count = |unit: &str| -> Result<String> {
        let len = look.len()?;
        Ok(format!("{len} {unit}{}", if len == 1 { "" } else { "s" }))
    };
    let (text, opens) = match kind {
        Kind::Record => (count("field")?, true),
        Kind::Vector => (count("element")?, true),
        Kind::Tensor => {
            let shape = match look {
                Look::View(view) => view.shape()?,
                Look::Value(_) => look
                    .tensor()?
                    .map(|tensor| tensor.shape().to_vec())
                    .unwrap_or_default(),
            };
            let dtype = look.tensor()?.map_or("", |tensor| tensor.dtype().name());
            (format!("{dtype} {}", format_shape(&shape)), true)
        }
        Kind::StringArray => {
            let shape = look.strings()?.map(|strings| strings.shape().to_vec());
            (
                format!("strings {}", format_shape(&shape.unwrap_or_default())),
                true,
            )
        }
        Kind::String => text_of(look)?,
        Kind::Bytes => {
            let len = look.written()?.map_or(0, |bytes| bytes.len());
            (format!("{len} bytes"), true)
        }
        Kind::Extension | Kind::Typed => {
            let name = look.type_name()?.unwrap_or_default();
            (cut(&name).unwrap_or(&name).to_owned(), true)
        }
        _ => match look.small()? {
            Some(value) => (column::scalar(&value), false),
            None => (String::new(), true),
        },
    };
    Ok(Brief {
        kind: kind.name(),
        text,
        opens,
    })
}

/// The beginning of a text, and whether there is more of it than that.
fn text_of(look: &Look<'_>) -> Result<(String, bool)> {
    let Some(bytes) = look.written()? else {
        return Ok((String::new(), true));
    };
    let mut head = vec![0; bytes.len().min(MOST_READ) as usize];
    bytes.read_at(0, &mut head)?;
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_end_matches('\u{fffd}');
    let is_whole = head.len() as u64 == bytes.len() && cut(head).is_none();
    let opens = !is_whole || head.contains('\n');
    Ok((cut(head).unwrap_or(head).to_owned(), opens))
}
