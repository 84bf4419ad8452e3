//! An archive read with the journal beside it: opening both at one moment, and the state that they
//! make.

pub(crate) mod open;
pub(crate) mod state;
