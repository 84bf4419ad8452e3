//! Deltas: opened, and applied to the archive they say they are for.

use std::sync::LazyLock;

use achronyme_env::{Archive, Delta, DeltaOptions, OpenOptions};

use crate::{look, measure, scratch, seal};

/// The archive that deltas are applied to.
pub static PARENT: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("parent.ach");
    let tensor = achronyme_env::Tensor::from_vec(vec![1.5f32; 40], [40]).expect("40 of them");
    let bindings: [(&str, achronyme_env::Value); 4] = [
        ("a", 1.0.into()),
        ("b", tensor.into()),
        ("c", "a text of some length, as texts are".into()),
        ("d", achronyme_env::Cell::new(3i64).into()),
    ];
    let options = achronyme_env::SaveOptions::new()
        .durable(false)
        .created_at(1_700_000_000);
    let bindings = bindings.iter().map(|(name, value)| (*name, value));
    achronyme_env::save(&path, bindings, &options).expect("saved");
    std::fs::read(&path).expect("saved")
});

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    // It is for that archive, whatever else it says.
    if let Some(root) = PARENT.last_chunk::<32>()
        && let Some(table) = bytes.get(40..48).and_then(|eight| eight.try_into().ok())
        && let Ok(table) = usize::try_from(u64::from_le_bytes(table))
        && let Some(place) = table
            .checked_add(128)
            .and_then(|at| bytes.get_mut(at..at.checked_add(32)?))
    {
        place.copy_from_slice(root);
    }
    seal::archive(&mut bytes);
    let len = bytes.len() + PARENT.len();
    measure::bounded(len, len as u64 / 72 * 65_536, || {
        let Ok(delta) = Delta::from_bytes(&bytes) else {
            return;
        };
        let _ = (
            delta.sent().len(),
            delta.removed().len(),
            delta.metadata(),
            delta.verify(),
        );
        if delta.raw_bytes() > look::MOST_RAW_BYTES {
            return;
        }
        let parent = Archive::from_bytes(&*PARENT).expect("an archive");
        let made = scratch::path("made.ach");
        let options = DeltaOptions::new().durable(false).allow_overwrite(true);
        if delta.apply(&parent, &made, &options).is_ok() {
            let made = OpenOptions::new().limits(look::limits()).open(&made);
            look::archive(&made.expect("what was made"));
        }
    });
}
