//! Which cells and scopes the values of an archive name: what must stay together for sharing to
//! stay as it is.

use super::archive::Archive;
use super::binding::Binding;
use super::parts::shared_of;
use crate::error::Result;
use crate::format::records::{EntryRecord, Slot};

impl Archive {
    /// Number of cells and scopes.
    pub(crate) fn shared_count(&self) -> u32 {
        self.store().records().shared_count
    }

    /// Bytes of all structured values together.
    pub(crate) fn node_bytes(&self) -> u64 {
        self.store().node_bytes()
    }

    /// The cells and scopes that the content of cell or scope `shared` names.
    pub(crate) fn shared_in(&self, shared: u32) -> Result<Vec<u32>> {
        match self.store().records().shared_node(shared) {
            Some(node) => shared_of(self.store(), node),
            None => Ok(Vec::new()),
        }
    }
}

impl Binding<'_> {
    /// The cells and scopes that its value and its attributes name themselves, by their shared
    /// numbers. Reads its nodes.
    pub(crate) fn shared(&self, archive: &Archive) -> Result<Vec<u32>> {
        let value = match self.slot() {
            Ok(Slot::Node(node)) => Some(node),
            _ => None,
        };
        let attributes = self.entry().and_then(EntryRecord::attributes);
        let mut found = Vec::new();
        for node in [value, attributes].into_iter().flatten() {
            let shared = shared_of(archive.store(), node);
            found.extend(shared.map_err(|e| e.of_variable(self.name()))?);
        }
        Ok(found)
    }
}
