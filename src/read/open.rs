//! Opening: the road is chosen once; header and table are read and checked, or of the table only its head;
//! nothing else is.

use std::path::Path;
use std::sync::Arc;

use super::archive::Archive;
use super::check::Check;
use super::lazy_table::LazyTable;
use super::map::{Map, Mapping};
use super::replay::open::Road;
use super::source::{ByteSource, FileSource, MemorySource, Stamp, open_file};
use super::store::{Store, TableBytes, Tables};
use super::table_pages::TablePages;
use super::tables::check_cap;
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::TRAILER_LEN;
use crate::format::header::{AchHeader, HEADER_LEN, HeaderError, MAGIC};
use crate::format::table::Table;
use crate::format::table_head::{PREAMBLE_LEN, TableHead};
use crate::limits::Limits;
use crate::pool::BufferPool;
use crate::value::Buffer;

/// How an archive is opened.
///
/// ```no_run
/// use achronyme_env::{Check, OpenOptions};
///
/// let archive = OpenOptions::new().check(Check::Always).open("run.ach")?;
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    check: Check,
    limits: Limits,
    journal: bool,
    pool: Option<BufferPool>,
    /// Whether a delta is meant, and not an archive.
    delta: bool,
    lazy_table: bool,
}

/// Bytes read with the first call: header, and the table of a small archive.
const FIRST_READ: usize = 4096;

impl OpenOptions {
    /// The defaults: [`Check::Auto`] and the default [`Limits`].
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// When data is checked.
    pub fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Array data that is read into memory (on the read road, or compressed) is read into buffers of
    /// `pool`, which get them back when the last tensor over them is dropped: whoever reads arrays one
    /// after the other takes no fresh memory for each, which costs about as much as reading it. What
    /// the pool has no room for has memory of its own, and counts as refused.
    ///
    /// ```
    /// use achronyme_env::{BufferPool, OpenOptions, SaveOptions, Tensor, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let tensor = Tensor::from_vec(vec![1.5f64; 10_000], [10_000])?;
    /// save(&path, [("a", tensor)], &SaveOptions::new())?;
    /// let pool = BufferPool::new(1 << 20);
    /// for _ in 0..10 {
    ///     let archive = OpenOptions::new().pool(pool.clone()).open(&path)?;
    ///     assert_eq!(archive.tensor("a")?.as_slice::<f64>()?[9999], 1.5);
    /// }
    /// assert_eq!((pool.counts().taken, pool.counts().made), (10, 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pool(mut self, pool: BufferPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Caps on memory.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether what a session committed to the journal beside the file is read over it
    /// ([`OpenOptions::open`], [`OpenOptions::open_mmap`]). By default the archive alone is read.
    ///
    /// Opening then also answers [`EnvError::ForeignJournal`] and [`EnvError::JournalGap`] when the
    /// journal does not belong to the archive.
    pub fn journal(mut self, journal: bool) -> Self {
        self.journal = journal;
        self
    }

