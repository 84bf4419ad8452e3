//! One archive from a session, while its writer works.

use std::path::Path;

use super::checkpoint::{inherited, write_state};
use super::reader::SessionReader;
use crate::error::Result;
use crate::write::{ArchiveWriter, SaveReport};

/// Writes the last committed state of the session at `source` to one archive at `destination`,
/// which must not exist unless `overwrite` is set. The writer of the session goes on meanwhile; the
/// archive belongs to no session.
///
/// # Errors
/// As [`SessionReader::open`] and [`crate::ArchiveWriter`].
pub fn backup(
    source: impl AsRef<Path>,
    destination: impl AsRef<Path>,
    overwrite: bool,
) -> Result<SaveReport> {
    let reader = SessionReader::open(source)?;
    let state = reader.archive();
    let options = inherited(state)?.allow_overwrite(overwrite);
    let writer = ArchiveWriter::create(destination, &options)?;
    write_state(state, writer, false)
}
