//! Variables on their way from one archive into another: arrays are copied as they stand.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, ArchiveWriter, Binding, BindingOptions, SaveOptions, Value, escape_pattern,
};

use crate::error::{Failure, Result, shown};
use crate::term::escape;

/// A variable, with what is said of it.
#[derive(Debug)]
struct Carried {
    name: String,
    value: Value,
    options: BindingOptions,
    /// Whether it holds text or bytes that are compressed: those are no arrays, and written anew.
    cold_text: bool,
}

/// The variables of an archive that is made of others, in order.
#[derive(Debug, Default)]
pub(crate) struct Carriage {
    variables: Vec<Carried>,
    places: HashMap<String, usize>,
    /// The source of each variable that was added and not already there.
    sources: HashMap<String, PathBuf>,
    /// Names that gave way to another variable.
    replaced: Vec<String>,
    clashes: Vec<String>,
}

impl Carriage {
    /// Everything an archive holds, in its order.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn of(archive: &Archive) -> Result<Carriage> {
        let mut carriage = Carriage::default();
        let bindings = archive.bindings_as_saved();
        for carried in load(archive, &bindings, str::to_owned)? {
            let place = carriage.variables.len();
            carriage.places.insert(carried.name.clone(), place);
            carriage.variables.push(carried);
        }
        Ok(carriage)
    }

    /// Adds variables of the archive at `path` under the names that `name` gives them. One that is
    /// there already is replaced when `force` is set, and else told by [`Carriage::refuse_clashes`].
    ///
    /// # Errors
    /// What reading answers, and two variables that would have one name.
    pub(crate) fn add(
        &mut self,
        archive: &Archive,
        path: &Path,
        bindings: &[Binding<'_>],
        name: impl Fn(&str) -> String,
        force: bool,
    ) -> Result<()> {
        for carried in load(archive, bindings, name)? {
            let name = carried.name.clone();
            if let Some(before) = self.sources.insert(name.clone(), path.to_path_buf()) {
                let (name, before, path) = (escape::name(&name), shown(&before), shown(path));
                return Err(Failure::refused(format!(
                    "the name {name} is given twice, by {before} and by {path}; copy one of them \
                     alone, with --as or --prefix"
                )));
            }
            match self.places.get(&name) {
                None => {
                    self.places.insert(name, self.variables.len());
                    self.variables.push(carried);
                }
                Some(_) if !force => self.clashes.push(name),
                Some(place) => {
                    self.variables[*place] = carried;
                    self.replaced.push(name);
                }
            }
        }
        Ok(())
    }

    /// Refuses to replace the variables of `path` that were met.
    ///
    /// # Errors
    /// [`Failure::Refused`] with their names.
    pub(crate) fn refuse_clashes(&self, path: &Path) -> Result<()> {
        if self.clashes.is_empty() {
            return Ok(());
        }
        let names = crate::edit::names(self.clashes.iter().map(String::as_str));
        Err(Failure::refused(format!(
            "{} has {names} already; use --force to replace what is there, or give other names \
             with --as or --prefix",
            shown(path)
        )))
    }

    /// Names of the variables that were added, in order.
    pub(crate) fn added(&self) -> Vec<&str> {
        let names = self.variables.iter().map(|carried| carried.name.as_str());
        names.filter(|n| self.sources.contains_key(*n)).collect()
    }

    /// How many variables were replaced.
    pub(crate) fn replaced(&self) -> usize {
        self.replaced.len()
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|carried| carried.name.as_str())
    }

    /// Unpacks the variables that `hot` chooses.
    pub(crate) fn unpack(&mut self, hot: impl Fn(&str) -> bool) {
        for carried in &mut self.variables {
            if hot(&carried.name) {
                carried.cold_text = false;
                carried.options = std::mem::take(&mut carried.options).unpack(true);
            }
        }
    }

    /// `options`, told to leave as it is what is compressed.
    pub(crate) fn keep_coding(&self, options: SaveOptions) -> SaveOptions {
        let cold = self.variables.iter().filter(|carried| carried.cold_text);
        cold.fold(options.keep_coding(true), |options, carried| {
            options.cold(escape_pattern(&carried.name))
        })
    }

    /// Hands everything to a writer.
    ///
    /// # Errors
    /// What the writer refuses.
    pub(crate) fn write(self, writer: &mut ArchiveWriter<'_>) -> Result<()> {
        for carried in self.variables {
            writer.add_with(&carried.name, carried.value, &carried.options)?;
        }
        Ok(())
    }
}

/// Loads variables together, so that what was one cell under two names stays one.
fn load(
    archive: &Archive,
    bindings: &[Binding<'_>],
    name: impl Fn(&str) -> String,
) -> Result<Vec<Carried>> {
    let values = archive.load_with_attributes(bindings)?;
    let mut loaded = Vec::with_capacity(values.len());
    for (binding, (value, attributes)) in bindings.iter().zip(values) {
        loaded.push(Carried {
            name: name(binding.name()),
            cold_text: !matches!(value, Value::Tensor(_)) && binding.is_all_cold()?,
            value,
            options: BindingOptions::new()
                .attributes(attributes)
                .constant(binding.is_constant())
                .mutable(binding.is_mutable()),
        });
    }
    Ok(loaded)
}
