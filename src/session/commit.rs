//! Writing a commit: what changed becomes frames, and then part of the state.

use std::sync::Arc;

use super::known::{Remembered, extent_digest, is_own, known_digest, remember};
use super::log::now;
use super::session::{Content, Session};
use crate::environment::{Change, Variable};
use crate::error::{EnvError, Result};
use crate::format::extent::DigestKind;
use crate::format::header::FLAG_SEALED;
use crate::format::image::CONTENT_ELSEWHERE;
use crate::journal::{FrameKind, NewFrame, Writer, frame_len};
use crate::read::cells::CellHandles;
use crate::read::frames::{ELSEWHERE_FROM, FrameImage, ImageContext, ImagePlace};
use crate::read::replay::state::{Said, TYPE_CONSTANT, TYPE_HAS_CELLS, TYPE_MUTABLE};
use crate::tree::extent_source::PlannedExtent;
use crate::tree::shared::SharedIds;
use crate::value::{Record, SharedHandle, UserFunction, Value, ValueRef};
use crate::write::image::{ImageOptions, ImagePlan, KnownDigest, WrittenImage};

/// Images up to this many bytes are made in memory.
const IN_MEMORY: u64 = 512 << 10;
/// Storages that are remembered before those that are gone are swept.
const SWEEP_FROM: usize = 1024;

/// What a written frame says of the state.
struct Added {
    said: Said,
    /// Bytes of arrays that it names and that stand elsewhere.
    elsewhere: u64,
    /// The content of large arrays that stand in it.
    contents: Vec<Content>,
}

impl From<Said> for Added {
    fn from(said: Said) -> Added {
        Added {
            said,
            elsewhere: 0,
            contents: Vec::new(),
        }
    }
}

/// A cell or scope that holds something else than what the session has of it, with its id, and what
/// that was when the commit began.
type Changed = (u64, SharedHandle, Value);

/// The image of a value that was written as a frame.
struct ImageWritten {
    image: Arc<FrameImage>,
    type_id: u16,
    elsewhere: u64,
    contents: Vec<Content>,
}

/// Names cells and scopes by their ids; contents that stand in the session are not written again.
struct Ids {
    handles: Arc<CellHandles>,
    /// The one whose content is written although it is known: it changed.
    changed: Option<u64>,
}

impl SharedIds for Ids {
    fn id(&mut self, shared: &SharedHandle) -> (u64, bool) {
        let (id, is_new) = self.handles.assign(shared);
        (id, is_new || self.changed == Some(id))
    }
}

impl Session {
    /// Appends everything that changed since the last commit to the journal, as one: after a crash
    /// all of it is there, or nothing. Returns the sequence of the last frame; nothing is written
    /// when nothing changed.
    ///
    /// What an attached environment recorded, and what cells hold now, belongs to it. When the share
    /// of dead bytes asks for it ([`SessionOptions::checkpoint_at`](crate::SessionOptions::checkpoint_at)),
    /// a checkpoint follows; what is committed is so whether that succeeds or not
    /// ([`Session::checkpoint_error`]).
    ///
    /// # Errors
    /// [`EnvError::NoRoomToCommit`], [`EnvError::Io`], and what a value answers that cannot be
    /// written: nothing is committed then, what is pending stays so, and the session goes on.
    /// [`EnvError::CommitNotDurable`]: it is committed, but may not survive a power cut.
    pub fn commit(&mut self) -> Result<u64> {
        let sequence = self.commit_only()?;
        self.checkpoint_if_dead();
        Ok(sequence)
    }

    /// Commits, and makes no checkpoint.
    pub(super) fn commit_only(&mut self) -> Result<u64> {
        self.take_recorded();
        let changed = self.changed_cells();
        if self.pending.is_empty() && changed.is_empty() {
            return Ok(self.sequence());
        }
        self.handles.begin();
        let written = self
            .write_cells(&changed)
            .and_then(|cells| self.write_changes(cells));
        let added = match written {
            Ok(added) => added,
            Err(error) => {
                self.handles.undo();
                self.writer.rollback()?;
                return Err(error);
            }
        };
        let committed = self.writer.commit(now());
        match &committed {
            // The frames count, whatever the disk does with them.
            Ok(_) | Err(EnvError::CommitNotDurable { .. }) => {}
            Err(_) => {
                self.handles.undo();
                return committed;
            }
        }
        for (id, handle, written) in changed {
            self.handles.insert(id, handle, written);
        }
        self.pending.clear();
        self.add(added)?;
        self.handles.sweep();
        committed
    }

