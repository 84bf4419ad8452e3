//! A decoder: the stream, where in which variable it stands, what it found on the way, and how
//! much memory what it made so far takes.

use std::fmt::Write;

use super::messagepack::Item;
use super::stream::Stream;
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::limits::Limits;

/// Characters of a path that are shown; longer ones are shortened in the middle.
const PATH_CHARS: usize = 240;
/// Bytes of text in one step of a path that are shown.
const STEP_BYTES: usize = 80;

pub(super) struct Decoder<'a> {
    pub(super) stream: Stream<'a>,
    /// What was found, each with the turn it was found in.
    pub(super) findings: Vec<(u64, Finding)>,
    /// The variable that is being read.
    name: String,
    /// How many variables were begun.
    turn: u64,
    /// Steps into its value. Who adds one takes it off with [`Decoder::leave`], except on an error.
    pub(super) path: Vec<Step>,
    /// Name of the unknown kind that was met last.
    pub(super) unknown: String,
    /// Bytes of memory that values and findings take, about.
    made: u64,
    /// Most they may take.
    cap: u64,
}

/// A step from a value to a part of it.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Field(String),
    Index(usize),
}

impl<'a> Decoder<'a> {
    /// A decoder at the beginning of a body of `len` stored bytes.
    pub(super) fn new(stream: Stream<'a>, limits: &Limits, len: u64) -> Decoder<'a> {
        Decoder {
            stream,
            findings: Vec::new(),
            name: String::new(),
            turn: 0,
            path: Vec::new(),
            unknown: String::new(),
            made: 0,
            // A large file that is not compressed may have large values: it shows its size.
            cap: limits.max_version1_bytes.max(len.saturating_mul(4)),
        }
    }

    /// Goes a step back, from a part of a value to the value.
    pub(super) fn leave(&mut self) {
        self.path.pop();
    }

    /// Forgets where it stands: another variable comes. Gives the number of its turn.
    pub(super) fn begin(&mut self, name: String) -> u64 {
        self.name = name;
        self.path.clear();
        self.turn += 1;
        self.turn
    }

    /// The path to the value that is being read: `.fields.f[2]`, `.'odd name'`.
    pub(super) fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Index(index) => write!(text, "[{index}]"),
                Step::Field(name) => match is_plain(name) {
                    true => write!(text, ".{}", shown(name)),
                    false => write!(text, ".'{}'", shown(name).replace('\'', "''")),
                },
            };
        }
        if text.chars().nth(PATH_CHARS).is_none() {
            return text;
        }
        let count = text.chars().count();
        let head: String = text.chars().take(PATH_CHARS / 2).collect();
        let tail: String = text.chars().skip(count - PATH_CHARS / 2).collect();
        format!("{head}...{tail}")
    }

    /// Notes what its user should know about the value that is being read.
    pub(super) fn find(&mut self, kind: &str, outcome: Outcome, reason: String) -> Result<()> {
        let path = self.path();
        self.charge((size_of::<Finding>() + path.len() + kind.len() + reason.len()) as u64)?;
        let finding = Finding::new(self.name.clone(), kind, outcome, reason);
        self.findings.push((self.turn, finding.at(path)));
        Ok(())
    }

    /// Counts memory that something takes.
    pub(super) fn charge(&mut self, bytes: u64) -> Result<()> {
        self.made = self.made.saturating_add(bytes);
        if self.made <= self.cap {
            return Ok(());
        }
        Err(EnvError::TooLarge {
            path: self.stream.origin().clone(),
            what: "what was made of the body so far".to_owned(),
            found: self.made,
            cap: self.cap,
        })
    }

    /// A fault at this place of the value.
    pub(super) fn wrong(&self, text: &str) -> EnvError {
        match self.path() {
            path if path.is_empty() => self.stream.fault(text),
            path => self.stream.fault(format!("at {path}: {text}")),
        }
    }

    /// The fault that `expected` does not stand here.
    pub(super) fn expected(&self, expected: &str, found: Item) -> EnvError {
        self.wrong(&format!("{expected} is expected, {found} stands there"))
    }

    /// An array of exactly `len` values, of which the marker is read.
    pub(super) fn array_of(&mut self, len: u32, what: &str) -> Result<()> {
        match self.stream.item()? {
            Item::Array(found) if found == len => Ok(()),
            found => Err(self.expected(&format!("{what}, an array of {len},"), found)),
        }
    }

    /// Text; bytes that are text will do, as they did in version 1.
    pub(super) fn text(&mut self, what: &str) -> Result<String> {
        match self.stream.item()? {
            Item::Text(len) | Item::Bytes(len) => self.text_of(len, what),
            found => Err(self.expected(what, found)),
        }
    }

    /// Text of `len` bytes, of which the marker is read.
    pub(super) fn text_of(&mut self, len: u32, what: &str) -> Result<String> {
        let bytes = self.stream.bytes(len.into())?;
        self.charge(len.into())?;
        String::from_utf8(bytes).map_err(|_| self.wrong(&format!("{what} is not UTF-8")))
    }

    /// A boolean.
    pub(super) fn boolean(&mut self) -> Result<bool> {
        match self.stream.item()? {
            Item::Boolean(boolean) => Ok(boolean),
            found => Err(self.expected("a boolean", found)),
        }
    }

    /// An integer that is not negative.
    pub(super) fn unsigned(&mut self, what: &str) -> Result<u64> {
        match self.stream.item()? {
            Item::Unsigned(number) => Ok(number),
            Item::Signed(number) if number >= 0 => Ok(number.unsigned_abs()),
            found => Err(self.expected(what, found)),
        }
    }

    /// A float, or what version 1 took for one: any number.
    pub(super) fn number(&mut self) -> Result<f64> {
        match self.stream.item()? {
            Item::Double(number) => Ok(number),
            Item::Single(number) => Ok(f64::from(number)),
            Item::Unsigned(number) => Ok(number as f64),
            Item::Signed(number) => Ok(number as f64),
            found => Err(self.expected("a number", found)),
        }
    }

    /// A structure: an array of its fields in order, of which the last may be missing, or a map
    /// from their names. `read` is called with the number of each field that is there.
    ///
    /// Gives which fields are there.
    pub(super) fn structure<const FIELDS: usize>(
        &mut self,
        what: &str,
        names: [&str; FIELDS],
        required: usize,
        mut read: impl FnMut(&mut Self, usize) -> Result<()>,
    ) -> Result<[bool; FIELDS]> {
        let mut seen = [false; FIELDS];
        match self.stream.item()? {
            Item::Array(len) if len as usize <= FIELDS => {
                for (field, seen) in seen.iter_mut().enumerate().take(len as usize) {
                    read(self, field)?;
                    *seen = true;
                }
            }
            Item::Map(len) => {
                for _ in 0..len {
                    let Some(field) = self.field(&names)? else {
                        self.stream.skip_value()?;
                        continue;
                    };
                    if std::mem::replace(&mut seen[field], true) {
                        let text = format!("the field {} of {what} is given twice", names[field]);
                        return Err(self.wrong(&text));
                    }
                    read(self, field)?;
                }
            }
            found => {
                let text = format!("{what}, an array of {FIELDS} or a map,");
                return Err(self.expected(&text, found));
            }
        }
        match seen.iter().take(required).position(|seen| !seen) {
            Some(missing) => {
                let text = format!("the field {} of {what} is missing", names[missing]);
                Err(self.wrong(&text))
            }
            None => Ok(seen),
        }
    }

    /// The number of the field that a key names.
    fn field(&mut self, names: &[&str]) -> Result<Option<usize>> {
        match self.stream.item()? {
            Item::Text(len) | Item::Bytes(len) => {
                let key = self.text_of(len, "the name of a field")?;
                Ok(names.iter().position(|name| *name == key))
            }
            Item::Unsigned(number) => Ok(usize::try_from(number)
                .ok()
                .filter(|field| *field < names.len())),
            found => Err(self.expected("the name of a field", found)),
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A name cut to what a message can hold.
fn shown(name: &str) -> String {
    match name.char_indices().find(|(at, _)| *at >= STEP_BYTES) {
        Some((at, _)) => format!("{}...", &name[..at]),
        None => name.to_owned(),
    }
}
