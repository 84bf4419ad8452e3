//! Tables: columns aligned by what a terminal shows, the widest cut to fit the line.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::escape::{escape, label};
use super::{Paint, Screen};

/// Columns between two columns.
const GAP: usize = 2;

/// Columns before a detail.
const INDENT: usize = 4;

/// No column of text is cut below this.
const LEAST: usize = 8;

/// How a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text: to the left, and cut when the line is too long.
    Left,
    /// Numbers: to the right, never cut.
    Right,
}

/// A cell: text in a colour.
#[derive(Clone, Debug)]
pub(crate) struct TableCell {
    text: String,
    paint: Paint,
}

impl TableCell {
    /// A cell with `text`, which is escaped here.
    pub(crate) fn new(paint: Paint, text: &str) -> TableCell {
        TableCell {
            text: escape(text),
            paint,
        }
    }
}

impl TableCell {
    /// A cell with a name, in quotes when it would not be seen otherwise.
    pub(crate) fn label(paint: Paint, text: &str) -> TableCell {
        TableCell {
            text: label(text),
            paint,
        }
    }
}

impl From<String> for TableCell {
    fn from(text: String) -> TableCell {
        TableCell::new(Paint::Plain, &text)
    }
}

/// A line of a table.
#[derive(Debug)]
enum Row {
    Cells(Vec<TableCell>),
    /// Text under a row, not aligned with anything.
    Detail(String),
}

/// A table on its way to a screen.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Row>,
}

impl Table {
    /// A table with these columns.
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Table {
        Table {
            columns: columns
                .into_iter()
                .map(|(head, align)| (head.to_owned(), align))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Cells that are missing are empty; cells beyond the columns are left out.
    pub(crate) fn row(&mut self, cells: Vec<TableCell>) {
        self.rows.push(Row::Cells(cells));
    }

    /// Adds a line of text under the last row, indented and escaped.
    pub(crate) fn detail(&mut self, text: &str) {
        self.rows.push(Row::Detail(escape(text)));
    }

    /// Writes the table, a line each for the head and every row, without trailing spaces.
    ///
    /// # Errors
    /// What writing answers.
    pub(crate) fn write(&self, screen: &Screen, out: &mut dyn Write) -> io::Result<()> {
        let widths = self.widths(screen);
        let head: Vec<TableCell> = self
            .columns
            .iter()
            .map(|(head, _)| TableCell::new(Paint::Heading, head))
            .collect();
        self.line(&head, &widths, screen, out)?;
        for row in &self.rows {
            match row {
                Row::Cells(cells) => self.line(cells, &widths, screen, out)?,
                Row::Detail(text) => {
                    let room = match screen.terminal {
                        true => screen.width.saturating_sub(INDENT).max(LEAST),
                        false => usize::MAX,
                    };
                    let text = cut(text, room, screen.unicode);
                    writeln!(out, "{:INDENT$}{}", "", screen.paint(Paint::Dim, text))?;
                }
            }
        }
        Ok(())
    }

    /// Columns of each column: as wide as its widest cell, unless the screen is too narrow.
    fn widths(&self, screen: &Screen) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(head, _)| head.width()).collect();
        for row in &self.rows {
            let Row::Cells(row) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        if screen.terminal {
            self.fit(&mut widths, screen.width);
        }
        widths
    }

    /// Narrows the widest columns of text until a line fits, or none can be narrower.
    fn fit(&self, widths: &mut [usize], width: usize) {
        let gaps = GAP * widths.len().saturating_sub(1);
        loop {
            let excess = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
            let texts = widths
                .iter_mut()
                .zip(&self.columns)
                .filter(|(width, (_, align))| *align == Align::Left && **width > LEAST)
                .map(|(width, _)| width);
            let Some(widest) = texts.max().filter(|_| excess > 0) else {
                return;
            };
            *widest = widest.saturating_sub(excess).max(LEAST);
        }
    }

    fn line(
        &self,
        cells: &[TableCell],
        widths: &[usize],
        screen: &Screen,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        // Spaces are held back until something follows them.
        let mut pending = 0;
        for ((cell, width), (_, align)) in cells.iter().zip(widths).zip(&self.columns) {
            let text = cut(&cell.text, *width, screen.unicode);
            let free = width - text.width();
            let (before, after) = match align {
                Align::Left => (0, free),
                Align::Right => (free, 0),
            };
            if text.is_empty() {
                pending += width + GAP;
                continue;
            }
            write!(out, "{:1$}", "", pending + before)?;
            write!(out, "{}", screen.paint(cell.paint, &text))?;
            pending = after + GAP;
        }
        writeln!(out)
    }
}

/// `text` in at most `width` columns, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize, unicode: bool) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let ellipsis = if unicode { "\u{2026}" } else { "..." };
    let room = width.saturating_sub(ellipsis.width());
    let mut kept = String::new();
    let mut columns = 0;
    for c in text.chars() {
        columns += c.width().unwrap_or(0);
        if columns > room {
            break;
        }
        kept.push(c);
    }
    kept + ellipsis
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(table: &Table, screen: Screen) -> String {
        let mut out = Vec::new();
        table.write(&screen, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn table() -> Table {
        let mut table = Table::new([
            ("name", Align::Left),
            ("size", Align::Right),
            ("note", Align::Left),
        ]);
        for (name, size, note) in [("weights", "4.0 KiB", ""), ("日本", "8 B", "hot\n")] {
            table.row(vec![
                TableCell::new(Paint::Name, name),
                size.to_owned().into(),
                note.to_owned().into(),
            ]);
        }
        table
    }

    #[test]
    fn columns_are_aligned_by_what_is_shown() {
        assert_eq!(
            page(&table(), Screen::plain(80)),
            "name        size  note\n\
             weights  4.0 KiB\n\
             日本         8 B  hot\\n\n"
        );
    }

    #[test]
    fn the_widest_text_is_cut_on_a_terminal_only() {
        let mut table = Table::new([("name", Align::Left), ("size", Align::Right)]);
        table.row(vec!["n".repeat(50).into(), "123456".to_owned().into()]);
        let terminal = Screen {
            terminal: true,
            unicode: true,
            ..Screen::plain(30)
        };
        let text = page(&table, terminal);
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row, format!("{}\u{2026}  123456", "n".repeat(21)));
        assert!(page(&table, Screen::plain(30)).contains(&"n".repeat(50)));
    }

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(cut("日本語", 4, true), "日\u{2026}");
        assert_eq!(cut("日本語", 6, true), "日本語");
        assert_eq!(cut("abcdef", 5, false), "ab...");
    }
}
