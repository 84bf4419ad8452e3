//! What can be read of a damaged archive and of the journal beside it.

use std::path::{Path, PathBuf};

use super::reason_of;
use crate::error::{EnvError, Result};
use crate::finding::{Finding, Outcome};
use crate::journal::{Base, Chain, Companions};
use crate::limits::Limits;
use crate::read::mended::{MendedArchive, open_mended};
use crate::read::replay::open::{Road, base_of};
use crate::read::replay::state::state_at;
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
        let real = |path: &Path| std::path::absolute(path).ok();
        let read = [self.companions.archive(), &self.companions.journal()].map(real);
        match read.contains(&real(target.archive())) {
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
    let lost = mended.lost.into_iter().map(|entry| {
        let name = entry.name.unwrap_or_default();
        Finding::new(name, "", Outcome::Lost, entry.reason)
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
    match chain.and_then(|chain| found.replay(&chain, limits)) {
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
    let Some(base) = Base::of_journal(companions)? else {
        return Ok(None);
    };
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
    found.replay(&chain, limits)?;
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

impl Found {
    /// Lays over the archive what the journal says, as far as it is true.
    fn replay(&mut self, chain: &Chain, limits: Limits) -> Result<()> {
        for damage in chain.damage()? {
            let path = damage.path.display();
            let (len, offset) = (damage.len, damage.offset);
            let text = format!("{path}: {len} bytes from byte {offset} on");
            match damage.fault {
                Some(fault) => {
                    let reason = format!("{text} cannot be read: {fault}");
                    let finding = Finding::new("", "journal", Outcome::Lost, reason);
                    self.lost.push(finding);
                }
                None => self.notes.push(format!(
                    "{text} do not count: a commit that was not finished, or that follows damage"
                )),
            }
        }
        if chain.frames().is_empty() {
            return Ok(());
        }
        let context = road(limits).context(&self.archive, chain.frames());
        let base = self.archive.folded_sequence();
        let overlay = state_at(chain.frames(), base, chain.sequence(), context)?;
        self.archive = self.archive.overlaid(overlay);
        Ok(())
    }
}
