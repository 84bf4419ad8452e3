//! Numbers and arrays as JSON: nested lists, streamed element by element.

use std::io::{self, Write};

use achronyme_env::{StringArray, Tensor};

use super::{TermError, write_plain};
use crate::export::pieces::row_major;
use crate::export::scalar::Scalar;
use crate::export::strings::each_string;
use crate::term::float::Float;

/// A number, or the string that stands for one JSON has not.
pub(super) fn number(x: f64, out: &mut dyn Write) -> io::Result<()> {
    if x.is_finite() {
        return Ok(serde_json::to_writer(out, &x)?);
    }
    let name = if x.is_nan() {
        "\"NaN\""
    } else if x > 0.0 {
        "\"Infinity\""
    } else {
        "\"-Infinity\""
    };
    out.write_all(name.as_bytes())
}

/// `{"re":1.0,"im":2.0}`.
pub(super) fn complex(re: f64, im: f64, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(b"{\"re\":")?;
    number(re, out)?;
    out.write_all(b",\"im\":")?;
    number(im, out)?;
    out.write_all(b"}")
}

/// The elements of `tensor` as lists nested by index; alone when the rank is 0.
pub(super) fn tensor(tensor: &Tensor, out: &mut dyn Write) -> Result<(), TermError> {
    let mut brackets = Brackets::new(tensor.shape());
    let dtype = tensor.dtype();
    brackets.begin(out)?;
    row_major::<TermError>(tensor, |piece| {
        for element in piece.chunks_exact(dtype.size()) {
            let scalar = Scalar::decode(dtype, element)?;
            brackets.before(out)?;
            element_of(scalar, out)?;
            brackets.after(out)?;
        }
        Ok(())
    })?;
    brackets.end(out)?;
    Ok(())
}

/// The strings of an array as lists nested by index.
pub(super) fn strings(strings: &StringArray, out: &mut dyn Write) -> Result<(), TermError> {
    let mut brackets = Brackets::new(strings.shape());
    brackets.begin(out)?;
    each_string::<TermError>(strings, |text| {
        brackets.before(out)?;
        write_plain(text, out)?;
        brackets.after(out)?;
        Ok(())
    })?;
    brackets.end(out)?;
    Ok(())
}

fn element_of(scalar: Scalar, out: &mut dyn Write) -> io::Result<()> {
    match scalar {
        Scalar::Bool(x) => write!(out, "{x}"),
        Scalar::Signed(x) => write!(out, "{x}"),
        Scalar::Unsigned(x) => write!(out, "{x}"),
        Scalar::Half(x) => number(Float::from(x).short(), out),
        Scalar::Brain(x) => number(Float::from(x).short(), out),
        Scalar::Single(x) => number(Float::from(x).short(), out),
        Scalar::Double(x) => number(x, out),
        Scalar::Complex64(re, im) => complex(Float::from(re).short(), Float::from(im).short(), out),
        Scalar::Complex128(re, im) => complex(re, im, out),
        Scalar::Opaque(x) => write!(out, "{x}"),
    }
}

/// The brackets of nested lists: each element is told how many of them end before and begin with it.
struct Brackets {
    /// Elements in one list of each axis, the last axis first. Empty when there are no elements.
    lists: Vec<u64>,
    empty: bool,
    index: u64,
}

impl Brackets {
    fn new(shape: &[u64]) -> Brackets {
        let empty = shape.contains(&0);
        let mut elements = 1;
        let lists = match empty {
            true => Vec::new(),
            false => shape
                .iter()
                .rev()
                .map(|length| {
                    elements *= length;
                    elements
                })
                .collect(),
        };
        Brackets {
            lists,
            empty,
            index: 0,
        }
    }

    fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.empty {
            out.write_all(b"[")?;
        }
        Ok(())
    }

    fn before(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.index > 0 {
            out.write_all(b",")?;
        }
        self.each(out, b"[")
    }

    fn after(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.index += 1;
        self.each(out, b"]")
    }

    fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.empty {
            out.write_all(b"]")?;
        }
        Ok(())
    }

    /// Writes `bracket` once for each list that begins or ends at the index.
    fn each(&self, out: &mut dyn Write, bracket: &[u8]) -> io::Result<()> {
        for elements in &self.lists {
            if !self.index.is_multiple_of(*elements) {
                break;
            }
            out.write_all(bracket)?;
        }
        Ok(())
    }
}
