//! Reading everything: every sum, every digest, every node, every byte of padding, the root digest;
//! every fault is reported, not only the first.

use std::collections::HashMap;
use std::sync::Arc;

use super::archive::Archive;
use super::binding::Binding;
use super::cancel;
use super::content::{check_indexes, problem_of};
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::TRAILER_LEN;
use crate::format::extent::{DigestKind, ExtentRecord};
use crate::format::header::HEADER_LEN;
use crate::format::records::EntryRecord;
use crate::format::sums::{PIECE_BYTES, combine, piece_digest, root_digest};
use crate::stack::with_room;
use crate::value::Storage;

use super::extents::ExtentStorage;
use super::store::{Store, Tables};
use super::view::View;

/// What [`Archive::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Every fault, in the order of the file.
    pub faults: Vec<VerifyFault>,
    /// Bytes of the file that were read and checked.
    pub bytes: u64,
    /// Bindings that were looked at.
    pub bindings: usize,
    /// Nodes that were looked at.
    pub nodes: usize,
    /// Extents that were looked at.
    pub extents: usize,
}

/// A fault, and the variables it touches.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyFault {
    /// The fault.
    pub fault: Fault,
    /// Names of the bindings whose value or attributes it touches; at most 10.
    pub variables: Vec<String>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.faults.is_empty()
    }
}

impl VerifyFault {
    pub(crate) fn into_error(self, path: &Origin) -> EnvError {
        let error = EnvError::Damaged {
            path: path.clone(),
            fault: self.fault,
        };
        match self.variables.first() {
            Some(name) => error.of_variable(name),
            None => error,
        }
    }
}

/// Bytes of padding or array data looked at in one go.
const PIECE: usize = PIECE_BYTES;
const MAX_VARIABLES: usize = 10;

impl Archive {
    /// Reads and checks everything, and reports every fault with its place. Header and table were
    /// checked at open; a table that is checked as it is used is checked as a whole first, and when
    /// it is wrong that is all that is reported.
    ///
    /// # Errors
    /// Only what keeps it from reading: [`EnvError::Io`], or a file changed meanwhile. What is
    /// wrong with the file is in the report.
    pub fn verify(&self) -> Result<VerifyReport> {
        self.verify_with(|_, _| {})
    }

    /// As [`verify`](Archive::verify); `progress` is told how many bytes of array data were looked
    /// at, and of how many. That is each byte as it is stored, and again as it is unpacked.
    ///
    /// # Errors
    /// Those of [`verify`](Archive::verify).
    pub fn verify_with(&self, mut progress: impl FnMut(u64, u64)) -> Result<VerifyReport> {
        if self.overlay().is_some() {
            let mut report = self.without_overlay().verify_with(progress)?;
            self.verify_frames(&mut report)?;
            return Ok(report);
        }
        let (nodes, extents) = self.store().tables.counts();
        let mut report = VerifyReport {
            bytes: self.file_len(),
            bindings: self.len(),
            nodes,
            extents,
            ..VerifyReport::default()
        };
        if let Tables::Lazy(table) = &self.store().tables {
            let faults = table.faults()?;
            if !faults.is_empty() {
                // What stands where is not known: nothing below the table can be judged.
                let fault = |fault| VerifyFault {
                    fault,
                    variables: Vec::new(),
                };
                report.faults = faults.into_iter().map(fault).collect();
                return Ok(report);
            }
        }
        let records = self.store().records()?;
        let mut faults = Vec::new();
        let mut note = |result: Result<()>| match result {
            Ok(()) => Ok(()),
            Err(error) => match error.fault() {
                Some(fault) => {
                    faults.push(fault.clone());
                    Ok(())
                }
                None => Err(error),
            },
        };
        with_room(|| {
            (0..records.nodes.len() as u32).try_for_each(|number| {
                let checked = self.store().checked_node(number, true).and_then(|node| {
                    check_indexes(View::of_checked(self.store(), node.root(), number))
                });
                note(checked)
            })
        })?;
        let lengths = |extent: &ExtentRecord| extent.stored_len.saturating_add(extent.raw_len);
        let sum = |sum: u64, extent| sum.saturating_add(lengths(extent));
        let total = records.extents.iter().fold(0, sum);
        let mut done = 0u64;
        for (number, extent) in records.extents.iter().enumerate() {
            let mut looked_at = done;
            self.verify_extent(number as u32, &mut note, &mut |bytes| {
                looked_at = looked_at.saturating_add(bytes);
                progress(looked_at, total);
            })?;
            // Of what is broken the rest was passed over.
            done = done.saturating_add(lengths(extent));
        }
        self.verify_padding(&mut note)?;
        self.verify_root_digest(&mut note)?;
        self.verify_order(&mut note)?;
        if let Err(error) = self.metadata() {
            note(Err(error))?;
        }
        // The values as wholes: references between nodes, UTF-8 of long strings, twice-named
        // fields. Faults of nodes and blocks are known already and come up again here.
        let mut touched: HashMap<Part, Vec<String>> = HashMap::new();
        for binding in self.bindings() {
            if let Err(error) = self.verify_value(&binding) {
                match error.fault() {
                    Some(fault) => touch(&mut touched, fault.part, binding.name()),
                    // A kind, dtype or codec of a later version: not judged.
                    None if matches!(inner(&error), EnvError::Unsupported { .. }) => continue,
                    None => {}
                }
                note(Err(error))?;
            }
        }
        faults.sort_by_key(|fault| (fault.offset, fault.part));
        faults.dedup_by(|a, b| a.part == b.part && a.offset == b.offset);
        self.name_touched(&faults, &mut touched);
        report.faults = faults
            .into_iter()
            .map(|fault| {
                let part = key(fault.part);
                let variables = touched.get(&part).cloned().unwrap_or_default();
                VerifyFault { fault, variables }
            })
            .collect();
        Ok(report)
    }

