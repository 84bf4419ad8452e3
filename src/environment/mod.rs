//! A host's session on top of archives: the environment, its saving and restoring, and what a
//! language offers its users of them.

mod functions;
mod given;
mod info;
mod known;
mod load;
mod merge;
mod operations;
mod options_record;
mod recorder;
mod report_record;
mod restore;
mod restore_options;
mod save;
mod settle;
mod share;
mod snapshot;
mod steps;
mod variables;
mod version1;

pub use functions::FunctionRegistry;
pub use info::{EnvironmentInfo, env_info, get_metadata};
pub use load::{env_load_var, env_load_vars};
pub use merge::{Clash, merge};
pub use operations::{Operation, operations};
pub(crate) use recorder::{Change, Due, Recorder};
pub use restore::{RestoreReport, Restored, restore_environment, restore_from, restore_into};
pub use restore_options::{RestoreMode, RestoreOptions};
pub use save::save_environment;
pub use share::SharedSnapshot;
pub use snapshot::Snapshot;
pub use variables::{Environment, Variable};
