//! The header of an .npy file: magic bytes, version, and a Python dictionary with dtype, order and
//! shape. No data is read here.
//!
//! The dictionary is parsed by `py_literal`, the parser under both NumPy crates. Those are not used
//! themselves: `npyz` multiplies the shape without a check and knows neither `=` nor `[25s]`, and
//! `ndarray-npy` brings `ndarray`. The parser takes time and stack exponential in the nesting, so
//! what is handed to it is short and flat.

use std::io::Read;

use achronyme_env::{Order, format_shape};
use py_literal::Value as Literal;

use super::error::{ImportError, Result, Site, quoted};
use super::npy_dtype::Elements;

/// The bytes every .npy file begins with.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Longest dictionary, in bytes: NumPy itself reads no longer one unless it is told to trust it.
const MAX_TEXT: usize = 10_000;

/// Deepest nesting of brackets in the dictionary. A plain array needs 2.
const MAX_BRACKETS: usize = 8;

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    /// The dtype as it stands there, such as `<f8`.
    pub(crate) descr: String,
    /// What the elements are.
    pub(crate) elements: Elements,
    /// The order of the elements.
    pub(crate) order: Order,
    /// The lengths of the dimensions.
    pub(crate) shape: Vec<u64>,
    /// Bytes from the beginning of the file to the data.
    pub(crate) len: u64,
}

impl NpyHeader {
    /// Reads the header from the beginning of an .npy file of `available` bytes.
    ///
    /// # Errors
    /// When the bytes are no such header, or describe elements that no value stands for.
    pub(crate) fn read(mut from: impl Read, available: u64, site: &Site) -> Result<NpyHeader> {
        let cut = || {
            let found = format!("the file ends within its header, after {available} bytes");
            site.damaged(found, "it was cut short; copy or save it again")
        };
        let mut fill = |out: &mut [u8]| match from.read_exact(out) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Err(cut()),
            Err(e) => Err(site.io("read", e)),
        };
        if available == 0 {
            return Err(site.damaged("the file is empty", "save it again"));
        }
        let mut start = [0; 8];
        fill(&mut start)?;
        let (magic, version) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(site.damaged(
                "it does not begin as an .npy file does",
                "save it with numpy.save, or give it the extension of what it is",
            ));
        }
        let mut length = [0; 4];
        let before_text = match version {
            [1, 0] => 2,
            [2 | 3, 0] => 4,
            _ => {
                let found = format!("its .npy version is {}.{}", version[0], version[1]);
                return Err(site.unsupported(found, "versions 1.0, 2.0 and 3.0 are read"));
            }
        };
        fill(&mut length[..before_text])?;
        let length = u32::from_le_bytes(length) as usize;
        if length > MAX_TEXT {
            return Err(site.unsupported(
                format!("its header is {length} bytes long; {MAX_TEXT} are read, as in NumPy"),
                "save the array without field names and metadata",
            ));
        }
        let mut text = vec![0; length];
        fill(&mut text)?;
        let text = decode(&text, version[0]).ok_or_else(|| {
            site.damaged("its header is not UTF-8", "save it again with numpy.save")
        })?;
        let mut header = parse(&text, site)?;
        header.len = (MAGIC.len() + version.len() + before_text + length) as u64;
        Ok(header)
    }

    /// Bytes of all elements.
    ///
    /// # Errors
    /// When the product does not fit 63 bits.
    pub(crate) fn data_len(&self, site: &Site) -> Result<u64> {
        let product = if self.shape.contains(&0) {
            Some(0)
        } else {
            let each = self.elements.size();
            self.shape.iter().try_fold(each, |p, n| p.checked_mul(*n))
        };
        match product {
            Some(bytes) if bytes <= i64::MAX as u64 => Ok(bytes),
            _ => Err(site.damaged(
                format!(
                    "its header says shape {} of {}, more than 2^63 bytes",
                    format_shape(&self.shape),
                    self.descr
                ),
                "save it again with numpy.save",
            )),
        }
    }
}

