//! Header and table of contents alone, of an archive and of a delta: fast, and so tried most often.

use achronyme_env::{Delta, OpenOptions};

use crate::{look, measure, seal};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal::archive(&mut bytes);
    measure::bounded(bytes.len(), 0, || {
        if let Ok(archive) = OpenOptions::new().limits(look::limits()).from_bytes(&bytes) {
            let names: Vec<&str> = archive.names().collect();
            assert!(names.is_sorted(), "names are sorted");
            for binding in archive.bindings() {
                let found = archive
                    .binding(binding.name())
                    .expect("a name that is listed");
                assert_eq!(found.ordinal(), binding.ordinal());
                let _ = (
                    binding.dtype(),
                    binding.shape(),
                    binding.order(),
                    binding.sizes(),
                );
            }
            let _ = (archive.bindings_as_saved().len(), archive.children("", '/'));
            let end = archive
                .sections()
                .iter()
                .map(|part| part.offset + part.len)
                .max();
            assert_eq!(end, Some(archive.file_len()), "the parts end with the file");
        }
        if let Ok(delta) = Delta::from_bytes(&bytes) {
            let _ = (delta.sent().len(), delta.removed().len(), delta.sections());
        }
    });
}
