//! Text of a file on its way to a terminal: whatever stands in names, values, attributes and metadata, no
//! line of the command moves the cursor, colours the screen or reorders text.
//!
//! An input is texts with bytes 0xff between them.

use achronyme_env::{
    ArchiveWriter, BindingOptions, EnvError, ErrorValue, Extension, Function, Record, SaveOptions,
    StringArray, UserFunction, Value, escape_for_terminal,
};

use crate::{measure, scratch};

/// Runs one input.
pub fn run(data: &[u8]) {
    let texts: Vec<String> = data
        .split(|byte| *byte == 0xff)
        .map(|text| String::from_utf8_lossy(text).into_owned())
        .take(8)
        .collect();
    for text in &texts {
        harmless(escape_for_terminal(text).as_bytes());
    }
    let Ok(names) = write(&texts) else {
        return;
    };
    let path = scratch::path("texts.ach");
    let path = path.display().to_string();
    measure::bounded(data.len(), 8 << 20, || {
        for arguments in [
            &["ls"][..],
            &["ls", "--long"],
            &["ls", "--json"],
            &["info"],
            &["info", "--json"],
            &["verify"],
            &["hash"],
        ] {
            said(arguments.iter().copied().chain([path.as_str()]));
        }
        for name in &names {
            said(["get", "--", path.as_str(), name]);
            said(["get", "--format=json", "--", path.as_str(), name]);
            // As a path, in an error.
            let wrong = format!("{name}.no{name}");
            said(["get", "--", path.as_str(), &wrong]);
        }
    });
}

/// Writes an archive with the texts in every place there is; the names in it.
fn write(texts: &[String]) -> Result<Vec<String>, EnvError> {
    let path = scratch::path("texts.ach");
    let mut options = SaveOptions::new().durable(false).allow_overwrite(true);
    for text in texts {
        options = options.description(text).tag(text).custom(text, text);
    }
    let mut writer = ArchiveWriter::create(&path, &options)?;
    let mut names = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let value = value(number, text)?;
        let attributes = Record::from([(text.as_str(), Value::from(text.as_str()))]);
        let binding = BindingOptions::new().attributes(attributes);
        match writer.add_with(text, value, &binding) {
            Ok(_) => names.push(text.clone()),
            Err(EnvError::DuplicateName { .. } | EnvError::NameTooLong { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    writer.finish()?;
    Ok(names)
}

fn value(number: usize, text: &str) -> Result<Value, EnvError> {
    Ok(match number {
        0 => text.into(),
        1 => Record::from([(text, Value::vector([text, text]))]).into(),
        2 => StringArray::new([text, text], [2])?.into(),
        3 => Extension {
            type_name: text.into(),
            parameters: text.into(),
            storage: text.into(),
        }
        .into(),
        4 => ErrorValue {
            message: text.into(),
            kind: Some(text.into()),
            source: None,
        }
        .into(),
        5 => Function::Builtin { name: text.into() }.into(),
        6 => UserFunction {
            name: Some(text.into()),
            parameters: vec![text.into()],
            source: text.into(),
            ..UserFunction::default()
        }
        .into(),
        _ => Value::Bytes(text.as_bytes().into()),
    })
}

/// Runs a command and looks at all it says.
fn said<'a>(arguments: impl IntoIterator<Item = &'a str>) {
    let arguments = ["ach"].into_iter().chain(arguments);
    if let Ok((out, failure)) = ach_cli::fuzzing::run(arguments, 80) {
        harmless(&out);
        // What is told on standard error is escaped once more, as a whole.
        if let Some(failure) = failure {
            harmless(escape_for_terminal(&failure).as_bytes());
        }
    }
}

fn harmless(out: &[u8]) {
    let text = std::str::from_utf8(out).expect("text");
    let bad = text.chars().find(|c| *c != '\n' && is_harmful(*c));
    assert_eq!(bad, None, "what a terminal is sent");
}

/// Counted out once more, and not asked of the library.
fn is_harmful(c: char) -> bool {
    let code = c as u32;
    c.is_control()
        || matches!(code, 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0xfeff | 0x061c | 0xad)
}
