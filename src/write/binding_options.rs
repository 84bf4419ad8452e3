//! What may be said of a binding when it is saved.

use crate::value::Record;

/// What may be said of a binding beside its value.
#[derive(Clone, Debug, Default)]
pub struct BindingOptions {
    pub(crate) attributes: Record,
    pub(crate) constant: bool,
    pub(crate) mutable: bool,
    /// Whether its arrays are unpacked although the save keeps the coding of others.
    pub(crate) unpacked: bool,
}

impl BindingOptions {
    /// No attributes; neither constant nor mutable.
    pub fn new() -> BindingOptions {
        BindingOptions::default()
    }

    /// Attributes: units, dims, a description, anything.
    pub fn attributes(mut self, attributes: Record) -> Self {
        self.attributes = attributes;
        self
    }

    /// Marks a constant of the session.
    pub fn constant(mut self, constant: bool) -> Self {
        self.constant = constant;
        self
    }

    /// Marks a binding that was declared mutable.
    pub fn mutable(mut self, mutable: bool) -> Self {
        self.mutable = mutable;
        self
    }

    /// Whether its arrays are unpacked although [`crate::SaveOptions::keep_coding`] keeps those of
    /// others as they are.
    pub fn unpack(mut self, unpack: bool) -> Self {
        self.unpacked = unpack;
        self
    }
}
