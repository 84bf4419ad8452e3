//! Loading values of a session: what is one cell or scope in it is one in all of them, whether it
//! stands in the archive or in a frame, and its content is the newest.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::binding::{Binding, Root};
use super::bulk::BulkSource;
use super::overlay::Overlay;
use super::store::Store;
use crate::error::{EnvError, Result};
use crate::format::records::Slot;
use crate::stack::with_room;
use crate::tree::node::Node;
use crate::tree::restore::{Restorer, TreeSource};
use crate::tree::schema::Archived;
use crate::value::{Record, SharedHandle, Tensor, Value};

/// Cells that are known before those that nobody can change are looked for.
const SWEEP_FROM: usize = 1024;

/// The cells and scopes of a session that are in memory.
#[derive(Debug, Default)]
pub(crate) struct CellHandles(Mutex<Handles>);

#[derive(Debug, Default)]
struct Handles {
    by_id: HashMap<u64, KnownCell>,
    /// Ids by address: a handle that is held keeps its address.
    ids: HashMap<usize, u64>,
    /// The id of the next cell that is met for the first time.
    next: u64,
    /// Ids given since [`CellHandles::begin`].
    given: Vec<u64>,
    /// While a checkpoint is under way: ids whose content was written since it was begun. What was
    /// written before is in its archive only if a variable holds the cell.
    written: Option<HashSet<u64>>,
    /// Those of them that were written since [`CellHandles::begin`].
    writing: Vec<u64>,
    /// How many there must be before they are swept again.
    sweep_from: usize,
}

/// A cell in memory, and what the session recorded of it.
#[derive(Clone, Debug)]
pub(crate) struct KnownCell {
    pub(crate) handle: SharedHandle,
    /// What it held when it was last read or written.
    pub(crate) recorded: Value,
}

impl CellHandles {
    pub(crate) fn get(&self, id: u64) -> Option<KnownCell> {
        self.lock().by_id.get(&id).cloned()
    }

    /// The id of a cell, and whether its content is to be written: what the session has of it may go
    /// with the checkpoint that is under way, or there is nothing yet.
    pub(crate) fn assign(&self, handle: &SharedHandle) -> (u64, bool) {
        let mut guard = self.lock();
        let handles = &mut *guard;
        let known = handles.ids.get(&handle.address()).copied();
        let id = known.unwrap_or_else(|| handles.add(handle));
        let written = handles.written.as_mut();
        let is_first = written.is_some_and(|written| written.insert(id));
        if is_first {
            handles.writing.push(id);
        }
        (id, known.is_none() || is_first)
    }

    /// From now on until [`CellHandles::end_checkpoint`] contents are written that were written
    /// before.
    pub(crate) fn begin_checkpoint(&self) {
        self.lock().written = Some(HashSet::new());
    }

    pub(crate) fn end_checkpoint(&self) {
        self.lock().written = None;
    }

    /// Ids are given from `id` on.
    pub(crate) fn number_from(&self, id: u64) {
        let mut handles = self.lock();
        handles.next = handles.next.max(id);
    }

    /// What is assigned from now on may be taken back.
    pub(crate) fn begin(&self) {
        let mut handles = self.lock();
        handles.given.clear();
        handles.writing.clear();
    }

    /// Takes back what was assigned since [`CellHandles::begin`].
    pub(crate) fn undo(&self) {
        let mut guard = self.lock();
        let handles = &mut *guard;
        if let Some(written) = &mut handles.written {
            handles.writing.drain(..).for_each(|id| {
                written.remove(&id);
            });
        }
        let given = std::mem::take(&mut handles.given);
        drop(guard);
        given.into_iter().for_each(|id| self.forget(id));
    }

