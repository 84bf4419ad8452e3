//! Tables of separated values. The file is read twice: once to decide what each column holds, once
//! to fill the columns; so no more than one row is in memory.

use std::collections::HashMap;
use std::path::Path;

use achronyme_env::{EnvError, Record};

use super::csv_columns::columns;
use super::csv_guess::{ColumnType, Seen};
use super::csv_rows::Rows;
use super::error::{Place, Result, Site, quoted};
use super::scratch::Scratch;
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

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
    let mut rows = table.rows()?;
    if !rows.next()? {
        return Err(site.damaged(
            "the file is empty",
            "write at least a line with the names of the columns",
        ));
    }
    if rows.len() > MAX_COLUMNS {
        return Err(site.unsupported(
            format!("it has {} columns; {MAX_COLUMNS} are read", rows.len()),
            "save it as .npy",
        ));
    }
    let names = names(&rows, options, &site)?;
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
    let mut more = !options.header || rows.next()?;
    while more {
        for (index, seen) in seen.iter_mut().enumerate() {
            seen.add(rows.field(index)?);
        }
        count += 1;
        more = rows.next()?;
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
        Rows::open(self.source, self.delimiter, self.site)
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
        if self.header {
            rows.next()?;
        }
        let mut filled: u64 = 0;
        while rows.next()? {
            if rows.len() != columns.len() {
                return Err(changed());
            }
            for (index, column) in columns.iter_mut().enumerate() {
                let cell = rows.field(index)?;
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

/// The names of the columns, from the first row or by number.
fn names(rows: &Rows<'_>, options: &ImportOptions, site: &Site) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(rows.len());
    let mut first: HashMap<String, usize> = HashMap::with_capacity(rows.len());
    for index in 0..rows.len() {
        let name = match options.header {
            true => rows.field(index)?.to_owned(),
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
