//! What is left of a damaged archive: what is saved is whole.

use achronyme_env::{OpenOptions, Part, SalvageOptions, VerifyFault, salvage};

use crate::{look, measure, scratch, seal};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    // Half of the inputs have sums that are right, as those that were made to harm have.
    if data.len().is_multiple_of(2) {
        seal::archive(&mut bytes);
    }
    let source = scratch::file("damaged.ach", &bytes);
    let saved = scratch::path("saved.ach");
    let declared = 2 * look::MOST_RAW_BYTES + bytes.len() as u64 / 72 * 65_536;
    measure::bounded(bytes.len(), declared, || {
        let options = SalvageOptions::new().allow_overwrite(true).durable(false);
        let options = options.limits(look::limits());
        let Ok(report) = salvage(&source, &saved, &options) else {
            return;
        };
        let archive = OpenOptions::new().limits(look::limits()).open(&saved);
        let archive = archive.expect("what was saved");
        assert_eq!(archive.len(), report.salvaged.len());
        let check = archive.verify().expect("what was saved");
        // What no sum tells of is saved as it was: a boolean that is neither 0 nor 1.
        let is_content = |found: &VerifyFault| matches!(found.fault.part, Part::Entry(_));
        assert!(check.faults.iter().all(is_content), "{:?}", check.faults);
    });
}
