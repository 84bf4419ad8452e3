//! What a restore may be told.

use std::sync::Arc;

use super::functions::FunctionRegistry;
use crate::error::{EnvError, Result};
use crate::limits::Limits;
use crate::name::check_name;
use crate::read::{Check, OpenOptions};
use crate::selection::Selection;

/// What becomes of the variables an environment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RestoreMode {
    /// They stay; names of both are kept, or replaced when `overwrite` says so.
    #[default]
    Merge,
    /// They go, but for the constants.
    Replace,
    /// They stay; what is restored becomes one record.
    Namespace,
}

/// How an archive is restored into an environment.
///
/// ```
/// use achronyme_env::RestoreOptions;
///
/// let options = RestoreOptions::new().include_only(["model.*"]).overwrite(true);
/// let beside = RestoreOptions::new().namespace("yesterday");
/// ```
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    pub(super) mode: RestoreMode,
    pub(super) overwrite: bool,
    pub(super) namespace: Option<String>,
    pub(super) include_only: Option<Vec<String>>,
    pub(super) exclude: Vec<String>,
    pub(super) verify_checksum: Check,
    pub(super) strict_version: bool,
    pub(super) strict: bool,
    pub(super) limits: Limits,
    pub(super) functions: Option<Arc<FunctionRegistry>>,
}

impl RestoreOptions {
    /// The defaults: merged, nothing overwritten, everything restored, data checked when it is
    /// first touched.
    pub fn new() -> RestoreOptions {
        RestoreOptions::default()
    }

    /// What becomes of the variables the environment has.
    pub fn mode(mut self, mode: RestoreMode) -> Self {
        self.mode = mode;
        self
    }

    /// Whether variables of the environment are replaced by restored ones of the same name;
    /// otherwise they are kept, and that is reported. Constants are always kept.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Restores into one record of that name: [`RestoreMode::Namespace`].
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.mode = RestoreMode::Namespace;
        self.namespace = Some(name.into());
        self
    }

    /// Restores only bindings whose names are or match one of `patterns` (`*` also crosses `.` and
    /// `/`). An exact name beats a pattern; what matches nothing is reported.
    pub fn include_only<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        let patterns = patterns.into_iter().map(Into::into);
        self.include_only.get_or_insert_default().extend(patterns);
        self
    }

    /// Leaves out bindings whose names are or match `pattern`, unless
    /// [`RestoreOptions::include_only`] names them exactly.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// When data is checked against its sums. By default structure at open and data when it is
    /// first touched; `true` is everything before anything is restored ([`Check::AtOpen`]),
    /// `false` is never.
    pub fn verify_checksum(mut self, check: impl Into<Check>) -> Self {
        self.verify_checksum = check.into();
        self
    }

    /// Whether only a file of this very format version, written by this very version of the
    /// library, is restored; otherwise a differing writer is a warning in the report.
    pub fn strict_version(mut self, strict: bool) -> Self {
        self.strict_version = strict;
        self
    }

    /// Whether anything lost, or a function that stays unresolved, is an error.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Caps on memory.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Gives the functions that are restored back to the host. Without it, the registry of the
    /// environment that is restored into counts ([`crate::Environment::set_functions`]).
    pub fn functions(mut self, registry: Arc<FunctionRegistry>) -> Self {
        self.functions = Some(registry);
        self
    }

    /// How the file is opened.
    pub(super) fn open_options(&self) -> OpenOptions {
        OpenOptions::new()
            .journal(true)
            .check(self.verify_checksum)
            .limits(self.limits)
    }

    /// The selection, and everything that can be refused before a byte is read.
    pub(super) fn check(&self) -> Result<Selection> {
        if (self.mode == RestoreMode::Namespace) != self.namespace.is_some() {
            let what = match self.mode {
                RestoreMode::Namespace => "the mode `namespace` without a `namespace`".to_owned(),
                _ => "a `namespace` with another mode".to_owned(),
            };
            let reason = "give both, or neither".to_owned();
            return Err(EnvError::InvalidValue { what, reason });
        }
        if let Some(name) = &self.namespace {
            check_name(name)?;
        }
        Selection::new(self.include_only.as_deref(), &self.exclude)
    }
}
