//! The arguments of a call, read as what the operation takes.

use super::Arguments;
use crate::environment::given::{self, Mismatch, Read};
use crate::error::{EnvError, Result};
use crate::value::{Record, Value};

impl<'a> Arguments<'a> {
    /// The argument at `index`, when it is given.
    pub(super) fn get(&self, index: usize) -> Option<&'a Value> {
        self.values.get(index)
    }

    /// The argument at `index`, read by `read`.
    pub(super) fn read<T>(
        &self,
        index: usize,
        name: &str,
        read: impl FnOnce(&'a Value) -> Read<T>,
    ) -> Result<T> {
        // As many are there as are read: `Operation::call` counts them.
        let value = self.get(index).unwrap_or(&Value::Null);
        read(value).map_err(|wrong| self.wrong(name, wrong))
    }

    /// The text at `index`.
    pub(super) fn text(&self, index: usize, name: &str) -> Result<&'a str> {
        self.read(index, name, |value| given::text(value, "a string"))
    }

    /// The path of a file and the options beside it: `(path)`, `(path, options)`, or one record of
    /// options with the path among them.
    pub(super) fn path_and_options(&self) -> Result<(String, Record)> {
        const PATH: &str = "the path of a file as a string";
        let Some(Value::Record(record)) = self.get(0) else {
            let expected = "the path of a file as a string, or a record of options with a `path`";
            let path = self.read(0, "path", |value| given::text(value, expected))?;
            let options = match self.get(1) {
                None => Record::new(),
                Some(_) => self
                    .read(1, "options", |value| given::record(value, "a record"))?
                    .clone(),
            };
            if let Some(second) = options.get("path") {
                let found = format!("given a second time, as {}", given::describe(second));
                let expected = "one path".to_owned();
                let path = String::new();
                return Err(self.wrong(
                    "options.path",
                    Mismatch {
                        path,
                        expected,
                        found,
                    },
                ));
            }
            return Ok((path.to_owned(), options));
        };
        if self.get(1).is_some() {
            let wrong = given::mismatch::<()>(self.get(0).unwrap_or(&Value::Null), PATH);
            return Err(self.wrong("path", wrong.unwrap_err()));
        }
        let mut options = record.clone();
        let path = options.remove("path").ok_or_else(|| {
            let found = "missing".to_owned();
            let (path, expected) = (String::new(), PATH.to_owned());
            self.wrong(
                "path",
                Mismatch {
                    path,
                    expected,
                    found,
                },
            )
        })?;
        let path = given::text(&path, PATH).map_err(|wrong| self.wrong("path", wrong))?;
        Ok((path.to_owned(), options))
    }

    fn wrong(&self, name: &str, wrong: Mismatch) -> EnvError {
        EnvError::WrongArgument {
            signature: self.signature,
            argument: format!("{name}{}", wrong.path),
            expected: wrong.expected,
            found: wrong.found,
        }
    }
}
