//! Errors of the library as exceptions of the package: one class for each kind.

use std::ffi::OsString;
use std::io;

use achronyme_env::{EnvError, Origin};
use pyo3::prelude::*;

/// What errno says of a file that is not there, on every system.
const ENOENT: i32 = 2;

/// The exception for an error.
pub(crate) fn raise(py: Python<'_>, error: EnvError) -> PyErr {
    make(py, &error).unwrap_or_else(|e| e)
}

/// The exception for an index outside the array `name`.
pub(crate) fn outside(py: Python<'_>, name: &str, message: String) -> PyErr {
    let exception = || -> PyResult<_> {
        let class = py.import("achronyme_env._errors")?.getattr("SliceError")?;
        let exception = class.call1((message,))?;
        exception.setattr("name", name)?;
        Ok(PyErr::from_value(exception))
    };
    exception().unwrap_or_else(|e| e)
}

fn make(py: Python<'_>, error: &EnvError) -> PyResult<PyErr> {
    let message = match error {
        // What to do, in the words of this package.
        EnvError::AlreadyExists { path } => {
            format!("{path} exists already; leave out overwrite=False, or choose another name")
        }
        EnvError::Version1 { path, major, minor } => format!(
            "{path} is a version 1 archive (format {major}.{minor}); convert it with `ach upgrade`"
        ),
        EnvError::UnfoldedJournal {
            path,
            journal,
            frames: 0,
        } => format!(
            "{path} is not replaced: the history of its session, which begins with {journal}, would \
             be gone; pass discard_journal=True"
        ),
        EnvError::UnfoldedJournal {
            path,
            journal,
            frames,
        } => format!(
            "{path} is not replaced: {journal} holds {frames} change{} that it does not; fold with \
             `ach checkpoint`, or pass discard_journal=True",
            if *frames == 1 { "" } else { "s" }
        ),
        error => error.to_string(),
    };
    // What is the matter, and for which variable.
    let (mut inner, mut name) = (error, None);
    while let EnvError::Variable { name: of, source } = inner {
        (inner, name) = (source, Some(of.clone()));
    }
    let mut number = None;
    let mut path = None;
    let kind = match inner {
        EnvError::AlreadyExists { path: p } => (path = of(p), "AlreadyExistsError").1,
        EnvError::Cancelled { path: p } => (path = of(p), "CancelledError").1,
        EnvError::ChangedInPlace { path: p, .. } => (path = of(p), "ChangedInPlaceError").1,
        EnvError::CommitNotDurable { path: p, source } => {
            (path, number) = (of(p), source.raw_os_error());
            "CommitNotDurableError"
        }
        EnvError::Constant { .. } => "ConstantError",
        EnvError::Damaged { path: p, .. } => (path = of(p), "DamagedError").1,
        EnvError::DiskFull { path: p, .. } => (path = of(p), "DiskFullError").1,
        EnvError::DTypeMismatch { .. } => "DTypeError",
        EnvError::DuplicateName { name: n } => (name = Some(n.clone()), "DuplicateNameError").1,
        EnvError::FileTooLarge { path: p, .. } => (path = of(p), "FileTooLargeError").1,
        EnvError::Lossy { path: p, .. } => (path = of(p), "LossyError").1,
        EnvError::Io {
            path: p, source, ..
        }
        | EnvError::ReplacedNotDurable { path: p, source } => {
            path = of(p);
            number = source.raw_os_error();
            if source.kind() == io::ErrorKind::NotFound {
                number = number.or(Some(ENOENT));
            }
            match (inner, source.kind()) {
                (EnvError::ReplacedNotDurable { .. }, _) => "NotDurableError",
                (_, io::ErrorKind::NotFound) => {
                    // Some of the roads to it drop the number.
                    number = number.or(Some(2));
                    "FileMissingError"
                }
                (_, io::ErrorKind::PermissionDenied) => "AccessError",
                _ => "IoError",
            }
        }
        EnvError::ForeignJournal { path: p, .. } => (path = of(p), "ForeignJournalError").1,
        EnvError::ForkedChild { path: p, .. } => (path = of(p), "ForkedChildError").1,
        EnvError::HistoryEnds { path: p, .. } => (path = of(p), "HistoryEndsError").1,
        EnvError::InvalidValue { .. } => "InvalidValueError",
        EnvError::JournalClosed { path: p, .. } => (path = of(p), "JournalClosedError").1,
        EnvError::JournalGap { path: p, .. } => (path = of(p), "JournalGapError").1,
        EnvError::NameTaken { name: n } => (name = Some(n.clone()), "NameTakenError").1,
        EnvError::NameTooLong { name: n } => (name = Some(n.clone()), "NameTooLongError").1,
        EnvError::NestingTooDeep { .. } => "NestingTooDeepError",
        EnvError::NotAFile { path: p, .. } => (path = of(p), "NotAFileError").1,
        EnvError::NotAnArchive { path: p, .. } => (path = of(p), "NotAnArchiveError").1,
        EnvError::NotFound {
            path: p, name: n, ..
        } => {
            (path, name) = (of(p), Some(n.clone()));
            "NotFoundError"
        }
        EnvError::NoRoomToCommit { path: p, .. } => (path = of(p), "NoRoomToCommitError").1,
        EnvError::NoSuchMark {
            path: p, name: n, ..
        } => {
            (path, name) = (of(p), Some(n.clone()));
            "NoSuchMarkError"
        }
        EnvError::NoSuchPart { .. } => "NoSuchPartError",
        EnvError::SessionLocked { path: p, .. } => (path = of(p), "SessionLockedError").1,
        EnvError::SliceOutOfRange { .. } => "SliceError",
        EnvError::Syntax { .. } => "PathSyntaxError",
        EnvError::TooLarge { path: p, .. } => (path = of(p), "TooLargeError").1,
        EnvError::UnfoldedJournal { path: p, .. } => (path = of(p), "UnfoldedJournalError").1,
        EnvError::Unsupported { path: p, .. } => (path = of(p), "UnsupportedError").1,
        EnvError::Version1 { path: p, .. } => (path = of(p), "Version1Error").1,
        EnvError::WrongKind { .. } => "WrongKindError",
        _ => "AchError",
    };
    let class = py.import("achronyme_env._errors")?.getattr(kind)?;
    let exception = class.call1((&message,))?;
    exception.setattr("path", path)?;
    exception.setattr("name", name)?;
    if let EnvError::Lossy { findings, .. } = inner {
        let lost = findings.iter().filter(|f| f.outcome.is_loss());
        let lost: Vec<_> = lost
            .map(|f| (&f.name, &f.path, &f.kind, &f.reason))
            .collect();
        exception.setattr("lost", lost)?;
    }
    if number.is_some() {
        exception.setattr("errno", number)?;
    }
    Ok(PyErr::from_value(exception))
}

/// As Python writes paths: with bytes that are no text as half characters.
fn of(origin: &Origin) -> Option<OsString> {
    Some(origin.path()?.as_os_str().to_owned())
}
