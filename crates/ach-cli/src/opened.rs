//! Opening an archive of either format: the one place that looks which it is.

use std::path::Path;

use achronyme_env::{Archive, Delta, EnvError, Finding, OpenOptions, SessionOptions, Version1};
use serde_json::{Value as Json, json};

use crate::error::{Failure, Result, note};
use crate::journal::{Beside, Reading};

/// An archive of the present format, a delta, or a file of version 1.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The present format, with what its journal says: of the archive nothing but header and table
    /// was read.
    Present(Archive, Beside),
    /// A delta, of the present format too.
    Delta(Delta),
    /// Version 1: all of it was read and checked.
    Version1(Box<Version1>),
}

/// Findings that are told one by one.
const FINDINGS_TOLD: usize = 10;

impl Opened {
    /// Opens a file of either format. A journal that does not belong to it is not read.
    ///
    /// # Errors
    /// As [`SessionReader::open`] and [`Version1::open`].
    pub(crate) fn open(path: &Path, reading: Reading) -> Result<Opened> {
        Opened::open_as(path, reading, false)
    }

    /// As [`Opened::open`], for a look at one variable: of the table of contents only what tells of it
    /// is read and checked.
    ///
    /// # Errors
    /// As [`Opened::open`].
    pub(crate) fn open_for_one(path: &Path, reading: Reading) -> Result<Opened> {
        Opened::open_as(path, reading, true)
    }

    fn open_as(path: &Path, reading: Reading, lazy: bool) -> Result<Opened> {
        let options = OpenOptions::new().lazy_table(lazy);
        let alone = |journal| Opened::alone(&options, path, journal);
        if reading.archive_only {
            return Ok(alone(Beside::default())?);
        }
        match SessionOptions::new().lazy_table(lazy).read(path) {
            Ok(reader) => {
                let journal = Beside::of(&reader)?;
                Ok(Opened::Present(reader.archive().clone(), journal))
            }
            Err(error @ (EnvError::ForeignJournal { .. } | EnvError::JournalGap { .. })) => {
                Ok(alone(Beside::unread(&error))?)
            }
            Err(EnvError::Version1 { .. } | EnvError::IsDelta { .. }) => {
                Ok(alone(Beside::default())?)
            }
            Err(error) if is_of_journal(&error, path) => Err(Failure::refused(format!(
                "{error}; --archive-only shows the archive without it"
            ))),
            Err(error) => Err(error.into()),
        }
    }

    /// The file without what stands beside it.
    fn alone(options: &OpenOptions, path: &Path, journal: Beside) -> Result<Opened, EnvError> {
        match options.open(path) {
            Ok(archive) => Ok(Opened::Present(archive, journal)),
            Err(EnvError::IsDelta { .. }) => Delta::open(path).map(Opened::Delta),
            Err(EnvError::Version1 { .. }) => {
                Version1::open(path).map(Box::new).map(Opened::Version1)
            }
            Err(error) => Err(error),
        }
    }

    /// What stands beside the archive.
    pub(crate) fn journal(&self) -> Option<&Beside> {
        match self {
            Opened::Present(_, journal) => Some(journal),
            Opened::Version1(_) | Opened::Delta(_) => None,
        }
    }

    /// Tells on standard error what of the journal was read.
    pub(crate) fn tell_journal(&self, path: &Path, reading: Reading) {
        if let Some(journal) = self.journal() {
            journal.tell(path, reading.quiet);
        }
    }

    /// The archive; one made of what the file holds when that is of version 1. Those of its
    /// findings that `tells` chooses are noted.
    ///
    /// # Errors
    /// As [`Version1::to_archive`]; a delta is no archive.
    pub(crate) fn into_archive(self, tells: impl Fn(&Finding) -> bool) -> Result<Archive> {
        match self {
            Opened::Present(archive, _) => Ok(archive),
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

/// The archive in a file of either format; what version 1 had lost is noted, and what of a journal
/// was read.
///
/// # Errors
/// As [`Opened::open`] and [`Opened::into_archive`].
pub(crate) fn open(path: &Path, reading: Reading) -> Result<Archive> {
    let opened = Opened::open(path, reading)?;
    opened.tell_journal(path, reading);
    opened.into_archive(|_| true)
}

/// Whether an error of opening is about a journal, and not about the archive at `path`.
fn is_of_journal(error: &EnvError, path: &Path) -> bool {
    match error {
        EnvError::Damaged { path: file, .. } | EnvError::Unsupported { path: file, .. } => {
            file.path().is_some_and(|file| file != path)
        }
        EnvError::Variable { source, .. } => is_of_journal(source, path),
        _ => false,
    }
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
