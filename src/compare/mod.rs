//! Two workspaces side by side: how they differ, what one must be sent to become the other, and
//! what names the content of one.

mod delta;
mod diff;
mod elements;
mod groups;
mod hash;
mod loading;
mod numbers;
mod options;
mod pairs;
mod pieces;
mod report;
mod strings;
mod values;
mod workspace;

pub use delta::{Delta, DeltaOptions, DeltaReport, apply_delta, create_delta};
pub use diff::{diff, differs};
pub use hash::{content_hash, variable_hash};
pub use options::DiffOptions;
pub use report::{Changed, Diff, Difference, ElementMismatch, Lone, Mismatch, Summary};
pub use workspace::WorkspaceRef;