    /// The variables that stand in the journal: nodes, sums and digests of their images, and their
    /// values as wholes. The offsets of faults count in the segment.
    fn verify_frames(&self, report: &mut VerifyReport) -> Result<()> {
        report.bindings = self.len();
        for binding in self.bindings().filter(Binding::is_in_journal) {
            let verified = binding.verify().and_then(|()| self.verify_value(&binding));
            let Err(error) = verified else { continue };
            match error.fault() {
                Some(fault) => report.faults.push(VerifyFault {
                    fault: fault.clone(),
                    variables: vec![binding.name().to_owned()],
                }),
                None if matches!(inner(&error), EnvError::Unsupported { .. }) => {}
                None => return Err(error),
            }
        }
        Ok(())
    }

    /// A value as a whole, with its attributes.
    fn verify_value(&self, binding: &Binding<'_>) -> Result<()> {
        let attributes = binding.attributes()?;
        let value = binding.value()?;
        for value in [value, attributes.into()] {
            if let Some(problem) = problem_of(value)? {
                let number = binding.index() as u32;
                let at = self.entry_offset(number);
                return Err(self.store().fault(
                    Part::Entry(number),
                    at,
                    Problem::Structure(problem),
                ));
            }
        }
        Ok(())
    }

    fn entry_offset(&self, number: u32) -> u64 {
        let entry = size_of::<EntryRecord>() as u64;
        self.header().table_offset + self.preamble().entries_offset + u64::from(number) * entry
    }

    /// Which variables the broken extents belong to.
    fn name_touched(&self, faults: &[Fault], touched: &mut HashMap<Part, Vec<String>>) {
        let broken: Vec<u32> = faults
            .iter()
            .filter_map(|fault| match key(fault.part) {
                Part::Extent(number) => Some(number),
                _ => None,
            })
            .collect();
        if broken.is_empty() {
            return;
        }
        for binding in self.bindings() {
            for extent in binding.extents().unwrap_or_default() {
                if broken.contains(&extent.number) {
                    touch(touched, Part::Extent(extent.number), binding.name());
                }
            }
        }
    }

    fn verify_extent(
        &self,
        number: u32,
        note: &mut dyn FnMut(Result<()>) -> Result<()>,
        looked_at: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let blocks = match self.store().blocks(number) {
            Ok(blocks) => blocks,
            // A codec of a later version: its stored bytes cannot be judged.
            Err(EnvError::Unsupported { .. }) => return Ok(()),
            Err(error) => return note(Err(error)),
        };
        let mut sound = true;
        for block in 0..blocks.sums.len() as u64 {
            let checked = self.store().check_block(number, block);
            sound &= checked.is_ok();
            note(checked)?;
            looked_at(blocks.sums.get(block).map_or(0, |sum| sum.len));
        }
        // Bytes that do not match their sums cannot match their digest either.
        if !sound {
            return Ok(());
        }
        note(check_digest(self.store(), number, looked_at))
    }

