//! What is played: the library's own operations, and planted bugs.

mod delta;
mod planted;
mod save;
mod session;

use crate::scenario::Scenario;

/// The scenarios that must come out clean.
pub fn all() -> Vec<Box<dyn Scenario>> {
    let sessions = session::all().into_iter();
    let deltas = delta::all().into_iter();
    save::all()
        .into_iter()
        .chain(sessions)
        .chain(deltas)
        .collect()
}

/// Scenarios with a mistake in them each, and their correct twins: they prove the rig.
pub fn planted() -> Vec<Box<dyn Scenario>> {
    let sessions = session::planted().into_iter();
    planted::all().into_iter().chain(sessions).collect()
}

/// The scenario called `name`.
pub fn find(name: &str) -> Option<Box<dyn Scenario>> {
    let mut known = all().into_iter().chain(planted());
    known.find(|scenario| scenario.name() == name)
}