/// The dictionary as text: Latin-1 in versions 1 and 2, UTF-8 in version 3.
fn decode(bytes: &[u8], version: u8) -> Option<String> {
    if version < 3 {
        return Some(bytes.iter().map(|byte| char::from(*byte)).collect());
    }
    String::from_utf8(bytes.to_vec()).ok()
}

fn parse(text: &str, site: &Site) -> Result<NpyHeader> {
    let broken = |why: &str| {
        site.damaged(
            format!("its header is not what NumPy writes: {why}"),
            "save it again with numpy.save",
        )
    };
    let text = text.trim_end_matches(['\n', ' ', '\0']);
    if brackets(text) > MAX_BRACKETS {
        return Err(site.unsupported(
            format!("its dtype nests deeper than {MAX_BRACKETS} brackets"),
            "save each field as an array of its own, for example with numpy.savez",
        ));
    }
    let literal: Literal = without_long_suffixes(text)
        .parse()
        .map_err(|_| broken("not a Python dictionary"))?;
    let Literal::Dict(entries) = literal else {
        return Err(broken("not a Python dictionary"));
    };
    let entry = |key: &str| {
        let mut found = entries
            .iter()
            .filter(|(k, _)| k.as_string().is_some_and(|k| k == key));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Ok(value),
            (None, _) => Err(broken(&format!("'{key}' is missing"))),
            _ => Err(broken(&format!("'{key}' is given twice"))),
        }
    };
    let order = match entry("fortran_order")? {
        Literal::Boolean(true) => Order::Fortran,
        Literal::Boolean(false) => Order::C,
        _ => return Err(broken("'fortran_order' is neither True nor False")),
    };
    let shape = match entry("shape")? {
        Literal::Tuple(lengths) | Literal::List(lengths) => lengths
            .iter()
            .map(|length| match length {
                Literal::Integer(n) => u64::try_from(n).ok(),
                _ => None,
            })
            .collect::<Option<Vec<u64>>>()
            .ok_or_else(|| broken("a length in 'shape' is not a number from 0 to 2^64"))?,
        _ => return Err(broken("'shape' is not a tuple")),
    };
    let (descr, elements) = match entry("descr")? {
        Literal::String(descr) => (descr.clone(), Elements::parse(descr, site)?),
        Literal::List(fields) => return Err(structured(fields, site)),
        Literal::Tuple(_) => {
            return Err(site.unsupported(
                "its elements are arrays themselves",
                "save the array with a plain dtype",
            ));
        }
        _ => return Err(broken("'descr' is not a dtype")),
    };
    Ok(NpyHeader {
        descr,
        elements,
        order,
        shape,
        len: 0,
    })
}

/// The error for a structured dtype, with the names of its fields.
fn structured(fields: &[Literal], site: &Site) -> ImportError {
    let mut names: Vec<String> = fields
        .iter()
        .filter_map(|field| match field {
            Literal::Tuple(parts) | Literal::List(parts) => match parts.first() {
                Some(Literal::String(name)) => Some(quoted(name)),
                // A field with a title: (title, name).
                Some(Literal::Tuple(both)) => both.last().map(|name| name.to_string()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    if names.len() > 8 {
        let more = names.len() - 8;
        names.truncate(8);
        names.push(format!("and {more} more"));
    }
    site.unsupported(
        format!(
            "its dtype has fields ({}), which are not read",
            names.join(", ")
        ),
        "save each field as an array of its own: numpy.savez(path, **{n: a[n] for n in a.dtype.names})",
    )
}

/// How deep brackets of any kind nest.
fn brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Python 2 wrote its long integers as `10L`: such an `L` outside strings is left out.
fn without_long_suffixes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quote, mut after_digit) = (None, false);
    for c in text.chars() {
        match quote {
            None if c == 'L' && after_digit => continue,
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(opened) if c == opened => quote = None,
            _ => {}
        }
        after_digit = c.is_ascii_digit();
        out.push(c);
    }
    out
}