    /// Gives the state a name to which [`Session::restore_at`] leads back, and commits.
    ///
    /// # Errors
    /// As [`Session::commit`]; [`EnvError::NameTooLong`].
    pub fn mark(&mut self, name: &str) -> Result<u64> {
        crate::name::check_name(name)?;
        self.pending.mark = Some(name.into());
        // Without a checkpoint, which would fold the mark.
        let marked = self.commit_only();
        if marked.is_err() {
            self.pending.mark = None;
        }
        marked
    }

    /// Waits until all commits are on the disk, whatever the durability of the session.
    ///
    /// # Errors
    /// [`EnvError::CommitNotDurable`].
    pub fn sync(&mut self) -> Result<()> {
        self.writer.sync()
    }

    /// When [`Session::sync`] is due if no more commits come, under
    /// [`Durability::Group`](crate::Durability::Group); `None` when nothing waits.
    pub fn sync_due(&self) -> Option<std::time::Instant> {
        self.writer.sync_due()
    }

    /// Cells and scopes that hold something else than what the session has of them.
    pub(super) fn changed_cells(&self) -> Vec<Changed> {
        self.handles.changed()
    }

    /// The next cell that is met gets an id that no cell of the session has, nor had in a commit that
    /// was undone and may come back.
    pub(super) fn note_next_cell(&mut self) {
        let Some(overlay) = self.archive.overlay() else {
            return;
        };
        let mut greatest = overlay.greatest_cell();
        let folded = self.archive.folded_sequence();
        let frames = || self.chain.frames().from(folded.saturating_add(1));
        if frames().any(|frame| frame.kind() == FrameKind::Restore) {
            for frame in frames().filter(|frame| frame.entry.type_id & TYPE_HAS_CELLS != 0) {
                let image = FrameImage::new(frame.payload().into(), self.context());
                // Of what cannot be read nothing comes back.
                let ids = image.shared_ids().unwrap_or_default().iter();
                let ids = ids.map(|id| id & !CONTENT_ELSEWHERE);
                greatest = ids.fold(greatest, u64::max);
            }
        }
        self.handles.number_from(greatest.saturating_add(1));
    }

    fn write_cells(&mut self, changed: &[Changed]) -> Result<Vec<Added>> {
        let mut added = Vec::new();
        for (id, handle, content) in changed {
            let value = match handle {
                SharedHandle::Cell(cell) => Value::Cell(cell.clone()),
                SharedHandle::Scope(scope) => carrier(scope.clone()),
            };
            let key = id.to_le_bytes();
            // As it was looked at: the host may set it again meanwhile.
            let frozen = (*id, (handle.address(), content.clone()));
            let written =
                self.write_image(FrameKind::SetCell, &key, &value, None, 0, Some(frozen))?;
            added.push(Added {
                said: Said::Cells(written.image),
                elsewhere: written.elsewhere,
                contents: written.contents,
            });
        }
        Ok(added)
    }

    fn write_changes(&mut self, mut added: Vec<Added>) -> Result<Vec<Added>> {
        let pending = std::mem::take(&mut self.pending);
        let mut write = || -> Result<()> {
            for change in pending.changes() {
                added.push(self.write_change(change)?);
            }
            if let Some(mark) = &pending.mark {
                append(&mut self.writer, FrameKind::Mark, mark.as_bytes(), b"")?;
            }
            Ok(())
        };
        let written = write();
        self.pending = pending;
        written.map(|()| added)
    }

