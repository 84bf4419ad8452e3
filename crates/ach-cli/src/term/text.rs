//! A value as text, for `ach get`.

use std::io::Write;

use achronyme_env::{
    DType, Extension, Function, Order, StringArray, Tensor, UserFunction, Value, format_shape,
};

use super::date::Times;
use super::escape::{escape, label};
use super::size::Sizes;
use super::tree::Tree;
use super::{Paint, Screen, TermError, array};

/// Most bytes of a byte string that are shown.
const DUMPED_BYTES: usize = 256;

/// How values are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// What they are shown on.
    pub(crate) screen: Screen,
    /// How sizes are written.
    pub(crate) sizes: Sizes,
    /// Fields of a record and elements of a vector beyond this many are only counted.
    pub(crate) entries: usize,
    /// Tensors and string arrays of more elements are elided.
    pub(crate) threshold: u64,
}

impl Style {
    /// The usual style on `screen`.
    pub(crate) fn new(screen: Screen) -> Style {
        Style {
            screen,
            sizes: Sizes::Short,
            entries: 50,
            threshold: array::THRESHOLD,
        }
    }
}

/// Writes `value` as text that ends in a newline.
///
/// Tensors look as NumPy prints them, under a line that says what they are; text stands there as it
/// is; records and vectors are trees. No control character but the newline gets through, and of an
/// elided tensor only what is shown is read.
///
/// # Errors
/// What reading the value and writing answer.
pub(crate) fn render(value: &Value, style: &Style, out: &mut dyn Write) -> Result<(), TermError> {
    let screen = style.screen;
    match value {
        Value::String(text) => text_lines(text, "", out)?,
        Value::Tensor(tensor) => {
            let head = tensor_heading(tensor, style);
            writeln!(out, "{}", screen.paint(Paint::Heading, head))?;
            let text = array::tensor(tensor, style.threshold, screen.width)?;
            writeln!(out, "{text}")?;
        }
        Value::StringArray(strings) => {
            let head = strings_heading(strings, style);
            writeln!(out, "{}", screen.paint(Paint::Heading, head))?;
            let text = array::strings(strings, style.threshold, screen.width)?;
            writeln!(out, "{text}")?;
        }
        Value::Bytes(bytes) => {
            let head = format!("bytes  {}", style.sizes.text(bytes.len() as u64));
            writeln!(out, "{}", screen.paint(Paint::Heading, head))?;
            dump(bytes, style, out)?;
        }
        Value::Function(function) => {
            let head = function_heading(function);
            writeln!(out, "{}", screen.paint(Paint::Heading, head))?;
            if let Function::User(function) = &**function {
                body(function, style, out)?;
            }
        }
        Value::Extension(extension) if Times::of(extension).is_some_and(|t| t.rank() > 0) => {
            times(extension, style, out)?;
        }
        other => Tree::new(style, out).show(other)?,
    }
    Ok(())
}

/// An array of dates or spans, or what stands for it when one of them is no date of this era.
fn times(extension: &Extension, style: &Style, out: &mut dyn Write) -> Result<(), TermError> {
    let Some(times) = Times::of(extension) else {
        return Ok(());
    };
    let screen = style.screen;
    let head = times.heading(style.sizes);
    writeln!(out, "{}", screen.paint(Paint::Heading, head))?;
    match times.text(style.threshold, screen.width)? {
        Some(text) => writeln!(out, "{text}")?,
        None => render(&extension.storage, style, out)?,
    }
    Ok(())
}

/// `value` on one line, as it stands in a tree; what has no line is named by its kind.
///
/// # Errors
/// What reading the value answers.
pub(crate) fn one_line(value: &Value, screen: &Screen) -> Result<String, TermError> {
    let style = Style::new(Screen::plain(screen.width.max(40)));
    Tree::new(&style, &mut std::io::sink()).line_of(value)
}

/// `float64 (2, 3)  48 B`, and what else must be known to read the numbers.
pub(super) fn tensor_heading(tensor: &Tensor, style: &Style) -> String {
    let mut head = format!(
        "{} {}  {}",
        tensor.dtype(),
        format_shape(tensor.shape()),
        style.sizes.text(tensor.byte_len())
    );
    if tensor.order() == Order::Fortran && tensor.shape().len() > 1 {
        head.push_str("  Fortran order");
    }
    if matches!(tensor.dtype(), DType::F8E4M3 | DType::F8E5M2) {
        head.push_str("  shown as raw bytes");
    }
    head
}

