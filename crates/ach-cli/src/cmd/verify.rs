//! `ach verify`: every check there is, and every fault there is.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, Finding, SessionReader, VerifyReport};
use serde_json::{Value as Json, json};

use super::{Document, Status, counted};
use crate::error::{Failure, Result, report, shown};
use crate::journal::{Beside, Reading};
use crate::opened::{Opened, finding_json, told};
use crate::progress::Progress;
use crate::term::size::short;
use crate::term::{Paint, Screen, escape};

/// Check archives: every sum, digest, node, reference and byte of padding.
///
/// Reads everything, and lists every fault with its part, its place and the variables it touches; of
/// the journal beside an archive too, each commit that the archive does not hold, and history that
/// is kept. Of a version 1 file the sum is checked and everything decoded, and what it had lost is listed too.
/// Exit code 1 says that something is wrong with a file, 2 that one could not be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    /// Only the archive, and not the journal beside it
    #[arg(long)]
    archive_only: bool,
}

/// What was found in one file.
struct Verdict {
    bytes: u64,
    variables: usize,
    faults: Vec<Found>,
    /// What a version 1 file does not hold although it should.
    findings: Vec<Finding>,
    is_version_1: bool,
    journal: Beside,
    /// Bytes of the journal that were read.
    journal_bytes: u64,
}

/// A fault for people and for JSON.
struct Found {
    text: String,
    /// The file, when it is not the one that was named.
    file: Option<PathBuf>,
    part: String,
    offset: Option<u64>,
    problem: String,
    variables: Vec<String>,
}

/// Checks.
///
/// # Errors
/// When the output cannot be written; a file that cannot be read is told, and the others checked.
pub(crate) fn run(args: &Args, screen: &Screen, out: &mut dyn Write) -> Result<Status> {
    let mut status = Status::Fine;
    let mut files = Vec::new();
    for path in &args.files {
        match verify(path, args.archive_only) {
            Ok(verdict) => {
                if !verdict.faults.is_empty() {
                    status = status.max(Status::Faulty);
                }
                if args.json {
                    files.push(verdict.to_json(path));
                } else {
                    verdict.show(path, screen, out)?;
                }
            }
            Err(failure) => {
                report(&failure);
                status = Status::Failed;
                files.push(json!({ "path": path.to_string_lossy(), "error": failure.to_string() }));
            }
        }
    }
    if args.json {
        Document::new(files).write(out)?;
    }
    Ok(status)
}

fn verify(path: &Path, archive_only: bool) -> Result<Verdict> {
    let mut verdict = verify_archive(path)?;
    if archive_only || verdict.is_version_1 {
        return Ok(verdict);
    }
    let reader = match SessionReader::open(path) {
        Ok(reader) => reader,
        // A delta has no journal.
        Err(EnvError::IsDelta { .. }) => return Ok(verdict),
        // The archive itself is told already.
        Err(_) if !verdict.faults.is_empty() => return Ok(verdict),
        Err(error) => {
            verdict.faults.push(unread(error)?);
            return Ok(verdict);
        }
    };
    verdict.variables = reader.archive().len();
    let progress = Progress::new("checking the journal");
    let report = reader.verify_journal(|done, total| progress.note(done, total));
    progress.finish();
    let report = report?;
    verdict.journal = Beside::of(&reader)?;
    verdict.journal_bytes = report.bytes;
    for found in report.faults {
        let file = shown(&found.path);
        let text = match found.sequence {
            0 => format!("{file}: {}", found.fault),
            sequence => format!("{file}: frame {sequence}: {}", found.fault),
        };
        verdict.faults.push(Found {
            text,
            part: found.fault.part.to_string(),
            offset: Some(found.fault.offset),
            problem: found.fault.problem.to_string(),
            variables: found.variable.into_iter().collect(),
            file: Some(found.path),
        });
    }
    for damage in &verdict.journal.damage {
        // A commit that was not finished is what a crash leaves, and no fault.
        if let Some(fault) = &damage.fault {
            verdict.faults.push(Found {
                text: damage.to_string(),
                part: fault.part.to_string(),
                offset: Some(damage.offset),
                problem: fault.problem.to_string(),
                variables: Vec::new(),
                file: Some(damage.path.clone()),
            });
        }
    }
    Ok(verdict)
}

/// A journal that cannot be read with its archive.
fn unread(error: EnvError) -> Result<Found> {
    let (file, fault) = match &error {
        EnvError::ForeignJournal { path, .. } | EnvError::JournalGap { path, .. } => (path, None),
        EnvError::Damaged { path, fault } => (path, Some(fault)),
        _ => return Err(error.into()),
    };
    Ok(Found {
        text: error.to_string(),
        file: file.path().map(Path::to_path_buf),
        part: fault.map_or_else(|| "journal".to_owned(), |fault| fault.part.to_string()),
        offset: fault.map(|fault| fault.offset),
        problem: match fault {
            Some(fault) => fault.problem.to_string(),
            None => error.to_string(),
        },
        variables: Vec::new(),
    })
}

