//! Values as JSON, without loss: `docs/json.md` is the mapping.

mod kinds;
mod payload;
mod read;
mod scalars;
mod tensors;
mod write;

use super::Codec;
use crate::error::{EnvError, Result};
use crate::name::escape_for_terminal;
use crate::stack::with_room;
use crate::value::Value;

/// JSON, `application/json`: any tool can read it, and it comes back bit for bit. Null, booleans,
/// strings, numbers, vectors and records are what JSON has; everything else is an object of one
/// field whose name begins with `$`. `docs/json.md` is the mapping.
///
/// ```
/// use achronyme_env::codec::{Codec, Json};
/// use achronyme_env::{Record, Tensor, Value};
///
/// let grid = Tensor::from_vec(vec![0.5f32, 1.5], [2])?;
/// let value = Record::from([("n", Value::from(3i64)), ("grid", grid.into())]);
/// let text = Json::new().encode(&value.into())?;
/// assert_eq!(
///     std::str::from_utf8(&text).unwrap(),
///     r#"{"n":3,"grid":{"$tensor":{"dtype":"float32","shape":[2],"data":[0.5,1.5]}}}"#
/// );
/// let back = Json::new().decode(&text)?;
/// assert_eq!(back.as_record().unwrap().len(), 2);
/// # Ok::<(), achronyme_env::EnvError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Json {
    base64: bool,
}

impl Json {
    /// JSON with the elements of tensors as numbers.
    pub fn new() -> Json {
        Json::default()
    }

    /// Whether tensors are written as base64 of their bytes, which takes a quarter of the time and
    /// about half the room of numbers. Both are read.
    pub fn base64(mut self, base64: bool) -> Json {
        self.base64 = base64;
        self
    }
}

impl Codec for Json {
    fn content_type(&self) -> &str {
        "application/json"
    }

    fn encode(&self, value: &Value) -> Result<Vec<u8>> {
        with_room(|| write::document(value, self.base64))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Value> {
        let value = with_room(|| read::document(bytes));
        value.map_err(|e| EnvError::InvalidValue {
            what: "the JSON of a value".to_owned(),
            reason: escape_for_terminal(&e.to_string()),
        })
    }
}
