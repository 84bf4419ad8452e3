//! `ach extract`: variables of an archive as files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use achronyme_env::{Archive, ArchiveWriter, Binding, Patterns, SaveOptions, Value};

use super::{Status, counted};
use crate::attribute::Attributes;
use crate::error::{Failure, Result, shown};
use crate::export::ExportError;
use crate::export::filename::FileNames;
use crate::export::npy::Npy;
use crate::export::npz::NpzWriter;
use crate::export::safetensors;
use crate::gather::{Gathered, Wanted};
use crate::journal::Reading;
use crate::output_file::{OutputFile, check};
use crate::term::{escape, json};

/// Write variables of an archive to files.
///
/// Into a directory (-d), arrays become .npy files and everything else .json (the mapping is in
/// docs/cli.md); the file names are the names of the variables with unusual characters written
/// %XX, which `ach pack --decode` undoes. Into one file (-o), the extension decides: .npz,
/// .safetensors, .arrow or .parquet for one record of columns, or another .ach, which keeps
/// everything.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("place").required(true))]
pub(crate) struct Args {
    /// An archive
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only names that match: *, ?, [a-z], {a,b}; * also crosses . and /
    #[arg(short = 'n', long = "name", value_name = "GLOB")]
    name: Option<String>,
    /// A file for each variable, in this directory
    #[arg(short, long, value_name = "DIR", group = "place")]
    directory: Option<PathBuf>,
    /// All in one file: .npz, .safetensors, .arrow, .feather, .parquet or .ach
    #[arg(short, long, value_name = "OUT", group = "place")]
    output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    force: bool,
    /// Replace also an archive whose journal holds commits that it does not: they are gone then
    #[arg(long, requires = "force")]
    discard_journal: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Extracts.
///
/// # Errors
/// [`Failure`]. Every file that was written is whole; of one file with everything, nothing is
/// written.
pub(crate) fn run(args: &Args, out: &mut dyn Write) -> Result<Status> {
    if let Some(path) = &args.output {
        check(path, args.force)?;
    }
    let archive = crate::opened::open(&args.file, args.reading)?;
    let mut bindings = match &args.name {
        Some(pattern) => archive.matching(pattern)?,
        None => archive.bindings().collect(),
    };
    if bindings.is_empty() {
        let which = args.name.as_deref().map_or_else(String::new, |pattern| {
            format!(" that matches {}", escape::name(pattern))
        });
        let file = shown(&args.file);
        return Err(Failure::refused(format!("{file} has no variable{which}")));
    }
    bindings.sort_by_key(Binding::ordinal);
    match (&args.directory, &args.output) {
        (Some(directory), _) => into_directory(&bindings, directory, args.force, out)?,
        (_, Some(path)) => into_file(args, &archive, &bindings, path, out)?,
        // One of the two is there: the group of arguments asks for it.
        (None, None) => {}
    }
    Ok(Status::Fine)
}

fn into_directory(
    bindings: &[Binding<'_>],
    directory: &Path,
    force: bool,
    out: &mut dyn Write,
) -> Result<()> {
    let mut names = FileNames::default();
    let mut files = Vec::with_capacity(bindings.len());
    for binding in bindings {
        let array = is_array(binding.name(), &binding.value()?)?;
        let file = names.assign(binding.name(), if array { "npy" } else { "json" })?;
        let path = directory.join(file);
        check(&path, force)?;
        files.push((binding, path, array));
    }
    fs::create_dir_all(directory).map_err(|source| Failure::Write {
        action: "make",
        path: directory.to_path_buf(),
        source,
    })?;
    for (binding, path, array) in &files {
        let value = binding.value()?;
        let mut file = OutputFile::create(path, force)?;
        let written = write_one(binding.name(), &value, *array, &mut file);
        OutputFile::named(path, written)?;
        file.commit()?;
    }
    let arrays = files.iter().filter(|(_, _, array)| *array).count();
    let others = files.len() - arrays;
    let directory = shown(directory);
    writeln!(out, "{directory}: {arrays} .npy, {others} .json")?;
    Ok(())
}

/// Whether a value is an array that .npy has; nothing but reading can fail.
fn is_array(name: &str, value: &Value) -> Result<bool> {
    if !matches!(value, Value::Tensor(_) | Value::StringArray(_)) {
        return Ok(false);
    }
    match Npy::new(name, value) {
        Ok(_) => Ok(true),
        Err(error @ ExportError::Value(_)) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

fn write_one(name: &str, value: &Value, array: bool, file: &mut OutputFile) -> Result<()> {
    if array {
        return Ok(Npy::new(name, value)?.write(file)?);
    }
    json::write(value, file)?;
    writeln!(file)?;
    Ok(())
}

fn into_file(
    args: &Args,
    archive: &Archive,
    bindings: &[Binding<'_>],
    path: &Path,
    out: &mut dyn Write,
) -> Result<()> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    match extension.to_str() {
        Some("ach") => return into_archive(args, archive, path, out),
        Some("npz") => {
            let mut npz = NpzWriter::new(OutputFile::create(path, args.force)?);
            for binding in bindings {
                let added = npz.add(binding.name(), &binding.value()?);
                OutputFile::named(path, added.map_err(Failure::from))?;
            }
            let file = OutputFile::named(path, npz.finish().map_err(Failure::from))?;
            file.commit()?;
        }
        Some("safetensors") => {
            let values = bindings.iter().map(Binding::value);
            let values = values.collect::<Result<Vec<Value>, _>>()?;
            let names = bindings.iter().map(Binding::name);
            let variables: Vec<(&str, &Value)> = names.zip(&values).collect();
            let metadata = archive.metadata()?.custom.into_iter().collect();
            let mut file = OutputFile::create(path, args.force)?;
            let written = safetensors::write(&variables, &metadata, &mut file);
            OutputFile::named(path, written.map_err(Failure::from))?;
            file.commit()?;
        }
        #[cfg(feature = "arrow")]
        Some("arrow" | "feather") => table(args, bindings, path, crate::export::arrow::write)?,
        #[cfg(feature = "parquet")]
        Some("parquet") => table(args, bindings, path, crate::export::parquet::write)?,
        _ => {
            return Err(Failure::refused(format!(
                "{}: what is written is .npz, .safetensors, .arrow, .feather, .parquet and .ach; use -d DIR for a file each",
                shown(path)
            )));
        }
    }
    writeln!(out, "{}: {}", shown(path), counted(bindings.len()))?;
    Ok(())
}

/// How a table is written: name, columns, attributes, output.
#[cfg(feature = "arrow")]
type WriteTable =
    fn(&str, &Value, &achronyme_env::Record, &mut OutputFile) -> Result<Vec<String>, ExportError>;

/// Writes the one variable there is as a table.
#[cfg(feature = "arrow")]
fn table(args: &Args, bindings: &[Binding<'_>], path: &Path, write: WriteTable) -> Result<()> {
    let [binding] = bindings else {
        return Err(Failure::refused(format!(
            "{}: a table is one variable, a record of columns, and {} are asked for; choose it with \
             -n",
            shown(path),
            counted(bindings.len())
        )));
    };
    let (value, attributes) = (binding.value()?, binding.attributes()?);
    let mut file = OutputFile::create(path, args.force)?;
    let written = write(binding.name(), &value, &attributes, &mut file);
    let notes = OutputFile::named(path, written.map_err(Failure::from))?;
    file.commit()?;
    notes.iter().for_each(|text| crate::error::note(text));
    Ok(())
}

fn into_archive(args: &Args, archive: &Archive, path: &Path, out: &mut dyn Write) -> Result<()> {
    let wanted = Wanted {
        include: Patterns::new(&args.name)?,
        exclude: Patterns::default(),
    };
    let mut gathered = Gathered::default();
    gathered.copy(archive, &args.file, None, &wanted)?;
    let about = gathered.about(1);
    let options = about.say(
        SaveOptions::new()
            .allow_overwrite(args.force)
            .discard_journal(args.discard_journal)
            .seal(archive.header().is_sealed()),
    );
    let mut writer = ArchiveWriter::create(path, &gathered.keep_cold(options))?;
    gathered.write(&mut writer, Attributes::new(&[]))?;
    writer.finish()?;
    super::pack::summary(path, out)
}
