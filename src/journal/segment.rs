//! An open segment: reading at offsets, never writing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::begin::Begin;
use super::file::JournalFile;
use super::frame::MessageHeader;
use crate::error::Result;

/// A segment open for reading. It keeps its file, whatever its path leads to later.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    path: PathBuf,
    file: Arc<JournalFile>,
    begin: Begin,
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
    /// The path under which it was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What its begin frame says.
    pub(crate) fn begin(&self) -> &Begin {
        &self.begin
    }

    /// The file, for mapping. Bytes of committed frames never change, and nothing but what follows
    /// them is ever cut off.
    pub(crate) fn file(&self) -> &std::fs::File {
        todo!()
    }

    /// Fills `out` with the bytes from `offset` on.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`]; reading beyond the end is one.
    pub(crate) fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        todo!()
    }

    /// The header of the frame at `offset`: its time, type id and sum.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`], [`crate::EnvError::Damaged`].
    pub(crate) fn header_at(&self, offset: u64) -> Result<MessageHeader> {
        todo!()
    }
}

impl Place<'_> {
    /// The bytes, in memory of their own.
    ///
    /// # Errors
    /// [`crate::EnvError::Io`].
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        todo!()
    }
}
