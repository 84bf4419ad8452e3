//! A function, and what its host made of it.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::compound::Function;

/// A function as data, and, once a host has resolved it, the host's own handle to call it by.
///
/// Cheap to clone: all clones are the same function, so resolving one resolves them all. Reads as
/// the [`Function`] it describes. Only the description is saved.
///
/// ```
/// use achronyme_env::{Callable, Function};
///
/// let sin = Callable::new(Function::Builtin { name: "sin".into() });
/// assert!(!sin.is_resolved());
/// sin.resolve(std::sync::Arc::new(f64::sin as fn(f64) -> f64));
/// assert_eq!(sin.handle::<fn(f64) -> f64>().unwrap()(0.0), 0.0);
/// ```
#[derive(Clone)]
pub struct Callable(Arc<Resolved>);

struct Resolved {
    function: Function,
    handle: OnceLock<Handle>,
}

/// What a host calls a function by: anything that threads may share.
pub type Handle = Arc<dyn Any + Send + Sync>;

impl Callable {
    /// A function that is not resolved yet.
    pub fn new(function: Function) -> Callable {
        Callable(Arc::new(Resolved {
            function,
            handle: OnceLock::new(),
        }))
    }

    /// Whether both are the same function in memory.
    pub(crate) fn is_same(&self, other: &Callable) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What the function is.
    pub fn function(&self) -> &Function {
        &self.0.function
    }

    /// Whether a host has made it callable.
    pub fn is_resolved(&self) -> bool {
        self.0.handle.get().is_some()
    }

    /// Gives it the handle to call it by. `false` when it has one already, which then stays.
    pub fn resolve(&self, handle: Handle) -> bool {
        self.0.handle.set(handle).is_ok()
    }

    /// The host's handle, when there is one and it is a `T`.
    pub fn handle<T: Any>(&self) -> Option<&T> {
        let handle: &(dyn Any + Send + Sync) = &**self.0.handle.get()?;
        handle.downcast_ref()
    }
}

impl Deref for Callable {
    type Target = Function;

    fn deref(&self) -> &Function {
        self.function()
    }
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.function().fmt(f)
    }
}
