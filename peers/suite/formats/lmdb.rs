//! LMDB by way of heed: a key and bytes for each variable, one file.

use std::path::Path;

use heed::types::{Bytes, Str};
use heed::{CommitOrAbort, Database, Env, EnvFlags, EnvOpenOptions, PutFlags};

use crate::mapping::remove;

pub(crate) type Names<'e> = Database<'e, Str, Bytes>;

#[allow(unsafe_code)]
fn open_with(path: &Path, size: Option<usize>, flags: EnvFlags) -> Env {
    let mut options = EnvOpenOptions::new();
    if let Some(size) = size {
        options.map_size(size);
    }
    // SAFETY: nobody else opens this file, neither through another `Env` nor by other means; what is not
    // synced is not looked for after a crash.
    unsafe {
        options.flags(flags | EnvFlags::NO_SUB_DIR | EnvFlags::NO_LOCK);
        options.open(path).expect("an environment")
    }
}

/// Opens to read, without the table of readers that writers would heed: the quickest there is.
pub(crate) fn open(path: &Path) -> Env {
    open_with(path, None, EnvFlags::READ_ONLY)
}

/// The only database of the file.
pub(crate) fn names(env: &Env) -> Names<'_> {
    let reading = env.read_txn().expect("a transaction");
    let opened = env.open_databases_and_commit(reading, |opener, reading| {
        let names = opener.open_database(reading, None);
        names.map(CommitOrAbort::<_, ()>::Commit)
    });
    let names: Option<Names<'_>> = opened.expect("a database").unwrap_commit();
    names.expect("a database")
}

/// Saves into a new file, in the order of the names, of about `bytes` bytes.
pub(crate) fn save<'v>(
    path: &Path,
    bytes: usize,
    durable: bool,
    values: impl Iterator<Item = (&'v str, &'v [u8])>,
) {
    remove([path]);
    // Pages of one in half use, and then some.
    let size = (bytes * 3 + (64 << 20)).next_multiple_of(1 << 20);
    let flags = match durable {
        true => EnvFlags::empty(),
        false => EnvFlags::NO_SYNC | EnvFlags::NO_META_SYNC,
    };
    let env = open_with(path, Some(size), flags);
    let names = names(&env);
    let mut writing = env.write_txn().expect("a transaction");
    for (name, value) in values {
        let put = names.put_with_flags(&mut writing, PutFlags::APPEND, name, value);
        put.expect("room");
    }
    writing.commit().expect("a commit");
}

/// Opens, and looks at one value.
pub(crate) fn one<T>(path: &Path, name: &str, look: impl FnOnce(&[u8]) -> T) -> T {
    let env = open(path);
    let names = names(&env);
    let reading = env.read_txn().expect("a transaction");
    let value = names.get(&reading, name).expect("a read");
    look(value.expect("a value"))
}
