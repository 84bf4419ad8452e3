//! Looking into an extension without making it: its type, its parameters, and what stands for it.

use super::view::View;
use crate::error::Result;
use crate::tree::schema::{Archived, ArchivedTree};

impl<'a> View<'a> {
    /// The type of an extension.
    ///
    /// # Errors
    /// [`crate::EnvError::WrongKind`] when it is none; what reading answers.
    pub fn type_name(&self) -> Result<&'a str> {
        self.of_extension(|[type_name, ..]| type_name)?.as_str()
    }

    /// The parameters of an extension's type.
    ///
    /// # Errors
    /// As [`View::type_name`].
    pub fn parameters(&self) -> Result<View<'a>> {
        self.of_extension(|[_, parameters, _]| parameters)
    }

    /// What stands for an extension.
    ///
    /// ```
    /// use achronyme_env::{Archive, Extension, SaveOptions, Tensor, Value, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let days = Tensor::from_vec(vec![20_000i64; 3], [3])?;
    /// let dates = Extension {
    ///     type_name: "numpy.datetime64".into(),
    ///     parameters: "D".into(),
    ///     storage: days.into(),
    /// };
    /// save(&path, [("dates", Value::from(dates))], &SaveOptions::new())?;
    /// let archive = Archive::open(&path)?;
    /// let dates = archive.view("dates")?;
    /// assert_eq!(dates.type_name()?, "numpy.datetime64");
    /// assert_eq!(dates.storage()?.shape()?, [3]); // no element was read
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`View::type_name`].
    pub fn storage(&self) -> Result<View<'a>> {
        self.of_extension(|[.., storage]| storage)
    }

    fn of_extension(
        &self,
        part: impl FnOnce([&'a Archived; 3]) -> &'a Archived,
    ) -> Result<View<'a>> {
        let Some((ArchivedTree::Extension(extension), own)) = self.tree() else {
            return Err(self.wrong_kind("extension"));
        };
        let parts = [
            &extension.type_name,
            &extension.parameters,
            &extension.storage,
        ];
        self.resolved(part(parts), own)
    }
}