    fn write_change(&mut self, change: &Change) -> Result<Added> {
        let said = match change {
            Change::Set(name, variable) => {
                let Variable {
                    value,
                    attributes,
                    mutable,
                    constant,
                } = &**variable;
                let marks =
                    (u16::from(*constant) * TYPE_CONSTANT) | (u16::from(*mutable) * TYPE_MUTABLE);
                let key = name.as_bytes();
                let written =
                    self.write_image(FrameKind::Set, key, value, Some(attributes), marks, None);
                let written = written.map_err(|e| e.of_variable(name))?;
                return Ok(Added {
                    said: Said::Set(Arc::clone(name), written.type_id, written.image),
                    elsewhere: written.elsewhere,
                    contents: written.contents,
                });
            }
            Change::Remove(name) => {
                append(&mut self.writer, FrameKind::Remove, name.as_bytes(), b"")?;
                Said::Remove(Arc::clone(name))
            }
            Change::Rename(old, new) => {
                let (key, payload) = (old.as_bytes(), new.as_bytes());
                append(&mut self.writer, FrameKind::Rename, key, payload)?;
                Said::Rename(Arc::clone(old), Arc::clone(new))
            }
            Change::Clear => {
                append(&mut self.writer, FrameKind::Clear, b"", b"")?;
                Said::Clear
            }
        };
        Ok(said.into())
    }

