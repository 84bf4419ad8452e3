//! `ach cp`: variables are copied between archives, arrays as they stand.

use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Archive, ArchiveWriter, Binding, Patterns, SaveOptions};

use super::{Status, counted};
use crate::carry::Carriage;
use crate::error::{Failure, Result, journal_stays, shown};
use crate::gather::About;
use crate::journal::Reading;
use crate::progress::Progress;
use crate::term::escape;
use crate::term::size::short;

/// Copy variables of archives into another archive.
///
/// They keep their values, attributes and marks. Array data is copied as it stands in the file,
/// compressed or not, and compared with its sums on the way; nothing is unpacked. DST is written
/// anew as a whole, beside its old file, and then takes its place: all is copied or nothing.
///
/// A new DST keeps what a single SRC says about itself; one that exists keeps what it says.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  ach cp run.ach best.ach -n 'model.*' -n rate     some variables, into a new archive
  ach cp run.ach best.ach -n loss --as loss.monday one variable, under another name
  ach cp mon.ach tue.ach week.ach --force          all of both; replaces what is there")]
pub(crate) struct Args {
    /// Archives to copy from
    #[arg(value_name = "SRC", required = true)]
    sources: Vec<PathBuf>,
    /// The archive to copy into; made when there is none
    #[arg(value_name = "DST")]
    destination: PathBuf,
    /// Only this name, or names that match: *, ?, [a-z], {a,b}; * also crosses . and / (repeatable)
    #[arg(short = 'n', long = "name", value_name = "NAME|GLOB")]
    names: Vec<String>,
    /// No variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// The name of the copy, of one variable
    #[arg(long = "as", value_name = "NAME", conflicts_with = "prefix")]
    rename: Option<String>,
    /// What the names of the copies begin with
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Replace variables that DST has already
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Copies.
///
/// # Errors
/// [`Failure`]; then DST is as it was.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    let target = &args.destination;
    let exists = target.symlink_metadata().is_ok();
    if exists {
        crate::output_file::check(target, true)?;
    }
    let old = exists.then(|| Archive::open(target)).transpose()?;
    let sources = open_all(args)?;
    let mut carriage = match &old {
        Some(old) => Carriage::of(old)?,
        None => Carriage::default(),
    };
    let chosen = chosen(args, &sources)?;
    let prefix = args.prefix.as_deref().unwrap_or_default();
    let name = |name: &str| match &args.rename {
        Some(new) => new.clone(),
        None => format!("{prefix}{name}"),
    };
    for ((path, archive), bindings) in sources.iter().zip(&chosen) {
        carriage.add(archive, path, bindings, name, args.force)?;
    }
    carriage.refuse_clashes(target)?;

    let progress = Progress::new("copying");
    let options = carriage.keep_coding(options(old.as_ref(), &sources, &progress)?);
    let added = carriage.added();
    let told = crate::edit::names(added.iter().copied());
    let (added, replaced) = (added.len(), carriage.replaced());
    let mut writer = ArchiveWriter::create(target, &options).map_err(journal_stays)?;
    carriage.write(&mut writer)?;
    let saved = writer.finish();
    progress.finish();
    let saved = saved.map_err(journal_stays)?;
    let replaced = match replaced {
        0 => String::new(),
        some => format!(" ({some} replaced)"),
    };
    let (all, size) = (counted(saved.bindings), short(saved.file_len));
    let (target, added) = (shown(target), counted(added));
    writeln!(out, "{target}: {added} copied{replaced}: {told}")?;
    writeln!(out, "{target}: {all}, {size}")?;
    Ok(Status::Fine)
}

fn open_all(args: &Args) -> Result<Vec<(&Path, Archive)>> {
    let open = |path: &PathBuf| crate::opened::open(path, args.reading);
    let paths = args.sources.iter();
    paths
        .map(|path| Ok((path.as_path(), open(path)?)))
        .collect()
}

/// The variables to copy, of each source.
fn chosen<'a>(args: &Args, sources: &'a [(&Path, Archive)]) -> Result<Vec<Vec<Binding<'a>>>> {
    for given in &args.names {
        let patterns = Patterns::new([given])?;
        let mut all = sources.iter().flat_map(|(_, archive)| archive.names());
        if all.any(|name| patterns.matches(name)) {
            continue;
        }
        if let ([(_, archive)], false) = (sources, given.contains(['*', '?', '[', '{'])) {
            // Not there: the error knows the nearest name.
            archive.is_checked(given)?;
        }
        let files: Vec<String> = sources.iter().map(|(path, _)| shown(path)).collect();
        return Err(Failure::refused(format!(
            "there is no variable that matches {} in {}",
            escape::name(given),
            files.join(", ")
        )));
    }
    let (wanted, unwanted) = (Patterns::new(&args.names)?, Patterns::new(&args.exclude)?);
    let takes = |name: &str| (wanted.is_empty() || wanted.matches(name)) && !unwanted.matches(name);
    let mut chosen = Vec::new();
    for (_, archive) in sources {
        let mut bindings = archive.bindings_as_saved();
        bindings.retain(|binding| takes(binding.name()));
        chosen.push(bindings);
    }
    let count = chosen.iter().map(Vec::len).sum::<usize>();
    match (count, &args.rename) {
        (0, _) => Err(Failure::refused(
            "there is nothing to copy: no variable is left by --name and --exclude",
        )),
        (2.., Some(name)) => Err(Failure::refused(format!(
            "--as {} names one variable, and {count} are to be copied; choose one with --name, or \
             use --prefix",
            escape::name(name)
        ))),
        _ => Ok(chosen),
    }
}

/// How DST is written: as the old one, or like the sources.
fn options(
    old: Option<&Archive>,
    sources: &[(&Path, Archive)],
    progress: &Progress,
) -> Result<SaveOptions> {
    let progress = progress.clone();
    let options = SaveOptions::new()
        .warn_large_values(None)
        .on_progress(move |done, total| progress.note(done, total));
    if let Some(old) = old {
        let options = About::of(old)?.say(options);
        let sealed = old.header().is_sealed();
        return Ok(options.seal(sealed).replaces(old.root_digest()?));
    }
    let options = match sources {
        [(_, only)] => About::of(only)?.say(options),
        _ => options,
    };
    let mut headers = sources.iter().map(|(_, archive)| archive.header());
    Ok(options.seal(headers.all(|header| header.is_sealed())))
}
