//! Journals beside an archive. A reader and a writer must find the same, commits that a writer adds
//! afterwards must be there, and nothing that counted may be gone then.
//!
//! An input is the length of a retired segment (two bytes; with 0 there is none), that segment, and the
//! active one.

use std::path::Path;
use std::sync::LazyLock;

use achronyme_env::{OpenOptions, SaveOptions, SessionOptions, SessionReader, Tensor, Value, save};

use crate::reseal::{Patch, preamble};
use crate::{look, measure, scratch, seal};

/// The session that all journals belong to.
pub const SESSION: [u8; 16] = *b"0123456789abcdef";

/// The archive beside which the journals stand.
pub static ARCHIVE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("x.ach");
    let tensor = Tensor::from_vec(vec![0.5f64; 32], [32]).expect("32 of them");
    let bindings = [("a", Value::from(1.0)), ("b", tensor.into())];
    let options = SaveOptions::new().durable(false).created_at(1_700_000_000);
    save(
        &path,
        bindings.iter().map(|(name, value)| (*name, value)),
        &options,
    )
    .expect("saved");
    let mut patch = Patch::of(std::fs::read(&path).expect("saved"));
    let session = patch.preamble(preamble::SESSION);
    patch.put(session, &SESSION);
    patch.seal()
});

/// Runs one input.
pub fn run(data: &[u8]) {
    let Some((len, rest)) = data.split_first_chunk() else {
        return;
    };
    let len = usize::from(u16::from_le_bytes(*len)).min(rest.len());
    let (retired, active) = rest.split_at(len);
    scratch::clear();
    let path = scratch::file("x.ach", &ARCHIVE);
    for (name, segment) in [("x.ach-journal.1", retired), ("x.ach-journal", active)] {
        if !segment.is_empty() {
            let mut segment = segment.to_vec();
            seal::frames(&mut segment, Some(&SESSION));
            scratch::file(name, &segment);
        }
    }
    let len = data.len() + ARCHIVE.len();
    let declared = len as u64 / 72 * 4096 + look::MOST_RAW_BYTES;
    let read = measure::bounded(len, declared, || reader(&path));
    measure::bounded(len, declared, || writer(&path, read));
}

/// What a reader finds: the lines of the state, and the names.
fn reader(path: &Path) -> Option<(Vec<String>, Vec<String>)> {
    let options = SessionOptions::new().limits(look::limits());
    let mut reader = options.read(path).ok()?;
    let lines = look::archive(reader.archive());
    let names = reader.archive().names().map(str::to_owned).collect();
    let _ = reader.log().map(|commits| commits.len());
    for event in reader.events(0).take(1000).flatten() {
        let _ = event.value().map(|value| value.as_ref().map(look::value));
    }
    let _ = (
        reader.damage(),
        reader.journal(),
        reader.verify_journal(|_, _| {}),
    );
    let newer = reader.refresh().expect("it was read a moment ago");
    assert!(!newer, "nobody wrote");
    let overlaid = OpenOptions::new()
        .limits(look::limits())
        .journal(true)
        .open(path);
    let overlaid = overlaid.expect("it was read a moment ago");
    assert_eq!(look::archive(&overlaid), lines);
    Some((lines, names))
}

fn writer(path: &Path, read: Option<(Vec<String>, Vec<String>)>) {
    let options = SessionOptions::new().limits(look::limits()).fold_below(0);
    let opened = options.open(path);
    assert_eq!(opened.is_ok(), read.is_some(), "{:?}", opened.err());
    let (Ok(mut session), Some((_, names))) = (opened, read) else {
        return;
    };
    let found: Vec<String> = session
        .names()
        .iter()
        .map(|name| name.to_string())
        .collect();
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(sorted, names, "a reader and a writer");
    if session.set("added", 7i64).is_err() || session.commit().is_err() {
        return;
    }
    drop(session);
    let reader = SessionReader::open(path).expect("after a commit");
    assert_eq!(
        reader.archive().get("added").expect("committed").as_i64(),
        Some(7)
    );
    for name in &names {
        assert!(reader.archive().contains(name), "{name:?} is gone");
    }
}
