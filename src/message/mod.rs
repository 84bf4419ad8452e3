//! Messages over a stream of bytes: a pipe, a socket, a file. Each is a frame of the form that a
//! journal has; `docs/format.md`, section 19, specifies the bytes.
//!
//! ```
//! use achronyme_env::{MessageReader, MessageWriter, Tensor, Value};
//!
//! let (here, there) = std::io::pipe()?;
//! let sending = std::thread::spawn(move || {
//!     let tensor = Tensor::from_vec(vec![1.0; 1000], [10, 100])?;
//!     MessageWriter::new(there)?.send_value(&Value::from(tensor))
//! });
//! let mut messages = MessageReader::new(here);
//! let message = messages.receive()?.expect("one was sent");
//! assert_eq!(message.content_type(), "application/rkyv");
//! // The numbers stand where they were received.
//! let value = message.value()?;
//! assert_eq!(value.as_tensor().map(|tensor| tensor.shape().to_vec()), Some(vec![10, 100]));
//! # sending.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod content_type;
mod packing;
mod reader;
mod writer;

pub use reader::{Message, MessageReader};
pub use writer::MessageWriter;

/// What a value image is called: what [`crate::serialize_value`] makes.
pub const VALUE_IMAGE: &str = "application/rkyv";
/// The version of the form of value images that is written.
pub(crate) const VALUE_IMAGE_VERSION: u16 = 2;

/// Which message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId {
    /// A random number that names the stream.
    pub stream: u64,
    /// Number of the message in its stream, from 1 on.
    pub sequence: u64,
}

/// How a payload is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageCompression {
    /// Not at all.
    #[default]
    None,
    /// As one zstd frame.
    Zstd,
}