    /// Forgets cells that nobody else holds and that hold what the session has of them, once there
    /// are twice as many as when it was last done: nobody can change them any more, and met again
    /// they are read again.
    pub(crate) fn sweep(&self) {
        let mut guard = self.lock();
        let Handles {
            by_id,
            ids,
            sweep_from,
            ..
        } = &mut *guard;
        if by_id.len() < (*sweep_from).max(SWEEP_FROM) {
            return;
        }
        by_id.retain(|_, known| {
            !known.handle.is_held_once() || !known.handle.content().is_same(&known.recorded)
        });
        ids.retain(|_, id| by_id.contains_key(id));
        *sweep_from = by_id.len() * 2;
    }

    /// Notes a cell, and what the session holds of it.
    pub(crate) fn insert(&self, id: u64, handle: SharedHandle, recorded: Value) {
        let mut handles = self.lock();
        handles.ids.insert(handle.address(), id);
        handles.by_id.insert(id, KnownCell { handle, recorded });
    }

    pub(crate) fn forget(&self, id: u64) {
        let mut handles = self.lock();
        if let Some(known) = handles.by_id.remove(&id) {
            handles.ids.remove(&known.handle.address());
        }
    }

    /// All of them, by their ids.
    pub(crate) fn all(&self) -> Vec<(u64, KnownCell)> {
        let handles = self.lock();
        let mut all: Vec<_> = handles
            .by_id
            .iter()
            .map(|(id, known)| (*id, known.clone()))
            .collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// Those that hold something else than what the session has of them, with what that is, by
    /// their ids.
    pub(crate) fn changed(&self) -> Vec<(u64, SharedHandle, Value)> {
        let handles = self.lock();
        let changed = handles.by_id.iter().filter_map(|(id, known)| {
            let content = known.handle.content();
            let is_changed = !content.is_same(&known.recorded);
            is_changed.then(|| (*id, known.handle.clone(), content))
        });
        let mut changed: Vec<_> = changed.collect();
        changed.sort_unstable_by_key(|(id, ..)| *id);
        changed
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().by_id.is_empty()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Handles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handles {
    /// Notes a cell that is met for the first time; its id.
    fn add(&mut self, handle: &SharedHandle) -> u64 {
        let id = self.next.max(1);
        self.next = id.saturating_add(1);
        self.given.push(id);
        self.ids.insert(handle.address(), id);
        let known = KnownCell {
            handle: handle.clone(),
            recorded: handle.content(),
        };
        self.by_id.insert(id, known);
        id
    }
}

/// The values of `roots`, each with the name of its variable. Cells known by `handles` are these,
/// as they are; others are made, filled, and noted there.
///
/// # Errors
/// What reading answers, wrapped with the name of the variable.
pub(super) fn load<'s>(
    overlay: &'s Overlay,
    roots: &[(Root<'_>, &'s str)],
    handles: &'s CellHandles,
) -> Result<Vec<Value>> {
    with_room(|| load_all(overlay, roots, handles))
}

fn load_all<'s>(
    overlay: &'s Overlay,
    roots: &[(Root<'_>, &'s str)],
    handles: &'s CellHandles,
) -> Result<Vec<Value>> {
    let mut loader = Loader::new(overlay, handles);
    let values = roots.iter().map(|(root, name)| {
        let value = loader.value(root, name);
        value.map_err(|e| e.of_variable(name))
    });
    let values: Result<Vec<Value>> = values.collect();
    let filled = values.and_then(|values| loader.fill().map(|()| values));
    if filled.is_err() {
        loader.forget_made();
    }
    filled
}

/// A load of many values one after the other: what they share is shared.
pub(crate) struct SessionLoad<'s>(Loader<'s>);

impl<'s> SessionLoad<'s> {
    pub(crate) fn new(overlay: &'s Overlay, handles: &'s CellHandles) -> Self {
        SessionLoad(Loader::new(overlay, handles))
    }

