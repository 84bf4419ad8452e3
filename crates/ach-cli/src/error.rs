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
}

/// A library's error of a command that has no --discard-journal: a journal in the way is folded, or
/// another name is chosen.
pub(crate) fn journal_stays(error: EnvError) -> Failure {
    match error {
        EnvError::UnfoldedJournal {
            path,
            journal,
            frames: 0,
        } => Failure::refused(format!(
            "{path} is not replaced: the history of its session, which begins with {journal}, would \
             be gone; choose another name"
        )),
        EnvError::UnfoldedJournal { path, journal, .. } => Failure::refused(format!(
            "{path} is not replaced: {journal} holds commits that it does not; fold them with \
             `ach checkpoint {path}`, or choose another name"
        )),
        other => other.into(),
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
        EnvError::UnfoldedJournal {
            path,
            journal,
            frames: 0,
        } => format!(
            "{path} is not replaced: the history of its session, which begins with {journal}, would \
             be gone; give it up with --discard-journal"
        ),
        EnvError::UnfoldedJournal { path, journal, .. } => format!(
            "{path} is not replaced: {journal} holds commits that it does not; fold them with \
             `ach checkpoint {path}`, or give them up with --discard-journal"
        ),
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

/// Tells something that is there for orientation only on standard error, as a note that does not
/// catch the eye.
pub(crate) fn aside(text: &str) {
    let stderr = io::stderr();
    if anstream::AutoStream::choice(&stderr) == anstream::ColorChoice::Never {
        return note(text);
    }
    let style = anstyle::Style::new().dimmed();
    let text = escape_for_terminal(text);
    let _ = writeln!(&stderr, "{style}note: {text}{style:#}");
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
    report(&sentence(&error.render().to_string()));
    ExitCode::from(2)
}

/// What clap says over several lines, as one.
fn sentence(text: &str) -> String {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let mut sentence = String::new();
    for line in text.lines().map(str::trim) {
        let line = line.strip_prefix("tip: ").unwrap_or(line);
        if line.is_empty() || line.starts_with("Usage:") || line.starts_with("For more") {
            continue;
        }
        let gap = match sentence.chars().last() {
            None => "",
            Some(':') => " ",
            Some('>' | '.') if line.starts_with(['<', '-']) => " ",
            Some(_) => "; ",
        };
        sentence.push_str(gap);
        sentence.push_str(line);
    }
    sentence + "; try --help"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clap_says_becomes_one_sentence() {
        let text = "error: unrecognized subcommand 'lss'\n\n  tip: a similar subcommand exists: \
                    'ls'\n\nUsage: ach <COMMAND>\n\nFor more information, try '--help'.\n";
        assert_eq!(
            sentence(text),
            "unrecognized subcommand 'lss'; a similar subcommand exists: 'ls'; try --help"
        );
        let text = "error: the following required arguments were not provided:\n  --output \
                    <FILE>\n  <INPUT>...\n";
        assert_eq!(
            sentence(text),
            "the following required arguments were not provided: --output <FILE> <INPUT>...; \
             try --help"
        );
    }
}
