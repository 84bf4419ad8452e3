//! A table of contents of which only the head was checked at open: each page, and each record in it, is
//! checked when it is first used; all of it at once when something needs all of it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::guess::guess;
use super::table_pages::TablePages;
use super::tables::TableBytes;
use crate::error::{EnvError, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::NONE;
use crate::format::extent::ExtentRecord;
use crate::format::parts::{check_tensor, no_extent};
use crate::format::records::{Area, EntryRecord, NodeRecord, Preamble, Slot, TensorSlot};
use crate::format::table::Table;
use crate::format::table_head::TableHead;
use crate::limits::{Limits, MAX_NAME_BYTES, MAX_RANK};

/// A table that is checked as it is used.
#[derive(Debug)]
pub(crate) struct LazyTable {
    head: TableHead,
    pages: TablePages,
    file_len: u64,
    limits: Limits,
    nodes: Mutex<Used>,
    extents: Mutex<Used>,
    /// The whole of it, since it was checked.
    whole: OnceLock<Table<TableBytes>>,
    /// Held by the thread that checks the whole.
    checking: Mutex<()>,
}

/// In longer runs of entries names are looked for where they are likely to stand: shorter ones stand in
/// a page or two, as their names do.
const HALVED_FROM: usize = 64;
/// In runs of entries longer than this the first and the last are looked at first.
const GUESSED_FROM: usize = 512;

/// Entries among which something is searched, and the names on both sides of them that were met.
struct Between<'t> {
    low: usize,
    high: usize,
    below: Option<&'t str>,
    above: Option<&'t str>,
}

impl Between<'_> {
    fn of(count: usize) -> Self {
        Between {
            low: 0,
            high: count,
            below: None,
            above: None,
        }
    }

    fn len(&self) -> usize {
        self.high.saturating_sub(self.low)
    }

    fn middle(&self) -> usize {
        self.low + self.len() / 2
    }
}

/// Where the nodes, or the extents, that were used stand: by number, first byte and end. As in a table
/// that was checked whole they rise and are disjoint, so that few bytes cannot be named as many.
type Used = BTreeMap<u32, (u64, u64)>;

impl LazyTable {
    pub(super) fn new(
        head: TableHead,
        pages: TablePages,
        file_len: u64,
        limits: Limits,
    ) -> LazyTable {
        LazyTable {
            head,
            pages,
            file_len,
            limits,
            nodes: Mutex::default(),
            extents: Mutex::default(),
            whole: OnceLock::new(),
            checking: Mutex::default(),
        }
    }

    pub(crate) fn preamble(&self) -> &Preamble {
        self.head.preamble()
    }

    /// The table as a whole, if it was checked.
    pub(crate) fn if_whole(&self) -> Option<&Table<TableBytes>> {
        self.whole.get()
    }

    /// The table as a whole: checked now, if it was not before.
    ///
    /// # Errors
    /// [`EnvError::Damaged`] as when it is checked at open; what reading answers.
    pub(crate) fn whole(&self) -> Result<&Table<TableBytes>> {
        if let Some(table) = self.whole.get() {
            return Ok(table);
        }
        let _one = self.checking.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = self.whole.get() {
            return Ok(table);
        }
        let pages = &self.pages;
        let (source, header) = (&pages.source, &pages.header);
        let mut bytes = TableBytes::read(source, header, &[], &pages.origin, &self.limits)?;
        if let TableBytes::Owned(buffer) = &mut bytes {
            pages.put_over(buffer.as_bytes_mut());
        }
        let table = Table::check(bytes, header, self.file_len).map_err(|f| self.damaged(f))?;
        Ok(self.whole.get_or_init(|| table))
    }

