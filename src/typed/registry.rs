//! The types of a program: which name and version means which of them.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use super::fault::TypeFault;
use super::schema::{ProgramType, Schema};
use super::upgrade::Upgrade;
use super::view::{Checked, TypedView};
use crate::error::{EnvError, Result};
use crate::name::nearest;
use crate::value::{Typed, Value};

/// The types of a program, by name and version, and how old versions become new ones.
///
/// Made once, then shared: [`Archive::typed`](crate::Archive::typed),
/// [`Session::typed`](crate::Session::typed) and [`Environment::typed`](crate::Environment::typed)
/// take it, and [`TypeRegistry::view`] any value.
///
/// ```
/// use achronyme_env::{layout, save, Archive, SaveOptions, Schema, TypeRegistry};
/// use achronyme_env::rkyv::{Archive as Rkyv, Serialize};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("run.ach");
///
/// #[derive(Rkyv, Serialize)]
/// #[rkyv(crate = achronyme_env::rkyv)]
/// struct State {
///     step: u64,
///     positions: Vec<[f64; 3]>,
/// }
///
/// let mut registry = TypeRegistry::new();
/// let layout = layout!(State { step: u64, positions: Vec<[f64; 3]> });
/// registry.register(Schema::new("simulation.State", 1, layout))?;
///
/// let state = State { step: 7, positions: vec![[0.0, 0.5, 1.0]] };
/// save(&path, [("state", registry.value(&state)?)], &SaveOptions::new())?;
///
/// let archive = Archive::open(&path)?;
/// let state = archive.typed::<State>("state", &registry)?;
/// assert_eq!(state.step, 7);
/// assert_eq!(state.positions[0][2], 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct TypeRegistry {
    families: BTreeMap<Arc<str>, Family>,
    /// Names that types had, and the names they have.
    aliases: HashMap<Arc<str>, Arc<str>>,
    /// Name and version of each Rust type.
    by_type: HashMap<TypeId, (Arc<str>, u32)>,
}

/// The versions of one type.
#[derive(Default)]
struct Family {
    schemas: BTreeMap<u32, Arc<dyn Any + Send + Sync>>,
    /// By the version they lead from.
    upgrades: BTreeMap<u32, Upgrade>,
}

impl TypeRegistry {
    /// A registry without types.
    pub fn new() -> TypeRegistry {
        TypeRegistry::default()
    }

    /// Registers one version of a type. Old versions are registered as their own Rust types.
    ///
    /// # Errors
    /// [`EnvError::DuplicateName`] when name and version, an alias, or the Rust type is registered
    /// already; [`EnvError::InvalidValue`] when the archived type needs an alignment above 64 bytes.
    pub fn register<T: ProgramType>(&mut self, schema: Schema<T>) -> Result<&mut TypeRegistry> {
        let name = Arc::clone(&schema.name);
        let version = schema.version;
        let twice = |name: String| EnvError::DuplicateName { name };
        if align_of::<T::Archived>() as u64 > crate::limits::EXTENT_ALIGNMENT {
            return Err(refused(
                &name,
                format!(
                    "its archived form needs an alignment of {} bytes; archives give 64",
                    align_of::<T::Archived>()
                ),
            ));
        }
        if let Some((name, version)) = self.by_type.get(&TypeId::of::<T>()) {
            return Err(twice(format!(
                "{} ({name}, version {version})",
                std::any::type_name::<T>()
            )));
        }
        let known = self.families.get(&name);
        if known.is_some_and(|family| family.schemas.contains_key(&version)) {
            return Err(twice(format!("{name}, version {version}")));
        }
        if self.aliases.contains_key(&name) {
            return Err(twice(name.to_string()));
        }
        for alias in &schema.aliases {
            let other = self.aliases.get(alias).is_some_and(|of| *of != name);
            if other || self.families.contains_key(alias) || *alias == name {
                return Err(twice(alias.to_string()));
            }
        }
        for alias in &schema.aliases {
            self.aliases.insert(Arc::clone(alias), Arc::clone(&name));
        }
        let type_id = TypeId::of::<T>();
        self.by_type.insert(type_id, (Arc::clone(&name), version));
        let family = self.families.entry(name).or_default();
        family.schemas.insert(version, Arc::new(schema));
        Ok(self)
    }

