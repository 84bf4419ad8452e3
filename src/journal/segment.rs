//! An open segment: reading at offsets, never writing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::begin::{BEGIN_LEN, Begin, NoBegin};
use super::file::{JournalFile, LastUsed, OpenFile};
use super::frame::{MESSAGE_HEADER_LEN, MessageHeader, crc_of};
use super::scan::Position;
use crate::error::{EnvError, Result};
use crate::fault::{Fault, Part, Problem};

/// Bytes read at a time where only their sum is wanted.
const PIECE: usize = 1 << 20;

/// A segment open for reading. It keeps its file, whatever its path leads to later; but for one that
/// rests, which has its file open only while it is the last one that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: JournalFile,
    begin: Begin,
    begin_crc: u32,
}

/// What stands at the path of a segment.
#[derive(Debug)]
pub(super) enum Found {
    /// Nothing, or a file that holds nothing but zeros.
    Nothing,
    /// A file that does not begin as a segment.
    Broken(Fault),
    Segment(Segment),
}

/// Where bytes stand: in which segment, and where in its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The segment.
    pub(crate) segment: &'a Segment,
    /// Offset of the first byte in the segment's file, a multiple of 64.
    pub(crate) offset: u64,
    /// Length in bytes.
    pub(crate) len: u64,
}

impl Segment {
    /// Opens what stands at `path`.
    pub(super) fn find(path: &Path) -> Result<Found> {
        Segment::find_for(path, false)
    }

    /// Opens what stands at `path`, the name of the retired segment whose first frame is `first`.
    pub(super) fn find_retired(first: u64, path: &Path) -> Result<Found> {
        Ok(match Segment::find(path)? {
            Found::Segment(segment)
                if segment.begin().base_sequence.checked_add(1) != Some(first) =>
            {
                let text = "its name tells of another first frame".into();
                Found::Broken(Fault::new(Part::Frame, 0, Problem::Structure(text)))
            }
            found => found,
        })
    }

    /// Opens what stands at `path`, for writing too if asked.
    pub(super) fn find_for(path: &Path, write: bool) -> Result<Found> {
        let Some(file) = JournalFile::open(path, write)? else {
            return Ok(Found::Nothing);
        };
        let mut bytes = [0; BEGIN_LEN];
        let filled = file
            .read_at(0, &mut bytes)
            .map_err(|e| EnvError::io("read", path, e))?;
        if filled < BEGIN_LEN && !is_zero(path, &file)? {
            let (expected, found) = (BEGIN_LEN as u64, filled as u64);
            let problem = Problem::Length { expected, found };
            return Ok(Found::Broken(Fault::new(Part::FileLength, found, problem)));
        }
        match Begin::from_bytes(&bytes) {
            Err(_) if is_zero(path, &file)? => Ok(Found::Nothing),
            Ok(begin) => Ok(Found::Segment(Segment::new(
                path.into(),
                file,
                begin,
                &bytes,
            ))),
            Err(NoBegin::Fault(fault)) => Ok(Found::Broken(fault)),
            Err(NoBegin::Later) => Err(EnvError::Unsupported {
                path: path.into(),
                what: "a begin frame of a later version".into(),
            }),
        }
    }

    /// As [`Segment::find_retired`]; the segment rests.
    pub(super) fn find_resting(first: u64, path: &Path, last_used: &LastUsed) -> Result<Found> {
        let found = Segment::find_retired(first, path)?;
        let Found::Segment(segment) = found else {
            return Ok(found);
        };
        let inner = match Arc::try_unwrap(segment.inner) {
            Ok(inner) => inner,
            Err(inner) => return Ok(Found::Segment(Segment { inner })),
        };
        let file = inner.file.rest(path, last_used);
        let file = file.map_err(|e| EnvError::io("read", path, e))?;
        let inner = Arc::new(Inner { file, ..inner });
        Ok(Found::Segment(Segment { inner }))
    }

    pub(super) fn new(
        path: PathBuf,
        file: JournalFile,
        begin: Begin,
        bytes: &[u8; BEGIN_LEN],
    ) -> Segment {
        let mut header = [0; MESSAGE_HEADER_LEN];
        header.copy_from_slice(&bytes[..MESSAGE_HEADER_LEN]);
        let inner = Inner {
            path,
            file,
            begin,
            begin_crc: crc_of(&header),
        };
        Segment {
            inner: Arc::new(inner),
        }
    }

    /// Whether both are one opening of a file.
    pub(crate) fn is(&self, other: &Segment) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// The path under which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    /// What its begin frame says.
    pub(crate) fn begin(&self) -> &Begin {
        &self.inner.begin
    }

