//! What `ach diff` found, for people.

use std::io::Write;

use achronyme_env::{
    Changed, Diff, Difference, ElementMismatch, Lone, Mismatch, Summary, Value, format_shape,
};
use unicode_width::UnicodeWidthStr;

use crate::error::Result;
use crate::term::escape::{escape, label};
use crate::term::statistics::brief;
use crate::term::{Paint, Screen, array, text};

/// Columns that names and paths are padded to at most.
const MOST_COLUMNS: usize = 32;

/// Lines of one variable: what stands beside its name, and what stands under it.
struct Lines {
    sign: char,
    name: String,
    beside: String,
    below: Vec<(String, String)>,
}

/// Writes a line for each variable in the order of names, and lines under it; the last line counts.
///
/// # Errors
/// What reading the values and writing answer.
pub(crate) fn write(diff: &Diff, screen: &Screen, out: &mut dyn Write) -> Result<()> {
    let mut all: Vec<(&str, Lines)> = Vec::new();
    for (sign, lone) in [('+', &diff.added), ('-', &diff.removed)] {
        all.extend(lone.iter().map(|lone| (&*lone.name, of_lone(sign, lone))));
    }
    for changed in &diff.changed {
        all.push((&changed.name, of_changed(changed, screen)?));
    }
    all.sort_by_key(|(name, _)| *name);
    let names = all.iter().map(|(_, lines)| lines.name.width());
    let columns = names.max().unwrap_or(0).min(MOST_COLUMNS);
    for (_, lines) in all {
        lines.write(columns, screen, out)?;
    }
    let (added, removed) = (diff.added.len(), diff.removed.len());
    let (changed, same) = (diff.changed.len(), diff.unchanged);
    let counts = format!("{added} added, {removed} removed, {changed} changed, {same} the same");
    Ok(writeln!(out, "{counts}")?)
}

impl Lines {
    fn write(&self, columns: usize, screen: &Screen, out: &mut dyn Write) -> Result<()> {
        let colour = match self.sign {
            '+' => Paint::Block(1),
            '-' => Paint::Block(5),
            _ => Paint::Block(2),
        };
        let sign = screen.paint(colour, self.sign);
        let name = screen.paint(Paint::Name, &self.name);
        if self.beside.is_empty() {
            writeln!(out, "{sign} {name}")?;
        } else {
            let gap = " ".repeat(columns.saturating_sub(self.name.width()));
            writeln!(out, "{sign} {name}{gap}  {}", self.beside)?;
        }
        let paths = self.below.iter().map(|(path, _)| path.width());
        let columns = paths.max().unwrap_or(0).min(MOST_COLUMNS);
        for (path, text) in &self.below {
            let gap = " ".repeat(columns.saturating_sub(path.width()));
            let gap = if columns > 0 { gap + "  " } else { gap };
            let path = screen.paint(Paint::Name, path);
            writeln!(out, "    {path}{gap}{text}")?;
        }
        Ok(())
    }
}

fn of_lone(sign: char, lone: &Lone) -> Lines {
    Lines {
        sign,
        name: label(&lone.name),
        beside: summary(&lone.summary),
        below: Vec::new(),
    }
}

fn of_changed(changed: &Changed, screen: &Screen) -> Result<Lines> {
    let mut below = Vec::new();
    for difference in &changed.value {
        let path = match difference.path.as_str() {
            // Paths begin with a dot or a bracket.
            "" => "value".to_owned(),
            path => escape(path),
        };
        below.push((path, told(difference, screen)?));
    }
    for difference in &changed.attributes {
        // `.units` of the attributes is `@units`.
        let path = difference.path.strip_prefix('.');
        let path = path.unwrap_or(&difference.path);
        below.push((format!("@{}", escape(path)), told(difference, screen)?));
    }
    let marks = [("constant", changed.constant), ("mutable", changed.mutable)];
    for (mark, sides) in marks {
        if let Some((a, b)) = sides {
            let word = |set| if set { "yes" } else { "no" };
            below.push((mark.to_owned(), format!("{} -> {}", word(a), word(b))));
        }
    }
    if changed.unlisted > 0 {
        below.push((String::new(), format!("and {} more", changed.unlisted)));
    }
    let beside = match below.as_slice() {
        [(path, _)] if path == "value" => below.pop().map(|(_, text)| text),
        _ => None,
    };
    Ok(Lines {
        sign: '~',
        name: label(&changed.name),
        beside: beside.unwrap_or_default(),
        below,
    })
}