    /// Writes the image of a value as a frame. `changed`: the cell whose content it carries, and
    /// that content by the cell's address.
    fn write_image(
        &mut self,
        kind: FrameKind,
        key: &[u8],
        value: &Value,
        attributes: Option<&Record>,
        marks: u16,
        changed: Option<(u64, (usize, Value))>,
    ) -> Result<ImageWritten> {
        let context = self.context();
        let storages = &self.storages;
        let since = self.under_way.as_ref().map(|under_way| &under_way.written);
        let sealed = self.archive.header().flags & FLAG_SEALED != 0;
        let digest_kind = match sealed {
            true => DigestKind::Sha256,
            false => DigestKind::Xxh3,
        };
        let elsewhere = std::cell::Cell::new(0);
        let known = |extent: &PlannedExtent<'_>| {
            if extent.raw_len < ELSEWHERE_FROM {
                return None;
            }
            let stands = |(kind, digest): &KnownDigest| match since {
                // What stands before the rotation may be gone when the checkpoint is done.
                Some(since) => since.contains(&(*kind as u8, *digest, extent.raw_len)),
                None => context.has(*kind, *digest, extent.raw_len),
            };
            let alike = || match since {
                Some(since) => since.iter().any(|(_, _, len)| *len == extent.raw_len),
                None => context.has_length(extent.raw_len),
            };
            let known = match known_digest(extent, storages) {
                Some(known) => known,
                // Reading memory costs less than writing it once more.
                None if extent.source.is_memory() && alike() => {
                    (digest_kind, extent_digest(extent, digest_kind).ok()?)
                }
                None => return None,
            };
            // What is in memory is given up for what stands there only once that was read.
            let (kind, digest) = known;
            let sound = || context.is_sound(kind, digest, extent.raw_len);
            if !stands(&known) || !(is_own(extent, &context) || sound()) {
                return None;
            }
            elsewhere.set(elsewhere.get() + extent.raw_len);
            Some(known)
        };
        let (changed, frozen) = changed.unzip();
        let ids = Ids {
            handles: Arc::clone(&self.handles),
            changed,
        };
        let options = ImageOptions {
            attributes,
            ids: Some(Box::new(ids)),
            elsewhere: Some(&known),
            sealed,
            frozen,
        };
        let plan = ImagePlan::new(&ValueRef::Value(value), options)?;
        let cells = u16::from(plan.has_cells()) * TYPE_HAS_CELLS;
        let type_id = u16::from(value.kind().code()) | marks | cells;
        let kind = match (kind, plan.names_extents_elsewhere()) {
            (FrameKind::Set, true) => FrameKind::SetByReference,
            (kind, _) => kind,
        };
        let frame = NewFrame {
            kind,
            type_id,
            key,
            timestamp: now(),
        };
        let len = plan.len();
        let mut contents = Vec::new();
        let written = match len {
            0..=IN_MEMORY => self.writer.append(&frame, &plan.into_bytes()?, None)?,
            _ => {
                let journal = self.companions.journal();
                let origin = journal.as_path().into();
                let mut extents = Vec::new();
                let written = self.writer.append_placed(&frame, len, |file, offset| {
                    let failed = |e| EnvError::io("write", &*journal, e);
                    let cancel = crate::read::current_cancel();
                    let image: WrittenImage<'_> =
                        plan.write_to(file, offset, &origin, cancel, &failed)?;
                    extents = image.extents;
                    Ok(image.crc)
                })?;
                let extents = extents.iter().map(|(extent, record)| (extent, *record));
                let remembered: Vec<_> = extents.filter_map(remember).collect();
                contents = self.remember(remembered);
                written
            }
        };
        let place = ImagePlace {
            segment: self.writer.segment().clone(),
            offset: written.payload_offset,
            len,
        };
        let image = match attributes.is_none_or(Record::is_empty) {
            true => FrameImage::plain(place, self.context()),
            false => FrameImage::new(place, self.context()),
        };
        Ok(ImageWritten {
            image: Arc::new(image),
            type_id,
            elsewhere: elsewhere.get(),
            contents,
        })
    }

    /// Remembers memory that was written; its content.
    fn remember(&mut self, written: Vec<Remembered>) -> Vec<Content> {
        let mut contents = Vec::new();
        for (key, known, record) in written {
            contents.push((record.digest_kind, record.digest, record.raw_len));
            if let (Some(key), Some(known)) = (key, known) {
                self.storages.insert(key, known);
            }
        }
        if self.storages.len() >= SWEEP_FROM {
            self.storages
                .retain(|_, known| known.storage.strong_count() > 0);
        }
        contents
    }

    pub(super) fn context(&self) -> Arc<ImageContext> {
        match self.archive.overlay() {
            Some(overlay) => Arc::clone(&overlay.context),
            None => unreachable!("a session has an overlay"),
        }
    }

    /// About how many bytes of archive or journal belong to a variable.
    fn bytes_of(&self, name: &str) -> u64 {
        let Some(binding) = self.archive.binding(name) else {
            return 0;
        };
        let stored = binding.about_stored_bytes();
        match binding.is_in_journal() {
            true => frame_len(name.len() as u64, stored).unwrap_or(stored),
            false => stored,
        }
    }

    /// Adds committed frames to the state.
    fn add(&mut self, added: Vec<Added>) -> Result<()> {
        let mut dead = 0u64;
        for Added {
            said, elsewhere, ..
        } in &added
        {
            match said {
                // What is named again is not dead.
                Said::Set(name, _, image) => {
                    dead += self.bytes_of(name).saturating_sub(*elsewhere);
                    if *elsewhere > 0 {
                        // Looked at, so that it is known what goes when it is replaced.
                        let _ = image.shared_ids();
                    }
                }
                Said::Remove(name) => dead += self.bytes_of(name),
                Said::Clear => dead += self.archive.file_len(),
                Said::Cells(image) => {
                    let old = self
                        .archive
                        .overlay()
                        .map_or(0, |o| o.bytes_of_cells(image));
                    dead += old.saturating_sub(*elsewhere);
                }
                Said::Rename(..) | Said::Nothing => {}
            }
        }
        self.dead_bytes = self.dead_bytes.saturating_add(dead);
        let context = self.context();
        let Some(overlay) = self.archive.overlay_mut() else {
            return Ok(());
        };
        for Added { said, contents, .. } in added {
            if let Some(under_way) = &mut self.under_way {
                under_way.written.extend(contents);
            }
            if let Said::Set(_, _, image) | Said::Cells(image) = &said {
                context.add_image(image.place.clone());
            }
            said.add(overlay)?;
        }
        Ok(())
    }
}

fn append(writer: &mut Writer, kind: FrameKind, key: &[u8], payload: &[u8]) -> Result<()> {
    let frame = NewFrame {
        kind,
        type_id: 0,
        key,
        timestamp: now(),
    };
    writer.append(&frame, payload, None).map(drop)
}

/// A value that leads to a scope.
fn carrier(scope: crate::value::Scope) -> Value {
    Value::from(UserFunction {
        name: None,
        parameters: Vec::new(),
        details: Record::new(),
        source: "".into(),
        scope: Some(scope),
    })
}
