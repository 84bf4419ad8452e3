//! Several archives as one environment.

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::restore::{Arrivals, RestoreReport, Restored, taken, verify_if_asked};
use super::restore_options::RestoreOptions;
use super::settle::{in_one_record, is_same_scalar, settle};
use super::variables::{Environment, Variable};
use crate::error::{EnvError, Origin, Result};
use crate::finding::{Finding, Outcome};
use crate::read::Archive;

/// What becomes of a name that several archives have.
///
/// The same scalar in all of them, or the same structured value without arrays, is no clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Clash {
    /// That of the first archive is taken, the others are reported.
    First,
    /// That of the last archive is taken, the others are reported.
    Last,
    /// It is an error.
    Error,
    /// Nothing clashes: every archive becomes one record, named after its file without the
    /// extension; a second `a` is `a_2`.
    Namespace,
}

/// Restores several archives into one environment, in their order. Tensors stay where they are:
/// views of a map, or read when they are first looked at.
///
/// Patterns of the options are looked for in all archives together. The report names all files;
/// its version and time are those of the archive that was made last.
///
/// ```
/// use achronyme_env::{merge, save, Archive, Clash, RestoreOptions, SaveOptions, Value};
/// # let dir = tempfile::tempdir()?;
/// let runs = ["monday.ach", "tuesday.ach"].map(|name| dir.path().join(name));
/// save(&runs[0], [("loss", &Value::from(0.5))], &SaveOptions::new())?;
/// save(&runs[1], [("loss", &Value::from(0.4))], &SaveOptions::new())?;
///
/// let archives = [Archive::open(&runs[0])?, Archive::open(&runs[1])?];
/// let week = merge(&archives, Clash::Namespace, &RestoreOptions::new())?.environment;
/// assert_eq!(week.at("tuesday.loss")?.as_f64(), Some(0.4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`EnvError::NameClash`] under [`Clash::Error`]; otherwise as [`crate::restore_from`].
pub fn merge(archives: &[Archive], clash: Clash, options: &RestoreOptions) -> Result<Restored> {
    let mut selection = options.check()?;
    let mut merged = Merged::default();
    let mut report = report_of(archives);
    let mut taken_in_all = 0;
    for archive in archives {
        verify_if_asked(archive, options)?;
        let Arrivals {
            variables,
            report: of_one,
            ..
        } = taken(archive, options, &mut selection)?;
        report.omitted += of_one.omitted;
        taken_in_all += variables.len();
        let about_the_file = of_one.findings.into_iter().map(|mut finding| {
            finding.reason = format!("{}: {}", archive.origin(), finding.reason);
            finding
        });
        merged.findings.extend(about_the_file);
        match clash {
            Clash::Namespace => merged.add_record(variables, archive.origin()),
            _ => merged.add(variables, archive.origin(), clash)?,
        }
    }
    let names = archives.iter().flat_map(Archive::names);
    report.findings = selection.unmet(names).collect();
    report.findings.append(&mut merged.findings);
    let variables = merged.variables.into_iter();
    let arrivals = Arrivals {
        variables: variables
            .map(|(name, (variable, _))| (name, variable))
            .collect(),
        report,
        placeholders_told: false,
    };
    let mut environment = Environment::new();
    let mut report = settle(&mut environment, arrivals, options)?;
    if clash == Clash::Namespace {
        // Bindings are counted, not the records they are in.
        report.bindings = taken_in_all;
    }
    Ok(Restored {
        environment,
        report,
    })
}

/// What was taken so far.
#[derive(Default)]
struct Merged<'a> {
    /// Variables, and the archive each is from.
    variables: IndexMap<Arc<str>, (Variable, &'a Origin)>,
    findings: Vec<Finding>,
}

impl<'a> Merged<'a> {
    /// Adds the variables of the archive at `origin`.
    fn add(
        &mut self,
        variables: Vec<(Arc<str>, Variable)>,
        origin: &'a Origin,
        clash: Clash,
    ) -> Result<()> {
        for (name, arriving) in variables {
            let mut present = match self.variables.entry(name) {
                Entry::Occupied(present) => present,
                Entry::Vacant(place) => {
                    place.insert((arriving, origin));
                    continue;
                }
            };
            let (known, from) = present.get();
            if is_same(known, &arriving) {
                continue;
            }
            let (first, second) = (*from, origin);
            let (kept, left) = match clash {
                Clash::Error => {
                    return Err(EnvError::NameClash {
                        name: present.key().to_string(),
                        first: first.clone(),
                        second: second.clone(),
                    });
                }
                Clash::Last => (second, first),
                Clash::First | Clash::Namespace => (first, second),
            };
            let (dropped, name) = match clash {
                Clash::Last => {
                    let (dropped, _) = present.insert((arriving, origin));
                    (dropped, present.key())
                }
                _ => (arriving, present.key()),
            };
            let kind = dropped.value.kind().name();
            let reason = format!("that of {kept} is taken, that of {left} is not");
            let finding = Finding::new(&**name, kind, Outcome::Kept, reason);
            self.findings.push(finding);
        }
        Ok(())
    }

    /// Adds the variables of an archive as one record.
    fn add_record(&mut self, variables: Vec<(Arc<str>, Variable)>, origin: &'a Origin) {
        let name = self.unused(origin);
        let before = self.findings.len();
        let record = in_one_record(variables, &mut self.findings);
        for finding in self.findings.iter_mut().skip(before) {
            let field = std::mem::replace(&mut finding.name, name.to_string());
            finding.path = format!(".{field}");
        }
        self.variables.insert(name, (record, origin));
    }

    /// A name after the file, which no record has yet.
    fn unused(&self, origin: &Origin) -> Arc<str> {
        let stem = origin.path().and_then(Path::file_stem);
        let stem = stem.map_or("memory".into(), |stem| stem.to_string_lossy());
        let taken = |name: &str| self.variables.contains_key(name);
        if !taken(&stem) {
            return stem.into();
        }
        let mut number = 2usize;
        loop {
            let name = format!("{stem}_{number}");
            if !taken(&name) {
                return name.into();
            }
            number += 1;
        }
    }
}

/// Whether both are the same, and the same is said of them.
fn is_same(a: &Variable, b: &Variable) -> bool {
    let attributes = |variable: &Variable| Variable::new(variable.attributes.clone());
    is_same_scalar(a, b)
        && is_same_scalar(&attributes(a), &attributes(b))
        && (a.constant, a.mutable) == (b.constant, b.mutable)
}

fn report_of(archives: &[Archive]) -> RestoreReport {
    let last = archives
        .iter()
        .max_by_key(|archive| archive.header().created);
    let header = last.map(Archive::header);
    RestoreReport {
        path: Origin::Merged(archives.iter().map(|a| a.origin().clone()).collect()),
        format: header.map_or((0, 0), |header| (header.major, header.minor)),
        created_by: header.map_or(String::new(), |header| header.writer.clone()),
        created_at: header.map_or(0, |header| header.created),
        bindings: 0,
        omitted: 0,
        findings: Vec::new(),
    }
}