    /// Says how a value of the version `Old` becomes one of the later version `New`, both
    /// registered. Upgrades are followed one after the other; there is one from each version.
    ///
    /// # Errors
    /// [`EnvError::Typed`] when one is not registered; [`EnvError::InvalidValue`] when they are not
    /// two versions of one type, the later one last, or there is an upgrade from `Old` already.
    pub fn upgrade<Old: ProgramType, New: ProgramType>(
        &mut self,
        upgrade: impl Fn(&Old::Archived) -> Result<New, String> + Send + Sync + 'static,
    ) -> Result<&mut TypeRegistry> {
        let (old, new) = (self.schema::<Old>()?, self.schema::<New>()?);
        if old.name != new.name {
            let reason = format!("{} is another type", crate::name::quoted(&new.name));
            return Err(refused(&old.name, reason));
        }
        let (name, from) = (Arc::clone(&old.name), old.version);
        self.add_upgrade(name, from, Upgrade::between(old, new, upgrade))
    }

    /// As [`TypeRegistry::upgrade`], from a version `from` whose Rust type is gone: the function is
    /// given the bytes as they are stored, of which nothing but their sum was checked.
    ///
    /// # Errors
    /// As [`TypeRegistry::upgrade`].
    pub fn upgrade_bytes<New: ProgramType>(
        &mut self,
        from: u32,
        upgrade: impl Fn(&[u8]) -> Result<New, String> + Send + Sync + 'static,
    ) -> Result<&mut TypeRegistry> {
        let new = self.schema::<New>()?;
        let name = Arc::clone(&new.name);
        self.add_upgrade(name, from, Upgrade::of_bytes(new, upgrade))
    }

