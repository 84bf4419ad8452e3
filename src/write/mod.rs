//! Writing archives and value images: options, plan, one forward pass, and the atomic replacement.

mod archive;
mod areas;
mod binding_options;
mod cancel;
#[cfg(feature = "zstd")]
mod cold;
mod copy;
mod cores;
mod delta;
mod destination;
mod emit;
mod entries;
pub(crate) mod image;
mod in_place;
mod inherit;
mod journal_guard;
mod lineage;
mod metadata;
mod options;
mod placed;
mod replace;
mod report;
mod reserve;
mod reserved;
mod scratch;
mod size;
mod spool;
mod stream;
mod table;
mod written;

pub use archive::{ArchiveWriter, save};
pub use binding_options::BindingOptions;
pub(crate) use image::SummedImage;
pub use image::serialize_value;
#[allow(unused_imports, reason = "made by sessions and deltas")]
pub(crate) use lineage::Lineage;
pub use options::{DEFAULT_COLD_SHARE, DEFAULT_LARGE_BYTES, SaveOptions};
pub use report::SaveReport;
pub use reserved::ReservedTensor;
