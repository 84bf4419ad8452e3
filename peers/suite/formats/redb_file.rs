//! redb: a key and bytes for each variable, one file.

use std::fs::File;
use std::io;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{
    Database, Durability, ReadOnlyDatabase, ReadOnlyTable, ReadableDatabase, StorageBackend,
    TableDefinition,
};

use crate::mapping::remove;

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("values");

/// A file that is left to the page cache.
#[derive(Debug)]
struct Unsynced(FileBackend);

impl StorageBackend for Unsynced {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

/// Saves into a new file.
pub(crate) fn save<'v>(
    path: &Path,
    durable: bool,
    values: impl Iterator<Item = (&'v str, &'v [u8])>,
) {
    remove([path]);
    let database = match durable {
        true => Database::create(path),
        false => {
            let mut options = File::options();
            let file = options.read(true).write(true).create_new(true).open(path);
            let backend = FileBackend::new(file.expect("a file")).expect("a file");
            Database::builder().create_with_backend(Unsynced(backend))
        }
    }
    .expect("a database");
    let mut writing = database.begin_write().expect("a transaction");
    let durability = Durability::Immediate;
    writing.set_durability(durability).expect("a transaction");
    {
        let mut table = writing.open_table(TABLE).expect("a table");
        for (name, value) in values {
            table.insert(name, value).expect("an insert");
        }
    }
    writing.commit().expect("a commit");
}

/// Opens to read.
pub(crate) fn open(path: &Path) -> ReadOnlyDatabase {
    ReadOnlyDatabase::open(path).expect("a database")
}

pub(crate) fn table(database: &ReadOnlyDatabase) -> ReadOnlyTable<&'static str, &'static [u8]> {
    let reading = database.begin_read().expect("a transaction");
    reading.open_table(TABLE).expect("a table")
}

/// Opens, and looks at one value.
pub(crate) fn one<T>(path: &Path, name: &str, look: impl FnOnce(&[u8]) -> T) -> T {
    let database = open(path);
    let value = table(&database).get(name).expect("a read");
    look(value.expect("a value").value())
}
