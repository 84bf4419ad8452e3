//! Values of a program's own types: registered by name and version, seen in place.
//!
//! An archive holds them as [`Typed`](crate::Typed) bytes whether a reader knows the type or not. Here
//! a program says which of its types a name means, how old versions become new ones, and gets
//! `&T::Archived` over the bytes where they are, after they were checked once.

mod access;
mod fault;
mod layout;
mod memory;
mod registry;
mod schema;
mod upgrade;
mod view;

pub use fault::TypeFault;
pub use layout::Layout;
pub use registry::TypeRegistry;
pub use schema::{ProgramType, Schema};
pub use view::TypedView;
