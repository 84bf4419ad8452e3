//! What ends a command: one sentence for standard error.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use achronyme_env::{EnvError, escape_for_terminal};

use crate::export::ExportError;
use crate::import::ImportError;
use crate::term::TermError;

/// The result of a command and of its parts.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A file that is not to be replaced.
    #[error("{} exists already; use --force to replace it, or choose another name", shown(.0))]
    Exists(PathBuf),

    /// A value cannot be what it should become.
    #[error(transparent)]
    Export(#[from] ExportError),

    /// A foreign file cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),

    /// An archive cannot be read or written.
    #[error("{}", archive_text(.0))]
    Library(#[from] EnvError),

    /// Standard output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),

    /// What was asked for cannot be done; the text says why and what to do.
    #[error("{0}")]
    Refused(String),

    /// A file cannot be made or written.
    #[error("cannot {action} {}: {source}", shown(.path))]
    Write {
        /// What was being done, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system answered.
        source: io::Error,
    },
}

impl Failure {
    /// A refusal with this text, which must be escaped already where it is not ours.
    pub(crate) fn refused(text: impl Into<String>) -> Failure {
        Failure::Refused(text.into())
    }

    /// Whether the reader of standard output left: no news for anybody.
    pub(crate) fn is_output(&self) -> bool {
        matches!(
            self,
            Failure::Output(_) | Failure::Export(ExportError::Output(_))
        )
    }
}

impl From<TermError> for Failure {
    fn from(error: TermError) -> Failure {
        match error {
            TermError::Value(error) => Failure::Library(error),
            TermError::Output(error) => Failure::Output(error),
        }
    }
}

/// The library's sentence, in the words of this command where they differ.
fn archive_text(error: &EnvError) -> String {
    match error {
        EnvError::AlreadyExists { path } => {
            format!("{path} exists already; use --force to replace it, or choose another name")
        }
        EnvError::Version1 { .. } => format!("{error}; `ach` reads format 2"),
        other => other.to_string(),
    }
}

/// A path for a message.
pub(crate) fn shown(path: &Path) -> String {
    escape_for_terminal(&path.to_string_lossy())
}

/// Tells what went wrong on standard error.
pub(crate) fn report(failure: &dyn fmt::Display) {
    line(&format!("ach: {failure}"));
}

/// Tells something worth knowing on standard error.
pub(crate) fn note(text: &str) {
    line(&format!("note: {text}"));
}

/// One line on standard error, harmless whatever it quotes. A closed standard error is no reason to
/// stop.
fn line(text: &str) {
    let _ = writeln!(io::stderr(), "{}", escape_for_terminal(text));
}

/// Shows help, or what is wrong with the arguments: they too may hold what harms a terminal.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut stderr = io::stderr();
    for (index, text) in text.lines().enumerate() {
        let prefix = if index == 0 { "ach: " } else { "" };
        let _ = writeln!(stderr, "{prefix}{}", escape_for_terminal(text));
    }
    ExitCode::from(2)
}
