//! The rows of a table, one after the other, with no more than one in memory.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::rc::Rc;

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::error::{ImportError, Place, Result, Site};
use super::source::SourceFile;

/// Longest row, in bytes: it is held in memory.
const MAX_ROW_BYTES: u64 = 16 << 20;

/// One more row that is put behind the last one. When it does not come out as a row, a quote was
/// opened and never closed, which the parser would take for a field up to the end of the file.
const LAST_ROW: &[u8] = b"\nE";

/// A table from its beginning, with the row that names the columns.
pub(super) struct Rows<'a> {
    reader: Reader<RowLimit>,
    row: ByteRecord,
    since_row: Rc<Cell<u64>>,
    /// Byte of the file at which the reader began: behind a byte order mark.
    skipped: u64,
    /// Byte at which the row begins, counted from there.
    start: u64,
    /// Number of fields of the first row.
    columns: Option<usize>,
    site: &'a Site,
    source: &'a SourceFile,
}

impl<'a> Rows<'a> {
    /// The rows of `source`.
    ///
    /// # Errors
    /// When the file cannot be opened, or begins as UTF-16 does.
    pub(super) fn open(source: &'a SourceFile, delimiter: u8, site: &'a Site) -> Result<Rows<'a>> {
        let mut file = source.handle().map_err(|e| site.value(e))?;
        let mut start = Vec::new();
        (&mut file)
            .take(3)
            .read_to_end(&mut start)
            .map_err(|e| site.io("read", e))?;
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = start[..] {
            return Err(site.damaged("the text is UTF-16", "save the file as UTF-8"));
        }
        let skipped = if start == b"\xef\xbb\xbf" { 3 } else { 0 };
        file.seek(SeekFrom::Start(skipped))
            .map_err(|e| site.io("read", e))?;
        let since_row = Rc::new(Cell::new(0));
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .from_reader(RowLimit {
                file: BufReader::new(file),
                behind: LAST_ROW,
                since_row: Rc::clone(&since_row),
            });
        Ok(Rows {
            reader,
            row: ByteRecord::new(),
            since_row,
            skipped,
            start: 0,
            columns: None,
            site,
            source,
        })
    }

    /// Goes to the next row. False at the end, after a look whether the file has changed.
    ///
    /// # Errors
    /// When the row has another number of fields than the first, is too long, or has a quote that
    /// is not closed; with its line.
    pub(super) fn next(&mut self) -> Result<bool> {
        self.since_row.set(0);
        self.start = self.reader.position().byte();
        let more = self.reader.read_byte_record(&mut self.row);
        let more = more.map_err(|e| self.error(e))?;
        let at_end = self.consumed() > self.source.len() + 1;
        if !more || (at_end && self.row.len() == 1 && self.row.get(0) == Some(b"E")) {
            let file = self.reader.get_ref().file.get_ref();
            self.source.check(file).map_err(|e| self.site.value(e))?;
            return Ok(false);
        }
        if at_end {
            return Err(self.site.at(self.line()).damaged(
                "a quote that is opened in the row that begins here is never closed",
                "close it, or double it where it is a character",
            ));
        }
        let (expected, found) = (*self.columns.get_or_insert(self.len()), self.len());
        if found != expected {
            return Err(self.site.at(self.line()).damaged(
                format!("the row has {found} fields, but the first one has {expected}"),
                "correct the row, or quote fields that hold the delimiter",
            ));
        }
        Ok(true)
    }

    /// Bytes of the file that were parsed, and of what is behind it.
    fn consumed(&self) -> u64 {
        self.skipped + self.reader.position().byte()
    }

    /// Number of fields of the row.
    pub(super) fn len(&self) -> usize {
        self.row.len()
    }

    /// Field `index` of the row as text.
    ///
    /// # Errors
    /// When it is not UTF-8, with its line.
    pub(super) fn field(&self, index: usize) -> Result<&str> {
        let bytes = self.row.get(index).unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| {
            self.site.at(self.line()).damaged(
                format!("field {} of the row is not UTF-8", index + 1),
                "save the file as UTF-8",
            )
        })
    }

    fn error(&self, error: csv::Error) -> ImportError {
        match error.into_kind() {
            ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
                self.site.at(self.line()).unsupported(
                    format!("the row that begins here is longer than {MAX_ROW_BYTES} bytes"),
                    "close the quote that was opened in it, or choose the right delimiter",
                )
            }
            ErrorKind::Io(e) => self.site.io("read", e),
            other => self
                .site
                .at(self.line())
                .damaged(format!("{other:?}"), "correct the row"),
        }
    }

    /// The line on which the row begins. It is counted when there is something to complain about:
    /// the reader's own count stops before blank lines and inside `\r\n`.
    fn line(&self) -> Place {
        self.count_lines().map_or(Place::Whole, Place::Line)
    }

    fn count_lines(&self) -> Option<u64> {
        let file = self.source.handle().ok()?;
        let start = self.skipped + self.start;
        let (mut line, mut after_return) = (1, false);
        for (at, byte) in (0..).zip(BufReader::new(file).bytes()) {
            let byte = byte.ok()?;
            if at >= start && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            line += u64::from(byte == b'\r' || (byte == b'\n' && !after_return));
            after_return = byte == b'\r';
        }
        Some(line)
    }
}

/// A file of which no more than a row's worth is read at a time, with [`LAST_ROW`] behind it.
struct RowLimit {
    file: BufReader<File>,
    behind: &'static [u8],
    since_row: Rc<Cell<u64>>,
}

impl Read for RowLimit {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let mut count = self.file.read(out)?;
        if count == 0 {
            count = self.behind.read(out)?;
        }
        self.since_row.set(self.since_row.get() + count as u64);
        Ok(count)
    }
}
