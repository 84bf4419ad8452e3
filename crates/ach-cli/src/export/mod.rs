//! Values to foreign files.

pub(crate) mod pieces;
pub(crate) mod scalar;
pub(crate) mod strings;
