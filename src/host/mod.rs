//! Hosts with values of their own: interpreters whose values are full of `Rc` and `RefCell`.
//!
//! A host implements two traits. [`Lend`] says how a value of the host's looks to a save, which
//! borrows tensors and texts where they are, also inside cells; [`save`] saves a session with it.
//! [`Adopt`] makes a value of the host's of one level of a [`Value`](crate::Value) whose parts are
//! the host's already; [`adopt`] makes a session of what an archive holds. Aliases and cycles through
//! cells and captured scopes are kept on both ways, and what is not carried over is told by
//! [`Finding`](crate::Finding)s.
//!
//! `docs/hosts.md` goes through an interpreter step by step; `examples/host.rs` is a whole one.

mod adopt;
mod keep;
mod lend;
mod parts;

pub use adopt::{Adopt, Adopted, adopt};
pub use keep::Keep;
pub use lend::{Lend, Lending, save};
pub use parts::{Notes, Parts, Refusal};
