//! JSON: a top-level object gives a value per key, anything else is one value.
//!
//! The text is checked by `serde_json` once, and then walked as raw pieces of it: so that a number is
//! seen as it is written (an integer beyond 64 bits is not rounded to a float), a key given twice is
//! noticed, and every complaint has a line and a column.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use achronyme_env::{Record, Value, check_name, limits::MAX_NESTING};
use serde_json::value::RawValue;

use super::error::{ImportError, Place, Result, Site};
use super::json_numbers::number;
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

/// Reads a .json file.
///
/// # Errors
/// When the text is not JSON, gives a key twice in one object, or nests too deep.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Imports> {
    let site = Site::whole(path);
    let text = read_text(path, &site)?;
    let document = Document {
        text: text.strip_prefix('\u{feff}').unwrap_or(&text),
        site: &site,
    };
    let root: &RawValue = serde_json::from_str(document.text).map_err(|e| {
        let at = document.offset(0, e.line(), e.column());
        document.not_json(at, &e)
    })?;
    let mut path = KeyPath::default();
    if !root.get().starts_with('{') {
        let value = document.value(root, &mut path, 0)?;
        return Ok(Imports::one(Imported {
            name: options.stem(site.path())?,
            value,
            attributes: Record::new(),
            note: None,
        }));
    }
    // The keys become names, so the object itself is no level of nesting.
    let values = document
        .object(root, &mut path, 0)?
        .iter()
        .map(|(name, value)| {
            check_name(name).map_err(|e| site.value(e))?;
            Ok(Imported {
                name: name.to_owned(),
                value: value.clone(),
                attributes: Record::new(),
                note: None,
            })
        })
        .collect::<Result<Vec<Imported>>>()?;
    let mut imports = Imports::members(values);
    if imports.values.is_empty() {
        let file = site.path().file_name().unwrap_or_default();
        let file = achronyme_env::escape_for_terminal(&file.to_string_lossy());
        imports
            .notes
            .push(format!("{file}: an object without keys, so without values"));
    }
    Ok(imports)
}

/// The value of a JSON text that did not come from a file; nothing when the text is not JSON.
///
/// # Errors
/// When it is JSON that no value stands for: a key given twice, nesting without end.
pub(crate) fn json_value(text: &str) -> Option<Result<Value>> {
    let root: &RawValue = serde_json::from_str(text).ok()?;
    let site = Site::whole(Path::new("the value"));
    let document = Document { text, site: &site };
    Some(document.value(root, &mut KeyPath::default(), 0))
}

/// The whole text: the values it becomes are larger than it is.
fn read_text(path: &Path, site: &Site) -> Result<String> {
    let source = SourceFile::open(path)?;
    let file = source.handle().map_err(|e| site.value(e))?;
    let mut bytes = Vec::new();
    (&file)
        .take(source.len())
        .read_to_end(&mut bytes)
        .map_err(|e| site.io("read", e))?;
    source.check(&file).map_err(|e| site.value(e))?;
    String::from_utf8(bytes).map_err(|e| {
        let good = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = 1 + good.iter().filter(|byte| **byte == b'\n').count() as u64;
        site.at(Place::Line(line))
            .damaged("the text is not UTF-8", "save the file as UTF-8")
    })
}

/// One JSON text, and the file it is from.
struct Document<'a> {
    text: &'a str,
    site: &'a Site,
}

