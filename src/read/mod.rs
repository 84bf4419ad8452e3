//! Reading archives and value images: roads to the bytes, first-touch checks, values and views.

pub(crate) mod archive;
mod binding;
mod bulk;
mod cancel;
mod check;
mod cold;
mod content;
mod extension;
mod extents;
pub(crate) mod image;
mod index;
mod layout;
mod lineage;
mod map;
mod names;
mod nodes;
pub(crate) mod open;
mod parts;
mod runs;
mod sharing;
pub(crate) mod source;
pub(crate) mod store;
mod stored;
mod verify;
pub(crate) mod view;

pub use archive::{Archive, Metadata};
pub use binding::{Binding, ExtentInfo, Sizes};
pub use cancel::read_cancellable;
pub(crate) use cancel::{current as current_cancel, within as within_cancel};
pub use check::Check;
pub use layout::{Section, SectionKind};
pub use names::Child;
pub use open::OpenOptions;
pub use verify::{VerifyFault, VerifyReport};
pub use view::View;
