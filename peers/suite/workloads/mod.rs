//! What is measured, a file for each kind of data.

pub(crate) mod compressed;
pub(crate) mod dropped;
pub(crate) mod encoding;
pub(crate) mod large;
pub(crate) mod scalars;
pub(crate) mod slices;
pub(crate) mod small;
pub(crate) mod structured;
