//! NumPy's fixed-width strings, decoded piece by piece into a string array.

use std::sync::Arc;

use achronyme_env::{DType, StringArray, Tensor, format_shape};

use super::error::{Result, Site};
use super::npy::is_in_c_order;
use super::npy_dtype::Elements;
use super::npy_header::NpyHeader;
use super::scratch::{Room, Scratch};
use super::source::SourceFile;

/// Bytes read at a time: as many whole strings as fit.
const PIECE: u64 = 256 * 1024;

/// Longest string that is read at all: it is decoded in memory.
const MAX_WIDTH: u64 = 16 << 20;

/// Bytes held back before they are written to scratch room.
const BUFFER: usize = 256 * 1024;

/// The strings of an array whose data begins at byte `data` of `source`.
///
/// # Errors
/// When a string is not Unicode, with its number.
pub(super) fn decode(
    header: &NpyHeader,
    source: &Arc<SourceFile>,
    data: u64,
    scratch: &mut Scratch,
    site: &Site,
) -> Result<StringArray> {
    let width = header.elements.size();
    let len = header.data_len(site)?;
    if !is_in_c_order(header.order, &header.shape) {
        return Err(site.unsupported(
            "its strings are in Fortran order, which string arrays cannot be",
            "save it with numpy.ascontiguousarray",
        ));
    }
    let empty = header.shape.contains(&0);
    if !empty && (width == 0 || width > MAX_WIDTH) {
        return Err(site.unsupported(
            format!(
                "its strings take {width} bytes each; 1 to {MAX_WIDTH} are read (dtype '{}')",
                header.descr
            ),
            "save them as .json",
        ));
    }
    let count = if empty { 0 } else { len / width };
    // Four bytes of UTF-32 are at most four bytes of UTF-8, so `len` bounds the text.
    let mut bytes = scratch.room(len, BUFFER)?;
    let offsets_len = count.saturating_add(1).saturating_mul(8);
    let mut offsets = scratch.room(offsets_len, BUFFER)?;
    offsets.append(&0_u64.to_le_bytes())?;
    let per_piece = (PIECE / width.max(1)).max(1);
    let mut piece = vec![0; (per_piece.min(count) * width) as usize];
    let mut done = 0;
    while done < count {
        let strings = per_piece.min(count - done);
        let piece = &mut piece[..(strings * width) as usize];
        source
            .read_exact_at(data + done * width, piece)
            .map_err(|e| site.value(e))?;
        for (index, string) in piece.chunks_exact(width as usize).enumerate() {
            append(&header.elements, string, &mut bytes).map_err(|why| match why {
                Why::Room(error) => error,
                Why::Text(why) => site.unsupported(
                    format!("string {} {why}", done + index as u64),
                    "save byte strings that are no text as uint8 numbers",
                ),
            })?;
            offsets.append(&bytes.filled().to_le_bytes())?;
        }
        done += strings;
    }
    assemble(&header.shape, offsets, bytes, site)
}

/// A string array of its offsets and its text.
pub(super) fn assemble(
    shape: &[u64],
    offsets: Room,
    bytes: Room,
    site: &Site,
) -> Result<StringArray> {
    let offsets: Tensor = offsets.into_tensor(DType::U64)?;
    let bytes = bytes.into_tensor(DType::U8)?;
    StringArray::from_parts(shape, offsets, bytes).map_err(|e| {
        let shape = format_shape(shape);
        site.damaged(
            format!("its strings of shape {shape} cannot be: {e}"),
            "save it again",
        )
    })
}

/// Why a string was not added.
enum Why {
    Room(super::ImportError),
    Text(String),
}

impl From<super::ImportError> for Why {
    fn from(error: super::ImportError) -> Why {
        Why::Room(error)
    }
}

/// Adds one string as UTF-8. Zeros at its end are padding, as NumPy has it.
fn append(elements: &Elements, string: &[u8], bytes: &mut Room) -> Result<(), Why> {
    let Elements::UnicodeStrings { big, .. } = elements else {
        let end = string
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at + 1);
        let text = &string[..end];
        if let Err(error) = std::str::from_utf8(text) {
            let why = format!("is not UTF-8 (byte {})", error.valid_up_to());
            return Err(Why::Text(why));
        }
        return Ok(bytes.append(text)?);
    };
    let (points, _) = string.as_chunks::<4>();
    let code = |point: &[u8; 4]| match big {
        true => u32::from_be_bytes(*point),
        false => u32::from_le_bytes(*point),
    };
    let end = points
        .iter()
        .rposition(|point| code(point) != 0)
        .map_or(0, |at| at + 1);
    let mut utf8 = [0; 4];
    for point in &points[..end] {
        let code = code(point);
        let c = char::from_u32(code)
            .ok_or_else(|| Why::Text(format!("holds U+{code:04X}, which is no character")))?;
        bytes.append(c.encode_utf8(&mut utf8).as_bytes())?;
    }
    Ok(())
}