/// `string (2, 3)  48 B`: the bytes are those of the text.
pub(super) fn strings_heading(strings: &StringArray, style: &Style) -> String {
    let bytes = style.sizes.text(strings.bytes().byte_len());
    format!("string {}  {bytes}", format_shape(strings.shape()))
}

/// `<function f(x, y)>` or `<builtin sin>`.
pub(super) fn function_heading(function: &Function) -> String {
    match function {
        Function::Builtin { name } => format!("<builtin {}>", label(name)),
        Function::User(function) => {
            let parameters: Vec<String> = function.parameters.iter().map(|p| label(p)).collect();
            let name = match &function.name {
                Some(name) => format!(" {}", label(name)),
                None => String::new(),
            };
            format!("<function{name}({})>", parameters.join(", "))
        }
    }
}

fn body(function: &UserFunction, style: &Style, out: &mut dyn Write) -> Result<(), TermError> {
    text_lines(&function.source, "  ", out)?;
    let Some(scope) = &function.scope else {
        return Ok(());
    };
    let bindings = scope.bindings();
    let names: Vec<String> = bindings.names().take(style.entries).map(label).collect();
    let more = match bindings.len() - names.len() {
        0 => String::new(),
        more => format!(", ... {more} more"),
    };
    let text = format!("captures {}{more}", names.join(", "));
    writeln!(out, "{}", style.screen.paint(Paint::Dim, text))?;
    Ok(())
}

/// Text as it is, line by line, each line escaped.
fn text_lines(text: &str, indent: &str, out: &mut dyn Write) -> Result<(), TermError> {
    let text = text.strip_suffix('\n').unwrap_or(text);
    for line in text.split('\n') {
        writeln!(out, "{indent}{}", escape(line))?;
    }
    Ok(())
}

/// The first bytes as a table of sixteen: place, hexadecimal, and what is ASCII of it.
fn dump(bytes: &[u8], style: &Style, out: &mut dyn Write) -> Result<(), TermError> {
    let shown = bytes.len().min(DUMPED_BYTES);
    for (row, line) in bytes[..shown].chunks(16).enumerate() {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let ascii: String = line
            .iter()
            .map(|byte| match byte {
                0x20..=0x7e => char::from(*byte),
                _ => '.',
            })
            .collect();
        let place = style.screen.paint(Paint::Dim, format!("{:08x}", row * 16));
        writeln!(out, "{place}  {:<47}  {ascii}", hex.join(" "))?;
    }
    if shown < bytes.len() {
        let text = format!("... {} more bytes", bytes.len() - shown);
        writeln!(out, "{}", style.screen.paint(Paint::Dim, text))?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use achronyme_env::{Record, Scope};

    /// The text of a value on a plain page of 80 columns.
    pub(in crate::term) fn shown(value: impl Into<Value>) -> String {
        let mut out = Vec::new();
        render(&value.into(), &Style::new(Screen::plain(80)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_keeps_its_lines_and_loses_its_controls() {
        assert_eq!(shown("one\ntwo\u{1b}[2J\n"), "one\ntwo\\u{1b}[2J\n");
        assert_eq!(shown(""), "\n");
    }

    #[test]
    fn bytes_are_dumped() {
        let bytes = Value::Bytes((0..20u8).chain(*b"ab").collect());
        assert_eq!(
            shown(bytes),
            "bytes  22 B\n\
             00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................\n\
             00000010  10 11 12 13 61 62                                ....ab\n"
        );
        let long = Value::Bytes(vec![0; 1000].into());
        assert!(shown(long).ends_with("\n... 744 more bytes\n"));
    }

    #[test]
    fn a_function_shows_its_source_and_the_names_it_captured() {
        let function = UserFunction {
            name: Some("f".into()),
            parameters: vec!["x".into(), "y".into()],
            source: "x + y\n+ k".into(),
            scope: Some(Scope::new(Record::from([("k", 1.0)]))),
            ..UserFunction::default()
        };
        assert_eq!(
            shown(function),
            "<function f(x, y)>\n  x + y\n  + k\ncaptures k\n"
        );
        let builtin = Function::Builtin { name: "sin".into() };
        assert_eq!(shown(builtin), "<builtin sin>\n");
    }

    #[test]
    fn scalars_stand_alone() {
        assert_eq!(shown(()), "null\n");
        assert_eq!(shown(true), "true\n");
        assert_eq!(shown(7i64), "7\n");
        assert_eq!(shown(1.0), "1.0\n");
        assert_eq!(shown(achronyme_env::Complex128::new(1.0, -2.0)), "(1-2j)\n");
    }
}
