//! Sending messages.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use super::content_type;
use super::packing::pack;
use super::{MessageCompression, MessageId, VALUE_IMAGE, VALUE_IMAGE_VERSION};
use crate::error::{EnvError, Origin, Result};
use crate::journal::{FLAG_COMMIT, FrameKind, MESSAGE_HEADER_LEN, MessageHeader, crc_of};
use crate::statistics::{EncodingStatistics, Temperature};
use crate::value::ValueRef;
use crate::write::{SummedImage, serialize_value};

const ZEROS: [u8; MESSAGE_HEADER_LEN] = [0; MESSAGE_HEADER_LEN];
/// Payloads up to this many bytes go out with their header, in one write.
const TOGETHER: usize = 64 << 10;

/// Sends messages over a stream of bytes. [`super::MessageReader`] receives them.
///
/// A message goes out whole, in one write when it is small, and the stream is flushed. When sending fails,
/// part of a message may be out: the stream is of no use any more, and every later call says so.
#[derive(Debug)]
pub struct MessageWriter<W> {
    stream: W,
    id: u64,
    sequence: u64,
    link: u32,
    timestamp: u64,
    level: Option<i32>,
    /// By which it is decided what is packed; none packs everything.
    statistics: Option<EncodingStatistics>,
    broken: bool,
    /// The head of a message; a small message as a whole.
    head: Vec<u8>,
}

