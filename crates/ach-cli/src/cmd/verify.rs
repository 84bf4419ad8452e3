//! `ach verify`: every check there is, and every fault there is.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{EnvError, Finding, VerifyReport};
use serde_json::{Value as Json, json};

use super::{Document, Status, counted};
use crate::error::{Failure, Result, report, shown};
use crate::opened::{Opened, finding_json, told};
use crate::progress::Progress;
use crate::term::size::short;
use crate::term::{Paint, Screen, escape};

/// Check archives: every sum, digest, node, reference and byte of padding.
///
/// Reads everything, and lists every fault with its part, its place and the variables it touches. Of
/// a version 1 file the sum is checked and everything decoded, and what it had lost is listed too.
/// Exit code 1 says that something is wrong with a file, 2 that one could not be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Archives
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
}

/// What was found in one file.
struct Verdict {
    bytes: u64,
    variables: usize,
    faults: Vec<Found>,
    /// What a version 1 file does not hold although it should.
    findings: Vec<Finding>,
}

/// A fault for people and for JSON.
struct Found {
    text: String,
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
        match verify(path) {
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

fn verify(path: &Path) -> Result<Verdict> {
    let archive = match Opened::open(path) {
        Ok(Opened::Present(archive)) => archive,
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
            });
        }
        Err(error) => return unopened(path, error),
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
    })
}

/// A file that does not open: damage is a finding, anything else an error.
fn unopened(path: &Path, error: EnvError) -> Result<Verdict> {
    let found = match &error {
        EnvError::NotAnArchive { found, .. } => Found {
            text: format!("not an .ach archive: {found}"),
            part: "header".to_owned(),
            offset: Some(0),
            problem: format!("not an .ach archive: {found}"),
            variables: Vec::new(),
        },
        other => match other.fault() {
            Some(fault) => Found {
                text: fault.to_string(),
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
    })
}

impl Verdict {
    fn show(&self, path: &Path, screen: &Screen, out: &mut dyn Write) -> Result<()> {
        let path = shown(path);
        if self.faults.is_empty() {
            let (bytes, count) = (short(self.bytes), counted(self.variables));
            writeln!(out, "{path}: ok, {count}, {bytes} read and checked")?;
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
            "findings": self.findings.iter().map(finding_json).collect::<Vec<_>>(),
        })
    }
}