impl Document<'_> {
    /// The value of a piece of the text, inside `depth` others.
    fn value(&self, raw: &RawValue, path: &mut KeyPath, depth: usize) -> Result<Value> {
        let text = raw.get();
        let first = text.as_bytes().first().copied().unwrap_or_default();
        if matches!(first, b'{' | b'[') && depth == MAX_NESTING {
            return Err(self.place(raw, path).unsupported(
                format!("it is nested deeper than {MAX_NESTING} levels"),
                "flatten it, or give its parts keys at the top level",
            ));
        }
        match first {
            b'{' => Ok(self.object(raw, path, depth + 1)?.into()),
            b'[' => {
                let pieces: Vec<&RawValue> = self.parse(raw, path)?;
                let mut elements = Vec::with_capacity(pieces.len());
                for (index, piece) in pieces.into_iter().enumerate() {
                    path.0.push(Step::Index(index));
                    elements.push(self.value(piece, path, depth + 1)?);
                    path.0.pop();
                }
                Ok(elements.into())
            }
            b'"' => Ok(Value::String(Arc::from(self.parse::<String>(raw, path)?))),
            b't' | b'f' => Ok(self.parse::<bool>(raw, path)?.into()),
            b'n' => Ok(Value::Null),
            _ => number(text).ok_or_else(|| {
                self.place(raw, path).unsupported(
                    format!("the number {text} is too large for a 64-bit float"),
                    "write it as a string",
                )
            }),
        }
    }

    /// The fields of an object.
    fn object(&self, raw: &RawValue, path: &mut KeyPath, depth: usize) -> Result<Record> {
        let Fields(fields) = self.parse(raw, path)?;
        let mut record = Record::new();
        for (name, piece) in fields {
            path.0.push(Step::Key(name.clone()));
            let value = self.value(piece, path, depth)?;
            if record.insert(name, value).is_some() {
                return Err(self.place(piece, path).damaged(
                    "the key is given twice in one object",
                    "give one of them another name",
                ));
            }
            path.0.pop();
        }
        Ok(record)
    }

    /// Parses a piece whose syntax was checked with the whole text; strings can still be wrong.
    fn parse<'r, T: serde::Deserialize<'r>>(&self, raw: &'r RawValue, path: &KeyPath) -> Result<T> {
        serde_json::from_str(raw.get()).map_err(|e| {
            let at = self.offset(self.start(raw), e.line(), e.column());
            let site = self.site.at(self.line_column(at, path));
            site.damaged(format!("not JSON: {}", reason(&e)), "correct the text")
        })
    }

    fn not_json(&self, at: usize, error: &serde_json::Error) -> ImportError {
        // serde_json points at or behind the character it stumbled over.
        let behind = self.text.get(at.saturating_sub(2)..).unwrap_or_default();
        let head: String = behind.chars().take(5).collect();
        let advice = if self.text.trim().is_empty() {
            "the file is empty; write at least null"
        } else if head.contains("Na") || head.contains("Inf") {
            "NaN and Infinity are not JSON; write null or a string instead"
        } else {
            "correct the text"
        };
        let site = self.site.at(self.line_column(at, &KeyPath::default()));
        site.damaged(format!("not JSON: {}", reason(error)), advice)
    }

    fn place(&self, raw: &RawValue, path: &KeyPath) -> Site {
        self.site.at(self.line_column(self.start(raw), path))
    }

    /// Where a piece begins in the text: pieces are borrowed from it.
    fn start(&self, raw: &RawValue) -> usize {
        let start = raw.get().as_ptr().addr();
        start.saturating_sub(self.text.as_ptr().addr())
    }

    /// The offset of a line and a column (both from 1) counted from offset `from`.
    fn offset(&self, from: usize, line: usize, column: usize) -> usize {
        let text = self.text.get(from..).unwrap_or_default();
        let mut lines = text.split_inclusive('\n');
        let before: usize = lines
            .by_ref()
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum();
        // The column is the number of bytes read of that line: 0 is the line break before it.
        (from + before + column)
            .saturating_sub(1)
            .min(self.text.len())
    }

    fn line_column(&self, at: usize, path: &KeyPath) -> Place {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |nl| nl + 1);
        Place::Key {
            path: path.to_string(),
            line: 1 + before.iter().filter(|byte| **byte == b'\n').count(),
            column: 1 + before.len() - line_start,
        }
    }
}

/// What serde_json complains about, without the place, which is said by us.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// The path to a value, for messages.
#[derive(Default)]
struct KeyPath(Vec<Step>);

enum Step {
    Index(usize),
    Key(String),
}

impl std::fmt::Display for KeyPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(at) => write!(f, "[{at}]")?,
                Step::Key(key) if index == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The fields of an object as pieces of the text, in order, with those given twice.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Fields<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> serde::de::Visitor<'de> for FieldsVisitor {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        from.deserialize_map(FieldsVisitor)
    }
}
