//! What is lost of the changes that were not synced.

use std::collections::BTreeSet;
use std::fmt;

use crate::disk::{Change, Disk, FileId, NameChange, PAGE};
use crate::record::{Event, Synced};

/// What a disk writes whole.
const SECTOR: usize = 512;

/// What is on the disk for sure, and what came after.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    sure: Disk,
    /// Events that were taken in.
    seen: usize,
    contents: Vec<(usize, FileId, Change)>,
    names: Vec<(usize, NameChange)>,
}

impl Pending {
    pub(crate) fn new(sure: Disk) -> Pending {
        Pending {
            sure,
            ..Pending::default()
        }
    }

    /// Takes in the event with number `index`.
    pub(crate) fn event(&mut self, index: usize, event: &Event) {
        self.seen = index + 1;
        match event {
            Event::Content(file, change) => self.contents.push((index, *file, change.clone())),
            Event::Names(change) => self.names.push((index, change.clone())),
            Event::Synced { what, before } => self.synced(*what, *before),
            Event::Told(_) => {}
        }
    }

    /// How many events were taken in.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    fn synced(&mut self, what: Synced, before: usize) {
        let sure = &mut self.sure;
        self.contents.retain(|(index, file, change)| {
            let all = what == Synced::Everything;
            let covered = *index < before && (all || what == Synced::File(*file));
            if covered {
                sure.change(*file, change, |_| true);
            }
            !covered
        });
        self.names.retain(|(index, change)| {
            let covered = *index < before && !matches!(what, Synced::File(_));
            if covered {
                sure.rename(change);
            }
            !covered
        });
    }

    /// The ways to lose something: first those that every mistake shows in sooner or later, then up to
    /// `limit` of the others.
    pub(crate) fn losses(&self, limit: usize, random: &mut fastrand::Rng) -> Vec<Loss> {
        let mut losses = Vec::new();
        for content in [Content::All, Content::None, Content::Lengths] {
            for names in [Names::All, Names::First(0)] {
                losses.push(Loss { content, names });
            }
        }
        let mut others = Vec::new();
        for content in self.parts(random) {
            for names in [Names::All, Names::First(0)] {
                others.push(Loss { content, names });
            }
        }
        let first = (1..self.names.len()).map(Names::First);
        for names in first.chain((0..self.names.len()).map(Names::Without)) {
            for content in [Content::All, Content::None] {
                others.push(Loss { content, names });
            }
        }
        for _ in 0..limit / 4 {
            others.push(Loss {
                content: Content::Drawn(random.u64(..)),
                names: Names::First(random.usize(0..=self.names.len())),
            });
        }
        random.shuffle(&mut others);
        losses.extend(others.into_iter().take(limit));
        losses
    }

    fn parts(&self, random: &mut fastrand::Rng) -> Vec<Content> {
        let mut parts = Vec::new();
        for (count, (_, _, change)) in self.contents.iter().enumerate() {
            parts.push(Content::First { count, bytes: 0 });
            if let Change::Write { data, .. } = change
                && data.len() > SECTOR
            {
                let bytes = SECTOR * random.usize(1..data.len().div_ceil(SECTOR));
                parts.push(Content::First { count, bytes });
            }
        }
        let files: BTreeSet<FileId> = self.contents.iter().map(|(_, file, _)| *file).collect();
        parts.extend(files.into_iter().map(Content::WithoutFile));
        let mut pages = BTreeSet::new();
        for (_, file, change) in &self.contents {
            if let Change::Write { offset, data } = change {
                let last = (offset + data.len() as u64).saturating_sub(1) / PAGE;
                pages.extend((offset / PAGE..=last).map(|page| (*file, page)));
            }
        }
        for (file, page) in pages {
            parts.push(Content::WithoutPage(file, page));
            parts.push(Content::OnlyPage(file, page));
        }
        parts
    }

    /// What is left after `loss`.
    pub(crate) fn left(&self, loss: &Loss) -> Disk {
        let mut disk = self.sure.clone();
        for (n, (_, file, change)) in self.contents.iter().enumerate() {
            loss.content.keep(&mut disk, n, *file, change);
        }
        for (n, (_, change)) in self.names.iter().enumerate() {
            let kept = match loss.names {
                Names::All => true,
                Names::First(count) => n < count,
                Names::Without(one) => n != one,
            };
            if kept {
                disk.rename(change);
            }
        }
        disk
    }
}

/// What is kept of pending changes of files and of names, independently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loss {
    content: Content,
    names: Names,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    All,
    None,
    /// Files have grown, and the data are not there.
    Lengths,
    /// The first changes, and of the next write the first bytes.
    First {
        count: usize,
        bytes: usize,
    },
    WithoutFile(FileId),
    WithoutPage(FileId, u64),
    OnlyPage(FileId, u64),
    /// Each page is there or not, as the seed says.
    Drawn(u64),
}

