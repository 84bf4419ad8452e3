//! Where a session begins: its identity, and an archive without variables.

use crate::error::{EnvError, Origin, Result};
use crate::journal::{Base, Chain, Companions};
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
///
/// # Errors
/// [`EnvError::ForeignJournal`] when the journal of another session is there: it may be all that is
/// left of it; as a save.
pub(super) fn empty(companions: &Companions, session_id: [u8; 16]) -> Result<()> {
    let none = Base {
        session_id: [0; 16],
        root_digest: None,
        folded_sequence: 0,
    };
    let journal = match Chain::open(companions, &none) {
        Ok(chain) => chain.segments().first().map(|first| first.path().into()),
        Err(EnvError::ForeignJournal { path, .. } | EnvError::JournalGap { path, .. }) => {
            Some(path)
        }
        Err(error) => return Err(error),
    };
    if let Some(path) = journal {
        return Err(EnvError::ForeignJournal {
            path,
            archive: companions.archive().into(),
            reason: "the archive it began with is not there".to_owned(),
        });
    }
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
