//! Options that arrive as a record from a host's language: every field is known and read, or is an
//! error that names it.

use super::given::{self, Mismatch, Read};
use super::restore_options::{RestoreMode, RestoreOptions};
use crate::error::{EnvError, Result};
use crate::name::nearest;
use crate::pattern::Patterns;
use crate::read::Check;
use crate::value::{Record, Value};
use crate::write::{DEFAULT_COLD_SHARE, SaveOptions};

/// An option: its name, and how its value changes the options.
type Row<O> = (&'static str, fn(O, &Value) -> Read<O>);

/// The options of a save. Null stands for a default that is "none".
const SAVE: &[Row<SaveOptions>] = &[
    (
        "compress",
        |o, value| Ok(o.compress(given::boolean(value)?)),
    ),
    ("compression_level", |o, value| {
        let level = given::whole(value, 1, 22, "a whole number from 1 to 22")?;
        Ok(o.compression_level(level as i32))
    }),
    ("auto_cold", |o, value| match value {
        Value::Boolean(true) => Ok(o.auto_cold(DEFAULT_COLD_SHARE)),
        Value::Boolean(false) | Value::Null => Ok(o),
        Value::Number(share) if *share > 0.0 && *share < 1.0 => Ok(o.auto_cold(*share)),
        other => given::mismatch(other, "true, false or a share between 0 and 1"),
    }),
    ("cold", |o, value| {
        Ok(patterns(value)?.into_iter().fold(o, SaveOptions::cold))
    }),
    ("description", |o, value| match value {
        Value::Null => Ok(o),
        value => Ok(o.description(given::text(value, "a string or null")?)),
    }),
    ("tags", |o, value| {
        Ok(given::texts(value)?.into_iter().fold(o, SaveOptions::tag))
    }),
    ("custom", |mut o, value| {
        for (key, value) in given::record(value, "a record of strings")?.iter() {
            let text = given::text(value, "a string").map_err(|e| e.below(format!(".{key}")))?;
            o = o.custom(key, text);
        }
        Ok(o)
    }),
    ("attributes", |mut o, value| {
        for (name, value) in given::record(value, "a record of records")?.iter() {
            let attributes =
                given::record(value, "a record").map_err(|e| e.below(format!(".{name}")))?;
            o = o.attributes(name, attributes.clone());
        }
        Ok(o)
    }),
    ("include_only", |o, value| match value {
        Value::Null => Ok(o),
        value => Ok(o.include_only(patterns(value)?)),
    }),
    ("exclude", |o, value| {
        Ok(patterns(value)?.into_iter().fold(o, SaveOptions::exclude))
    }),
    ("include_constants", |o, value| {
        Ok(o.include_constants(given::boolean(value)?))
    }),
    ("include_functions", |o, value| {
        Ok(o.include_functions(given::boolean(value)?))
    }),
    ("include_builtins", |o, value| {
        Ok(o.include_builtins(given::boolean(value)?))
    }),
    ("discard_journal", |o, value| {
        Ok(o.discard_journal(given::boolean(value)?))
    }),
    ("allow_overwrite", |o, value| {
        Ok(o.allow_overwrite(given::boolean(value)?))
    }),
    ("max_file_size", |o, value| match value {
        Value::Null => Ok(o),
        value => Ok(o.max_file_size(given::bytes(value, "a whole number of bytes or null")?)),
    }),
    ("warn_large_values", |o, value| match value {
        Value::Null | Value::Boolean(false) => Ok(o.warn_large_values(None)),
        value => {
            let expected = "a whole number of bytes, or null or false for never";
            Ok(o.warn_large_values(given::bytes(value, expected)?))
        }
    }),
    ("strict", |o, value| Ok(o.strict(given::boolean(value)?))),
    ("seal", |o, value| Ok(o.seal(given::boolean(value)?))),
    ("durable", |o, value| Ok(o.durable(given::boolean(value)?))),
];

/// The options of a restore.
const RESTORE: &[Row<RestoreOptions>] = &[
    ("mode", |o, value| match value.as_str() {
        Some("merge") => Ok(o.mode(RestoreMode::Merge)),
        Some("replace") => Ok(o.mode(RestoreMode::Replace)),
        Some("namespace") => Ok(o.mode(RestoreMode::Namespace)),
        _ => given::mismatch(value, "'merge', 'replace' or 'namespace'"),
    }),
    ("overwrite", |o, value| {
        Ok(o.overwrite(given::boolean(value)?))
    }),
    ("namespace", |mut o, value| {
        if !matches!(value, Value::Null) {
            let name = given::text(value, "the name of a variable, or null")?;
            o.namespace = Some(name.to_owned());
        }
        Ok(o)
    }),
    ("include_only", |o, value| match value {
        Value::Null => Ok(o),
        value => Ok(o.include_only(patterns(value)?)),
    }),
    ("exclude", |o, value| {
        Ok(patterns(value)?
            .into_iter()
            .fold(o, RestoreOptions::exclude))
    }),
    ("verify_checksum", |o, value| {
        Ok(o.verify_checksum(match (value, value.as_str()) {
            (Value::Boolean(check), _) => Check::from(*check),
            (_, Some("auto")) => Check::Auto,
            (_, Some("always")) => Check::Always,
            (_, Some("at_open")) => Check::AtOpen,
            (_, Some("never")) => Check::Never,
            _ => {
                let expected = "true, false, 'auto', 'always', 'at_open' or 'never'";
                return given::mismatch(value, expected);
            }
        }))
    }),
    ("strict_version", |o, value| {
        Ok(o.strict_version(given::boolean(value)?))
    }),
    ("strict", |o, value| Ok(o.strict(given::boolean(value)?))),
];

impl SaveOptions {
    /// The options that a record of a host's language names; the others have their defaults.
    ///
    /// A whole number may be an integer or a number, a list a vector of strings or a string array.
    /// Null stands for none where the default is none.
    ///
    /// ```
    /// use achronyme_env::{Record, SaveOptions, Value};
    ///
    /// let asked = Record::from([("compression_level", Value::from(9.0)), ("seal", true.into())]);
    /// SaveOptions::from_record(&asked)?;
    ///
    /// let error = SaveOptions::from_record(&Record::from([("compres", true)])).unwrap_err();
    /// assert!(error.to_string().ends_with("did you mean 'compress'?"));
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// [`EnvError::UnknownOption`] for a name that is no option of a save,
    /// [`EnvError::WrongOption`] for a value of another type, out of range or no pattern.
    pub fn from_record(record: &Record) -> Result<SaveOptions> {
        read("save", SAVE, record)
    }
}

impl RestoreOptions {
    /// The options that a record of a host's language names; the others have their defaults. A
    /// `namespace` alone implies the mode. What is not data, as the functions of the host, is
    /// added to the result.
    ///
    /// ```
    /// use achronyme_env::{Record, RestoreOptions};
    ///
    /// let options = RestoreOptions::from_record(&Record::from([("namespace", "yesterday")]))?;
    /// # let _ = options;
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    ///
    /// # Errors
    /// As [`SaveOptions::from_record`], for the options of a restore.
    pub fn from_record(record: &Record) -> Result<RestoreOptions> {
        let mut options = read("restore", RESTORE, record)?;
        if options.namespace.is_some() && record.get("mode").is_none() {
            options.mode = RestoreMode::Namespace;
        }
        let (option, expected) = match (&options.namespace, options.mode) {
            (None, RestoreMode::Namespace) => (
                "namespace",
                "the name of a variable (the mode is 'namespace')",
            ),
            (Some(_), RestoreMode::Merge | RestoreMode::Replace) => {
                ("mode", "'namespace' or none (there is a `namespace`)")
            }
            _ => return Ok(options),
        };
        Err(EnvError::WrongOption {
            option: option.to_owned(),
            expected: expected.to_owned(),
            found: record
                .get(option)
                .map_or("missing".to_owned(), given::describe),
        })
    }
}

fn read<O: Default>(operation: &'static str, rows: &[Row<O>], record: &Record) -> Result<O> {
    let mut options = O::default();
    for (name, value) in record.iter() {
        let row = rows.iter().find(|(known, _)| *known == name);
        let (name, set) = row.ok_or_else(|| EnvError::UnknownOption {
            operation,
            option: name.to_owned(),
            nearest: nearest(name, rows.iter().map(|(known, _)| *known)),
            known: rows.iter().map(|(known, _)| *known).collect(),
        })?;
        options = set(options, value).map_err(|wrong| EnvError::WrongOption {
            option: format!("{name}{}", wrong.path),
            expected: wrong.expected,
            found: wrong.found,
        })?;
    }
    Ok(options)
}

/// A list of patterns over names.
fn patterns(value: &Value) -> Read<Vec<String>> {
    let texts = given::texts(value)?;
    for (n, text) in texts.iter().enumerate() {
        Patterns::new([text]).map_err(|error| Mismatch {
            path: format!("[{n}]"),
            expected: "a name or a pattern".to_owned(),
            found: match error {
                EnvError::Syntax { reason, .. } => {
                    format!("the string {} ({reason})", crate::name::quoted(text))
                }
                other => other.to_string(),
            },
        })?;
    }
    Ok(texts)
}
