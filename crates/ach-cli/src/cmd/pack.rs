//! `ach pack`: foreign files become one archive.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Archive, ArchiveWriter, Patterns, SaveOptions};

use super::{Status, counted};
use crate::arrivals::{Arrivals, Walk};
use crate::attribute::{Attribute, Attributes, delimiter, pair};
use crate::error::{Failure, Result, note, shown};
use crate::gather::{About, Gathered, Wanted};
use crate::import::ImportOptions;
use crate::progress::Progress;
use crate::term::escape;
use crate::term::size::short;

/// Pack files into one archive.
///
/// Read are .npy, .npz, .safetensors, .csv, .tsv, .json, .arrow, .feather, .parquet and .ach. The
/// members of .npz, .safetensors and .ach files and the keys of a JSON object become variables under their own names; anything
/// else is one variable under the name of its file without the extension.
///
/// NAME=PATH puts a value under NAME, and members below NAME/. In a directory (-r), values are named
/// by their path in it, without the extension, and members stand below that: `sub/table`,
/// `sub/model/layer1.weight`.
///
/// Variables of .ach files keep their attributes, and stay compressed if they are. What a file says
/// about itself (__metadata__ of a .safetensors; description, tags and metadata of an .ach) is kept
/// when it is the only input.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to pack, or NAME=PATH, or directories with -r
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<OsString>,
    /// The archive to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the archive if it exists
    #[arg(long)]
    force: bool,
    /// Replace also an archive whose journal holds commits that it does not: they are gone then
    #[arg(long, requires = "force")]
    discard_journal: bool,
    /// Walk directories; hidden files and unknown extensions are left out
    #[arg(short, long)]
    recursive: bool,
    /// Undo the file names that `ach extract -d` made (a%2Fb.npy is a/b)
    #[arg(long)]
    decode: bool,
    /// Compress the arrays of variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    cold: Vec<String>,
    /// Level of compression, 1 (fast) to 22 (small)
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=22))]
    level: i32,
    /// Name contents by SHA-256 digests, which nobody can forge
    #[arg(long)]
    seal: bool,
    /// What the archive is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A tag (repeatable)
    #[arg(long)]
    tag: Vec<String>,
    /// A pair of metadata (repeatable)
    #[arg(long, value_name = "K=V", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// An attribute of a variable (repeatable); VALUE is JSON if it parses, else text
    #[arg(long, value_name = "NAME:K=V")]
    attr: Vec<Attribute>,
    /// Only variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// No variables whose names match (repeatable)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// The first line of tables is data; columns are named c0, c1, ...
    #[arg(long)]
    no_header: bool,
    /// What parts the fields of tables: one character, or `tab` [default: comma; tab for .tsv]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Columns of tables that are text whatever they hold
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    strings: Vec<String>,
}

/// Packs.
///
/// # Errors
/// [`Failure`]; then nothing was written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    // A quick look, so that nobody waits for an answer that is known; saving looks again.
    crate::output_file::check(&args.output, args.force)?;
    let walk = Walk {
        recursive: args.recursive,
        decode: args.decode,
    };
    let arrivals = Arrivals::find(&args.inputs, walk)?;
    let mut gathered = gather(args, &arrivals)?;
    let about = gathered.about(arrivals.files.len());
    let progress = Progress::new("saving");
    let options = gathered.keep_cold(options(args, about, &progress));
    let notes = std::mem::take(&mut gathered.notes);
    let mut writer = ArchiveWriter::create(&args.output, &options)?;
    gathered.write(&mut writer, Attributes::new(&args.attr))?;
    let saved = writer.finish();
    progress.finish();
    saved?;
    arrivals
        .notes
        .iter()
        .chain(&notes)
        .for_each(|text| note(text));
    summary(&args.output, out)?;
    Ok(Status::Fine)
}

fn gather(args: &Args, arrivals: &Arrivals) -> Result<Gathered> {
    let directory = args
        .output
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let options = ImportOptions {
        header: !args.no_header,
        delimiter: args.delimiter,
        strings: args.strings.clone(),
        // Where the archive will need the room anyway; the system's place may be memory.
        scratch_directory: Some(directory.unwrap_or(Path::new(".")).to_path_buf()),
        ..ImportOptions::default()
    };
    let wanted = Wanted {
        include: Patterns::new(&args.include)?,
        exclude: Patterns::new(&args.exclude)?,
    };
    let mut gathered = Gathered::default();
    for arrival in &arrivals.files {
        gathered.read(arrival, &options, &wanted)?;
        if arrivals.files.len() > 1 {
            gathered.note_about(&arrival.path);
        }
    }
    let filtered = !args.include.is_empty() || !args.exclude.is_empty();
    if gathered.variables().is_empty() && filtered {
        return Err(Failure::refused(
            "no variable is left by --include and --exclude; leave them out to see all names",
        ));
    }
    let missing = |column: &&String| !gathered.strings_found.contains(column);
    if let Some(column) = args.strings.iter().find(missing) {
        return Err(Failure::refused(format!(
            "--strings names {}, but no table has a column of that name",
            escape::name(column)
        )));
    }
    Ok(gathered)
}

fn options(args: &Args, about: About, progress: &Progress) -> SaveOptions {
    let own = About {
        description: args.description.clone(),
        tags: args.tag.clone(),
        custom: args.meta.clone(),
    };
    let options = SaveOptions::new()
        .allow_overwrite(args.force)
        .discard_journal(args.discard_journal)
        .compression_level(args.level)
        .seal(args.seal);
    // What is said here comes last: it wins over what the file says about itself.
    let options = own.say(about.say(options));
    let options = args.cold.iter().fold(options, SaveOptions::cold);
    let progress = progress.clone();
    options.on_progress(move |done, total| progress.note(done, total))
}

/// One line on what is there now.
///
/// # Errors
/// What opening the new file answers, or writing.
pub(crate) fn summary(path: &Path, out: &mut dyn Write) -> Result<()> {
    let archive = Archive::open(path)?;
    let (hot, cold) = archive.stored_bytes();
    let parts = match (hot, cold) {
        (_, 0) => String::new(),
        _ => format!(" (hot {}, cold {})", short(hot), short(cold)),
    };
    let (count, size) = (counted(archive.len()), short(archive.file_len()));
    writeln!(out, "{}: {count}, {size}{parts}", shown(path))?;
    Ok(())
}
