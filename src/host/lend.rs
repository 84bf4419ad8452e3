//! Lending a session of a host's to a save.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use super::keep::Keep;
use crate::error::{EnvError, Result};
use crate::limits::MAX_NESTING;
use crate::stack::with_room;
use crate::value::{ScopeRef, SharedContents, SharedId, ValueRef};
use crate::write::{ArchiveWriter, BindingOptions, SaveOptions, SaveReport};

/// How the values of a host look to a save.
///
/// Tensors and texts are borrowed where they are and not copied. What is inside a `RefCell` is
/// borrowed through a guard, which [`save`] keeps until the file is written; so is the handle, so
/// that nothing is freed meanwhile.
///
/// ```
/// use std::{cell::{Ref, RefCell}, rc::Rc};
/// use achronyme_env::host::{self, Lend, Lending};
/// use achronyme_env::{BindingOptions, SaveOptions, SharedId, TensorRef, ValueRef};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("session.ach");
///
/// enum Object {
///     Number(f64),
///     Tensor { data: Vec<f64>, shape: Vec<usize> },
///     List(Rc<Vec<Object>>),
///     Cell(Rc<RefCell<Object>>),
///     Socket,
/// }
///
/// struct Lender;
///
/// impl Lend for Lender {
///     type Value = Object;
///     type Handle = Rc<RefCell<Object>>;
///     type Guard<'h> = Ref<'h, Object>;
///
///     fn lend<'v>(&self, object: &'v Object, lending: &mut Lending<'_, Self::Handle>) -> ValueRef<'v> {
///         match object {
///             Object::Number(n) => ValueRef::Number(*n),
///             Object::Tensor { data, shape } => {
///                 let shape: Vec<u64> = shape.iter().map(|n| *n as u64).collect();
///                 match TensorRef::new(data, shape) {
///                     Ok(tensor) => tensor.into(),
///                     Err(error) => ValueRef::unsupported("tensor", error.to_string()),
///                 }
///             }
///             Object::List(list) => lending.nested(|lending| {
///                 ValueRef::Vector(list.iter().map(|item| self.lend(item, lending)).collect())
///             }),
///             Object::Cell(cell) => lending.cell(SharedId::of(&**cell), cell),
///             Object::Socket => ValueRef::unsupported("socket", "an open connection cannot be saved"),
///         }
///     }
///
///     fn open<'h>(&self, cell: &'h Self::Handle) -> Result<Ref<'h, Object>, String> {
///         cell.try_borrow().map_err(|_| "it is being written".to_owned())
///     }
///
///     fn contents<'g>(&self, guard: &'g Ref<'_, Object>, lending: &mut Lending<'_, Self::Handle>) -> ValueRef<'g> {
///         self.lend(guard, lending)
///     }
/// }
///
/// let tensor = Object::Tensor { data: vec![0.5; 6], shape: vec![2, 3] };
/// let cell = Object::Cell(Rc::new(RefCell::new(tensor)));
/// let list = Object::List(Rc::new(vec![Object::Number(1.0), Object::Socket]));
/// let session = [("weights", &cell), ("same", &cell), ("list", &list)];
/// let session = session.map(|(name, value)| (name, value, BindingOptions::new()));
/// let report = host::save(&Lender, &path, session, &SaveOptions::new())?;
/// assert_eq!(
///     report.findings[0].to_string(),
///     "list[1] (socket) is lost: an open connection cannot be saved"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Lend {
    /// A value of the host's.
    type Value;
    /// A cell or a scope of the host's, such as `Rc<RefCell<..>>`, or an enum of both. A clone of
    /// each that is met is kept until the file is written.
    type Handle: Clone;
    /// A cell or a scope that is being looked into, such as `Ref<'h, ..>`.
    type Guard<'h>
    where
        Self: 'h;

    /// The value as a save sees it. Cells are named with [`Lending::cell`], captured scopes with
    /// [`Lending::scope`]; what holds other values is made within [`Lending::nested`], which bounds
    /// the depth of the host's own recursion.
    fn lend<'v>(
        &self,
        value: &'v Self::Value,
        lending: &mut Lending<'_, Self::Handle>,
    ) -> ValueRef<'v>;

    /// Begins to look into a cell or scope: once for each, when its turn comes.
    ///
    /// # Errors
    /// The reason why it cannot be looked into, such as that it is borrowed for writing. It is then
    /// saved empty, and reported.
    fn open<'h>(&self, handle: &'h Self::Handle) -> Result<Self::Guard<'h>, String>;

    /// What it holds: any value for a cell, a [`ValueRef::Record`] of its bindings for a scope.
    fn contents<'g>(
        &self,
        guard: &'g Self::Guard<'_>,
        lending: &mut Lending<'_, Self::Handle>,
    ) -> ValueRef<'g>;
}

