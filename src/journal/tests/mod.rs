//! Promises of the journal that need several of its parts.

mod appending;
mod chains;
mod damage;
mod faults;
mod followers;
mod locking;
mod measure;
mod walking;

use std::fs;
use std::io::Write;
use std::path::Path;

use tempfile::TempDir;

use super::append::Written;
use super::recover::SetAside;
use super::rotate::Rotated;
use super::*;
use crate::error::EnvError;

const SESSION: [u8; 16] = *b"0123456789abcdef";
/// No archive beside the journal.
const NO_ARCHIVE: Base = Base {
    session_id: [0; 16],
    root_digest: None,
    folded_sequence: 0,
};

/// An archive that a checkpoint of the session wrote.
fn folded(folded_sequence: u64) -> Base {
    Base {
        session_id: SESSION,
        root_digest: Some([7; 32]),
        folded_sequence,
    }
}

/// A directory with the companions of `x.ach` in it.
struct Place {
    _dir: TempDir,
    companions: Companions,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let companions = Companions::of(&dir.path().join("x.ach")).unwrap();
        Place {
            _dir: dir,
            companions,
        }
    }

    fn chain(&self, base: &Base) -> Chain {
        Chain::open(&self.companions, base).unwrap()
    }

    fn writer(&self, base: &Base, durability: Durability) -> (Writer, Vec<SetAside>) {
        let lock = WriterLock::take(&self.companions).unwrap();
        Writer::open(lock, &self.chain(base), SESSION, durability, 1).unwrap()
    }

    /// A writer that finds nothing to set aside.
    fn clean_writer(&self, base: &Base) -> Writer {
        let (writer, aside) = self.writer(base, Durability::Os);
        assert_eq!(aside, []);
        writer
    }

    /// What is committed, as text: `sequence key=payload`, `;` where a commit ends.
    fn committed(&self, base: &Base) -> String {
        text(&self.chain(base), base.folded_sequence)
    }

    fn journal(&self) -> Vec<u8> {
        fs::read(self.companions.journal()).unwrap()
    }

    /// Without emptying the file first, after which some systems write it to the disk at once.
    fn put_journal(&self, bytes: &[u8]) {
        let mut options = fs::File::options();
        let options = options.write(true).create(true).truncate(false);
        let mut file = options.open(self.companions.journal()).unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.companions.directory()).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn text(chain: &Chain, after: u64) -> String {
    let mut text = String::new();
    for frame in chain.frames().from(after + 1) {
        let payload = frame.payload().read().unwrap();
        let payload = match payload.len() {
            0..=40 => String::from_utf8_lossy(&payload).into_owned(),
            len => format!("{len}*{}", payload[0]),
        };
        let key = String::from_utf8_lossy(frame.key);
        let end = if frame.ends_commit() { ";" } else { "" };
        text += &format!("{} {key}={payload}{end} ", frame.sequence);
    }
    text.trim_end().to_owned()
}

fn frame(key: &str) -> NewFrame<'_> {
    NewFrame {
        kind: FrameKind::Set,
        type_id: 3,
        key: key.as_bytes(),
        timestamp: 1,
    }
}

fn set(writer: &mut Writer, key: &str, payload: &str) -> Written {
    writer
        .append(&frame(key), payload.as_bytes(), None)
        .unwrap()
}

fn set_and_commit(writer: &mut Writer, key: &str, payload: &str) -> u64 {
    set(writer, key, payload);
    writer.commit(1).unwrap()
}

/// A small journal of four commits, of which the third has two frames, and where each frame begins.
fn small_journal(place: &Place, durability: Durability) -> Vec<u64> {
    let (mut writer, _) = place.writer(&NO_ARCHIVE, durability);
    let mut starts = Vec::new();
    for (key, payload, ends) in [
        ("a", "1", true),
        (
            "a long name, which with its sum takes more than one line of 64",
            "two",
            true,
        ),
        ("", "three", false),
        ("d", "", true),
        ("e", "five", true),
    ] {
        starts.push(set(&mut writer, key, payload).offset);
        if ends {
            writer.commit(1).unwrap();
        }
    }
    writer.close().unwrap();
    starts
}

fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
