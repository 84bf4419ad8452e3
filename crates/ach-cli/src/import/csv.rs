//! Tables of separated values. The file is read twice: once to decide what each column holds, once
//! to fill the columns; so no more than one row is in memory.

use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

use achronyme_env::{EnvError, Record};
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};

use super::csv_columns::columns;
use super::csv_guess::{ColumnType, Seen};
use super::error::{ImportError, Place, Result, Site, quoted};
use super::scratch::Scratch;
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

/// Longest row, in bytes: it is held in memory.
const MAX_ROW_BYTES: u64 = 16 << 20;

/// Most columns of a table.
const MAX_COLUMNS: usize = 1_000_000;

/// Most columns that the note tells about.
const NOTED_COLUMNS: usize = 20;

/// Reads a .csv or .tsv file.
///
/// # Errors
/// When a row has another number of fields than the first, a column is named twice, or the text is
/// not UTF-8; each with the line.
pub(super) fn import(path: &Path, options: &ImportOptions, delimiter: u8) -> Result<Imports> {
    let site = Site::whole(path);
    let name = options.stem(path)?;
    let source = SourceFile::open(path)?;
    let table = Table {
        delimiter: options.delimiter.unwrap_or(delimiter),
        header: options.header,
        site: &site,
        source: &source,
    };
    let mut row = ByteRecord::new();
    let mut rows = table.rows()?;
    if !rows.next(&mut row)? {
        return Err(site.damaged(
            "the file is empty",
            "write at least a line with the names of the columns",
        ));
    }
    let names = names(&row, options, &site)?;
    let mut strings_found = Vec::new();
    let mut seen: Vec<Seen> = Vec::with_capacity(names.len());
    for name in &names {
        let forced = options.strings.contains(name);
        if forced {
            strings_found.push(name.clone());
        }
        seen.push(Seen::new(forced));
    }
    let mut count: u64 = 0;
    let mut more = !options.header || rows.next(&mut row)?;
    while more {
        for (index, seen) in seen.iter_mut().enumerate() {
            seen.add(text(&row, index, &site)?);
        }
        count += 1;
        more = rows.next(&mut row)?;
    }
    drop(rows);
    let record = table.fill(&names, &seen, count, options)?;
    let mut imports = Imports::one(Imported {
        name,
        value: record.into(),
        attributes: Record::new(),
        note: None,
    });
    imports.notes.push(note(path, &names, &seen, count));
    imports.strings_found = strings_found;
    Ok(imports)
}

/// The file, and how it is to be read.
struct Table<'a> {
    delimiter: u8,
    header: bool,
    site: &'a Site,
    source: &'a SourceFile,
}

impl<'a> Table<'a> {
    /// Its rows from the beginning, with the one that names the columns.
    fn rows(&self) -> Result<Rows<'a>> {
        let mut file = self.source.handle().map_err(|e| self.site.value(e))?;
        let mut start = [0; 3];
        let count = read_some(&mut file, &mut start).map_err(|e| self.site.io("read", e))?;
        if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = start[..count] {
            return Err(self
                .site
                .damaged("the text is UTF-16", "save the file as UTF-8"));
        }
        let skipped = match &start[..count] {
            b"\xef\xbb\xbf" => 3,
            _ => 0,
        };
        file.seek(SeekFrom::Start(skipped))
            .map_err(|e| self.site.io("read", e))?;
        let since_row = Rc::new(Cell::new(0));
        let reader = ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .from_reader(RowLimit {
                file: BufReader::new(file),
                since_row: Rc::clone(&since_row),
            });
        Ok(Rows {
            reader,
            since_row,
            columns: None,
            line: 1,
            site: self.site,
            source: self.source,
        })
    }

    /// The second reading: the columns, filled.
    fn fill(
        &self,
        names: &[String],
        seen: &[Seen],
        count: u64,
        options: &ImportOptions,
    ) -> Result<Record> {
        let changed = || {
            self.site.value(EnvError::ChangedInPlace {
                path: self.site.path().into(),
                what: "its content",
            })
        };
        let mut scratch = Scratch::new(self.site.clone(), options.scratch_directory.clone());
        let mut columns = columns(seen, count, &mut scratch)?;
        let mut rows = self.rows()?;
        let mut row = ByteRecord::new();
        if self.header {
            rows.next(&mut row)?;
        }
        let mut filled: u64 = 0;
        while rows.next(&mut row)? {
            if row.len() != columns.len() {
                return Err(changed());
            }
            for (index, column) in columns.iter_mut().enumerate() {
                let cell = text(&row, index, self.site)?;
                column.add(cell)?.ok_or_else(changed)?;
            }
            filled += 1;
        }
        if filled != count {
            return Err(changed());
        }
        let mut record = Record::new();
        for (name, column) in names.iter().zip(columns) {
            let site = self.site.at(Place::Column(name.clone()));
            record.insert(name.as_str(), column.into_value(count, &site)?);
        }
        Ok(record)
    }
}

