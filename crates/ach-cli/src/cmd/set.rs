//! `ach set`: variables of an archive get values.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, Record, Session, Value};

use super::Status;
use crate::attribute::Attribute;
use crate::edit::{History, edit};
use crate::error::{Result, note, shown};
use crate::import::{ImportOptions, Naming, import, json_value};
use crate::journal::Reading;
use crate::term::table::cut;
use crate::term::{Screen, escape, text};

/// Set variables of an archive, or parts of them, in one commit.
///
/// VALUE is JSON if it parses, otherwise text; @FILE is what `ach pack` reads from that file: an
/// array of .npy, a table of .csv, a record of everything in .json, .npz, .safetensors and .ach. For
/// text that begins with @, or that would be JSON, write a JSON string: 'x="@home"'.
///
/// NAME may go on into a value that is there: `config.rate=0.1` replaces or adds a field of a record,
/// `runs[0].seed=7` an element of a vector. A variable of exactly that name comes first.
///
/// Costs what changes, not what there is: the commit goes to the journal beside the archive. A small
/// archive (64 MiB) that had no journal is then written anew, and has none; see --keep-history.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What to set: NAME=VALUE or NAME=@FILE
    #[arg(value_name = "NAME=VALUE", required_unless_present = "attr")]
    assignments: Vec<Assignment>,
    /// An attribute of a variable (repeatable); VALUE is JSON if it parses, else text
    #[arg(long, value_name = "NAME:K=V")]
    attr: Vec<Attribute>,
    /// Make the archive when there is none
    #[arg(long)]
    create: bool,
    #[command(flatten)]
    history: History,
}

/// A place, and what is to stand there.
#[derive(Clone, Debug)]
struct Assignment {
    place: String,
    given: Given,
}

#[derive(Clone, Debug)]
enum Given {
    Value(Value),
    File(PathBuf),
}

impl std::str::FromStr for Assignment {
    type Err = String;

    /// The place ends at the first `=` that is in no quotes.
    fn from_str(text: &str) -> Result<Assignment, String> {
        let wanted = "write NAME=VALUE, such as rate=0.1, or NAME=@FILE";
        let at = end_of_place(text).ok_or(wanted)?;
        let (place, value) = (&text[..at], &text[at + 1..]);
        if place.is_empty() {
            return Err(format!("the name is empty; {wanted}"));
        }
        let given = match value.strip_prefix('@') {
            Some("") => return Err(format!("no file is named; {wanted}")),
            Some(file) => Given::File(file.into()),
            None => Given::Value(match json_value(value) {
                Some(value) => value.map_err(|error| error.to_string())?,
                None => value.into(),
            }),
        };
        Ok(Assignment {
            place: place.to_owned(),
            given,
        })
    }
}

