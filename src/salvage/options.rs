//! What a salvage may be told.

use crate::limits::Limits;

/// How [`crate::salvage`] works.
///
/// ```
/// use achronyme_env::SalvageOptions;
///
/// let options = SalvageOptions::new().fill_damaged(true);
/// ```
#[derive(Clone, Debug)]
pub struct SalvageOptions {
    pub(super) allow_overwrite: bool,
    pub(super) fill_damaged: bool,
    pub(super) durable: bool,
    pub(super) limits: Limits,
}

impl Default for SalvageOptions {
    fn default() -> Self {
        SalvageOptions {
            allow_overwrite: false,
            fill_damaged: false,
            durable: true,
            limits: Limits::default(),
        }
    }
}

impl SalvageOptions {
    /// The defaults: nothing overwritten; a tensor with a damaged block is lost.
    pub fn new() -> SalvageOptions {
        SalvageOptions::default()
    }

    /// Whether an existing file is replaced; otherwise it is an error (the default).
    pub fn allow_overwrite(mut self, allow: bool) -> Self {
        self.allow_overwrite = allow;
        self
    }

    /// Whether a tensor of which some blocks are damaged is saved with its other blocks; elements
    /// that are lost become NaN, or zero where the dtype has none. Each is a finding.
    pub fn fill_damaged(mut self, fill: bool) -> Self {
        self.fill_damaged = fill;
        self
    }

    /// Whether the call returns only when the new file is on the disk (the default), as
    /// [`crate::SaveOptions::durable`].
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// Caps on memory.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
