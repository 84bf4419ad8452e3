//! Deltas: files that hold what must be changed in one archive to make another.

mod apply;
mod create;
mod file;
mod options;
mod order;
mod record;

pub use apply::apply_delta;
pub use create::{DeltaReport, create_delta};
pub use file::Delta;
pub use options::DeltaOptions;
