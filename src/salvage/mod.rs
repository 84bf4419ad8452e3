//! What is intact of a damaged archive or journal, written to a new file.

mod behind;
mod filled;
mod found;
mod options;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;

pub use options::SalvageOptions;

use crate::error::{EnvError, Origin, Result};
use crate::finding::{Finding, Outcome};
use crate::pattern::escape_pattern;
use crate::read::{Archive, Binding, Checked};
use crate::value::{Record, Value};
use crate::write::{ArchiveWriter, BindingOptions, SaveOptions, SaveReport};
use filled::filled;
use found::{Found, find};

/// What a salvage saved and what it could not.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SalvageReport {
    /// The damaged file.
    pub source: Origin,
    /// The new archive.
    pub saved: SaveReport,
    /// Names of the bindings in the new archive, in order.
    pub salvaged: Vec<String>,
    /// What is lost, and what differs from what it was. A finding without a name is about the file,
    /// or a binding whose name is lost too.
    pub findings: Vec<Finding>,
    /// What else was found damaged, without loss.
    pub notes: Vec<String>,
}

impl SalvageReport {
    /// Whether nothing is lost.
    pub fn is_whole(&self) -> bool {
        !self.findings.iter().any(|f| f.outcome.is_loss())
    }
}

/// One line, and one more for each finding and note.
impl fmt::Display for SalvageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, source) = (self.salvaged.len(), &self.source);
        write!(f, "salvaged {count} bindings of {source}")?;
        for finding in &self.findings {
            write!(f, "\n  {finding}")?;
        }
        for note in &self.notes {
            write!(f, "\n  {note}")?;
        }
        Ok(())
    }
}

/// Writes every intact binding of a damaged archive and its journal to a new archive. The source is
/// only read.
///
/// A name that ends with `-journal`, or an archive that is missing or of which nothing can be read,
/// means the journal alone: what it holds is saved without what was only in the archive.
///
/// What is saved equals what was there: every part of it is compared with its sums. One wrong byte
/// in the header or in a page of the table of contents is corrected where sums and root digest say
/// what it was. Cells that several bindings share stay shared as long as all of these can be read.
/// Description, tags and metadata are kept; the new archive belongs to no session.
///
/// Frames of the journal that stand behind damage count as long as each of them is whole and their
/// commit was finished; what is missing between them is a finding, and values may then be of
/// different moments.
///
/// ```
/// use achronyme_env::{Archive, SalvageOptions, SaveOptions, Tensor, Value, salvage, save};
/// # let dir = tempfile::tempdir()?;
/// # let (path, saved) = (dir.path().join("run.ach"), dir.path().join("saved.ach"));
///
/// let tensor = |x: f64| Value::from(Tensor::from_vec(vec![x; 100], [100]).unwrap());
/// save(&path, [("a", &tensor(1.0)), ("b", &tensor(2.0))], &SaveOptions::new())?;
/// let place = Archive::open(&path)?.binding("a").unwrap().extents()?[0].offset;
/// let mut bytes = std::fs::read(&path)?;
/// bytes[place as usize] ^= 1;
/// std::fs::write(&path, bytes)?;
///
/// let report = salvage(&path, &saved, &SalvageOptions::new())?;
/// assert_eq!(report.salvaged, ["b"]);
/// assert_eq!(report.findings[0].name, "a");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EnvError::Lossy`] when no binding can be read, and what opening answers when nothing tells what
/// stands where; as [`ArchiveWriter`]. Nothing was written then.
pub fn salvage(
    source: impl AsRef<Path>,
    destination: impl AsRef<Path>,
    options: &SalvageOptions,
) -> Result<SalvageReport> {
    let (source, destination) = (source.as_ref(), destination.as_ref());
    let found = find(source, options.limits)?;
    found.refuse_as_destination(destination)?;
    let mut findings = Vec::new();
    let taken = taken(&found, options, &mut findings);
    findings.extend(found.lost.iter().cloned());
    if taken.is_empty() && findings.iter().any(|f| f.outcome.is_loss()) {
        return Err(EnvError::Lossy {
            action: "repair",
            path: source.into(),
            findings,
        });
    }
    let save = save_options(&found.archive, options, &mut findings);
    let save = taken
        .iter()
        .fold(save, |save, taken| match taken.has_packed_text() {
            true => save.cold(escape_pattern(taken.binding.name())),
            false => save,
        });
    let mut writer = ArchiveWriter::create(destination, &save)?;
    let mut salvaged = Vec::with_capacity(taken.len());
    for Taken {
        binding,
        value,
        attributes,
    } in taken
    {
        let options = BindingOptions::new()
            .attributes(attributes)
            .constant(binding.is_constant())
            .mutable(binding.is_mutable());
        match writer.add_with(binding.name(), value, &options) {
            Ok(()) => salvaged.push(binding.name().to_owned()),
            Err(error) => findings.push(lost(&binding, &error)),
        }
    }
    Ok(SalvageReport {
        source: source.into(),
        saved: writer.finish()?,
        salvaged,
        findings,
        notes: found.notes.clone(),
    })
}

/// A binding that can be saved.
struct Taken<'a> {
    binding: Binding<'a>,
    value: Value,
    attributes: Record,
}

