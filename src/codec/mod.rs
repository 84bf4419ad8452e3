//! One value as bytes for somebody else, by content type: rkyv for those who have this library, JSON
//! for everybody.
//!
//! Not to be mixed up with [`crate::Codec`], which says how the bytes of an array are compressed in
//! a file.
//!
//! ```
//! use achronyme_env::codec::Codecs;
//! use achronyme_env::Value;
//!
//! let codecs = Codecs::default();
//! let choice = codecs.choose("application/x-other, application/rkyv;q=0.5")?;
//! assert_eq!(choice.codec.content_type(), "application/rkyv");
//! assert!(choice.fell_back.is_some_and(|why| why.contains("application/x-other")));
//!
//! let bytes = choice.codec.encode(&Value::from("hello"))?;
//! let codec = codecs.get("application/rkyv")?;
//! assert_eq!(codec.decode(&bytes)?.as_str(), Some("hello"));
//! # Ok::<(), achronyme_env::EnvError>(())
//! ```

mod choose;
mod encoder;
#[cfg(feature = "json")]
mod json;

use std::fmt;
use std::io::{self, Write};

pub use choose::{Choice, Codecs};
pub use encoder::Encoder;
#[cfg(feature = "json")]
pub use json::Json;

use crate::error::{EnvError, Origin, Result};
use crate::value::{Value, ValueRef};
use crate::write::SummedImage;

/// Values to bytes and back, without loss.
pub trait Codec: Send + Sync + fmt::Debug {
    /// The content type of its bytes, without parameters.
    fn content_type(&self) -> &str;

    /// The value as bytes.
    ///
    /// # Errors
    /// [`EnvError::NestingTooDeep`]; what reading the value's own
    /// bytes answers; what the codec cannot write.
    fn encode(&self, value: &Value) -> Result<Vec<u8>>;

    /// As [`Codec::encode`], to a stream.
    ///
    /// # Errors
    /// As [`Codec::encode`], and [`EnvError::Io`] for those of the stream.
    fn encode_to(&self, value: &Value, out: &mut dyn Write) -> Result<()> {
        out.write_all(&self.encode(value)?).map_err(not_written)
    }

    /// The value of bytes, nothing of which is trusted.
    ///
    /// # Errors
    /// When the bytes are none of its own, whole and well-formed.
    fn decode(&self, bytes: &[u8]) -> Result<Value>;
}

/// The value image, `application/rkyv`: what [`serialize_value`](crate::serialize_value) writes and
/// section 10 of `docs/format.md` specifies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rkyv;

impl Codec for Rkyv {
    fn content_type(&self) -> &str {
        "application/rkyv"
    }

    fn encode(&self, value: &Value) -> Result<Vec<u8>> {
        crate::write::serialize_value(value)
    }

    fn encode_to(&self, value: &Value, out: &mut dyn Write) -> Result<()> {
        SummedImage::of(&ValueRef::from(value))?.write(out, &not_written)
    }

    fn decode(&self, bytes: &[u8]) -> Result<Value> {
        crate::read::image::deserialize_value(bytes)
    }
}

/// What a stream answered. A buffer of a pool says so itself when the pool has no more.
fn not_written(error: io::Error) -> EnvError {
    match error.downcast::<EnvError>() {
        Ok(refused) => refused,
        Err(error) => EnvError::io("write a value to", Origin::Stream, error),
    }
}
