//! How deep a conversion is: what keeps recursive types and values off the end of the stack.

use super::serde_failure::Failure;
use crate::limits::MAX_NESTING;

/// Steps that make no level of a value (`Some`, newtypes, cells, extensions read through) are
/// counted too, because a type such as `struct N(Option<Box<N>>)` takes nothing else. Four for
/// each level is more than honest types need.
const MAX_WRAPPERS: usize = 4 * MAX_NESTING;

/// Levels of nesting above a value, and the wrappers that were taken off on the way to it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Depth {
    levels: usize,
    wrappers: usize,
}

impl Depth {
    /// The depth inside a vector, record or other container that stands here.
    pub(super) fn container(self) -> Result<Depth, Failure> {
        self.unchecked_containers(1).checked()
    }

    /// The depth inside `count` containers, one in the other, that may yet turn out not to be made.
    pub(super) fn unchecked_containers(self, count: usize) -> Depth {
        Depth {
            levels: self.levels + count,
            ..self
        }
    }

    /// The depth inside something that is read or written as its content.
    pub(super) fn wrapper(self) -> Result<Depth, Failure> {
        let inside = Depth {
            wrappers: self.wrappers + 1,
            ..self
        };
        inside.checked()
    }

    /// This depth, when it is allowed.
    pub(super) fn checked(self) -> Result<Depth, Failure> {
        if self.levels > MAX_NESTING || self.wrappers > MAX_WRAPPERS {
            return Err(Failure::too_deep());
        }
        Ok(self)
    }
}
