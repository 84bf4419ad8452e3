//! An archive whose sums are right, whatever it holds. Read to the last element in memory, from a file
//! and through a map, it must say the same; and what a full check finds nothing wrong with can be read.

use achronyme_env::{Archive, OpenOptions, Result};

use crate::{look, measure, scratch, seal};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut bytes = data.to_vec();
    seal::archive(&mut bytes);
    let path = scratch::file("fuzzed.ach", &bytes);
    let shown = path.display().to_string();
    let options = || OpenOptions::new().limits(look::limits());
    let in_memory = looked(bytes.len(), &shown, || options().from_bytes(&bytes));
    let from_file = looked(bytes.len(), &shown, || options().open(&path));
    assert_eq!(in_memory, from_file, "in memory and from a file");
    #[allow(unsafe_code)]
    let through_map = looked(bytes.len(), &shown, || {
        // SAFETY: nobody writes to the file of this process while it is open.
        unsafe { options().open_mmap(&path) }
    });
    assert_eq!(from_file, through_map, "from a file and through a map");
}

/// All that is found on one road.
fn looked(len: usize, shown: &str, open: impl FnOnce() -> Result<Archive>) -> Vec<String> {
    let opened = measure::bounded(len, 0, open);
    let archive = match opened {
        Ok(archive) => archive,
        Err(error) => return vec![told(&look::told(&error), shown)],
    };
    let declared = measure::bounded(len, 0, || look::declared(&archive));
    let lines = measure::bounded(len, declared, || look::archive(&archive));
    let report = measure::bounded(len, declared, || archive.verify()).expect("nobody changes it");
    if report.is_ok() {
        let damaged = lines.iter().find(|line| line.starts_with("damaged: "));
        assert_eq!(damaged, None, "a full check found nothing");
    }
    lines.iter().map(|line| told(line, shown)).collect()
}

fn told(line: &str, shown: &str) -> String {
    line.replace(shown, "FILE")
        .replace("the bytes in memory", "FILE")
}
