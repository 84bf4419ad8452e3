//! Writing archives and value images: options, plan, one forward pass, and the atomic replacement.

mod archive;
mod areas;
#[cfg(feature = "zstd")]
mod cold;
mod emit;
mod image;
mod inherit;
mod options;
mod placed;
mod replace;

pub use archive::{ArchiveWriter, BindingOptions, SaveReport, save};
pub use image::serialize_value;
pub use options::SaveOptions;
