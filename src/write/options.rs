//! What a save may be told.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use indexmap::IndexMap;

use super::lineage::Lineage;
use crate::error::{EnvError, Result};
use crate::pattern::Patterns;
use crate::pool::BufferPool;
use crate::selection::Selection;
use crate::value::Record;

/// Told how many bytes of array data are written, and of how many.
pub(super) type Progress = Arc<dyn Fn(u64, u64) + Send + Sync>;

/// Share of its bytes that compressing an array must save before [`SaveOptions::auto_cold`] does
/// it, unless another is given.
pub const DEFAULT_COLD_SHARE: f64 = 0.25;

/// Bytes from which a binding is reported as large, unless another number is given.
pub const DEFAULT_LARGE_BYTES: u64 = 100_000_000;

/// How an archive is written.
///
/// ```
/// use achronyme_env::SaveOptions;
///
/// let options = SaveOptions::new()
///     .description("third run")
///     .tag("lr")
///     .exclude("tmp_*")
///     .allow_overwrite(true);
/// ```
#[derive(Clone)]
pub struct SaveOptions {
    pub(super) description: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) custom: Vec<(String, String)>,
    pub(super) attributes: IndexMap<String, Record>,
    pub(super) allow_overwrite: bool,
    pub(super) include_only: Option<Vec<String>>,
    pub(super) exclude: Vec<String>,
    pub(super) include_constants: bool,
    pub(super) include_functions: bool,
    pub(crate) include_builtins: Option<bool>,
    pub(super) compress: bool,
    pub(super) cold: Vec<String>,
    pub(super) auto_cold: Option<f64>,
    pub(super) compression_level: i32,
    pub(super) max_file_size: Option<u64>,
    pub(super) warn_large_values: Option<u64>,
    pub(super) strict: bool,
    pub(super) seal: bool,
    pub(super) streaming: bool,
    pub(super) durable: bool,
    pub(super) created: Option<u64>,
    pub(super) lineage: Lineage,
    pub(super) keep_coding: bool,
    /// Whether a session writes its own archive.
    pub(super) for_session: bool,
    pub(super) discard_journal: bool,
    /// Root digest of the only archive that may be replaced.
    pub(super) replaces: Option<[u8; 32]>,
    pub(super) is_delta: bool,
    /// Fields of the metadata record beyond those for people.
    pub(super) own_metadata: Record,
    pub(super) progress: Option<Progress>,
    pub(super) cancel: Option<Arc<AtomicBool>>,
    pub(super) pool: Option<BufferPool>,
}

impl Default for SaveOptions {
    fn default() -> Self {
        SaveOptions {
            description: None,
            tags: Vec::new(),
            custom: Vec::new(),
            attributes: IndexMap::new(),
            allow_overwrite: false,
            include_only: None,
            exclude: Vec::new(),
            include_constants: true,
            include_functions: true,
            include_builtins: None,
            compress: false,
            cold: Vec::new(),
            auto_cold: None,
            compression_level: 3,
            max_file_size: None,
            warn_large_values: Some(DEFAULT_LARGE_BYTES),
            strict: false,
            seal: false,
            streaming: false,
            durable: true,
            created: None,
            lineage: Lineage::default(),
            keep_coding: false,
            for_session: false,
            discard_journal: false,
            replaces: None,
            is_delta: false,
            own_metadata: Record::new(),
            progress: None,
            cancel: None,
            pool: None,
        }
    }
}

impl SaveOptions {
    /// The defaults: every binding, nothing overwritten, everything hot, durable, not sealed.
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

    /// Adds attributes to the binding `name`, over those it has; a binding that is not saved is
    /// reported.
    pub fn attributes(mut self, name: impl Into<String>, attributes: Record) -> Self {
        let given = self.attributes.entry(name.into()).or_default();
        for (key, value) in attributes.iter() {
            given.insert(key, value.clone());
        }
        self
    }

    /// Whether an existing file is replaced; otherwise it is an error (the default).
    pub fn allow_overwrite(mut self, allow: bool) -> Self {
        self.allow_overwrite = allow;
        self
    }

    /// Whether an archive is replaced whose journal holds commits that it does not, or beside which
    /// history is kept: that is then gone. Otherwise it is an error (the default).
    pub fn discard_journal(mut self, discard: bool) -> Self {
        self.discard_journal = discard;
        self
    }

    /// Saves only bindings whose names are or match one of `patterns` (`*` also crosses `.` and
    /// `/`). An exact name beats a pattern; what matches nothing is reported.
    pub fn include_only<S: Into<String>>(mut self, patterns: impl IntoIterator<Item = S>) -> Self {
        let patterns = patterns.into_iter().map(Into::into);
        self.include_only.get_or_insert_default().extend(patterns);
        self
    }

    /// Leaves out bindings whose names are or match `pattern`, unless
    /// [`SaveOptions::include_only`] names them exactly.
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// Whether bindings marked constant are saved (they are).
    pub fn include_constants(mut self, include: bool) -> Self {
        self.include_constants = include;
        self
    }

    /// Whether bindings that are a user's function are saved (they are). Functions inside other
    /// values always are.
    pub fn include_functions(mut self, include: bool) -> Self {
        self.include_functions = include;
        self
    }

