//! The bytes of a body, one piece at a time: as they stand in the file, or out of zstd. Memory is
//! a buffer of fixed size, whatever the body declares.

use std::io::{self, Read};

use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::header::HEADER_LEN;
use crate::limits::Limits;

/// Bytes held at a time.
const BUFFER_BYTES: usize = 64 * 1024;
/// Base-2 logarithm of the largest window a zstd frame may ask for: 128 MiB, which its highest
/// level uses.
#[cfg(feature = "zstd")]
const MAX_WINDOW_LOG: u32 = 27;

/// A body that is read from its beginning to its end.
pub(super) struct Stream<'a> {
    input: Box<dyn Read + 'a>,
    origin: &'a Origin,
    is_compressed: bool,
    buffer: Box<[u8]>,
    /// First byte of the buffer that was not taken yet.
    start: usize,
    /// End of the bytes in the buffer.
    end: usize,
    /// Bytes that came into the buffer so far.
    received: u64,
    /// Most bytes that may come.
    cap: u64,
}

impl<'a> Stream<'a> {
    /// A body of `len` stored bytes.
    pub(super) fn new(
        input: impl Read + 'a,
        is_compressed: bool,
        len: u64,
        origin: &'a Origin,
        limits: &Limits,
    ) -> Result<Stream<'a>> {
        let stored = input.take(len);
        let (input, cap): (Box<dyn Read + 'a>, u64) = match is_compressed {
            true => (unpacked(stored, origin)?, limits.max_version1_bytes),
            // What stands in the file as it is needs no cap: it is no larger than the file.
            false => (Box::new(stored), len),
        };
        Ok(Stream {
            input,
            origin,
            is_compressed,
            buffer: vec![0; BUFFER_BYTES].into(),
            start: 0,
            end: 0,
            received: 0,
            cap,
        })
    }

    pub(super) fn origin(&self) -> &Origin {
        self.origin
    }

    pub(super) fn is_compressed(&self) -> bool {
        self.is_compressed
    }

    /// Bytes taken so far.
    pub(super) fn position(&self) -> u64 {
        self.received - (self.end - self.start) as u64
    }

    /// Most bytes that may still come: exact for a body that is not compressed.
    pub(super) fn at_most(&self) -> u64 {
        self.cap.saturating_sub(self.position())
    }

    /// The bytes at hand; empty only at the end of the body.
    pub(super) fn at_hand(&mut self) -> Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.fill()?;
        }
        Ok(&self.buffer[self.start..self.end])
    }

    /// Takes `count` of the bytes at hand.
    pub(super) fn take(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        self.start = (self.start + count).min(self.end);
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        if let Some(next) = self.buffer[self.start..self.end].first_chunk::<N>() {
            bytes = *next;
            self.start += N;
            return Ok(bytes);
        }
        self.read(&mut bytes)?;
        Ok(bytes)
    }

    /// Fills `out` with the next bytes.
    pub(super) fn read(&mut self, out: &mut [u8]) -> Result<()> {
        let mut done = 0;
        while done < out.len() {
            let bytes = self.at_hand()?;
            if bytes.is_empty() {
                return Err(self.ended());
            }
            let count = bytes.len().min(out.len() - done);
            out[done..done + count].copy_from_slice(&bytes[..count]);
            self.take(count);
            done += count;
        }
        Ok(())
    }

    /// The next `len` bytes; memory grows as they arrive.
    pub(super) fn bytes(&mut self, len: u64) -> Result<Vec<u8>> {
        let mut found = Vec::new();
        let mut left = len;
        while left > 0 {
            let bytes = self.at_hand()?;
            if bytes.is_empty() {
                return Err(self.ended());
            }
            let count = (bytes.len() as u64).min(left) as usize;
            found.extend_from_slice(&bytes[..count]);
            self.take(count);
            left -= count as u64;
        }
        Ok(found)
    }

    /// Passes over the next `len` bytes.
    pub(super) fn skip(&mut self, mut len: u64) -> Result<()> {
        while len > 0 {
            let bytes = self.at_hand()?;
            if bytes.is_empty() {
                return Err(self.ended());
            }
            let count = (bytes.len() as u64).min(len) as usize;
            self.take(count);
            len -= count as u64;
        }
        Ok(())
    }

    /// Reads to the end and gives the number of bytes that were left.
    pub(super) fn finish(&mut self) -> Result<u64> {
        let position = self.position();
        while !self.at_hand()?.is_empty() {
            self.start = self.end;
        }
        Ok(self.received - position)
    }

    /// A fault at the next byte.
    pub(super) fn fault(&self, text: impl Into<String>) -> EnvError {
        let (part, offset) = match self.is_compressed {
            true => (Part::Version1Unpacked, self.position()),
            false => (Part::Version1Body, HEADER_LEN as u64 + self.position()),
        };
        self.damaged(part, offset, text.into())
    }

    fn ended(&self) -> EnvError {
        self.fault("it ends in the middle of a value")
    }

    fn damaged(&self, part: Part, offset: u64, text: String) -> EnvError {
        EnvError::Damaged {
            path: self.origin.clone(),
            fault: Fault::new(part, offset, Problem::Structure(text)),
        }
    }

    fn fill(&mut self) -> Result<()> {
        let count = loop {
            match self.input.read(&mut self.buffer) {
                Ok(count) => break count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        };
        self.end = count;
        self.received += count as u64;
        if self.received > self.cap {
            return Err(EnvError::TooLarge {
                path: self.origin.clone(),
                what: "the unpacked body, of which no more was read,".to_owned(),
                found: self.received,
                cap: self.cap,
            });
        }
        Ok(())
    }

    /// Tells a disk that cannot be read from bytes that cannot be unpacked.
    fn failed(&self, error: io::Error) -> EnvError {
        if !self.is_compressed || error.raw_os_error().is_some() {
            return EnvError::io("read", self.origin.clone(), error);
        }
        let text = format!("zstd cannot unpack it: {error}");
        self.damaged(Part::Version1Body, HEADER_LEN as u64, text)
    }
}

#[cfg(feature = "zstd")]
fn unpacked<'a>(stored: impl Read + 'a, origin: &Origin) -> Result<Box<dyn Read + 'a>> {
    // Goes on from one frame to the next, as version 1 did.
    let made = zstd::stream::read::Decoder::new(stored).and_then(|mut decoder| {
        decoder.window_log_max(MAX_WINDOW_LOG)?;
        Ok(decoder)
    });
    let decoder = made.map_err(|error| EnvError::io("unpack", origin.clone(), error))?;
    Ok(Box::new(decoder))
}

#[cfg(not(feature = "zstd"))]
fn unpacked<'a>(_: impl Read + 'a, origin: &Origin) -> Result<Box<dyn Read + 'a>> {
    Err(EnvError::Unsupported {
        path: origin.clone(),
        what: "zstd (this build was made without the feature `zstd`)".to_owned(),
    })
}
