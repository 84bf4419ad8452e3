//! Small values under names, committed durably: by sessions, by two databases, and by nothing but the
//! two calls of the system that cannot be left out.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use achronyme_env::{Session, SessionOptions};
use redb::{Database, Durability, ReadableDatabase, TableDefinition};
use rusqlite::Connection;

/// A number under a name.
pub(crate) type Change<'c> = (&'c str, f64);

/// Something that commits.
pub(crate) trait Store {
    /// Sets all of them in one commit, which is on the disk when this returns.
    fn commit(&mut self, changes: &[Change<'_>]);

    /// What is stored under a name.
    fn get(&self, name: &str) -> f64;
}

/// A session with its default options.
pub(crate) fn session(dir: &Path) -> Session {
    let options = SessionOptions::new().create(true);
    options.open(dir.join("session.ach")).expect("a session")
}

impl Store for Session {
    fn commit(&mut self, changes: &[Change<'_>]) {
        for (name, number) in changes {
            self.set(name, *number).expect("a name");
        }
        Session::commit(self).expect("a commit");
    }

    fn get(&self, name: &str) -> f64 {
        let value = Session::get(self, name).expect("a value");
        value.as_f64().expect("a number")
    }
}

/// redb as it comes: `Durability::Immediate`, one phase.
pub(crate) struct Redb(Database);

const TABLE: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("numbers");

impl Redb {
    pub(crate) fn new(dir: &Path) -> Redb {
        Redb(Database::create(dir.join("redb")).expect("a database"))
    }
}

impl Store for Redb {
    fn commit(&mut self, changes: &[Change<'_>]) {
        let mut writing = self.0.begin_write().expect("a transaction");
        let durability = Durability::Immediate;
        writing.set_durability(durability).expect("a transaction");
        {
            let mut table = writing.open_table(TABLE).expect("a table");
            for (name, number) in changes {
                let bytes = number.to_le_bytes();
                table.insert(*name, bytes.as_slice()).expect("an insert");
            }
        }
        writing.commit().expect("a commit");
    }

    fn get(&self, name: &str) -> f64 {
        let reading = self.0.begin_read().expect("a transaction");
        let table = reading.open_table(TABLE).expect("a table");
        let value = table.get(name).expect("a read").expect("a value");
        f64::from_le_bytes(value.value().try_into().expect("8 bytes"))
    }
}

/// SQLite with a write-ahead log and `synchronous=FULL`; statements are prepared once.
pub(crate) struct Sqlite(Connection);

impl Sqlite {
    pub(crate) fn new(dir: &Path) -> Sqlite {
        let connection = Connection::open(dir.join("sqlite")).expect("a database");
        for (pragma, value) in [("journal_mode", "WAL"), ("synchronous", "FULL")] {
            connection
                .pragma_update(None, pragma, value)
                .expect("a pragma");
        }
        let table = "CREATE TABLE numbers (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID";
        connection.execute_batch(table).expect("a table");
        Sqlite(connection)
    }

    fn run(&self, statement: &str) {
        let mut prepared = self.0.prepare_cached(statement).expect("a statement");
        prepared.execute([]).expect("a statement");
    }
}

impl Store for Sqlite {
    fn commit(&mut self, changes: &[Change<'_>]) {
        // One statement is a transaction of its own.
        let several = changes.len() > 1;
        if several {
            self.run("BEGIN IMMEDIATE");
        }
        for (name, number) in changes {
            let text = "INSERT INTO numbers VALUES (?1, ?2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
            let mut insert = self.0.prepare_cached(text).expect("a statement");
            let bytes = number.to_le_bytes();
            insert.execute((*name, bytes)).expect("an insert");
        }
        if several {
            self.run("COMMIT");
        }
    }

    fn get(&self, name: &str) -> f64 {
        let text = "SELECT value FROM numbers WHERE name = ?1";
        let value: [u8; 8] = self
            .0
            .query_row(text, [name], |row| row.get(0))
            .expect("a value");
        f64::from_le_bytes(value)
    }
}

/// The floor: as many bytes as the frames of a session have, written over zeros that are there
/// already, and `fdatasync`.
pub(crate) struct Plain {
    file: File,
    at: u64,
    last: f64,
}

/// Bytes of a frame with a number under a short name.
const FRAME: usize = 192;
const PLAIN: u64 = 64 << 20;

impl Plain {
    pub(crate) fn new(dir: &Path) -> Plain {
        let file = File::create(dir.join("plain")).expect("a file");
        let zeros = vec![0; 1 << 20];
        for piece in 0..PLAIN >> 20 {
            file.write_all_at(&zeros, piece << 20).expect("room");
        }
        file.sync_all().expect("a sync");
        let (at, last) = (0, 0.0);
        Plain { file, at, last }
    }
}

impl Store for Plain {
    fn commit(&mut self, changes: &[Change<'_>]) {
        let mut bytes = Vec::with_capacity(changes.len() * FRAME);
        for (_, number) in changes {
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.resize(bytes.len().next_multiple_of(FRAME), 1);
            self.last = *number;
        }
        if self.at + bytes.len() as u64 > PLAIN {
            self.at = 0;
        }
        self.file.write_all_at(&bytes, self.at).expect("a write");
        self.file.sync_data().expect("a sync");
        self.at += bytes.len() as u64;
    }

    fn get(&self, _: &str) -> f64 {
        self.last
    }
}
