//! What a save may be told.

use std::fmt;
use std::sync::Arc;

use crate::error::{EnvError, Result};
use crate::pattern::Patterns;

/// Told how many bytes of array data are written, and of how many.
pub(super) type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// How an archive is written.
///
/// ```
/// use achronyme_env::SaveOptions;
///
/// let options = SaveOptions::new().description("third run").tag("lr").overwrite(true);
/// ```
#[derive(Clone)]
pub struct SaveOptions {
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) custom: Vec<(String, String)>,
    pub(super) overwrite: bool,
    pub(super) cold: Vec<String>,
    pub(super) level: i32,
    pub(super) seal: bool,
    pub(super) durable: bool,
    pub(super) created: Option<u64>,
    pub(super) progress: Option<Progress>,
}

impl Default for SaveOptions {
    fn default() -> Self {
        SaveOptions {
            description: None,
            tags: Vec::new(),
            custom: Vec::new(),
            overwrite: false,
            cold: Vec::new(),
            level: 3,
            seal: false,
            durable: true,
            created: None,
            progress: None,
        }
    }
}

impl SaveOptions {
    /// The defaults: nothing overwritten, everything hot, durable, not sealed.
    pub fn new() -> SaveOptions {
        SaveOptions::default()
    }

    /// A description.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Adds a tag.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds a pair of custom metadata; the last one of a key counts.
    pub fn custom(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let key = key.into();
        self.custom.retain(|(known, _)| *known != key);
        self.custom.push((key, value.into()));
        self
    }

    /// Whether an existing file is replaced; otherwise it is an error (the default).
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// Adds a pattern: the array data of bindings whose names match is compressed.
    pub fn cold(mut self, pattern: impl Into<String>) -> Self {
        self.cold.push(pattern.into());
        self
    }

    /// Level of zstd, 1 (fast) to 22 (small); 3 by default.
    pub fn level(mut self, level: i32) -> Self {
        self.level = level;
        self
    }

    /// Whether extents get SHA-256 digests instead of 128-bit XXH3: names content beyond
    /// accident, at 0.4 of the speed.
    pub fn seal(mut self, seal: bool) -> Self {
        self.seal = seal;
        self
    }

    /// Whether the save returns only when file and directory are on the disk (the default). A save
    /// that is not durable is still atomic for every process, but not for a power cut.
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// The creation time in seconds since 1970-01-01 00:00 UTC; now by default. With a given time
    /// a save depends on nothing but values and options.
    pub fn created_at(mut self, seconds: u64) -> Self {
        self.created = Some(seconds);
        self
    }

    /// Calls `progress` with the bytes of array data written and their total, from whichever
    /// thread wrote them.
    pub fn on_progress(mut self, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// The cold patterns, and everything that can be refused before a byte is written.
    pub(super) fn check(&self) -> Result<Patterns> {
        if !(1..=22).contains(&self.level) {
            return Err(EnvError::InvalidValue {
                what: format!("the compression level {}", self.level),
                reason: "levels are 1 to 22".to_owned(),
            });
        }
        if !cfg!(feature = "zstd") && !self.cold.is_empty() {
            return Err(EnvError::InvalidValue {
                what: "cold patterns".to_owned(),
                reason: "this build was made without the feature `zstd`".to_owned(),
            });
        }
        Patterns::new(&self.cold)
    }
}

impl fmt::Debug for SaveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveOptions")
            .field("description", &self.description)
            .field("tags", &self.tags)
            .field("custom", &self.custom)
            .field("overwrite", &self.overwrite)
            .field("cold", &self.cold)
            .field("level", &self.level)
            .field("seal", &self.seal)
            .field("durable", &self.durable)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
