//! Reading archives and value images: roads to the bytes, first-touch checks, values and views.

pub(crate) mod archive;
mod binding;
mod bulk;
mod cancel;
pub(crate) mod cells;
mod check;
mod cold;
mod content;
mod extension;
mod extents;
pub(crate) mod frames;
pub(crate) mod image;
mod index;
mod layout;
mod lineage;
pub(crate) mod map;
mod names;
mod nodes;
pub(crate) mod open;
pub(crate) mod overlay;
mod parts;
mod runs;
pub(crate) mod source;
pub(crate) mod store;
mod stored;
mod verify;
pub(crate) mod view;

pub use archive::{Archive, Metadata};
pub use binding::{Binding, ExtentInfo, Sizes};
pub use cancel::read_cancellable;
pub use check::Check;
pub use layout::{Section, SectionKind};
pub use names::Child;
pub use open::OpenOptions;
pub use verify::{VerifyFault, VerifyReport};
pub use view::View;