/// What goes out behind the head.
enum Payload<'p, 'v> {
    Bytes(&'p [u8]),
    Image(&'p SummedImage<'v>),
}

impl<W: Write> MessageWriter<W> {
    /// A stream of messages with a new random id.
    ///
    /// # Errors
    /// [`EnvError::Io`] when the system has no random number.
    pub fn new(stream: W) -> Result<MessageWriter<W>> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|e| failed(io::Error::other(e.to_string())))?;
        Ok(MessageWriter {
            stream,
            id: u64::from_le_bytes(id),
            sequence: 0,
            link: 0,
            timestamp: 0,
            level: None,
            statistics: None,
            broken: false,
            head: Vec::new(),
        })
    }

    /// Compresses payloads with zstd at that level (1 to 22) where that makes them shorter; `None`,
    /// as is the default, does not. Needs the feature `zstd`.
    pub fn compress(mut self, level: Option<i32>) -> Self {
        self.level = level;
        self.statistics = None;
        self
    }

    /// As [`MessageWriter::compress`], for messages of those types alone for which it pays, as
    /// `statistics` say: it saves a tenth at least of the first four, and goes on doing so; of a type
    /// for which it does not, one message in 65 is tried again. A type is a content type with the
    /// version, such as `application/json 2`; for [`MessageWriter::send_value`] the kind of the value,
    /// such as `tensor`.
    ///
    /// ```
    /// # #[cfg(feature = "zstd")] {
    /// use achronyme_env::{EncodingStatistics, MessageCompression, MessageReader, MessageWriter};
    ///
    /// let statistics = EncodingStatistics::new();
    /// let mut messages = MessageWriter::new(Vec::new())?.compress_where_it_pays(3, statistics);
    /// for _ in 0..10 {
    ///     messages.send("text/plain", 1, &[b' '; 5000])?;
    /// }
    /// let stream = messages.into_inner();
    /// let message = MessageReader::new(&stream[..]).receive()?.unwrap();
    /// assert_eq!(message.compression(), MessageCompression::Zstd);
    /// # }
    /// # Ok::<(), achronyme_env::EnvError>(())
    /// ```
    pub fn compress_where_it_pays(mut self, level: i32, statistics: EncodingStatistics) -> Self {
        self.level = Some(level);
        self.statistics = Some(statistics);
        self
    }

    /// Sends bytes. `version` is that of what they hold, for whoever receives them.
    ///
    /// # Errors
    /// [`EnvError::InvalidValue`] for what is no content type: nothing is sent.
    /// [`EnvError::Io`]: the stream is of no use any more.
    pub fn send(&mut self, content_type: &str, version: u16, payload: &[u8]) -> Result<MessageId> {
        content_type::check(content_type)?;
        let of_type = match &self.statistics {
            Some(_) => format!("{content_type} {version}"),
            None => String::new(),
        };
        self.send_of(&of_type, content_type, version, payload)
    }

    fn send_of(
        &mut self,
        of_type: &str,
        content_type: &str,
        version: u16,
        payload: &[u8],
    ) -> Result<MessageId> {
        match self.packed(of_type, payload)? {
            Some(packed) => {
                let key = content_type::key(content_type, MessageCompression::Zstd);
                let sum = crc32fast::hash(&packed);
                self.put(&key, version, &Payload::Bytes(&packed), sum)
            }
            None => {
                let sum = crc32fast::hash(payload);
                self.put(content_type, version, &Payload::Bytes(payload), sum)
            }
        }
    }

    /// Sends a value, as the image that [`crate::serialize_value`] makes. Array data goes out from
    /// where it stands, after it was read once for its sums; if another program changes it meanwhile, the
    /// receiver refuses the message.
    ///
    /// # Errors
    /// As [`crate::serialize_value`]: nothing is sent. [`EnvError::Io`]: the stream is of no use any
    /// more.
    pub fn send_value<'v>(&mut self, value: impl Into<ValueRef<'v>>) -> Result<MessageId> {
        let value = value.into();
        let of_type = value.kind().name();
        if self.is_packed(of_type) {
            let payload = serialize_value(value)?;
            return self.send_of(of_type, VALUE_IMAGE, VALUE_IMAGE_VERSION, &payload);
        }
        let image = SummedImage::of(&value)?;
        if let Some(statistics) = &self.statistics {
            statistics.note(of_type, image.len());
        }
        let sum = image.crc();
        self.put(
            VALUE_IMAGE,
            VALUE_IMAGE_VERSION,
            &Payload::Image(&image),
            sum,
        )
    }

    /// Whether messages of a type are packed, or are to be tried.
    fn is_packed(&self, of_type: &str) -> bool {
        let is_hot =
            |statistics: &EncodingStatistics| statistics.temperature(of_type) == Temperature::Hot;
        self.level.is_some() && !self.statistics.as_ref().is_some_and(is_hot)
    }

    /// The payload packed, where that is wanted and makes it shorter.
    fn packed(&self, of_type: &str, payload: &[u8]) -> Result<Option<Vec<u8>>> {
        let (wanted, len) = (self.is_packed(of_type), payload.len() as u64);
        if let Some(statistics) = &self.statistics {
            statistics.note(of_type, len);
        }
        let (Some(level), true) = (self.level, wanted) else {
            return Ok(None);
        };
        let packed = pack(payload, level)?;
        if let Some(statistics) = &self.statistics {
            let to = packed.as_ref().map_or(len, |packed| packed.len() as u64);
            statistics.note_packed(of_type, len, to);
        }
        Ok(packed)
    }

    /// The stream that messages are written to.
    pub fn get_ref(&self) -> &W {
        &self.stream
    }

    /// The stream that messages were written to.
    pub fn into_inner(self) -> W {
        self.stream
    }

    fn put(
        &mut self,
        key: &str,
        version: u16,
        payload: &Payload<'_, '_>,
        payload_crc: u32,
    ) -> Result<MessageId> {
        if self.broken {
            let text = "a message before could not be sent whole";
            return Err(failed(io::Error::new(io::ErrorKind::BrokenPipe, text)));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        });
        let mut header = MessageHeader::new(self.id, self.sequence + 1, FrameKind::Message);
        header.timestamp = now.max(self.timestamp);
        header.flags = FLAG_COMMIT;
        header.type_id = version;
        header.key_len = key.len() as u32;
        header.payload_len = match payload {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::Image(image) => image.len(),
        };
        header.payload_crc = payload_crc;
        header.link = self.link;
        let bytes = header.to_bytes();
        let link = crc_of(&bytes);

        self.head.clear();
        self.head.extend_from_slice(&bytes);
        self.head.extend_from_slice(key.as_bytes());
        let sum = crc32fast::hash(key.as_bytes());
        self.head.extend_from_slice(&sum.to_le_bytes());
        pad(&mut self.head);
        // Until all of it is out.
        self.broken = true;
        self.put_payload(payload).map_err(|error| match error {
            EnvError::Io { source, .. } => failed(source),
            other => other,
        })?;
        self.broken = false;
        self.sequence += 1;
        self.timestamp = header.timestamp;
        self.link = link;
        Ok(MessageId {
            stream: self.id,
            sequence: self.sequence,
        })
    }

    fn put_payload(&mut self, payload: &Payload<'_, '_>) -> Result<()> {
        match payload {
            Payload::Bytes(bytes) if bytes.len() <= TOGETHER => {
                self.head.extend_from_slice(bytes);
                pad(&mut self.head);
                self.stream.write_all(&self.head).map_err(failed)?;
            }
            Payload::Bytes(bytes) => {
                let padding = bytes.len().next_multiple_of(ZEROS.len()) - bytes.len();
                let parts = [&self.head[..], bytes, &ZEROS[..padding]];
                for part in parts {
                    self.stream.write_all(part).map_err(failed)?;
                }
            }
            Payload::Image(image) => {
                self.stream.write_all(&self.head).map_err(failed)?;
                image.write(&mut self.stream, &failed)?;
                let padding = image.len().wrapping_neg() % ZEROS.len() as u64;
                let padding = &ZEROS[..padding as usize];
                self.stream.write_all(padding).map_err(failed)?;
            }
        }
        self.stream.flush().map_err(failed)
    }
}

/// Zeros up to a multiple of 64.
fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(ZEROS.len()), 0);
}

fn failed(error: io::Error) -> EnvError {
    EnvError::io("write a message to", Origin::Stream, error)
}
