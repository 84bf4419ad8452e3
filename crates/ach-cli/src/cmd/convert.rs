//! `ach convert`: the same values, stored in another way.

use std::io::Write;
use std::path::PathBuf;

use achronyme_env::{Archive, ArchiveWriter, Patterns, SaveOptions, escape_pattern};
use serde_json::json;

use super::{Document, Status, counted};
use crate::carry::Carriage;
use crate::error::{Failure, Result, journal_stays, shown};
use crate::gather::About;
use crate::journal::Reading;
use crate::opened::Opened;
use crate::progress::Progress;
use crate::term::escape;
use crate::term::size::short;

/// Write an archive again with its arrays compressed, unpacked, packed tighter, or sealed.
///
/// Values, attributes, marks, order, description, tags, metadata and creation time stay the same;
/// `ach hash` and `ach diff` find no difference. Arrays that nothing is asked of are copied as they
/// stand. What a journal holds is folded into DST.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("change").required(true).multiple(true)
    .args(["cold", "hot", "level", "seal", "unseal"]))]
#[command(after_help = "\
Examples:
  ach convert run.ach small.ach --cold '*' --level 19   compress everything, tightly
  ach convert run.ach run.ach --force --hot 'model.*'   unpack some variables, in place
  ach convert run.ach sealed.ach --seal                 SHA-256 digests for all arrays")]
pub(crate) struct Args {
    /// An archive, with its journal where it has one
    #[arg(value_name = "SRC")]
    source: PathBuf,
    /// The archive to write; SRC itself with --force
    #[arg(value_name = "DST")]
    destination: PathBuf,
    /// Compress the arrays of variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    cold: Vec<String>,
    /// Unpack the arrays of variables whose names match, so that they can be mapped (repeatable)
    #[arg(long, value_name = "GLOB")]
    hot: Vec<String>,
    /// Level of compression, 1 (fast) to 22 (small): what is compressed already is packed again
    /// [default: 3, and what is compressed stays as it is]
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: Option<i32>,
    /// Name contents by SHA-256 digests, which nobody can forge
    #[arg(long, conflicts_with = "unseal")]
    seal: bool,
    /// Name contents by XXH3 digests again, which are faster
    #[arg(long)]
    unseal: bool,
    /// Replace DST if it exists
    #[arg(long)]
    force: bool,
    /// As JSON, one object (docs/cli.md has the schema)
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Converts.
///
/// # Errors
/// [`Failure`]; then nothing was written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    crate::output_file::check(&args.destination, args.force)?;
    let opened = Opened::open(&args.source, args.reading)?;
    if matches!(opened, Opened::Version1(_)) {
        let file = shown(&args.source);
        return Err(Failure::refused(format!(
            "{file} is of format 1; `ach upgrade {file} -o NEW` writes it in the present one"
        )));
    }
    opened.tell_journal(&args.source, args.reading);
    let archive = opened.into_archive(|_| true)?;
    let (cold, hot) = (
        chosen(args, &archive, &args.cold)?,
        chosen(args, &archive, &args.hot)?,
    );
    if let Some(name) = archive.names().find(|n| cold.matches(n) && hot.matches(n)) {
        let name = escape::name(name);
        return Err(Failure::refused(format!(
            "{name} is to be compressed by --cold and unpacked by --hot; say one of them"
        )));
    }
    let mut carriage = Carriage::of(&archive)?;
    carriage.unpack(|name| hot.matches(name));
    let progress = Progress::new("converting");
    let mut options = self::options(args, &archive, &progress)?;
    options = match args.level {
        None => carriage.keep_coding(options),
        // Packed again, so what is compressed is named for it.
        Some(level) => {
            let mut options = options.compression_level(level);
            for binding in archive.bindings() {
                if binding.sizes()?.cold && !hot.matches(binding.name()) {
                    options = options.cold(escape_pattern(binding.name()));
                }
            }
            options
        }
    };
    let packed = carriage.names().filter(|name| cold.matches(name));
    options = packed.fold(options, |options, name| options.cold(escape_pattern(name)));
    let mut writer = ArchiveWriter::create(&args.destination, &options).map_err(journal_stays)?;
    carriage.write(&mut writer)?;
    let saved = writer.finish();
    progress.finish();
    saved.map_err(journal_stays)?;
    tell(args, &archive, out)?;
    Ok(Status::Fine)
}

/// Patterns of which each matches a variable.
fn chosen(args: &Args, archive: &Archive, given: &[String]) -> Result<Patterns> {
    for text in given {
        let one = Patterns::new([text])?;
        // Of an archive without variables `*` asks for nothing, and gets it.
        if !archive.is_empty() && !archive.names().any(|name| one.matches(name)) {
            return Err(Failure::refused(format!(
                "{} has no variable that matches {}",
                shown(&args.source),
                escape::name(text)
            )));
        }
    }
    Ok(Patterns::new(given)?)
}

fn options(args: &Args, archive: &Archive, progress: &Progress) -> Result<SaveOptions> {
    let in_place = crate::output_file::is_same_file(&args.destination, &args.source);
    let progress = progress.clone();
    let options = SaveOptions::new()
        .warn_large_values(None)
        .created_at(archive.metadata()?.created_at)
        .seal(args.seal || archive.header().is_sealed() && !args.unseal)
        .allow_overwrite(args.force)
        .on_progress(move |done, total| progress.note(done, total));
    let options = About::of(archive)?.say(options);
    match in_place {
        true => Ok(options.replaces(archive.root_digest()?)),
        false => Ok(options),
    }
}

/// What was written, beside what was there.
fn tell(args: &Args, old: &Archive, out: &mut dyn Write) -> Result<()> {
    let new = Archive::open(&args.destination)?;
    let stored = |archive: &Archive| {
        let (hot, cold) = archive.stored_bytes();
        (archive.file_len(), hot, cold)
    };
    let ((old_len, ..), (len, hot, cold)) = (stored(old), stored(&new));
    if args.json {
        let file = json!({
            "path": args.source.to_string_lossy(),
            "output": args.destination.to_string_lossy(),
            "variables": new.len(),
            "file_length": len,
            "file_length_before": old_len,
            "hot_bytes": hot,
            "cold_bytes": cold,
            "sealed": new.header().is_sealed(),
        });
        return Document::new(vec![file]).write(out);
    }
    let path = shown(&args.destination);
    let sealed = if new.header().is_sealed() {
        ", sealed"
    } else {
        ""
    };
    let (count, size, old) = (counted(new.len()), short(len), short(old_len));
    let (hot, cold) = (short(hot), short(cold));
    writeln!(
        out,
        "{path}: {count}, {size} (hot {hot}, cold {cold}){sealed}; was {old}"
    )?;
    Ok(())
}
