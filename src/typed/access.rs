//! Typed values of archives, sessions and environments, by name.

use super::registry::TypeRegistry;
use super::schema::ProgramType;
use super::view::TypedView;
use crate::environment::Environment;
use crate::error::{EnvError, Result};
use crate::read::Archive;
use crate::session::Session;

impl Archive {
    /// The variable of that name as the program's own type: its bytes where they are in the map or
    /// in memory, or read into an aligned buffer that the archive keeps. They are checked the first
    /// time, against their sums, by rkyv and by the schema; a value of an earlier version is
    /// upgraded. Both are done once for an archive: [`TypeRegistry::view`].
    ///
    /// # Errors
    /// As [`Archive::get`] and [`TypeRegistry::view`], with the name of the variable.
    pub fn typed<T: ProgramType>(
        &self,
        name: &str,
        registry: &TypeRegistry,
    ) -> Result<TypedView<T>> {
        let view = registry.view(&self.get(name)?);
        view.map_err(|e| e.of_variable(name))
    }
}

impl Session {
    /// The variable of that name as the program's own type, as it is now: pending or committed.
    ///
    /// # Errors
    /// As [`Session::get`] and [`TypeRegistry::view`], with the name of the variable.
    pub fn typed<T: ProgramType>(
        &self,
        name: &str,
        registry: &TypeRegistry,
    ) -> Result<TypedView<T>> {
        let view = registry.view(&self.get(name)?);
        view.map_err(|e| e.of_variable(name))
    }
}

impl Environment {
    /// The variable of that name as the program's own type.
    ///
    /// # Errors
    /// [`EnvError::NotFound`]; as [`TypeRegistry::view`], with the name of the variable.
    pub fn typed<T: ProgramType>(
        &self,
        name: &str,
        registry: &TypeRegistry,
    ) -> Result<TypedView<T>> {
        let value = self.get(name).ok_or_else(|| EnvError::NotFound {
            path: crate::error::Origin::Memory,
            name: name.to_owned(),
            nearest: crate::name::nearest(name, self.names()),
        })?;
        registry.view(value).map_err(|e| e.of_variable(name))
    }
}
