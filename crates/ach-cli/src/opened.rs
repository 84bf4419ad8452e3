//! Opening an archive of either format: the one place that looks which it is.

use std::path::Path;

use achronyme_env::{Archive, Delta, EnvError, Finding, Version1};
use serde_json::{Value as Json, json};

use crate::error::{Failure, Result, note};

/// An archive of the present format, a delta, or a file of version 1.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The present format: nothing but header and table was read.
    Present(Archive),
    /// A delta, of the present format too.
    Delta(Delta),
    /// Version 1: all of it was read and checked.
    Version1(Box<Version1>),
}

/// Findings that are told one by one.
const FINDINGS_TOLD: usize = 10;

impl Opened {
    /// Opens a file of either format.
    ///
    /// # Errors
    /// As [`Archive::open`], [`Delta::open`] and [`Version1::open`].
    pub(crate) fn open(path: &Path) -> Result<Opened, EnvError> {
        match Archive::open(path) {
            Ok(archive) => Ok(Opened::Present(archive)),
            Err(EnvError::IsDelta { .. }) => Delta::open(path).map(Opened::Delta),
            Err(EnvError::Version1 { .. }) => {
                Version1::open(path).map(Box::new).map(Opened::Version1)
            }
            Err(error) => Err(error),
        }
    }

    /// The archive; one made of what the file holds when that is of version 1. Those of its
    /// findings that `tells` chooses are noted.
    ///
    /// # Errors
    /// As [`Version1::to_archive`]; a delta is no archive.
    pub(crate) fn into_archive(self, tells: impl Fn(&Finding) -> bool) -> Result<Archive> {
        match self {
            Opened::Present(archive) => Ok(archive),
            Opened::Delta(delta) => Err(Failure::Library(EnvError::IsDelta {
                path: delta.origin().clone(),
            })),
            Opened::Version1(old) => {
                let findings: Vec<&Finding> = old.findings().iter().filter(|f| tells(f)).collect();
                told(findings.iter().copied())
                    .iter()
                    .for_each(|line| note(line));
                Ok(old.to_archive()?)
            }
        }
    }
}

/// The archive in a file of either format; what version 1 had lost is noted.
///
/// # Errors
/// As [`Opened::open`] and [`Opened::into_archive`].
pub(crate) fn open(path: &Path) -> Result<Archive> {
    Opened::open(path)?.into_archive(|_| true)
}

/// A line for each finding: the first ten, and how many more there are.
pub(crate) fn told<'f>(findings: impl ExactSizeIterator<Item = &'f Finding>) -> Vec<String> {
    let more = findings.len().saturating_sub(FINDINGS_TOLD);
    let mut lines: Vec<String> = findings
        .take(FINDINGS_TOLD)
        .map(ToString::to_string)
        .collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// A finding as it stands in JSON.
pub(crate) fn finding_json(finding: &Finding) -> Json {
    json!({
        "name": finding.name,
        "path": finding.path,
        "kind": finding.kind,
        "outcome": finding.outcome.name(),
        "reason": finding.reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Outcome;

    #[test]
    fn ten_findings_are_told_and_the_others_counted() {
        let findings: Vec<Finding> = (0..12)
            .map(|n| Finding::new(format!("f{n}"), "generator", Outcome::Lost, "so"))
            .collect();
        let lines = told(findings.iter());
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[9], "f9 (generator) is lost: so");
        assert_eq!(lines[10], "and 2 more");
        assert_eq!(told(findings[..10].iter()).len(), 10);
    }
}
