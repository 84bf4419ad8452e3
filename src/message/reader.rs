//! Receiving messages.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::packing::unpack;
use super::{MessageCompression, MessageId, VALUE_IMAGE, VALUE_IMAGE_VERSION, content_type};
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::journal::{FrameKind, MESSAGE_HEADER_LEN, MessageHeader, crc_of, key_of};
use crate::pool::{BufferPool, PooledBuffer};
use crate::read::ValueImage;
use crate::read::image::value_in;
use crate::value::Value;

/// The longest payload, if nothing else is said.
const MOST: u64 = 1 << 30;
/// Memory is taken for so many bytes at first, and doubled as they come: a header costs nothing.
const FIRST: u64 = 1 << 20;

/// Receives messages that [`super::MessageWriter`] sent.
///
/// Nothing that comes is trusted: a message is handed out when its header, key and payload have their sums
/// and it is the next one of the stream. Memory is taken as bytes come, never for what a header
/// promises. After an error the place in the stream is lost: every later call says so.
#[derive(Debug)]
pub struct MessageReader<R> {
    stream: R,
    pool: BufferPool,
    most: u64,
    last: Option<Last>,
    /// Bytes that were read.
    offset: u64,
    broken: bool,
}

/// The message before.
#[derive(Clone, Copy, Debug)]
struct Last {
    stream: u64,
    sequence: u64,
    link: u32,
}

/// One message. Its payload stands where it was received; values made of it borrow from there.
#[derive(Clone, Debug)]
pub struct Message {
    header: MessageHeader,
    content_type: Box<str>,
    compression: MessageCompression,
    payload: Arc<PooledBuffer>,
}

impl Message {
    /// Which message it is.
    pub fn id(&self) -> MessageId {
        MessageId {
            stream: self.header.session,
            sequence: self.header.sequence,
        }
    }

    /// When it was sent.
    pub fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.header.timestamp)
    }

    /// The version of what it holds, as the sender said.
    pub fn version(&self) -> u16 {
        self.header.type_id
    }

    /// What it holds, such as `application/json`.
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// How it was compressed on its way.
    pub fn compression(&self) -> MessageCompression {
        self.compression
    }

    /// What it holds, unpacked, aligned to 64 bytes.
    pub fn payload(&self) -> &[u8] {
        self.payload.as_bytes()
    }

    /// The image of a value, of which only what is asked for is read and checked; as
    /// [`Message::value`].
    ///
    /// # Errors
    /// As [`Message::value`].
    pub fn image(&self) -> Result<ValueImage> {
        self.check_is_value()?;
        ValueImage::shared(Arc::clone(&self.payload))
    }

    /// The value of a message that [`super::MessageWriter::send_value`] sent. Tensors borrow from the
    /// memory of the message, which goes back to the pool when the last of them is dropped.
    ///
    /// # Errors
    /// [`EnvError::Unsupported`] for another content type or a later version;
    /// [`EnvError::Damaged`] when the payload is no image of a value.
    pub fn value(&self) -> Result<Value> {
        self.check_is_value()?;
        value_in(Arc::clone(&self.payload))
    }

    fn check_is_value(&self) -> Result<()> {
        let unsupported = |what: String| EnvError::Unsupported {
            path: Origin::Stream,
            what,
        };
        if &*self.content_type != VALUE_IMAGE {
            let what = format!("the content type {:?} for a value", self.content_type);
            return Err(unsupported(what));
        }
        if self.version() > VALUE_IMAGE_VERSION {
            let what = format!("version {} of {VALUE_IMAGE}", self.version());
            return Err(unsupported(what));
        }
        Ok(())
    }
}

impl<R: Read> MessageReader<R> {
    /// Receives from a stream, from the beginning of a message on. It is best buffered when messages
    /// are small ([`std::io::BufReader`]).
    pub fn new(stream: R) -> MessageReader<R> {
        MessageReader {
            stream,
            pool: BufferPool::new(2 * MOST),
            most: MOST,
            last: None,
            offset: 0,
            broken: false,
        }
    }

    /// Takes memory from that pool; a pool of its own holds at most 2 GiB. Messages that are held, and
    /// values made of them, hold their memory.
    pub fn pool(mut self, pool: BufferPool) -> Self {
        self.pool = pool;
        self
    }

