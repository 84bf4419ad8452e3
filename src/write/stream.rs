//! An archive that is written while bindings are added: its arrays stand in front, in the order in
//! which they came, and everything that is only known at the end behind them.

use std::fs::File;
use std::sync::Arc;

use super::archive::ArchiveWriter;
use super::areas::{aligned, expected_len};
use super::destination::Destination;
use super::placed::{Placed, WrittenParts};
use super::report::SaveReport;
use super::reserved::Reserved;
use super::size::choose_cold;
use super::written::WrittenExtent;
use crate::error::{EnvError, Result};
use crate::format::extent::{Codec, ExtentRecord};
use crate::format::header::HEADER_LEN;
use crate::format::records::Area;
use crate::format::{AREA_ALIGNMENT, TRAILER_LEN};
use crate::tree::build::BuiltNodes;
use crate::value::Storage;

/// Bytes of array data that wait until they are written together.
pub(super) const STREAMED_TOGETHER_BYTES: u64 = 4 << 20;

/// What of a streamed archive is in the file.
pub(super) struct Stream {
    /// Another handle on the file, for all storages that read from it.
    pub(super) file: Arc<File>,
    /// Where the last extent ends.
    pub(super) end: u64,
    /// Records and lists of sums of the extents that have their place, by their numbers.
    pub(super) records: Vec<ExtentRecord>,
    pub(super) lists: Vec<Vec<u8>>,
    /// Bytes of array data in them.
    pub(super) raw_bytes: u64,
    /// Extents that were counted, and the bytes of those that wait.
    counted: usize,
    waiting_bytes: u64,
    /// Those of them whose bytes the caller makes.
    pub(super) reserved: Vec<Reserved>,
}

impl Stream {
    pub(super) fn new(destination: &Destination) -> Result<Stream> {
        let file = destination.file().try_clone();
        let failed = |e| EnvError::io("write", destination.origin(), e);
        Ok(Stream {
            file: Arc::new(file.map_err(failed)?),
            end: HEADER_LEN as u64,
            records: Vec::new(),
            lists: Vec::new(),
            raw_bytes: 0,
            counted: 0,
            waiting_bytes: 0,
            reserved: Vec::new(),
        })
    }
}

impl ArchiveWriter<'_> {
    /// Of a streamed archive, writes the array data that waits once it is more than `more_than`
    /// bytes, and lets go of it.
    pub(super) fn stream_waiting(&mut self, more_than: u64) -> Result<()> {
        match self.stream.take() {
            None => Ok(()),
            Some(mut stream) => {
                let written = self.write_waiting(&mut stream, more_than);
                self.stream = Some(stream);
                written
            }
        }
    }

    pub(super) fn write_waiting(&mut self, stream: &mut Stream, more_than: u64) -> Result<()> {
        let first = stream.records.len();
        let cancel = self.cancel();
        let extents = &self.builder.extents;
        // Those that a reserved tensor placed are in the file.
        let new = &extents[stream.counted.max(first)..];
        stream.waiting_bytes += new.iter().map(|extent| extent.raw_len).sum::<u64>();
        stream.counted = extents.len();
        let bytes = stream.waiting_bytes;
        if bytes <= more_than {
            return Ok(());
        }
        choose_cold(&self.options, &cancel, &mut self.builder.extents[first..])?;
        let waiting = &self.builder.extents[first..];
        let mut records: Vec<ExtentRecord> = waiting
            .iter()
            .map(|extent| self.blank_record(extent))
            .collect();
        self.refuse_too_large(stream.end, waiting)?;
        let expected = expected_len(stream.end, waiting, &records);
        self.destination.reserve(expected)?;
        let failed = |e| self.destination.write_failed(e, expected);
        let (end, lists) =
            self.write_extents(waiting, &mut records, stream.end, stream.raw_bytes, &failed)?;
        let written = records.iter().map(|record| {
            let storage: Arc<dyn Storage> = Arc::new(WrittenExtent {
                file: Arc::clone(&stream.file),
                path: self.destination.origin(),
                offset: record.offset,
                raw_len: record.raw_len,
                closed: record.codec != Codec::Raw as u8,
            });
            storage
        });
        let written = written.collect();
        self.builder.release(first, written);
        stream.end = end;
        stream.raw_bytes += bytes;
        stream.waiting_bytes = 0;
        stream.records.append(&mut records);
        stream.lists.extend(lists);
        Ok(())
    }

    /// Writes what is still to be written behind the arrays. Returns the report, and the length.
    pub(super) fn write_streamed(&mut self, mut stream: Stream) -> Result<(SaveReport, u64)> {
        let metadata_node = self.metadata_node()?;
        let empty = [self.destination.spool(), self.destination.spool()];
        let BuiltNodes {
            nodes,
            shared_count,
            shared_ids,
            spools,
        } = self.builder.finish_nodes(empty)?;
        let entries = std::mem::take(&mut self.entries).sorted()?;
        self.refuse_losses()?;
        self.write_waiting(&mut stream, 0)?;
        self.sum_reserved(&mut stream)?;
        // Nothing writes to them any more, and nothing must once the file has its name.
        drop(std::mem::take(&mut stream.reserved));

        let mut placed = Placed {
            entries,
            extents: stream.records,
            nodes: Vec::with_capacity(nodes.len()),
            shapes: std::mem::take(&mut self.builder.shapes),
            shared_ids: shared_ids.unwrap_or_default(),
        };
        let extents_area = Area {
            offset: HEADER_LEN as u64,
            len: stream.end - HEADER_LEN as u64,
        };
        let sums: u64 = placed
            .extents
            .iter()
            .map(|record| record.sums_len().next_multiple_of(8))
            .sum();
        let sums_offset = aligned(stream.end, AREA_ALIGNMENT);
        let table_offset = aligned(sums_offset + sums, AREA_ALIGNMENT);
        let table_len = placed.table_len(nodes.len());
        let nodes_area = placed.place_nodes(&nodes, table_offset + table_len);
        let file_len = nodes_area.offset + nodes_area.len + TRAILER_LEN;
        if let Some(max) = self.options.max_file_size.filter(|max| file_len > *max) {
            return Err(EnvError::FileTooLarge {
                path: self.destination.origin(),
                needed: file_len,
                max,
            });
        }
        self.destination.reserve(file_len)?;
        let failed = |destination: &Destination, e| destination.write_failed(e, file_len);
        let sums_area = self
            .write_sums(&stream.lists, &mut placed.extents, stream.end)
            .and_then(|area| self.write_nodes(spools, nodes_area).map(|()| area))
            .map_err(|e| failed(&self.destination, e))?;
        let parts = WrittenParts {
            file_len,
            table_offset,
            metadata_node,
            shared_count,
            nodes_area,
            extents_area,
            sums_area,
        };
        let report = self.write_table(placed, &parts);
        let report = report.map_err(|e| failed(&self.destination, e))?;
        Ok((report, file_len))
    }
}