fn verify_archive(path: &Path) -> Result<Verdict> {
    let alone = Reading {
        archive_only: true,
        ..Reading::default()
    };
    let archive = match Opened::open(path, alone) {
        Ok(Opened::Present(archive, _)) => archive,
        Ok(Opened::Delta(delta)) => {
            return checked(|progress| delta.verify_with(|done, total| progress.note(done, total)));
        }
        // It was read and checked as a whole.
        Ok(Opened::Version1(old)) => {
            return Ok(Verdict {
                bytes: old.file_len(),
                variables: old.len(),
                faults: Vec::new(),
                findings: old.findings().to_vec(),
                is_version_1: true,
                journal: Beside::default(),
                journal_bytes: 0,
            });
        }
        Err(Failure::Library(error)) => return unopened(path, error),
        Err(other) => return Err(other),
    };
    checked(|progress| archive.verify_with(|done, total| progress.note(done, total)))
}

/// What a check of everything finds.
fn checked(check: impl FnOnce(&Progress) -> Result<VerifyReport, EnvError>) -> Result<Verdict> {
    let progress = Progress::new("checking");
    let report = check(&progress);
    progress.finish();
    let report = report?;
    let faults = report.faults.into_iter().map(|found| Found {
        text: found.fault.to_string(),
        file: None,
        part: found.fault.part.to_string(),
        offset: Some(found.fault.offset),
        problem: found.fault.problem.to_string(),
        variables: found.variables,
    });
    Ok(Verdict {
        bytes: report.bytes,
        variables: report.bindings,
        faults: faults.collect(),
        findings: Vec::new(),
        is_version_1: false,
        journal: Beside::default(),
        journal_bytes: 0,
    })
}

/// A file that does not open: damage is a finding, anything else an error.
fn unopened(path: &Path, error: EnvError) -> Result<Verdict> {
    let found = match &error {
        EnvError::NotAnArchive { found, .. } => Found {
            text: format!("not an .ach archive: {found}"),
            file: None,
            part: "header".to_owned(),
            offset: Some(0),
            problem: format!("not an .ach archive: {found}"),
            variables: Vec::new(),
        },
        other => match other.fault() {
            Some(fault) => Found {
                text: fault.to_string(),
                file: None,
                part: fault.part.to_string(),
                offset: Some(fault.offset),
                problem: fault.problem.to_string(),
                variables: match &error {
                    EnvError::Variable { name, .. } => vec![name.clone()],
                    _ => Vec::new(),
                },
            },
            None => return Err(Failure::Library(error)),
        },
    };
    Ok(Verdict {
        bytes: std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
        variables: 0,
        faults: vec![found],
        findings: Vec::new(),
        is_version_1: false,
        journal: Beside::default(),
        journal_bytes: 0,
    })
}

impl Verdict {
    fn show(&self, path: &Path, screen: &Screen, out: &mut dyn Write) -> Result<()> {
        let path = shown(path);
        if self.faults.is_empty() {
            let (bytes, count) = (short(self.bytes), counted(self.variables));
            let journal = self.journal.source().map(|source| {
                let bytes = short(self.journal_bytes);
                format!("; {source} too, {bytes}")
            });
            let journal = journal.unwrap_or_default();
            writeln!(
                out,
                "{path}: ok, {count}, {bytes} read and checked{journal}"
            )?;
            for damage in &self.journal.damage {
                writeln!(out, "  {damage}")?;
            }
            for line in told(self.findings.iter()) {
                writeln!(out, "  {}", escape::escape(&line))?;
            }
            return Ok(());
        }
        let count = match self.faults.len() {
            1 => "1 fault".to_owned(),
            count => format!("{count} faults"),
        };
        writeln!(out, "{path}: {}", screen.paint(Paint::Warning, count))?;
        for fault in &self.faults {
            writeln!(out, "  {}", escape::escape(&fault.text))?;
            if !fault.variables.is_empty() {
                let names: Vec<String> = fault.variables.iter().map(|n| escape::name(n)).collect();
                writeln!(out, "    touches {}", names.join(", "))?;
            }
        }
        Ok(())
    }

    fn to_json(&self, path: &Path) -> Json {
        let faults = self.faults.iter().map(|fault| {
            json!({
                "part": fault.part,
                "file": fault.file.as_deref().unwrap_or(path).to_string_lossy(),
                "offset": fault.offset,
                "problem": fault.problem,
                "variables": fault.variables,
            })
        });
        json!({
            "path": path.to_string_lossy(),
            "ok": self.faults.is_empty(),
            "bytes": self.bytes,
            "variables": self.variables,
            "faults": faults.collect::<Vec<_>>(),
            "journal": self.journal.to_json(),
            "journal_bytes": self.journal_bytes,
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
        })
    }
}