    /// The file, for mapping. Bytes of committed frames never change, and nothing but what follows
    /// them is ever cut off.
    ///
    /// # Errors
    /// What opening one that rests answers.
    pub(crate) fn file(&self) -> std::io::Result<OpenFile<'_>> {
        self.inner.file.open_file()
    }

    pub(super) fn journal_file(&self) -> &JournalFile {
        &self.inner.file
    }

    /// Where its first frame begins.
    pub(super) fn start(&self) -> Position {
        let begin = self.begin();
        Position {
            offset: BEGIN_LEN as u64,
            sequence: begin.base_sequence,
            link: self.inner.begin_crc,
            timestamp: begin.timestamp,
        }
    }

    /// Whether its path leads to it now.
    pub(super) fn is_at(&self, path: &Path) -> Result<bool> {
        let same = self.inner.file.is_at(path);
        same.map_err(|e| EnvError::io("open", path, e))
    }

    /// Length of the file now, in bytes.
    pub(crate) fn len(&self) -> Result<u64> {
        self.inner.file.len().map_err(|e| self.failed(e))
    }

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`EnvError::Io`]; reading beyond the end is one.
    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let read = self.inner.file.read_exact_at(offset, out);
        read.map_err(|e| self.failed(e))
    }

    /// The header of the frame at `offset`: its time, type id and sum.
    ///
    /// # Errors
    /// [`EnvError::Io`], [`EnvError::Damaged`].
    pub(crate) fn header_at(&self, offset: u64) -> Result<MessageHeader> {
        Ok(self.header_and_sum(offset)?.0)
    }

    /// The header of the frame at `offset`, and its sum.
    pub(super) fn header_and_sum(&self, offset: u64) -> Result<(MessageHeader, u32)> {
        let mut bytes = [0; MESSAGE_HEADER_LEN];
        self.read_at(offset, &mut bytes)?;
        match MessageHeader::from_bytes(&bytes) {
            Ok(header) => Ok((header, crc_of(&bytes))),
            Err(fault) => Err(self.damaged(Fault {
                offset: offset.saturating_add(fault.offset),
                ..fault
            })),
        }
    }

    /// Whether the file holds nothing but zeros from `offset` on.
    pub(super) fn is_zero_from(&self, offset: u64) -> Result<bool> {
        is_zero_from(&self.inner.file, offset).map_err(|e| self.failed(e))
    }

    pub(super) fn failed(&self, source: std::io::Error) -> EnvError {
        EnvError::io("read", self.path(), source)
    }

    pub(super) fn damaged(&self, fault: Fault) -> EnvError {
        let path = self.path().into();
        EnvError::Damaged { path, fault }
    }
}

fn is_zero(path: &Path, file: &JournalFile) -> Result<bool> {
    is_zero_from(file, 0).map_err(|e| EnvError::io("read", path, e))
}

fn is_zero_from(file: &JournalFile, mut offset: u64) -> std::io::Result<bool> {
    // Little at first: what stands behind the last frame tells at once, as a rule.
    let mut piece = vec![0; 4096];
    loop {
        match file.read_at(offset, &mut piece)? {
            0 => return Ok(true),
            n if piece[..n].iter().any(|byte| *byte != 0) => return Ok(false),
            n => offset = offset.saturating_add(n as u64),
        }
        piece.resize(PIECE, 0);
        match file.next_data(offset)? {
            Some(data) => offset = data,
            None => return Ok(true),
        }
    }
}

/// The sum of so many zeros, in as many steps as the number has bits.
fn sum_of_zeros(mut count: u64) -> crc32fast::Hasher {
    let (mut sum, mut run) = (crc32fast::Hasher::new(), crc32fast::Hasher::new());
    run.update(&[0]);
    while count > 0 {
        if count & 1 == 1 {
            sum.combine(&run);
        }
        run.combine(&run.clone());
        count >>= 1;
    }
    sum
}

impl Place<'_> {
    /// The bytes, in memory of their own.
    ///
    /// # Errors
    /// [`EnvError::Io`]; [`EnvError::TooLarge`] when memory does not hold them.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let room = bytes.try_reserve_exact(len);
        room.map_err(|_| EnvError::TooLarge {
            path: self.segment.path().into(),
            what: format!("the payload at byte {}", self.offset),
            found: self.len,
            cap: usize::MAX as u64,
        })?;
        bytes.resize(len, 0);
        self.segment.read_at(self.offset, &mut bytes)?;
        Ok(bytes)
    }

    /// How many bytes of a hole stand at `done`, counted from the first byte, up to `end`. A payload
    /// may be one that is longer than any disk.
    fn hole(&self, done: u64, end: u64) -> Result<u64> {
        let file = self.segment.journal_file();
        let data = file.next_data(self.offset.saturating_add(done));
        let data = match data.map_err(|e| self.segment.failed(e))? {
            Some(data) => data,
            None => self.segment.len()?,
        };
        let data = data.saturating_sub(self.offset).min(end);
        Ok(data.saturating_sub(done))
    }

    /// Compares the bytes, and the padding behind them, with their sum, in pieces.
    ///
    /// # Errors
    /// [`EnvError::Damaged`], [`EnvError::Io`].
    pub(super) fn check(&self, expected: u32) -> Result<()> {
        let padded = self.len.next_multiple_of(MESSAGE_HEADER_LEN as u64);
        let mut piece = vec![0; PIECE.min(usize::try_from(padded).unwrap_or(PIECE))];
        let mut sum = crc32fast::Hasher::new();
        let mut done = 0;
        let fault = |problem| {
            let fault = Fault::new(Part::Frame, self.offset, problem);
            Err(self.segment.damaged(fault))
        };
        while done < padded {
            let hole = self.hole(done, padded)?;
            if hole > 0 {
                let payload = self.len.saturating_sub(done).min(hole);
                sum.combine(&sum_of_zeros(payload));
                done += hole;
                continue;
            }
            let n = (padded - done).min(piece.len() as u64) as usize;
            self.segment.read_at(self.offset + done, &mut piece[..n])?;
            let payload = (self.len.saturating_sub(done)).min(n as u64) as usize;
            sum.update(&piece[..payload]);
            if piece[payload..n].iter().any(|byte| *byte != 0) {
                return fault(Problem::NotZero);
            }
            done += n as u64;
        }
        match sum.finalize() {
            found if found != expected => fault(Problem::Checksum { expected, found }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_summed_without_being_read() {
        for count in [0, 1, 2, 63, 64, 65_537] {
            let sum = sum_of_zeros(count as u64).finalize();
            assert_eq!(sum, crc32fast::hash(&vec![0; count]), "{count}");
        }
    }
}
