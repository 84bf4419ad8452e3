//! Borrowed values of the kinds a language brings: functions with their captured scopes, edges,
//! errors, extensions; and the names of a host's own cells and scopes, whose contents are asked for
//! when their turn comes.

use std::borrow::Cow;

use super::borrowed::ValueRef;
use super::compound::Scope;
use crate::error::{EnvError, Result};

/// What tells one of the host's own cells and scopes from the others, as long as a writer lives:
/// usually its address.
///
/// ```
/// use std::{cell::RefCell, rc::Rc};
/// use achronyme_env::SharedId;
///
/// let cell = Rc::new(RefCell::new(0.0));
/// let other_name = Rc::clone(&cell);
/// assert_eq!(SharedId::of(&*cell), SharedId::of(&*other_name));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SharedId(pub u64);

impl SharedId {
    /// The address of `target`, which must not move or be freed while the writer lives. Types
    /// without a size have no address of their own and cannot be told apart so.
    pub fn of<T: ?Sized>(target: &T) -> SharedId {
        SharedId(std::ptr::from_ref(target).addr() as u64)
    }
}

/// Tells what the host's own cells and scopes hold. Passed to
/// [`ArchiveWriter::add_from`](crate::ArchiveWriter::add_from) and not kept, so that it may be full
/// of `Rc`s.
///
/// Each content is asked for once, when its turn comes: from a queue and not from within another
/// content, so that cells may form chains of any length and hold each other.
pub trait SharedContents<'a> {
    /// What the cell or scope `id` holds now: any value for a cell, a [`ValueRef::Record`] for a
    /// scope. [`ValueRef::Unsupported`] for one that cannot be looked into; it is then saved
    /// empty, and reported.
    ///
    /// # Errors
    /// Any error ends the save.
    fn contents(&mut self, id: SharedId) -> Result<ValueRef<'a>>;
}

/// The contents of a host that has no cells of its own.
#[derive(Debug)]
pub(crate) struct NoContents;

impl<'a> SharedContents<'a> for NoContents {
    fn contents(&mut self, _: SharedId) -> Result<ValueRef<'a>> {
        Err(EnvError::InvalidValue {
            what: "a cell or scope of the host's".to_owned(),
            reason: "nothing says what it holds; add the value with `add_from`".to_owned(),
        })
    }
}

/// A captured scope: the host's own, or one of this library's.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ScopeRef {
    /// A scope of the host's.
    Host(SharedId),
    /// A scope of this library's.
    Owned(Scope),
}

/// A borrowed function.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum FunctionRef<'a> {
    /// A function of the host, by name.
    Builtin(Cow<'a, str>),
    /// A function of the user's, as source text.
    User(UserFunctionRef<'a>),
}

/// A borrowed user's function; the fields are those of [`UserFunction`](super::UserFunction).
#[derive(Clone, Debug, Default)]
pub struct UserFunctionRef<'a> {
    /// Its own name, when it has one.
    pub name: Option<Cow<'a, str>>,
    /// Names of its parameters, in order.
    pub parameters: Vec<Cow<'a, str>>,
    /// Whatever else the host keeps, as the fields of a record.
    pub details: Vec<(Cow<'a, str>, ValueRef<'a>)>,
    /// The source text of its body.
    pub source: Cow<'a, str>,
    /// The scope it captured.
    pub scope: Option<ScopeRef>,
}

/// A borrowed edge of a graph.
#[derive(Clone, Debug)]
pub struct EdgeRef<'a> {
    /// Name of the node it starts from.
    pub from: Cow<'a, str>,
    /// Name of the node it leads to.
    pub to: Cow<'a, str>,
    /// Whether it leads one way only.
    pub directed: bool,
    /// Anything else, as the fields of a record.
    pub properties: Vec<(Cow<'a, str>, ValueRef<'a>)>,
}

/// A borrowed error.
#[derive(Clone, Debug)]
pub struct ErrorRef<'a> {
    /// The message.
    pub message: Cow<'a, str>,
    /// The kind, when the language has kinds.
    pub kind: Option<Cow<'a, str>>,
    /// What caused it.
    pub source: Option<ValueRef<'a>>,
}

/// A borrowed value of a kind this library does not know; see [`Extension`](super::Extension).
#[derive(Clone, Debug)]
pub struct ExtensionRef<'a> {
    /// The type.
    pub type_name: Cow<'a, str>,
    /// Parameters of the type.
    pub parameters: ValueRef<'a>,
    /// What stands for the value.
    pub storage: ValueRef<'a>,
}

macro_rules! from {
    ($($ty:ident => $x:ident $value:expr;)*) => {$(
        impl<'a> From<$ty<'a>> for ValueRef<'a> {
            fn from($x: $ty<'a>) -> Self { $value }
        }
    )*};
}

from! {
    FunctionRef => x ValueRef::Function(Box::new(x));
    UserFunctionRef => x ValueRef::Function(Box::new(FunctionRef::User(x)));
    EdgeRef => x ValueRef::Edge(Box::new(x));
    ErrorRef => x ValueRef::Error(Box::new(x));
    ExtensionRef => x ValueRef::Extension(Box::new(x));
}

impl<'a> ValueRef<'a> {
    /// A value that cannot be saved: the host's word for its kind, and why.
    pub fn unsupported(
        kind: impl Into<Cow<'a, str>>,
        reason: impl Into<Cow<'a, str>>,
    ) -> ValueRef<'a> {
        ValueRef::Unsupported {
            kind: kind.into(),
            reason: reason.into(),
        }
    }
}