#[derive(Clone, Copy, Debug)]
enum Names {
    All,
    First(usize),
    Without(usize),
}

impl Content {
    /// Makes of the pending change `n` what is kept of it.
    fn keep(self, disk: &mut Disk, n: usize, file: FileId, change: &Change) {
        match self {
            Content::All => disk.change(file, change, |_| true),
            Content::None => {}
            Content::Lengths => disk.change(file, change, |_| false),
            Content::First { count, .. } if n < count => disk.change(file, change, |_| true),
            Content::First { count, bytes } if n == count && bytes > 0 => {
                if let Change::Write { offset, data } = change {
                    let data = data[..bytes].to_vec();
                    let torn = Change::Write {
                        offset: *offset,
                        data,
                    };
                    disk.change(file, &torn, |_| true);
                }
            }
            Content::First { .. } => {}
            Content::WithoutFile(lost) if lost == file => {}
            Content::WithoutFile(_) => disk.change(file, change, |_| true),
            Content::WithoutPage(at, lost) => {
                disk.change(file, change, |page| (file, page) != (at, lost));
            }
            Content::OnlyPage(at, kept) => {
                disk.change(file, change, |page| (file, page) == (at, kept));
            }
            Content::Drawn(seed) => disk.change(file, change, |page| {
                let place = (page << 8) ^ file as u64;
                fastrand::Rng::with_seed(seed ^ place.wrapping_mul(0x9E37_79B9_7F4A_7C15)).bool()
            }),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::All => f.write_str("all data kept")?,
            Content::None => f.write_str("all pending data lost")?,
            Content::Lengths => f.write_str("lengths kept, pending data lost")?,
            Content::First { count, bytes } => {
                write!(f, "{count} pending changes and {bytes} bytes kept")?;
            }
            Content::WithoutFile(file) => write!(f, "pending data of file {file} lost")?,
            Content::WithoutPage(file, page) => write!(f, "page {page} of file {file} lost")?,
            Content::OnlyPage(file, page) => {
                write!(f, "of pending data page {page} of file {file}")?
            }
            Content::Drawn(_) => f.write_str("pages drawn by lot")?,
        }
        match self.names {
            Names::All => f.write_str(", all names kept"),
            Names::First(0) => f.write_str(", pending names lost"),
            Names::First(count) => write!(f, ", {count} pending changes of names kept"),
            Names::Without(one) => write!(f, ", pending change {one} of names lost"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(offset: u64, text: &str) -> Change {
        let data = text.as_bytes().to_vec();
        Change::Write { offset, data }
    }

    fn create(name: &str, file: FileId) -> Event {
        Event::Names(NameChange {
            removed: None,
            added: Some((name.to_owned(), file)),
        })
    }

    fn after(events: &[Event]) -> Pending {
        let mut pending = Pending::default();
        for (index, event) in events.iter().enumerate() {
            pending.event(index, event);
        }
        pending
    }

    fn nothing_kept(pending: &Pending) -> Disk {
        pending.left(&Loss {
            content: Content::None,
            names: Names::First(0),
        })
    }

    #[test]
    fn a_sync_of_a_file_keeps_its_data_and_not_its_name() {
        let sync = |what, before| Event::Synced { what, before };
        let mut events = vec![create("a", 0), Event::Content(0, write(0, "one"))];
        assert!(nothing_kept(&after(&events)).names.is_empty());
        events.push(sync(Synced::File(0), 2));
        let disk = nothing_kept(&after(&events));
        assert!(disk.names.is_empty());
        assert_eq!(disk.files[0], b"one");
        events.push(sync(Synced::Directory, 3));
        assert_eq!(nothing_kept(&after(&events)).names["a"], 0);
    }

    #[test]
    fn a_sync_does_not_cover_what_came_after_it_began() {
        let events = [
            Event::Content(0, write(0, "one")),
            Event::Content(0, write(0, "two")),
            Event::Synced {
                what: Synced::File(0),
                before: 1,
            },
        ];
        assert_eq!(nothing_kept(&after(&events)).files[0], b"one");
    }

    #[test]
    fn a_page_that_is_lost_leaves_what_was_there_and_the_length() {
        let mut disk = Disk::default();
        disk.change(0, &write(0, "old"), |_| true);
        let text = "x".repeat(PAGE as usize + 1);
        disk.change(0, &write(0, &text), |page| page == 1);
        assert_eq!(disk.files[0].len(), PAGE as usize + 1);
        assert_eq!(&disk.files[0][..4], b"old\0");
        assert_eq!(disk.files[0][PAGE as usize], b'x');
    }
}
