//! The dtypes of NumPy, as they stand in the header of an .npy file.

use achronyme_env::DType;

use super::error::{ImportError, Result, Site};

/// What the elements of an array are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Elements {
    /// Fixed-width byte strings of so many bytes.
    ByteStrings(u64),
    /// Numbers.
    Numbers {
        /// Their type.
        dtype: DType,
        /// Whether they are big-endian.
        big: bool,
    },
    /// Moments or durations: signed 64-bit counts of a unit.
    Times {
        /// `datetime64` or `timedelta64`.
        type_name: &'static str,
        /// The unit, such as `ns`, or `generic`.
        unit: String,
        /// How many units one step is; 1 nearly always.
        count: i64,
        /// Whether they are big-endian.
        big: bool,
    },
    /// Fixed-width strings of so many code points, four bytes each.
    UnicodeStrings {
        /// Code points.
        width: u64,
        /// Whether they are big-endian.
        big: bool,
    },
}

impl Elements {
    /// Bytes of one element.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Elements::ByteStrings(width) => *width,
            Elements::Numbers { dtype, .. } => dtype.size() as u64,
            Elements::Times { .. } => 8,
            Elements::UnicodeStrings { width, .. } => width.saturating_mul(4),
        }
    }

    /// Reads a dtype string: byte order, kind, width, and a unit for times.
    pub(crate) fn parse(descr: &str, site: &Site) -> Result<Elements> {
        let unknown = || {
            site.unsupported(
                format!("its dtype is '{descr}', which is not known"),
                "save it as numbers or strings, for example with astype('float64')",
            )
        };
        let big = descr.starts_with('>');
        let rest = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
        let mut chars = rest.chars();
        let kind = chars.next().ok_or_else(unknown)?;
        let rest = chars.as_str();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (digits, unit) = rest.split_at(digits);
        if kind == 'O' {
            return Err(site.unsupported(
                "the array holds Python objects (pickle), which are not read",
                "save it as numbers or strings, for example with astype('float64') or astype('U')",
            ));
        }
        let width: u64 = digits.parse().map_err(|_| unknown())?;
        if matches!(kind, 'M' | 'm') {
            if width != 8 {
                return Err(unknown());
            }
            let (count, unit) = time_unit(unit).ok_or_else(unknown)?;
            let type_name = if kind == 'M' {
                "datetime64"
            } else {
                "timedelta64"
            };
            return Ok(Elements::Times {
                type_name,
                unit,
                count,
                big,
            });
        }
        if !unit.is_empty() {
            return Err(unknown());
        }
        let dtype = match (kind, width) {
            ('b' | '?', 1) => DType::Bool,
            ('i', 1) => DType::I8,
            ('i', 2) => DType::I16,
            ('i', 4) => DType::I32,
            ('i', 8) => DType::I64,
            ('u', 1) => DType::U8,
            ('u', 2) => DType::U16,
            ('u', 4) => DType::U32,
            ('u', 8) => DType::U64,
            ('f', 2) => DType::F16,
            ('f', 4) => DType::F32,
            ('f', 8) => DType::F64,
            ('c', 8) => DType::Complex64,
            ('c', 16) => DType::Complex128,
            ('S' | 'a', _) => return Ok(Elements::ByteStrings(width)),
            ('U', _) => return Ok(Elements::UnicodeStrings { width, big }),
            _ => return Err(not_ours(descr, kind, width, site).unwrap_or_else(unknown)),
        };
        Ok(Elements::Numbers { dtype, big })
    }
}

/// The error for a dtype that is known, but that no value stands for.
fn not_ours(descr: &str, kind: char, width: u64, site: &Site) -> Option<ImportError> {
    let (found, advice) = match (kind, width) {
        ('f', 10 | 12 | 16) => (
            format!("its dtype is '{descr}', a long double, which differs from machine to machine"),
            "save it with astype('float64')",
        ),
        ('c', 20 | 24 | 32) => (
            format!(
                "its dtype is '{descr}', two long doubles, which differ from machine to machine"
            ),
            "save it with astype('complex128')",
        ),
        ('V', 1 | 2) => (
            format!(
                "its dtype is '{descr}', bytes without a meaning, which is how NumPy writes bfloat16 \
                 and 8-bit floats of ml_dtypes"
            ),
            "save it with astype('float32'), or as .safetensors, which keeps these types",
        ),
        ('V', _) => (
            format!("its dtype is '{descr}', bytes without a meaning"),
            "save it with view('uint8')",
        ),
        _ => return None,
    };
    Some(site.unsupported(found, advice))
}

/// The unit in brackets of a datetime64 or timedelta64, and how many of it one step is.
fn time_unit(text: &str) -> Option<(i64, String)> {
    if text.is_empty() {
        return Some((1, "generic".to_owned()));
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let unit = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = match &inner[..inner.len() - unit.len()] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    const UNITS: [&str; 14] = [
        "Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic",
    ];
    (UNITS.contains(&unit) && count > 0).then(|| (count, unit.to_owned()))
}
