//! What can be read of a damaged archive and of the journal beside it.

use std::path::{Path, PathBuf};

use super::behind::Behind;
use super::reason_of;
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::journal::{Base, Chain, Companions, find_detached, is_same_file};
use crate::limits::Limits;
use crate::read::mended::{MendedArchive, open_mended};
use crate::read::replay::open::{Road, base_of};
use crate::read::{Archive, Check, OpenOptions};
use crate::write::{ArchiveWriter, Lineage, SaveOptions};

/// A state as far as it can be read.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) archive: Archive,
    pub(super) lost: Vec<Finding>,
    pub(super) renamed: Vec<String>,
    pub(super) notes: Vec<String>,
    companions: Companions,
}

impl Found {
    /// Refuses to write over what is read.
    pub(super) fn refuse_as_destination(&self, destination: &Path) -> Result<()> {
        let target = Companions::of(destination)?;
        let mut read = vec![self.companions.archive().to_owned()];
        read.extend(self.companions.segments()?);
        let read_now = |path: &PathBuf| is_same_file(path, target.archive());
        match read.iter().any(read_now) {
            false => Ok(()),
            true => Err(EnvError::InvalidValue {
                what: format!("the destination {}", destination.display()),
                reason: "it is the damaged file, which is only read; choose another name".into(),
            }),
        }
    }
}

/// Opens what there is at `path`.
pub(super) fn find(path: &Path, limits: Limits) -> Result<Found> {
    if let Some(archive) = without_suffix(path) {
        let companions = Companions::of(&archive)?;
        return match alone(&companions, limits, Vec::new())? {
            Some(found) => Ok(found),
            None => Err(no_journal(path)),
        };
    }
    let companions = Companions::of(path)?;
    let mended = open_mended(path, limits).map_err(|error| {
        // What it is, when it is nothing damaged.
        match OpenOptions::new().open(path) {
            Err(plain @ (EnvError::NotAnArchive { .. } | EnvError::Version1 { .. })) => plain,
            _ => error,
        }
    });
    match mended {
        Ok(mended) => Ok(with_journal(mended, companions, limits)),
        Err(error @ (EnvError::IsDelta { .. } | EnvError::Unsupported { .. })) => Err(error),
        Err(error) => {
            let reason = reason_of(&error);
            let lost = Finding::new("", "archive", Outcome::Lost, reason);
            alone(&companions, limits, vec![lost])?.ok_or(error)
        }
    }
}

/// The archive to which the journal at `path` belongs by its name.
fn without_suffix(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix("-journal")?;
    Some(path.with_file_name(stem))
}

fn no_journal(path: &Path) -> EnvError {
    EnvError::NotAnArchive {
        path: path.into(),
        found: "it does not begin as a journal".to_owned(),
    }
}

fn road(limits: Limits) -> Road {
    Road::new(OpenOptions::new().check(Check::Always).limits(limits))
}

/// An archive with its journal.
fn with_journal(mended: MendedArchive, companions: Companions, limits: Limits) -> Found {
    let lost = mended.lost.into_iter().map(|loss| {
        let name = loss.name.unwrap_or_default();
        Finding::new(name, loss.part, Outcome::Lost, loss.reason)
    });
    let mut found = Found {
        archive: mended.archive,
        lost: lost.collect(),
        renamed: mended.renamed,
        notes: mended.notes,
        companions,
    };
    if !found.companions.may_have_journal().unwrap_or(true) {
        return found;
    }
    let chain = base_of(&found.archive).and_then(|base| Chain::open(&found.companions, &base));
    let folded = found.archive.folded_sequence();
    match chain.and_then(|chain| found.replay(&chain, Some(folded), limits)) {
        Ok(()) => {}
        Err(error) => {
            let reason = format!(
                "{error}; what it holds is not read: repair the journal by itself, by its own name"
            );
            let finding = Finding::new("", "journal", Outcome::Lost, reason);
            found.lost.push(finding);
        }
    }
    found
}

/// A journal without its archive; `None` when there is none.
fn alone(companions: &Companions, limits: Limits, lost: Vec<Finding>) -> Result<Option<Found>> {
    let known = Base::of_journal(companions)?;
    if known.is_none() && !holds_frames(companions)? {
        return Ok(None);
    }
    let base = known.unwrap_or(Base {
        session_id: [0; 16],
        root_digest: None,
        folded_sequence: 0,
    });
    let lineage = Lineage {
        session_id: base.session_id,
        folded_sequence: base.folded_sequence,
        ..Lineage::default()
    };
    let writer = ArchiveWriter::in_memory(&SaveOptions::new().lineage(lineage))?;
    let (file, _) = writer.finish_in_memory()?;
    let origin = companions.journal().as_path().into();
    let archive = OpenOptions::new()
        .check(Check::Always)
        .limits(limits)
        .open_private(file, origin)?;
    let mut found = Found {
        archive,
        lost,
        renamed: Vec::new(),
        notes: Vec::new(),
        companions: companions.clone(),
    };
    let chain = Chain::open(companions, &base)?;
    found.replay(&chain, known.map(|base| base.folded_sequence), limits)?;
    match base.folded_sequence {
        0 if found.lost.is_empty() => {
            let note =
                "the journal is read alone: variables that only its archive has are not known";
            found.notes.push(note.to_owned());
        }
        _ => found.lost.push(Finding::new(
            "",
            "archive",
            Outcome::Lost,
            "variables that only the archive of the journal has are not known",
        )),
    }
    Ok(Some(found))
}

/// Whether there are frames at the path of a journal that does not begin as one.
fn holds_frames(companions: &Companions) -> Result<bool> {
    let detached = find_detached(&companions.journal(), 0, None)?;
    Ok(!detached.frames.is_empty())
}

impl Found {
    /// Lays over the archive what the journal says, as far as it is true, and what stands whole behind
    /// damage. `folded` is the sequence of the last frame before the journal, when that is known.
    fn replay(&mut self, chain: &Chain, folded: Option<u64>, limits: Limits) -> Result<()> {
        let known = folded.map(|folded| folded.max(chain.sequence()));
        let session_id = chain.session_id().unwrap_or_default();
        let (behind, after) = Behind::of(chain, &session_id, known)?;
        self.lost.extend(behind.lost.iter().cloned());
        self.notes.extend(behind.notes.iter().cloned());
        if chain.frames().is_empty() && behind.is_empty() {
            return Ok(());
        }
        let context = road(limits).context(&self.archive, chain.frames());
        let base = self.archive.folded_sequence();
        let overlay = behind.laid_over(chain.frames(), base, after, context, &mut self.lost)?;
        self.archive = self.archive.overlaid(overlay);
        Ok(())
    }
}
