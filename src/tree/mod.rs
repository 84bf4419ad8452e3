//! Structured values as small rkyv trees: the schema, building them from values, checking their
//! bytes, and making values of them again.

pub(crate) mod build;
mod compound;
mod duplicates;
pub(crate) mod extent_source;
mod kinds;
mod lent;
pub(crate) mod node;
mod node_bytes;
mod placed;
pub(crate) mod restore;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod shared;
mod slot;
