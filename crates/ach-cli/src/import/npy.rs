//! Arrays in NumPy's .npy format: the header is read, the data stays in the file.

use std::path::Path;
use std::sync::Arc;

use achronyme_env::{DType, Extension, Order, Record, Tensor, Value, format_shape};

use super::error::{Result, Site};
use super::file_range::{Conversion, FileRange};
use super::npy_dtype::Elements;
use super::npy_header::NpyHeader;
use super::npy_strings;
use super::scratch::Scratch;
use super::source::SourceFile;
use super::{ImportOptions, Imported, Imports};

/// Reads an .npy file.
///
/// # Errors
/// When the header is broken or tells of elements that no value stands for, and when the file is
/// shorter or longer than it says.
pub(super) fn import(path: &Path, options: &ImportOptions) -> Result<Imports> {
    let site = Site::whole(path);
    let name = options.stem(path)?;
    let source = Arc::new(SourceFile::open(path)?);
    let file = source.handle().map_err(|e| site.value(e))?;
    let header = NpyHeader::read(std::io::BufReader::new(&file), source.len(), &site)?;
    check_length(&header, source.len(), &site)?;
    let mut scratch = Scratch::new(site.clone(), options.scratch_directory.clone());
    let (value, note) = value(&header, &source, 0, &mut scratch, &site)?;
    Ok(Imports::one(Imported {
        name,
        value,
        attributes: Record::new(),
        note,
    }))
}

/// Checks that what follows the header is as long as the header says.
///
/// # Errors
/// With both numbers, when it is not.
pub(super) fn check_length(header: &NpyHeader, file_len: u64, site: &Site) -> Result<()> {
    let expected = header.data_len(site)?;
    let found = file_len.saturating_sub(header.len);
    if expected == found {
        return Ok(());
    }
    let (what, advice) = if found < expected {
        ("only ", "the file was cut short; copy or save it again")
    } else {
        (
            "",
            "something was appended; save several arrays with numpy.savez",
        )
    };
    Err(site.damaged(
        format!(
            "its header says shape {} of '{}', {expected} bytes of data, but {what}{found} bytes follow",
            format_shape(&header.shape),
            header.descr
        ),
        advice,
    ))
}

/// The value of an array whose .npy file begins at byte `start` of `source`, and what was done to it.
///
/// # Errors
/// When strings cannot be decoded.
pub(super) fn value(
    header: &NpyHeader,
    source: &Arc<SourceFile>,
    start: u64,
    scratch: &mut Scratch,
    site: &Site,
) -> Result<(Value, Option<String>)> {
    let data = start + header.len;
    let len = header.data_len(site)?;
    let numbers = |dtype, conversion| {
        let range = Arc::new(FileRange::new(Arc::clone(source), data, len, conversion));
        Tensor::from_storage(dtype, &header.shape, header.order, range).map_err(|e| site.value(e))
    };
    let swapped = |big: bool| {
        let text = format!("big-endian '{}', converted to little-endian", header.descr);
        big.then_some(text)
    };
    match &header.elements {
        Elements::Numbers { dtype, big } => {
            let conversion = conversion(*dtype, *big);
            let note = swapped(matches!(conversion, Conversion::Swap(_)));
            Ok((numbers(*dtype, conversion)?.into(), note))
        }
        Elements::Times {
            type_name,
            unit,
            count,
            big,
        } => {
            let mut parameters = Record::from([("unit", unit.as_str())]);
            if *count != 1 {
                parameters.insert("count", *count);
            }
            let extension = Extension {
                type_name: (*type_name).into(),
                parameters: parameters.into(),
                storage: numbers(DType::I64, conversion(DType::I64, *big))?.into(),
            };
            Ok((extension.into(), swapped(*big)))
        }
        Elements::ByteStrings(_) => {
            let strings = npy_strings::decode(header, source, data, scratch, site)?;
            let note = format!("byte strings '{}', read as UTF-8 text", header.descr);
            Ok((strings.into(), Some(note)))
        }
        Elements::UnicodeStrings { .. } => {
            let strings = npy_strings::decode(header, source, data, scratch, site)?;
            Ok((strings.into(), None))
        }
    }
}

/// What has to be done to the bytes of numbers.
fn conversion(dtype: DType, big: bool) -> Conversion {
    match dtype {
        DType::Bool => Conversion::Booleans,
        // Each half of a complex number is a number of its own.
        DType::Complex64 if big => Conversion::Swap(4),
        DType::Complex128 if big => Conversion::Swap(8),
        _ if big && dtype.size() > 1 => Conversion::Swap(dtype.size()),
        _ => Conversion::None,
    }
}

/// Whether the strides of an array in `order` can be kept as they are: with at most one dimension
/// longer than 1 both orders are the same.
pub(super) fn is_in_c_order(order: Order, shape: &[u64]) -> bool {
    order == Order::C || shape.iter().filter(|n| **n != 1).count() <= 1
}
