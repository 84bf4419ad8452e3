//! What a journal says over an archive: bindings that were set, renamed and removed since, cells
//! whose content changed. The archive below stays as it is.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;

use super::frames::{FrameImage, ImageContext};
use super::store::{Store, TableBytes, Tables};
use crate::error::Result;
use crate::format::image::CONTENT_ELSEWHERE;
use crate::format::records::{FLAG_CONSTANT, FLAG_MUTABLE};
use crate::format::table::Table;
use crate::journal::Place;

/// A binding that stands in a frame.
#[derive(Clone, Debug)]
pub(crate) struct FrameBinding {
    pub(crate) name: Arc<str>,
    /// Place in the order of definition.
    pub(crate) order: u64,
    /// Marks, as in the table of an archive.
    pub(super) flags: u8,
    pub(crate) image: BindingImage,
}

/// The image of a binding. Most are never looked at, so that each is not an allocation of its own.
#[derive(Clone, Debug)]
pub(crate) enum BindingImage {
    Own(FrameImage),
    Shared(Arc<FrameImage>),
}

impl Deref for BindingImage {
    type Target = FrameImage;

    fn deref(&self) -> &FrameImage {
        match self {
            BindingImage::Own(image) => image,
            BindingImage::Shared(image) => image,
        }
    }
}

/// A binding of the archive that was renamed.
#[derive(Clone, Debug)]
pub(crate) struct Moved {
    pub(super) name: Arc<str>,
    pub(super) order: u64,
    /// Its place in the table of the archive.
    pub(super) index: usize,
}

/// What is said of a name.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Removed,
    Moved(Moved),
    Frame(FrameBinding),
}

/// A binding of the whole, by where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    Base(usize),
    Moved(usize, &'a Moved),
    Frame(&'a FrameBinding),
}

/// The bindings of an archive with what a journal says over them.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    pub(crate) context: Arc<ImageContext>,
    /// Whether the bindings of the archive were cleared.
    pub(super) hidden: bool,
    /// Dense, and hashes are kept: a journal may tell of millions.
    pub(super) names: IndexMap<Arc<str>, Said>,
    pub(super) cells: HashMap<u64, (Arc<FrameImage>, u32)>,
    /// Ids of the cells of the archive, and their shared numbers.
    base_cells: OnceLock<HashMap<u64, u32>>,
    next_order: u64,
    /// The greatest id of a cell that was met.
    greatest_cell: u64,
    /// Number of bindings.
    len: usize,
    /// All bindings sorted by name, made when they are first asked for in order.
    sorted: OnceLock<Vec<Sorted>>,
}

/// A binding in the sorted list.
#[derive(Clone, Debug)]
enum Sorted {
    Base(usize),
    Said(Arc<str>),
}

impl Overlay {
    /// Nothing said yet over the archive that `context` reads.
    pub(crate) fn new(context: Arc<ImageContext>) -> Overlay {
        let table = table_of(&context.base);
        let len = table.entries().len();
        let greatest_cell = match table.shared_ids() {
            [] => u64::from(table.preamble().shared_count),
            ids => ids.iter().copied().max().unwrap_or(0),
        };
        Overlay {
            hidden: false,
            names: IndexMap::new(),
            cells: HashMap::new(),
            base_cells: OnceLock::new(),
            // Ordinals are the places 0..len: a table that says otherwise is found by `verify`.
            next_order: len as u64,
            greatest_cell,
            len,
            sorted: OnceLock::new(),
            context,
        }
    }

    pub(super) fn table(&self) -> &Table<TableBytes> {
        table_of(&self.context.base)
    }

    pub(super) fn base_index(&self, name: &str) -> Option<usize> {
        match self.hidden {
            true => None,
            false => find(self.table(), name),
        }
    }

    /// The place of a binding of the archive in the order.
    fn order_in_base(&self, name: &str) -> Option<u64> {
        let index = self.base_index(name)?;
        self.table().entries().get(index).map(|e| e.ordinal.into())
    }

    /// The place of a name in the order, when there is a binding of it.
    fn order_of(&self, name: &str) -> Option<u64> {
        match self.find(name)? {
            Found::Base(index) => self.table().entries().get(index).map(|e| e.ordinal.into()),
            Found::Moved(_, moved) => Some(moved.order),
            Found::Frame(binding) => Some(binding.order),
        }
    }

