//! What tests of sessions share.
#![allow(dead_code)]

use std::path::Path;

use achronyme_env::{Durability, Session, SessionOptions, Tensor};

/// Sessions that are made when there is none, do not wait for the disk, and fold nothing by themselves.
pub(crate) fn options() -> SessionOptions {
    SessionOptions::new()
        .create(true)
        .durability(Durability::Os)
        .checkpoint_at(None)
}

pub(crate) fn open(path: &Path) -> Session {
    options().open(path).unwrap()
}

/// The numbers from `seed` on.
pub(crate) fn tensor(len: usize, seed: f64) -> Tensor {
    Tensor::from_vec((0..len).map(|n| n as f64 + seed).collect(), [len as u64]).unwrap()
}
