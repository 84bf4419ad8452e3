//! Promise: `docs/operations.md` is true. Its examples are run, and its tables name every operation
//! and every option.

use std::path::Path;

use achronyme_env::{
    EnvError, Environment, Record, RestoreOptions, Result, SaveOptions, Tensor, Value, operations,
};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_page_answers_as_the_operations_do() {
    let dir = tempfile::tempdir().unwrap();
    // The only test of this file that looks at the working directory.
    std::env::set_current_dir(dir.path()).unwrap();
    let mut env = Environment::new();
    let elements: Vec<f64> = (0..12).map(f64::from).collect();
    env.set("data", Tensor::from_vec(elements, [3, 4]).unwrap())
        .unwrap();
    let page = page();
    let mut examples = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for example in block.split("> ").skip(1) {
            let (asked, expected) = example.split_once('\n').unwrap();
            let answered = match answer(&mut env, asked) {
                Ok(value) => shown(&value, true),
                Err(error) => format!("error: {error}"),
            };
            assert!(
                matches(&answered, expected.trim_end()),
                "{asked} answers\n{answered}\nand not\n{expected}"
            );
            examples += 1;
        }
    }
    assert!(examples > 20, "{examples}");
}

#[test]
fn the_page_tells_every_operation_and_every_option() {
    let page = page();
    for operation in operations() {
        let heading = format!("### `{}`\n", operation.signature());
        assert!(page.contains(&heading), "{heading}");
    }
    let nothing = Record::from([("no such option", true)]);
    let errors = [
        SaveOptions::from_record(&nothing).unwrap_err(),
        RestoreOptions::from_record(&nothing).unwrap_err(),
    ];
    let mut known = Vec::new();
    for error in errors {
        let EnvError::UnknownOption { known: names, .. } = error else {
            panic!("{error:?}");
        };
        known.extend(names.iter().map(|name| name.to_string()));
    }
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let mut told: Vec<String> = rows
        .map(|row| row.split('`').next().unwrap().to_owned())
        .collect();
    known.sort();
    told.sort();
    assert_eq!(told, known);
}

/// Calls what an example calls: `name(json, json)`, or a field of what that answers.
fn answer(env: &mut Environment, asked: &str) -> Result<Value> {
    let (name, rest) = asked.split_once('(').unwrap();
    let (arguments, field) = rest.rsplit_once(')').unwrap();
    let arguments: Vec<serde_json::Value> =
        serde_json::from_str(&format!("[{arguments}]")).unwrap();
    let arguments: Vec<Value> = arguments.iter().map(value).collect();
    let operation = operations().iter().find(|o| o.name == name).unwrap();
    let answer = operation.call(env, &arguments)?;
    Ok(match field.strip_prefix('.') {
        Some(field) => answer.as_record().unwrap().get(field).unwrap().clone(),
        None => answer,
    })
}

/// A value as a language with only one type of number makes it.
fn value(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(boolean) => Value::from(*boolean),
        serde_json::Value::Number(number) => Value::from(number.as_f64().unwrap()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(elements) => Value::vector(elements.iter().map(value)),
        serde_json::Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(name, json)| (name.as_str(), value(json)));
            fields.collect::<Record>().into()
        }
    }
}

/// An answer as the page shows it: a record that is too long for a line has one for each field.
fn shown(value: &Value, outermost: bool) -> String {
    let list = |elements: Vec<String>| elements.join(", ");
    match value {
        Value::Null => "null".to_owned(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Integer(integer) => integer.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => serde_json::to_string(&**text).unwrap(),
        Value::Vector(elements) => {
            format!(
                "[{}]",
                list(elements.iter().map(|e| shown(e, false)).collect())
            )
        }
        Value::Record(record) => {
            let fields = record.iter().map(|(name, value)| {
                format!(
                    "{}: {}",
                    serde_json::to_string(name).unwrap(),
                    shown(value, false)
                )
            });
            let fields: Vec<String> = fields.collect();
            match outermost && record.len() > 5 {
                true => format!("{{\n  {}\n}}", fields.join(",\n  ")),
                false => format!("{{{}}}", list(fields)),
            }
        }
        Value::Tensor(tensor) => {
            let elements = tensor.as_slice::<f64>().unwrap();
            let shape = achronyme_env::format_shape(tensor.shape());
            format!("{} {shape} {elements:?}", tensor.dtype()).replace(".0", "")
        }
        other => panic!("{other:?}"),
    }
}

/// Whether `text` is as `expected`, where `...` stands for anything within a line.
fn matches(text: &str, expected: &str) -> bool {
    text.lines().count() == expected.lines().count()
        && text.lines().zip(expected.lines()).all(|(text, expected)| {
            match expected.split_once("...") {
                Some((start, end)) => text.starts_with(start) && text.ends_with(end),
                None => text == expected,
            }
        })
}
