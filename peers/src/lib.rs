//! What the programs that measure have in common.

pub mod measure;

/// The version of a crate that these programs are built with.
pub fn locked(crate_name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let entry = lock.split_once(&format!("name = \"{crate_name}\"\nversion = \""));
    let version = entry.and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("?", |(version, _)| version)
}
