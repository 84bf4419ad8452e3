//! The bytes themselves.

use std::io::Write;

use achronyme_env::Value;

use super::pieces::stored;
use super::{ExportError, Failure, wrong_kind};

/// Writes the bytes of a tensor (little-endian, in its own order), of a byte string, of text
/// (UTF-8) or of a typed value.
///
/// # Errors
/// [`ExportError`] for any other value, and when reading or writing fails.
pub(crate) fn write(name: &str, value: &Value, out: &mut dyn Write) -> Result<(), ExportError> {
    let tensor = match value {
        Value::Tensor(tensor) => tensor,
        Value::Typed(typed) => &typed.bytes,
        Value::Bytes(bytes) => return Ok(out.write_all(bytes)?),
        Value::String(text) => return Ok(out.write_all(text.as_bytes())?),
        other => {
            let advice = "choose json";
            return Err(wrong_kind(name, other, "a file of raw bytes", advice));
        }
    };
    stored::<Failure>(tensor, |piece| Ok(out.write_all(piece)?)).map_err(|e| e.about(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use achronyme_env::Tensor;

    #[test]
    fn bytes_are_written_as_they_are() {
        let mut out = Vec::new();
        let t = Tensor::from_vec(vec![1u16, 2], [2]).unwrap();
        write("x", &t.into(), &mut out).unwrap();
        write("x", &Value::Bytes([0, 255].as_slice().into()), &mut out).unwrap();
        write("x", &Value::from("é"), &mut out).unwrap();
        assert_eq!(out, [1, 0, 2, 0, 0, 255, 0xc3, 0xa9]);
        let error = write("x", &Value::Null, &mut out).unwrap_err().to_string();
        assert!(error.contains("of kind null"), "{error}");
    }
}
