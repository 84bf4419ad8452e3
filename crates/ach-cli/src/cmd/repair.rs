//! `ach repair`: what is intact of a damaged archive or journal becomes a new archive.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{
    EnvError, Finding, SalvageOptions, SalvageReport, escape_for_terminal, salvage,
};
use serde_json::json;

use super::{Document, Status, counted};
use crate::error::{Failure, Result, journal_stays, note, shown};
use crate::opened::finding_json;
use crate::term::escape;
use crate::term::size::short;

/// Write every intact variable of a damaged archive to a new one, and list what is lost.
///
/// SRC is only read. What is saved was compared with its sums, part by part. The journal beside SRC
/// is read too, and what is whole behind damage of it; of a lost archive, name the journal itself
/// (run.ach-journal). One wrong byte in the table of contents is corrected.
///
/// Exit codes: 0 nothing is lost, 1 something is, 2 nothing can be read.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach repair run.ach saved.ach              what is intact
  ach repair run.ach saved.ach --partial    also tensors with damaged blocks, NaN in their place
  ach repair run.ach-journal saved.ach      what a journal holds whose archive is lost")]
pub(crate) struct Args {
    /// A damaged archive, or a journal
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The archive to write
    #[arg(value_name = "DST")]
    destination: PathBuf,
    /// Save tensors with damaged blocks too: lost elements are NaN, or zero where there is no NaN
    #[arg(long)]
    partial: bool,
    /// Replace DST if it exists
    #[arg(long)]
    force: bool,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
}

/// Repairs.
///
/// # Errors
/// [`Failure`]; then nothing was written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.destination, args.force)?;
    let options = SalvageOptions::new()
        .allow_overwrite(args.force)
        .fill_damaged(args.partial);
    let report = salvage(&args.source, &args.destination, &options).map_err(refused)?;
    match args.json {
        true => Document::new(vec![to_json(args, &report)]).write(out)?,
        false => tell(args, &report, out)?,
    }
    Ok(match report.is_whole() {
        true => Status::Fine,
        false => Status::Faulty,
    })
}

fn refused(error: EnvError) -> Failure {
    match error {
        EnvError::Lossy { path, findings, .. } => {
            let told: Vec<String> = findings.iter().take(3).map(sentence).collect();
            let more = match findings.len().saturating_sub(3) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            Failure::refused(format!(
                "no variable of {path} can be read: {}{more}",
                told.join("; ")
            ))
        }
        other => journal_stays(other),
    }
}

fn sentence(finding: &Finding) -> String {
    let subject = match (&*finding.name, &*finding.kind) {
        ("", "") => "a variable".to_owned(),
        ("", kind) => format!("the {kind}"),
        (name, _) => escape::label(name),
    };
    format!("{subject}: {}", escape_for_terminal(&finding.reason))
}

fn tell(args: &Args, report: &SalvageReport, out: &mut dyn Write) -> Result<()> {
    report.notes.iter().for_each(|text| note(text));
    let losses: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.outcome.is_loss())
        .collect();
    for finding in &losses {
        writeln!(out, "lost  {}", sentence(finding))?;
    }
    let count = counted(report.salvaged.len());
    let (path, size) = (shown(&args.destination), short(report.saved.file_len));
    let lost = match losses.len() {
        0 => "nothing is lost".to_owned(),
        1 => "1 loss".to_owned(),
        some => format!("{some} losses"),
    };
    writeln!(out, "{path}: {count} salvaged, {size}; {lost}")?;
    Ok(())
}

fn to_json(args: &Args, report: &SalvageReport) -> serde_json::Value {
    let findings = report.findings.iter().map(finding_json);
    json!({
        "path": args.source.to_string_lossy(),
        "output": args.destination.to_string_lossy(),
        "whole": report.is_whole(),
        "salvaged": report.salvaged,
        "file_length": report.saved.file_len,
        "findings": findings.collect::<Vec<_>>(),
        "notes": report.notes,
    })
}
