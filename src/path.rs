//! Paths into values: `results.lr.score`, `models[2].weights`, `'a name.with dots'.field`.

use std::fmt;

use crate::error::{EnvError, Result};
use crate::slice::Slice;

/// A path cut into the name of a binding and the steps into its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// One step into a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A field of a record.
    Field(String),
    /// Elements of a vector or tensor.
    Slice(Slice),
}

impl Path {
    /// Cuts `text`: a quoted name ends where its quote does; otherwise the longest binding name
    /// that is followed by `.` or `[` wins. Without any, the text up to the first of them is the
    /// name (which then is not found).
    pub(crate) fn split(text: &str, is_binding: impl Fn(&str) -> bool) -> Result<Path> {
        if text.starts_with('\'') {
            let (name, rest) = quoted(text, text)?;
            return Ok(Path {
                name,
                steps: steps(rest, text)?,
            });
        }
        let cuts = text.char_indices().filter(|(_, c)| matches!(c, '.' | '['));
        let cuts: Vec<usize> = cuts.map(|(at, _)| at).collect();
        let longest = cuts
            .iter()
            .rev()
            .copied()
            .find(|at| is_binding(&text[..*at]));
        match longest {
            Some(at) => Ok(Path {
                name: text[..at].to_owned(),
                steps: steps(&text[at..], text)?,
            }),
            // No binding at all: the whole text is what the user will look for in the message,
            // unless it plainly is a name and a slice.
            None => {
                let end = cuts.first().copied().unwrap_or(text.len());
                Ok(Path {
                    name: text[..end].to_owned(),
                    steps: Vec::new(),
                })
            }
        }
    }
}

/// Reads steps: `.field`, `.'quoted field'`, `[slice]`.
fn steps(mut rest: &str, whole: &str) -> Result<Vec<Step>> {
    let mut steps = Vec::new();
    while let Some(c) = rest.chars().next() {
        match c {
            '.' if rest[1..].starts_with('\'') => {
                let (name, after) = quoted(&rest[1..], whole)?;
                steps.push(Step::Field(name));
                rest = after;
            }
            '.' => {
                let field = &rest[1..];
                let end = field.find(['.', '[']).unwrap_or(field.len());
                if end == 0 {
                    return Err(syntax(whole, "a field's name is missing after `.`"));
                }
                steps.push(Step::Field(field[..end].to_owned()));
                rest = &field[end..];
            }
            '[' => {
                let end = rest
                    .find(']')
                    .ok_or_else(|| syntax(whole, "`]` is missing"))?;
                let slice = rest[1..end].parse::<Slice>()?;
                steps.push(Step::Slice(slice));
                rest = &rest[end + 1..];
            }
            _ => {
                return Err(syntax(
                    whole,
                    &format!("`.` or `[` is expected before `{rest}`"),
                ));
            }
        }
    }
    Ok(steps)
}

/// Reads a name in single quotes, where a quote inside is written twice.
fn quoted<'t>(text: &'t str, whole: &str) -> Result<(String, &'t str)> {
    let mut name = String::new();
    let mut rest = &text[1..];
    loop {
        let end = rest
            .find('\'')
            .ok_or_else(|| syntax(whole, "the closing quote is missing"))?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('\'') {
            Some(after) => {
                name.push('\'');
                rest = after;
            }
            None => return Ok((name, rest)),
        }
    }
}

fn syntax(text: &str, reason: &str) -> EnvError {
    EnvError::Syntax {
        text: text.to_owned(),
        expected: "a path",
        reason: reason.to_owned(),
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Field(name) => write!(f, ".{}", crate::name::escape_for_terminal(name)),
            Step::Slice(slice) => write!(f, "[{slice}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str, names: &[&str]) -> (String, Vec<String>) {
        let path = Path::split(text, |name| names.contains(&name)).unwrap();
        (path.name, path.steps.iter().map(Step::to_string).collect())
    }

    #[test]
    fn the_longest_binding_name_wins() {
        let names = ["a", "a.b", "a.b.c"];
        assert_eq!(
            split("a.b.c.d", &names),
            ("a.b.c".into(), vec![".d".into()])
        );
        assert_eq!(
            split("a.x.y", &names),
            ("a".into(), vec![".x".into(), ".y".into()])
        );
        assert_eq!(
            split("a[2].w", &names),
            ("a".into(), vec!["[2]".into(), ".w".into()])
        );
    }

    #[test]
    fn quotes_end_a_name_explicitly() {
        assert_eq!(split("'a.b'.c", &[]), ("a.b".into(), vec![".c".into()]));
        assert_eq!(
            split("'it''s'[1]", &[]),
            ("it's".into(), vec!["[1]".into()])
        );
        assert_eq!(split("r.'x.y'", &["r"]), ("r".into(), vec![".x.y".into()]));
        assert!(Path::split("'open", |_| false).is_err());
    }

    #[test]
    fn broken_paths_are_errors() {
        for bad in ["a..b", "a.", "a[1", "a[1]x"] {
            assert!(Path::split(bad, |name| name == "a").is_err(), "{bad}");
        }
    }
}
