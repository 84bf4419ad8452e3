//! Bytes of a node to a checked tree: the one place that calls rkyv's access.

use std::num::NonZeroUsize;

use rkyv::rancor::BoxedError;
use rkyv::validation::Validator;
use rkyv::validation::archive::ArchiveValidator;
use yoke::Yoke;

use super::schema::Archived;
use crate::error::phrases::checking;
use crate::limits::MAX_NESTING;
use crate::stack::with_room;

/// Nested ranges the validator may enter: a record with an index is a box and a vector, and the
/// validator itself needs two.
const MAX_DEPTH: usize = 2 * MAX_NESTING + 8;

/// A node in memory of its own, checked. Owned bytes cannot change under the checked tree, which a
/// map's can when its contract is broken.
pub(crate) struct Node(Yoke<&'static Archived, Box<[u64]>>);

impl Node {
    /// Checks `words`, the bytes of a node, as a tree.
    ///
    /// # Errors
    /// A text that says what does not hold.
    pub(crate) fn check(words: Box<[u64]>) -> Result<Node, String> {
        let attached = Yoke::try_attach_to_cart(words, |words: &[u64]| -> Result<_, String> {
            let bytes = bytemuck::cast_slice(words);
            let archive = ArchiveValidator::with_max_depth(bytes, NonZeroUsize::new(MAX_DEPTH));
            let mut validator = Validator::new(archive, ());
            with_room(|| {
                rkyv::api::access_with_context::<Archived, _, BoxedError>(bytes, &mut validator)
            })
            .map_err(|error| format!("not a valid tree: {}", checking(&error, bytes)))
        });
        attached.map(Node)
    }

    pub(crate) fn root(&self) -> &Archived {
        self.0.get()
    }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Node(..)")
    }
}
