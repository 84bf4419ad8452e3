//! The table of `ach ls`.

use std::io::Write;

use crate::error::Result;
use crate::listing::{Listed, short_digest};
use crate::term::size::Sizes;
use crate::term::table::{Align, Table, TableCell};
use crate::term::{Paint, Screen, text};

/// Writes the variables as a table; with `long`, lines with marks, attributes and places under each.
///
/// # Errors
/// When the output cannot be written.
pub(crate) fn write(
    listed: &[Listed],
    long: bool,
    sizes: Sizes,
    screen: &Screen,
    out: &mut dyn Write,
) -> Result<()> {
    let mut table = Table::new([
        ("name", Align::Left),
        ("kind", Align::Left),
        ("dtype", Align::Left),
        ("shape", Align::Left),
        ("size", Align::Right),
        ("stored", Align::Left),
    ]);
    for row in listed {
        let kind = match row.kind {
            "damaged" | "unknown" | "removed" => TableCell::new(Paint::Warning, row.kind),
            kind => TableCell::new(Paint::Plain, kind),
        };
        let stored = match (row.cold, row.stored) {
            _ if row.in_journal => "journal".to_owned(),
            (true, stored) => format!("cold {}", sizes.text(stored)),
            (false, 0) => String::new(),
            (false, _) => "hot".to_owned(),
        };
        table.row(vec![
            TableCell::label(Paint::Name, &row.name),
            kind,
            TableCell::new(Paint::Plain, row.dtype.unwrap_or_default()),
            row.extent_text().into(),
            match row.kind {
                "removed" => String::new().into(),
                _ => sizes.text(row.raw).into(),
            },
            TableCell::new(Paint::Dim, &stored),
        ]);
        if long {
            details(row, screen, &mut table)?;
        }
    }
    if listed.is_empty() {
        return Ok(writeln!(out, "no variables")?);
    }
    Ok(table.write(screen, out)?)
}

/// The lines under a row: marks, attributes, places and digests.
fn details(row: &Listed, screen: &Screen, table: &mut Table) -> Result<()> {
    let marks = [(row.constant, "constant"), (row.mutable, "mutable")];
    for (_, mark) in marks.into_iter().filter(|(set, _)| *set) {
        table.detail(mark);
    }
    for (key, value) in row.attributes.iter() {
        table.detail(&format!("{key} = {}", text::one_line(value, screen)?));
    }
    const SHOWN: usize = 4;
    for extent in row.extents.iter().take(SHOWN) {
        let digest = short_digest(extent);
        let place = match row.in_journal {
            true => "in the journal".to_owned(),
            false => format!("at byte {}", extent.offset),
        };
        table.detail(&format!("{place}, digest {digest}"));
    }
    if let Some(more) = row
        .extents
        .len()
        .checked_sub(SHOWN)
        .filter(|more| *more > 0)
    {
        table.detail(&format!("and {more} more places"));
    }
    Ok(())
}
