//! What the user says of a variable or of the archive: `NAME:KEY=VALUE` and `KEY=VALUE`.

use std::collections::HashMap;

use achronyme_env::{Record, Value};

use crate::error::{Failure, Result};
use crate::import::json_value;
use crate::term::escape;

/// An attribute of one variable.
#[derive(Clone, Debug)]
pub(crate) struct Attribute {
    /// The variable.
    pub(crate) name: String,
    key: String,
    value: Value,
}

impl Attribute {
    /// Variable, key and value.
    pub(crate) fn parts(&self) -> (&str, &str, &Value) {
        (&self.name, &self.key, &self.value)
    }
}

impl std::str::FromStr for Attribute {
    type Err = String;

    /// The name ends at the last colon before the first `=`. The value is JSON where it is JSON,
    /// otherwise text.
    fn from_str(text: &str) -> Result<Attribute, String> {
        let wanted = "write NAME:KEY=VALUE, such as temperature:units=K";
        let (place, value) = text.split_once('=').ok_or(wanted)?;
        let (name, key) = place.rsplit_once(':').ok_or(wanted)?;
        if key.is_empty() {
            return Err(format!("the key is empty; {wanted}"));
        }
        let value = match json_value(value) {
            Some(value) => value.map_err(|error| error.to_string())?,
            None => value.into(),
        };
        Ok(Attribute {
            name: name.to_owned(),
            key: key.to_owned(),
            value,
        })
    }
}

/// Attributes by the name of their variable.
#[derive(Debug)]
pub(crate) struct Attributes<'a>(HashMap<&'a str, Vec<&'a Attribute>>);

impl<'a> Attributes<'a> {
    /// Sorts the given attributes by variable.
    pub(crate) fn new(given: &'a [Attribute]) -> Self {
        let mut attributes: HashMap<&str, Vec<&Attribute>> = HashMap::new();
        for attribute in given {
            let of_name = attributes.entry(&attribute.name).or_default();
            of_name.push(attribute);
        }
        Attributes(attributes)
    }

    /// Adds those of `name` to what is known of it; they win.
    pub(crate) fn take(&mut self, name: &str, record: &mut Record) {
        for attribute in self.0.remove(name).into_iter().flatten() {
            record.insert(attribute.key.as_str(), attribute.value.clone());
        }
    }

    /// Refuses attributes of variables that were not there.
    ///
    /// # Errors
    /// A refusal that names the first of them.
    pub(crate) fn finish(self) -> Result<()> {
        match self.0.keys().min() {
            None => Ok(()),
            Some(name) => Err(Failure::refused(format!(
                "--attr names {}, but no variable of that name is packed",
                escape::name(name)
            ))),
        }
    }
}

/// `KEY=VALUE` as it stands, for custom metadata.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE, such as machine=cluster-3".to_owned()),
    }
}

/// One ASCII character that can stand between the fields of a table.
pub(crate) fn delimiter(text: &str) -> Result<u8, String> {
    let byte = match text {
        "\\t" | "tab" => b'\t',
        _ => match text.as_bytes() {
            [byte] => *byte,
            _ => return Err("give one ASCII character, or `tab`".to_owned()),
        },
    };
    match byte {
        b'"' | b'\r' | b'\n' | 0 => {
            Err("a quote, a line end or a NUL cannot part fields".to_owned())
        }
        byte if byte.is_ascii() => Ok(byte),
        _ => Err("give one ASCII character, or `tab`".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_colons_and_values_may_hold_equals_signs() {
        let attribute: Attribute = "a:b:units=m=1".parse().unwrap();
        assert_eq!((&*attribute.name, &*attribute.key), ("a:b", "units"));
        assert_eq!(attribute.value.as_str(), Some("m=1"));
    }

    #[test]
    fn values_are_json_where_they_can_be() {
        let value = |text: &str| format!("x:k={text}").parse::<Attribute>().unwrap().value;
        assert_eq!(value("3").as_i64(), Some(3));
        assert_eq!(value("true").as_bool(), Some(true));
        assert_eq!(value("K").as_str(), Some("K"));
        assert_eq!(value("\"3\"").as_str(), Some("3"));
        assert!(value("[1, {\"a\": 2}]").as_vector().is_some());
        assert_eq!(value("").as_str(), Some(""));
    }

    #[test]
    fn what_is_not_of_the_form_is_refused() {
        for bad in ["x", "x=1", ":=1", "x:=1", "x:{\"a\":1"] {
            assert!(bad.parse::<Attribute>().is_err(), "{bad}");
        }
        assert!(pair("k=v=w").is_ok() && pair("=v").is_err() && pair("k").is_err());
    }

    #[test]
    fn delimiters_are_single_harmless_characters() {
        assert_eq!(delimiter(";"), Ok(b';'));
        assert_eq!(delimiter("\\t"), Ok(b'\t'));
        assert_eq!(delimiter("tab"), Ok(b'\t'));
        for bad in ["", "ab", "\"", "\n", "\u{e9}", "\0"] {
            assert!(delimiter(bad).is_err(), "{bad:?}");
        }
    }
}
