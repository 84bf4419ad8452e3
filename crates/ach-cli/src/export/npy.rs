//! `.npy`: one array as NumPy's `save` writes it, format version 1.0.

use std::io::Write;

use achronyme_env::{DType, Order, StringArray, Tensor, Value};

use super::pieces::stored;
use super::plain::{Plain, plain};
use super::strings::each_string;
use super::{ExportError, Failure, wrong_kind};

/// The header is padded with spaces so that the numbers begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// Bytes per character of a string array: NumPy keeps UTF-32.
const CHARACTER: u64 = 4;

/// Fixed-width strings beyond this many bytes are refused when they are mostly padding.
const MOST_PADDED: u64 = 1 << 30;

/// Writes `value` as a `.npy` file: what [`Npy::new`] accepts.
///
/// # Errors
/// As [`Npy::new`] and [`Npy::write`].
pub(crate) fn write(name: &str, value: &Value, out: &mut dyn Write) -> Result<(), ExportError> {
    Npy::new(name, value)?.write(out)
}

/// A `.npy` file that can be written: nothing is refused any more.
pub(crate) struct Npy<'a> {
    name: &'a str,
    header: Vec<u8>,
    body: Body,
}

enum Body {
    Numbers(Tensor),
    /// Strings, and the characters each is given.
    Strings(StringArray, usize),
}

