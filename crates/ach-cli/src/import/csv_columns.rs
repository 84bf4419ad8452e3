//! The columns of a table while they are filled, row by row, into scratch room.

use achronyme_env::{DType, Value};

use super::csv_guess::{ColumnType, Seen, float, integer};
use super::error::{Result, Site};
use super::npy_strings::assemble;
use super::scratch::{Room, Scratch};

/// Bytes that all columns together hold back before they are written.
const BUFFERS: usize = 4 << 20;

/// One column.
pub(super) struct Column {
    column_type: ColumnType,
    /// Numbers, or the text of all cells.
    cells: Room,
    /// Where the text of each cell ends.
    offsets: Option<Room>,
}

/// Empty columns for `rows` rows of what was seen.
///
/// # Errors
/// When scratch room cannot be had.
pub(super) fn columns(seen: &[Seen], rows: u64, scratch: &mut Scratch) -> Result<Vec<Column>> {
    let buffer = (BUFFERS / seen.len().max(1)).clamp(512, 64 * 1024);
    seen.iter()
        .map(|seen| {
            let (column_type, _) = seen.decide();
            let numbers = rows.saturating_mul(8);
            Ok(match column_type {
                ColumnType::Float | ColumnType::Integer => Column {
                    column_type,
                    cells: scratch.room(numbers, buffer)?,
                    offsets: None,
                },
                ColumnType::Text => {
                    let mut offsets = scratch.room(numbers.saturating_add(8), buffer)?;
                    offsets.append(&0_u64.to_le_bytes())?;
                    Column {
                        column_type,
                        cells: scratch.room(seen.text_bytes, buffer)?,
                        offsets: Some(offsets),
                    }
                }
            })
        })
        .collect()
}

impl Column {
    /// Adds one cell. Nothing when it is not of the column's type: the file has changed.
    pub(super) fn add(&mut self, cell: &str) -> Result<Option<()>> {
        let number = match self.column_type {
            ColumnType::Float => float(cell).map(f64::to_le_bytes),
            ColumnType::Integer => integer(cell).map(i64::to_le_bytes),
            ColumnType::Text => {
                self.cells.append(cell.as_bytes())?;
                let end = self.cells.filled().to_le_bytes();
                if let Some(offsets) = &mut self.offsets {
                    offsets.append(&end)?;
                }
                return Ok(Some(()));
            }
        };
        match number {
            Some(bytes) => self.cells.append(&bytes).map(Some),
            None => Ok(None),
        }
    }

    /// The column as a value.
    pub(super) fn into_value(self, rows: u64, site: &Site) -> Result<Value> {
        match (self.column_type, self.offsets) {
            (ColumnType::Float, _) => Ok(self.cells.into_tensor(DType::F64)?.into()),
            (ColumnType::Text, Some(offsets)) => {
                Ok(assemble(&[rows], offsets, self.cells, site)?.into())
            }
            (ColumnType::Integer | ColumnType::Text, _) => {
                Ok(self.cells.into_tensor(DType::I64)?.into())
            }
        }
    }
}