    /// Refuses messages whose payload, unpacked, is longer than that many bytes; 1 GiB if it is not
    /// said.
    pub fn most_bytes(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// The stream that messages come from.
    pub fn into_inner(self) -> R {
        self.stream
    }

    /// Waits for the next message; `None` when the stream ends behind the last one.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] for what is not the next message, whole and unchanged, with the
    /// offset in the stream; [`EnvError::TooLarge`], [`EnvError::PoolExhausted`], and
    /// [`EnvError::Io`]. The place in the stream is lost then.
    pub fn receive(&mut self) -> Result<Option<Message>> {
        if self.broken {
            let text = "what came before could not be read";
            return Err(self.failed(io::Error::new(io::ErrorKind::InvalidData, text)));
        }
        let received = self.next();
        self.broken = received.is_err();
        received
    }

    fn next(&mut self) -> Result<Option<Message>> {
        let start = self.offset;
        let mut bytes = [0; MESSAGE_HEADER_LEN];
        match self.fill(&mut bytes)? {
            0 => return Ok(None),
            MESSAGE_HEADER_LEN => {}
            count => return Err(cut_short(start, count as u64)),
        }
        let header = MessageHeader::from_bytes(&bytes).map_err(|fault| {
            damaged(Fault {
                offset: start + fault.offset,
                ..fault
            })
        })?;
        self.check(&header, start)?;
        let key_end = header.payload_offset() - MESSAGE_HEADER_LEN as u64;
        let mut area = [0; 2 * crate::limits::MAX_NAME_BYTES];
        let area = &mut area[..key_end as usize];
        if self.fill(area)? < area.len() {
            return Err(cut_short(start, self.offset - start));
        }
        let wrong = |at: u64, problem| damaged(Fault::new(Part::Frame, start + at, problem));
        let head = MESSAGE_HEADER_LEN as u64;
        let (key, expected) = key_of(&header, area).map_err(|problem| wrong(head, problem))?;
        let found = crc32fast::hash(key);
        if found != expected {
            return Err(wrong(head, Problem::Checksum { expected, found }));
        }
        let structure = |text| wrong(head, Problem::Structure(text));
        let (content_type, compression) = content_type::parse(key).map_err(structure)?;
        if header.payload_len > self.most {
            return Err(too_large(header.payload_len, self.most));
        }
        let body = header.payload_offset();
        let payload = self.payload(header.payload_len, start)?;
        let (expected, found) = (header.payload_crc, crc32fast::hash(payload.as_bytes()));
        if found != expected {
            return Err(wrong(body, Problem::Checksum { expected, found }));
        }
        let payload = match compression {
            MessageCompression::None => payload,
            MessageCompression::Zstd => {
                let damaged = |text| wrong(body, Problem::Structure(text));
                unpack(payload.as_bytes(), self.most, &self.pool, damaged)?
            }
        };
        self.last = Some(Last {
            stream: header.session,
            sequence: header.sequence,
            link: crc_of(&bytes),
        });
        Ok(Some(Message {
            header,
            content_type: content_type.into(),
            compression,
            payload: Arc::new(payload),
        }))
    }

    /// Whether it is a message, and the next one.
    fn check(&self, header: &MessageHeader, start: u64) -> Result<()> {
        let field = |offset, field, found| {
            let problem = Problem::Field { field, found };
            Err(damaged(Fault::new(Part::Frame, start + offset, problem)))
        };
        if header.kind != FrameKind::Message {
            return field(32, "kind", u8::from(header.kind).into());
        }
        if !header.ends_commit() {
            return field(33, "flags", header.flags.into());
        }
        // Whoever comes later may begin with any message.
        let Some(last) = self.last else {
            return Ok(());
        };
        if header.session != last.stream {
            return field(8, "session", header.session);
        }
        if last.sequence.checked_add(1) != Some(header.sequence) {
            return field(16, "sequence", header.sequence);
        }
        if header.link != last.link {
            return field(52, "link to the frame before", header.link.into());
        }
        Ok(())
    }

    /// The payload, without the zeros behind it.
    fn payload(&mut self, len: u64, start: u64) -> Result<PooledBuffer> {
        let mut payload = self.pool.take(len.min(FIRST))?;
        while (payload.len() as u64) < len {
            let filled = payload.len() as u64;
            let now = (len - filled).min(filled.max(FIRST)) as usize;
            let count = payload.append_from(&mut self.stream, now);
            let count = count.map_err(|error| match error.downcast::<EnvError>() {
                Ok(refused) => refused,
                Err(error) => self.failed(error),
            })?;
            self.offset += count as u64;
            if count < now {
                return Err(cut_short(start, self.offset - start));
            }
        }
        let mut padding = [0; MESSAGE_HEADER_LEN];
        let padding = &mut padding[..(len.wrapping_neg() % MESSAGE_HEADER_LEN as u64) as usize];
        let at = self.offset;
        if self.fill(padding)? < padding.len() {
            return Err(cut_short(start, self.offset - start));
        }
        match padding.iter().all(|byte| *byte == 0) {
            true => Ok(payload),
            false => Err(damaged(Fault::new(Part::Frame, at, Problem::NotZero))),
        }
    }

    /// Fills `out`, as far as the stream goes.
    fn fill(&mut self, out: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < out.len() {
            match self.stream.read(&mut out[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn failed(&self, error: io::Error) -> EnvError {
        EnvError::io("read a message from", Origin::Stream, error)
    }
}

fn damaged(fault: Fault) -> EnvError {
    EnvError::Damaged {
        path: Origin::Stream,
        fault,
    }
}

fn cut_short(offset: u64, found: u64) -> EnvError {
    let text = format!("the stream ends within it, after {found} bytes");
    damaged(Fault::new(Part::Frame, offset, Problem::Structure(text)))
}

pub(super) fn too_large(found: u64, cap: u64) -> EnvError {
    EnvError::TooLarge {
        path: Origin::Stream,
        what: "the payload of a message".to_owned(),
        found,
        cap,
    }
}
