//! Values as JSON. The mapping, which loses nothing unless it is said here:
//!
//! | value | JSON |
//! |---|---|
//! | null, boolean, string | themselves |
//! | integer, and the extension `integer` of any size | a number without a point |
//! | number | a number with a point or exponent, shortest digits that lead back; `-0.0` stays |
//! | NaN, infinities | the strings `"NaN"`, `"Infinity"`, `"-Infinity"`; the bits of a NaN are lost |
//! | complex | `{"re": .., "im": ..}` |
//! | bytes | `{"$kind": "bytes", "base64": ".."}` |
//! | vector | an array |
//! | record | an object, fields in order |
//! | tensor | `{"dtype": .., "shape": [..], "order": "C" or "Fortran", "data": nested arrays}` |
//! | string array | the same with the dtype `string` |
//! | anything else | `{"$kind": "edge", ..}` and so on |
//!
//! `data` is nested by index whatever the order, `[]` when there are no elements, and one-byte
//! floats are their bytes as integers. A record that would look like one of the objects above is
//! written `{"$kind": "record", "fields": [[name, value], ..]}`. A cell that holds itself ends in
//! `{"$kind": "cell", "cycle": true}`.
//!
//! Control and bidirectional characters are `\u` escapes, so that the text is harmless on a
//! terminal. The same value gives the same bytes.

use std::io::{self, Write};

use achronyme_env::limits::MAX_NESTING;
use achronyme_env::{Cell, EnvError, Function, Order, Record, Typed, UserFunction, Value};
use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;
use serde::Serialize;

use super::TermError;
use super::escape::escape;
use super::tree::is_integer;
use crate::export::pieces::stored;

mod nested;

/// Writes `value` as JSON on one line, without a line end.
///
/// # Errors
/// What reading the value and writing answer; [`EnvError::NestingTooDeep`] for a value no file can
/// hold.
pub(crate) fn write(value: &Value, out: &mut dyn Write) -> Result<(), TermError> {
    Writer {
        out,
        level: 0,
        cells: Vec::new(),
    }
    .value(value)
}

/// Writes anything serde knows as JSON on one line with the same harmless strings: listings and
/// reports.
///
/// # Errors
/// What writing answers.
pub(crate) fn write_plain(
    value: &(impl Serialize + ?Sized),
    out: &mut dyn Write,
) -> Result<(), TermError> {
    let mut serializer = serde_json::Serializer::with_formatter(out, Harmless);
    value
        .serialize(&mut serializer)
        .map_err(|error| TermError::Output(error.into()))
}

/// Compact JSON whose strings hold no character that is harmful on a terminal.
struct Harmless;