    /// Says what plain value takes the place of a value of the version `Old`, the last of a type
    /// that is given up. [`TypeRegistry::current`] makes it.
    ///
    /// # Errors
    /// As [`TypeRegistry::upgrade`].
    pub fn retire<Old: ProgramType>(
        &mut self,
        retire: impl Fn(&Old::Archived) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Result<&mut TypeRegistry> {
        let old = self.schema::<Old>()?;
        let (name, from) = (Arc::clone(&old.name), old.version);
        self.add_upgrade(name, from, Upgrade::to_value(old, retire))
    }

    fn add_upgrade(
        &mut self,
        name: Arc<str>,
        from: u32,
        upgrade: Upgrade,
    ) -> Result<&mut TypeRegistry> {
        if let Some(to) = upgrade.to
            && to <= from
        {
            let reason = format!("version {to} is not later than version {from}");
            return Err(refused(&name, reason));
        }
        let family = self.families.entry(Arc::clone(&name)).or_default();
        if family.upgrades.contains_key(&from) {
            let reason = format!("there is an upgrade from version {from} already");
            return Err(refused(&name, reason));
        }
        family.upgrades.insert(from, upgrade);
        Ok(self)
    }

    /// The registered types in the order of their names, each with its versions.
    pub fn types(&self) -> impl Iterator<Item = (&str, Vec<u32>)> {
        let families = self.families.iter();
        families.map(|(name, family)| (&**name, family.schemas.keys().copied().collect()))
    }

    /// `value` as a value of an archive or an environment, under the name and version of its type.
    /// It is archived and checked as it will be when it is seen.
    ///
    /// # Errors
    /// [`EnvError::Typed`] when the type is not registered, rkyv cannot archive the value, or the
    /// schema's own check refuses it.
    pub fn value<T: ProgramType>(&self, value: &T) -> Result<Value> {
        let (typed, _) = self.schema::<T>()?.archive(value)?;
        Ok(typed.into())
    }

    /// Sees a typed value as what it is. Its bytes are checked the first time, and upgraded when
    /// they are of an earlier version; what was found is kept with them, as long as the archive or
    /// the value in memory lives. (Of two threads that come first at once, both may check.)
    ///
    /// # Errors
    /// [`EnvError::WrongKind`] when the value is not typed; [`EnvError::Typed`] with the
    /// [`TypeFault`](crate::TypeFault) that stands against it; what reading the bytes answers.
    pub fn view<T: ProgramType>(&self, value: &Value) -> Result<TypedView<T>> {
        let typed = typed(value)?;
        let schema = self.schema::<T>()?;
        let (name, family) = self.family(typed)?;
        if *name != schema.name {
            let asked = schema.name.to_string();
            return Err(fault(typed, TypeFault::OtherType { asked }));
        }
        if typed.version > schema.version {
            let (found, known) = (typed.version, schema.version);
            return Err(fault(typed, TypeFault::NewerSchema { found, known }));
        }
        if typed.version == schema.version {
            return Ok(TypedView::new(schema.open(typed)?, None));
        }
        let steps = family.steps(typed, schema.version)?;
        let mut key = vec![schema.id, typed.fingerprint];
        key.extend(steps.iter().map(|step| step.id));
        let (storage, start, len) = typed.bytes.storage();
        let whole = start == 0 && len == storage.byte_len() && len > 0;
        let held = if whole { storage.held()? } else { None };
        let found = held.as_ref().and_then(|held| held.found.get(&key));
        let checked: Arc<Checked<T>> = match found {
            Some(checked) => checked,
            None => {
                let mut newer = typed.clone();
                for step in steps {
                    match step.run(&newer)? {
                        Value::Typed(next) => newer = (*next).clone(),
                        other => return Err(not_typed(&other)),
                    }
                }
                let checked = schema.open(&newer)?;
                if let Some(held) = held {
                    held.found.keep(&key, &checked);
                }
                checked
            }
        };
        Ok(TypedView::new(checked, Some(typed.version)))
    }

    /// The value as the newest version of its type, or as the plain value that took its place: what
    /// to save in its stead. Typed values that stand inside of others are not looked for.
    ///
    /// # Errors
    /// As [`TypeRegistry::view`].
    pub fn current(&self, value: &Value) -> Result<Value> {
        let first = typed(value)?;
        let (_, family) = self.family(first)?;
        let newest = family.schemas.keys().next_back().copied();
        let newest = newest.unwrap_or_default();
        if first.version > newest {
            let (found, known) = (first.version, newest);
            return Err(fault(first, TypeFault::NewerSchema { found, known }));
        }
        let mut current = value.clone();
        while let Value::Typed(typed) = &current {
            let Some(step) = family.upgrades.get(&typed.version) else {
                return match typed.version == newest {
                    true => Ok(current),
                    false => Err(fault(typed, no_upgrade(typed, newest))),
                };
            };
            let next = step.run(typed)?;
            if step.to.is_none() {
                return Ok(next);
            }
            current = next;
        }
        Ok(current)
    }

    /// The schema of a Rust type.
    fn schema<T: ProgramType>(&self) -> Result<Arc<Schema<T>>> {
        let schema = self.by_type.get(&TypeId::of::<T>());
        let schema = schema
            .and_then(|(name, version)| self.families.get(name)?.schemas.get(version))
            .and_then(|schema| Arc::clone(schema).downcast().ok());
        schema.ok_or_else(|| EnvError::Typed {
            type_name: std::any::type_name::<T>().to_owned(),
            fault: TypeFault::NotRegistered,
        })
    }

    /// The type that a value is of.
    fn family(&self, typed: &Typed) -> Result<(&Arc<str>, &Family)> {
        let name = self.aliases.get(&typed.type_name);
        let name = name.unwrap_or(&typed.type_name);
        self.families.get_key_value(name).ok_or_else(|| {
            let known = self.families.keys().chain(self.aliases.keys());
            let nearest = nearest(name, known.map(|name| &**name));
            fault(typed, TypeFault::Unknown { nearest })
        })
    }
}

impl Family {
    /// The upgrades that lead from a value's version to `wanted`.
    fn steps(&self, typed: &Typed, wanted: u32) -> Result<Vec<&Upgrade>> {
        let mut steps = Vec::new();
        let mut at = typed.version;
        // Each leads to a later version: see `add_upgrade`.
        while at < wanted {
            let step = self.upgrades.get(&at);
            let step = step.and_then(|step| Some((step, step.to?)));
            let (step, to) = step.ok_or_else(|| fault(typed, no_upgrade(typed, wanted)))?;
            steps.push(step);
            at = to;
        }
        match at == wanted {
            true => Ok(steps),
            false => Err(fault(typed, no_upgrade(typed, wanted))),
        }
    }
}

fn typed(value: &Value) -> Result<&Typed> {
    match value {
        Value::Typed(typed) => Ok(typed),
        other => Err(not_typed(other)),
    }
}

fn not_typed(value: &Value) -> EnvError {
    EnvError::WrongKind {
        asked: "typed",
        found: value.kind().name(),
    }
}

fn no_upgrade(typed: &Typed, wanted: u32) -> TypeFault {
    TypeFault::NoUpgrade {
        found: typed.version,
        wanted,
    }
}

fn fault(typed: &Typed, fault: TypeFault) -> EnvError {
    EnvError::Typed {
        type_name: typed.type_name.to_string(),
        fault,
    }
}

fn refused(name: &str, reason: String) -> EnvError {
    EnvError::InvalidValue {
        what: format!("the type {}", crate::name::quoted(name)),
        reason,
    }
}

impl fmt::Debug for TypeRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.types()).finish()
    }
}