    /// Whether the table of contents is checked as it is used, and not when the archive is opened: so
    /// that opening 100,000 variables and loading one costs about as much as opening 10.
    ///
    /// Opening then checks the header, the preamble and the list of the sums of the table's pages. A page
    /// of 4 KiB is compared with its sum when it is first touched, and a record (entry, extent, node,
    /// shape, name) is checked when it is used. What is damaged gives the same errors as otherwise,
    /// only later, and the rest can be read. What goes through all names, and whatever else needs the
    /// whole ([`Archive::verify`], [`Archive::check_table`], a name that is not there, a journal with
    /// commits), checks all of it once, which costs what it would have cost at open.
    ///
    /// What cannot answer with an error leaves out what is damaged: [`Archive::binding`] and
    /// [`Archive::contains`] find nothing, [`Archive::with_prefix`] and its like list nothing, and a
    /// binding in [`Archive::bindings`] whose name cannot be read has an empty one, while its value is an
    /// error. Call [`Archive::check_table`] before relying on them.
    ///
    /// ```
    /// use achronyme_env::{OpenOptions, SaveOptions, save};
    /// # let dir = tempfile::tempdir()?;
    /// # let path = dir.path().join("run.ach");
    ///
    /// let numbers: Vec<_> = (0..1000).map(|n| (format!("n{n:03}"), n)).collect();
    /// save(&path, numbers, &SaveOptions::new())?;
    /// let archive = OpenOptions::new().lazy_table(true).open(&path)?;
    /// assert_eq!(archive.get("n700")?.as_i64(), Some(700));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lazy_table(mut self, lazy: bool) -> Self {
        self.lazy_table = lazy;
        self
    }

    /// Opens a delta, which is otherwise refused, and nothing else. What removes a name is then a
    /// binding of null.
    pub(crate) fn delta(mut self) -> Self {
        self.delta = true;
        self
    }

    /// Opens a file for reading piece by piece. See [`Archive::open`].
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Archive> {
        let path = path.as_ref();
        match self.journal {
            true => Road::new(self.clone()).open_state(path),
            false => self.open_archive(path),
        }
    }

    /// Opens an archive, whatever stands beside it.
    pub(crate) fn open_archive(&self, path: &Path) -> Result<Archive> {
        let (file, stamp) = open_file(path)?;
        self.open_source(Arc::new(FileSource { file, stamp }), path.into())
    }

    /// Maps a file. See [`Archive::open_mmap`].
    ///
    /// # Safety
    /// As [`Archive::open_mmap`].
    ///
    /// # Errors
    /// As [`Archive::open`].
    #[allow(unsafe_code)]
    pub unsafe fn open_mmap(&self, path: impl AsRef<Path>) -> Result<Archive> {
        let path = path.as_ref();
        // SAFETY: the caller of this function promises it, for the archive and, where it is read
        // too, for the committed part of its journal.
        let promise = unsafe { Mapping::promised() };
        match self.journal {
            true => Road::mapped(self.clone(), promise).open_state(path),
            false => self.open_promised(path, &promise),
        }
    }

    /// Opens the bytes of an archive in memory. See [`Archive::from_bytes`].
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_bytes(&self, bytes: impl AsRef<[u8]>) -> Result<Archive> {
        let buffer = Buffer::copied(bytes.as_ref())?;
        self.open_source(Arc::new(MemorySource(buffer)), Origin::Memory)
    }

    /// Opens an archive in a buffer, without a copy.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub fn from_buffer(&self, buffer: Buffer) -> Result<Archive> {
        self.open_source(Arc::new(MemorySource(buffer)), Origin::Memory)
    }

    /// Maps a sealed memory file. See [`Archive::from_sealed_fd`].
    ///
    /// # Errors
    /// As [`Archive::from_sealed_fd`].
    #[cfg(target_os = "linux")]
    pub fn from_sealed_fd(&self, fd: std::os::fd::OwnedFd) -> Result<Archive> {
        let map = Map::sealed(fd).map_err(|e| EnvError::io("map", Origin::Memory, e))?;
        self.open_source(Arc::new(map), Origin::Memory)
    }

    /// Maps a sealed memory file by a path of it. See [`Archive::open_sealed`].
    ///
    /// # Errors
    /// As [`Archive::open_sealed`].
    #[cfg(target_os = "linux")]
    pub fn open_sealed(&self, path: impl AsRef<Path>) -> Result<Archive> {
        let path = path.as_ref();
        let (file, _) = open_file(path)?;
        let map = Map::sealed(file.into()).map_err(|e| EnvError::io("map", path, e))?;
        self.open_source(Arc::new(map), path.into())
    }

    /// Maps a file on a promise that was given before.
    ///
    /// # Errors
    /// As [`Archive::open`].
    pub(crate) fn open_promised(&self, path: &Path, mapping: &Mapping) -> Result<Archive> {
        let (file, stamp) = open_file(path)?;
        if stamp.len == 0 {
            // An empty file cannot be mapped: let the other road say what it is.
            return self.open_source(Arc::new(FileSource { file, stamp }), path.into());
        }
        let map = mapping.whole(file, stamp);
        let map = map.map_err(|e| EnvError::io("map", path, e))?;
        self.open_source(Arc::new(map), path.into())
    }

    /// Opens a file that has no name and that nobody else holds; messages call it `origin`.
    pub(crate) fn open_private(&self, file: std::fs::File, origin: Origin) -> Result<Archive> {
        let metadata = file.metadata();
        let metadata = metadata.map_err(|e| EnvError::io("read", origin.clone(), e))?;
        let stamp = Stamp::of(&metadata);
        self.open_source(Arc::new(FileSource { file, stamp }), origin)
    }

    fn open_source(&self, source: Arc<dyn ByteSource>, origin: Origin) -> Result<Archive> {
        let damaged = |fault| EnvError::Damaged {
            path: origin.clone(),
            fault,
        };
        let len = source.len();
        let mut first = [0; FIRST_READ];
        let head = &mut first[..(FIRST_READ as u64).min(len) as usize];
        let read = match self.lazy_table {
            true => source.read_apart(0, head),
            false => source.read_at(0, head),
        };
        read.map_err(|e| EnvError::io("read", origin.clone(), e))?;
        let header = read_header(head, len, &origin)?;
        match (header.is_delta(), self.delta) {
            (true, false) => return Err(EnvError::IsDelta { path: origin }),
            (false, true) => return Err(EnvError::NotADelta { path: origin }),
            _ => {}
        }
        let table_end = header.table_offset.checked_add(header.table_len);
        let in_file = table_end.is_some_and(|end| end <= len.saturating_sub(TRAILER_LEN));
        let fits = header.table_offset >= HEADER_LEN as u64
            && header.table_offset % 64 == 0
            && header.table_len >= PREAMBLE_LEN as u64;
        if !in_file || !fits {
            if fits && in_file_once(&header) {
                // Cut short before the end of its table, so its own length cannot be read.
                let expected = table_end.unwrap_or(u64::MAX).saturating_add(TRAILER_LEN);
                let problem = Problem::Length {
                    expected,
                    found: len,
                };
                return Err(damaged(Fault::new(Part::FileLength, len, problem)));
            }
            let (start, length) = (header.table_offset, header.table_len);
            let problem = Problem::OutOfBounds { start, length };
            return Err(damaged(Fault::new(Part::Header, 40, problem)));
        }
        let tables = match self.lazy_table {
            true => {
                let table = lazy_table(&source, &header, head, &origin, self.limits)?;
                Tables::Lazy(Box::new(table))
            }
            false => {
                let bytes = TableBytes::read(&source, &header, head, &origin, &self.limits)?;
                Tables::Archive(Box::new(
                    Table::check(bytes, &header, len).map_err(damaged)?,
                ))
            }
        };
        let store = Store::new(source, tables, origin, self.check, self.limits);
        let store = store.with_pool(self.pool.clone());
        let archive = Archive::new(header, Arc::new(store));
        if self.check == Check::AtOpen {
            let report = archive.verify()?;
            if let Some(fault) = report.faults.into_iter().next() {
                return Err(fault.into_error(archive.origin()));
            }
        }
        Ok(archive)
    }
}