impl<'a> Npy<'a> {
    /// The file for `value`.
    ///
    /// Tensors keep their order. Numbers, booleans and text become arrays of rank 0, vectors of
    /// numbers, booleans or text of one kind arrays of rank 1; strings get the width of the longest.
    ///
    /// # Errors
    /// [`ExportError`] for any other value, for dtypes and strings NumPy has not, and when reading
    /// fails.
    pub(crate) fn new(name: &'a str, value: &Value) -> Result<Npy<'a>, ExportError> {
        match plain(value).map_err(|error| Failure::Read(error).about(name))? {
            Some(Plain::Tensor(tensor)) => Npy::of_tensor(name, tensor),
            Some(Plain::Strings(array)) => Npy::of_strings(name, array),
            None => Err(wrong_kind(
                name,
                value,
                "a .npy file",
                "choose json or an .ach archive, or leave it out with -n",
            )),
        }
    }

    fn of_tensor(name: &'a str, tensor: Tensor) -> Result<Npy<'a>, ExportError> {
        let Some(descr) = descr(tensor.dtype()) else {
            return Err(ExportError::DType {
                name: name.to_owned(),
                dtype: tensor.dtype().name(),
                format: "NumPy",
                advice: "choose safetensors, raw or an .ach archive, or leave it out with -n",
            });
        };
        // An array of rank 0 or 1 is in both orders; NumPy itself says C then.
        let fortran = tensor.order() == Order::Fortran && tensor.shape().len() > 1;
        Ok(Npy {
            name,
            header: header(descr, fortran, tensor.shape()),
            body: Body::Numbers(tensor),
        })
    }

    fn of_strings(name: &'a str, array: StringArray) -> Result<Npy<'a>, ExportError> {
        let mut width = 1;
        let mut ends_in_nul = false;
        let measured = each_string::<Failure>(&array, |text| {
            width = text.chars().count().max(width);
            ends_in_nul |= text.ends_with('\0');
            Ok(())
        });
        measured.map_err(|error| error.about(name))?;
        let refused = |reason: String| ExportError::Unfit {
            name: name.to_owned(),
            format: "a .npy file",
            reason,
        };
        if ends_in_nul {
            return Err(refused(
                "NumPy drops NUL characters at the end of a string; choose json".to_owned(),
            ));
        }
        let needed = u128::from(array.len()) * width as u128 * u128::from(CHARACTER);
        let text = array.bytes().byte_len();
        if needed > u128::from(MOST_PADDED.max(text.saturating_mul(64))) {
            return Err(refused(format!(
                "one string has {width} characters and NumPy gives every string the same width, \
                 which makes {needed} bytes of {text}; choose json or csv"
            )));
        }
        Ok(Npy {
            name,
            header: header(&format!("<U{width}"), false, array.shape()),
            body: Body::Strings(array, width),
        })
    }

    /// Writes the header and streams the elements.
    ///
    /// # Errors
    /// When reading or writing fails.
    pub(crate) fn write(&self, out: &mut dyn Write) -> Result<(), ExportError> {
        out.write_all(&self.header)?;
        let written = match &self.body {
            Body::Numbers(tensor) => stored::<Failure>(tensor, |piece| Ok(out.write_all(piece)?)),
            Body::Strings(array, width) => {
                let bytes = width * CHARACTER as usize;
                let mut cell = Vec::with_capacity(bytes);
                each_string::<Failure>(array, |text| {
                    cell.clear();
                    for c in text.chars() {
                        cell.extend_from_slice(&u32::from(c).to_le_bytes());
                    }
                    cell.resize(bytes, 0);
                    Ok(out.write_all(&cell)?)
                })
            }
        };
        written.map_err(|error| error.about(self.name))
    }
}

/// Magic, version, length and the dictionary that describes the array. With 64 dimensions at most,
/// it always fits the 64 KiB of version 1.0.
fn header(descr: &str, fortran: bool, shape: &[u64]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let shape = achronyme_env::format_shape(shape);
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let before = 10;
    let padding = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - (before + text.len() + 1);
    text.extend(std::iter::repeat_n(' ', padding));
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend_from_slice(&(text.len() as u16).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// NumPy's name of a dtype.
fn descr(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::Bool => "|b1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::U8 => "|u1",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::Complex64 => "<c8",
        DType::Complex128 => "<c16",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Record;

    fn file(value: impl Into<Value>) -> Vec<u8> {
        let mut out = Vec::new();
        write("x", &value.into(), &mut out).unwrap();
        assert_eq!(
            u16::from_le_bytes([out[8], out[9]]) as usize + 10,
            data(&out)
        );
        out
    }

    /// Where the numbers begin.
    fn data(file: &[u8]) -> usize {
        file.iter().position(|byte| *byte == b'\n').unwrap() + 1
    }

    fn refusal(value: impl Into<Value>) -> String {
        let mut out = Vec::new();
        let error = write("x", &value.into(), &mut out).unwrap_err();
        assert!(out.is_empty(), "nothing is written before a refusal");
        error.to_string()
    }

    /// The bytes `numpy.save` writes for `numpy.arange(6.0).reshape(2, 3)`.
    #[test]
    fn the_file_is_the_one_numpy_writes() {
        let t = Tensor::from_vec((0..6).map(f64::from).collect(), [2, 3]).unwrap();
        let mut expected = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, \
            'shape': (2, 3), }"
            .to_vec();
        expected.resize(127, b' ');
        expected.push(b'\n');
        for x in 0..6 {
            expected.extend(f64::from(x).to_le_bytes());
        }
        assert_eq!(file(t), expected);
    }

    #[test]
    fn fortran_order_is_kept() {
        let elements = vec![1u8, 4, 2, 5, 3, 6];
        let t = Tensor::from_vec_in_order(elements, [2, 3], Order::Fortran).unwrap();
        let file = file(t);
        let head = String::from_utf8_lossy(&file[10..]).into_owned();
        assert!(head.starts_with("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }"));
        assert_eq!(file[data(&file)..], [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn strings_get_one_width() {
        let array = StringArray::new(["a", "日本", ""], [3]).unwrap();
        let file = file(array);
        let head = String::from_utf8_lossy(&file[10..]).into_owned();
        assert!(head.starts_with("{'descr': '<U2', 'fortran_order': False, 'shape': (3,), }"));
        let expected: Vec<u8> = ['a' as u32, 0, '日' as u32, '本' as u32, 0, 0]
            .into_iter()
            .flat_map(u32::to_le_bytes)
            .collect();
        assert_eq!(file[data(&file)..], expected);
    }

    #[test]
    fn scalars_and_plain_vectors_are_arrays() {
        let number = file(1.5);
        assert_eq!(number[data(&number)..], 1.5f64.to_le_bytes());
        assert!(String::from_utf8_lossy(&number[10..]).contains("'shape': ()"));
        let vector = file(Value::vector([1i64, 2]));
        assert!(String::from_utf8_lossy(&vector[10..]).contains("'<i8'"));
        assert_eq!(file(Value::vector(["a"])).len(), 128 + 4);
    }

    #[test]
    fn what_numpy_cannot_hold_is_refused_with_advice() {
        assert_eq!(
            refusal(Record::new()),
            "variable 'x' is a value of kind record, which a .npy file cannot hold; choose json or \
             an .ach archive, or leave it out with -n"
        );
        assert!(refusal(Value::vector([Value::Null, 1i64.into()])).contains("of kind vector"));
        assert!(refusal(Value::vector([Value::from(1.0), 1i64.into()])).contains("vector"));
        let t = Tensor::from_bytes(DType::BF16, [1], Order::C, &[0, 0]).unwrap();
        assert_eq!(
            refusal(t),
            "variable 'x' has the dtype bfloat16, which NumPy does not have; choose safetensors, raw \
             or an .ach archive, or leave it out with -n"
        );
        assert!(refusal("a\0").contains("drops NUL"));
        let mut uneven = vec![String::new(); 100_000];
        uneven[7] = "x".repeat(100_000);
        let array = StringArray::new(uneven, [100_000]).unwrap();
        assert!(refusal(array).contains("makes 40000000000 bytes of 100000"));
    }
}