    /// The binding of a name.
    pub(super) fn find(&self, name: &str) -> Option<Found<'_>> {
        match self.names.get(name) {
            Some(Said::Removed) => None,
            Some(Said::Moved(moved)) => Some(Found::Moved(moved.index, moved)),
            Some(Said::Frame(binding)) => Some(Found::Frame(binding)),
            None => self.base_index(name).map(Found::Base),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    // What frames say. Each is one effective frame, in order.

    /// A binding was set.
    pub(crate) fn set(
        &mut self,
        name: Arc<str>,
        constant: bool,
        mutable: bool,
        image: Arc<FrameImage>,
    ) {
        let flags = flags(constant, mutable);
        match self.names.get_mut(&*name) {
            Some(Said::Frame(binding)) => {
                binding.flags = flags;
                binding.image = BindingImage::Shared(image);
            }
            _ => {
                let order = self.order_of(&name);
                self.set_in_order(order, name, flags, BindingImage::Shared(image));
            }
        }
    }

    /// A binding was set whose image stands at `place` and has no cells.
    pub(crate) fn set_at(&mut self, name: &str, constant: bool, mutable: bool, place: Place<'_>) {
        let flags = flags(constant, mutable);
        let order = match self.names.get_mut(name) {
            Some(Said::Frame(binding)) => {
                binding.flags = flags;
                match &mut binding.image {
                    BindingImage::Own(image) => {
                        image.move_to(place);
                        return;
                    }
                    BindingImage::Shared(_) => Some(binding.order),
                }
            }
            Some(_) => self.order_of(name),
            None => self.order_in_base(name),
        };
        let image = FrameImage::new(place.into(), Arc::clone(&self.context));
        self.set_in_order(order, name.into(), flags, BindingImage::Own(image));
    }

    /// Sets a binding at its place in the order; without one it is a new one.
    fn set_in_order(&mut self, order: Option<u64>, name: Arc<str>, flags: u8, image: BindingImage) {
        let order = order.unwrap_or_else(|| {
            self.len += 1;
            self.next_order += 1;
            self.next_order - 1
        });
        let binding = FrameBinding {
            name: Arc::clone(&name),
            order,
            flags,
            image,
        };
        self.names.insert(name, Said::Frame(binding));
        self.sorted = OnceLock::new();
    }

    /// Contents of cells and scopes that an image holds: they are the newest.
    ///
    /// # Errors
    /// What reading the head of the image answers.
    pub(crate) fn set_cells(&mut self, image: &Arc<FrameImage>) -> Result<()> {
        for (number, id) in image.shared_ids()?.iter().enumerate() {
            self.greatest_cell = self.greatest_cell.max(id & !CONTENT_ELSEWHERE);
            if id & CONTENT_ELSEWHERE == 0 {
                self.cells.insert(*id, (Arc::clone(image), number as u32));
            }
        }
        Ok(())
    }

    /// A binding was removed.
    pub(crate) fn remove(&mut self, name: &str) {
        if self.find(name).is_none() {
            return;
        }
        self.len -= 1;
        self.sorted = OnceLock::new();
        match self.base_index(name) {
            Some(_) => {
                self.names.insert(name.into(), Said::Removed);
            }
            None => {
                self.names.swap_remove(name);
            }
        }
    }

    /// A binding was renamed. It keeps its place; one that had the new name is gone.
    pub(crate) fn rename(&mut self, old: &str, new: Arc<str>) {
        if old == &*new {
            return;
        }
        let Some(order) = self.order_of(old) else {
            return;
        };
        self.remove(&new);
        let said = match self.find(old) {
            Some(Found::Base(index) | Found::Moved(index, _)) => Said::Moved(Moved {
                name: Arc::clone(&new),
                order,
                index,
            }),
            Some(Found::Frame(binding)) => Said::Frame(FrameBinding {
                name: Arc::clone(&new),
                ..binding.clone()
            }),
            None => return,
        };
        self.remove(old);
        self.len += 1;
        self.sorted = OnceLock::new();
        self.names.insert(new, said);
    }

    /// All bindings were removed.
    pub(crate) fn clear(&mut self) {
        self.hidden = true;
        self.names.clear();
        self.sorted = OnceLock::new();
        self.len = 0;
    }

    // What is read of the whole.

    /// The bindings sorted by name.
    fn sorted(&self) -> &[Sorted] {
        self.sorted.get_or_init(|| {
            let mut said: Vec<&Arc<str>> = self.names.keys().collect();
            said.sort_unstable();
            let mut said = said.into_iter().peekable();
            let mut sorted = Vec::with_capacity(self.len);
            let table = self.table();
            let base = match self.hidden {
                true => &[],
                false => table.entries(),
            };
            let push_said = |name: &Arc<str>, sorted: &mut Vec<Sorted>| {
                if !matches!(self.names.get(name), Some(Said::Removed) | None) {
                    sorted.push(Sorted::Said(Arc::clone(name)));
                }
            };
            for (index, entry) in base.iter().enumerate() {
                let name = table.name(entry);
                while let Some(before) = said.next_if(|said| &***said < name) {
                    push_said(before, &mut sorted);
                }
                match said.next_if(|said| &***said == name) {
                    Some(same) => push_said(same, &mut sorted),
                    None => sorted.push(Sorted::Base(index)),
                }
            }
            said.for_each(|name| push_said(name, &mut sorted));
            sorted
        })
    }

    /// The binding at a place of the sorted list.
    pub(super) fn at(&self, place: usize) -> Option<Found<'_>> {
        match self.sorted().get(place)? {
            Sorted::Base(index) => Some(Found::Base(*index)),
            Sorted::Said(name) => self.find(name),
        }
    }

