//! The formats: what each saves and how each finds one thing in what it saved. Whatever a format does at
//! opening, it does here; values of its own are made beforehand.

pub(crate) mod ach;
pub(crate) mod arrow;
pub(crate) mod floor;
pub(crate) mod lmdb;
pub(crate) mod npy;
pub(crate) mod plain;
pub(crate) mod redb_file;
pub(crate) mod safe_tensors;
