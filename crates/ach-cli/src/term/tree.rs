//! Values inside values: one line each, indented under what holds them.

use std::io::Write;

use achronyme_env::limits::MAX_NESTING;
use achronyme_env::{Cell, Edge, ErrorValue, Extension, Record, Value};
use unicode_width::UnicodeWidthStr;

use super::date::Times;
use super::escape::{escape, label, quoted};
use super::float::Float;
use super::text::{Style, function_heading, strings_heading, tensor_heading};
use super::{Paint, TermError, array};

/// Lines after which the rest is left out: values that are shared may be seen over and over.
const MOST_LINES: usize = 10_000;

/// Levels shown. Above the nesting a file may have, because extensions and errors count as well.
const MOST_LEVELS: usize = 2 * MAX_NESTING;

/// Elements of arrays inside a tree beyond which they are elided.
const INLINE_ELEMENTS: u64 = 8;

/// Columns labels are padded to at most.
const LABEL_COLUMNS: usize = 24;

/// Why a tree ends before its end.
enum Stop {
    Failed(TermError),
    TooLong,
}

impl<E: Into<TermError>> From<E> for Stop {
    fn from(error: E) -> Stop {
        Stop::Failed(error.into())
    }
}

/// Where a value stands in the tree: what comes before it on its line.
#[derive(Clone, Debug, Default)]
struct Place {
    indent: usize,
    level: usize,
    label: String,
    /// Columns of the label with its padding.
    columns: usize,
    /// What holds the value on the same line: `mut `.
    prefix: String,
}

impl Place {
    /// Columns before the value.
    fn before(&self) -> usize {
        self.indent + self.columns + self.prefix.width()
    }
}

/// A tree on its way out.
pub(super) struct Tree<'a> {
    style: &'a Style,
    out: &'a mut dyn Write,
    lines: usize,
    /// The cells around the value being shown.
    cells: Vec<Cell>,
}

impl<'a> Tree<'a> {
    /// A tree that is written to `out`.
    pub(super) fn new(style: &'a Style, out: &'a mut dyn Write) -> Self {
        Tree {
            style,
            out,
            lines: 0,
            cells: Vec::new(),
        }
    }