/// Where the first `=` stands that is in no quoted name. Quotes begin a name at the start or after
/// a dot; one that is never closed is part of a name.
fn end_of_place(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut before = '.';
    for (at, c) in text.char_indices() {
        match c {
            '\'' if quoted => quoted = false,
            // A quote after a quote is one that is meant.
            '\'' if matches!(before, '.' | '\'') => quoted = text[at + 1..].contains('\''),
            '=' if !quoted => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

/// Sets.
///
/// # Errors
/// [`crate::error::Failure`]; nothing is set then.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let mut values = Vec::with_capacity(args.assignments.len());
    for assignment in &args.assignments {
        let (value, attributes) = match &assignment.given {
            Given::Value(value) => (value.clone(), Record::new()),
            Given::File(path) => from_file(path, &assignment.place, &args.file)?,
        };
        values.push((assignment.place.as_str(), value, attributes));
    }
    let edited = edit(&args.file, args.create, args.history, |session| {
        let mut lines = Vec::new();
        for (place, value, attributes) in values {
            lines.push(set(session, place, value, screen)?);
            if !attributes.is_empty() && session.contains(place) {
                add_attributes(session, place, attributes)?;
            }
        }
        for attribute in &args.attr {
            let (name, key, value) = attribute.parts();
            let shown = brief(value, screen)?;
            add_attributes(session, name, Record::from([(key, value.clone())]))?;
            lines.push(format!("{}:{key} = {shown}", escape::label(name)));
        }
        Ok(lines)
    })?;
    const TOLD: usize = 20;
    for line in edited.done.iter().take(TOLD) {
        writeln!(out, "{}", escape::escape(line))?;
    }
    let more = edited.done.len().saturating_sub(TOLD);
    if more > 0 {
        writeln!(out, "and {more} more")?;
    }
    Ok(Status::Fine)
}

/// Sets one place, and says what is there now and what was before.
fn set(session: &mut Session, place: &str, value: Value, screen: &Screen) -> Result<String> {
    let before = session.at(place);
    let now = brief(&value, screen)?;
    session.set_at(place, value)?;
    let was = match before {
        Ok(before) => {
            let was = brief(&before, screen);
            format!(
                "was {}",
                was.unwrap_or_else(|_| before.kind().name().to_owned())
            )
        }
        Err(EnvError::NotFound { name, nearest, .. }) => {
            if let Some(nearest) = nearest.filter(|_| name != place) {
                let (name, nearest) = (escape::name(&name), escape::name(&nearest));
                note(&format!(
                    "no variable is called {name} (did you mean {nearest}?): {} is a new one",
                    escape::name(place)
                ));
            }
            "new".to_owned()
        }
        // A new field, or what cannot be read and is replaced.
        Err(_) => "new".to_owned(),
    };
    Ok(format!("{} = {now}, {was}", escape::label(place)))
}

/// A value in at most so many columns.
fn brief(value: &Value, screen: &Screen) -> Result<String> {
    const WIDTH: usize = 60;
    let line = text::one_line(value, screen)?;
    Ok(cut(&line, WIDTH, screen.unicode))
}

fn add_attributes(session: &mut Session, name: &str, more: Record) -> Result<()> {
    let mut attributes = session.variable(name)?.attributes;
    for (key, value) in more.iter() {
        attributes.insert(key, value.clone());
    }
    Ok(session.set_attributes(name, attributes)?)
}

/// The value of a file, and what the file says about it.
fn from_file(path: &Path, place: &str, archive: &Path) -> Result<(Value, Record)> {
    let extension = path.extension().unwrap_or_default();
    if extension.eq_ignore_ascii_case("ach") {
        let source = crate::opened::open(path, Reading::default())?;
        let bindings = source.bindings_as_saved();
        let names: Vec<&str> = bindings.iter().map(|binding| binding.name()).collect();
        let values = source.load_vars(&names)?;
        if bindings.iter().any(|binding| binding.has_attributes()) {
            let path = shown(path);
            note(&format!(
                "{path}: attributes are left out; a record has none"
            ));
        }
        let record: Record = names.into_iter().zip(values).collect();
        return Ok((record.into(), Record::new()));
    }
    let directory = archive.parent().filter(|p| !p.as_os_str().is_empty());
    let options = ImportOptions {
        // Its errors then are about what is set, and not about the file's name.
        name: Some(place.to_owned()),
        scratch_directory: Some(directory.unwrap_or(Path::new(".")).to_path_buf()),
        ..ImportOptions::default()
    };
    let imports = import(path, &options)?;
    imports.notes.iter().for_each(|text| note(text));
    let file = shown(Path::new(path.file_name().unwrap_or_default()));
    for value in &imports.values {
        if let Some(text) = &value.note {
            let name = escape::label(&value.name);
            note(&format!("{file}: {name}: {text}"));
        }
    }
    let mut values = imports.values;
    if imports.naming == Naming::Stem && values.len() == 1 {
        let value = values.swap_remove(0);
        return Ok((value.value, value.attributes));
    }
    let fields = values.into_iter().map(|value| (value.name, value.value));
    let record: Record = fields.collect();
    Ok((record.into(), imports.metadata))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Option<&str> {
        end_of_place(text).map(|at| &text[..at])
    }

    #[test]
    fn the_first_equals_sign_outside_quotes_ends_the_place() {
        assert_eq!(place("a=b=c"), Some("a"));
        assert_eq!(place("'a=b'=c"), Some("'a=b'"));
        assert_eq!(place("'a=b'.x=c"), Some("'a=b'.x"));
        assert_eq!(place("r.'x=y'=1"), Some("r.'x=y'"));
        assert_eq!(place("'it''s=1'=2"), Some("'it''s=1'"));
        assert_eq!(place("it's=3"), Some("it's"));
        assert_eq!(place("'open=3"), Some("'open"));
        assert_eq!(place("a"), None);
    }

    #[test]
    fn values_are_json_text_or_files() {
        let given = |text: &str| text.parse::<Assignment>().unwrap().given;
        assert!(matches!(given("x=3"), Given::Value(Value::Integer(3))));
        assert!(matches!(given("x=a b"), Given::Value(Value::String(_))));
        assert!(matches!(given("x=\"@a\""), Given::Value(Value::String(_))));
        assert!(matches!(given("x=@a.npy"), Given::File(_)));
        for bad in ["x", "=1", "x=@", "x={\"a\":1,\"a\":2}"] {
            assert!(bad.parse::<Assignment>().is_err(), "{bad}");
        }
    }
}
