//! Where a session begins: its identity, and an archive without variables.

use crate::error::{EnvError, Origin, Result};
use crate::journal::Companions;
use crate::write::{ArchiveWriter, Lineage, SaveOptions};

/// A random identity.
pub(super) fn random_id() -> Result<[u8; 16]> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|e| {
        let e = std::io::Error::other(e.to_string());
        EnvError::io("make a random number for", Origin::Memory, e)
    })?;
    Ok(id)
}

/// An archive without variables, which belongs to a session.
pub(super) fn empty(companions: &Companions, session_id: [u8; 16]) -> Result<()> {
    let lineage = Lineage {
        session_id,
        ..Lineage::default()
    };
    let options = SaveOptions::new().lineage(lineage).for_session();
    match ArchiveWriter::create(companions.archive(), &options)?.finish() {
        // Made by another meanwhile.
        Ok(_) | Err(EnvError::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
