//! What a writer does before its first append: what does not count goes aside, byte for byte, and is
//! on the disk there before it is cut off. Nothing is overwritten.

use std::io;
use std::path::{Path, PathBuf};

use super::chain::{Chain, Damage};
use super::file::{JournalFile, remove, rename_new, sync_directory};
use super::paths::Companions;
use crate::error::{EnvError, Result};

/// Bytes copied at a time.
const PIECE: usize = 1 << 20;
/// Files set aside before it is asked that someone look at them.
const MOST: u32 = 10_000;

/// Bytes that were set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetAside {
    /// What did not count, and why.
    pub(crate) damage: Damage,
    /// The file they are in now.
    pub(crate) to: PathBuf,
}

/// Sets aside what is in the files and does not count, the last files first: whenever this ends, what
/// is left is a chain that reads the same.
pub(super) fn set_aside(chain: &Chain) -> Result<Vec<SetAside>> {
    let companions = &chain.companions;
    let mut done = Vec::new();
    for damage in chain.damage()?.into_iter().rev() {
        let to = match damage.offset {
            0 => move_whole(companions, &damage.path)?,
            _ => copy_tail(companions, &damage)?,
        };
        done.push(SetAside { damage, to });
    }
    if !done.is_empty() {
        let directory = companions.directory();
        sync_directory(directory).map_err(|e| EnvError::io("sync", directory, e))?;
    }
    if let Some((last, end)) = chain.last_segment()
        && last.len()? > end.offset
    {
        let failed = |e| EnvError::io("cut", last.path(), e);
        if let Some(file) = JournalFile::open(last.path(), true)? {
            file.set_len(end.offset).map_err(failed)?;
        }
    }
    Ok(done)
}

fn move_whole(companions: &Companions, path: &Path) -> Result<PathBuf> {
    let moved = first_free(companions, |to| rename_new(path, to));
    Ok(moved.map_err(|e| EnvError::io("move aside", path, e))?.1)
}

fn copy_tail(companions: &Companions, damage: &Damage) -> Result<PathBuf> {
    let failed = |e| EnvError::io("set aside the end of", &*damage.path, e);
    let (to, path) = first_free(companions, JournalFile::create_new).map_err(failed)?;
    let copy = || {
        let from = JournalFile::open(&damage.path, false).map_err(io::Error::other)?;
        let from = from.ok_or(io::ErrorKind::NotFound)?;
        let mut piece = vec![0; PIECE];
        let mut at = damage.offset;
        // A hole stays one: it may be longer than the disk.
        while let Some(data) = from.next_data(at)? {
            match from.read_at(data, &mut piece)? {
                0 => break,
                n => {
                    to.write_all_at(data - damage.offset, &piece[..n])?;
                    at = data + n as u64;
                }
            }
        }
        let len = from.len()?.saturating_sub(damage.offset);
        if to.len()? < len {
            to.set_len(len)?;
        }
        to.sync_data()
    };
    copy().map_err(|e| {
        // Half a copy is of no use; the bytes are where they were.
        let _ = remove(&path);
        failed(e)
    })?;
    Ok(path)
}

/// Does something with the first name for what is set aside that is free.
fn first_free<T>(
    companions: &Companions,
    mut make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    for n in 1..=MOST {
        let path = companions.rejected(n);
        match make(&path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
            Ok(made) => return Ok((made, path)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
