//! The pages of a table of contents that is checked as it is used: each is compared with its sum when
//! it is first touched. Pages of a file are read, also where it is mapped, and kept, so that what was
//! checked cannot change; pages in memory stay there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::nodes::LazySlots;
use super::source::ByteSource;
use crate::error::{EnvError, Origin, Result};
use crate::fault::{Fault, Part, Problem};
use crate::format::header::AchHeader;
use crate::format::records::PAGE_SIZE;
use crate::format::table_head::check_page;

const PAGE: usize = PAGE_SIZE as usize;
/// Most pages that are read in one go where pages were asked for one after the other.
const MOST_AHEAD: usize = 64;

/// Pages, or two that follow each other: words, so that records in them are aligned.
type Words = LazySlots<Box<[u64]>, 32>;

/// The body of a table over a source of bytes.
#[derive(Debug)]
pub(super) struct TablePages {
    pub(super) source: Arc<dyn ByteSource>,
    pub(super) header: AchHeader,
    pub(super) origin: Origin,
    /// Preamble and page sums; checked.
    head: Box<[u8]>,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// They stand in memory; those that were checked, one bit each.
    Lent(Box<[AtomicU64]>),
    Copied {
        pages: Words,
        /// A page and the next one, where something in use stands in both.
        seams: Words,
    },
}

impl TablePages {
    /// No page touched yet. `head` is the checked beginning of the table.
    pub(super) fn new(
        source: Arc<dyn ByteSource>,
        header: AchHeader,
        origin: Origin,
        head: Box<[u8]>,
    ) -> TablePages {
        let pages = (header.table_len as usize)
            .saturating_sub(head.len())
            .div_ceil(PAGE);
        let lent = source.lend(header.table_offset, header.table_len).is_some();
        let held = match lent && !source.spares_a_map() {
            true => {
                let words = 0..pages.div_ceil(64);
                Held::Lent(words.map(|_| AtomicU64::new(0)).collect())
            }
            false => Held::Copied {
                pages: LazySlots::new(pages),
                seams: LazySlots::new(pages),
            },
        };
        TablePages {
            source,
            header,
            origin,
            head,
            held,
        }
    }

    /// Takes pages out of bytes of the file that were read already: `bytes` are its first ones.
    pub(super) fn take_from(&self, bytes: &[u8]) {
        let Held::Copied { pages, .. } = &self.held else {
            return;
        };
        for number in 0..self.count() {
            let (offset, len) = self.place(number);
            let Some(page) = super::source::range_of(bytes, offset, len as u64) else {
                return;
            };
            // A wrong one is told when it is asked for.
            if check_page(&self.head, &self.header, number, page).is_ok() {
                pages.set(number, words_of(page));
            }
        }
    }

    /// `len` bytes of the table from `at` on. They stand in one page, or in two.
    pub(super) fn bytes(&self, at: usize, len: usize) -> Result<&[u8]> {
        let outside = || {
            let (start, length) = (at as u64, len as u64);
            let problem = Problem::OutOfBounds { start, length };
            self.damaged(Fault::new(Part::Table, self.header.table_offset, problem))
        };
        if len == 0 {
            return Ok(&[]);
        }
        let start = at.checked_sub(self.head.len()).ok_or_else(outside)?;
        let (first, last) = (start / PAGE, (start + (len - 1)) / PAGE);
        if last >= self.count() || last - first > 1 {
            return Err(outside());
        }
        let bytes = match &self.held {
            Held::Lent(checked) => {
                for number in first..=last {
                    self.check_lent(checked, number)?;
                }
                let offset = self.header.table_offset + at as u64;
                return self.source.lend(offset, len as u64).ok_or_else(outside);
            }
            Held::Copied { pages, .. } if first == last => self.page(pages, first)?,
            Held::Copied { pages, seams } => self.seam(pages, seams, first)?,
        };
        let start = start % PAGE;
        bytes.get(start..start + len).ok_or_else(outside)
    }

    /// Puts the pages that are kept over those in `table`, which were read again.
    pub(super) fn put_over(&self, table: &mut [u8]) {
        let Held::Copied { pages, .. } = &self.held else {
            return;
        };
        for number in 0..self.count() {
            let kept = pages.get(number);
            let place = self.head.len() + number * PAGE;
            let page = table.get_mut(place..place + self.place(number).1);
            if let (Some(kept), Some(page)) = (kept, page) {
                page.copy_from_slice(&bytemuck::cast_slice(kept)[..page.len()]);
            }
        }
    }