    /// Whether bindings that are a builtin function of the host are saved, by name. By default
    /// those of an [`crate::Environment`] are not, and that is reported: its host has them anyway. What
    /// is handed to an [`crate::ArchiveWriter`] is. Those inside other values always are.
    pub fn include_builtins(mut self, include: bool) -> Self {
        self.include_builtins = Some(include);
        self
    }

    /// Whether all array data and long strings are compressed. By default nothing is: compressed
    /// data cannot be mapped.
    pub fn compress(mut self, compress: bool) -> Self {
        self.compress = compress;
        self
    }

    /// Adds a pattern: the array data of bindings whose names match is compressed.
    pub fn cold(mut self, pattern: impl Into<String>) -> Self {
        self.cold.push(pattern.into());
        self
    }

    /// Compresses the arrays where a sample of their bytes says that it saves at least `share` of
    /// them, plain or shuffled: 0.25 keeps hot what would still need more than three quarters.
    /// Arrays below 4096 bytes stay hot.
    pub fn auto_cold(mut self, share: f64) -> Self {
        self.auto_cold = Some(share);
        self
    }

    /// Level of zstd, 1 (fast) to 22 (small); 3 by default.
    pub fn compression_level(mut self, level: i32) -> Self {
        self.compression_level = level;
        self
    }

    /// Refuses, before a byte is written, to make a file of more than `bytes`. Where compression
    /// decides, the data is then compressed twice: once to measure.
    pub fn max_file_size(mut self, bytes: u64) -> Self {
        self.max_file_size = Some(bytes);
        self
    }

    /// Reports bindings of more than `bytes`; 100 MB by default, `None` for never.
    pub fn warn_large_values(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.warn_large_values = bytes.into();
        self
    }

    /// Whether a part of a value that cannot be saved is an error; otherwise it is reported.
    pub fn strict(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Whether extents get SHA-256 digests instead of 128-bit XXH3: names content beyond
    /// accident, at 0.4 of the speed.
    pub fn seal(mut self, seal: bool) -> Self {
        self.seal = seal;
        self
    }

    /// Whether array data goes to the file while bindings are added, and not when the writer
    /// finishes: then what was added is not held, and all of it together may be larger than memory.
    /// Up to 4 MiB wait for more; cells and scopes, which may be met again, are held.
    ///
    /// The arrays of such a file stand before its table of contents. Everything else is the same:
    /// any reader of the format reads it, and the same input gives the same bytes.
    pub fn streaming(mut self, streaming: bool) -> Self {
        self.streaming = streaming;
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

    /// The save works in buffers of `pool`, about 1 MiB for each core and, where arrays are compressed,
    /// twice that and 8 MiB for frames: saves that follow each other take no fresh memory. What the
    /// pool has no room for has memory of its own, and counts as refused.
    pub fn pool(mut self, pool: BufferPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Calls `progress` with the bytes of array data written and their total, from whichever
    /// thread wrote them. With [`SaveOptions::streaming`] the total is that of what was added so far.
    pub fn on_progress(mut self, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// Gives the save up once `flag` is true: it then ends with [`EnvError::Cancelled`], leaves the
    /// old file as it was, and nothing else. The flag is looked at after every MiB at most; a sync
    /// that the system has begun cannot be cut short, and a flag raised after the new file is in
    /// place has no effect.
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.cancel = Some(flag);
        self
    }

    /// The cold patterns and the selection, and everything that can be refused before a byte is
    /// written.
    pub(super) fn check(&self) -> Result<(Patterns, Selection)> {
        let refuse = |what: String, reason: &str| {
            Err(EnvError::InvalidValue {
                what,
                reason: reason.to_owned(),
            })
        };
        if !(1..=22).contains(&self.compression_level) {
            let what = format!("the compression level {}", self.compression_level);
            return refuse(what, "levels are 1 to 22");
        }
        if let Some(share) = self.auto_cold
            && !(share > 0.0 && share < 1.0)
        {
            let what = format!("the share {share} that compression must save");
            return refuse(what, "shares lie between 0 and 1");
        }
        let compresses = self.compress || !self.cold.is_empty() || self.auto_cold.is_some();
        if !cfg!(feature = "zstd") && compresses {
            let reason = "this build was made without the feature `zstd`";
            return refuse("compression".to_owned(), reason);
        }
        let selection = Selection::new(self.include_only.as_deref(), &self.exclude)?;
        Ok((Patterns::new(&self.cold)?, selection))
    }
}

impl fmt::Debug for SaveOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SaveOptions")
            .field("description", &self.description)
            .field("tags", &self.tags)
            .field("custom", &self.custom)
            .field("attributes", &self.attributes)
            .field("allow_overwrite", &self.allow_overwrite)
            .field("discard_journal", &self.discard_journal)
            .field("include_only", &self.include_only)
            .field("exclude", &self.exclude)
            .field("include_constants", &self.include_constants)
            .field("include_functions", &self.include_functions)
            .field("include_builtins", &self.include_builtins)
            .field("compress", &self.compress)
            .field("cold", &self.cold)
            .field("auto_cold", &self.auto_cold)
            .field("compression_level", &self.compression_level)
            .field("max_file_size", &self.max_file_size)
            .field("warn_large_values", &self.warn_large_values)
            .field("strict", &self.strict)
            .field("seal", &self.seal)
            .field("streaming", &self.streaming)
            .field("durable", &self.durable)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}
