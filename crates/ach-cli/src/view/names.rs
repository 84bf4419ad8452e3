//! The names of a file: a level of their tree, and a search. A page of them at a time.

use std::ops::Bound;

use achronyme_env::{Archive, Binding, EnvError, Patterns, format_shape};
use serde_json::{Value as Json, json};

use super::query::Query;
use super::refusal::Result;
use super::snapshot::Snapshot;

/// Rows of one answer.
const MOST_ROWS: u64 = 500;

/// Bytes of names in one answer.
const MOST_BYTES: usize = 512 << 10;

/// Names one search looks at before it answers; the page asks for the rest.
const MOST_SEARCHED: usize = 1 << 20;

/// What separates the levels of a name.
const SEPARATORS: [char; 2] = ['/', '.'];

/// What lies below `prefix`, from the name `after` on: variables, and groups of names that go on alike.
/// A name alone in its group stands by itself.
///
/// # Errors
/// [`super::refusal::Refusal`].
pub(super) fn level(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let archive = &snapshot.archive;
    let prefix = query.text("prefix");
    let most = query.count("count", 200, MOST_ROWS)? as usize;
    let mut rows = Vec::new();
    let mut bytes = 0;
    let mut from = Next::parse(query.text("from"), prefix);
    let next = loop {
        let Some(binding) = from.first(archive) else {
            break None;
        };
        let name = binding.name();
        let Some(rest) = name.strip_prefix(prefix) else {
            break None;
        };
        if rows.len() >= most || bytes > MOST_BYTES {
            break Some(from.to_text());
        }
        bytes += name.len();
        // A separator at the very beginning is part of the first level's name.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let cut = rest[first..].find(SEPARATORS).map(|at| first + at);
        let group = cut.map(|at| &name[..prefix.len() + at + 1]);
        let below = group.map_or(0, |group| archive.count_prefix(group));
        match group.filter(|_| below > 1) {
            Some(group) => {
                let label = &group[prefix.len()..];
                rows.push(json!({ "group": group, "label": label, "below": below }));
                // Everything in the group sorts before its prefix with the separator's successor.
                let (stem, separator) = group.split_at(group.len() - 1);
                let successor = if separator == "." { '/' } else { '0' };
                from = Next::At(format!("{stem}{successor}"));
            }
            None => {
                rows.push(row(&binding, rest));
                from = Next::After(name.to_owned());
            }
        }
    };
    Ok(json!({ "rows": rows, "next": next, "variables": archive.len() }))
}

/// Where a listing goes on.
enum Next {
    At(String),
    After(String),
}

impl Next {
    /// What an answer said, or the beginning of `prefix`.
    fn parse(text: &str, prefix: &str) -> Next {
        match (text.strip_prefix('='), text.strip_prefix('<')) {
            (Some(name), _) => Next::After(name.to_owned()),
            (None, Some(name)) => Next::At(name.to_owned()),
            (None, None) => Next::At(prefix.to_owned()),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Next::At(name) => format!("<{name}"),
            Next::After(name) => format!("={name}"),
        }
    }

    fn first<'a>(&self, archive: &'a Archive) -> Option<Binding<'a>> {
        let start = match self {
            Next::At(name) => Bound::Included(name.as_str()),
            Next::After(name) => Bound::Excluded(name.as_str()),
        };
        archive.in_range((start, Bound::Unbounded)).next()
    }
}

/// The names that hold a text, from the name `after` on. Small letters also find large ones; with `*`,
/// `?` or `{` the text is a pattern.
///
/// # Errors
/// [`super::refusal::Refusal`]: a pattern that is none.
pub(super) fn search(snapshot: &Snapshot, query: &Query) -> Result<Json> {
    let archive = &snapshot.archive;
    let text = query.text("text");
    let most = query.count("count", 200, MOST_ROWS)? as usize;
    let start = match query.find("after") {
        Some(after) => Bound::Excluded(after),
        None => Bound::Unbounded,
    };
    let matches = matcher(text)?;
    let (mut rows, mut bytes, mut next) = (Vec::new(), 0, None);
    for (looked, binding) in archive.in_range((start, Bound::Unbounded)).enumerate() {
        let name = binding.name();
        if matches(name) {
            bytes += name.len();
            rows.push(row(&binding, name));
        }
        if rows.len() >= most || bytes > MOST_BYTES || looked >= MOST_SEARCHED {
            next = Some(name.to_owned());
            break;
        }
    }
    Ok(json!({ "rows": rows, "next": next, "variables": archive.len() }))
}

/// Whether a name is one that is looked for.
type Matcher = Box<dyn Fn(&str) -> bool>;

fn matcher(text: &str) -> Result<Matcher> {
    if text.contains(['*', '?', '{']) {
        let patterns = Patterns::new([text])?;
        return Ok(Box::new(move |name| patterns.matches(name)));
    }
    let wanted = text.to_owned();
    if text.chars().any(char::is_uppercase) {
        return Ok(Box::new(move |name| name.contains(&wanted)));
    }
    Ok(Box::new(move |name| {
        name.contains(&wanted)
            || (name.chars().any(char::is_uppercase) && name.to_lowercase().contains(&wanted))
    }))
}

/// A variable in a list: what the table of contents says, and of a structured value its root.
fn row(binding: &Binding<'_>, label: &str) -> Json {
    let kind = binding.kind();
    let dtype = binding.dtype().map(|dtype| dtype.name());
    let shape = binding.shape().map(format_shape);
    json!({
        "name": binding.name(),
        "label": label,
        "kind": kind.map_or_else(|error| unread(&error), |kind| kind.name()),
        "dtype": dtype,
        "shape": shape,
        "journal": binding.is_in_journal(),
    })
}

/// What stands for the kind of a value that cannot be read, as `ach ls` says it.
fn unread(error: &EnvError) -> &'static str {
    match error {
        EnvError::Variable { source, .. } => unread(source),
        EnvError::Unsupported { .. } | EnvError::Cancelled { .. } => "unknown",
        _ => "damaged",
    }
}