    /// Every fault of the table: all pages with a wrong sum, or else the first thing that is wrong in
    /// it. Empty when nothing is.
    ///
    /// # Errors
    /// What reading answers.
    pub(crate) fn faults(&self) -> Result<Vec<Fault>> {
        match self.whole() {
            Ok(_) => Ok(Vec::new()),
            Err(EnvError::Damaged { fault, .. }) => {
                let pages = self.pages.wrong_pages()?;
                Ok(match pages.is_empty() {
                    true => vec![fault],
                    false => pages,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// The entry of that number, its marks and attributes checked.
    pub(crate) fn entry(&self, number: usize) -> Result<&EntryRecord> {
        let entry = self.raw_entry(number)?;
        let check = || {
            entry.check(self.preamble().node_count as usize)?;
            entry.check_removal(&self.pages.header)
        };
        check().map_err(|problem| self.entry_fault(number, problem))?;
        Ok(entry)
    }

    /// What stands in the slot of an entry, checked with all it names; `None` for a kind of a later
    /// version.
    pub(crate) fn slot(&self, number: usize) -> Result<Option<Slot>> {
        let slot = self.entry(number)?.slot();
        match slot {
            Some(Slot::Node(node)) if node >= self.preamble().node_count => {
                let (field, found) = ("node number", node.into());
                Err(self.entry_fault(number, Problem::Field { field, found }))
            }
            Some(Slot::Tensor(tensor)) => {
                let shape = self.shape_at(&tensor, number)?;
                let raw_len = match tensor.extent {
                    NONE => 0,
                    extent if extent >= self.preamble().extent_count => {
                        return Err(self.entry_fault(number, no_extent(extent)));
                    }
                    extent => self.extent(extent)?.raw_len,
                };
                check_tensor(tensor.dtype, shape, raw_len)
                    .map_err(|problem| self.entry_fault(number, problem))?;
                Ok(slot)
            }
            slot => Ok(slot),
        }
    }

    /// The name of an entry.
    pub(crate) fn name(&self, number: usize) -> Result<&str> {
        let range = self.raw_entry(number)?.name_range();
        let names = &self.head.names;
        let end = names.start.saturating_add(range.end);
        if end > names.end || range.len() > MAX_NAME_BYTES {
            let (start, length) = (range.start as u64, range.len() as u64);
            return Err(self.entry_fault(number, Problem::OutOfBounds { start, length }));
        }
        let at = names.start + range.start;
        std::str::from_utf8(self.pages.bytes(at, range.len())?).map_err(|e| {
            let at = self.pages.header.table_offset + (at + e.valid_up_to()) as u64;
            self.damaged(Fault::new(Part::Names, at, Problem::NotUtf8))
        })
    }

    /// The number of the entry with that name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>> {
        let mut between = Between::of(self.preamble().entry_count as usize);
        // Two ends are worth the pages they stand in where halving would touch more.
        if between.len() > GUESSED_FROM {
            for end in [0, between.high - 1] {
                if between.len() == 0 {
                    return Ok(None);
                }
                if self.step(&mut between, end, |other| other.cmp(name))? {
                    return Ok(Some(end));
                }
            }
        }
        let mut guessed_well = true;
        while between.len() > 0 {
            let before = between.len();
            let number = match (between.below, between.above) {
                (Some(below), Some(above)) if guessed_well && before > HALVED_FROM => {
                    guess(name, below, above, between.low, between.high)
                }
                _ => between.middle(),
            };
            if self.step(&mut between, number, |other| other.cmp(name))? {
                return Ok(Some(number));
            }
            guessed_well = between.len() <= before / 4 || !guessed_well;
        }
        Ok(None)
    }

    /// How many names fulfil `before`, which holds for the first ones only.
    pub(crate) fn partition_point(&self, mut before: impl FnMut(&[u8]) -> bool) -> Result<usize> {
        let mut between = Between::of(self.preamble().entry_count as usize);
        while between.len() > 0 {
            let middle = between.middle();
            self.step(&mut between, middle, |name| match before(name.as_bytes()) {
                true => Ordering::Less,
                false => Ordering::Greater,
            })?;
        }
        Ok(between.low)
    }

    /// Looks at the name of entry `number`, which must rise with those that were met, and cuts off the
    /// side that `compare` excludes. Whether it is the one.
    fn step<'t>(
        &'t self,
        between: &mut Between<'t>,
        number: usize,
        compare: impl FnOnce(&str) -> Ordering,
    ) -> Result<bool> {
        let name = self.name(number)?;
        let rises = between.below.is_none_or(|below| below < name)
            && between.above.is_none_or(|above| name < above);
        if !rises {
            return Err(self.entry_fault(number, Problem::Unsorted));
        }
        match compare(name) {
            Ordering::Equal => return Ok(true),
            Ordering::Less => (between.low, between.below) = (number + 1, Some(name)),
            Ordering::Greater => (between.high, between.above) = (number, Some(name)),
        }
        Ok(false)
    }

    /// The record of an extent, checked: alone, and beside the others that were used.
    pub(crate) fn extent(&self, number: u32) -> Result<&ExtentRecord> {
        let extent = self.known_extent(number)?;
        let p = self.preamble();
        let fault =
            |problem| self.damaged(Fault::new(Part::Extent(number), extent.offset, problem));
        extent.check().map_err(fault)?;
        let range = within(p.extents_area, extent.offset, extent.stored_len).map_err(fault)?;
        within(p.sums_area, extent.sums_offset, extent.sums_len()).map_err(fault)?;
        use_range(&self.extents, number, range).map_err(fault)?;
        Ok(extent)
    }

    /// The record of an extent that was checked before.
    pub(super) fn known_extent(&self, number: u32) -> Result<&ExtentRecord> {
        if number >= self.preamble().extent_count {
            return Err(self.damaged(Fault::new(Part::Extent(number), 0, no_extent(number))));
        }
        self.record(self.head.extents.start, number as usize)
    }

    /// The record of a node, checked: alone, and beside the others that were used.
    pub(crate) fn node(&self, number: u32) -> Result<&NodeRecord> {
        let p = self.preamble();
        if number >= p.node_count {
            let (field, found) = ("node number", number.into());
            let problem = Problem::Field { field, found };
            return Err(self.damaged(Fault::new(Part::Node(number), 0, problem)));
        }
        let node: &NodeRecord = self.record(self.head.nodes.start, number as usize)?;
        let fault = |problem| self.damaged(Fault::new(Part::Node(number), node.offset, problem));
        node.check().map_err(fault)?;
        let range = within(p.nodes_area, node.offset, node.len.into()).map_err(fault)?;
        use_range(&self.nodes, number, range).map_err(fault)?;
        Ok(node)
    }

    /// The dimensions of a tensor in a slot.
    pub(crate) fn shape(&self, tensor: &TensorSlot) -> Result<Option<&[u64]>> {
        let (start, rank) = (tensor.shape as usize, usize::from(tensor.rank));
        if rank > MAX_RANK || start + rank > self.preamble().shape_count as usize {
            return Ok(None);
        }
        if rank == 0 {
            return Ok(Some(&[]));
        }
        let bytes = self
            .pages
            .bytes(self.head.shapes.start + start * 8, rank * 8)?;
        Ok(bytemuck::try_cast_slice(bytes).ok())
    }

    fn shape_at(&self, tensor: &TensorSlot, number: usize) -> Result<&[u64]> {
        self.shape(tensor)?.ok_or_else(|| {
            let (field, found) = ("shape of a tensor", tensor.shape.into());
            self.entry_fault(number, Problem::Field { field, found })
        })
    }

    fn raw_entry(&self, number: usize) -> Result<&EntryRecord> {
        if number >= self.preamble().entry_count as usize {
            let (field, found) = ("entry number", number as u64);
            return Err(self.entry_fault(number, Problem::Field { field, found }));
        }
        self.record(self.head.entries.start, number)
    }

    /// A record of the array that begins at `start`; its number lies in it.
    fn record<T: bytemuck::Pod>(&self, start: usize, number: usize) -> Result<&T> {
        let at = start + number * size_of::<T>();
        let bytes = self.pages.bytes(at, size_of::<T>())?;
        bytemuck::try_from_bytes(bytes).map_err(|_| {
            let (start, length) = (at as u64, size_of::<T>() as u64);
            let problem = Problem::OutOfBounds { start, length };
            let at = self.pages.header.table_offset + at as u64;
            self.damaged(Fault::new(Part::Table, at, problem))
        })
    }

    fn entry_fault(&self, number: usize, problem: Problem) -> EnvError {
        let at = self.pages.header.table_offset + self.head.entry_offset(number);
        self.damaged(Fault::new(Part::Entry(number as u32), at, problem))
    }

    fn damaged(&self, fault: Fault) -> EnvError {
        let path = self.pages.origin.clone();
        EnvError::Damaged { path, fault }
    }
}

/// First byte and end of a range that must lie in an area; an empty one may say anything.
fn within(area: Area, start: u64, length: u64) -> Result<(u64, u64), Problem> {
    if length == 0 {
        return Ok((start, start));
    }
    let end = start.checked_add(length);
    match (end, area.end()) {
        (Some(end), Some(area_end)) if start >= area.offset && end <= area_end => Ok((start, end)),
        _ => Err(Problem::OutOfBounds { start, length }),
    }
}

/// Notes that `number` stands in `range`, unless others that were used say otherwise.
fn use_range(used: &Mutex<Used>, number: u32, range: (u64, u64)) -> Result<(), Problem> {
    let mut used = used.lock().unwrap_or_else(PoisonError::into_inner);
    if used.get(&number) == Some(&range) {
        return Ok(());
    }
    let before = used.range(..number).next_back();
    let behind = used.range(number + 1..).next();
    if before.is_some_and(|(_, (_, end))| *end > range.0)
        || behind.is_some_and(|(_, (start, _))| *start < range.1)
    {
        return Err(Problem::Overlap);
    }
    used.insert(number, range);
    Ok(())
}
