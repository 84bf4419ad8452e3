//! How many bytes of an archive and its journal belong to nothing that counts any more: what a
//! checkpoint would give back.

use std::collections::{HashMap, HashSet};

use super::binding::Binding;
use super::frames::{ELSEWHERE_FROM, FrameImage, ImagePlace, content_key, local_offset};
use super::overlay::{Overlay, Said, find};
use super::store::Store;
use crate::format::extent::ExtentRecord;
use crate::format::image::CONTENT_ELSEWHERE;
use crate::format::records::Slot;
use crate::journal::{Frame, FrameKind};

/// What tells an image from others: the segment, by the sequence before it, and the place in it.
type Place = (u64, u64);

fn place(image: &ImagePlace) -> Place {
    (image.segment.begin().base_sequence, image.offset)
}

/// Bytes of `frames` and of the archive below that the state of `overlay` does not need. Reads the
/// heads of images that name content elsewhere, and the nodes of structured values of the archive
/// that were replaced; what cannot be read is taken to be needed. Data that a replaced variable of
/// the archive shares with a structured one that stays is counted.
pub(crate) fn dead_bytes<'f>(overlay: &Overlay, frames: impl Iterator<Item = Frame<'f>>) -> u64 {
    let mut bytes = 0u64;
    // Images that others may name, and those that may name others: the rest need not be told apart.
    let mut looked_at = HashMap::new();
    for frame in frames {
        let payload = ImagePlace::from(frame.payload());
        bytes = bytes.saturating_add(payload.len);
        let names = matches!(frame.kind(), FrameKind::SetByReference | FrameKind::SetCell);
        if names || payload.len >= ELSEWHERE_FROM {
            looked_at.insert(place(&payload), names);
        }
    }
    let mut named = HashSet::new();
    overlay.live_images(&mut |image| {
        bytes = bytes.saturating_sub(image.place.len);
        if !looked_at.is_empty()
            && looked_at.remove(&place(&image.place)) == Some(true)
            && let Ok(store) = image.store()
        {
            named.extend(elsewhere(store).map(content_key));
        }
    });
    let mut in_archive = replaced_extents(overlay);
    for content in named {
        match overlay.context.find(content) {
            // Those that are left are dead but for this.
            Some((_, Some(image), record)) if looked_at.contains_key(&place(&image)) => {
                bytes = bytes.saturating_sub(record.stored_len);
            }
            Some((_, None, record)) => {
                in_archive.retain(|_, (offset, _)| *offset != record.offset);
            }
            _ => {}
        }
    }
    let lengths = in_archive.values().map(|(_, stored_len)| stored_len);
    lengths.fold(bytes, |sum, len| sum.saturating_add(*len))
}

/// The extents of the archive that only bindings name that no longer count: number, offset and
/// stored length.
fn replaced_extents(overlay: &Overlay) -> HashMap<u32, (u64, u64)> {
    let mut found = HashMap::new();
    if overlay.hides_base() {
        let extents = overlay.table().records().extents.iter();
        let all = (0u32..).zip(extents);
        found.extend(all.map(|(number, extent)| (number, (extent.offset, extent.stored_len))));
    } else {
        for index in overlay.replaced_in_base() {
            for extent in binding(overlay, index).extents().unwrap_or_default() {
                found.insert(extent.number, (extent.offset, extent.stored_len));
            }
        }
    }
    if found.is_empty() {
        return found;
    }
    for index in overlay.staying_in_base() {
        if let Ok(Slot::Tensor(tensor)) = binding(overlay, index).slot() {
            found.remove(&tensor.extent);
        }
    }
    found
}

fn binding(overlay: &Overlay, index: usize) -> Binding<'_> {
    Binding::in_table(&overlay.context.base, index, None, None)
}

/// The extents of an image that stand elsewhere.
fn elsewhere(store: &Store) -> impl Iterator<Item = &ExtentRecord> {
    let extents = store.records().map_or(&[][..], |records| records.extents);
    let extents = extents.iter();
    extents.filter(|extent| extent.offset != local_offset(extent.offset))
}

impl FrameImage {
    /// Bytes of the image, and of what it names elsewhere as far as it was looked at.
    pub(super) fn len_with_named(&self) -> u64 {
        let named = self
            .met()
            .map(|store| elsewhere(store).map(|extent| extent.stored_len));
        named
            .into_iter()
            .flatten()
            .fold(self.place.len, u64::saturating_add)
    }
}

impl Overlay {
    /// Gives `meet` the images of variables, and those with the contents of cells that they lead to,
    /// each once.
    fn live_images<'o>(&'o self, meet: &mut dyn FnMut(&'o FrameImage)) {
        let said = self.names.values().filter_map(|said| match said {
            Said::Frame(binding) => Some(&*binding.image),
            Said::Moved(_) | Said::Removed => None,
        });
        let mut waiting = Vec::new();
        for image in said {
            match image.met_ids() {
                [] => meet(image),
                _ => waiting.push(image),
            }
        }
        // Which variables of the archive lead to which cells is not known without reading them.
        if !self.hidden {
            let in_archive = self.cells.iter();
            let in_archive = in_archive.filter(|(id, _)| self.base_cell(**id).is_some());
            waiting.extend(in_archive.map(|(_, (image, _))| &**image));
        }
        let mut seen = HashSet::new();
        while let Some(image) = waiting.pop() {
            let begin = image.place.segment.begin().base_sequence;
            if seen.insert((begin, image.place.offset)) {
                meet(image);
                let cells = image.met_ids().iter();
                let images = cells.filter_map(|id| self.cells.get(&(id & !CONTENT_ELSEWHERE)));
                waiting.extend(images.map(|(image, _)| &**image));
            }
        }
    }

    /// About how many bytes belong to images with the contents that cells had before those of
    /// `image`.
    pub(crate) fn bytes_of_cells(&self, image: &FrameImage) -> u64 {
        let new = image.shared_ids().unwrap_or_default().iter();
        let new = new.filter(|id| **id & CONTENT_ELSEWHERE == 0);
        let old = new.filter_map(|id| self.cells.get(id));
        old.map(|(image, _)| image.place.len).max().unwrap_or(0)
    }

    /// The places in the table of the archive of bindings that were renamed.
    fn moved_in_base(&self) -> HashSet<usize> {
        let moved = self.names.values().filter_map(|said| match said {
            Said::Moved(moved) => Some(moved.index),
            Said::Frame(_) | Said::Removed => None,
        });
        moved.collect()
    }

    /// The places in the table of the archive of bindings that were replaced or removed.
    fn replaced_in_base(&self) -> impl Iterator<Item = usize> {
        let moved = self.moved_in_base();
        let said = self
            .names
            .keys()
            .filter_map(|name| find(self.table(), name));
        said.filter(move |index| !moved.contains(index))
    }

    /// The places in the table of the archive of bindings that count, whatever they are called.
    fn staying_in_base(&self) -> impl Iterator<Item = usize> {
        let table = self.table();
        let entries = match self.hidden {
            true => &[],
            false => table.entries(),
        };
        let places = entries.iter().enumerate();
        let unsaid = places.filter(|(_, entry)| !self.names.contains_key(table.name(entry)));
        unsaid.map(|(index, _)| index).chain(self.moved_in_base())
    }
}