impl Taken<'_> {
    /// Whether it holds long texts that are compressed, which do not say so themselves.
    fn has_packed_text(&self) -> bool {
        !matches!(self.value, Value::Tensor(_)) && self.binding.is_all_cold().unwrap_or(false)
    }
}

/// The bindings that can be read, in order.
fn taken<'a>(
    found: &'a Found,
    options: &SalvageOptions,
    findings: &mut Vec<Finding>,
) -> Vec<Taken<'a>> {
    let archive = &found.archive;
    let renamed: HashSet<&str> = found.renamed.iter().map(String::as_str).collect();
    let mut checked = Checked::default();
    // With them, whether their attributes are intact too.
    let mut intact: Vec<(Binding<'_>, bool)> = Vec::new();
    let mut others = Vec::new();
    for binding in archive.bindings_as_saved() {
        let kind = binding.kind().map_or("", |kind| kind.name());
        if renamed.contains(binding.name()) {
            let reason = "its name is lost, and this one was given to it";
            findings.push(Finding::new(binding.name(), kind, Outcome::Lost, reason));
        }
        match binding.verify_beside(&mut checked) {
            Ok(()) => intact.push((binding, true)),
            Err(error)
                if binding.verify_attributes().is_err() && binding.verify_value().is_ok() =>
            {
                let reason = format!("they are damaged: {}", reason_of(&error));
                let finding = Finding::new(binding.name(), "attributes", Outcome::Lost, reason);
                findings.push(finding);
                intact.push((binding, false));
            }
            Err(error) => others.extend(partly(binding, options, &error, findings)),
        }
    }
    let mut taken = loaded(archive, intact, findings);
    taken.extend(others);
    taken.sort_by_key(|taken| taken.binding.ordinal());
    taken
}

/// Values that are intact, loaded together, so that what they share stays shared: one by one only where
/// that fails.
fn loaded<'a>(
    archive: &Archive,
    intact: Vec<(Binding<'a>, bool)>,
    findings: &mut Vec<Finding>,
) -> Vec<Taken<'a>> {
    let (bindings, attributes): (Vec<_>, Vec<_>) = intact.into_iter().unzip();
    let mut taken = Vec::with_capacity(bindings.len());
    let mut take = |binding: Binding<'a>, (value, attributes): (Value, Record)| {
        taken.push(Taken {
            binding,
            value,
            attributes,
        });
    };
    match archive.load_with_some_attributes(&bindings, |place| attributes[place]) {
        Ok(values) => {
            for (binding, loaded) in bindings.into_iter().zip(values) {
                take(binding, loaded);
            }
        }
        Err(_) => {
            for (binding, wanted) in bindings.into_iter().zip(attributes) {
                let one = std::slice::from_ref(&binding);
                match archive.load_with_some_attributes(one, |_| wanted) {
                    Ok(values) => {
                        for loaded in values {
                            take(binding, loaded);
                        }
                    }
                    Err(error) => findings.push(lost(&binding, &error)),
                }
            }
        }
    }
    taken
}

/// What is left of a binding of which `error` says what is wrong.
fn partly<'a>(
    binding: Binding<'a>,
    options: &SalvageOptions,
    error: &EnvError,
    findings: &mut Vec<Finding>,
) -> Option<Taken<'a>> {
    let kind = binding.kind().map_or("", |kind| kind.name());
    let attributes = binding.attributes();
    if options.fill_damaged
        && let Ok(Value::Tensor(tensor)) = binding.value()
        && let Some((tensor, reason)) = filled(&tensor)
    {
        findings.push(Finding::new(binding.name(), kind, Outcome::Lost, reason));
        return Some(Taken {
            binding,
            value: tensor.into(),
            attributes: attributes.unwrap_or_default(),
        });
    }
    findings.push(lost(&binding, error));
    None
}

fn lost(binding: &Binding<'_>, error: &EnvError) -> Finding {
    let kind = binding.kind().map_or("", |kind| kind.name());
    Finding::new(binding.name(), kind, Outcome::Lost, reason_of(error))
}

/// An error without the names that the reader knows already.
fn reason_of(error: &EnvError) -> String {
    match error {
        EnvError::Variable { source, .. } => reason_of(source),
        EnvError::Damaged { fault, .. } => fault.to_string(),
        other => other.to_string(),
    }
}

/// The new archive says of itself what the old one did.
fn save_options(
    archive: &Archive,
    options: &SalvageOptions,
    findings: &mut Vec<Finding>,
) -> SaveOptions {
    let save = SaveOptions::new()
        .allow_overwrite(options.allow_overwrite)
        .durable(options.durable)
        .warn_large_values(None)
        .keep_coding(true)
        .seal(archive.header().is_sealed());
    let save = match archive.header().created {
        0 => save,
        created => save.created_at(created),
    };
    let metadata = match archive.metadata() {
        Ok(metadata) => metadata,
        Err(error) => {
            let reason = reason_of(&error);
            let reason = format!("description and tags cannot be read: {reason}");
            findings.push(Finding::new("", "metadata", Outcome::Lost, reason));
            return save;
        }
    };
    let save = match metadata.description {
        Some(text) => save.description(text),
        None => save,
    };
    let save = metadata.tags.into_iter().fold(save, SaveOptions::tag);
    let pairs = metadata.custom.into_iter();
    pairs.fold(save, |save, (key, value)| save.custom(key, value))
}