/// The cells and scopes a host names while it lends its values, and how deep it is in one.
#[derive(Debug)]
pub struct Lending<'h, H> {
    handles: &'h Keep<H>,
    /// By identity: the handle, and what it is.
    known: HashMap<SharedId, (&'h H, &'static str)>,
    depth: usize,
}

impl<H: Clone> Lending<'_, H> {
    /// A cell of the host's, told from others by `id`: usually [`SharedId::of`] what an `Rc` points
    /// to. A clone of `handle` is kept the first time.
    pub fn cell<'v>(&mut self, id: SharedId, handle: &H) -> ValueRef<'v> {
        self.know(id, "cell", || handle.clone());
        ValueRef::HostCell(id)
    }

    /// A scope of the host's; `handle` is asked for the first time it is met.
    pub fn scope(&mut self, id: SharedId, handle: impl FnOnce() -> H) -> ScopeRef {
        self.know(id, "scope", handle);
        ScopeRef::Host(id)
    }

    /// Makes a value that holds others. Beyond 128 levels `lend` is not called, so that the host's
    /// recursion ends; the save then answers [`EnvError::NestingTooDeep`] with the path.
    pub fn nested<'v>(&mut self, lend: impl FnOnce(&mut Self) -> ValueRef<'v>) -> ValueRef<'v> {
        if self.depth >= MAX_NESTING {
            // One level too deep by itself, whatever was to stand in it.
            return ValueRef::Vector(Vec::new());
        }
        self.depth += 1;
        let value = lend(self);
        self.depth -= 1;
        value
    }

    fn know(&mut self, id: SharedId, kind: &'static str, handle: impl FnOnce() -> H) {
        if let Entry::Vacant(place) = self.known.entry(id) {
            place.insert((self.handles.keep(handle()), kind));
        }
    }
}

/// Saves the bindings of a session, in the given order: name, value, and what may be said beside.
///
/// The cells and scopes of the session stay borrowed until the file is written: nothing may write
/// them meanwhile.
///
/// # Errors
/// As [`ArchiveWriter::add_from`] and [`ArchiveWriter::finish`]; the old file, if there is one, is
/// then as it was, except after [`EnvError::ReplacedNotDurable`].
pub fn save<'v, L: Lend, N: AsRef<str>>(
    host: &L,
    path: impl AsRef<Path>,
    bindings: impl IntoIterator<Item = (N, &'v L::Value, BindingOptions)>,
    options: &SaveOptions,
) -> Result<SaveReport>
where
    L::Value: 'v,
{
    // In this order, so that they are dropped from the last to the first.
    let handles = Keep::new();
    let guards = Keep::new();
    let mut contents = Contents {
        host,
        guards: &guards,
        lending: Lending {
            handles: &handles,
            known: HashMap::new(),
            depth: 0,
        },
    };
    let mut writer = ArchiveWriter::create(path, options)?;
    with_room(|| {
        bindings.into_iter().try_for_each(|(name, value, options)| {
            let value = contents.lend(value);
            writer.add_from(name.as_ref(), value, &options, &mut contents)
        })
    })?;
    writer.finish()
}

/// The contents of the host's cells and scopes, for the writer.
struct Contents<'l, 'g, 'h, L: Lend + 'h> {
    host: &'l L,
    guards: &'g Keep<L::Guard<'h>>,
    lending: Lending<'h, L::Handle>,
}

impl<L: Lend> Contents<'_, '_, '_, L> {
    fn lend<'v>(&mut self, value: &'v L::Value) -> ValueRef<'v> {
        self.lending.depth = 0;
        self.host.lend(value, &mut self.lending)
    }
}

impl<'g, 'h: 'g, L: Lend> SharedContents<'g> for Contents<'_, 'g, 'h, L> {
    fn contents(&mut self, id: SharedId) -> Result<ValueRef<'g>> {
        let Some((handle, kind)) = self.lending.known.get(&id).copied() else {
            return Err(EnvError::InvalidValue {
                what: "a cell or scope of the host's".to_owned(),
                reason: "it was named without `Lending::cell` or `Lending::scope`".to_owned(),
            });
        };
        let guard = match self.host.open(handle) {
            Ok(guard) => self.guards.keep(guard),
            Err(reason) => return Ok(ValueRef::unsupported(kind, reason)),
        };
        self.lending.depth = 0;
        Ok(self.host.contents(guard, &mut self.lending))
    }
}
