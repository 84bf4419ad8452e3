//! Files in memory, and what may be left of changes that were not synced.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

/// A file, whatever it is called.
pub(crate) type FileId = usize;

/// What the kernel writes back at once.
pub(crate) const PAGE: u64 = 4096;

/// A change of what is in a file.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
    AtLeast(u64),
}

/// A change of names in the directory, in one step.
#[derive(Clone, Debug)]
pub(crate) struct NameChange {
    pub(crate) removed: Option<String>,
    pub(crate) added: Option<(String, FileId)>,
}

/// What is in the directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk {
    pub(crate) files: Vec<Vec<u8>>,
    pub(crate) names: BTreeMap<String, FileId>,
}

impl Disk {
    /// What is there now.
    pub(crate) fn read(directory: &Path) -> io::Result<Disk> {
        let mut disk = Disk::default();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            disk.names.insert(name, disk.files.len());
            disk.files.push(fs::read(entry.path())?);
        }
        Ok(disk)
    }

    /// Puts it into an empty directory.
    pub(crate) fn write(&self, directory: &Path) -> io::Result<()> {
        for (name, file) in &self.names {
            fs::write(directory.join(name), self.file(*file))?;
        }
        Ok(())
    }

    pub(crate) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for (name, file) in &self.names {
            (name, self.file(*file)).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Makes a change of a file, without the pages of a write that `kept` refuses; the file grows all
    /// the same.
    pub(crate) fn change(&mut self, file: FileId, change: &Change, kept: impl Fn(u64) -> bool) {
        if self.files.len() <= file {
            self.files.resize_with(file + 1, Vec::new);
        }
        let bytes = &mut self.files[file];
        match change {
            Change::Length(len) => bytes.resize(*len as usize, 0),
            Change::AtLeast(len) => bytes.resize((*len as usize).max(bytes.len()), 0),
            Change::Write { offset, data } => {
                let end = offset + data.len() as u64;
                bytes.resize((end as usize).max(bytes.len()), 0);
                let mut at = *offset;
                while at < end {
                    let next = end.min((at / PAGE + 1) * PAGE);
                    if kept(at / PAGE) {
                        let part = &data[(at - offset) as usize..(next - offset) as usize];
                        bytes[at as usize..next as usize].copy_from_slice(part);
                    }
                    at = next;
                }
            }
        }
    }

    pub(crate) fn rename(&mut self, change: &NameChange) {
        if let Some(name) = &change.removed {
            self.names.remove(name);
        }
        if let Some((name, file)) = &change.added {
            self.names.insert(name.clone(), *file);
        }
    }

    /// A file that nothing was written to has no entry yet.
    fn file(&self, file: FileId) -> &[u8] {
        self.files.get(file).map_or(&[], Vec::as_slice)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Write { offset, data } => write!(f, "write of {} at {offset}", data.len()),
            Change::Length(len) => write!(f, "length {len}"),
            Change::AtLeast(len) => write!(f, "reserve {len}"),
        }
    }
}

impl fmt::Display for NameChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.removed, &self.added) {
            (Some(from), Some((to, _))) => write!(f, "rename {from} to {to}"),
            (Some(name), None) => write!(f, "unlink {name}"),
            (None, Some((name, _))) => write!(f, "create {name}"),
            (None, None) => f.write_str("nothing"),
        }
    }
}
