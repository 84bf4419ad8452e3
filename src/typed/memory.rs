//! The bytes of a value that was archived in this process.

use std::sync::Arc;

use rkyv::util::AlignedVec;

use crate::error::Result;
use crate::value::{Found, Held, HeldBytes, Storage};

/// Archived bytes, aligned as those of an extent are.
pub(super) struct ArchivedBytes(pub(super) AlignedVec<{ ALIGNMENT as usize }>);

/// Alignment of archived bytes, in bytes: that of extents.
pub(super) const ALIGNMENT: u32 = crate::limits::EXTENT_ALIGNMENT as u32;

impl HeldBytes for ArchivedBytes {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Archived bytes as the storage of a tensor, with what was found of them.
pub(super) struct InMemory {
    bytes: Arc<ArchivedBytes>,
    found: Found,
}

impl InMemory {
    pub(super) fn new(bytes: Arc<ArchivedBytes>) -> InMemory {
        InMemory {
            bytes,
            found: Found::default(),
        }
    }

    pub(super) fn found(&self) -> &Found {
        &self.found
    }
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InMemory({} bytes)", self.bytes.0.len())
    }
}

impl Storage for InMemory {
    fn byte_len(&self) -> u64 {
        self.bytes.0.len() as u64
    }

    fn range(&self, start: u64, len: u64) -> Result<&[u8]> {
        Ok(&self.bytes.0[start as usize..][..len as usize])
    }

    fn read_at(&self, start: u64, out: &mut [u8]) -> Result<()> {
        out.copy_from_slice(&self.bytes.0[start as usize..][..out.len()]);
        Ok(())
    }

    fn resident(&self) -> Option<&[u8]> {
        Some(&self.bytes.0)
    }

    fn held(&self) -> Result<Option<Held<'_>>> {
        let bytes = Arc::<ArchivedBytes>::clone(&self.bytes);
        Ok(Some(Held {
            bytes,
            found: &self.found,
        }))
    }
}
