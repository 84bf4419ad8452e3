//! What making or applying a delta may be told.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::write::SaveOptions;

/// How a delta, or the archive it makes, is written. What the archives are like is not told here:
/// the archive that a delta makes is like the one it was made of.
///
/// ```
/// use achronyme_env::DeltaOptions;
///
/// let options = DeltaOptions::new().compression_level(9).allow_overwrite(true);
/// ```
#[derive(Clone, Debug)]
pub struct DeltaOptions {
    pub(super) save: SaveOptions,
}

impl Default for DeltaOptions {
    fn default() -> Self {
        DeltaOptions {
            save: SaveOptions::new().warn_large_values(None),
        }
    }
}

impl DeltaOptions {
    /// The defaults: durable, nothing overwritten, compression level 3.
    pub fn new() -> DeltaOptions {
        DeltaOptions::default()
    }

    /// Whether an existing file is replaced; otherwise it is an error (the default).
    pub fn allow_overwrite(mut self, allow: bool) -> Self {
        self.save = self.save.allow_overwrite(allow);
        self
    }

    /// Whether an archive is replaced whose journal holds commits that it does not, or beside which
    /// history is kept: that is then gone. Otherwise it is an error (the default).
    pub fn discard_journal(mut self, discard: bool) -> Self {
        self.save = self.save.discard_journal(discard);
        self
    }

    /// Whether the call returns only when file and directory are on the disk (the default), as
    /// [`SaveOptions::durable`].
    pub fn durable(mut self, durable: bool) -> Self {
        self.save = self.save.durable(durable);
        self
    }

    /// Level of zstd for the arrays of a delta, 1 (fast) to 22 (small); 3 by default.
    pub fn compression_level(mut self, level: i32) -> Self {
        self.save = self.save.compression_level(level);
        self
    }

    /// When the delta was made, in seconds since 1970-01-01 00:00 UTC; now by default. An archive
    /// that is made by a delta has the time of the one the delta was made of.
    pub fn created_at(mut self, seconds: u64) -> Self {
        self.save = self.save.created_at(seconds);
        self
    }

    /// Calls `progress` with the bytes of array data written and their total, as
    /// [`SaveOptions::on_progress`].
    pub fn on_progress(mut self, progress: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        self.save = self.save.on_progress(progress);
        self
    }

    /// Gives the writing up once `flag` is true, as [`SaveOptions::cancel`]. Reading is given up by
    /// [`crate::read_cancellable`].
    pub fn cancel(mut self, flag: Arc<AtomicBool>) -> Self {
        self.save = self.save.cancel(flag);
        self
    }
}