    /// Writes `value` and everything in it.
    ///
    /// # Errors
    /// What reading the value and writing answer.
    pub(super) fn show(mut self, value: &Value) -> Result<(), TermError> {
        match self.node(&Place::default(), value) {
            Ok(()) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::TooLong) => {
                let text = format!("... cut after {MOST_LINES} lines; ask for a part by its path");
                writeln!(self.out, "{}", self.style.screen.paint(Paint::Dim, text))?;
                Ok(())
            }
        }
    }

    /// `value` on one line, or its kind.
    ///
    /// # Errors
    /// What reading the value answers.
    pub(super) fn line_of(&self, value: &Value) -> Result<String, TermError> {
        let line = self.inline(&Place::default(), value)?;
        Ok(line.unwrap_or_else(|| match value {
            Value::Record(record) => counted("record", record.len(), "field", "fields"),
            Value::Vector(elements) => counted("vector", elements.len(), "element", "elements"),
            other => format!("<{}>", other.kind()),
        }))
    }

    fn node(&mut self, place: &Place, value: &Value) -> Result<(), Stop> {
        if let Some(text) = self.inline(place, value)? {
            return self.line(place, Paint::Plain, &text);
        }
        match value {
            Value::Record(record) => {
                let head = counted("record", record.len(), "field", "fields");
                self.line(place, Paint::Dim, &head)?;
                self.fields(place, record)
            }
            Value::Vector(elements) => {
                let head = counted("vector", elements.len(), "element", "elements");
                self.line(place, Paint::Dim, &head)?;
                let label = |index: usize| format!("[{index}]");
                let elements = elements.iter().enumerate();
                self.children(place, elements.map(|(index, value)| (label(index), value)))
            }
            Value::Cell(cell) => self.cell(place, cell),
            Value::Edge(edge) => {
                self.line(place, Paint::Plain, &edge_heading(edge))?;
                self.fields(place, &edge.properties)
            }
            Value::Error(error) => {
                self.line(place, Paint::Plain, &error_heading(error))?;
                let source = error.source.iter();
                self.children(place, source.map(|source| ("caused by".to_owned(), source)))
            }
            Value::Extension(extension) => {
                let head = format!("<{}>", label(&extension.type_name));
                self.line(place, Paint::Plain, &head)?;
                let parts = [
                    ("parameters".to_owned(), &extension.parameters),
                    ("storage".to_owned(), &extension.storage),
                ];
                self.children(place, parts.into_iter())
            }
            other => self.line(place, Paint::Plain, &format!("<{}>", other.kind())),
        }
    }

    fn cell(&mut self, place: &Place, cell: &Cell) -> Result<(), Stop> {
        if self.cells.iter().any(|around| around.same(cell)) {
            return self.line(place, Paint::Plain, "mut <itself>");
        }
        if place.level >= MOST_LEVELS {
            return self.line(place, Paint::Dim, "mut ...");
        }
        self.cells.push(cell.clone());
        let inside = Place {
            prefix: format!("{}mut ", place.prefix),
            level: place.level + 1,
            ..place.clone()
        };
        let result = self.node(&inside, &cell.get());
        self.cells.pop();
        result
    }

    fn fields(&mut self, place: &Place, record: &Record) -> Result<(), Stop> {
        self.children(
            place,
            record.iter().map(|(name, value)| (label(name), value)),
        )
    }

    fn children<'v>(
        &mut self,
        place: &Place,
        children: impl ExactSizeIterator<Item = (String, &'v Value)>,
    ) -> Result<(), Stop> {
        let mut place = Place {
            indent: place.indent + 2,
            level: place.level + 1,
            ..Place::default()
        };
        let more = children.len().saturating_sub(self.style.entries);
        if place.level >= MOST_LEVELS {
            return self.line(&place, Paint::Dim, "...");
        }
        let shown: Vec<(String, &Value)> = children.take(self.style.entries).collect();
        let widest = shown.iter().map(|(label, _)| label.width());
        let columns = widest.max().unwrap_or(0).min(LABEL_COLUMNS) + 2;
        for (label, value) in shown {
            place.columns = columns.max(label.width() + 2);
            place.label = label;
            self.node(&place, value)?;
        }
        if more > 0 {
            place.label.clear();
            place.columns = 0;
            self.line(&place, Paint::Dim, &format!("... {more} more"))?;
        }
        Ok(())
    }

    fn line(&mut self, place: &Place, paint: Paint, text: &str) -> Result<(), Stop> {
        if self.lines == MOST_LINES {
            return Err(Stop::TooLong);
        }
        self.lines += 1;
        let screen = self.style.screen;
        let indent = " ".repeat(place.indent);
        let padding = " ".repeat(place.columns - place.label.width());
        let label = screen.paint(Paint::Name, &place.label);
        let text = screen.paint(paint, text);
        writeln!(self.out, "{indent}{label}{padding}{}{text}", place.prefix)?;
        Ok(())
    }

    /// The value on one line, when it is of a kind that has one or is short enough.
    fn inline(&self, place: &Place, value: &Value) -> Result<Option<String>, TermError> {
        let room = self.style.screen.width.saturating_sub(place.before());
        if let Some(text) = atom(value, room.max(20)) {
            return Ok(Some(text));
        }
        Ok(match value {
            Value::Tensor(tensor) => {
                let head = tensor_heading(tensor, self.style);
                if tensor.shape().len() > 1 || tensor.is_empty() {
                    return Ok(Some(head));
                }
                let elements = array::tensor(tensor, INLINE_ELEMENTS, usize::MAX)?;
                Some(beside(head, &elements, room))
            }
            Value::StringArray(strings) => {
                let head = strings_heading(strings, self.style);
                if strings.shape().len() > 1 || strings.is_empty() {
                    return Ok(Some(head));
                }
                let elements = array::strings(strings, INLINE_ELEMENTS, usize::MAX)?;
                Some(beside(head, &elements, room))
            }
            Value::Vector(elements) => {
                let atoms = elements.iter().map(|element| atom(element, room));
                short_list(atoms, room).map(|list| format!("[{list}]"))
            }
            Value::Edge(edge) => {
                let head = edge_heading(edge);
                if edge.properties.is_empty() {
                    return Ok(Some(head));
                }
                let properties = edge
                    .properties
                    .iter()
                    .map(|(name, value)| Some(format!("{}: {}", label(name), atom(value, room)?)));
                short_list(properties, room.saturating_sub(head.width() + 3))
                    .map(|list| format!("{head} {{{list}}}"))
            }
            Value::Error(error) if error.source.is_none() => Some(error_heading(error)),
            Value::Extension(extension) => match Times::of(extension) {
                Some(times) => self.times(&times, room)?,
                None => known_extension(extension, room),
            },
            _ => None,
        })
    }

    fn times(&self, times: &Times<'_>, room: usize) -> Result<Option<String>, TermError> {
        let head = times.heading(self.style.sizes);
        if times.rank() > 1 {
            return Ok(Some(head));
        }
        let text = times.text(INLINE_ELEMENTS, usize::MAX)?;
        Ok(text.map(|text| match times.rank() {
            0 => text,
            _ => beside(head, &text, room),
        }))
    }
}