    /// Value and attributes of a binding. Its cells are filled.
    pub(crate) fn binding(&mut self, binding: &Binding<'s>) -> Result<(Value, Record)> {
        let name = binding.name();
        let mut load = || {
            let root = binding.root()?;
            let value = self.0.value(&root, name)?;
            let attributes = match root.attributes {
                None => Record::new(),
                Some(node) => {
                    let slot = Slot::Node(node);
                    match self.0.value(&Root { slot, ..root }, name)? {
                        Value::Record(record) => record,
                        _ => {
                            let what = "attributes that are not a record".to_owned();
                            return Err(root.store.damaged_node(node, what));
                        }
                    }
                }
            };
            self.0.fill()?;
            Ok((value, attributes))
        };
        let loaded = with_room(&mut load).map_err(|e| e.of_variable(name));
        if loaded.is_err() {
            self.0.forget_made();
        }
        loaded
    }
}

/// The value of one binding, with cells of its own.
pub(super) fn load_one(overlay: &Overlay, root: Root<'_>, name: &str) -> Result<Value> {
    if !matches!(root.slot, Slot::Node(_)) {
        return root.store.value(root.slot, Some(name));
    }
    let handles = CellHandles::default();
    with_room(|| {
        let mut loader = Loader::new(overlay, &handles);
        let value = loader.value(&root, name)?;
        loader.fill()?;
        Ok(value)
    })
}

/// The value of a tree that stands in a node of `store`, with cells of its own.
pub(super) fn load_tree(
    overlay: &Overlay,
    store: &Arc<Store>,
    (tree, own): (&Archived, u32),
    name: &str,
) -> Result<Value> {
    let handles = CellHandles::default();
    with_room(|| {
        let mut loader = Loader::new(overlay, &handles);
        let (source, restorer) = loader.source(store);
        source.bulk.variable.set(Some(name));
        let value = restorer.tree(tree, own, 0)?;
        loader.fill()?;
        Ok(value)
    })
}

/// The contents that cells have in the session, whatever is in the handles.
///
/// # Errors
/// What reading answers.
pub(crate) fn refill(overlay: &Overlay, ids: &[u64], handles: &CellHandles) -> Result<()> {
    let mut loader = Loader::new(overlay, handles);
    for id in ids {
        if let Some(known) = handles.get(*id) {
            let mut waiting = loader.shared.waiting.borrow_mut();
            waiting.push_back((*id, known.handle, None));
        }
    }
    with_room(|| loader.fill())
}

/// Cells to be filled: the id, the cell, and the name of the variable that led there.
type Waiting<'s> = VecDeque<(u64, SharedHandle, Option<&'s str>)>;

/// What all sources of one load ask for cells.
struct SharedSearch<'s> {
    overlay: &'s Overlay,
    handles: &'s CellHandles,
    waiting: RefCell<Waiting<'s>>,
    /// Ids of the cells that were not known before.
    made: RefCell<Vec<u64>>,
}

struct Loader<'s> {
    shared: Rc<SharedSearch<'s>>,
    /// One for each store, by its address: no node of it is read twice.
    sources: HashMap<usize, (Rc<SessionSource<'s>>, Restorer<'s>)>,
}

impl<'s> Loader<'s> {
    fn new(overlay: &'s Overlay, handles: &'s CellHandles) -> Self {
        let shared = SharedSearch {
            overlay,
            handles,
            waiting: RefCell::default(),
            made: RefCell::default(),
        };
        Loader {
            shared: Rc::new(shared),
            sources: HashMap::new(),
        }
    }

    /// What was made and perhaps not filled must not be met again.
    fn forget_made(&self) {
        let made = self.shared.made.borrow();
        made.iter().for_each(|id| self.shared.handles.forget(*id));
    }

    fn value(&mut self, root: &Root<'_>, variable: &'s str) -> Result<Value> {
        match root.slot {
            Slot::Node(node) => {
                let (source, restorer) = self.source(root.store);
                source.bulk.variable.set(Some(variable));
                restorer.root(node)
            }
            slot => root.store.value(slot, Some(variable)),
        }
    }

