//! Which cells and scopes the values of an archive name: what must stay together for sharing to
//! stay as it is.

use std::sync::Arc;

use super::archive::Archive;
use super::binding::Binding;
use super::parts::shared_of;
use super::store::Store;
use crate::error::Result;
use crate::format::records::Slot;

impl Archive {
    /// Whether there may be cells and scopes at all.
    pub(crate) fn may_share(&self) -> bool {
        match self.overlay() {
            Some(overlay) => overlay.greatest_cell() > 0,
            None => self.preamble().shared_count > 0,
        }
    }

    /// Bytes of all structured values of the archive together.
    pub(crate) fn node_bytes(&self) -> u64 {
        self.store().node_bytes()
    }

    /// The cells and scopes that the content of cell or scope `id` names.
    pub(crate) fn shared_in(&self, id: u64) -> Result<Vec<u64>> {
        if let Some(overlay) = self.overlay() {
            let (store, node) = overlay.cell(id)?;
            return self.ids_below(store, node);
        }
        let number = u32::try_from(id).ok();
        let node = number.and_then(|number| self.store().shared_node(number));
        match node {
            Some(node) => self.ids_below(self.store(), node),
            // A number beyond the count is a fault that loading the value tells.
            None => Ok(Vec::new()),
        }
    }

    /// The cells and scopes that the value of a node names itself: by their ids in a session, else by
    /// their shared numbers.
    fn ids_below(&self, store: &Arc<Store>, node: u32) -> Result<Vec<u64>> {
        let shared = shared_of(store, node)?.into_iter();
        Ok(match self.overlay() {
            Some(overlay) => shared.filter_map(|n| overlay.cell_id(store, n)).collect(),
            None => shared.map(u64::from).collect(),
        })
    }
}

impl Binding<'_> {
    /// The cells and scopes that its value and its attributes name themselves. Reads its nodes.
    pub(crate) fn shared(&self, archive: &Archive) -> Result<Vec<u64>> {
        let root = self.root_of_attributes()?;
        let value = match self.slot() {
            Ok(Slot::Node(node)) => Some(node),
            _ => None,
        };
        let mut found = Vec::new();
        for node in [value, root.attributes].into_iter().flatten() {
            let shared = archive.ids_below(root.store, node);
            found.extend(shared.map_err(|e| e.of_variable(self.name()))?);
        }
        Ok(found)
    }
}