    /// How many names, from the beginning of the sorted list, fulfil `before`, which holds for the
    /// first ones only.
    pub(super) fn partition_point(&self, mut before: impl FnMut(&[u8]) -> bool) -> usize {
        let table = self.table();
        self.sorted().partition_point(|sorted| match sorted {
            Sorted::Base(index) => table
                .entries()
                .get(*index)
                .is_some_and(|entry| before(table.name_bytes(entry))),
            Sorted::Said(name) => before(name.as_bytes()),
        })
    }

    /// Where the newest content of a cell or scope stands.
    ///
    /// # Errors
    /// What reading the head of an image answers; [`EnvError::Damaged`] when it stands nowhere.
    pub(super) fn cell(&self, id: u64) -> Result<(&Arc<Store>, u32)> {
        let base = &self.context.base;
        let (store, number) = match self.cells.get(&id) {
            Some((image, number)) => (image.store()?, Some(*number)),
            None => (base, self.base_cell(id)),
        };
        let node = number.and_then(|number| store.shared_node(number));
        let node = node.ok_or_else(|| {
            let text = format!("cell {id} stands neither in the journal nor in the archive");
            base.damaged_node(0, text)
        })?;
        Ok((store, node))
    }

    /// The shared number of a cell of the archive.
    pub(super) fn base_cell(&self, id: u64) -> Option<u32> {
        let ids = self.table().shared_ids();
        if ids.is_empty() {
            return u32::try_from(id.checked_sub(1)?).ok();
        }
        let numbers = self.base_cells.get_or_init(|| {
            let numbered = ids.iter().zip(0u32..);
            numbered.map(|(id, number)| (*id, number)).collect()
        });
        numbers.get(&id).copied()
    }

    /// Store and node of the newest content of shared number `number` of a store.
    ///
    /// # Errors
    /// As [`Overlay::cell`].
    pub(super) fn content(&self, store: &Arc<Store>, number: u32) -> Result<(&Arc<Store>, u32)> {
        let id = self.cell_id(store, number);
        self.cell(id.ok_or_else(|| store.no_node(number))?)
    }

    /// The id of shared node `number` of a store: of the archive, or of an image.
    pub(super) fn cell_id(&self, store: &Arc<Store>, number: u32) -> Option<u64> {
        let ids = match &store.tables {
            Tables::Image(head) => head.shared_ids.as_deref().unwrap_or_default(),
            tables => match tables.if_checked()?.shared_ids() {
                [] => return Some(u64::from(number) + 1),
                ids => ids,
            },
        };
        ids.get(number as usize).map(|id| id & !CONTENT_ELSEWHERE)
    }

    /// Whether the state holds a content of that cell.
    pub(crate) fn has_cell(&self, id: u64) -> bool {
        self.cell(id).is_ok()
    }

    /// Names of which something is said.
    pub(crate) fn said_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }

    /// Whether the bindings of the archive were cleared.
    pub(crate) fn hides_base(&self) -> bool {
        self.hidden
    }

    /// Whether a name stands for the same binding in both.
    pub(crate) fn is_same(&self, other: &Overlay, name: &str) -> bool {
        match (self.find(name), other.find(name)) {
            (None, None) => true,
            (Some(Found::Frame(a)), Some(Found::Frame(b))) => a.image.place.is_same(&b.image.place),
            (
                Some(Found::Base(a) | Found::Moved(a, _)),
                Some(Found::Base(b) | Found::Moved(b, _)),
            ) => a == b,
            _ => false,
        }
    }

    /// Whether it says anything over the archive.
    pub(crate) fn says_something(&self) -> bool {
        self.hidden || !self.names.is_empty() || !self.cells.is_empty()
    }

    /// The greatest id of a cell that the session knows.
    pub(crate) fn greatest_cell(&self) -> u64 {
        self.greatest_cell
    }
}

fn flags(constant: bool, mutable: bool) -> u8 {
    (u8::from(constant) * FLAG_CONSTANT) | (u8::from(mutable) * FLAG_MUTABLE)
}

fn table_of(base: &Store) -> &Table<TableBytes> {
    match base.tables.if_checked() {
        Some(table) => table,
        // Only ever made over the store of an archive whose table was checked: see `state_at`.
        None => unreachable!("an overlay lies over a checked archive"),
    }
}

/// The place of `name` in a sorted table.
pub(super) fn find<B: AsRef<[u8]>>(table: &Table<B>, name: &str) -> Option<usize> {
    let key = name.as_bytes();
    table
        .entries()
        .binary_search_by(|entry| table.name_bytes(entry).cmp(key))
        .ok()
}
