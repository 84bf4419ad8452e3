//! Cells and scopes that are met while values are built, and what a session names them by.

use crate::value::{Cell, Scope, SharedHandle, SharedId};

/// A cell or a scope whose content becomes a shared node. Held until the end, so that no other can
/// take its address meanwhile.
#[derive(Clone, Debug)]
pub(super) enum Shared {
    Cell(Cell),
    Scope(Scope),
    HostCell(SharedId),
    HostScope(SharedId),
}

/// What tells shared things apart: addresses of this library's, identities of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum SharedKey {
    Library(usize),
    Host(SharedId),
}

impl Shared {
    pub(super) fn key(&self) -> SharedKey {
        match self {
            Shared::Cell(cell) => SharedKey::Library(cell.address()),
            Shared::Scope(scope) => SharedKey::Library(scope.address()),
            Shared::HostCell(id) | Shared::HostScope(id) => SharedKey::Host(*id),
        }
    }

    pub(super) fn is_scope(&self) -> bool {
        matches!(self, Shared::Scope(_) | Shared::HostScope(_))
    }
}

impl Shared {
    pub(super) fn handle(&self) -> Option<SharedHandle> {
        match self {
            Shared::Cell(cell) => Some(SharedHandle::Cell(cell.clone())),
            Shared::Scope(scope) => Some(SharedHandle::Scope(scope.clone())),
            Shared::HostCell(_) | Shared::HostScope(_) => None,
        }
    }
}

/// What a session knows of cells and scopes.
pub(crate) trait SharedIds: Send {
    /// The id of one, and whether its content is to be written; it is not when it stands in the
    /// session already.
    fn id(&mut self, shared: &SharedHandle) -> (u64, bool);
}