    /// Every byte that belongs to no part is zero.
    fn verify_padding(&self, note: &mut dyn FnMut(Result<()>) -> Result<()>) -> Result<()> {
        let records = self.store().records()?;
        let p = self.preamble();
        let header = self.header();
        let mut used = vec![
            (0, HEADER_LEN as u64),
            (header.table_offset, header.table_len),
            (p.nodes_area.offset, p.nodes_area.len),
            (self.file_len() - TRAILER_LEN, TRAILER_LEN),
        ];
        for extent in records.extents {
            used.push((extent.offset, extent.stored_len));
            if extent.sums_len() > 0 {
                used.push((extent.sums_offset, extent.sums_len()));
            }
        }
        used.sort_unstable();
        let mut end = 0;
        for (start, len) in used {
            if start > end {
                // Gaps were bounded to less than a page at open.
                let mut gap = vec![0; (start - end) as usize];
                self.store().read(end, &mut gap)?;
                if let Some(at) = gap.iter().position(|b| *b != 0) {
                    let place = end + at as u64;
                    note(Err(self.store().fault(
                        Part::Padding,
                        place,
                        Problem::NotZero,
                    )))?;
                }
            }
            end = end.max(start + len);
        }
        Ok(())
    }

    fn verify_root_digest(&self, note: &mut dyn FnMut(Result<()>) -> Result<()>) -> Result<()> {
        let mut header = [0; HEADER_LEN];
        self.store().read(0, &mut header)?;
        let table = self.store().tables.if_checked();
        let table = table.map_or(&[][..], |table| table.bytes());
        if root_digest(&header, table) == self.root_digest()? {
            return Ok(());
        }
        let at = self.file_len() - TRAILER_LEN;
        note(Err(self.store().fault(Part::Trailer, at, Problem::Digest)))
    }

    /// The saving order names each place once.
    fn verify_order(&self, note: &mut dyn FnMut(Result<()>) -> Result<()>) -> Result<()> {
        let table = self.store().tables.if_checked();
        let entries = table.map_or(&[][..], |table| table.entries());
        let mut seen = vec![false; entries.len()];
        for (number, entry) in entries.iter().enumerate() {
            let twice = seen
                .get_mut(entry.ordinal as usize)
                .is_none_or(|seen| std::mem::replace(seen, true));
            if twice {
                let problem = Problem::Field {
                    field: "ordinal",
                    found: entry.ordinal.into(),
                };
                let at = self.entry_offset(number as u32);
                note(Err(self.store().fault(
                    Part::Entry(number as u32),
                    at,
                    problem,
                )))?;
            }
        }
        Ok(())
    }
}

/// Compares the content of an extent with its digest: unpacks all of it.
pub(super) fn check_digest(
    store: &Arc<Store>,
    number: u32,
    looked_at: &mut dyn FnMut(u64),
) -> Result<()> {
    let extent = *store.extent(number)?;
    let storage = ExtentStorage::new(Arc::clone(store), number, None);
    let kind = extent.digest_kind().unwrap_or(DigestKind::None);
    let mut pieces = Vec::new();
    let mut buffer = vec![0; PIECE.min(extent.raw_len as usize)];
    let mut at = 0;
    while at < extent.raw_len {
        let now = (extent.raw_len - at).min(PIECE as u64) as usize;
        let piece = buffer.get_mut(..now).unwrap_or_default();
        cancel::check(&store.origin)?;
        storage.read_at(at, piece)?;
        pieces.push(piece_digest(kind, piece));
        at += now as u64;
        looked_at(now as u64);
    }
    if combine(kind, &pieces) == extent.digest || kind == DigestKind::None {
        return Ok(());
    }
    Err(store.fault(Part::Extent(number), extent.offset, Problem::Digest))
}

fn inner(error: &EnvError) -> &EnvError {
    match error {
        EnvError::Variable { source, .. } => inner(source),
        other => other,
    }
}

/// Parts whose faults touch the same variables.
fn key(part: Part) -> Part {
    match part {
        Part::Block { extent, .. } | Part::SumList(extent) => Part::Extent(extent),
        other => other,
    }
}

fn touch(touched: &mut HashMap<Part, Vec<String>>, part: Part, name: &str) {
    let names = touched.entry(key(part)).or_default();
    if names.len() < MAX_VARIABLES && !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}
