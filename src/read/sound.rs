//! Whether what stands in a session may be named instead of being written again.

use std::sync::Arc;

use super::frames::{ImageContext, content_key};
use super::verify::check_digest;
use crate::format::extent::DigestKind;
use crate::value::Storage;

impl ImageContext {
    /// Whether the bytes that stand there for this content are what its digest says: read when it is
    /// first asked.
    pub(crate) fn is_sound(&self, kind: DigestKind, digest: [u8; 32], raw_len: u64) -> bool {
        let content = (kind as u8, digest, raw_len);
        let Some((_, image, record)) = self.find(content) else {
            return false;
        };
        if self.lock().sound.contains(&content) {
            return true;
        }
        let store = match image {
            None => Arc::clone(&self.base),
            Some(place) => match self.open(&place) {
                Ok(store) => Arc::new(store),
                Err(_) => return false,
            },
        };
        let Ok(records) = store.records() else {
            return false;
        };
        let mut extents = records.extents.iter().zip(0..);
        let number = extents
            .find(|(extent, _)| extent.offset == record.offset && content_key(extent) == content);
        let sound =
            number.is_some_and(|(_, number)| check_digest(&store, number, &mut |_| {}).is_ok());
        if sound {
            self.lock().sound.insert(content);
        }
        sound
    }

    /// Whether bytes come from the archive of the session, or from an image.
    pub(crate) fn is_own(&self, storage: &dyn Storage) -> bool {
        let is_in_image = || {
            let stored = storage.stored();
            stored.is_some_and(|stored| stored.is_raw()) && storage.file_offset().is_none()
        };
        storage.identity().0 == Arc::as_ptr(&self.base).addr() || is_in_image()
    }
}