    fn source(&mut self, store: &Arc<Store>) -> &mut (Rc<SessionSource<'s>>, Restorer<'s>) {
        let shared = Rc::clone(&self.shared);
        self.sources
            .entry(Arc::as_ptr(store).addr())
            .or_insert_with(|| {
                let source = Rc::new(SessionSource {
                    bulk: BulkSource::new(store),
                    shared,
                });
                let restorer = Restorer::new(Rc::clone(&source) as Rc<dyn TreeSource + 's>);
                (source, restorer)
            })
    }

    /// Fills the cells that were made, and those met on the way. A queue and no recursion: cells
    /// may form chains of any length.
    fn fill(&mut self) -> Result<()> {
        loop {
            let next = self.shared.waiting.borrow_mut().pop_front();
            let Some((id, handle, variable)) = next else {
                return Ok(());
            };
            self.fill_one(id, &handle, variable)
                .map_err(|error| match variable {
                    Some(name) => error.of_variable(name),
                    None => error,
                })?;
        }
    }

    fn fill_one(
        &mut self,
        id: u64,
        handle: &SharedHandle,
        variable: Option<&'s str>,
    ) -> Result<()> {
        let (store, node) = self.shared.overlay.cell(id)?;
        let (source, restorer) = self.source(store);
        source.bulk.variable.set(variable);
        let content = restorer.root(node)?;
        match handle.set_content(content.clone()) {
            true => {
                self.shared.handles.insert(id, handle.clone(), content);
                Ok(())
            }
            false => Err(store.damaged_node(node, "a scope is not a record".to_owned())),
        }
    }
}

/// A store of a session as the source of trees.
struct SessionSource<'s> {
    bulk: BulkSource<'s>,
    shared: Rc<SharedSearch<'s>>,
}

impl TreeSource for SessionSource<'_> {
    fn node(&self, number: u32) -> Result<Arc<Node>> {
        self.bulk.node(number)
    }

    fn shared_node(&self, shared: u32) -> Result<u32> {
        self.bulk.shared_node(shared)
    }

    fn tensor(&self, dtype: u8, order: u8, shape: &[u64], extent: u32) -> Result<Tensor> {
        self.bulk.tensor(dtype, order, shape, extent)
    }

    fn extent_bytes(&self, extent: u32) -> Result<Vec<u8>> {
        self.bulk.extent_bytes(extent)
    }

    fn known_shared(&self, shared: u32, is_scope: bool) -> Result<Option<SharedHandle>> {
        let search = &self.shared;
        let id = search.overlay.cell_id(&self.bulk.store, shared);
        let id = id.ok_or_else(|| self.bulk.store.no_node(shared))?;
        if let Some(known) = search.handles.get(id) {
            return Ok(Some(known.handle));
        }
        let handle = SharedHandle::new(is_scope);
        search.handles.insert(id, handle.clone(), Value::Null);
        search.made.borrow_mut().push(id);
        let waiting = (id, handle.clone(), self.bulk.variable.get());
        search.waiting.borrow_mut().push_back(waiting);
        Ok(Some(handle))
    }

    fn damaged(&self, node: u32, what: &str) -> EnvError {
        self.bulk.damaged(node, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Cell;

    #[test]
    fn cells_that_nobody_can_change_are_forgotten() {
        let handles = CellHandles::default();
        let kept: Vec<Cell> = (0..10).map(Cell::new).collect();
        for cell in &kept {
            handles.assign(&SharedHandle::Cell(cell.clone()));
        }
        let changed = Cell::new(0);
        handles.assign(&SharedHandle::Cell(changed.clone()));
        changed.set(1);
        drop(changed);
        for number in 0..100_000 {
            handles.assign(&SharedHandle::Cell(Cell::new(number)));
            handles.sweep();
            assert!(handles.all().len() <= SWEEP_FROM);
        }
        let known = |cell: &Cell| handles.assign(&SharedHandle::Cell(cell.clone()));
        assert!(
            kept.iter()
                .zip(1..)
                .all(|(cell, id)| known(cell) == (id, false))
        );
        assert_eq!(handles.changed().len(), 1);
    }
}
