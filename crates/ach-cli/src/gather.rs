//! Values on their way into an archive: where each is from, and no name twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use achronyme_env::{
    Archive, ArchiveWriter, Binding, BindingOptions, Patterns, Record, SaveOptions, Value,
    escape_pattern,
};

use crate::arrivals::Arrival;
use crate::attribute::Attributes;
use crate::error::{Failure, Result, shown};
use crate::import::{ImportOptions, Imports, Naming, import};
use crate::journal::Reading;
use crate::term::escape;

/// A value with its name and what is said of it.
#[derive(Debug)]
pub(crate) struct Variable {
    /// Its name.
    pub(crate) name: String,
    /// The value; its arrays are read when they are saved.
    pub(crate) value: Value,
    attributes: Record,
    constant: bool,
    mutable: bool,
    /// Whether it was compressed where it came from.
    cold: bool,
}

/// What a file says about itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// A description.
    pub(crate) description: Option<String>,
    /// Tags.
    pub(crate) tags: Vec<String>,
    /// Custom metadata.
    pub(crate) custom: Vec<(String, String)>,
}

impl About {
    /// What an archive says.
    ///
    /// # Errors
    /// What reading its metadata answers.
    pub(crate) fn of(archive: &Archive) -> Result<About> {
        let metadata = archive.metadata()?;
        Ok(About {
            description: metadata.description,
            tags: metadata.tags,
            custom: metadata.custom,
        })
    }

    /// `options` with all of it.
    pub(crate) fn say(self, mut options: SaveOptions) -> SaveOptions {
        if let Some(description) = self.description {
            options = options.description(description);
        }
        let options = self.tags.into_iter().fold(options, SaveOptions::tag);
        let pairs = self.custom.into_iter();
        pairs.fold(options, |options, (key, value)| options.custom(key, value))
    }

    fn len(&self) -> usize {
        usize::from(self.description.is_some()) + self.tags.len() + self.custom.len()
    }
}

/// Which names are wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Only these; all when there are none.
    pub(crate) include: Patterns,
    /// But not these.
    pub(crate) exclude: Patterns,
}

impl Wanted {
    fn takes(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.matches(name)) && !self.exclude.matches(name)
    }
}

/// Everything that will be one archive.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    variables: Vec<Variable>,
    /// The file that each name is from.
    sources: HashMap<String, PathBuf>,
    /// Columns that --strings named and that were found.
    pub(crate) strings_found: Vec<String>,
    /// Lines for the user.
    pub(crate) notes: Vec<String>,
    /// What the last file said about itself.
    about: About,
}

impl Gathered {
    /// The variables, in order.
    pub(crate) fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Reads a file of any kind.
    ///
    /// # Errors
    /// What reading answers; a refusal for a name that is there already.
    pub(crate) fn read(
        &mut self,
        arrival: &Arrival,
        options: &ImportOptions,
        wanted: &Wanted,
    ) -> Result<()> {
        let extension = arrival.path.extension().unwrap_or_default();
        if extension.eq_ignore_ascii_case("ach") {
            let archive = crate::opened::open(&arrival.path, Reading::default())?;
            return self.copy(&archive, &arrival.path, arrival.below.as_deref(), wanted);
        }
        let mut options = options.clone();
        options.name.clone_from(&arrival.name);
        let imports = import(&arrival.path, &options)?;
        let pairs = imports.metadata.iter();
        self.about = About {
            custom: pairs
                .map(|(key, value)| {
                    (
                        key.to_owned(),
                        value.as_str().unwrap_or_default().to_owned(),
                    )
                })
                .collect(),
            ..About::default()
        };
        self.import(imports, arrival, wanted)
    }

