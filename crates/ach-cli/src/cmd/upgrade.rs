//! `ach upgrade`: a version 1 file becomes an archive of the present format.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{Archive, SaveOptions, SaveReport, Version1};
use serde_json::json;

use super::{Document, Status, counted};
use crate::error::{Failure, Result, note, report, shown};
use crate::journal::Reading;
use crate::opened::{Opened, finding_json, told};
use crate::progress::Progress;
use crate::term::size::short;

/// Convert a version 1 file to the present format.
///
/// All that version 1 had stored is carried over; builtin functions too, which it never gave back.
/// What it had stored without its content (functions of the user, generators) is told, and stands as
/// a placeholder. Description, tags and metadata are kept, and who made the old file, when and where
/// becomes metadata.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A version 1 file
    #[arg(value_name = "OLD")]
    file: PathBuf,
    /// The archive to write; OLD itself with --force
    #[arg(short, long, value_name = "NEW")]
    output: PathBuf,
    /// Replace NEW if it exists
    #[arg(long)]
    force: bool,
    /// Replace also an archive whose journal holds commits that it does not: they are gone then
    #[arg(long, requires = "force")]
    discard_journal: bool,
    /// Compress the arrays of variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    cold: Vec<String>,
    /// Level of compression, 1 (fast) to 22 (small)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// Write nothing when something is lost, and exit with 1
    #[arg(long)]
    strict: bool,
    /// Read NEW again, check all of it, and compare every value with OLD
    #[arg(long)]
    verify: bool,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
}

/// Converts.
///
/// # Errors
/// [`Failure`]; then nothing was written, unless `--verify` says that what was written is wrong.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.output, args.force)?;
    let alone = Reading {
        archive_only: true,
        ..Reading::default()
    };
    let old = match Opened::open(&args.file, alone)? {
        Opened::Version1(old) => old,
        other @ (Opened::Present(..) | Opened::Delta(_)) => {
            let archive = other.into_archive(|_| true)?;
            let (major, minor) = (archive.header().major, archive.header().minor);
            let file = shown(&args.file);
            return Err(Failure::refused(format!(
                "{file} is of format {major}.{minor} already; there is nothing to upgrade"
            )));
        }
    };
    let lost = old
        .findings()
        .iter()
        .filter(|f| f.outcome.is_loss())
        .count();
    if args.strict && lost > 0 {
        tell(args, &old, None, out)?;
        let parts = match lost {
            1 => "1 part of it is".to_owned(),
            lost => format!("{lost} parts of it are"),
        };
        let file = shown(&args.file);
        report(&format!(
            "{file}: {parts} lost, so nothing was written; leave out --strict to convert the rest"
        ));
        return Ok(Status::Faulty);
    }
    let progress = Progress::new("saving");
    let saved = old.save(&args.output, &options(args, &progress));
    progress.finish();
    let saved = saved?;
    if args.verify {
        verify(args, &old)?;
    }
    tell(args, &old, Some(&saved), out)?;
    Ok(Status::Fine)
}

fn options(args: &Args, progress: &Progress) -> SaveOptions {
    let options = SaveOptions::new()
        .allow_overwrite(args.force)
        .discard_journal(args.discard_journal)
        .compression_level(args.level);
    let options = args.cold.iter().fold(options, SaveOptions::cold);
    let progress = progress.clone();
    options.on_progress(move |done, total| progress.note(done, total))
}

/// Tells what was found on standard error, and on the output what was written.
fn tell(
    args: &Args,
    old: &Version1,
    saved: Option<&SaveReport>,
    out: &mut dyn Write,
) -> Result<()> {
    if args.json {
        let findings = old.findings().iter().map(finding_json);
        let file = json!({
            "path": args.file.to_string_lossy(),
            "output": saved.map(|_| args.output.to_string_lossy()),
            "variables": old.len(),
            "file_length": saved.map(|saved| saved.file_len),
            "verified": saved.map(|_| args.verify),
            "findings": findings.collect::<Vec<_>>(),
        });
        return Document::new(vec![file]).write(out);
    }
    told(old.findings().iter())
        .iter()
        .for_each(|line| note(line));
    if let Some(saved) = saved {
        let (count, size) = (counted(saved.bindings), short(saved.file_len));
        let verified = if args.verify {
            "; read again and equal"
        } else {
            ""
        };
        let (new, file) = (shown(&args.output), shown(&args.file));
        let was = short(old.file_len());
        writeln!(out, "{new}: {count}, {size}, from {file} ({was}){verified}")?;
    }
    Ok(())
}

/// Checks the new archive, and compares it with the old file.
fn verify(args: &Args, old: &Version1) -> Result<()> {
    let archive = Archive::open(&args.output)?;
    if let Some(fault) = archive.verify()?.faults.into_iter().next() {
        let new = shown(&args.output);
        return Err(Failure::refused(format!(
            "{new} was written, but is damaged: {}; the disk may be failing",
            fault.fault
        )));
    }
    for (name, value) in old.bindings() {
        if !archive.get(name)?.identical(value)? {
            let (new, name) = (shown(&args.output), crate::term::escape::name(name));
            return Err(Failure::refused(format!(
                "{new} was written, but its variable {name} is not that of the old file"
            )));
        }
    }
    Ok(())
}
