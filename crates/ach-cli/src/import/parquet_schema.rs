//! How deep the schema of a Parquet file is nested, seen before it is read: the decoder calls itself
//! for each level.
//!
//! The footer is a struct in Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>); its field 2
//! lists the elements of the schema, each before its children, of which its field 5 is the number.

use super::error::{Result, Site};
use super::source::SourceFile;
use crate::import::arrow::damaged;

/// Deepest nesting of groups; a list takes two or three.
const MOST_LEVELS: usize = 256;

/// Deepest nesting of what is passed over: the format's own is far less.
const MOST_PASSED: usize = 32;

/// Most bytes of a footer.
const MAX_FOOTER: u64 = 256 << 20;

/// Refuses a file whose schema is nested too deep.
///
/// # Errors
/// That, and a footer that is none.
pub(super) fn check(source: &SourceFile, site: &Site) -> Result<()> {
    let mut end = [0; 8];
    let Some(at) = source.len().checked_sub(8) else {
        return Err(damaged(site, "it is too short"));
    };
    let read = |at, out: &mut [u8]| source.read_exact_at(at, out).map_err(|e| site.value(e));
    read(at, &mut end)?;
    let [a, b, c, d, mark @ ..] = end;
    // A footer that is encrypted says so, and is refused by who reads it.
    if mark != *b"PAR1" {
        return Ok(());
    }
    let length = u64::from(u32::from_le_bytes([a, b, c, d]));
    if length > MAX_FOOTER || length > at {
        return Err(damaged(site, "its footer is longer than the file"));
    }
    let mut footer = vec![0; length as usize];
    read(at - length, &mut footer)?;
    match levels(&footer) {
        Some(levels) if levels <= MOST_LEVELS => Ok(()),
        Some(_) => Err(site.unsupported(
            format!("its schema is nested deeper than {MOST_LEVELS} levels"),
            "save the table with flatter columns",
        )),
        None => Err(damaged(site, "its footer contradicts itself")),
    }
}

/// How deep the schema of a footer is nested; more than [`MOST_LEVELS`] when it is more. `None` for
/// bytes that are no footer.
fn levels(footer: &[u8]) -> Option<usize> {
    let mut bytes = Compact(footer);
    let (mut field, mut deepest) = (0, 0);
    while let Some(kind) = bytes.field(&mut field)? {
        match (field, kind) {
            (2, LIST) => deepest = deepest.max(bytes.schema()?),
            _ => bytes.pass(kind, 0)?,
        }
        if deepest > MOST_LEVELS {
            break;
        }
    }
    Some(deepest)
}

const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// What is left of bytes in the compact protocol.
struct Compact<'b>(&'b [u8]);

impl Compact<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, count: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// The type of the next field of a struct, whose number follows on `last`; none at its end.
    fn field(&mut self, last: &mut i64) -> Option<Option<u8>> {
        let head = self.byte()?;
        if head & 0x0f == 0 {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => self.signed()?,
            more => last.checked_add(more.into())?,
        };
        Some(Some(head & 0x0f))
    }

    /// Type and number of the elements of a list.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.number()?,
            few => few.into(),
        };
        Some((head & 0x0f, count))
    }

    /// Passes over a value.
    fn pass(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > MOST_PASSED {
            return None;
        }
        match kind {
            // Of a field the type says which.
            TRUE | FALSE => Some(()),
            BYTE => self.take(1),
            I16..=I64 => self.number().map(drop),
            DOUBLE => self.take(8),
            UUID => self.take(16),
            BINARY => {
                let length = self.number()?;
                self.take(length)
            }
            LIST | SET => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.pass_element(kind, depth))
            }
            MAP => {
                let count = self.number()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..count).try_for_each(|_| {
                    self.pass_element(kinds >> 4, depth)?;
                    self.pass_element(kinds & 0x0f, depth)
                })
            }
            STRUCT => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.pass(kind, depth + 1)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    fn pass_element(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            TRUE | FALSE => self.take(1),
            kind => self.pass(kind, depth + 1),
        }
    }

    /// How deep the elements of a schema are nested.
    fn schema(&mut self) -> Option<usize> {
        let (kind, count) = self.list()?;
        // For each group that is not at its end, how many children are to come.
        let mut open: Vec<i64> = Vec::new();
        let mut deepest = 0;
        for _ in 0..count {
            while open.pop_if(|left| *left == 0).is_some() {}
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let children = match kind {
                STRUCT => self.children()?,
                _ => return None,
            };
            deepest = deepest.max(open.len() + 1);
            if deepest > MOST_LEVELS {
                return Some(deepest);
            }
            if children > 0 {
                open.push(children);
            }
        }
        Some(deepest)
    }

    /// Passes over an element of a schema; how many children it has.
    fn children(&mut self) -> Option<i64> {
        let (mut field, mut children) = (0, 0);
        while let Some(kind) = self.field(&mut field)? {
            match (field, kind) {
                (5, I16..=I64) => children = self.signed()?,
                _ => self.pass(kind, 0)?,
            }
        }
        Some(children)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer of that many groups, each in the one before.
    fn nested(groups: usize) -> Vec<u8> {
        // Version 1, and a list of structs.
        let mut footer = vec![0x15, 2, 0x19, 0xfc];
        let mut count = groups + 1;
        while count > 0x7f {
            footer.push(count as u8 | 0x80);
            count >>= 7;
        }
        footer.push(count as u8);
        for _ in 0..groups {
            // A name, and one child.
            footer.extend([0x48, 1, b'g', 0x15, 2, 0]);
        }
        footer.extend([0x15, 2, 0x38, 1, b'x', 0, 0]);
        footer
    }

    #[test]
    fn levels_are_counted_and_no_further_than_needed() {
        assert_eq!(levels(&nested(0)), Some(1));
        assert_eq!(levels(&nested(7)), Some(8));
        assert_eq!(levels(&nested(1_000_000)), Some(MOST_LEVELS + 1));
    }

    #[test]
    fn groups_side_by_side_are_one_level() {
        let mut footer = vec![0x19, 0x5c, 0x48, 0, 0x15, 4, 0];
        for _ in 0..2 {
            footer.extend([0x48, 0, 0x15, 2, 0, 0x48, 0, 0]);
        }
        footer.push(0);
        // The list begins with field 1 here, which is none.
        assert_eq!(levels(&footer), Some(0));
        footer[0] = 0x29;
        assert_eq!(levels(&footer), Some(3));
    }

    #[test]
    fn what_is_no_footer_is_told_from_one() {
        let whole = nested(3);
        for end in 0..whole.len() {
            assert_eq!(levels(&whole[..end]), None, "{end}");
        }
        // A list in a list, and so on.
        let mut lists = vec![0x79];
        lists.extend([0x19; 1000]);
        assert_eq!(levels(&lists), None);
    }
}
