//! `ach delta`: what must be sent for one archive to become another.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Archive, Delta, DeltaOptions, OpenOptions, create_delta};
use clap::Subcommand;

use super::{Status, counted};
use crate::error::{Result, shown};
use crate::progress::Progress;
use crate::term::size::short;

/// Make a file of what changed between two archives, or apply one.
///
/// A delta holds the variables that are new or differ, each as a whole, and the names of those that
/// are gone. It is applied to the archive it was made for and no other. `ach info`, `ls` and `verify`
/// take deltas too.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

/// What can be done with deltas.
#[derive(Debug, Subcommand)]
enum Command {
    Create(CreateArgs),
    Apply(ApplyArgs),
}

/// Make a delta: what must be changed in OLD to make NEW.
///
/// Arrays are compressed. Variables that share cells are sent together when one of them changed.
#[derive(Debug, clap::Args)]
struct CreateArgs {
    /// The archive that whoever gets the delta has
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The archive to make of it
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// The delta to write, by convention .ach-delta
    #[arg(short, long, value_name = "DELTA")]
    output: PathBuf,
    /// Replace the delta if it exists
    #[arg(long)]
    force: bool,
    /// Level of compression, 1 (fast) to 22 (small)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
}

/// Apply a delta to the archive it was made for.
///
/// The result has the content, order, metadata and creation time of the archive the delta was made
/// of, and a root digest of its own; further deltas of that archive are for the result too.
#[derive(Debug, clap::Args)]
struct ApplyArgs {
    /// The archive the delta is for
    #[arg(value_name = "PARENT")]
    parent: PathBuf,
    /// A delta
    #[arg(value_name = "DELTA")]
    delta: PathBuf,
    /// The archive to write; PARENT itself with --force
    #[arg(short, long, value_name = "NEW")]
    output: PathBuf,
    /// Replace the archive if it exists
    #[arg(long)]
    force: bool,
    /// Replace also an archive whose journal holds commits that it does not: they are gone then
    #[arg(long, requires = "force")]
    discard_journal: bool,
}

/// Makes or applies.
///
/// # Errors
/// [`crate::error::Failure`]; then nothing was written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    match &args.command {
        Command::Create(args) => create(args, out),
        Command::Apply(args) => apply(args, out),
    }
}

/// An archive; what its journal says over it is refused later, and not passed over in silence.
fn with_journal(path: &Path) -> Result<Archive> {
    Ok(OpenOptions::new().journal(true).open(path)?)
}

fn create(args: &CreateArgs, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.output, args.force)?;
    // A version 1 file has no root digest that a delta could name.
    let (old, new) = (with_journal(&args.old)?, with_journal(&args.new)?);
    let progress = Progress::new("saving");
    let options = options(args.force, &progress).compression_level(args.level);
    let made = create_delta(&old, &new, &args.output, &options);
    progress.finish();
    let made = made?;
    let mut parts = vec![format!("{} added", made.added)];
    parts.push(format!("{} changed", made.changed));
    if made.together > 0 {
        parts.push(format!("{} sent for the cells they share", made.together));
    }
    parts.push(format!("{} removed", made.removed));
    parts.push(format!("{} not sent", made.unchanged));
    let (path, size) = (shown(&args.output), short(made.file_len));
    writeln!(out, "{path}: {}; {size}", parts.join(", "))?;
    Ok(Status::Fine)
}

fn apply(args: &ApplyArgs, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.output, args.force)?;
    let parent = with_journal(&args.parent)?;
    let delta = Delta::open(&args.delta)?;
    let progress = Progress::new("saving");
    let options = options(args.force, &progress).discard_journal(args.discard_journal);
    let made = delta.apply(&parent, &args.output, &options);
    progress.finish();
    let made = made?;
    let (count, size) = (counted(made.bindings), short(made.file_len));
    let (sent, removed) = (delta.sent().len(), delta.removed().len());
    let path = shown(&args.output);
    writeln!(
        out,
        "{path}: {count}, {size}; {sent} from the delta, {removed} removed"
    )?;
    Ok(Status::Fine)
}

fn options(force: bool, progress: &Progress) -> DeltaOptions {
    let progress = progress.clone();
    DeltaOptions::new()
        .allow_overwrite(force)
        .on_progress(move |done, total| progress.note(done, total))
}