/// `tensor float32 (3, 4)`, `record, 2 fields`.
fn summary(summary: &Summary) -> String {
    let mut text = summary.kind.name().to_owned();
    if let Some(dtype) = summary.dtype {
        text.push_str(&format!(" {dtype}"));
    }
    if let Some(shape) = &summary.shape {
        text.push_str(&format!(" {}", format_shape(shape)));
    }
    let unit = match summary.kind.name() {
        "record" => "field",
        _ => "element",
    };
    if let Some(len) = summary.len {
        let plural = if len == 1 { "" } else { "s" };
        text.push_str(&format!(", {len} {unit}{plural}"));
    }
    text
}

fn told(difference: &Difference, screen: &Screen) -> Result<String> {
    Ok(match &difference.mismatch {
        Mismatch::Added(found) => format!("added: {}", summary(found)),
        Mismatch::Removed(found) => format!("removed: {}", summary(found)),
        Mismatch::DType { a, b } => format!("{a} -> {b}"),
        Mismatch::Elements(found) => elements(found, screen)?,
        Mismatch::FieldOrder => "the fields stand in another order".to_owned(),
        Mismatch::Kind { a, b } => format!("{a} -> {b}"),
        Mismatch::Length { a, b } => format!("{a} -> {b} elements"),
        Mismatch::Order { a, b } => format!("{a:?} order -> {b:?} order"),
        Mismatch::Shape { a, b } => format!("{} -> {}", format_shape(a), format_shape(b)),
        Mismatch::Shared { name } => {
            format!("in a cell it shares with {}, see there", label(name))
        }
        Mismatch::Sharing => "a cell is shared in another way".to_owned(),
        Mismatch::Values { a, b } => pair(a, b, screen)?,
        other => format!("{other:?}"),
    })
}

/// `0.5 -> 0.25`. What looks the same is said to be not.
fn pair(a: &Value, b: &Value, screen: &Screen) -> Result<String> {
    let (a, b) = (line(a, screen)?, line(b, screen)?);
    Ok(match a == b {
        true => format!("{a} -> {b} (which only look the same)"),
        false => format!("{a} -> {b}"),
    })
}

fn line(value: &Value, screen: &Screen) -> Result<String> {
    // Two of them share a line.
    let half = Screen::plain(screen.width.max(80) / 2 - 10);
    Ok(match value {
        Value::Tensor(tensor) if tensor.shape().is_empty() => array::tensor(tensor, 1, half.width)?,
        other => text::one_line(other, &half)?,
    })
}

/// `3 of 12 elements; largest difference 0.5 (relative 0.1); first at [0, 2]: 1.0 -> 1.5`.
fn elements(found: &ElementMismatch, screen: &Screen) -> Result<String> {
    let total = found.total;
    let unit = if total == 1 { "element" } else { "elements" };
    let mut parts = vec![format!("{} of {total} {unit}", found.differing)];
    if let Some(largest) = found.largest_absolute {
        let mut part = format!("largest difference {}", brief(largest));
        if let Some(relative) = found.largest_relative {
            part.push_str(&format!(" (relative {})", brief(relative)));
        }
        parts.push(part);
    }
    let first = pair(&found.a, &found.b, screen)?;
    parts.push(match found.first.is_empty() {
        true => first,
        false => {
            let index: Vec<String> = found.first.iter().map(u64::to_string).collect();
            format!("first at [{}]: {first}", index.join(", "))
        }
    });
    Ok(parts.join("; "))
}