/// The table of which only the head is checked now. `first` are the first bytes of the file.
fn lazy_table(
    source: &Arc<dyn ByteSource>,
    header: &AchHeader,
    first: &[u8],
    origin: &Origin,
    limits: Limits,
) -> Result<LazyTable> {
    let damaged = |fault| EnvError::Damaged {
        path: origin.clone(),
        fault,
    };
    let read = |offset: u64, out: &mut [u8]| {
        let read = source.read_apart(offset, out);
        read.map_err(|e| EnvError::io("read", origin.clone(), e))
    };
    let offset = header.table_offset;
    if source.lend(offset, header.table_len).is_none() {
        check_cap(header, origin, &limits)?;
    }
    let mut beginning = [0; FIRST_READ];
    let beginning = match first.get(offset as usize..) {
        Some(there) if there.len() >= PREAMBLE_LEN => {
            there.get(..header.table_len as usize).unwrap_or(there)
        }
        _ => {
            let beginning = &mut beginning[..(FIRST_READ as u64).min(header.table_len) as usize];
            read(offset, beginning)?;
            beginning
        }
    };
    // No more than the table is long, which lies in the file.
    let len = TableHead::len_of(beginning, header).map_err(damaged)?;
    let mut head = vec![0; len].into_boxed_slice();
    let there = beginning.len().min(len);
    let (known, rest) = head.split_at_mut(there);
    known.copy_from_slice(&beginning[..there]);
    if !rest.is_empty() {
        read(offset + there as u64, rest)?;
    }
    let file_len = source.len();
    let checked = TableHead::check(&head, header, file_len, false).map_err(damaged)?;
    let pages = TablePages::new(Arc::clone(source), header.clone(), origin.clone(), head);
    pages.take_from(first);
    Ok(LazyTable::new(checked, pages, file_len, limits))
}

