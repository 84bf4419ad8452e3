//! Opening an archive and its journal at one moment: a checkpoint may replace the one and retire the
//! other between two looks.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::state::{note_image, state_at};
use crate::error::{EnvError, Result};
use crate::journal::{Base, Chain, Companions, Frames};
use crate::read::frames::{ELSEWHERE_FROM, ImageContext};
use crate::read::map::Mapping;
use crate::read::{Archive, OpenOptions};

/// How long a reader tries to see archive and journal of one moment.
const PATIENCE: Duration = Duration::from_secs(5);

/// How the bytes of a session are reached.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    options: OpenOptions,
    mapping: Option<Mapping>,
}

impl Road {
    pub(crate) fn new(options: OpenOptions) -> Road {
        Road {
            options,
            mapping: None,
        }
    }

    /// Archives and committed frames are mapped.
    pub(crate) fn mapped(options: OpenOptions, promise: Mapping) -> Road {
        Road {
            options,
            mapping: Some(promise),
        }
    }

    /// The archive with what was committed to the journal beside it.
    ///
    /// # Errors
    /// As [`open_both`], and what reading frames answers.
    pub(crate) fn open_state(&self, path: &Path) -> Result<Archive> {
        let companions = Companions::of(path)?;
        if !companions.may_have_journal()? {
            return self.open(path);
        }
        let (archive, chain) = open_both(self, path, &companions)?;
        if chain.frames().is_empty() {
            return Ok(archive);
        }
        let context = self.context(&archive, chain.frames());
        let base = archive.folded_sequence();
        let overlay = state_at(chain.frames(), base, chain.sequence(), context)?;
        Ok(archive.overlaid(overlay))
    }

    pub(crate) fn open(&self, path: &Path) -> Result<Archive> {
        match &self.mapping {
            None => self.options.open_archive(path),
            Some(mapping) => self.options.open_promised(path, mapping),
        }
    }

    /// How the images of `frames` over `archive` are read; they may name each other's extents.
    pub(crate) fn context(&self, archive: &Archive, frames: &Frames) -> Arc<ImageContext> {
        let store = archive.store();
        let mapping = self.mapping.clone();
        let context = ImageContext::new(store.check, store.limits, mapping, Arc::clone(store));
        let first = archive.folded_sequence().saturating_add(1);
        for frame in frames.large(first, ELSEWHERE_FROM) {
            note_image(&frame, &context);
        }
        Arc::new(context)
    }
}

/// What a journal beside `archive` must belong to.
pub(crate) fn base_of(archive: &Archive) -> Result<Base> {
    Ok(Base {
        session_id: archive.session_id(),
        root_digest: Some(archive.root_digest()?),
        folded_sequence: archive.folded_sequence(),
    })
}

/// The archive and the journal beside it, of one moment.
///
/// # Errors
/// As [`Archive::open`] and [`Chain::open`].
pub(crate) fn open_both(
    road: &Road,
    named: &Path,
    companions: &Companions,
) -> Result<(Archive, Chain)> {
    let path = companions.archive();
    let start = Instant::now();
    loop {
        let before = Stamp::of(path);
        let opened = road.open(named).and_then(|archive| {
            let chain = Chain::open(companions, &base_of(&archive)?)?;
            Ok((archive, chain))
        });
        // What was seen counts when the archive is still the same file: a checkpoint replaces it
        // before it removes what it folded.
        if before == Stamp::of(path) {
            match opened {
                Err(EnvError::ChangedInPlace { .. }) if start.elapsed() < PATIENCE => {}
                opened => return opened,
            }
        }
        if start.elapsed() > PATIENCE {
            return opened;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What tells a file at a path from one that replaced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Option<(u64, u64, u64, Option<std::time::SystemTime>)>);

impl Stamp {
    pub(crate) fn of(path: &Path) -> Stamp {
        let Ok(metadata) = std::fs::metadata(path) else {
            return Stamp(None);
        };
        #[cfg(unix)]
        let (device, inode) = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let (device, inode) = (0, 0);
        let modified = metadata.modified().ok();
        Stamp(Some((device, inode, metadata.len(), modified)))
    }
}
