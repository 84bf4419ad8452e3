//! A state as a line of text: every variable in its order, with all that is said of it, exactly.

use std::fmt::Write;
use std::hash::{DefaultHasher, Hasher};

use achronyme_env::{Archive, Cell, Environment, Value, Variable};

use crate::scenario::Result;

/// The line of variables in their order. Cells are numbered as they are met, so that two names of one
/// cell are told from two cells.
pub(super) fn line<'v>(
    variables: impl IntoIterator<Item = (&'v str, &'v Variable)>,
) -> Result<String> {
    let mut out = String::from("{");
    let mut cells = Vec::new();
    for (n, (name, variable)) in variables.into_iter().enumerate() {
        let comma = if n > 0 { ", " } else { "" };
        write!(out, "{comma}{name}: ")?;
        write_value(&mut out, &variable.value, &mut cells)?;
        for (name, value) in variable.attributes.iter() {
            write!(out, " @{name}=")?;
            write_value(&mut out, value, &mut cells)?;
        }
        let marks = [
            (variable.mutable, " mutable"),
            (variable.constant, " constant"),
        ];
        marks.iter().filter(|m| m.0).for_each(|m| out.push_str(m.1));
    }
    out.push('}');
    Ok(out)
}

/// The line of an environment.
pub(super) fn line_of(environment: &Environment) -> Result<String> {
    line(environment.iter())
}

/// The line of an archive, or of what a reader of a session sees.
pub(super) fn line_of_archive(archive: &Archive) -> Result<String> {
    let bindings = archive.bindings_as_saved();
    let names: Vec<&str> = bindings.iter().map(|binding| binding.name()).collect();
    let mut variables = Vec::new();
    for (binding, value) in bindings.iter().zip(archive.load_vars(&names)?) {
        let mut variable = Variable::new(value).attributes(binding.attributes()?);
        variable.mutable = binding.is_mutable();
        variable.constant = binding.is_constant();
        variables.push(variable);
    }
    line(names.into_iter().zip(&variables))
}

fn write_value(out: &mut String, value: &Value, cells: &mut Vec<Cell>) -> Result<()> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Boolean(value) => write!(out, "{value}")?,
        Value::Integer(value) => write!(out, "{value}")?,
        Value::Number(value) => write!(out, "{value}f{:x}", value.to_bits())?,
        Value::String(text) => write!(out, "{text:?}")?,
        Value::Tensor(tensor) => {
            let mut hasher = DefaultHasher::new();
            hasher.write(tensor.as_bytes()?);
            let (dtype, shape) = (tensor.dtype(), tensor.shape());
            write!(out, "{dtype}{shape:?}#{:016x}", hasher.finish())?;
        }
        Value::Vector(_) => {
            out.push('[');
            for value in value.as_vector().unwrap_or_default() {
                write_value(out, value, cells)?;
                out.push(' ');
            }
            out.push(']');
        }
        Value::Record(record) => {
            out.push('(');
            for (name, value) in record.iter() {
                write!(out, "{name}=")?;
                write_value(out, value, cells)?;
                out.push(' ');
            }
            out.push(')');
        }
        Value::Cell(cell) => match cells.iter().position(|known| known.same(cell)) {
            Some(known) => write!(out, "cell{known}")?,
            None => {
                write!(out, "cell{}=", cells.len())?;
                cells.push(cell.clone());
                write_value(out, &cell.get(), cells)?;
            }
        },
        other => return Err(format!("no scenario has a {:?}", other.kind()).into()),
    }
    Ok(())
}
