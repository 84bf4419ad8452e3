//! Snapshots in memory: the state of an environment at a moment, to go back to, to save, or to
//! share.

use std::borrow::Borrow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use indexmap::IndexMap;

use super::save::{add_variables, session_options};
use super::variables::{Environment, Variable};
use crate::error::{EnvError, Result};
use crate::name::nearest;
use crate::stack::with_room;
use crate::value::SharedHandle;
use crate::value::Value;
use crate::value::copy::Copier;
use crate::value::walk::{Contents, Walk};
use crate::write::{ArchiveWriter, SaveOptions, SaveReport};

/// The state of an environment at a moment: its variables, and what was in their cells and
/// captured scopes.
///
/// Taking one costs time in proportion to the number of variables and of cells, whatever the size
/// of the values: vectors, records and tensors are shared, and copied by whoever writes to them
/// first. (Vectors and records that hold cells are looked through for them; those that were written
/// to in place, once.) Cheap to clone.
///
/// ```
/// use achronyme_env::{Cell, Environment, Value};
///
/// let mut env = Environment::new();
/// let counter = Cell::new(1i64);
/// env.set("counter", counter.clone())?;
/// let before = env.snapshot()?;
///
/// counter.set(2i64);
/// env.set("extra", true)?;
/// env.restore(&before);
/// assert_eq!(counter.get().as_i64(), Some(1));
/// assert!(env.get("extra").is_none());
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone)]
pub struct Snapshot(Arc<Frozen>);

struct Frozen {
    variables: IndexMap<Arc<str>, Variable>,
    /// Every cell and scope that can be reached, so that none of their addresses is used again.
    shared: Vec<SharedHandle>,
    /// What was in them.
    contents: Arc<Contents>,
    taken_at: SystemTime,
}

impl Environment {
    /// The state as it is now.
    ///
    /// # Errors
    /// [`EnvError::NestingTooDeep`] for a value that holds cells deeper than 128 levels down.
    pub fn snapshot(&self) -> Result<Snapshot> {
        with_room(|| self.frozen()).map(|frozen| Snapshot(Arc::new(frozen)))
    }

    fn frozen(&self) -> Result<Frozen> {
        let mut walk = Walk::of_shared();
        let mut shared = Vec::new();
        let mut contents = Contents::new();
        for (name, variable) in &self.variables {
            let value = Some(&variable.value).filter(|value| value.may_share());
            let attributes = Value::Record(variable.attributes.clone());
            let attributes = Some(&attributes).filter(|value| value.may_share());
            let mut note = |part: &SharedHandle, content: &Value| {
                contents.insert(part.address(), content.clone());
                shared.push(part.clone());
            };
            for part in [value, attributes].into_iter().flatten() {
                walk.value(part, "", &mut |_, _| Ok(()))
                    .and_then(|()| walk.shared(&mut note, &mut |_, _| Ok(())))
                    .map_err(|e| e.of_variable(name))?;
            }
        }
        Ok(Frozen {
            variables: self.variables.clone(),
            shared,
            contents: Arc::new(contents),
            taken_at: SystemTime::now(),
        })
    }

    /// Goes back to a snapshot, as often as wanted: variables, constants too, are those of then,
    /// and its cells and scopes hold what they held then, also for those who still hold them from
    /// elsewhere.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        let frozen = &snapshot.0;
        self.replace_all(frozen.variables.clone());
        for part in &frozen.shared {
            if let Some(content) = frozen.contents.get(&part.address()) {
                part.set_content(content.clone());
            }
        }
    }

    /// Takes a snapshot and keeps it under a name, in the place of an older one of that name.
    ///
    /// # Errors
    /// As [`Environment::snapshot`].
    pub fn keep_snapshot(&mut self, name: &str) -> Result<()> {
        let snapshot = self.snapshot()?;
        self.snapshots.insert(name.into(), snapshot);
        Ok(())
    }

    /// The snapshots kept, in the order in which their names were first used.
    pub fn snapshots(&self) -> impl ExactSizeIterator<Item = (&str, &Snapshot)> {
        self.snapshots
            .iter()
            .map(|(name, snapshot)| (&**name, snapshot))
    }

    /// The snapshot kept under a name.
    ///
    /// # Errors
    /// [`EnvError::NoSnapshot`].
    pub fn kept_snapshot(&self, name: &str) -> Result<&Snapshot> {
        self.snapshots
            .get(name)
            .ok_or_else(|| EnvError::NoSnapshot {
                name: name.to_owned(),
                nearest: nearest(name, self.snapshots.keys().map(|name| &**name)),
            })
    }

    /// Goes back to the snapshot kept under a name; it stays.
    ///
    /// # Errors
    /// [`EnvError::NoSnapshot`].
    pub fn restore_snapshot(&mut self, name: &str) -> Result<()> {
        let snapshot = self.kept_snapshot(name)?.clone();
        self.restore(&snapshot);
        Ok(())
    }

    /// Drops the snapshot kept under a name, and the memory that only it held. Returns it.
    ///
    /// # Errors
    /// [`EnvError::NoSnapshot`].
    pub fn drop_snapshot(&mut self, name: &str) -> Result<Snapshot> {
        self.kept_snapshot(name)?;
        let dropped = self.snapshots.shift_remove(name);
        dropped.ok_or_else(|| EnvError::NoSnapshot {
            name: name.to_owned(),
            nearest: None,
        })
    }
}

impl Snapshot {
    /// Number of variables.
    pub fn len(&self) -> usize {
        self.0.variables.len()
    }

    /// Whether there are no variables.
    pub fn is_empty(&self) -> bool {
        self.0.variables.is_empty()
    }

    /// The names, in the order they were defined.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.variables.keys().map(|name| &**name)
    }

    /// When it was taken.
    pub fn taken_at(&self) -> SystemTime {
        self.0.taken_at
    }

    /// The state as an environment of its own: with cells and scopes of its own, which hold what
    /// they held then, shared among each other as they were. Functions that captured a scope are
    /// not resolved in it.
    pub fn environment(&self) -> Environment {
        Environment {
            variables: with_room(|| self.copies()),
            ..Environment::default()
        }
    }

    fn copies(&self) -> IndexMap<Arc<str>, Variable> {
        let mut copier = Copier::new(&self.0.contents);
        let variables = self.0.variables.iter().map(|(name, variable)| {
            let copied = Variable {
                value: copier.value(&variable.value),
                attributes: copier.record(&variable.attributes),
                ..variable.clone()
            };
            (Arc::clone(name), copied)
        });
        let variables = variables.collect();
        copier.fill();
        variables
    }

    /// Saves the state to a file, as [`crate::save_environment`] does.
    ///
    /// # Errors
    /// As [`crate::save_environment`].
    pub fn save(
        &self,
        path: impl AsRef<Path>,
        options: impl Borrow<SaveOptions>,
    ) -> Result<SaveReport> {
        let options = session_options(options.borrow());
        let mut writer = ArchiveWriter::create(path, &options)?;
        self.add_to(&mut writer)?;
        writer.finish()
    }

    /// Adds everything to an archive.
    pub(super) fn add_to<'s>(&'s self, writer: &mut ArchiveWriter<'s>) -> Result<()> {
        writer.freeze(Arc::clone(&self.0.contents));
        let variables = self.0.variables.iter();
        add_variables(
            writer,
            variables.map(|(name, variable)| (&**name, variable)),
        )
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Snapshot({} variables, {} cells)",
            self.len(),
            self.0.shared.len()
        )
    }
}
