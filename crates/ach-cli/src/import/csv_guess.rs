//! What a column of a table holds: integers, floats or text, decided after all its cells were seen.
//!
//! The rule is that nothing a cell says may be lost. A column is numbers only when every number in it
//! survives: leading zeros (`007`) and integers that the type cannot hold make it text.

/// What a column becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnType {
    /// `float64`; empty cells are NaN.
    Float,
    /// `int64`.
    Integer,
    /// A string array.
    Text,
}

/// Why a column that looks like numbers is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// It was asked for.
    Asked,
    /// An integer does not fit 64 bits.
    BeyondI64,
    /// All cells are empty.
    Empty,
    /// An integer would be rounded, as the column needs floats for its other cells.
    Inexact,
    /// A number has leading zeros.
    LeadingZeros,
}

/// What was seen of a column so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    forced: bool,
    /// Number of empty cells.
    pub(super) empty: u64,
    /// Bytes of text in all cells.
    pub(super) text_bytes: u64,
    cells: u64,
    text: bool,
    floats: bool,
    beyond_i64: bool,
    inexact: bool,
    leading_zeros: bool,
}

impl Seen {
    /// Nothing yet, of a column that is text whatever it holds when it is `forced`.
    pub(super) fn new(forced: bool) -> Seen {
        Seen {
            forced,
            ..Seen::default()
        }
    }

    /// Takes note of one more cell.
    pub(super) fn add(&mut self, cell: &str) {
        self.cells += 1;
        self.text_bytes = self.text_bytes.saturating_add(cell.len() as u64);
        if self.forced || self.text {
            return;
        }
        let trimmed = trim(cell);
        if trimmed.is_empty() {
            // Blanks are something a cell says; nothing is not.
            self.empty += u64::from(cell.is_empty());
            self.text |= !cell.is_empty();
        } else if is_integer(trimmed) {
            let digits = trimmed.trim_start_matches(['+', '-']);
            self.leading_zeros |= digits.len() > 1 && digits.starts_with('0');
            match trimmed.parse::<i64>() {
                // Minus zero has no integer.
                Ok(0) if trimmed.starts_with('-') => self.floats = true,
                Ok(integer) => self.inexact |= integer as f64 as i128 != i128::from(integer),
                Err(_) => self.beyond_i64 = true,
            }
        } else if float(cell).is_some() {
            self.floats = true;
        } else {
            self.text = true;
        }
    }

    /// What the column becomes, and why when it is text against appearance.
    pub(super) fn decide(&self) -> (ColumnType, Option<Reason>) {
        let needs_floats = self.floats || self.empty > 0;
        let reason = if self.forced {
            Reason::Asked
        } else if self.text {
            return (ColumnType::Text, None);
        } else if self.empty == self.cells {
            Reason::Empty
        } else if self.leading_zeros {
            Reason::LeadingZeros
        } else if self.beyond_i64 {
            Reason::BeyondI64
        } else if needs_floats && self.inexact {
            Reason::Inexact
        } else if needs_floats {
            return (ColumnType::Float, None);
        } else {
            return (ColumnType::Integer, None);
        };
        (ColumnType::Text, Some(reason))
    }
}

impl Reason {
    /// The reason in the note about the file.
    pub(super) fn text(self) -> &'static str {
        match self {
            Reason::Asked => "as asked",
            Reason::BeyondI64 => "an integer beyond int64",
            Reason::Empty => "all empty",
            Reason::Inexact => "an integer that float64 would round",
            Reason::LeadingZeros => "leading zeros",
        }
    }
}

/// The integer of a cell in an integer column.
pub(super) fn integer(cell: &str) -> Option<i64> {
    trim(cell).parse().ok()
}

/// The float of a cell in a float column: as Python's `float` reads it, and NaN when it is empty.
pub(super) fn float(cell: &str) -> Option<f64> {
    let cell = trim(cell);
    if cell.is_empty() {
        return Some(f64::NAN);
    }
    let float: f64 = cell.parse().ok()?;
    // 1e999 is no infinity: only what says so is.
    let says_infinite = cell.contains(['i', 'I']);
    (!float.is_infinite() || says_infinite).then_some(float)
}

/// Spaces around numbers do not count.
fn trim(cell: &str) -> &str {
    cell.trim_matches([' ', '\t'])
}

/// Whether `text` is digits with at most one sign.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decide(cells: &[&str]) -> (ColumnType, Option<Reason>) {
        let mut seen = Seen::default();
        cells.iter().for_each(|cell| seen.add(cell));
        seen.decide()
    }

    #[test]
    fn columns_of_one_kind_are_that_kind() {
        assert_eq!(decide(&["1", "-2", " 30"]), (ColumnType::Integer, None));
        assert_eq!(decide(&["1", "2.5", "1e3"]), (ColumnType::Float, None));
        assert_eq!(
            decide(&["nan", "-inf", "Infinity"]),
            (ColumnType::Float, None)
        );
        assert_eq!(decide(&["1", "two"]), (ColumnType::Text, None));
        assert_eq!(decide(&["1", " "]), (ColumnType::Text, None));
        assert_eq!(decide(&["1_000"]), (ColumnType::Text, None));
    }

    #[test]
    fn an_empty_cell_makes_floats_and_only_empty_cells_make_text() {
        assert_eq!(decide(&["1", ""]), (ColumnType::Float, None));
        assert_eq!(decide(&["", ""]), (ColumnType::Text, Some(Reason::Empty)));
        assert_eq!(decide(&[]), (ColumnType::Text, Some(Reason::Empty)));
        assert!(float("").unwrap().is_nan());
    }

    #[test]
    fn what_a_number_would_lose_keeps_the_column_text() {
        let text = |reason| (ColumnType::Text, Some(reason));
        assert_eq!(decide(&["007", "8"]), text(Reason::LeadingZeros));
        assert_eq!(decide(&["9223372036854775808"]), text(Reason::BeyondI64));
        assert_eq!(decide(&["9007199254740993", ""]), text(Reason::Inexact));
        assert_eq!(
            decide(&["9007199254740993", "0"]),
            (ColumnType::Integer, None)
        );
        assert_eq!(
            decide(&["9007199254740992", "0.5"]),
            (ColumnType::Float, None)
        );
        assert_eq!(decide(&["1e999"]), (ColumnType::Text, None));
        assert_eq!(decide(&["-0"]), (ColumnType::Float, None));
        assert_eq!(decide(&["0", "0.5"]), (ColumnType::Float, None));
    }

    #[test]
    fn a_forced_column_is_text() {
        let mut seen = Seen::new(true);
        seen.add("1");
        assert_eq!(seen.decide(), (ColumnType::Text, Some(Reason::Asked)));
        assert_eq!(seen.text_bytes, 1);
    }
}
