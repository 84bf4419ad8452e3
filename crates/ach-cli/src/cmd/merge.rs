//! `ach merge`: several archives become one, by a stated rule for names that several have.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{
    Archive, Clash, EnvError, Kind, Outcome, RestoreOptions, Restored, SaveOptions, SaveReport,
    escape_pattern, save_environment,
};
use clap::ValueEnum;
use serde_json::json;

use super::{Document, Status, counted};
use crate::attribute::pair;
use crate::error::{Failure, Result, note, shown};
use crate::journal::Reading;
use crate::opened::{finding_json, told};
use crate::output_file::is_same_file;
use crate::progress::Progress;
use crate::term::escape;
use crate::term::size::short;

/// Merge archives into one.
///
/// Variables come in the order of the archives. The same scalar in several of them, or the same
/// structured value without arrays, is no clash; what becomes of other names that several have, says
/// --clash. Arrays are copied as they stand, compressed or not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach merge -o week.ach mon.ach tue.ach                      an error when a name clashes
  ach merge -o week.ach mon.ach tue.ach --clash last         the later one counts
  ach merge -o week.ach mon.ach tue.ach --clash namespace    records `mon` and `tue`")]
pub(crate) struct Args {
    /// Archives
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The archive to write
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// What becomes of a name that several archives have
    #[arg(long, value_name = "RULE", default_value = "error")]
    clash: Rule,
    /// Only variables whose names match (repeatable)
    #[arg(short = 'n', long = "name", value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// No variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Replace OUT if it exists
    #[arg(long)]
    force: bool,
    /// Replace also an archive whose journal holds commits that it does not: they are gone then
    #[arg(long, requires = "force")]
    discard_journal: bool,
    /// What the new archive is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag (repeatable)
    #[arg(long)]
    tag: Vec<String>,
    /// A pair of metadata (repeatable)
    #[arg(long, value_name = "K=V", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// What becomes of a name that several archives have.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rule {
    /// Nothing is written
    Error,
    /// The first archive's counts, the others' are told
    First,
    /// The last archive's counts, the others' are told
    Last,
    /// Each archive becomes a record, named after its file
    Namespace,
}

/// Merges.
///
/// # Errors
/// [`Failure`]; then nothing was written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.output, args.force)?;
    let open = |path: &PathBuf| crate::opened::open(path, args.reading);
    let archives: Vec<Archive> = args.files.iter().map(open).collect::<Result<_>>()?;
    let clash = match args.clash {
        Rule::Error => Clash::Error,
        Rule::First => Clash::First,
        Rule::Last => Clash::Last,
        Rule::Namespace => Clash::Namespace,
    };
    let mut choice = RestoreOptions::new();
    if !args.names.is_empty() {
        choice = choice.include_only(&args.names);
    }
    let choice = args.exclude.iter().fold(choice, RestoreOptions::exclude);
    let merged = achronyme_env::merge(&archives, clash, &choice).map_err(|error| match error {
        EnvError::NameClash {
            name,
            first,
            second,
        } => Failure::refused(format!(
            "{first} and {second} both have a variable {}; say which counts with --clash first or \
             --clash last, or keep both with --clash namespace",
            escape::name(&name)
        )),
        other => other.into(),
    })?;
    if let Some(unknown) = merged
        .report
        .findings
        .iter()
        .find(|finding| finding.outcome == Outcome::Unknown)
    {
        return Err(Failure::refused(unknown.to_string()));
    }
    let progress = Progress::new("merging");
    let options = replacing(args, &archives, options(args, &archives, &progress))?;
    let options = keep_texts_cold(args.clash, &archives, options)?;
    let saved = save_environment(&merged.environment, &args.output, &options);
    progress.finish();
    tell(args, &merged, &saved?, out)?;
    Ok(Status::Fine)
}

fn options(args: &Args, archives: &[Archive], progress: &Progress) -> SaveOptions {
    let progress = progress.clone();
    let options = SaveOptions::new()
        .allow_overwrite(args.force)
        .discard_journal(args.discard_journal)
        .keep_coding(true)
        .include_builtins(true)
        .warn_large_values(None)
        .seal(archives.iter().all(|archive| archive.header().is_sealed()))
        .on_progress(move |done, total| progress.note(done, total));
    let options = match &args.description {
        Some(text) => options.description(text),
        None => options,
    };
    let options = args.tag.iter().fold(options, SaveOptions::tag);
    let pairs = args.meta.iter();
    pairs.fold(options, |options, (key, value)| options.custom(key, value))
}

/// Keeps the long texts compressed that are: under the names that the variables get.
fn keep_texts_cold(rule: Rule, archives: &[Archive], options: SaveOptions) -> Result<SaveOptions> {
    if matches!(rule, Rule::Namespace) {
        return Ok(options);
    }
    let mut options = options;
    for binding in archives.iter().flat_map(Archive::bindings) {
        if binding.kind()? != Kind::Tensor && binding.is_all_cold()? {
            options = options.cold(escape_pattern(binding.name()));
        }
    }
    Ok(options)
}

/// Where one of the archives is written over, it must still be the one that was read.
fn replacing(args: &Args, archives: &[Archive], options: SaveOptions) -> Result<SaveOptions> {
    let mut inputs = args.files.iter().zip(archives);
    match inputs.find(|(path, _)| is_same_file(path, &args.output)) {
        Some((_, archive)) => Ok(options.replaces(archive.root_digest()?)),
        None => Ok(options),
    }
}

/// Tells what was not taken on standard error, and on the output what was written.
fn tell(args: &Args, merged: &Restored, saved: &SaveReport, out: &mut dyn Write) -> Result<()> {
    let findings = || merged.report.findings.iter().chain(&saved.findings);
    if args.json {
        let paths = args.files.iter().map(|path| path.to_string_lossy());
        let file = json!({
            "paths": paths.collect::<Vec<_>>(),
            "output": args.output.to_string_lossy(),
            "variables": saved.bindings,
            "file_length": saved.file_len,
            "findings": findings().map(finding_json).collect::<Vec<_>>(),
        });
        return Document::new(vec![file]).write(out);
    }
    let all: Vec<_> = findings().collect();
    told(all.into_iter()).iter().for_each(|line| note(line));
    let (path, count, size) = (
        shown(&args.output),
        counted(saved.bindings),
        short(saved.file_len),
    );
    writeln!(
        out,
        "{path}: {count}, {size}, of {} archives",
        args.files.len()
    )?;
    Ok(())
}