    fn import(&mut self, imports: Imports, arrival: &Arrival, wanted: &Wanted) -> Result<()> {
        self.notes.extend(imports.notes);
        self.strings_found.extend(imports.strings_found);
        let below = match imports.naming {
            Naming::Stem => None,
            Naming::Members => arrival.below.as_deref(),
        };
        for value in imports.values {
            let name = placed(value.name, below);
            if !wanted.takes(&name) {
                continue;
            }
            if let Some(text) = value.note {
                let file = arrival.path.file_name().unwrap_or_default();
                let file = shown(Path::new(file));
                self.notes
                    .push(format!("{file}: {}: {text}", escape::label(&name)));
            }
            let variable = Variable {
                name,
                value: value.value,
                attributes: value.attributes,
                constant: false,
                mutable: false,
                cold: false,
            };
            self.add(variable, &arrival.path)?;
        }
        Ok(())
    }

    /// Copies the wanted variables of an archive, with their attributes and marks.
    ///
    /// # Errors
    /// As [`Gathered::read`].
    pub(crate) fn copy(
        &mut self,
        archive: &Archive,
        path: &Path,
        below: Option<&str>,
        wanted: &Wanted,
    ) -> Result<()> {
        self.about = About::of(archive)?;
        let named = |binding: &Binding<'_>| placed(binding.name().to_owned(), below);
        let mut bindings = archive.bindings_as_saved();
        bindings.retain(|binding| wanted.takes(&named(binding)));
        // Together, so that what was one cell under two names stays one.
        let values = archive.load_with_attributes(&bindings)?;
        for (binding, (value, attributes)) in bindings.iter().zip(values) {
            let variable = Variable {
                name: named(binding),
                value,
                attributes,
                constant: binding.is_constant(),
                mutable: binding.is_mutable(),
                cold: binding.sizes()?.cold,
            };
            self.add(variable, path)?;
        }
        Ok(())
    }

    fn add(&mut self, variable: Variable, source: &Path) -> Result<()> {
        let before = self
            .sources
            .insert(variable.name.clone(), source.to_path_buf());
        if let Some(before) = before {
            let name = escape::name(&variable.name);
            let (before, source) = (shown(&before), shown(source));
            return Err(Failure::refused(format!(
                "the name {name} is given twice, by {before} and by {source}; give one of them \
                 another: NAME={source}"
            )));
        }
        self.variables.push(variable);
        Ok(())
    }

    /// What the only file says about itself; of several, it is only noted that it is left out.
    pub(crate) fn about(&mut self, files: usize) -> About {
        let about = std::mem::take(&mut self.about);
        if files == 1 { about } else { About::default() }
    }

    /// Notes that the file just read says something about itself that one of several cannot keep.
    pub(crate) fn note_about(&mut self, path: &Path) {
        if self.about.len() > 0 {
            let file = shown(Path::new(path.file_name().unwrap_or_default()));
            self.notes.push(format!(
                "{file}: what it says about itself is left out; pack it alone to keep its metadata, \
                 or use --meta"
            ));
        }
    }

    /// `options`, told to compress what was compressed before.
    pub(crate) fn keep_cold(&self, options: SaveOptions) -> SaveOptions {
        let cold = self.variables.iter().filter(|variable| variable.cold);
        cold.fold(options, |options, variable| {
            options.cold(escape_pattern(&variable.name))
        })
    }

    /// Hands everything to a writer.
    ///
    /// # Errors
    /// What the writer refuses; attributes of variables that are not there.
    pub(crate) fn write(
        self,
        writer: &mut ArchiveWriter<'_>,
        mut given: Attributes<'_>,
    ) -> Result<()> {
        for variable in self.variables {
            let mut attributes = variable.attributes;
            given.take(&variable.name, &mut attributes);
            let options = BindingOptions::new()
                .attributes(attributes)
                .constant(variable.constant)
                .mutable(variable.mutable);
            writer.add_with(&variable.name, variable.value, &options)?;
        }
        given.finish()
    }
}

fn placed(name: String, below: Option<&str>) -> String {
    match below {
        Some(below) => format!("{below}/{name}"),
        None => name,
    }
}