/// A value without parts, as text.
fn atom(value: &Value, room: usize) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => Float::from(*number).alone(),
        Value::Complex(z) => array::complex(z.re.into(), z.im.into()),
        Value::String(text) => quoted(text, room.max(20)),
        Value::Bytes(bytes) => counted_bytes(bytes.len() as u64),
        Value::Vector(elements) if elements.is_empty() => "[]".to_owned(),
        Value::Record(record) if record.is_empty() => "{}".to_owned(),
        Value::Function(function) => function_heading(function),
        Value::Typed(typed) => {
            let name = label(&typed.type_name);
            let bytes = typed.bytes.byte_len();
            format!("<typed {name} v{}, {bytes} bytes>", typed.version)
        }
        _ => return None,
    })
}

/// The elements of an array after its heading, when there is room for them.
fn beside(head: String, elements: &str, room: usize) -> String {
    if head.width() + 2 + elements.width() <= room {
        format!("{head}  {elements}")
    } else {
        head
    }
}

/// Parts with commas between them, when each has a text and all fit into `room`.
fn short_list(parts: impl Iterator<Item = Option<String>>, room: usize) -> Option<String> {
    let mut list = String::new();
    for part in parts {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&part?);
        if list.width() + 2 > room {
            return None;
        }
    }
    Some(list)
}

/// Large integers, and any extension that is one atom.
fn known_extension(extension: &Extension, room: usize) -> Option<String> {
    let Extension {
        type_name,
        parameters,
        storage,
    } = extension;
    match (&**type_name, storage) {
        ("integer", Value::String(digits)) if is_integer(digits) => Some(digits.to_string()),
        (_, storage) if matches!(parameters, Value::Null) => {
            Some(format!("<{}> {}", label(type_name), atom(storage, room)?))
        }
        _ => None,
    }
}

/// Whether `text` is a decimal integer as it is written in JSON.
pub(super) fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let zero = digits.len() > 1 && digits.starts_with('0');
    !digits.is_empty() && !zero && digits.bytes().all(|b| b.is_ascii_digit())
}

fn edge_heading(edge: &Edge) -> String {
    let arrow = if edge.directed { "->" } else { "--" };
    format!("{} {arrow} {}", label(&edge.from), label(&edge.to))
}

fn error_heading(error: &ErrorValue) -> String {
    let message = escape(&error.message);
    match &error.kind {
        Some(kind) => format!("<error {}: {message}>", label(kind)),
        None => format!("<error: {message}>"),
    }
}

fn counted(kind: &str, count: usize, one: &str, many: &str) -> String {
    format!("{kind}, {count} {}", if count == 1 { one } else { many })
}

fn counted_bytes(count: u64) -> String {
    format!("<{count} {}>", if count == 1 { "byte" } else { "bytes" })
}
