//! What is the same for all foreign files: they are imported, saved, and read back as the same.

use achronyme_env::{Archive, SaveOptions, save};

use crate::{look, measure, scratch};

/// Imports an input as a file of that name.
pub fn run(name: &str, data: &[u8]) {
    let path = scratch::file(name, data);
    // What is unpacked or converted waits in temporary files; what was saved is looked at in memory.
    let declared = 4 * look::MOST_RAW_BYTES;
    measure::bounded(data.len(), declared, || {
        let imported =
            ach_cli::fuzzing::imported(&path, look::MOST_RAW_BYTES, scratch::directory());
        let Ok(values) = imported else {
            return;
        };
        let saved = scratch::path("imported.ach");
        let options = SaveOptions::new().durable(false).allow_overwrite(true);
        let bindings = values.iter().map(|(name, value)| (name.as_str(), value));
        if save(&saved, bindings, &options).is_err() {
            return;
        }
        let archive = Archive::open(&saved).expect("what was saved");
        for (name, value) in &values {
            let read = archive.get(name).expect("what was saved");
            assert_eq!(look::value(&read), look::value(value), "{name:?}");
        }
    });
}