/// The rows of a table, one after the other.
struct Rows<'a> {
    reader: Reader<RowLimit>,
    since_row: Rc<Cell<u64>>,
    columns: Option<usize>,
    line: u64,
    site: &'a Site,
    source: &'a SourceFile,
}

impl Rows<'_> {
    /// Reads the next row into `row`. False at the end, after a look whether the file has changed.
    fn next(&mut self, row: &mut ByteRecord) -> Result<bool> {
        self.since_row.set(0);
        self.line = self.reader.position().line();
        let more = self
            .reader
            .read_byte_record(row)
            .map_err(|e| self.error(e))?;
        if !more {
            let file = &self.reader.get_ref().file;
            self.source
                .check(file.get_ref())
                .map_err(|e| self.site.value(e))?;
            return Ok(false);
        }
        let columns = *self.columns.get_or_insert(row.len());
        if columns > MAX_COLUMNS {
            return Err(self.site.unsupported(
                format!("it has {columns} columns; {MAX_COLUMNS} are read"),
                "save it as .npy",
            ));
        }
        Ok(true)
    }

    fn error(&self, error: csv::Error) -> ImportError {
        let line = error.position().map_or(self.line, csv::Position::line);
        let site = self.site.at(Place::Line(line));
        match error.into_kind() {
            ErrorKind::Io(e) if e.kind() == std::io::ErrorKind::FileTooLarge => site.unsupported(
                format!("the row that begins here is longer than {MAX_ROW_BYTES} bytes"),
                "close the quote that was opened in it, or choose the right delimiter",
            ),
            ErrorKind::Io(e) => self.site.io("read", e),
            ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => site.damaged(
                format!("the row has {len} fields, but the first one has {expected_len}"),
                "correct the row, or quote fields that hold the delimiter",
            ),
            other => site.damaged(format!("{other:?}"), "correct the row"),
        }
    }
}

/// A file of which no more than a row's worth is read at a time.
struct RowLimit {
    file: BufReader<File>,
    since_row: Rc<Cell<u64>>,
}

impl Read for RowLimit {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.since_row.get() > MAX_ROW_BYTES {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        let count = self.file.read(out)?;
        self.since_row.set(self.since_row.get() + count as u64);
        Ok(count)
    }
}

/// Fills as much of `out` as the file has.
fn read_some(file: &mut File, out: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = out.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

/// Field `index` of a row as text.
fn text<'r>(row: &'r ByteRecord, index: usize, site: &Site) -> Result<&'r str> {
    let bytes = row.get(index).unwrap_or_default();
    std::str::from_utf8(bytes).map_err(|e| {
        let before = &bytes[..e.valid_up_to()];
        let inside = before.iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = row.position().map_or(0, csv::Position::line) + inside;
        site.at(Place::Line(line)).damaged(
            format!("field {} is not UTF-8", index + 1),
            "save the file as UTF-8",
        )
    })
}

/// The names of the columns, from the first row or by number.
fn names(row: &ByteRecord, options: &ImportOptions, site: &Site) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(row.len());
    let mut first: HashMap<String, usize> = HashMap::with_capacity(row.len());
    for index in 0..row.len() {
        let name = match options.header {
            true => text(row, index, site)?.to_owned(),
            false => format!("c{index}"),
        };
        if let Some(before) = first.insert(name.clone(), index) {
            return Err(site.damaged(
                format!(
                    "columns {} and {} have the same name, {}",
                    before + 1,
                    index + 1,
                    quoted(&name)
                ),
                "rename one of them, or read the file with --no-header",
            ));
        }
        names.push(name);
    }
    Ok(names)
}

/// One line that tells what was decided.
fn note(path: &Path, names: &[String], seen: &[Seen], rows: u64) -> String {
    let file = path.file_name().unwrap_or(path.as_os_str());
    let columns: Vec<String> = names
        .iter()
        .zip(seen)
        .take(NOTED_COLUMNS)
        .map(|(name, seen)| {
            let name = plain(name);
            match seen.decide() {
                (ColumnType::Integer, _) => format!("{name} int64"),
                (ColumnType::Float, _) if seen.empty > 0 => {
                    format!("{name} float64 ({} empty = NaN)", seen.empty)
                }
                (ColumnType::Float, _) => format!("{name} float64"),
                (ColumnType::Text, Some(reason)) => format!("{name} text ({})", reason.text()),
                (ColumnType::Text, None) => format!("{name} text"),
            }
        })
        .collect();
    let more = match names.len().saturating_sub(NOTED_COLUMNS) {
        0 => String::new(),
        more => format!(", and {more} more columns"),
    };
    let unit = if rows == 1 { "row" } else { "rows" };
    format!(
        "{}: {rows} {unit}; {}{more}",
        achronyme_env::escape_for_terminal(&file.to_string_lossy()),
        columns.join(", ")
    )
}

/// A column's name in the note: quoted only when it would not stand out as one word.
fn plain(name: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.is_empty() && name.len() <= 80 && name.chars().all(word) {
        return name.to_owned();
    }
    quoted(name)
}
