//! What a save or a restore has to tell beside its result: nothing is lost in silence.

use std::fmt;

use crate::name::{escape_for_terminal, quoted};

/// Something that a save, a restore or an upgrade did not carry over as it was, or that its user
/// should know.
///
/// Shown as one line: `model.callbacks[2] (generator) is lost: generators cannot be saved`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Name of the binding; empty when the finding is about the file as a whole.
    pub name: String,
    /// Path from the binding's value to the part it is about, such as `.callbacks[2]`; empty for
    /// the value itself.
    pub path: String,
    /// Kind of the value it is about, such as `function`, or the host's word for a kind this
    /// library does not have; empty where there is no value.
    pub kind: String,
    /// What happened.
    pub outcome: Outcome,
    /// Why, and what to do.
    pub reason: String,
}

/// What happened to the subject of a [`Finding`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Not carried over: a binding is missing, or a part of it stands as a placeholder.
    Lost,
    /// A function the host could not make callable, or another value it could not take: kept as
    /// data, saved again unchanged.
    Unresolved,
    /// Left out because an option said so.
    Omitted,
    /// The environment's own binding was kept instead.
    Kept,
    /// Asked for by name, and not there.
    Unknown,
    /// Carried over; worth knowing.
    Warning,
}

impl Outcome {
    /// Whether `strict` makes an error of it.
    pub fn is_loss(self) -> bool {
        matches!(self, Outcome::Lost | Outcome::Unresolved)
    }

    /// The name in records and JSON, lower-case.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Lost => "lost",
            Outcome::Unresolved => "unresolved",
            Outcome::Omitted => "omitted",
            Outcome::Kept => "kept",
            Outcome::Unknown => "unknown",
            Outcome::Warning => "warning",
        }
    }

    /// The words between subject and reason.
    fn words(self) -> &'static str {
        match self {
            Outcome::Lost => "is lost",
            Outcome::Unresolved => "is kept unresolved",
            Outcome::Omitted => "is left out",
            Outcome::Kept => "is kept as it was",
            Outcome::Unknown => "is not there",
            Outcome::Warning => "is kept, but",
        }
    }
}

impl Finding {
    /// A finding about a binding's value as a whole.
    pub fn new(
        name: impl Into<String>,
        kind: impl Into<String>,
        outcome: Outcome,
        reason: impl Into<String>,
    ) -> Finding {
        Finding {
            name: name.into(),
            path: String::new(),
            kind: kind.into(),
            outcome,
            reason: reason.into(),
        }
    }

    /// The same about the part of the value at `path`.
    pub fn at(mut self, path: impl Into<String>) -> Finding {
        self.path = path.into();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = escape_for_terminal(&self.reason);
        if self.name.is_empty() && self.path.is_empty() {
            return match &*escape_for_terminal(&self.kind) {
                "" => f.write_str(&reason),
                kind => write!(f, "{kind}: {reason}"),
            };
        }
        let plain = !self.name.is_empty()
            && self.name.len() <= 80
            && self
                .name
                .chars()
                .all(|c| c.is_alphanumeric() || "_./-".contains(c));
        match plain {
            true => f.write_str(&self.name)?,
            false => f.write_str(&quoted(&self.name))?,
        }
        f.write_str(&escape_for_terminal(&self.path))?;
        if !self.kind.is_empty() {
            write!(f, " ({})", escape_for_terminal(&self.kind))?;
        }
        write!(f, " {}: {reason}", self.outcome.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_reads_as_one_line_without_harm() {
        let finding = Finding::new(
            "m\x1b[31m",
            "generator",
            Outcome::Lost,
            "it cannot be saved",
        );
        assert_eq!(
            finding.at(".a[2]").to_string(),
            "'m\\u{1b}[31m'.a[2] (generator) is lost: it cannot be saved"
        );
        let whole = Finding::new("", "", Outcome::Warning, "written by 0.0.9");
        assert_eq!(whole.to_string(), "written by 0.0.9");
        let part = Finding::new("", "journal", Outcome::Lost, "frame 3 cannot be read");
        assert_eq!(part.to_string(), "journal: frame 3 cannot be read");
    }
}