impl serde_json::ser::Formatter for Harmless {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        if escape(fragment).len() == fragment.len() {
            return out.write_all(fragment.as_bytes());
        }
        for c in fragment.chars() {
            let mut units = [0; 2];
            let mut bytes = [0; 4];
            let text: &str = c.encode_utf8(&mut bytes);
            if escape(text) == text {
                out.write_all(text.as_bytes())?;
            } else {
                for unit in c.encode_utf16(&mut units) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

/// A value on its way out.
struct Writer<'a> {
    out: &'a mut dyn Write,
    level: usize,
    /// The cells around the value being written.
    cells: Vec<Cell>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value) -> Result<(), TermError> {
        if self.level > 2 * MAX_NESTING {
            return Err(TermError::Value(EnvError::NestingTooDeep {
                path: "the value".to_owned(),
            }));
        }
        self.level += 1;
        self.at_level(value)?;
        self.level -= 1;
        Ok(())
    }

    fn at_level(&mut self, value: &Value) -> Result<(), TermError> {
        match value {
            Value::Null => self.raw("null"),
            Value::Boolean(boolean) => self.plain(boolean),
            Value::Integer(integer) => self.plain(integer),
            Value::Number(number) => Ok(nested::number(*number, self.out)?),
            Value::Complex(z) => Ok(nested::complex(z.re, z.im, self.out)?),
            Value::String(text) => self.plain(&**text),
            Value::Bytes(bytes) => {
                self.raw(r#"{"$kind":"bytes","base64":""#)?;
                self.base64(|encoder| Ok(encoder.write_all(bytes)?))?;
                self.raw("\"}")
            }
            Value::Vector(elements) => self.list(elements),
            Value::Tensor(tensor) => {
                let order = match tensor.order() {
                    Order::C => "C",
                    Order::Fortran => "Fortran",
                };
                self.array_head(tensor.dtype().name(), tensor.shape(), order)?;
                nested::tensor(tensor, self.out)?;
                self.raw("}")
            }
            Value::StringArray(strings) => {
                self.array_head("string", strings.shape(), "C")?;
                nested::strings(strings, self.out)?;
                self.raw("}")
            }
            Value::Record(record) if looks_like_another(record) => {
                self.raw(r#"{"$kind":"record","fields":["#)?;
                for (index, (name, value)) in record.iter().enumerate() {
                    self.raw(if index == 0 { "[" } else { ",[" })?;
                    self.plain(name)?;
                    self.raw(",")?;
                    self.value(value)?;
                    self.raw("]")?;
                }
                self.raw("]}")
            }
            Value::Record(record) => self.object(record),
            Value::Edge(edge) => {
                self.kind("edge")?;
                self.member("from", &*edge.from)?;
                self.member("to", &*edge.to)?;
                self.member("directed", &edge.directed)?;
                self.key("properties")?;
                self.object(&edge.properties)?;
                self.raw("}")
            }
            Value::Function(function) => self.function(function),
            Value::Cell(cell) => self.cell(cell),
            Value::Error(error) => {
                self.kind("error")?;
                self.member("message", &*error.message)?;
                self.member("kind", &error.kind.as_deref())?;
                self.key("source")?;
                self.value(error.source.as_ref().unwrap_or(&Value::Null))?;
                self.raw("}")
            }
            Value::Extension(extension) => {
                if let ("integer", Some(digits)) =
                    (&*extension.type_name, extension.storage.as_str())
                    && is_integer(digits)
                {
                    return self.raw(digits);
                }
                self.kind("extension")?;
                self.member("type", &*extension.type_name)?;
                self.key("parameters")?;
                self.value(&extension.parameters)?;
                self.key("storage")?;
                self.value(&extension.storage)?;
                self.raw("}")
            }
            Value::Typed(typed) => self.typed(typed),
            other => {
                self.kind("unknown")?;
                self.member("name", other.kind().name())?;
                self.raw("}")
            }
        }
    }

    fn list(&mut self, elements: &[Value]) -> Result<(), TermError> {
        self.raw("[")?;
        for (index, element) in elements.iter().enumerate() {
            if index > 0 {
                self.raw(",")?;
            }
            self.value(element)?;
        }
        self.raw("]")
    }

    fn object(&mut self, record: &Record) -> Result<(), TermError> {
        self.raw("{")?;
        for (index, (name, value)) in record.iter().enumerate() {
            if index > 0 {
                self.raw(",")?;
            }
            self.plain(name)?;
            self.raw(":")?;
            self.value(value)?;
        }
        self.raw("}")
    }

    fn array_head(&mut self, dtype: &str, shape: &[u64], order: &str) -> Result<(), TermError> {
        self.raw(r#"{"dtype":"#)?;
        self.plain(dtype)?;
        self.member("shape", shape)?;
        self.member("order", order)?;
        self.key("data")
    }

    fn function(&mut self, function: &Function) -> Result<(), TermError> {
        let UserFunction {
            name,
            parameters,
            details,
            source,
            scope,
        } = match function {
            Function::Builtin { name } => {
                self.kind("builtin")?;
                self.member("name", &**name)?;
                return self.raw("}");
            }
            Function::User(function) => function,
        };
        self.kind("function")?;
        self.member("name", &name.as_deref())?;
        let parameters: Vec<&str> = parameters.iter().map(|name| &**name).collect();
        self.member("parameters", &parameters)?;
        self.member("source", &**source)?;
        self.key("details")?;
        self.object(details)?;
        // A scope may hold the function itself: the names tell what was captured.
        let bindings = scope.as_ref().map(|scope| scope.bindings());
        let names: Vec<&str> = bindings.iter().flat_map(|record| record.names()).collect();
        self.member("captures", &names)?;
        self.raw("}")
    }

    fn cell(&mut self, cell: &Cell) -> Result<(), TermError> {
        self.kind("cell")?;
        if self.cells.iter().any(|around| around.same(cell)) {
            self.member("cycle", &true)?;
        } else {
            self.key("content")?;
            self.cells.push(cell.clone());
            self.value(&cell.get())?;
            self.cells.pop();
        }
        self.raw("}")
    }

    fn typed(&mut self, typed: &Typed) -> Result<(), TermError> {
        self.kind("typed")?;
        self.member("type", &*typed.type_name)?;
        self.member("version", &typed.version)?;
        self.member("alignment", &typed.alignment)?;
        self.member("fingerprint", &format!("{:016x}", typed.fingerprint))?;
        self.raw(r#","base64":""#)?;
        self.base64(|encoder| stored(&typed.bytes, |piece| Ok(encoder.write_all(piece)?)))?;
        self.raw("\"}")
    }

    fn base64(
        &mut self,
        write: impl FnOnce(&mut dyn Write) -> Result<(), TermError>,
    ) -> Result<(), TermError> {
        let mut encoder = EncoderWriter::new(&mut *self.out, &STANDARD);
        write(&mut encoder)?;
        encoder.finish()?;
        Ok(())
    }

    fn kind(&mut self, kind: &str) -> Result<(), TermError> {
        self.raw(r#"{"$kind":"#)?;
        self.plain(kind)
    }

    fn member(&mut self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<(), TermError> {
        self.key(key)?;
        self.plain(value)
    }

    /// A key that is not the first of its object.
    fn key(&mut self, key: &str) -> Result<(), TermError> {
        self.raw(",")?;
        self.plain(key)?;
        self.raw(":")
    }

    fn plain(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), TermError> {
        write_plain(value, self.out)
    }

    fn raw(&mut self, text: &str) -> Result<(), TermError> {
        Ok(self.out.write_all(text.as_bytes())?)
    }
}

/// Whether a record, written as an object, would be taken for something else.
fn looks_like_another(record: &Record) -> bool {
    let names = |wanted: &[&str]| {
        record.len() == wanted.len() && wanted.iter().all(|name| record.get(name).is_some())
    };
    record.get("$kind").is_some()
        || names(&["re", "im"])
        || names(&["dtype", "shape", "order", "data"])
}

#[cfg(test)]
mod tests;
