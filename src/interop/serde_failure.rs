//! The error inside a conversion: its cause, and the path that is gathered on the way out.

use std::fmt::{self, Write};

use crate::error::EnvError;
use crate::name::escape_for_terminal;

/// What serde is given as its error type. Boxed, so that results stay small on a deep stack.
#[derive(Debug)]
pub(super) struct Failure(Box<Inner>);

#[derive(Debug)]
struct Inner {
    cause: Cause,
    /// From the inside to the outside.
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Cause {
    Message(String),
    MissingField,
    TooDeep,
    /// Reading a tensor failed; the error says where.
    Reading(EnvError),
}

#[derive(Debug)]
enum Step {
    Field(String),
    Element(u64),
}

impl Failure {
    pub(super) fn message(message: impl fmt::Display) -> Failure {
        Failure::new(Cause::Message(message.to_string()))
    }

    pub(super) fn too_deep() -> Failure {
        Failure::new(Cause::TooDeep)
    }

    /// The failure, seen from the container whose field `name` it happened in.
    pub(super) fn in_field(mut self, name: &str) -> Failure {
        self.0.steps.push(Step::Field(name.to_owned()));
        self
    }

    /// The failure, seen from the container whose element `index` it happened in.
    pub(super) fn in_element(mut self, index: u64) -> Failure {
        self.0.steps.push(Step::Element(index));
        self
    }

    /// The failure as this crate tells it.
    pub(super) fn into_error(self) -> EnvError {
        let Inner { cause, steps } = *self.0;
        let path = path(&steps);
        match cause {
            // serde puts names and texts of the value into its messages.
            Cause::Message(message) => EnvError::InvalidValue {
                what: escape_for_terminal(&path),
                reason: escape_for_terminal(&message),
            },
            Cause::MissingField => EnvError::NoSuchPart {
                path,
                reason: "there is no such field".to_owned(),
            },
            Cause::Reading(error) => error,
            Cause::TooDeep => EnvError::NestingTooDeep { path },
        }
    }

    fn new(cause: Cause) -> Failure {
        Failure(Box::new(Inner {
            cause,
            steps: Vec::new(),
        }))
    }
}

impl From<EnvError> for Failure {
    fn from(error: EnvError) -> Failure {
        Failure::new(Cause::Reading(error))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.cause {
            Cause::Message(message) => f.write_str(message),
            Cause::MissingField => f.write_str("there is no such field"),
            Cause::Reading(error) => error.fmt(f),
            Cause::TooDeep => f.write_str("nested too deep"),
        }
    }
}

impl std::error::Error for Failure {}

impl serde::ser::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure::message(message)
    }
}

impl serde::de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Failure {
        Failure::message(message)
    }

    fn missing_field(field: &'static str) -> Failure {
        Failure::new(Cause::MissingField).in_field(field)
    }
}

/// The path as text, `results.lr[3]`, shortened in the middle.
fn path(steps: &[Step]) -> String {
    if steps.is_empty() {
        return "the value".to_owned();
    }
    let mut out = String::new();
    for (place, step) in steps.iter().rev().enumerate() {
        let left_out = steps.len() > HEAD + TAIL && (HEAD..steps.len() - TAIL).contains(&place);
        if left_out {
            if place == HEAD {
                out.push_str("...");
            }
            continue;
        }
        match step {
            Step::Element(index) => {
                let _ = write!(out, "[{index}]");
            }
            Step::Field(name) => {
                if !out.is_empty() && !out.ends_with('.') {
                    out.push('.');
                }
                push_name(&mut out, name);
            }
        }
    }
    out
}

/// A name as a path spells it: in quotes when it could be taken for more than a name.
fn push_name(out: &mut String, name: &str) {
    let shown: String = match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}...", &name[..end]),
        None => name.to_owned(),
    };
    if name.is_empty() || name.contains(['.', '[', ']', '\'', ' ']) {
        let _ = write!(out, "'{shown}'");
    } else {
        out.push_str(&shown);
    }
}

/// Steps shown at the beginning of a long path.
const HEAD: usize = 8;
/// Steps shown at its end.
const TAIL: usize = 4;
/// Characters of a name that are shown.
const LONGEST_NAME: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_from_the_outside() {
        let failure = Failure::message("no")
            .in_element(3)
            .in_field("lr")
            .in_field("results");
        assert_eq!(failure.into_error().to_string(), "results.lr[3]: no");
    }

    #[test]
    fn names_that_are_no_words_are_quoted_and_harmless() {
        let failure = Failure::message("no")
            .in_field("\x1b[2J")
            .in_field("a.b")
            .in_element(0);
        let text = failure.into_error().to_string();
        assert_eq!(text, "[0].'a.b'.'\\u{1b}[2J': no");
    }

    #[test]
    fn a_long_path_is_cut_in_the_middle() {
        let mut failure = Failure::too_deep();
        for index in 0..128 {
            failure = failure.in_element(index);
        }
        let text = failure.into_error().to_string();
        assert!(
            text.starts_with("[127][126][125][124][123][122][121][120]...[3][2][1][0] is nested"),
            "{text}"
        );
    }
}
