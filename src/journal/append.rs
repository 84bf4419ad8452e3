//! Putting frames together: small ones in a buffer, large payloads straight into the file. The header
//! of the last frame is held back until it is known whether the frame ends a commit; until then zeros
//! stand in its place, so that nobody sees a frame whose payload is not there yet.

use std::io;

use super::begin::short_id;
use super::frame::{FrameKind, MessageHeader, crc_of, frame_len, payload_offset};
use super::scan::{AT_HAND, Position};
use super::writer::{Writer, is_full};
use crate::error::{EnvError, Result};
use crate::limits::MAX_NAME_BYTES;

/// Bytes of frames that gather before they are written.
const BUFFER: usize = 1 << 20;
/// Zeros between the parts of a frame.
const ZEROS: [u8; 64] = [0; 64];

/// A frame to append.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFrame<'a> {
    /// What it says; not [`FrameKind::Begin`].
    pub(crate) kind: FrameKind,
    /// What the value is, for listings.
    pub(crate) type_id: u16,
    /// At most 4096 bytes.
    pub(crate) key: &'a [u8],
    /// Nanoseconds since 1970; raised to the last one's when it is less.
    pub(crate) timestamp: u64,
}

/// Where a frame was appended. It counts once it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// Its sequence.
    pub(crate) sequence: u64,
    /// Offset of the frame in the writer's segment.
    pub(crate) offset: u64,
    /// Offset of its payload in the writer's segment.
    pub(crate) payload_offset: u64,
}

/// Frames since the last commit.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// After the last frame. Its link is that of the frame before while the header is held.
    pub(super) last: Position,
    /// The header of the last frame, and where it belongs.
    held: Option<(u64, MessageHeader)>,
    /// Bytes that are not written yet, and where they begin.
    buffer: Vec<u8>,
    buffer_at: u64,
    /// Whether payloads of them are large.
    pub(super) large: bool,
    /// Whether something of them may be in the file.
    pub(super) reached_file: bool,
}

impl Pending {
    /// None again.
    pub(super) fn start_after(&mut self, committed: Position) {
        self.last = committed;
        self.held = None;
        self.buffer.clear();
        self.buffer_at = committed.offset;
        self.large = false;
        self.reached_file = false;
    }
}

impl Writer {
    /// Appends a frame whose payload is in memory. `payload_crc`, its CRC-32, spares summing it.
    ///
    /// # Errors
    /// [`EnvError::NoRoomToCommit`], [`EnvError::Io`], [`EnvError::InvalidValue`] for a key beyond
    /// 4096 bytes, [`EnvError::ForkedChild`], [`EnvError::JournalClosed`].
    pub(crate) fn append(
        &mut self,
        frame: &NewFrame<'_>,
        payload: &[u8],
        payload_crc: Option<u32>,
    ) -> Result<Written> {
        let written = self.start_frame(frame, payload.len() as u64)?;
        let put = self.put(payload);
        self.or_rollback(put)?;
        let crc = payload_crc.unwrap_or_else(|| crc32fast::hash(payload));
        self.end_frame(payload.len() as u64, crc)?;
        Ok(written)
    }

    /// Appends a frame whose payload of `payload_len` bytes is written by `fill`: to the file, from
    /// the offset on that it is given. It answers with their CRC-32.
    ///
    /// # Errors
    /// As [`Writer::append`], and those of `fill`; a full disk is [`EnvError::NoRoomToCommit`] here
    /// too.
    pub(crate) fn append_placed(
        &mut self,
        frame: &NewFrame<'_>,
        payload_len: u64,
        fill: impl FnOnce(&std::fs::File, u64) -> Result<u32>,
    ) -> Result<Written> {
        let written = self.start_frame(frame, payload_len)?;
        let flushed = self.flush();
        self.or_rollback(flushed)?;
        self.pending.reached_file = true;
        let file = self.segment.file().map_err(|e| self.segment.failed(e));
        let filled = file.and_then(|file| fill(&file, written.payload_offset));
        let crc = match filled {
            Ok(crc) => crc,
            Err(error) => {
                let needed = self.pending.last.offset - self.committed.offset;
                let error = match error {
                    EnvError::Io { source, .. } if is_full(&source) => {
                        self.write_failed(source, needed)
                    }
                    error => error,
                };
                self.rollback()?;
                return Err(error);
            }
        };
        self.pending.buffer_at += payload_len;
        self.end_frame(payload_len, crc)?;
        Ok(written)
    }