/// Whether the header's table could lie in some file: its end does not overflow.
fn in_file_once(header: &AchHeader) -> bool {
    header
        .table_offset
        .checked_add(header.table_len)
        .is_some_and(|end| end < 1 << 62)
}

fn read_header(head: &[u8], len: u64, origin: &Origin) -> Result<AchHeader> {
    let not_an_archive = |found: String| {
        Err(EnvError::NotAnArchive {
            path: origin.clone(),
            found,
        })
    };
    let Some(bytes) = head.first_chunk::<HEADER_LEN>() else {
        if head.is_empty() {
            return not_an_archive("it is empty".to_owned());
        }
        if !MAGIC.starts_with(head.get(..4).unwrap_or(head)) {
            return not_an_archive(format!(
                "it has {len} bytes and does not begin with \"ACH\""
            ));
        }
        let problem = Problem::Length {
            expected: HEADER_LEN as u64,
            found: len,
        };
        let fault = Fault::new(Part::Header, len, problem);
        return Err(EnvError::Damaged {
            path: origin.clone(),
            fault,
        });
    };
    AchHeader::from_bytes(bytes).or_else(|error| match error {
        HeaderError::Magic(found) => not_an_archive(format!(
            "it begins with {}, not with \"ACH\\0\"{}",
            show_bytes(&found),
            magic_hint(bytes),
        )),
        HeaderError::Version { major: 1, minor } => Err(EnvError::Version1 {
            path: origin.clone(),
            major: 1,
            minor,
        }),
        HeaderError::Version { major, minor } => Err(EnvError::Unsupported {
            path: origin.clone(),
            what: format!("format version {major}.{minor}"),
        }),
        HeaderError::Features(bits) => Err(EnvError::Unsupported {
            path: origin.clone(),
            what: format!("required features {bits:#06x}"),
        }),
        HeaderError::Fault(fault) => Err(EnvError::Damaged {
            path: origin.clone(),
            fault,
        }),
    })
}

fn show_bytes(bytes: &[u8]) -> String {
    let printable = bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
    if printable {
        return format!("\"{}\"", String::from_utf8_lossy(bytes));
    }
    let hex: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    hex.join(" ")
}

/// What another well-known beginning means.
fn magic_hint(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => " (an .npy file; pack it with `ach pack`)",
        [b'P', b'K', 3, 4, ..] => " (a zip file; pack an .npz with `ach pack`)",
        [0x89, b'H', b'D', b'F', ..] => " (an HDF5 file)",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => " (a zstd file)",
        [b'A', b'C', b'H', b'V', ..] => " (a value image)",
        _ => "",
    }
}
