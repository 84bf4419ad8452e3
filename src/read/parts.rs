//! What belongs to a structured value: the nodes below its root, and the extents they name.

use std::collections::{BTreeSet, HashSet};

use super::store::Store;
use crate::error::Result;
use crate::format::NONE;
use crate::stack::with_room;
use crate::tree::schema::{Archived, ArchivedFieldTree, ArchivedTree};

/// Nodes and extents of a value.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Numbers of its extents, rising.
    pub(super) extents: Vec<u32>,
    /// Numbers of its nodes.
    pub(super) nodes: Vec<u32>,
    /// Bytes of its nodes in the file.
    pub(super) node_bytes: u64,
}

/// Everything below node `root`, cells and scopes included. Goes through the nodes one by one and
/// keeps none of them.
pub(super) fn below(store: &Store, root: u32) -> Result<Parts> {
    search(store, root, true).map(|(parts, _)| parts)
}

/// The cells and scopes, by their shared numbers, that the value of node `root` names itself: not
/// those that only their contents name.
pub(super) fn shared_of(store: &Store, root: u32) -> Result<Vec<u32>> {
    search(store, root, false).map(|(_, shared)| shared)
}

/// Goes through the nodes below `root`; into the contents of cells and scopes when it `follows`
/// them. Returns the parts, and the shared numbers that were met and not followed.
fn search(store: &Store, root: u32, follows: bool) -> Result<(Parts, Vec<u32>)> {
    let mut search = Search {
        waiting: vec![root],
        ..Search::default()
    };
    let mut parts = with_room(|| search.nodes(store, follows))?;
    parts.extents = search
        .extents
        .into_iter()
        .filter(|extent| *extent != NONE)
        .collect();
    Ok((parts, search.shared))
}

#[derive(Default)]
struct Search {
    waiting: Vec<u32>,
    shared: Vec<u32>,
    seen: HashSet<u32>,
    extents: BTreeSet<u32>,
}

impl Search {
    /// Goes through the nodes that wait, and those found in them.
    fn nodes(&mut self, store: &Store, follows: bool) -> Result<Parts> {
        let mut parts = Parts::default();
        while let Some(number) = self.waiting.pop() {
            if !self.seen.insert(number) {
                continue;
            }
            parts.nodes.push(number);
            let node = store.passing_node(number)?;
            parts.node_bytes += u64::from(store.node_record(number)?.len);
            self.tree(node.root());
            if follows {
                for shared in std::mem::take(&mut self.shared) {
                    self.waiting.extend(store.shared_node(shared));
                }
            }
        }
        Ok(parts)
    }

    /// Notes what a tree names. Its depth was bounded when its node was checked.
    fn tree(&mut self, tree: &Archived) {
        match tree {
            ArchivedTree::Node(node) => self.waiting.push(node.to_native()),
            ArchivedTree::LongString(extent) | ArchivedTree::LongBytes(extent) => {
                self.extents.insert(extent.to_native());
            }
            ArchivedTree::Vector(elements) => elements.iter().for_each(|tree| self.tree(tree)),
            ArchivedTree::VectorParts(parts) => {
                self.waiting.extend(
                    parts
                        .iter()
                        .filter_map(|part| u32::try_from(part.node.to_native()).ok()),
                );
            }
            ArchivedTree::Record(fields) => self.fields(fields),
            ArchivedTree::IndexedRecord(record) => self.fields(&record.fields),
            ArchivedTree::RecordParts(record) => {
                self.waiting.extend(
                    record
                        .parts
                        .iter()
                        .filter_map(|part| u32::try_from(part.node.to_native()).ok()),
                );
                self.waiting
                    .extend(record.index.iter().map(|part| part.node.to_native()));
            }
            ArchivedTree::Tensor(tensor) => {
                self.extents.insert(tensor.extent.to_native());
            }
            ArchivedTree::StringArray(array) => {
                self.extents.insert(array.offsets.to_native());
                self.extents.insert(array.bytes.to_native());
            }
            ArchivedTree::Edge(edge) => {
                let trees = [&edge.from, &edge.to, &edge.properties];
                trees.into_iter().for_each(|tree| self.tree(tree));
            }
            ArchivedTree::Function(function) => {
                let trees = [
                    &function.name,
                    &function.parameters,
                    &function.details,
                    &function.source,
                ];
                trees.into_iter().for_each(|tree| self.tree(tree));
                self.shared
                    .extend(u32::try_from(function.scope.to_native()).ok());
            }
            ArchivedTree::Cell(shared) => self.shared.push(shared.to_native()),
            ArchivedTree::Error(error) => {
                let trees = [&error.message, &error.kind, &error.source];
                trees.into_iter().for_each(|tree| self.tree(tree));
            }
            ArchivedTree::Extension(extension) => {
                let trees = [
                    &extension.type_name,
                    &extension.parameters,
                    &extension.storage,
                ];
                trees.into_iter().for_each(|tree| self.tree(tree));
            }
            ArchivedTree::Typed(typed) => {
                self.tree(&typed.type_name);
                self.extents.insert(typed.extent.to_native());
            }
            ArchivedTree::Null
            | ArchivedTree::Boolean(_)
            | ArchivedTree::Integer(_)
            | ArchivedTree::Number(_)
            | ArchivedTree::Complex(..)
            | ArchivedTree::String(_)
            | ArchivedTree::Bytes(_)
            | ArchivedTree::Builtin(_)
            | ArchivedTree::Index(_) => {}
        }
    }

    fn fields(&mut self, fields: &[ArchivedFieldTree]) {
        fields.iter().for_each(|field| self.tree(&field.value));
    }
}