    /// Puts key and room for the header of a frame behind the last one.
    fn start_frame(&mut self, frame: &NewFrame<'_>, payload_len: u64) -> Result<Written> {
        self.check_open()?;
        let last = self.pending.last;
        let key_len = frame.key.len();
        let end = frame_len(key_len as u64, payload_len).and_then(|n| n.checked_add(last.offset));
        let sequence = last.sequence.checked_add(1);
        let (Some(end), Some(sequence)) = (end.filter(|end| *end <= i64::MAX as u64), sequence)
        else {
            self.rollback()?;
            return Err(refused(format!("{payload_len} bytes are too many")));
        };
        if key_len > MAX_NAME_BYTES || frame.kind == FrameKind::Begin {
            self.rollback()?;
            return Err(refused(format!("a key has {key_len} bytes")));
        }
        let put = self.seal(0, 0).and_then(|()| {
            self.put(&ZEROS)?;
            if key_len > 0 {
                self.put(frame.key)?;
                self.put(&crc32fast::hash(frame.key).to_le_bytes())?;
                self.pad(key_len + 4)?;
            }
            Ok(())
        });
        self.or_rollback(put)?;
        let session = short_id(&self.session_id());
        let mut header = MessageHeader::new(session, sequence, frame.kind);
        header.type_id = frame.type_id;
        header.key_len = key_len as u32;
        header.payload_len = payload_len;
        header.timestamp = frame.timestamp.max(last.timestamp);
        self.pending.large |= payload_len > AT_HAND;
        self.pending.held = Some((last.offset, header));
        self.pending.last = Position {
            offset: end,
            sequence,
            link: self.pending.last.link,
            timestamp: header.timestamp,
        };
        Ok(Written {
            sequence,
            offset: last.offset,
            payload_offset: last.offset + payload_offset(key_len as u64),
        })
    }

    fn end_frame(&mut self, payload_len: u64, payload_crc: u32) -> Result<()> {
        let padded = self.pad((payload_len % 64) as usize);
        self.or_rollback(padded)?;
        if let Some((_, header)) = &mut self.pending.held {
            header.payload_crc = payload_crc;
        }
        Ok(())
    }

    /// Puts the header that is held into its place, behind everything that belongs to its frame.
    pub(super) fn seal(&mut self, flags: u8, timestamp: u64) -> io::Result<()> {
        let Some((at, mut header)) = self.pending.held.take() else {
            return Ok(());
        };
        header.flags |= flags;
        header.timestamp = header.timestamp.max(timestamp);
        header.link = self.pending.last.link;
        header.synced = self.synced;
        let bytes = header.to_bytes();
        self.pending.last.link = crc_of(&bytes);
        self.pending.last.timestamp = header.timestamp;
        match at.checked_sub(self.pending.buffer_at) {
            Some(at) => {
                let at = at as usize;
                self.pending.buffer[at..at + bytes.len()].copy_from_slice(&bytes);
                Ok(())
            }
            None => {
                self.flush()?;
                self.segment.journal_file().write_all_at(at, &bytes)
            }
        }
    }

    /// Writes what has gathered.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Pending {
            buffer,
            buffer_at,
            reached_file,
            ..
        } = &mut self.pending;
        if !buffer.is_empty() {
            self.lock.check_process().map_err(io::Error::other)?;
            *reached_file = true;
            self.noted = false;
            self.segment
                .journal_file()
                .write_all_at(*buffer_at, buffer)?;
            *buffer_at += buffer.len() as u64;
            buffer.clear();
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.pending.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() < BUFFER {
            self.pending.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.lock.check_process().map_err(io::Error::other)?;
        self.pending.reached_file = true;
        self.noted = false;
        let file = self.segment.journal_file();
        file.write_all_at(self.pending.buffer_at, bytes)?;
        self.pending.buffer_at += bytes.len() as u64;
        Ok(())
    }

    /// Zeros behind `len` bytes, up to a multiple of 64.
    fn pad(&mut self, len: usize) -> io::Result<()> {
        self.put(&ZEROS[..len.next_multiple_of(ZEROS.len()) - len])
    }
}

fn refused(reason: String) -> EnvError {
    EnvError::InvalidValue {
        what: "a frame cannot be appended to the journal".into(),
        reason,
    }
}
