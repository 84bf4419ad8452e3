//! What was done to a session, as a line and as JSON.

use achronyme_env::EventKind;
use serde_json::{Value as Json, json};

use crate::term::escape::label;

/// An event in a few words: `set lr`, `undo to commit 3`.
pub(crate) fn text(event: &EventKind) -> String {
    match event {
        EventKind::Set { name, .. } => format!("set {}", label(name)),
        EventKind::SetCell { cell } => format!("set cell {cell}"),
        EventKind::Remove { name } => format!("remove {}", label(name)),
        EventKind::Rename { old, new } => format!("rename {} to {}", label(old), label(new)),
        EventKind::Clear => "remove all".to_owned(),
        EventKind::Mark { name } => format!("mark {}", label(name)),
        EventKind::Undo { to } => format!("undo to commit {to}"),
        EventKind::Redo { to } => format!("redo to commit {to}"),
        EventKind::RestoreAt { to } => format!("restore commit {to}"),
        EventKind::Message { key } => format!("message {}", label(&String::from_utf8_lossy(key))),
        EventKind::Other { code } => format!("frame of kind {code}"),
        _ => "something of a later version".to_owned(),
    }
}

/// Several events in one line: what follows with the same verb is only named.
pub(crate) fn line(events: &[EventKind]) -> String {
    const TOLD: usize = 8;
    let mut text_of_all = String::new();
    let mut last_verb = String::new();
    for event in events.iter().take(TOLD) {
        let text = text(event);
        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let repeated = verb == last_verb && matches!(verb, "set" | "remove" | "rename");
        match text_of_all.is_empty() {
            true => text_of_all.push_str(&text),
            false => {
                text_of_all.push_str(", ");
                text_of_all.push_str(if repeated { rest } else { &text });
            }
        }
        last_verb = verb.to_owned();
    }
    let more = events.len().saturating_sub(TOLD);
    if more > 0 {
        text_of_all.push_str(&format!(" and {more} more"));
    }
    text_of_all
}

/// An event as it stands in JSON.
pub(crate) fn json(event: &EventKind) -> Json {
    match event {
        EventKind::Set { name, kind } => {
            let kind = kind.map_or("unknown", |kind| kind.name());
            json!({ "event": "set", "name": **name, "kind": kind })
        }
        EventKind::SetCell { cell } => json!({ "event": "set_cell", "cell": cell }),
        EventKind::Remove { name } => json!({ "event": "remove", "name": **name }),
        EventKind::Rename { old, new } => json!({ "event": "rename", "old": **old, "new": **new }),
        EventKind::Clear => json!({ "event": "clear" }),
        EventKind::Mark { name } => json!({ "event": "mark", "name": **name }),
        EventKind::Undo { to } => json!({ "event": "undo", "to": to }),
        EventKind::Redo { to } => json!({ "event": "redo", "to": to }),
        EventKind::RestoreAt { to } => json!({ "event": "restore", "to": to }),
        EventKind::Message { key } => {
            json!({ "event": "message", "key": String::from_utf8_lossy(key) })
        }
        EventKind::Other { code } => json!({ "event": "other", "code": code }),
        _ => json!({ "event": "other" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_is_said_once() {
        let set = |name: &str| EventKind::Set {
            name: name.into(),
            kind: None,
        };
        let rename = EventKind::Rename {
            old: "a".into(),
            new: "b".into(),
        };
        let mark = |name: &str| EventKind::Mark { name: name.into() };
        assert_eq!(
            line(&[set("x"), set("y"), rename]),
            "set x, y, rename a to b"
        );
        assert_eq!(line(&[mark("m")]), "mark m");
        let many: Vec<EventKind> = (0..10).map(|n| set(&n.to_string())).collect();
        assert_eq!(line(&many), "set 0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
    }
}