    /// Every page that is not what its sum says, whether it was looked at before or not.
    pub(super) fn wrong_pages(&self) -> Result<Vec<Fault>> {
        let mut wrong = Vec::new();
        let mut buffer = vec![0; PAGE];
        for number in 0..self.count() {
            let (offset, len) = self.place(number);
            let page = buffer.get_mut(..len).unwrap_or_default();
            let read = self.source.read_apart(offset, page);
            read.map_err(|e| self.unread(e))?;
            wrong.extend(check_page(&self.head, &self.header, number, page).err());
        }
        Ok(wrong)
    }

    fn count(&self) -> usize {
        let body = self.header.table_len as usize - self.head.len();
        body.div_ceil(PAGE)
    }

    /// Where a page stands in the file, and its length.
    fn place(&self, number: usize) -> (u64, usize) {
        let at = self.head.len() + number * PAGE;
        let len = PAGE.min((self.header.table_len as usize).saturating_sub(at));
        (self.header.table_offset + at as u64, len)
    }

    fn check_lent(&self, checked: &[AtomicU64], number: usize) -> Result<()> {
        let bit = 1 << (number % 64);
        let Some(word) = checked.get(number / 64) else {
            return Ok(());
        };
        // Relaxed is enough: a bit only says that bytes which do not change were summed; a thread that
        // misses it sums them again.
        if word.load(Relaxed) & bit != 0 {
            return Ok(());
        }
        let (offset, len) = self.place(number);
        let page = self.source.lend(offset, len as u64).unwrap_or_default();
        check_page(&self.head, &self.header, number, page).map_err(|fault| self.damaged(fault))?;
        word.fetch_or(bit, Relaxed);
        Ok(())
    }

    /// A page, read the first time; with those behind it when the ones before it were asked for.
    fn page<'p>(&self, pages: &'p Words, number: usize) -> Result<&'p [u8]> {
        if let Some(words) = pages.get(number) {
            return Ok(bytemuck::cast_slice(words));
        }
        let held = |number: &usize| pages.get(*number).is_some();
        let before = (0..number).rev().take(MOST_AHEAD / 2);
        let behind = match before.take_while(held).count() {
            0 | 1 => 1,
            before => 2 * before,
        };
        let absent = |number: &usize| !held(number);
        let run = (number..self.count()).take(behind).take_while(absent);
        let run = run.count().max(1);
        let (offset, _) = self.place(number);
        let (end, last_len) = self.place(number + run - 1);
        let len = (end - offset) as usize + last_len;
        let mut words = vec![0u64; len.div_ceil(8)].into_boxed_slice();
        let bytes = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..len];
        let read = self.source.read_apart(offset, bytes);
        read.map_err(|e| self.unread(e))?;
        for (ahead, page) in bytes.chunks(PAGE).enumerate().skip(1) {
            // A wrong one is told when it is asked for.
            if check_page(&self.head, &self.header, number + ahead, page).is_ok() {
                pages.set(number + ahead, words_of(page));
            }
        }
        let first = bytes.get(..PAGE.min(len)).unwrap_or_default();
        check_page(&self.head, &self.header, number, first).map_err(|fault| self.damaged(fault))?;
        let words = match run {
            1 => words,
            _ => words_of(first),
        };
        let kept = pages.set(number, words);
        Ok(kept.map_or(&[], |words| bytemuck::cast_slice(words)))
    }

    /// A page and the next one.
    fn seam<'p>(&self, pages: &'p Words, seams: &'p Words, first: usize) -> Result<&'p [u8]> {
        if let Some(words) = seams.get(first) {
            return Ok(bytemuck::cast_slice(words));
        }
        let both = [self.page(pages, first)?, self.page(pages, first + 1)?].concat();
        let kept = seams.set(first, words_of(&both));
        Ok(kept.map_or(&[], |words| bytemuck::cast_slice(words)))
    }

    /// A page that is not what its sum says; or the file is no longer what it was.
    fn damaged(&self, fault: Fault) -> EnvError {
        let path = self.origin.clone();
        match self.source.change() {
            Some(what) => EnvError::ChangedInPlace { path, what },
            None => EnvError::Damaged { path, fault },
        }
    }

    fn unread(&self, error: io::Error) -> EnvError {
        let path = self.origin.clone();
        if error.kind() == io::ErrorKind::UnexpectedEof {
            let what = "its length differs";
            return EnvError::ChangedInPlace { path, what };
        }
        EnvError::io("read", path, error)
    }
}

/// Bytes in words, the last of which may be filled up with zeros.
fn words_of(bytes: &[u8]) -> Box<[u64]> {
    let mut words = vec![0u64; bytes.len().div_ceil(8)].into_boxed_slice();
    let copied = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()];
    copied.copy_from_slice(bytes);
    words
}
